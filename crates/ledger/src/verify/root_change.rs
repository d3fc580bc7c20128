//! From one trusted root to the next: the new one was logged, signed by a key of the old one.

use sigma_core::{Sha256, printable};

use super::Policy;
use super::attestation::verify_statement;
use crate::root::{RootError, TrustedRoot};
use crate::statement::{Kind, RootChange};

/// Why a root was not taken.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// The document.
    #[error(transparent)]
    Root(#[from] RootError),
    /// Its proof.
    #[error("the new trusted root is not proven: {0}")]
    Proof(String),
}

/// The next trusted root, if the one that is trusted now says so.
///
/// # Errors
/// When the document is not the next one, or its proof does not hold.
pub fn update(root: &TrustedRoot, document: &[u8], proof: &[u8], policy: &Policy) -> Result<TrustedRoot, UpdateError> {
    let next = TrustedRoot::parse(document)?;
    next.check_follows(root)?;
    let wrong = |why: String| UpdateError::Proof(printable(&why, 300));
    let attested = verify_statement(proof, root, policy).map_err(|error| wrong(error.to_string()))?;
    let change: RootChange =
        attested.statement.predicate(Kind::RootChange).map_err(|error| wrong(error.to_string()))?;
    // Of the bytes as they came, which have to be canonical: the next step of the chain hashes them again.
    if change.version != next.version() || change.sha256 != Sha256::of(document) || next.to_bytes() != document {
        return Err(wrong("it is about another document".to_owned()));
    }
    Ok(next)
}
