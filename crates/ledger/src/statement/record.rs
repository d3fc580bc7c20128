//! Statements about certificates and keys that are logged so that nobody can deny them later.

use serde::{Deserialize, Serialize};
use sigma_certificate::CertificateStatus;
use sigma_core::{SecurityLevel, Sha256, Timestamp};

use super::{CertificateClaim, Kind, Statement, StatementError, Subject};

/// An operator's decision about a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// Which certificate.
    pub certificate: CertificateClaim,
    /// REVOKED, BLOCKED or OVERRIDDEN.
    pub status: CertificateStatus,
    /// The level that holds now.
    pub security_level: SecurityLevel,
    /// Why.
    pub reason: String,
    /// When.
    pub decided_at: Timestamp,
}

impl Decision {
    /// Its statement.
    ///
    /// # Errors
    /// When it has no JSON.
    pub fn statement(&self) -> Result<Statement, StatementError> {
        Statement::new(Kind::Decision, vec![subject(&self.certificate)], self)
    }
}

/// A certificate that takes the place of an earlier one of the same package or source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reaudit {
    /// The new certificate.
    pub certificate: CertificateClaim,
    /// The id of the earlier one.
    pub supersedes: String,
    /// Why it was audited again: new rules, advisories, a request.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

impl Reaudit {
    /// Its statement.
    ///
    /// # Errors
    /// When it has no JSON.
    pub fn statement(&self) -> Result<Statement, StatementError> {
        Statement::new(Kind::Reaudit, vec![subject(&self.certificate)], self)
    }
}

/// A new trusted root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RootChange {
    /// Its version.
    pub version: u64,
    /// SHA-256 of its document.
    pub sha256: Sha256,
    /// What changed, in a sentence.
    pub reason: String,
}

impl RootChange {
    /// Its statement.
    ///
    /// # Errors
    /// When it has no JSON.
    pub fn statement(&self) -> Result<Statement, StatementError> {
        Statement::new(Kind::RootChange, vec![Subject::file("trusted_root.json", &self.sha256)], self)
    }
}

fn subject(claim: &CertificateClaim) -> Subject {
    Subject::file(&claim.certificate_id, &claim.payload_sha256)
}
