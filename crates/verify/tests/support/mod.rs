//! A log with certificates, for tests and the bench: signed and logged for real, with payloads as large as real ones.

#![allow(dead_code)] // Each of those who use it uses a part.

use std::path::Path;

use serde_json::{Value, json};
use sigma_certificate::{PackagePayload, files_hash};
use sigma_core::{FileEntry, FileSet, Sha256, Timestamp};
use sigma_ledger::bundle::{Bundle, CertificateBundle};
use sigma_ledger::keys::{Issuer, generate_issuer_key, generate_log_key};
use sigma_ledger::log::{Folder, Log, Logged};
use sigma_ledger::statement::{CertificateClaim, CertificatePredicate, StatusList, Subject, Verifier};
use sigma_ledger::{Envelope, TrustedRoot};

const ORIGIN: &str = "log.example.org/sigma";

/// Seconds after the log began.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis((1_790_000_000 + seconds) * 1000)
}

/// An issuer and its log.
pub struct Registry {
    pub issuer: Issuer,
    pub root: TrustedRoot,
    log: Log<Folder>,
}

impl Registry {
    /// Begins one in a folder, with so many entries of others.
    pub fn new(folder: &Path, entries: u64) -> Self {
        let issuer = generate_issuer_key(&folder.join("issuer.pem")).expect("a key");
        let key = generate_log_key(&folder.join("log.pem"), ORIGIN).expect("a key");
        let root =
            TrustedRoot::first(issuer.public(), key.public(), "https://log.example.org/sigma", at(0)).expect("a root");
        let mut log = Log::create(Folder::open(&folder.join("log")).expect("a folder"), key).expect("a log");
        let filler: Vec<_> = (0..entries).map(|number| format!("{number:0>436}").into_bytes()).collect();
        if !filler.is_empty() {
            log.append(&filler, at(1)).expect("it appends");
        }
        Self { issuer, root, log }
    }

    /// Certifies payloads; each bundle has the same status list, which expires an hour after second 20.
    pub fn certify(&mut self, payloads: &[Value]) -> Vec<Vec<u8>> {
        let canonical: Vec<Vec<u8>> =
            payloads.iter().map(|payload| sigma_certificate::canonical_bytes(payload).expect("canonical")).collect();
        let envelopes: Vec<Envelope> = canonical.iter().map(|payload| self.sign(payload)).collect();
        let leaves: Vec<_> = envelopes.iter().map(|envelope| envelope.leaf(self.issuer.public())).collect();
        let logged = self.log.append(&leaves, at(10)).expect("it appends");
        let checkpoint = self.log.reader().expect("a reader").checkpoint().clone();
        let list = StatusList::new(at(20), at(3620), &checkpoint, Vec::new());
        let list = Envelope::sign(&list.statement(&checkpoint).expect("a list"), &self.issuer).expect("a signature");
        let list_logged = self.log.append(&[list.leaf(self.issuer.public())], at(20)).expect("it appends").remove(0);
        let reader = self.log.reader().expect("a reader");
        let bundle = |envelope: Envelope, logged: &Logged| {
            Bundle::new(envelope, self.issuer.public(), self.log.key().public(), logged, &reader).expect("a bundle")
        };
        let list = bundle(list, &list_logged);
        let all = envelopes.into_iter().zip(&logged).zip(&canonical).map(|((envelope, logged), payload)| {
            let bundle = CertificateBundle::new(bundle(envelope, logged), payload, Some(list.clone())).expect("JSON");
            serde_json::to_vec(&bundle).expect("JSON")
        });
        all.collect()
    }

    fn sign(&self, canonical: &[u8]) -> Envelope {
        let payload: PackagePayload = serde_json::from_slice(canonical).expect("a payload");
        let predicate = CertificatePredicate {
            verifier: Verifier { id: "https://sigma.example.org/verifier/1".to_owned(), policies: Vec::new() },
            time_created: at(5),
            properties: vec!["SIGMA_AUDITED".to_owned()],
            sigma_certificate: CertificateClaim::of("pkg", "sigma-package-certificate/1", canonical),
        };
        let subjects = payload.distributions.iter().map(|one| Subject::file(&one.filename, &one.sha256)).collect();
        Envelope::sign(&predicate.statement(subjects).expect("a statement"), &self.issuer).expect("a signature")
    }
}

/// The files of a package, as a list.
pub fn set(files: &[(&str, &[u8])]) -> FileSet {
    let entry = |(path, content): &(&str, &[u8])| FileEntry {
        path: (*path).to_owned(),
        size: content.len() as u64,
        sha256: Sha256::of(content),
    };
    let mut files: Vec<FileEntry> = files.iter().map(entry).collect();
    files.sort();
    FileSet { files }
}

/// The digest of the bytes of a package's distribution.
pub fn digest(name: &str) -> Sha256 {
    Sha256::of(name.as_bytes())
}

/// A payload of a package with one distribution.
pub fn payload(ecosystem: &str, name: &str, files: &FileSet) -> Value {
    let (kind, filename) = match ecosystem {
        "npm" => ("npm-tarball", format!("{name}-1.0.0.tgz")),
        _ => ("wheel", format!("{name}-1.0.0-py3-none-any.whl")),
    };
    let ballots: Vec<Value> = ["behaviour", "concealment", "identity", "novelty"]
        .iter()
        .map(|seat| json!({"validator": seat, "phase": "one", "vote": "SAFE", "level": "CLEAR"}))
        .chain(
            ["adversary", "coverage", "takeover"]
                .iter()
                .map(|seat| json!({"validator": seat, "phase": "two", "vote": "SAFE", "level": "CLEAR"})),
        )
        .collect();
    let sha512 = format!("{0}{0}", digest(name));
    json!({
        "schema": "sigma-package-certificate/1", "registrySource": ecosystem, "packageName": name,
        "packageVersion": "1.0.0", "distributionSha256": digest(name), "councilVerdict": "APPROVED",
        "securityLevel": "CLEAR", "retainedWarnings": [], "analysisType": "FULL", "certifiedAt": at(5),
        "fileSetHash": files_hash(files), "unreadDistributions": [],
        "distributions": [{
            "filename": filename, "kind": kind, "size": 1, "sha256": digest(name), "sha512": sha512,
            "sha1": "60b928b15e05d04a33b880a0232e44258c777740", "fileSetHash": files_hash(files),
            "coverage": {"files": files.files.len(), "bytes": 1, "sourceFiles": 1, "sourceBytes": 1, "parsed": 1,
                "tokenScanned": 0, "binaries": 0, "gaps": 0},
        }],
        "capabilities": ["process", "shell", "network-client", "environment", "file-read", "file-write"],
        "installHooks": [], "yanked": null, "deprecated": null, "publisher": null, "maintainers": null, "delta": null,
        "registryAdvisoryState": "unavailable",
        "registryAdvisorySource": format!("PyPI release JSON: https://pypi.org/pypi/{name}/1.0.0/json answered 404"),
        "registryAdvisoriesAt": at(4), "registryAdvisoryCount": null, "registryAdvisoryHighestSeverity": null,
        "registryAdvisorySummary": "Registry security advisories were unavailable at certification time; nothing is known \
            about this exact package version.",
        "registryAdvisories": [], "roundId": "rnd_4fwlst5ywonsrj3fwof3xpjvuv6v4usg", "ballots": ballots,
        "councilRationale": "both panels found no concern", "rulesetVersion": "2026.11.5",
        "reportHash": digest("report"), "supersedes": null,
        "disclosures": ["The analysis is static: the package was not executed.",
            "No earlier version was certified: what is new in this one is unknown.",
            "Registry advisories were unavailable: nothing is known about them."],
    })
}
