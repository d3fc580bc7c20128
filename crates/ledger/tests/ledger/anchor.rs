//! What a bundle says of a chain: proven as far as it can be without a node, and settled by what a node says.

use sigma_certificate::PackageCertificate;
use sigma_ledger::bundle::{CertificateBundle, Int64};
use sigma_ledger::{Anchor, AnchorAnswer, AnchoredLog, Base64, ClaimedRoot, Hex, Name, Outcome, Report, State, verify};

use crate::others::{compare, installed};
use crate::support::{World, certified, json, policy};

/// A certificate whose log was put on a chain when it had `size` entries.
fn anchored(size: u64) -> (World, PackageCertificate, CertificateBundle) {
    let (world, certificate, bundle) = certified();
    let reader = world.log.reader().unwrap();
    let log = AnchoredLog {
        size: Int64(size),
        root_hash: Base64(reader.root(size).unwrap().to_vec()),
        hashes: reader.inclusion_at(300, size).unwrap().into_iter().map(|hash| Base64(hash.to_vec())).collect(),
    };
    let anchor = Anchor {
        chain_id: Int64(143),
        contract: Hex([7; 20]),
        transaction: Some(Hex([8; 32])),
        block: Int64(99),
        log: Some(log),
    };
    let bundle = bundle.with_anchor(Some(anchor));
    (world, certificate, bundle)
}

fn check(world: &World, bundle: &CertificateBundle) -> Report {
    verify(&json(bundle), &world.root, None, &policy())
}

#[test]
fn a_root_on_a_chain_is_reached_from_the_entry() {
    // The first size that has it, some size, and the size of the checkpoint.
    for size in [301, 305, 311] {
        let (world, _, bundle) = anchored(size);
        let report = check(&world, &bundle);
        assert_eq!(
            (report.outcome, report.state(Name::Anchor)),
            (Outcome::Valid, State::NotProven),
            "no node was asked"
        );
        let claim = report.anchor.unwrap();
        let root = world.log.reader().unwrap().root(size).unwrap();
        assert_eq!(claim.root, Some(ClaimedRoot { log_size: size, log_root: Hex(root) }));
        assert_eq!((claim.chain_id, claim.contract, claim.block), (143, Hex([7; 20]), 99));
    }
    let (world, _, _) = certified();
    let reader = world.log.reader().unwrap();
    assert!(reader.inclusion_at(300, 300).is_err(), "it had no such entry then");
    assert!(reader.inclusion_at(300, 9999).is_err(), "it is not that large");
}

/// Of what a bundle says about a chain, only the proof can be checked without a node. Any other byte changes the claim, which a node then
/// has to answer: none is passed over.
#[test]
fn every_byte_of_an_anchor_is_covered() {
    let (world, _, bundle) = anchored(305);
    let good = json(&bundle);
    let claim = check(&world, &bundle).anchor.expect("a claim");
    let text = format!("\"anchor\":{}", String::from_utf8(json(&bundle.anchor)).unwrap());
    let start = String::from_utf8(good.clone()).unwrap().find(&text).unwrap();
    let mut bytes = good.clone();
    let (mut named, mut other) = (0, 0);
    for position in start..start + text.len() {
        for mask in [0x01, 0x20, 0x80] {
            bytes[position] ^= mask;
            let report = verify(&bytes, &world.root, None, &policy());
            match report.failure() {
                Some(failure) => {
                    assert!(matches!(failure.check, Name::Anchor | Name::Format), "byte {position}: {failure:?}");
                    named += 1;
                }
                None => {
                    assert_eq!(report.state(Name::Anchor), State::NotProven, "byte {position}");
                    assert_ne!(report.anchor.as_ref(), Some(&claim), "byte {position} was passed over");
                    other += 1;
                }
            }
            bytes[position] ^= mask;
        }
    }
    assert!(named > other && other > 0, "{named} {other}");
}

#[test]
fn what_does_not_lead_there_is_named() {
    let (world, certificate, bundle) = anchored(305);
    let fails = |change: &dyn Fn(&mut AnchoredLog), expect: &str| {
        let mut changed = bundle.clone();
        change(changed.anchor.as_mut().unwrap().log.as_mut().unwrap());
        let report = check(&world, &changed);
        let failure = report.failure().expect("it fails").clone();
        assert_eq!((report.outcome, failure.check, &report.anchor), (Outcome::Invalid, Name::Anchor, &None));
        assert!(failure.detail.contains(expect), "{failure:?}");
    };
    let not = "it does not lead from entry 300 to the root";
    // A size nearby may have the same path; then the contract tells them apart.
    fails(&|log| log.size = Int64(512), not);
    fails(&|log| log.size = Int64(300), not);
    fails(&|log| log.size = Int64(0), not);
    fails(&|log| log.root_hash.0[0] ^= 1, not);
    fails(&|log| log.root_hash.0.truncate(31), "the root has not 32 bytes");
    fails(&|log| log.hashes.truncate(2), not);
    fails(&|log| log.hashes.push(Base64(vec![0; 32])), not);
    fails(&|log| log.hashes = vec![Base64(vec![0; 32]); 64], "got a proof of 64 hashes");
    fails(&|log| log.hashes[0] = Base64(vec![0; 33]), "a hash of the proof has not 32 bytes");
    for at in 0..bundle.anchor.as_ref().unwrap().log.as_ref().unwrap().hashes.len() {
        fails(&|log| log.hashes[at].0[at] ^= 1, not);
    }
    // A certificate of its own on a chain needs no proof: its payload is checked already.
    let mut alone = bundle.clone();
    alone.anchor.as_mut().unwrap().log = None;
    let claim = check(&world, &alone).anchor.unwrap();
    assert_eq!((claim.root, claim.payload_hash.to_string()), (None, certificate.payload_hash().to_owned()));
    // One spelling.
    let text = String::from_utf8(json(&bundle)).unwrap();
    for (from, to) in [("0x0707", "0x070"), ("0x0808", "0X0808"), ("\"143\"", "143"), ("\"block\"", "\"blocks\"")] {
        let report = verify(text.replacen(from, to, 1).as_bytes(), &world.root, None, &policy());
        assert_eq!(report.failure().unwrap().check, Name::Format, "{from}");
    }
}

#[test]
fn a_node_has_the_last_word() {
    let (world, _, bundle) = anchored(305);
    let settled = |answer: AnchorAnswer| {
        let mut report = check(&world, &bundle);
        report.settle_anchor(answer);
        (report.outcome, report.state(Name::Anchor))
    };
    assert_eq!(settled(AnchorAnswer::There("yes".to_owned())), (Outcome::Valid, State::Proven));
    assert_eq!(settled(AnchorAnswer::Missing("no".to_owned())), (Outcome::Invalid, State::Failed));
    assert_eq!(settled(AnchorAnswer::Unknown("down".to_owned())), (Outcome::Valid, State::NotProven));
    // Without a claim there is nothing to settle.
    let (world, _, bundle) = certified();
    let mut report = check(&world, &bundle);
    report.settle_anchor(AnchorAnswer::There("yes".to_owned()));
    assert_eq!(report.state(Name::Anchor), State::NotProven);
}

/// The second implementation says the same, on bundles that differ in a byte of what they say of a chain.
#[test]
fn python_agrees_on_anchors() {
    let Some(python) = installed("python/bin/python") else { return };
    let (world, _, bundle) = anchored(305);
    let with = |change: &dyn Fn(&mut Anchor)| {
        let mut changed = bundle.clone();
        change(changed.anchor.as_mut().unwrap());
        json(&changed)
    };
    let mut documents = vec![
        json(&bundle),
        with(&|anchor| anchor.log = None),
        with(&|anchor| anchor.transaction = None),
        with(&|anchor| anchor.log.as_mut().unwrap().size = Int64(306)),
        with(&|anchor| anchor.log.as_mut().unwrap().hashes.clear()),
        with(&|anchor| anchor.log.as_mut().unwrap().hashes = vec![Base64(vec![0; 32]); 64]),
        String::from_utf8(json(&bundle)).unwrap().replace("\"anchor\":{", "\"anchor\":{\"more\":1,").into_bytes(),
    ];
    let text = String::from_utf8(json(&bundle)).unwrap();
    let start = text.find("\"anchor\"").unwrap();
    let end = start + text[start..].find("\"attestation\"").unwrap();
    for position in (start..end).step_by(3) {
        let mut bytes = text.clone().into_bytes();
        bytes[position] ^= 1 << (position % 6);
        documents.push(bytes);
    }
    assert!(documents.len() > 150);
    compare(&python, &world.root, &policy(), &documents);
}
