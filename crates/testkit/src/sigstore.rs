//! A Sigstore of one's own: certificate authority, certificate log, transparency log and npm's signing key, with the roots
//! that make them known. Everything is signed with keys that live as long as the value.

use std::time::Duration;

use data_encoding::{BASE64, HEXLOWER};
use rcgen::{
    CertificateParams, CustomExtension, DistinguishedName, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PublicKeyData as _, SanType, SerialNumber, SigningKey as _, date_time_ymd,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::Built;

/// 1 June 2025, 00:00:00 UTC in seconds: when certificates begin. They end ten minutes later, as Fulcio's do.
const BEGIN: u64 = 1_748_736_000;
const LIFETIME: u64 = 600;
const IN_TOTO: &str = "application/vnd.in-toto+json";
const PUBLISH: &str = "https://github.com/npm/attestation/tree/main/specs/publish/v0.1";

/// A workload that signs.
#[derive(Debug, Clone)]
pub struct Workload {
    /// `owner/name` on GitHub.
    pub repository: String,
    /// GitHub's id of the repository.
    pub repository_id: String,
    /// GitHub's id of the owner.
    pub owner_id: String,
    /// File of the workflow in `.github/workflows/`.
    pub workflow: String,
    /// The commit.
    pub commit: String,
}

impl Workload {
    /// The workflow `release.yml` of a repository, with ids that follow from the names.
    pub fn github(repository: &str) -> Self {
        let id = |text: &str| {
            Sha256::digest(text)[..4].iter().fold(0_u64, |id, byte| (id << 8) | u64::from(*byte)).to_string()
        };
        Self {
            repository: repository.to_owned(),
            repository_id: id(repository),
            owner_id: id(repository.split('/').next().unwrap_or_default()),
            workflow: "release.yml".to_owned(),
            commit: HEXLOWER.encode(&Sha256::digest(repository)[..20]),
        }
    }

    /// Another workflow of the same repository.
    pub fn workflow(self, file: &str) -> Self {
        Self { workflow: file.to_owned(), ..self }
    }
}

/// What is wrong with an attestation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Nothing.
    None,
    /// The statement has another digest.
    OtherDigest,
    /// The statement is about another file.
    OtherSubject,
    /// The log took it in when the certificate had ended.
    LoggedLate,
    /// The log's signatures are of another key, under the name of the known log.
    OtherLogKey,
    /// It is in a log that nobody knows.
    UnknownLog,
    /// The certificate is of an authority that nobody knows.
    UnknownAuthority,
    /// The certificate has no proof of publication.
    NoSct,
    /// Its proof of publication is of another key.
    OtherCtKey,
    /// npm: the publish attestation is signed with another key, under the name of the registry's.
    OtherRegistryKey,
    /// npm: there is no publish attestation.
    NoPublish,
}

/// Authority, logs and registry key.
pub struct FakeSigstore {
    authority: Authority,
    ct: KeyPair,
    rekor: KeyPair,
    npm: KeyPair,
    stranger: KeyPair,
}

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: Vec<u8>,
}

impl Default for FakeSigstore {
    fn default() -> Self {
        Self::new()
    }
}

impl FakeSigstore {
    /// One with fresh keys.
    pub fn new() -> Self {
        let key = || KeyPair::generate().unwrap();
        Self { authority: Authority::new("made-up authority"), ct: key(), rekor: key(), npm: key(), stranger: key() }
    }

    /// Its trusted root.
    pub fn trusted_root(&self) -> String {
        let log = |url: &str, key: &KeyPair| {
            json!({
                "baseUrl": url,
                "hashAlgorithm": "SHA2_256",
                "publicKey": {
                    "rawBytes": BASE64.encode(&key.subject_public_key_info()),
                    "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                    "validFor": {"start": "2025-01-01T00:00:00Z"},
                },
                "logId": {"keyId": BASE64.encode(&log_id(key))},
            })
        };
        json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [log("https://rekor.example", &self.rekor)],
            "certificateAuthorities": [{
                "subject": {"organization": "example", "commonName": "made-up authority"},
                "uri": "https://fulcio.example",
                "certChain": {"certificates": [{"rawBytes": BASE64.encode(&self.authority.certificate)}]},
                "validFor": {"start": "2025-01-01T00:00:00Z"},
            }],
            "ctlogs": [log("https://ct.example", &self.ct)],
            "timestampAuthorities": [],
        })
        .to_string()
    }

    /// The registry's keys.
    pub fn npm_keys(&self) -> String {
        json!({"keys": [{
            "keyId": "SHA256:registry",
            "keyUsage": "npm:attestations",
            "publicKey": {
                "rawBytes": BASE64.encode(&self.npm.subject_public_key_info()),
                "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                "validFor": {"start": "2025-01-01T00:00:00.000Z"},
            },
        }]})
        .to_string()
    }

    /// What npm serves for a tarball.
    pub fn npm(&self, built: &Built, by: &Workload, flaw: Flaw) -> Value {
        let name = built.name.replace('@', "%40");
        let version = if flaw == Flaw::OtherSubject { "9.9.9" } else { built.version.as_str() };
        let subject =
            (format!("pkg:npm/{name}@{version}"), json!({"sha512": digest(&built.sha512().to_string(), flaw)}));
        let provenance = self.by_workload(&subject, "https://slsa.dev/provenance/v1", by, flaw);
        let mut attestations = vec![json!({"predicateType": "https://slsa.dev/provenance/v1", "bundle": provenance})];
        if flaw != Flaw::NoPublish {
            let predicate =
                json!({"name": built.name, "version": built.version, "registry": "https://registry.npmjs.org"});
            let statement = statement(&subject, PUBLISH, &predicate);
            let key = if flaw == Flaw::OtherRegistryKey { &self.stranger } else { &self.npm };
            let signature = key.sign(&pae(&statement)).unwrap();
            let verifier = pem("PUBLIC KEY", &self.npm.subject_public_key_info());
            let bundle = json!({
                "mediaType": "application/vnd.dev.sigstore.bundle+json;version=0.2",
                "verificationMaterial": {
                    "publicKey": {"hint": "SHA256:registry"},
                    "tlogEntries": [self.entry(&statement, &signature, &verifier, flaw)],
                    "timestampVerificationData": {"rfc3161Timestamps": []},
                },
                "dsseEnvelope": envelope(&statement, &signature),
            });
            attestations.push(json!({"predicateType": PUBLISH, "bundle": bundle}));
        }
        json!({"attestations": attestations})
    }

    /// What PyPI serves for a file: a provenance object of PEP 740.
    pub fn pypi(&self, built: &Built, by: &Workload, flaw: Flaw) -> Value {
        let name = if flaw == Flaw::OtherSubject { "other-9.9.9.tar.gz" } else { built.filename.as_str() };
        let subject = (name.to_owned(), json!({"sha256": digest(&built.sha256().to_string(), flaw)}));
        let bundle = self.by_workload(&subject, "https://docs.pypi.org/attestations/publish/v1", by, flaw);
        let material = &bundle["verificationMaterial"];
        json!({
            "version": 1,
            "attestation_bundles": [{
                "publisher": {
                    "kind": "GitHub",
                    "repository": by.repository,
                    "workflow": by.workflow,
                    "environment": null,
                    "claims": null,
                },
                "attestations": [{
                    "version": 1,
                    "verification_material": {
                        "certificate": material["certificate"]["rawBytes"],
                        "transparency_entries": material["tlogEntries"],
                    },
                    "envelope": {
                        "statement": bundle["dsseEnvelope"]["payload"],
                        "signature": bundle["dsseEnvelope"]["signatures"][0]["sig"],
                    },
                }],
            }],
        })
    }

    fn by_workload(&self, subject: &(String, Value), predicate: &str, by: &Workload, flaw: Flaw) -> Value {
        let statement = statement(subject, predicate, &json!({}));
        let key = KeyPair::generate().unwrap();
        let other = Authority::new("another authority");
        let authority = if flaw == Flaw::UnknownAuthority { &other } else { &self.authority };
        let ct = if flaw == Flaw::OtherCtKey { &self.stranger } else { &self.ct };
        let certificate = authority.certify(&key, by, (flaw != Flaw::NoSct).then_some((ct, log_id(&self.ct))));
        let signature = key.sign(&pae(&statement)).unwrap();
        json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": {"rawBytes": BASE64.encode(&certificate)},
                "tlogEntries": [self.entry(&statement, &signature, &pem("CERTIFICATE", &certificate), flaw)],
            },
            "dsseEnvelope": envelope(&statement, &signature),
        })
    }

    /// An entry of a log of which it is the only one: `dsse` 0.0.1, with promise, proof and checkpoint.
    fn entry(&self, statement: &[u8], signature: &[u8], verifier: &str, flaw: Flaw) -> Value {
        let signs = if matches!(flaw, Flaw::OtherLogKey | Flaw::UnknownLog) { &self.stranger } else { &self.rekor };
        let named = if flaw == Flaw::UnknownLog { &self.stranger } else { &self.rekor };
        let at = BEGIN + if flaw == Flaw::LoggedLate { 2 * LIFETIME } else { LIFETIME / 2 };
        let hash = |bytes: &[u8]| json!({"algorithm": "sha256", "value": HEXLOWER.encode(&Sha256::digest(bytes))});
        let body = json!({
            "apiVersion": "0.0.1",
            "kind": "dsse",
            "spec": {
                "envelopeHash": hash(envelope(statement, signature).to_string().as_bytes()),
                "payloadHash": hash(statement),
                "signatures": [{"signature": BASE64.encode(signature), "verifier": BASE64.encode(verifier.as_bytes())}],
            },
        })
        .to_string();
        let root = BASE64.encode(&Sha256::new().chain_update([0]).chain_update(&body).finalize());
        let note = format!("rekor.example - 1\n1\n{root}\n");
        let mut signed = log_id(named)[..4].to_vec();
        signed.extend(signs.sign(note.as_bytes()).unwrap());
        let promise = format!(
            "{{\"body\":\"{}\",\"integratedTime\":{at},\"logID\":\"{}\",\"logIndex\":7}}",
            BASE64.encode(body.as_bytes()),
            HEXLOWER.encode(&log_id(named))
        );
        json!({
            "logIndex": "7",
            "logId": {"keyId": BASE64.encode(&log_id(named))},
            "kindVersion": {"kind": "dsse", "version": "0.0.1"},
            "integratedTime": at.to_string(),
            "inclusionPromise": {"signedEntryTimestamp": BASE64.encode(&signs.sign(promise.as_bytes()).unwrap())},
            "inclusionProof": {
                "logIndex": "0",
                "rootHash": root,
                "treeSize": "1",
                "hashes": [],
                "checkpoint": {"envelope": format!("{note}\n\u{2014} rekor.example {}\n", BASE64.encode(&signed))},
            },
            "canonicalizedBody": BASE64.encode(body.as_bytes()),
        })
    }
}

impl Authority {
    fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.not_before = date_time_ymd(2025, 1, 1);
        params.not_after = date_time_ymd(2045, 1, 1);
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).unwrap().der().to_vec();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    /// A certificate as Fulcio issues them to workflows, with an embedded timestamp of a certificate log (RFC 6962): the log
    /// signs the certificate without it.
    fn certify(&self, key: &KeyPair, by: &Workload, log: Option<(&KeyPair, [u8; 32])>) -> Vec<u8> {
        let repository = format!("https://github.com/{}", by.repository);
        let owner = repository.rsplit_once('/').map_or("", |(owner, _)| owner);
        let workflow = format!("{repository}/.github/workflows/{}@refs/tags/v1", by.workflow);
        let mut params = CertificateParams::default();
        params.not_before = date_time_ymd(2025, 6, 1);
        params.not_after = date_time_ymd(2025, 6, 1) + Duration::from_secs(LIFETIME);
        params.serial_number = Some(SerialNumber::from_slice(&[7; 16]));
        params.distinguished_name = DistinguishedName::new();
        params.subject_alt_names = vec![SanType::URI(workflow.as_str().try_into().unwrap())];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
        params.use_authority_key_identifier_extension = true;
        for (claim, text) in [
            (8, "https://token.actions.githubusercontent.com"),
            (9, workflow.as_str()),
            (11, "github-hosted"),
            (12, repository.as_str()),
            (13, by.commit.as_str()),
            (14, "refs/tags/v1"),
            (15, by.repository_id.as_str()),
            (16, owner),
            (17, by.owner_id.as_str()),
            (18, workflow.as_str()),
            (20, "release"),
        ] {
            let mut content = vec![0x0c, u8::try_from(text.len()).expect("test texts are short")];
            assert!(text.len() < 128, "the length of {text} needs another form");
            content.extend_from_slice(text.as_bytes());
            params
                .custom_extensions
                .push(CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 57264, 1, claim], content));
        }
        let issue = |params: &CertificateParams| params.signed_by(key, &self.issuer).unwrap().der().to_vec();
        let bare = issue(&params);
        let Some((log, id)) = log else { return bare };
        let at = ((BEGIN + 1) * 1000).to_be_bytes();
        let body = to_be_signed(&bare);
        let mut signed = vec![0, 0];
        signed.extend(at);
        signed.extend([0, 1]);
        signed.extend(Sha256::digest(self.issuer.key().subject_public_key_info()));
        signed.extend(&u32::try_from(body.len()).expect("certificates are small").to_be_bytes()[1..]);
        signed.extend(body);
        signed.extend([0, 0]);
        let mut timestamp = vec![0];
        timestamp.extend(id);
        timestamp.extend(at);
        timestamp.extend([0, 0, 4, 3]);
        timestamp.extend(sized(&log.sign(&signed).unwrap()));
        let list = sized(&sized(&timestamp));
        assert!(list.len() < 128, "the length of one timestamp has the short form");
        let mut content = vec![0x04, u8::try_from(list.len()).expect("it is below 128")];
        content.extend(list);
        params.custom_extensions.push(CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 11129, 2, 4, 2], content));
        issue(&params)
    }
}

/// The digest, or another one.
fn digest(right: &str, flaw: Flaw) -> String {
    if flaw == Flaw::OtherDigest { "0".repeat(right.len()) } else { right.to_owned() }
}

fn statement((name, digest): &(String, Value), predicate_type: &str, predicate: &Value) -> Vec<u8> {
    let subject = json!([{"name": name, "digest": digest}]);
    json!({"_type": "https://in-toto.io/Statement/v1", "subject": subject, "predicateType": predicate_type, "predicate": predicate})
        .to_string()
        .into_bytes()
}

fn envelope(statement: &[u8], signature: &[u8]) -> Value {
    json!({
        "payload": BASE64.encode(statement),
        "payloadType": IN_TOTO,
        "signatures": [{"sig": BASE64.encode(signature), "keyid": ""}],
    })
}

/// What DSSE signs.
fn pae(statement: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {IN_TOTO} {} ", IN_TOTO.len(), statement.len()).into_bytes();
    bytes.extend_from_slice(statement);
    bytes
}

fn log_id(key: &KeyPair) -> [u8; 32] {
    Sha256::digest(key.subject_public_key_info()).into()
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = BASE64.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// Bytes behind their length in two bytes.
fn sized(bytes: &[u8]) -> Vec<u8> {
    let mut all = u16::try_from(bytes.len()).expect("short").to_be_bytes().to_vec();
    all.extend_from_slice(bytes);
    all
}

/// The first element of a certificate: what is signed.
fn to_be_signed(certificate: &[u8]) -> &[u8] {
    let header = |bytes: &[u8]| match bytes[1] {
        short if short < 0x80 => (2, usize::from(short)),
        form => {
            let count = usize::from(form & 0x7f);
            let length = bytes[2..2 + count].iter().fold(0, |length, byte| (length << 8) | usize::from(*byte));
            (2 + count, length)
        }
    };
    let inner = &certificate[header(certificate).0..];
    let (skip, length) = header(inner);
    &inner[..skip + length]
}
