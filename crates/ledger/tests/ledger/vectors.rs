//! The files in `docs/verify/vectors`, which other implementations are checked with.

use std::process::{Command, Stdio};

use serde_json::{Value, json};
use sigma_core::Sha256;
use sigma_ledger::{Artifact, Policy, TrustedRoot, verify};

use crate::others::{installed, lines, ours};
use crate::support::{World, at};

/// Vectors of strict reading, canonical form and hashes: the files that other implementations are checked with.
#[test]
fn vectors_are_reproduced() {
    let folder = ours("../../docs/verify/vectors");
    let vectors: Vec<Value> = serde_json::from_slice(&std::fs::read(folder.join("canonical.json")).unwrap()).unwrap();
    assert!(vectors.len() > 30);
    for vector in vectors {
        let name = &vector["name"];
        let input = vector["input"].as_str().unwrap().as_bytes();
        match sigma_certificate::admit_canonical(input, 1 << 20) {
            Err(error) => assert_eq!(vector["refused"], true, "{name}: {error}"),
            Ok(bytes) => {
                assert_eq!(vector["canonical"].as_str(), Some(std::str::from_utf8(&bytes).unwrap()), "{name}");
                assert_eq!(vector["sha256"], Sha256::of(&bytes).to_string(), "{name}");
                assert_eq!(vector["keccak256"], sigma_certificate::payload_hash(&bytes), "{name}");
            }
        }
    }
    let Some(python) = installed("python/bin/python") else { return };
    let script = ours("../../docs/verify/canonical.py");
    let printed = lines(Command::new(python).arg(script).arg(folder));
    assert!(printed.last().unwrap().ends_with("vectors reproduced"), "{printed:?}");
}

/// Proofs over the entries `entry 0`, `entry 1`, ...: for implementations of RFC 9162 elsewhere, such as in a contract.
#[test]
fn proofs_are_those_of_the_vectors() {
    let path = ours("../../docs/verify/vectors/merkle/proofs.json");
    let vectors: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
    let all = |proof: Vec<[u8; 32]>| proof.iter().map(|hash| hex(hash)).collect::<Vec<_>>();
    let mut world = World::new();
    let entries: Vec<_> = (0..1000).map(|n| format!("entry {n}").into_bytes()).collect();
    let (mut inclusion, mut consistency) = (Vec::new(), Vec::new());
    for size in [1_u64, 2, 3, 7, 8, 255, 256, 257, 1000] {
        world.log.append(&entries[world.log.size() as usize..size as usize], at(0)).unwrap();
        let reader = world.log.reader().unwrap();
        let root = hex(&reader.checkpoint().root);
        let points = |list: [u64; 3]| std::collections::BTreeSet::from(list);
        for index in points([0, size / 2, size - 1]) {
            let (entry, proof) = (hex(&reader.entry(index).unwrap()), all(reader.inclusion(index).unwrap()));
            inclusion.push(json!({"size": size, "index": index, "entry": entry, "root": root, "proof": proof}));
        }
        for old in points([1, size.div_ceil(2), size]) {
            let (old_root, proof) = (hex(&reader.root(old).unwrap()), all(reader.consistency(old).unwrap()));
            consistency.push(json!({"old": old, "size": size, "oldRoot": old_root, "root": root, "proof": proof}));
        }
    }
    assert_eq!(vectors, json!({"inclusion": inclusion, "consistency": consistency}));
    let Some(python) = installed("python/bin/python") else { return };
    let script = "import json, sys\nfrom verify import included\nhex = bytes.fromhex\n\
        for v in json.load(open(sys.argv[1]))['inclusion']:\n    \
        print(included(hex(v['entry']), v['index'], v['size'], [hex(h) for h in v['proof']], hex(v['root'])))";
    let mut command = Command::new(python);
    let answers = lines(command.args(["-c", script]).arg(path).env("PYTHONPATH", ours("../../docs/verify")));
    assert_eq!(answers, vec!["True"; inclusion.len()]);
}

/// A bundle of the first day, with its root and its file: what was issued once has to verify for good.
#[test]
fn the_first_bundle_still_verifies() {
    let folder = ours("../../docs/verify/vectors/bundle");
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let root = TrustedRoot::parse(&read("trusted_root.json")).unwrap();
    let artifact = Artifact::File(Sha256::of(&read("demo-1.0-py3-none-any.whl")));
    let report = verify(&read("certificate_bundle.json"), &root, Some(artifact), &Policy::at(at(200)));
    assert_eq!(report.outcome, sigma_ledger::Outcome::Valid, "{report:#?}");
    let later = verify(&read("certificate_bundle.json"), &root, Some(artifact), &Policy::at(at(9000)));
    assert_eq!(later.outcome, sigma_ledger::Outcome::ValidFreshnessUnknown);
    let Some(python) = installed("python/bin/python") else { return };
    let check = |now| {
        let mut command = Command::new(&python);
        command.arg(ours("../../docs/verify/verify.py")).arg("--root").arg(folder.join("trusted_root.json"));
        command.arg("--file").arg(folder.join("demo-1.0-py3-none-any.whl")).args(["--now", &at(now).to_string()]);
        command.arg(folder.join("certificate_bundle.json")).stdout(Stdio::null()).status().unwrap().code()
    };
    assert_eq!((check(200), check(9000)), (Some(0), Some(3)));
}
