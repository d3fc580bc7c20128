//! The transparency log: an append-only Merkle tree (RFC 9162) in tiles (C2SP tlog-tiles) with signed checkpoints.
//!
//! In: leaves, in batches. Out: their positions, proofs, tiles to serve. What a signed checkpoint says is never taken back:
//! everything it covers is durable before it is written, and a log that does not add up to its checkpoint is not opened.

mod answer;
mod edge;
mod folder;
mod fsck;
mod reader;
mod resource;
mod storage;
mod witness;
mod writer;

pub use answer::{MAX_ANSWER, WitnessAnswer, WitnessError};
pub use folder::Folder;
pub use fsck::{FsckReport, MAX_PROBLEMS, fsck};
pub use reader::Reader;
pub use resource::Resource;
pub use storage::{Batch, Storage, StorageError};
pub use witness::{WitnessPolicy, keep_cosigned, witness_request};
pub use writer::{Entry, Log, Logged, promise_message};

use crate::note::NoteError;

/// Entries of a tile or bundle (C2SP tlog-tiles: height 8).
pub const WIDTH: u64 = 256;
/// An entry's length is written in 16 bits.
pub const MAX_LEAF: usize = u16::MAX as usize;

/// Why the log cannot do something.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The storage.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// What is stored does not add up: somebody changed it, or the disk did.
    #[error("the log is damaged at {place}: {why}")]
    Damaged {
        /// Which resource, as its path.
        place: String,
        /// What was got and expected.
        why: String,
    },
    /// Its checkpoint is not one, or not signed by the log's key.
    #[error("checkpoint: {0}")]
    Checkpoint(#[from] NoteError),
    /// A position or size that the log does not have.
    #[error("got {got}, expected at most {size}, the size of the log")]
    Beyond {
        /// Which.
        got: u64,
        /// How many entries there are.
        size: u64,
    },
    /// An entry of this length cannot be logged.
    #[error("got an entry of {0} bytes, expected 1 to 65535")]
    Leaf(usize),
    /// An earlier write failed half-way: what is durable is only known after opening the log again.
    #[error("an earlier write failed; open the log again")]
    Uncertain,
    /// The arithmetic of tiles and proofs refused its input.
    #[error("proof: {0}")]
    Proof(String),
}

impl LogError {
    pub(crate) fn damaged(place: &Resource, why: impl Into<String>) -> Self {
        Self::Damaged { place: place.path(), why: why.into() }
    }
}

impl From<tlog_tiles::tlog::Error> for LogError {
    fn from(error: tlog_tiles::tlog::Error) -> Self {
        Self::Proof(error.to_string())
    }
}
