//! Statements that a certificate was issued: a Simple Verification Result v0.2 with what a verifier of ours needs.

use serde::{Deserialize, Serialize};
use sigma_certificate::{
    PAYLOAD_HASH_ALGORITHM, PackageCertificate, SCHEMA, SUBMISSION_SCHEMA, SubmissionCertificate, content_id,
    payload_hash,
};
use sigma_core::{CouncilVerdict, SecurityLevel, Sha256, Timestamp};

use super::{Kind, Statement, StatementError, Subject};

/// The predicate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificatePredicate {
    /// Who says so.
    pub verifier: Verifier,
    /// When it was sealed.
    pub time_created: Timestamp,
    /// What holds for the subjects.
    pub properties: Vec<String>,
    /// Which certificate it is.
    pub sigma_certificate: CertificateClaim,
}

/// Who verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verifier {
    /// A URI, with the version of the rules.
    pub id: String,
    /// By which policies.
    pub policies: Vec<Policy>,
}

/// A policy document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Where it can be read.
    pub uri: String,
    /// Its digest.
    pub digest: std::collections::BTreeMap<String, String>,
}

/// Which certificate a statement is about, and how to recompute its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateClaim {
    /// The certificate's id, which follows from schema and payload.
    pub certificate_id: String,
    /// The domain that the id is hashed under.
    pub schema: String,
    /// keccak256 of the canonical payload.
    pub payload_hash: String,
    /// `keccak256-canonical-json-v1`.
    pub payload_hash_algorithm: String,
    /// SHA-256 of the canonical payload.
    pub payload_sha256: Sha256,
}

impl CertificateClaim {
    /// The claim about canonical bytes. The prefix of the id is `pkg` or `sig`.
    pub fn of(prefix: &str, schema: &str, canonical: &[u8]) -> Self {
        Self {
            certificate_id: content_id(prefix, schema, canonical),
            schema: schema.to_owned(),
            payload_hash: payload_hash(canonical),
            payload_hash_algorithm: PAYLOAD_HASH_ALGORITHM.to_owned(),
            payload_sha256: Sha256::of(canonical),
        }
    }

    /// Whether canonical bytes are those of this claim: both hashes and the id.
    ///
    /// # Errors
    /// Which of them is another.
    pub fn check(&self, canonical: &[u8]) -> Result<(), StatementError> {
        let prefix = self.certificate_id.split('_').next().unwrap_or_default();
        let actual = Self::of(prefix, &self.schema, canonical);
        let different = |what: &str, got: &str, expected: &str| {
            let (got, expected) = (sigma_core::printable(got, 80), sigma_core::printable(expected, 80));
            Err(StatementError::Contradiction(format!("the payload has the {what} {got}, expected {expected}")))
        };
        if self.payload_hash_algorithm != PAYLOAD_HASH_ALGORITHM {
            return different("hash algorithm", PAYLOAD_HASH_ALGORITHM, &self.payload_hash_algorithm);
        }
        if self.payload_hash != actual.payload_hash {
            return different("keccak256", &actual.payload_hash, &self.payload_hash);
        }
        if self.payload_sha256 != actual.payload_sha256 {
            return different("SHA-256", &actual.payload_sha256.to_string(), &self.payload_sha256.to_string());
        }
        if self.certificate_id != actual.certificate_id {
            return different("id", &actual.certificate_id, &self.certificate_id);
        }
        Ok(())
    }
}

/// What holds, as others read it. A rejected certificate has none but that it was audited.
pub fn properties(verdict: CouncilVerdict, level: SecurityLevel) -> Vec<String> {
    let mut properties = vec!["SIGMA_AUDITED".to_owned()];
    if verdict == CouncilVerdict::Approved {
        properties.push("SIGMA_APPROVED".to_owned());
        properties.push(format!("SIGMA_LEVEL_{level}"));
    }
    properties
}

impl CertificatePredicate {
    /// The statement of any certificate: its claim, what it is about, what holds, since when.
    ///
    /// # Errors
    /// When there is no subject.
    pub fn statement(self, subjects: Vec<Subject>) -> Result<Statement, StatementError> {
        if subjects.is_empty() {
            let id = &self.sigma_certificate.certificate_id;
            return Err(StatementError::Contradiction(format!("{id} is about nothing: no distribution, no files")));
        }
        Statement::new(Kind::Certificate, subjects, &self)
    }

    /// The statement of a package's certificate: about every distribution that was read.
    ///
    /// # Errors
    /// When there is none.
    pub fn package(certificate: &PackageCertificate, verifier: Verifier) -> Result<Statement, StatementError> {
        let payload = certificate.payload();
        let predicate = Self {
            verifier,
            time_created: payload.certified_at,
            properties: properties(payload.council_verdict, payload.security_level),
            sigma_certificate: CertificateClaim::of("pkg", SCHEMA, certificate.canonical()),
        };
        let files = payload.distributions.iter();
        predicate.statement(files.map(|file| Subject::file(&file.filename, &file.sha256)).collect())
    }

    /// The statement of a submission's certificate. What it is about are file sets of a commit, which the caller names.
    ///
    /// # Errors
    /// When there is none.
    pub fn submission(
        certificate: &SubmissionCertificate,
        subjects: Vec<Subject>,
        verifier: Verifier,
    ) -> Result<Statement, StatementError> {
        let payload = certificate.payload();
        let predicate = Self {
            verifier,
            time_created: payload.certified_at,
            properties: properties(payload.council_verdict, payload.review.security_level),
            sigma_certificate: CertificateClaim::of("sig", SUBMISSION_SCHEMA, certificate.canonical()),
        };
        predicate.statement(subjects)
    }
}
