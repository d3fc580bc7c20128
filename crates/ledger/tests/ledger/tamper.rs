//! Whoever changes anything is noticed, and what they changed is named.

use proptest::prelude::*;
use serde_json::Value;
use sigma_ledger::bundle::CertificateBundle;
use sigma_ledger::{Artifact, Name, Outcome, Report, verify};

use crate::support::{World, certified, json, policy, respelled};

fn report(world: &World, bytes: &[u8]) -> Report {
    let artifact = Artifact::File(sigma_core::Sha256::of(b"the distribution"));
    verify(bytes, &world.root, Some(artifact), &policy())
}

/// Every byte of a bundle, with every kind of change to it that makes another byte: no report is that of the good one.
#[test]
fn every_byte_of_a_bundle_is_covered() {
    let (world, _, bundle) = certified();
    let good = json(&bundle);
    assert_eq!(report(&world, &good).outcome, Outcome::Valid);
    let mut bytes = good.clone();
    for position in 0..good.len() {
        for mask in [0x01, 0x20, 0x80] {
            bytes[position] ^= mask;
            let report = report(&world, &bytes);
            assert!(report.failure().is_some(), "byte {position}, mask {mask}: {}", context(&good, position));
            bytes[position] ^= mask;
        }
    }
}

/// A text is not the bytes that it spells: another base64 of the same is refused.
#[test]
fn bytes_that_are_spelled_another_way_are_refused() {
    let (world, _, bundle) = certified();
    let good = json(&bundle);
    let spelled = bundle.attestation.entry();
    // The root stands in the note of the checkpoint first.
    let (body, root) = (&spelled.canonicalized_body, &spelled.inclusion_proof.root_hash);
    for (text, expect) in [(body.to_string(), Name::Format), (root.to_string(), Name::Checkpoint)] {
        let bytes = respelled(&good, &text);
        assert_eq!(report(&world, &bytes).failure().map(|check| check.check), Some(expect), "{text}");
    }
}

fn context(bytes: &[u8], position: usize) -> String {
    String::from_utf8_lossy(&bytes[position.saturating_sub(40)..(position + 40).min(bytes.len())]).into_owned()
}

/// Which check notices a change at a place in the document. Whatever is nested below counts, too.
const PLACES: &[(&str, Name)] = &[
    ("/mediaType", Name::Format),
    ("/attestation/mediaType", Name::Format),
    ("/attestation/verificationMaterial/publicKey/hint", Name::Signature),
    ("/attestation/dsseEnvelope/payloadType", Name::Signature),
    ("/attestation/dsseEnvelope/payload", Name::Signature),
    ("/attestation/dsseEnvelope/signatures", Name::Signature),
    ("/attestation/verificationMaterial/tlogEntries/0/kindVersion", Name::Entry),
    ("/attestation/verificationMaterial/tlogEntries/0/canonicalizedBody", Name::Entry),
    ("/attestation/verificationMaterial/tlogEntries/0/logId", Name::Checkpoint),
    ("/attestation/verificationMaterial/tlogEntries/0/inclusionProof/checkpoint", Name::Checkpoint),
    ("/attestation/verificationMaterial/tlogEntries/0/inclusionProof/treeSize", Name::Checkpoint),
    ("/attestation/verificationMaterial/tlogEntries/0/inclusionProof/rootHash", Name::Checkpoint),
    ("/attestation/verificationMaterial/tlogEntries/0/inclusionProof/logIndex", Name::Inclusion),
    ("/attestation/verificationMaterial/tlogEntries/0/inclusionProof/hashes", Name::Inclusion),
    ("/attestation/verificationMaterial/tlogEntries/0/logIndex", Name::Inclusion),
    ("/attestation/verificationMaterial/tlogEntries/0/integratedTime", Name::LogTime),
    ("/attestation/verificationMaterial/tlogEntries/0/inclusionPromise", Name::LogTime),
    ("/payload", Name::Payload),
    ("/status", Name::Status),
];

/// Every text and number of the document, by its path.
fn leaves(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(key, value)| leaves(value, &format!("{path}/{key}"), found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, value)| leaves(value, &format!("{path}/{index}"), found));
        }
        _ => found.push(path.to_owned()),
    }
}

#[test]
fn a_change_of_any_field_is_named_by_its_check() {
    let (world, _, bundle) = certified();
    let document = serde_json::to_value(&bundle).unwrap();
    let mut paths = Vec::new();
    leaves(&document, "", &mut paths);
    assert!(paths.len() > 60, "{}", paths.len());
    for path in paths {
        let (_, expected) =
            PLACES.iter().find(|(place, _)| path.starts_with(place)).unwrap_or_else(|| panic!("{path}"));
        let mut changed = document.clone();
        let leaf = changed.pointer_mut(&path).unwrap();
        *leaf = another(leaf);
        let report = report(&world, &json(&changed));
        let failure = report.failure().unwrap_or_else(|| panic!("{path} was not noticed"));
        // Base64 and numbers of another shape may already be no bundle.
        assert!(failure.check == *expected || failure.check == Name::Format, "{path}: {failure:?}");
    }
}

/// Another value of the same kind, of the same shape where it has one.
fn another(value: &Value) -> Value {
    match value {
        Value::String(text) if text.len() > 8 && !text.contains(['-', ':', '/']) && text.is_ascii() => {
            let mut bytes = text.clone().into_bytes();
            let middle = bytes.len() / 2;
            bytes[middle] = if bytes[middle] == b'1' { b'2' } else { b'1' };
            String::from_utf8(bytes).unwrap().into()
        }
        Value::String(text) => format!("{text}1").into(),
        Value::Number(number) => (number.as_u64().unwrap_or(0) + 1).into(),
        Value::Null => "something".into(),
        Value::Bool(value) => (!value).into(),
        other => other.clone(),
    }
}

/// What is left out is noticed like what is changed.
#[test]
fn nothing_can_be_left_out() {
    let (world, _, bundle) = certified();
    let document = serde_json::to_value(&bundle).unwrap();
    let check = |pointer: &str, key: &str| {
        let mut changed = document.clone();
        changed.pointer_mut(pointer).unwrap().as_object_mut().unwrap().remove(key).expect(key);
        assert!(report(&world, &json(&changed)).failure().is_some(), "{pointer}/{key} was not missed");
    };
    for key in ["mediaType", "attestation", "payload"] {
        check("", key);
    }
    let entry = "/attestation/verificationMaterial/tlogEntries/0";
    for pointer in ["/attestation", "/attestation/dsseEnvelope", entry, &format!("{entry}/inclusionProof"), "/payload"]
    {
        for key in document.pointer(pointer).unwrap().as_object().unwrap().keys() {
            check(pointer, key);
        }
    }
}

/// Bytes inside what base64 wraps: of the statement, the signature, the leaf, the promise, every hash, the checkpoint.
#[test]
fn every_byte_below_base64_is_covered() {
    let (world, _, bundle) = certified();
    let check = |what: &str, expected: Name, bytes: &dyn Fn(&mut CertificateBundle) -> &mut Vec<u8>| {
        let length = bytes(&mut bundle.clone()).len();
        for position in 0..length {
            let mut changed = bundle.clone();
            bytes(&mut changed)[position] ^= 1 << (position % 8);
            let report = report(&world, &json(&changed));
            let failure = report.failure().unwrap_or_else(|| panic!("byte {position} of {what}"));
            assert_eq!(failure.check, expected, "byte {position} of {what}");
        }
        let mut longer = bundle.clone();
        bytes(&mut longer).push(0);
        assert!(report(&world, &json(&longer)).failure().is_some(), "{what}, longer");
        let mut shorter = bundle.clone();
        bytes(&mut shorter).pop();
        assert!(report(&world, &json(&shorter)).failure().is_some(), "{what}, shorter");
    };
    check("statement", Name::Signature, &|bundle| &mut bundle.attestation.dsse_envelope.payload.0);
    check("signature", Name::Signature, &|bundle| &mut bundle.attestation.dsse_envelope.signatures[0].sig.0);
    check("leaf", Name::Entry, &|bundle| &mut entry(bundle).canonicalized_body.0);
    check("log id", Name::Checkpoint, &|bundle| &mut entry(bundle).log_id.key_id.0);
    check("root", Name::Checkpoint, &|bundle| &mut entry(bundle).inclusion_proof.root_hash.0);
    check("promise", Name::LogTime, &|bundle| &mut entry(bundle).inclusion_promise.signed_entry_timestamp.0);
    for hash in 0..bundle.attestation.entry().inclusion_proof.hashes.len() {
        check("proof", Name::Inclusion, &|bundle| &mut entry(bundle).inclusion_proof.hashes[hash].0);
    }
}

fn entry(bundle: &mut CertificateBundle) -> &mut sigma_ledger::bundle::TlogEntry {
    &mut bundle.attestation.verification_material.tlog_entries[0]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Any number of changes anywhere: never valid, never a panic.
    #[test]
    fn no_set_of_changes_is_valid(changes in prop::collection::vec((any::<prop::sample::Index>(), 1_u8..), 1..6)) {
        thread_local! {
            static WORLD: (World, Vec<u8>) = { let (world, _, bundle) = certified(); (world, json(&bundle)) };
        }
        WORLD.with(|(world, good)| {
            let mut bytes = good.clone();
            for (index, mask) in changes {
                bytes[index.index(good.len())] ^= mask;
            }
            prop_assume!(bytes != *good);
            prop_assert_eq!(report(world, &bytes).outcome, Outcome::Invalid);
            Ok(())
        })?;
    }

    /// Bytes of anybody.
    #[test]
    fn garbage_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        thread_local! {
            static WORLD: World = World::new();
        }
        let failed = WORLD.with(|world| report(world, &bytes).failure().map(|check| check.check));
        prop_assert_eq!(failed, Some(Name::Format));
    }
}
