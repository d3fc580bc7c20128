//! Verifiers that others wrote, on good bundles and on tampered ones. `tests/install-verifiers` installs them; where one is
//! missing, its test says so.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use data_encoding::BASE64;
use serde_json::{Value, json};
use sigma_core::Sha256;
use sigma_ledger::bundle::CertificateBundle;
use sigma_ledger::statement::{Kind, Revoked, Statement, Subject};
use sigma_ledger::{Artifact, Policy, Stale, TrustedRoot, verify};

use crate::support::{World, at, certified, json as canonical, respelled};
use crate::witness::Witness;
use crate::witnesses::seconds;

/// Something that `tests/install-verifiers` installs.
pub fn installed(path: &str) -> Option<PathBuf> {
    let found = std::env::var_os("SIGMA_TEST_VERIFIERS").map(|folder| Path::new(&folder).join(path));
    let found = found.filter(|path| path.exists());
    if found.is_none() {
        println!("skipped: {path} is not there; run tests/install-verifiers and set SIGMA_TEST_VERIFIERS");
    }
    found
}

pub fn ours(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// What a program printed, line by line. Whether it ended well is not asked: the lines are counted.
pub fn lines(command: &mut Command) -> Vec<String> {
    let output = command.output().expect("it starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!text.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    text.lines().map(str::to_owned).collect()
}

/// Files of their own for documents.
fn write(folder: &Path, documents: &[Vec<u8>]) -> Vec<PathBuf> {
    let write = |(index, bytes): (usize, &Vec<u8>)| {
        let path = folder.join(format!("{index:05}.json"));
        std::fs::write(&path, bytes).unwrap();
        path
    };
    documents.iter().enumerate().map(write).collect()
}

/// Our second implementation says the same of every check, on hundreds of bundles that differ in a byte.
#[test]
fn python_agrees_on_good_and_tampered_bundles() {
    let Some(python) = installed("python/bin/python") else { return };
    let (mut world, certificate, bundle) = certified();
    let good = canonical(&bundle);
    let revoked = Revoked {
        certificate_id: certificate.id().to_owned(),
        status: sigma_certificate::CertificateStatus::Blocked,
        at: at(110),
        log_index: 3,
    };
    let with = |change: &dyn Fn(&mut CertificateBundle)| {
        let mut changed = bundle.clone();
        change(&mut changed);
        canonical(&changed)
    };
    let (later, elsewhere) = (world.status(vec![revoked], 120), certified().2);
    let mut documents = vec![
        good.clone(),
        canonical(&bundle.attestation),
        with(&|bundle| bundle.status = None),
        with(&|bundle| bundle.status = Some(later.clone())),
        with(&|bundle| bundle.status = Some(bundle.attestation.clone())),
        with(&|bundle| bundle.attestation = later.clone()),
        with(&|bundle| bundle.payload["more"] = json!(1)),
        canonical(&elsewhere),
        with(&|bundle| bundle.attestation = elsewhere.attestation.clone()),
        Vec::new(),
        b"[]".to_vec(),
        serde_json::to_vec_pretty(&bundle).unwrap(),
        String::from_utf8(good.clone()).unwrap().replacen('{', "{\"payload\":{},", 1).into_bytes(),
    ];
    let strange = Statement::new(Kind::Certificate, vec![Subject::file("x", &Sha256::of(b""))], &json!({})).unwrap();
    let strange = world.attest(&strange, 130);
    documents.push(with(&|bundle| bundle.attestation = strange.clone()));
    documents.push(respelled(&good, &bundle.attestation.entry().canonicalized_body.to_string()));
    // A few hundred places, spread over all of it.
    for position in (0..good.len()).step_by(good.len() / 400) {
        let mut bytes = good.clone();
        bytes[position] ^= 1 << (position % 7);
        documents.push(bytes);
    }
    let key = world.issuer.public().clone();
    let windows: [&dyn Fn() -> TrustedRoot; 3] =
        [&|| world.root.clone(), &|| world.root.next(at(1), |root| root.retire(&key, at(50))).unwrap(), &|| {
            world.root.next(at(1), |root| root.revoke(&key, at(0), "stolen")).unwrap()
        }];
    let mut compared = 0;
    for (root, now, stale) in [
        (0, 200, Stale::Warn),
        (0, 9000, Stale::Warn),
        (0, 9000, Stale::Refuse),
        (1, 200, Stale::Warn),
        (2, 200, Stale::Warn),
    ] {
        let policy = Policy { stale, ..Policy::at(at(now)) };
        compared += compare(&python, &windows[root](), &policy, &documents);
    }
    println!("Python agrees on {compared} reports");
    assert!(compared > 1500);
}

/// Both report the same state of every check. How many documents there were.
pub fn compare(python: &Path, root: &TrustedRoot, policy: &Policy, documents: &[Vec<u8>]) -> usize {
    let dir = tempfile::tempdir().unwrap();
    let (root_path, file) = (dir.path().join("trusted_root.json"), dir.path().join("demo-1.0-py3-none-any.whl"));
    std::fs::write(&file, b"the distribution").unwrap();
    std::fs::write(&root_path, root.to_bytes()).unwrap();
    let paths = write(dir.path(), documents);
    let mut command = Command::new(python);
    command.arg(ours("../../docs/verify/verify.py")).args(["--now", &policy.now.to_string()]);
    command.arg("--root").arg(&root_path).arg("--file").arg(&file);
    command.args((policy.stale == Stale::Refuse).then_some("--refuse-stale"));
    command.args(policy.witnesses.map(|count| format!("--witnesses={count}")));
    let answers = lines(command.args(&paths));
    assert_eq!(answers.len(), documents.len());
    for ((document, path), answer) in documents.iter().zip(&paths).zip(&answers) {
        let artifact = Artifact::File(Sha256::of(b"the distribution"));
        let ours = serde_json::to_value(verify(document, root, Some(artifact), policy)).unwrap();
        let theirs: Value = serde_json::from_str(answer).unwrap();
        let states = |report: &Value| {
            let checks = report["checks"].as_array().unwrap().iter();
            checks.map(|check| (check["check"].clone(), check["state"].clone())).collect::<Vec<_>>()
        };
        let same = states(&ours) == states(&theirs) && ours["outcome"] == theirs["outcome"];
        assert!(same, "{}\nRust:   {ours}\nPython: {theirs}", path.display());
    }
    answers.len()
}

#[test]
fn python_agrees_on_witnesses() {
    let Some(python) = installed("python/bin/python") else { return };
    let (world, _, bundle) = certified();
    let log = world.log.key().public().clone();
    let mut witnesses = [Witness::new("w1.example.org", 1, &log), Witness::new("w2.example.org", 2, &log)];
    let keys: Vec<_> = witnesses.iter().map(|witness| witness.key.clone()).collect();
    let root = world.root.next(at(1), |root| root.set_witnesses(&keys, 1)).unwrap();
    // The certificate's proof is for an older checkpoint than the newest; witnesses sign both.
    let mut documents = Vec::new();
    let cosigned = |times: &[i64], witnesses: &mut [Witness]| {
        let mut changed = bundle.clone();
        for (witness, time) in witnesses.iter_mut().zip(times) {
            let status = changed.status.as_mut().unwrap();
            for material in [&mut changed.attestation.verification_material, &mut status.verification_material] {
                let envelope = &mut material.tlog_entries[0].inclusion_proof.checkpoint.envelope;
                let line = witness.cosign(envelope, seconds(*time));
                envelope.push_str(&line);
            }
        }
        changed
    };
    for times in [&[][..], &[50], &[50, 60], &[50, 9000], &[9000, 9000]] {
        documents.push(canonical(&cosigned(times, &mut witnesses)));
    }
    let both = cosigned(&[50, 60], &mut witnesses);
    let envelope = both.attestation.entry().inclusion_proof.checkpoint.envelope.clone();
    for position in (envelope.find("— w1").unwrap()..envelope.len()).step_by(3) {
        let mut bytes = envelope.clone().into_bytes();
        bytes[position] ^= 1;
        if let Ok(text) = String::from_utf8(bytes) {
            let mut changed = both.clone();
            changed.attestation.verification_material.tlog_entries[0].inclusion_proof.checkpoint.envelope = text;
            documents.push(canonical(&changed));
        }
    }
    assert!(documents.len() > 60);
    for witnesses in [None, Some(0), Some(2)] {
        compare(&python, &root, &Policy { witnesses, ..Policy::at(at(200)) }, &documents);
    }
}

/// The good bundle, and each of its fields changed, as sigstore bundles.
fn sigstore_bundles(world: &mut World, bundle: &CertificateBundle) -> Vec<(String, Vec<u8>)> {
    let mut documents = vec![
        ("good".to_owned(), canonical(&bundle.attestation)),
        ("good".to_owned(), canonical(bundle.status.as_ref().unwrap())),
    ];
    let document = serde_json::to_value(&bundle.attestation).unwrap();
    let entry = "/verificationMaterial/tlogEntries/0";
    let places = [
        ("payload", "/dsseEnvelope/payload".to_owned()),
        ("signature", "/dsseEnvelope/signatures/0/sig".to_owned()),
        ("payload type", "/dsseEnvelope/payloadType".to_owned()),
        ("key", "/verificationMaterial/publicKey/hint".to_owned()),
        ("leaf", format!("{entry}/canonicalizedBody")),
        ("log", format!("{entry}/logId/keyId")),
        ("promise", format!("{entry}/inclusionPromise/signedEntryTimestamp")),
        ("time", format!("{entry}/integratedTime")),
        ("proof", format!("{entry}/inclusionProof/hashes/0")),
        ("checkpoint", format!("{entry}/inclusionProof/checkpoint/envelope")),
    ];
    for (name, place) in places {
        let mut changed = document.clone();
        let value = changed.pointer_mut(&place).unwrap();
        let mut bytes = value.as_str().unwrap().as_bytes().to_vec();
        let position = bytes.len() / 2;
        bytes[position] = if bytes[position] == b'2' { b'3' } else { b'2' };
        *value = String::from_utf8(bytes).unwrap().into();
        documents.push((name.to_owned(), canonical(&changed)));
    }
    let (_, _, stranger) = certified();
    documents.push(("stranger".to_owned(), canonical(&stranger.attestation)));
    let late = world.attest(&Statement::parse(&bundle.attestation.dsse_envelope.payload.0).unwrap(), 5000);
    documents.push(("logged after the key's end".to_owned(), canonical(&late)));
    documents
}

#[test]
fn sigstore_verify_of_npm_accepts_ours_and_refuses_tampered_ones() {
    let Some(modules) = installed("node_modules/@sigstore/verify") else { return };
    if Command::new("node").arg("--version").output().is_err() {
        println!("skipped: node is not installed");
        return;
    }
    let (mut world, _, bundle) = certified();
    let documents = sigstore_bundles(&mut world, &bundle);
    let dir = tempfile::tempdir().unwrap();
    let paths = write(dir.path(), &documents.iter().map(|(_, bytes)| bytes.clone()).collect::<Vec<_>>());
    std::fs::write(dir.path().join("sigstore_root.json"), canonical(&world.root.to_sigstore())).unwrap();
    let key = world.issuer.public();
    let keys = json!({key.id(): {"rawBytes": BASE64.encode(key.spki()), "start": at(0), "end": at(4000)}});
    std::fs::write(dir.path().join("keys.json"), canonical(&keys)).unwrap();
    let modules = modules.parent().unwrap().parent().unwrap().to_owned();
    let mut command = Command::new("node");
    command.env("NODE_PATH", modules).arg(ours("tests/verifiers/sigstore.cjs")).arg(dir.path()).args(&paths);
    let answers = lines(&mut command);
    assert_eq!(answers.len(), documents.len());
    for ((name, _), answer) in documents.iter().zip(&answers) {
        println!("@sigstore/verify: {name}: {answer}");
        // Any other error than a refusal would be a mistake of the test.
        let refused =
            ["VerificationError", "ValidationError", "SyntaxError"].iter().any(|kind| answer.starts_with(kind));
        assert!(if name == "good" { answer == "ok" } else { refused }, "{name}: {answer}");
    }
}

#[test]
fn securesystemslib_and_in_toto_accept_ours_and_refuse_tampered_ones() {
    let Some(python) = installed("python/bin/python") else { return };
    let (mut world, _, bundle) = certified();
    let documents = sigstore_bundles(&mut world, &bundle);
    let dir = tempfile::tempdir().unwrap();
    let paths = write(dir.path(), &documents.iter().map(|(_, bytes)| bytes.clone()).collect::<Vec<_>>());
    let key = world.issuer.public();
    let pem = dir.path().join("issuer.pub.pem");
    std::fs::write(&pem, key.to_pem()).unwrap();
    let mut command = Command::new(python);
    command.arg(ours("tests/verifiers/dsse.py")).arg(pem).arg(key.id()).args(&paths);
    let answers = lines(&mut command);
    assert_eq!(answers.len(), documents.len());
    assert_eq!(answers[0], "ok https://in-toto.io/attestation/svr/v0.2 demo-1.0-py3-none-any.whl");
    assert_eq!(answers[1], "ok urn:sigma:status-list:v1 log.example.org/sigma");
    for ((name, _), answer) in documents.iter().zip(&answers) {
        println!("securesystemslib: {name}: {answer}");
        // It reads the envelope alone: of the rest it knows nothing.
        let envelope = ["payload", "signature", "payload type", "stranger"].contains(&name.as_str());
        assert_eq!(answer.starts_with("ok "), !envelope, "{name}: {answer}");
    }
}

#[test]
fn go_accepts_checkpoints_and_proofs_and_refuses_forged_ones() {
    const GOPATH: &str = "/usr/share/gocode";
    if Command::new("go").arg("version").output().is_err()
        || !Path::new(GOPATH).join("src/golang.org/x/mod/sumdb").exists()
    {
        println!("skipped: Go or its package golang-golang-x-mod-dev is not installed");
        return;
    }
    let mut world = World::new();
    let mut cases = Vec::new();
    let mut expected = Vec::new();
    for count in [1, 2, 254, 300, 1000] {
        world.fill(count);
        let reader = world.log.reader().unwrap();
        let size = reader.checkpoint().size;
        let key = world.log.key().public().to_string();
        let base = |list: Vec<[u8; 32]>| list.iter().map(|hash| BASE64.encode(hash)).collect::<Vec<_>>();
        let inclusion = |index: u64| {
            json!({"Key": key, "Checkpoint": BASE64.encode(reader.note().to_string().as_bytes()), "Index": index,
                "Entry": BASE64.encode(&reader.entry(index).unwrap()), "Proof": base(reader.inclusion(index).unwrap())})
        };
        let consistency = |old: u64| {
            json!({"Key": key, "Checkpoint": BASE64.encode(reader.note().to_string().as_bytes()), "OldSize": old,
                "OldRoot": BASE64.encode(&reader.root(old).unwrap()), "Consistency": base(reader.consistency(old).unwrap())})
        };
        let mut add = |case: Value, good: bool| {
            cases.push(case);
            expected.push(good);
        };
        for index in [0, size / 3, size / 2, size - 1] {
            add(inclusion(index), true);
        }
        for old in [1, size.div_ceil(3), size.div_ceil(2), size] {
            add(consistency(old), true);
        }
        let mut forged = inclusion(0);
        forged["Entry"] = json!(BASE64.encode(b"another"));
        add(forged, false);
        let mut forged = consistency(size.div_ceil(2));
        forged["OldRoot"] = json!(BASE64.encode(&[7; 32]));
        add(forged, false);
        let mut forged = inclusion(0);
        forged["Checkpoint"] = json!(BASE64.encode(reader.note().to_string().replacen('\n', "\n9", 1).as_bytes()));
        add(forged, false);
        let mut forged = inclusion(0);
        forged["Key"] = json!(World::new().log.key().public().to_string());
        add(forged, false);
    }
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new("go");
    command.args(["run"]).arg(ours("tests/verifiers/tlog.go"));
    command.env("GO111MODULE", "off").env("GOPATH", GOPATH).env("GOFLAGS", "").env("GOCACHE", dir.path());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&serde_json::to_vec(&cases).unwrap()).unwrap();
    let output = child.wait_with_output().unwrap();
    let answers: Vec<_> = std::str::from_utf8(&output.stdout).unwrap().lines().collect();
    assert_eq!(answers.len(), expected.len());
    for (number, (answer, good)) in answers.iter().zip(expected).enumerate() {
        assert_eq!(*answer == "ok", good, "case {number}: {answer}");
    }
    println!("Go agrees on {} checkpoints and proofs", answers.len());
}
