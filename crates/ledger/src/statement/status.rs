//! The status list: which certificates no longer stand, as of a time, until it expires.

use serde::{Deserialize, Serialize};
use sigma_certificate::CertificateStatus;
use sigma_core::{Sha256, Timestamp};

use super::{Kind, Statement, StatementError, Subject};
use crate::checkpoint::Checkpoint;

/// The list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusList {
    /// What it says held at this time.
    pub as_of: Timestamp,
    /// From then on it says nothing.
    pub expires: Timestamp,
    /// How many entries the log had.
    pub log_size: u64,
    /// What no longer stands as it was sealed, by id.
    pub revoked: Vec<Revoked>,
}

/// A certificate that no longer stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Revoked {
    /// Which.
    pub certificate_id: String,
    /// REVOKED, BLOCKED or OVERRIDDEN.
    pub status: CertificateStatus,
    /// Since when.
    pub at: Timestamp,
    /// Where the decision is in the log.
    pub log_index: u64,
}

impl StatusList {
    /// A list about a state of the log, in the order of ids.
    pub fn new(as_of: Timestamp, expires: Timestamp, log: &Checkpoint, mut revoked: Vec<Revoked>) -> Self {
        revoked.sort_by(|a, b| a.certificate_id.cmp(&b.certificate_id));
        Self { as_of, expires, log_size: log.size, revoked }
    }

    /// Its statement, about the log at the state that the list is of.
    ///
    /// # Errors
    /// When the list is of another state, or never holds.
    pub fn statement(&self, log: &Checkpoint) -> Result<Statement, StatementError> {
        if self.log_size != log.size || self.expires <= self.as_of {
            return Err(StatementError::Contradiction("a status list of another log size, or without time".to_owned()));
        }
        let subject = Subject::file(&log.origin, &Sha256::from_bytes(log.root));
        Statement::new(Kind::StatusList, vec![subject], self)
    }

    /// What it says of a certificate.
    pub fn find(&self, certificate_id: &str) -> Option<&Revoked> {
        self.revoked.iter().find(|revoked| revoked.certificate_id == certificate_id)
    }
}
