//! EVM chains: puts roots of the log and payload hashes into the issuer's contract, and reads what is there.
//!
//! In: a node's address, a contract, a key in a file, what to put there. Out: signed transactions, and what the contract says at a block
//! that will not change any more. Only this crate speaks to nodes, and only it holds the key that pays. A node is a stranger: its
//! answers are bounded in time and size, its prices have a limit, and its word that a transaction succeeded counts for nothing until
//! the contract itself says so.
#![warn(missing_docs)]

mod commit;
mod contract;
mod fees;
mod handover;
mod key;
mod node;
mod registry;
mod rpc;
mod transaction;

pub use alloy_primitives::{Address, B256};
pub use commit::{Commit, MAX_BATCH};
pub use contract::{creation_code, runtime_code};
pub use fees::{Fees, TooExpensive};
pub use handover::HandOver;
pub use key::{ChainKey, ChainKeyError};
pub use node::{Block, Node, Receipt};
pub use registry::{ChainError, Finality, Found, FoundCertificate, FoundRoot, Prepared, Registry, deploy};
pub use rpc::NodeError;
pub use transaction::{Signed, Transaction};
