//! What makes certificates checkable by strangers: they are signed, logged, announced, and handed out with their proofs.
//!
//! In: the store's certificates and operators' decisions, a folder with keys, trusted root and log. Out: their places in the log,
//! bundles, a status list. The store keeps an envelope before it is logged, and the log knows what it has: a crash at any point ends
//! in one entry. Where a store has a log, nothing is announced before a checkpoint covers it.

mod carried;
mod duty;
mod folder;
mod reader;
mod reaudits;
mod roots;
mod witnesses;
mod writer;

use std::path::PathBuf;

pub use carried::Cosigned;
pub use duty::keep_log;
pub use folder::{LedgerFolder, LedgerSigner};
pub use reader::LedgerReader;
pub use roots::{KeyChange, RootChanged};
use sigma_ledger::keys::{KeyFileError, PublicKeyError};
use sigma_ledger::log::{LogError, StorageError};
use sigma_ledger::statement::StatementError;
use sigma_ledger::{AttestError, Envelope, NoteError, RootError};
use sigma_store::{Attestation, StoreError};
pub use witnesses::{Asked, Asking, WitnessAddress, WitnessConfig};
pub use writer::{Ledger, Synced};

/// Why something could not be signed, logged or proven.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// A file of the ledger's folder.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        error: std::io::Error,
    },
    /// The name of the log is none.
    #[error("got the log's name `{0}`, expected a host and a path such as `sigma.example.org/log`, without a scheme")]
    Origin(String),
    /// A key.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// A public key.
    #[error(transparent)]
    PublicKey(#[from] PublicKeyError),
    /// Who signs.
    #[error("{0}")]
    Signer(&'static str),
    /// The trusted root.
    #[error(transparent)]
    Root(#[from] RootError),
    /// A key of a log, as text.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Where the log lies.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A statement.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// The signature.
    #[error(transparent)]
    Attest(#[from] AttestError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log has less than the store knows of it: it is from an old backup, or another one.
    #[error("the log has {size} entries, and the store knows its entry {index}: it is an old copy, or another log")]
    Behind {
        /// Its entries.
        size: u64,
        /// The highest place that is known.
        index: u64,
    },
    /// What is stored is not what was stored.
    #[error("the stored statement about {0} cannot be read")]
    Damaged(String),
    /// Keys are between two versions of the root.
    #[error("the change to version {0} of the trusted root was interrupted: give the same command again")]
    Interrupted(u64),
    /// No key of the root has this id.
    #[error("the trusted root has no key {0}")]
    UnknownKey(String),
    /// An answer without a signature that counts.
    #[error("got `{0}`, expected a signature of a known witness over the checkpoint that it was asked about")]
    Witness(String),
    /// No client to ask witnesses with.
    #[error("witnesses cannot be asked: {0}")]
    Client(#[from] sigma_ecosystem::HttpError),
    /// Witnesses come first, and have not signed yet.
    #[error("enough witnesses signed {covered} entries of the log, and {size} are to be announced")]
    Unwitnessed {
        /// What they signed.
        covered: u64,
        /// What waits.
        size: u64,
    },
    /// Somebody else writes the log.
    #[error("another process writes this log; stop it for the moment (sigma serve, sigma worker)")]
    Busy,
    /// Our own fault.
    #[error("internal error: {0}")]
    Internal(String),
}

fn envelope(attestation: &Attestation) -> Result<Envelope, LedgerError> {
    serde_json::from_slice(&attestation.envelope).map_err(|_| LedgerError::Damaged(attestation.subject.clone()))
}
