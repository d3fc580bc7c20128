//! Where a log is kept. The folder in this crate is one place, tables of a database are another.

use super::Resource;

/// Why a storage failed.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// Files.
    #[error("{path}: {error}")]
    Io {
        /// Which.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// Another process writes this log.
    #[error("another process writes this log: {0} is locked")]
    Locked(String),
    /// Anything else: a database's error, in words.
    #[error("{0}")]
    Other(String),
}

/// What one append writes.
#[derive(Debug, Default)]
pub struct Batch {
    /// Tiles and bundles, new or wider than before.
    pub resources: Vec<(Resource, Vec<u8>)>,
    /// The checkpoint that covers them, with its signatures: the last thing that becomes durable.
    pub checkpoint: String,
    /// Full tiles and bundles among the resources: narrower versions of them may go.
    pub completed: Vec<Resource>,
}

/// A place for a log.
///
/// A storage has one writer. Who that is, is for the storage to enforce: [`super::Folder`] locks a file; in a database a
/// row that holds the writer's lease is checked in the transaction of [`Storage::commit`].
pub trait Storage: Send + Sync {
    /// The bytes of a resource, `None` where there is none.
    ///
    /// # Errors
    /// When the storage fails; never to say that there is none.
    fn read(&self, resource: &Resource) -> Result<Option<Vec<u8>>, StorageError>;

    /// Writes a batch. When it returns, all of it survives a loss of power; if it does not return, the checkpoint is the
    /// old one with all it covers, or the new one with all it covers. Resources beyond the checkpoint may be left behind
    /// and are written over later.
    ///
    /// # Errors
    /// When it is not known to be durable.
    fn commit(&self, batch: &Batch) -> Result<(), StorageError>;

    /// Replaces the cosigned checkpoint.
    ///
    /// # Errors
    /// When it is not known to be durable.
    fn cosign(&self, note: &str) -> Result<(), StorageError>;
}

/// References, and shared ones.
impl<P: std::ops::Deref<Target: Storage> + Send + Sync> Storage for P {
    fn read(&self, resource: &Resource) -> Result<Option<Vec<u8>>, StorageError> {
        (**self).read(resource)
    }

    fn commit(&self, batch: &Batch) -> Result<(), StorageError> {
        (**self).commit(batch)
    }

    fn cosign(&self, note: &str) -> Result<(), StorageError> {
        (**self).cosign(note)
    }
}
