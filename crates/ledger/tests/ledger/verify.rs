//! Certificates: what is proven, what is not, what fails and why.

use sigma_certificate::CertificateStatus;
use sigma_core::Sha256;
use sigma_ledger::bundle::CertificateBundle;
use sigma_ledger::keys::generate_issuer_key;
use sigma_ledger::statement::{
    CertificateClaim, CertificatePredicate, Decision, Kind, Revoked, Statement, StatusList, Subject,
};
use sigma_ledger::{
    Artifact, Name, Outcome, Policy, Report, Stale, State, Status, statement_digest, verify, verify_statement,
};

use crate::support::{World, at, certificate, certified, json, policy, verifier};

/// The outcome, and the check that failed with its reason.
fn fails(report: &Report, check: Name, reason: &str) {
    let failure = report.failure().unwrap_or_else(|| panic!("nothing failed: {report:#?}"));
    assert_eq!(report.outcome, Outcome::Invalid);
    assert!(failure.check == check && failure.detail.contains(reason), "got {failure:?}, expected {check:?}: {reason}");
}

#[test]
fn everything_is_proven_of_a_good_certificate() {
    let (world, certificate, bundle) = certified();
    let artifact = Artifact::File(Sha256::of(b"the distribution"));
    let report = verify(&json(&bundle), &world.root, Some(artifact), &policy());
    assert_eq!(report.outcome, Outcome::Valid, "{report:#?}");
    assert_eq!(report.certificate_id.as_deref(), Some(certificate.id()));
    assert_eq!((report.log_index, report.logged_at), (Some(300), Some(at(10))));
    assert_eq!(report.properties, ["SIGMA_AUDITED", "SIGMA_APPROVED", "SIGMA_LEVEL_CLEAR"]);
    for check in &report.checks {
        let open = [Name::Witnesses, Name::Anchor].contains(&check.check);
        let expected = if open { State::NotProven } else { State::Proven };
        assert_eq!(check.state, expected, "{check:?}");
    }
    let names: Vec<_> = report.checks.iter().map(|check| check.check).collect();
    assert_eq!(names, Name::ALL);
    // What the payload hash is over is what the public answer says it is.
    assert!(report.checks[8].detail.starts_with(certificate.payload_hash()));
}

#[test]
fn what_was_not_given_is_not_proven() {
    let (world, _, mut bundle) = certified();
    let report = world.verify(&bundle);
    assert_eq!((report.outcome, report.state(Name::Artifact)), (Outcome::Valid, State::NotProven));
    // The sigstore bundle alone proves the statement.
    let alone = verify(&json(&bundle.attestation), &world.root, None, &policy());
    assert_eq!(alone.outcome, Outcome::ValidFreshnessUnknown);
    assert_eq!((alone.state(Name::Statement), alone.state(Name::Payload)), (State::Proven, State::NotProven));
    bundle.status = None;
    let report = world.verify(&bundle);
    assert_eq!((report.outcome, report.state(Name::Status)), (Outcome::ValidFreshnessUnknown, State::NotProven));
    let refuse = Policy { stale: Stale::Refuse, ..policy() };
    fails(&verify(&json(&bundle), &world.root, None, &refuse), Name::Status, "no status list");
}

#[test]
fn another_file_is_not_what_was_certified() {
    let (world, _, bundle) = certified();
    let artifact = |artifact| verify(&json(&bundle), &world.root, Some(artifact), &policy());
    fails(&artifact(Artifact::File(Sha256::of(b"another"))), Name::Artifact, "not among what was certified");
    fails(&artifact(Artifact::FileSet(Sha256::of(b"files"))), Name::Artifact, "sha256-sorted-files-v1");
}

#[test]
fn a_file_set_and_its_commit_are_subjects_too() {
    let mut world = World::new();
    let hash = Sha256::of(b"the set");
    let canonical = br#"{"any":"payload"}"#;
    let predicate = CertificatePredicate {
        verifier: verifier(),
        time_created: at(5),
        properties: vec!["SIGMA_AUDITED".to_owned()],
        sigma_certificate: CertificateClaim::of("sig", "sigma-submission-certificate/1", canonical),
    };
    assert!(predicate.clone().statement(Vec::new()).is_err(), "about nothing");
    let subject = Subject::file_set("https://git.example.org/tool", &hash, Some(&"a".repeat(40)));
    let attestation = world.attest(&predicate.statement(vec![subject]).unwrap(), 10);
    let status = world.status(Vec::new(), 100);
    let bundle = CertificateBundle::new(attestation, canonical, Some(status)).unwrap();
    let check = |artifact| verify(&json(&bundle), &world.root, Some(artifact), &policy());
    let report = check(Artifact::FileSet(hash));
    assert_eq!(report.outcome, Outcome::Valid, "{report:#?}");
    assert_eq!(report.subjects[0].digest["gitCommit"], "a".repeat(40));
    fails(&check(Artifact::File(hash)), Name::Artifact, "not among what was certified");
}

#[test]
fn a_payload_of_another_certificate_is_noticed() {
    let (world, _, mut bundle) = certified();
    let good = bundle.payload.clone();
    bundle.payload["securityLevel"] = "MONITORED".into();
    fails(&world.verify(&bundle), Name::Payload, "keccak256");
    bundle.payload = serde_json::from_slice(certificate("other", b"x").canonical()).unwrap();
    fails(&world.verify(&bundle), Name::Payload, "keccak256");
    bundle.payload = good;
    assert_eq!(world.verify(&bundle).outcome, Outcome::Valid);
}

#[test]
fn what_was_revoked_is_not_valid_even_by_an_old_list() {
    let (mut world, certificate, mut bundle) = certified();
    let claim = CertificateClaim::of("pkg", "sigma-package-certificate/1", certificate.canonical());
    let decision = Decision {
        certificate: claim,
        status: CertificateStatus::Revoked,
        security_level: sigma_core::SecurityLevel::Blocked,
        reason: "It was hijacked.".to_owned(),
        decided_at: at(150),
    };
    let entry = world.attest(&decision.statement().unwrap(), 150);
    // A monitor reads the log: the leaf leads to the statement, which says what was decided.
    let logged = world.log.reader().unwrap().entry(entry.entry().log_index.0).unwrap();
    assert_eq!(statement_digest(&logged), Some(entry.dsse_envelope.digest()));
    assert_eq!(statement_digest(b"filler 3"), None);
    let attested = verify_statement(&json(&entry), &world.root, &policy()).unwrap();
    assert_eq!(attested.statement.predicate::<Decision>(Kind::Decision).unwrap(), decision);
    assert!(attested.statement.predicate::<StatusList>(Kind::StatusList).is_err());
    let revoked = Revoked {
        certificate_id: certificate.id().to_owned(),
        status: CertificateStatus::Revoked,
        at: at(150),
        log_index: entry.entry().log_index.0,
    };
    assert_eq!(world.verify(&bundle).outcome, Outcome::Valid, "the older list does not know yet");
    bundle.status = Some(world.status(vec![revoked], 160));
    fails(&world.verify(&bundle), Name::Status, "REVOKED at");
    let later = Policy::at(at(1_000_000));
    fails(&verify(&json(&bundle), &world.root, None, &later), Name::Status, "REVOKED at");
}

#[test]
fn an_expired_list_says_nothing_and_the_policy_decides() {
    let (world, _, bundle) = certified();
    let at_time =
        |seconds, stale| verify(&json(&bundle), &world.root, None, &Policy { stale, ..Policy::at(at(seconds)) });
    assert_eq!(at_time(3699, Stale::Refuse).outcome, Outcome::Valid);
    let report = at_time(3700, Stale::Warn);
    assert_eq!((report.outcome, report.state(Name::Status)), (Outcome::ValidFreshnessUnknown, State::NotProven));
    fails(&at_time(3700, Stale::Refuse), Name::Status, "expired");
    // A list of the future, beyond what clocks may differ.
    fails(&at_time(-100_000, Stale::Warn), Name::LogTime, "in the future");
    fails(&at_time(-250, Stale::Warn), Name::Status, "the status list: log-time: it was logged in the future");
}

/// One list for many bundles: it counts in the place of theirs.
#[test]
fn a_list_that_the_caller_has_counts() {
    let (mut world, certificate, mut bundle) = certified();
    let revoked = Revoked {
        certificate_id: certificate.id().to_owned(),
        status: CertificateStatus::Overridden,
        at: at(150),
        log_index: 7,
    };
    let (old, new) = (world.status(vec![], 101), world.status(vec![revoked], 160));
    let with = |bundle: &CertificateBundle, list: &sigma_ledger::bundle::Bundle, seconds| {
        let list = Status::read(&json(list), &world.root, &Policy::at(at(seconds))).unwrap();
        let policy = Policy { status: Some(std::sync::Arc::new(list)), ..Policy::at(at(seconds)) };
        verify(&json(bundle), &world.root, None, &policy)
    };
    assert_eq!(with(&bundle, &old, 200).outcome, Outcome::Valid);
    fails(&with(&bundle, &new, 200), Name::Status, "OVERRIDDEN at");
    bundle.status = None;
    assert_eq!(with(&bundle, &old, 200).outcome, Outcome::Valid);
    assert_eq!(with(&bundle, &old, 9000).outcome, Outcome::ValidFreshnessUnknown);
    let mut forged = old.clone();
    forged.dsse_envelope.payload.0[20] ^= 1;
    let error = Status::read(&json(&forged), &world.root, &policy()).unwrap_err().to_string();
    assert!(error.contains("signature"), "{error}");
    assert!(Status::read(&json(&bundle.attestation), &world.root, &policy()).is_err(), "a certificate is no list");
}

#[test]
fn a_list_that_cannot_be_is_refused() {
    let (mut world, certificate, mut bundle) = certified();
    let checkpoint = world.log.reader().unwrap().checkpoint().clone();
    assert!(StatusList::new(at(5), at(5), &checkpoint, vec![]).statement(&checkpoint).is_err(), "it never holds");
    let list = StatusList { as_of: at(5), expires: at(5), log_size: 3, revoked: Vec::new() };
    let mut status = |list: &StatusList| {
        let subject = Subject::file("log", &Sha256::of(b""));
        let statement = Statement::new(Kind::StatusList, vec![subject], list).unwrap();
        bundle.status = Some(world.attest(&statement, 100));
        world.verify(&bundle)
    };
    fails(&status(&list), Name::Status, "which cannot be");
    fails(&status(&StatusList { expires: at(10), log_size: 100_000, ..list.clone() }), Name::Status, "100000 entries");
    fails(&status(&StatusList { as_of: at(9000), expires: at(9999), ..list.clone() }), Name::Status, "which cannot be");
    // A certificate is no status list, and the other way round.
    bundle.status = Some(bundle.attestation.clone());
    fails(&world.verify(&bundle), Name::Status, "expected `urn:sigma:status-list:v1`");
    bundle.attestation = world.status(Vec::new(), 120);
    fails(&world.verify(&bundle), Name::Statement, "expected `https://in-toto.io/attestation/svr/v0.2`");
    let _ = certificate;
}

#[test]
fn keys_count_at_the_time_of_the_log() {
    let (mut world, certificate, bundle) = certified();
    let old = world.issuer.public().clone();
    let new = generate_issuer_key(&world.dir.path().join("new.pem")).unwrap();
    // Both keys are good from 50 to 120.
    let root = world.root.next(at(50), |root| {
        root.add_issuer(new.public(), at(50));
        root.retire(&old, at(120));
    });
    let root = root.unwrap();
    let with = |bundle: &CertificateBundle, root: &_| verify(&json(bundle), root, None, &Policy::at(at(200)));
    assert_eq!(with(&bundle, &root).outcome, Outcome::Valid, "logged at 10 and 100: the end came later");
    fails(
        &with(&CertificateBundle { attestation: late(&mut world, &certificate, 120), ..bundle.clone() }, &root),
        Name::LogTime,
        "the key of the issuer expired",
    );
    let statement = CertificatePredicate::package(&certificate, verifier()).unwrap();
    // At 130 by the new one; the pinned root does not know it yet.
    let attestation = world.attest_by(&statement, 130, Some(&new));
    let renewed = CertificateBundle { attestation, ..bundle.clone() };
    assert_eq!(with(&renewed, &root).outcome, Outcome::Valid);
    fails(&with(&renewed, &world.root), Name::Signature, "the root has no issuer key");

    let stolen = root.next(at(140), |root| root.revoke(&old, at(60), "stolen")).unwrap();
    assert_eq!(
        with(&CertificateBundle { status: None, ..bundle.clone() }, &stolen).outcome,
        Outcome::ValidFreshnessUnknown
    );
    fails(&with(&bundle, &stolen), Name::Status, "revoked since");
    let lost = root.next(at(140), |root| root.revoke(&old, at(0), "lost")).unwrap();
    fails(&with(&bundle, &lost), Name::LogTime, "the key of the issuer is revoked since");
    let log = world.log.key().public().key().clone();
    let lost = root.next(at(140), |root| root.revoke(&log, at(0), "lost")).unwrap();
    fails(&with(&bundle, &lost), Name::LogTime, "the key of the log is revoked since");
    let future =
        sigma_ledger::TrustedRoot::first(&old, world.log.key().public(), crate::support::BASE, at(11)).unwrap();
    fails(&with(&bundle, &future), Name::LogTime, "is good from");
}

fn late(
    world: &mut World,
    certificate: &sigma_certificate::PackageCertificate,
    seconds: i64,
) -> sigma_ledger::bundle::Bundle {
    let statement = CertificatePredicate::package(certificate, verifier()).unwrap();
    world.attest(&statement, seconds)
}

#[test]
fn another_issuer_or_log_is_not_ours() {
    let (world, _, bundle) = certified();
    let (other, _, theirs) = certified();
    fails(&verify(&json(&theirs), &world.root, None, &policy()), Name::Signature, "no issuer key");
    // The right signature, from the wrong log.
    let mut mixed = bundle.clone();
    let entry = theirs.attestation.entry().clone();
    mixed.attestation.verification_material.tlog_entries = [entry];
    fails(&world.verify(&mixed), Name::Entry, "not that of this envelope");
    let mut mixed = bundle.clone();
    let [entry] = &mut mixed.attestation.verification_material.tlog_entries;
    entry.log_id = theirs.attestation.entry().log_id.clone();
    fails(&world.verify(&mixed), Name::Checkpoint, "no log with this id");
    let mut mixed = bundle.clone();
    let [entry] = &mut mixed.attestation.verification_material.tlog_entries;
    entry.inclusion_proof.checkpoint = theirs.attestation.entry().inclusion_proof.checkpoint.clone();
    fails(&world.verify(&mixed), Name::Checkpoint, "not signed by the log");
    drop(other);
}

/// A good proof of another certificate does not prove this one.
#[test]
fn a_replayed_entry_is_noticed() {
    let (mut world, _, bundle) = certified();
    let other = certificate("other", b"other");
    let second = world.certify(&other);
    let mut replayed = bundle.clone();
    replayed.attestation.verification_material = second.verification_material.clone();
    fails(&world.verify(&replayed), Name::Entry, "not that of this envelope");
    replayed = bundle.clone();
    replayed.attestation.dsse_envelope = second.dsse_envelope.clone();
    fails(&world.verify(&replayed), Name::Entry, "not that of this envelope");
    // All of the other's attestation: it is a good one, of another payload.
    replayed = bundle.clone();
    replayed.attestation = second;
    fails(&world.verify(&replayed), Name::Payload, "keccak256");
}

#[test]
fn what_is_no_bundle_is_refused_and_says_why() {
    let (world, _, bundle) = certified();
    let check = |bytes: &[u8], reason: &str| fails(&verify(bytes, &world.root, None, &policy()), Name::Format, reason);
    let text = String::from_utf8(json(&bundle)).unwrap();
    check(b"", "EOF");
    check(b"{}", "got the type ``");
    check(b"\xef\xbb\xbf{}", "expected value");
    check(&text.as_bytes()[..text.len() - 1], "EOF");
    check(format!("{text} x").as_bytes(), "trailing");
    check(text.replacen("{", "{\"mediaType\":\"x\",", 1).as_bytes(), "twice");
    check(text.replacen("{", "{\"more\":1,", 1).as_bytes(), "unknown field");
    check(text.replacen("\"signatures\":[", "\"signatures\":[[],", 1).as_bytes(), "expected");
    check(text.replacen("\"tlogEntries\":[{", "\"tlogEntries\":[null,{", 1).as_bytes(), "invalid type: null");
    check(text.replacen("\"logIndex\":\"300\"", "\"logIndex\":\"0300\"", 1).as_bytes(), "whole number");
    check(text.replacen("\"logIndex\":\"300\"", "\"logIndex\":\"-1\"", 1).as_bytes(), "whole number");
    check(
        text.replacen("\"registryAdvisoryCount\":0", "\"registryAdvisoryCount\":0.0", 1).as_bytes(),
        "expected an integer",
    );
    check(&vec![b' '; (16 << 20) + 1], "expected at most");
    let deep = [vec![b'['; 200_000], vec![b']'; 200_000]].concat();
    check(&deep, "recursion limit");
}
