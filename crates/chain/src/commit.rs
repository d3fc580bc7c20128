//! What is put on a chain, as calls of the contract.

use alloy_primitives::{B256, Bytes};
use alloy_sol_types::SolCall as _;

use crate::contract::calls;

/// Most hashes of one transaction: what the contract takes.
pub const MAX_BATCH: usize = 500;

/// What is put there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Commit {
    /// The root of the log.
    Root {
        /// RFC 9162.
        root: B256,
        /// Entries that it covers.
        size: u64,
    },
    /// Payload hashes; at most [`MAX_BATCH`].
    Certificates(Vec<B256>),
    /// That the certificate of a payload hash no longer stands.
    Revoke(B256),
}

impl Commit {
    /// The call.
    pub fn data(&self) -> Bytes {
        match self {
            Self::Root { root, size } => calls::commitRootCall { root: *root, size: *size }.abi_encode(),
            Self::Certificates(hashes) => match hashes.as_slice() {
                [hash] => calls::commitCall { payloadHash: *hash }.abi_encode(),
                _ => calls::commitBatchCall { payloadHashes: hashes.clone() }.abi_encode(),
            },
            Self::Revoke(hash) => calls::revokeCall { payloadHash: *hash }.abi_encode(),
        }
        .into()
    }

    /// More gas than it can need under the rules of any chain that is known: where a node asks for more, it is not paid. A new slot
    /// costs 22,100 gas under Ethereum's rules and 27,900 under Monad's (MIP-8); before those, 28,100.
    pub(crate) fn most_gas(&self) -> u64 {
        match self {
            Self::Root { .. } | Self::Revoke(_) => 200_000,
            Self::Certificates(hashes) => 200_000 + 50_000 * hashes.len() as u64,
        }
    }
}
