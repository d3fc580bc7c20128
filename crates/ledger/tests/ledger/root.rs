//! Trusted roots and how one follows another.

use sigma_core::Sha256;
use sigma_ledger::keys::{generate_issuer_key, generate_log_key};
use sigma_ledger::statement::RootChange;
use sigma_ledger::{RootError, TrustedRoot, UpdateError, update};

use crate::support::{BASE, ORIGIN, World, at, json, policy};

#[test]
fn a_root_is_read_as_it_was_written() {
    let world = World::new();
    let bytes = world.root.to_bytes();
    let read = TrustedRoot::parse(&bytes).unwrap();
    assert_eq!((read.version(), read.to_bytes()), (1, bytes));
    assert!(read.issuer(&world.issuer.public().id()).is_some() && read.issuer("x").is_none());
}

/// The log knows whole seconds: what is logged in the second in which a key came to be is logged in its time.
#[test]
fn a_key_is_good_from_the_second_on_in_which_it_came_to_be() {
    let mut world = World::new();
    let now = sigma_core::Timestamp::from_millis(at(10).as_millis() + 999);
    world.root = TrustedRoot::first(world.issuer.public(), world.log.key().public(), BASE, now).unwrap();
    let certificate = crate::support::certificate("demo", b"x");
    let attestation = json(&world.certify(&certificate));
    assert!(sigma_ledger::verify_statement(&attestation, &world.root, &policy()).is_ok());
}

#[test]
fn what_is_no_root_is_refused() {
    let world = World::new();
    let good: serde_json::Value = serde_json::from_slice(&world.root.to_bytes()).unwrap();
    let check = |pointer: &str, value: serde_json::Value| {
        let mut changed = good.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        assert!(TrustedRoot::parse(&json(&changed)).is_err(), "{pointer}");
    };
    check("/mediaType", "x".into());
    check("/issuers/0/publicKey", "AAAA".into());
    let ed25519 = good["logs"][0]["publicKey"].clone();
    check("/issuers/0/publicKey", ed25519);
    check("/logs/0/publicKey", good["issuers"][0]["publicKey"].clone());
    check("/logs/0/baseUrl", "https://elsewhere.example.org".into());
    check("/logs/0/origin", "two words".into());
    check("/witnesses", serde_json::json!(["w+00000000+AAAA"]));
    check("/witnesses", serde_json::json!([world.log.key().public().to_string()]));
    check("/witnessThreshold", 1.into());
    assert!(TrustedRoot::parse(b"{\"version\":1,\"version\":2}").is_err());
}

#[test]
fn keys_stay_and_what_ended_does_not_begin_again() {
    let world = World::new();
    let issuer = world.issuer.public().clone();
    let second = world.root.next(at(9), |root| root.retire(&issuer, at(10))).unwrap();
    assert_eq!(second.version(), 2);
    let refused = |result: Result<TrustedRoot, RootError>, reason: &str| {
        let error = result.unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    };
    refused(second.next(at(9), |root| root.retire(&issuer, at(99))), "time of a key was changed");
    let revoked = second.next(at(9), |root| root.revoke(&issuer, at(5), "stolen")).unwrap();
    refused(revoked.next(at(9), |root| root.revoke(&issuer, at(7), "stolen later")), "taken back");
    assert!(revoked.next(at(9), |root| root.revoke(&issuer, at(1), "stolen earlier")).is_ok());
    // By hand, as an attacker would.
    let forged = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut document: serde_json::Value = serde_json::from_slice(&revoked.to_bytes()).unwrap();
        change(&mut document);
        TrustedRoot::parse(&json(&document)).unwrap().check_follows(&second)
    };
    assert!(forged(&|_| ()).is_ok());
    assert!(forged(&|root| root["issuers"] = serde_json::json!([])).is_err(), "a key is gone");
    assert!(forged(&|root| root["logs"] = serde_json::json!([])).is_err(), "a log is gone");
    assert!(forged(&|root| root["version"] = 4.into()).is_err(), "a version is left out");
    assert!(forged(&|root| root["previous"] = serde_json::json!(Sha256::of(b""))).is_err(), "another one before");
    assert!(
        forged(&|root| root["issuers"][0]["validFor"]["start"] = serde_json::json!(at(1))).is_err(),
        "another start"
    );
}

#[test]
fn the_next_root_is_taken_when_the_log_says_so() {
    let mut world = World::new();
    let new = generate_issuer_key(&world.dir.path().join("new.pem")).unwrap();
    let next = world.root.next(at(20), |root| root.add_issuer(new.public(), at(20))).unwrap();
    let document = next.to_bytes();
    let change = RootChange { version: 2, sha256: Sha256::of(&document), reason: "A second key.".to_owned() };
    let proof = json(&world.attest(&change.statement().unwrap(), 20));
    let taken = update(&world.root, &document, &proof, &policy()).unwrap();
    assert!(taken.issuer(&new.public().id()).is_some());
    // The proof is of one document, and of one step.
    let other = world.root.next(at(21), |root| root.add_issuer(new.public(), at(20))).unwrap();
    let wrong =
        |root: &TrustedRoot, document: &[u8], proof: &[u8]| update(root, document, proof, &policy()).unwrap_err();
    assert!(matches!(wrong(&world.root, &other.to_bytes(), &proof), UpdateError::Proof(_)));
    assert!(matches!(wrong(&taken, &document, &proof), UpdateError::Root(_)));
    assert!(matches!(wrong(&world.root, &document, b"{}"), UpdateError::Proof(_)));
    let spaced = [&document[..], b" "].concat();
    assert!(matches!(wrong(&world.root, &spaced, &proof), UpdateError::Proof(_)));
    // Signed by a key that only the new root knows: nobody lets themselves in.
    let forged = json(&world.attest_by(&change.statement().unwrap(), 21, Some(&new)));
    assert!(wrong(&world.root, &document, &forged).to_string().contains("signature: the root has no issuer key"));
    // A certificate's statement is no change of roots.
    let other_kind = world.certify(&crate::support::certificate("demo", b"x"));
    assert!(
        wrong(&world.root, &document, &json(&other_kind)).to_string().contains("expected `urn:sigma:root-change:v1`")
    );
}

#[test]
fn a_log_can_have_a_new_key() {
    let world = World::new();
    let key = generate_log_key(&world.dir.path().join("log2.pem"), ORIGIN).unwrap();
    let old = world.log.key().public().key().clone();
    let next = world.root.next(at(9), |root| {
        root.add_log(key.public(), BASE, at(9));
        root.retire(&old, at(30));
    });
    let next = next.unwrap();
    assert!(next.log(&key.public().hash()).is_some() && next.log(&world.log.key().public().hash()).is_some());
    assert_eq!(next.to_sigstore()["tlogs"].as_array().unwrap().len(), 2);
    assert_eq!(next.to_sigstore()["tlogs"][0]["publicKey"]["validFor"]["end"], serde_json::json!(at(30)));
}
