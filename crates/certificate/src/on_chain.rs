//! Where a certificate is on a chain, as the public sees it. Known later than the certificate, so it is no part of what is hashed.

use serde::Serialize;
use sigma_core::Timestamp;

/// Whether the certificate is on a chain, for good.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct OnChain {
    /// True once it is final, and the contract says so.
    pub committed: bool,
    /// Why it is not, where it is not.
    pub reason: Option<String>,
    /// Which chain (EIP-155).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain_id: Option<u64>,
    /// The contract that has the payload's hash, or the root of the log that the certificate is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract: Option<String>,
    /// The transaction that put it there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction: Option<String>,
    /// The block of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block: Option<u64>,
    /// That block's time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub committed_at: Option<Timestamp>,
    /// Entries of the log whose root is there; without it, the payload's own hash is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_size: Option<u64>,
    /// The root (RFC 9162).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_root: Option<String>,
}

impl OnChain {
    /// Nothing is put on a chain here.
    pub fn off() -> Self {
        Self::not_committed("this registry does not anchor certificates on a chain")
    }

    /// It is not there, and why.
    pub fn not_committed(reason: &str) -> Self {
        Self { reason: Some(reason.to_owned()), ..Self::default() }
    }
}
