//! An issuer, its log and its certificates, each test its own.

use std::path::PathBuf;

use data_encoding::BASE64;
use sigma_certificate::{PackageCertificate, PackagePayload};
use sigma_core::{Sha256, Timestamp};
use sigma_ledger::bundle::{Bundle, CertificateBundle};
use sigma_ledger::keys::{Issuer, generate_issuer_key, generate_log_key};
use sigma_ledger::log::{Folder, Log};
use sigma_ledger::statement::{CertificatePredicate, Revoked, Statement, StatusList, Verifier};
use sigma_ledger::{Envelope, Policy, Report, TrustedRoot, verify};

pub const ORIGIN: &str = "log.example.org/sigma";
pub const BASE: &str = "https://log.example.org/sigma";

/// A time of the tests: seconds after the world began.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis((1_790_000_000 + seconds) * 1000)
}

pub struct World {
    pub dir: tempfile::TempDir,
    pub issuer: Issuer,
    pub log: Log<Folder>,
    pub root: TrustedRoot,
}

impl World {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let issuer = generate_issuer_key(&dir.path().join("issuer.pem")).unwrap();
        let key = generate_log_key(&dir.path().join("log.pem"), ORIGIN).unwrap();
        let root = TrustedRoot::first(issuer.public(), key.public(), BASE, at(0)).unwrap();
        let log = Log::create(Folder::open(&dir.path().join("log")).unwrap(), key).unwrap();
        Self { dir, issuer, log, root }
    }

    pub fn folder(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    /// Signs and logs a statement, and gives its bundle.
    pub fn attest(&mut self, statement: &Statement, seconds: i64) -> Bundle {
        self.attest_by(statement, seconds, None)
    }

    pub fn attest_by(&mut self, statement: &Statement, seconds: i64, issuer: Option<&Issuer>) -> Bundle {
        let issuer = issuer.unwrap_or(&self.issuer);
        let envelope = Envelope::sign(statement, issuer).unwrap();
        let leaf = envelope.leaf(issuer.public());
        let logged = self.log.append(&[leaf], at(seconds)).unwrap().remove(0);
        let reader = self.log.reader().unwrap();
        Bundle::new(envelope, issuer.public(), self.log.key().public(), &logged, &reader).unwrap()
    }

    /// Entries that mean nothing, so that proofs have some length.
    pub fn fill(&mut self, count: usize) {
        let start = self.log.size();
        let entries: Vec<_> = (0..count).map(|n| format!("filler {}", start + n as u64).into_bytes()).collect();
        self.log.append(&entries, at(1)).unwrap();
    }

    pub fn certify(&mut self, certificate: &PackageCertificate) -> Bundle {
        let statement = CertificatePredicate::package(certificate, verifier()).unwrap();
        self.attest(&statement, 10)
    }

    /// A logged status list of one hour.
    pub fn status(&mut self, revoked: Vec<Revoked>, seconds: i64) -> Bundle {
        let checkpoint = self.log.reader().unwrap().checkpoint().clone();
        let list = StatusList::new(at(seconds), at(seconds + 3600), &checkpoint, revoked);
        self.attest(&list.statement(&checkpoint).unwrap(), seconds)
    }

    pub fn verify(&self, bundle: &CertificateBundle) -> Report {
        verify(&json(bundle), &self.root, None, &policy())
    }
}

/// A world with one certificate and a fresh status list.
pub fn certified() -> (World, PackageCertificate, CertificateBundle) {
    let mut world = World::new();
    world.fill(300);
    let certificate = certificate("demo", b"the distribution");
    let attestation = world.certify(&certificate);
    world.fill(10);
    let status = world.status(Vec::new(), 100);
    let bundle = CertificateBundle::new(attestation, certificate.canonical(), Some(status)).unwrap();
    (world, certificate, bundle)
}

pub fn policy() -> Policy {
    Policy::at(at(200))
}

pub fn verifier() -> Verifier {
    Verifier { id: "https://sigma.example.org/verifier/1".to_owned(), policies: Vec::new() }
}

pub fn json(value: &impl serde::Serialize) -> Vec<u8> {
    sigma_certificate::canonical_bytes(value).unwrap()
}

/// A certificate of a package whose only distribution has these bytes.
pub fn certificate(name: &str, distribution: &[u8]) -> PackageCertificate {
    let sha256 = Sha256::of(distribution);
    let payload = serde_json::json!({
        "schema": "sigma-package-certificate/1", "registrySource": "pypi", "packageName": name, "packageVersion": "1.0",
        "distributionSha256": sha256, "councilVerdict": "APPROVED", "securityLevel": "CLEAR", "retainedWarnings": [],
        "analysisType": "FULL", "certifiedAt": at(5), "fileSetHash": Sha256::of(b"files"),
        "distributions": [{
            "filename": format!("{name}-1.0-py3-none-any.whl"), "kind": "wheel", "size": distribution.len(),
            "sha256": sha256, "sha512": sigma_core::Sha512::from_bytes([7; 64]),
            "sha1": sigma_core::Sha1::from_bytes([7; 20]), "fileSetHash": Sha256::of(b"files"),
            "coverage": {"files": 3, "bytes": 120, "sourceFiles": 2, "sourceBytes": 100, "parsed": 2, "tokenScanned": 0,
                "binaries": 0, "gaps": 0},
        }],
        "unreadDistributions": [], "capabilities": [], "installHooks": [], "yanked": null, "deprecated": null,
        "publisher": "Zoë \u{1f600}", "maintainers": null, "delta": null, "registryAdvisoryState": "listed",
        "registryAdvisorySource": "pypi release JSON", "registryAdvisoriesAt": at(4), "registryAdvisoryCount": 0,
        "registryAdvisoryHighestSeverity": null, "registryAdvisorySummary": "None.\n\u{7f}", "registryAdvisories": [],
        "roundId": "round_1", "ballots": [], "councilRationale": "Both panels are SAFE.", "rulesetVersion": "1",
        "reportHash": Sha256::of(b"report"), "supersedes": null, "disclosures": ["Nothing was run."],
    });
    PackageCertificate::seal(serde_json::from_value::<PackagePayload>(payload).unwrap()).unwrap()
}

/// A document in which a base64 text spells its first three bytes in two padded pieces, which some libraries take.
pub fn respelled(document: &[u8], text: &str) -> Vec<u8> {
    let bytes = BASE64.decode(&text.as_bytes()[..4]).unwrap();
    let other = [&BASE64.encode(&bytes[..1]), &BASE64.encode(&bytes[1..]), &text[4..]].concat();
    assert_ne!(other, text);
    String::from_utf8(document.to_vec()).unwrap().replacen(text, &other, 1).into_bytes()
}
