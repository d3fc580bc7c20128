//! Statements: what the issuer signs (in-toto Statement v1), of a few kinds.
//!
//! In: certificates, decisions, new trusted roots, lists of what was revoked. Out: canonical JSON that names its subjects by
//! digest. A statement of one kind never reads as one of another: the kind is its `predicateType`, which is signed.

mod certificate;
mod record;
mod status;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sigma_certificate::{CanonicalError, FILES_HASH_ALGORITHM, canonical_bytes};
use sigma_core::Sha256;

pub use certificate::{CertificateClaim, CertificatePredicate, Policy, Verifier, properties};
pub use record::{Decision, Reaudit, RootChange};
pub use status::{Revoked, StatusList};

/// `_type` of every statement.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// `payloadType` of every envelope.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// What a statement says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A certificate: what was found about these files.
    Certificate,
    /// An operator revoked, blocked or overrode a certificate.
    Decision,
    /// A certificate took the place of another.
    Reaudit,
    /// Keys were added, retired or revoked.
    RootChange,
    /// Which certificates no longer stand, as of a time.
    StatusList,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Certificate, Self::Decision, Self::Reaudit, Self::RootChange, Self::StatusList];

    /// `predicateType`. A certificate is a Simple Verification Result, which others read too; the rest is ours.
    pub fn predicate_type(self) -> &'static str {
        match self {
            Self::Certificate => "https://in-toto.io/attestation/svr/v0.2",
            Self::Decision => "urn:sigma:decision:v1",
            Self::Reaudit => "urn:sigma:reaudit:v1",
            Self::RootChange => "urn:sigma:root-change:v1",
            Self::StatusList => "urn:sigma:status-list:v1",
        }
    }
}

/// What a statement is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// A name for people; nothing is looked up by it.
    pub name: String,
    /// Digests by algorithm, in lower-case hexadecimal.
    pub digest: BTreeMap<String, String>,
}

impl Subject {
    /// A file, such as a distribution.
    pub fn file(name: impl Into<String>, sha256: &Sha256) -> Self {
        Self { name: name.into(), digest: BTreeMap::from([("sha256".to_owned(), sha256.to_string())]) }
    }

    /// A set of files, by `sha256-sorted-files-v1`, and the commit that they are of. No file has this hash, so it does not
    /// stand under `sha256`.
    pub fn file_set(name: impl Into<String>, hash: &Sha256, git_commit: Option<&str>) -> Self {
        let mut digest = BTreeMap::from([(FILES_HASH_ALGORITHM.to_owned(), hash.to_string())]);
        digest.extend(git_commit.map(|commit| ("gitCommit".to_owned(), commit.to_owned())));
        Self { name: name.into(), digest }
    }
}

/// An in-toto statement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    /// What it is about.
    pub subject: Vec<Subject>,
    predicate_type: String,
    predicate: Value,
}

/// Why bytes are no statement, or values none.
#[derive(Debug, thiserror::Error)]
pub enum StatementError {
    /// It has no canonical JSON.
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
    /// It is not JSON of this shape.
    #[error("not a statement: {0}")]
    Json(#[from] serde_json::Error),
    /// It is a statement of another kind.
    #[error("got a statement of the type `{got}`, expected `{expected}`")]
    Type {
        /// Its type.
        got: String,
        /// What was asked for.
        expected: &'static str,
    },
    /// Values contradict each other.
    #[error("{0}")]
    Contradiction(String),
}

impl Statement {
    /// A statement of a kind.
    ///
    /// # Errors
    /// When the predicate is not JSON.
    pub fn new(kind: Kind, subject: Vec<Subject>, predicate: &impl Serialize) -> Result<Self, StatementError> {
        Ok(Self {
            kind: STATEMENT_TYPE.to_owned(),
            subject,
            predicate_type: kind.predicate_type().to_owned(),
            predicate: serde_json::to_value(predicate)?,
        })
    }

    /// Reads the payload of an envelope, strictly. Unknown members are allowed, as in-toto asks.
    ///
    /// # Errors
    /// When it is no statement.
    pub fn parse(payload: &[u8]) -> Result<Self, StatementError> {
        let value = sigma_certificate::admit(payload, usize::MAX)
            .map_err(|error| StatementError::Contradiction(error.to_string()))?;
        let statement: Self = serde_json::from_value(value)?;
        if statement.kind != STATEMENT_TYPE {
            let got = sigma_core::printable(&statement.kind, 80);
            return Err(StatementError::Type { got, expected: STATEMENT_TYPE });
        }
        Ok(statement)
    }

    /// The bytes that are signed: canonical JSON.
    ///
    /// # Errors
    /// When there are none.
    pub fn to_bytes(&self) -> Result<Vec<u8>, StatementError> {
        Ok(canonical_bytes(self)?)
    }

    /// What it says, where that is of a kind we know.
    pub fn kind(&self) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.predicate_type() == self.predicate_type)
    }

    /// The predicate of a statement that is of a kind.
    ///
    /// # Errors
    /// When it is of another, or its predicate is not of the kind's shape.
    pub fn predicate<'a, T: Deserialize<'a>>(&'a self, kind: Kind) -> Result<T, StatementError> {
        if self.kind() != Some(kind) {
            let got = sigma_core::printable(&self.predicate_type, 80);
            return Err(StatementError::Type { got, expected: kind.predicate_type() });
        }
        Ok(T::deserialize(&self.predicate)?)
    }

    /// Whether it is about something with this digest.
    pub fn is_about(&self, algorithm: &str, digest: &str) -> bool {
        self.subject.iter().any(|subject| subject.digest.get(algorithm).is_some_and(|other| other == digest))
    }
}
