//! Claims: one audit of the same package at a time, one writer of the log, one sender of transactions, across tasks, processes and
//! machines.
//!
//! In: what is claimed. Out: a lock that ends with whoever holds it: at once where a process ends, however it ends, and within half a
//! minute where a machine or its network is gone. A holder that was stopped and goes on later may therefore meet its successor: what it
//! writes has to have a guard of its own, a position that has to match or a key that lets one in.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use sigma_core::{PackageId, Sha256};
use sqlx::AnyConnection;

use crate::database::{Connections, Kind};
use crate::locking::is_there;
use crate::{Store, StoreError};

/// What one process at a time does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duty {
    /// Writing the transparency log.
    Log,
    /// Sending transactions to a chain (EIP-155).
    Chain(u64),
}

impl Duty {
    fn name(self) -> String {
        match self {
            Self::Log => "log".to_owned(),
            Self::Chain(id) => format!("chain-{id}"),
        }
    }
}

/// Held while a package is audited, or a duty is done. The operating system, or the database server, releases it when the holder ends,
/// however it ends.
#[derive(Debug)]
pub struct Claim {
    held: Held,
}

#[derive(Debug)]
enum Held {
    /// A locked file: every process that shares a SQLite file is on its machine.
    File { locked: File },
    /// A connection that holds an advisory lock of PostgreSQL, and nothing else: none of the pool's. In a mutex that nobody locks, so
    /// that tasks may share what holds it. It is there until the claim is dropped.
    Connection { locking: Mutex<Option<AnyConnection>>, database: Connections },
}

/// A file is unlocked and not only closed: a process that this one is just starting has a copy of it until it runs its own program.
/// A connection is kept for the next claim, once the server has ended the lock. Where no task can wait for that, closing it does.
impl Drop for Claim {
    fn drop(&mut self) {
        match &mut self.held {
            Held::File { locked } => {
                let _ = locked.unlock();
            }
            Held::Connection { locking, database } => {
                if let Some(connection) = locking.get_mut().unwrap_or_else(PoisonError::into_inner).take()
                    && let Ok(runtime) = tokio::runtime::Handle::try_current()
                {
                    runtime.spawn(database.clone().unlock(connection));
                }
            }
        }
    }
}

impl Claim {
    /// Whether it is held still: a connection that is lost took its lock with it. One that does not answer in time counts as lost.
    pub async fn is_held(&mut self) -> bool {
        match &mut self.held {
            Held::File { .. } => true,
            Held::Connection { locking, .. } => {
                let Some(connection) = locking.get_mut().unwrap_or_else(PoisonError::into_inner) else { return false };
                is_there(connection).await
            }
        }
    }
}

impl Store {
    /// Waits until nobody else audits this package, and keeps others waiting. Whoever gets the claim looks the
    /// certificate up again first: the one before may have sealed it.
    pub async fn claim(&self, package: &PackageId) -> Result<Claim, StoreError> {
        self.claim_named(&Sha256::of(package.to_string().as_bytes()).to_string()).await
    }

    pub(crate) async fn claim_named(&self, name: &str) -> Result<Claim, StoreError> {
        let held = match self.database.kind() {
            Kind::Sqlite => Held::File { locked: self.lock_file(name).await? },
            Kind::Postgres => {
                let (connection, _) = self.database.lock(LOCK, number(name)).await?;
                self.held(connection)
            }
        };
        Ok(Claim { held })
    }

    /// Becomes the one who does this, unless somebody is.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn try_claim(&self, duty: Duty) -> Result<Option<Claim>, StoreError> {
        let name = duty.name();
        let held = match self.database.kind() {
            Kind::Sqlite => {
                let path = self.root().join("claims").join(name);
                let file = open(&path)?;
                match file.try_lock() {
                    Ok(()) => Held::File { locked: file },
                    Err(TryLockError::WouldBlock) => return Ok(None),
                    Err(TryLockError::Error(error)) => return Err(StoreError::io(&path)(error)),
                }
            }
            Kind::Postgres => {
                let (connection, answer) = self.database.lock(TRY_LOCK, number(&name)).await?;
                if answer == 0 {
                    self.database.unlocked(connection);
                    return Ok(None);
                }
                self.held(connection)
            }
        };
        Ok(Some(Claim { held }))
    }

    fn held(&self, connection: AnyConnection) -> Held {
        Held::Connection { locking: Mutex::new(Some(connection)), database: self.database.clone() }
    }

    async fn lock_file(&self, name: &str) -> Result<File, StoreError> {
        let path = self.root().join("claims").join(name);
        let waiting = tokio::task::spawn_blocking(move || -> Result<File, StoreError> {
            let file = open(&path)?;
            file.lock().map_err(StoreError::io(&path))?;
            Ok(file)
        });
        waiting.await.map_err(|error| StoreError::Damaged { what: "claim".to_owned(), why: error.to_string() })?
    }
}

/// Waits for a lock. The function returns void, a type that has no place among those both databases share.
const LOCK: &str = "SELECT CAST(COALESCE(LENGTH(CAST(pg_advisory_lock($1) AS TEXT)), 0) AS INTEGER)";
/// Locks where nobody holds the lock: 1, else 0.
const TRY_LOCK: &str = "SELECT CAST(pg_try_advisory_lock($1) AS INTEGER)";

fn open(path: &Path) -> Result<File, StoreError> {
    OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(StoreError::io(path))
}

/// PostgreSQL's advisory locks have 64-bit names. Two packages that share one by chance only wait for each other.
pub(crate) fn number(name: &str) -> i64 {
    Sha256::of(name.as_bytes()).as_bytes().iter().take(8).fold(0_i64, |key, byte| (key << 8) | i64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Database;

    #[tokio::test]
    async fn what_a_started_process_inherits_holds_no_claim() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), &Database::Embedded).await.unwrap();
        let claim = store.try_claim(Duty::Log).await.unwrap().expect("it is free");
        let Held::File { locked } = &claim.held else { panic!("got a connection, expected a file") };
        let _inherited = locked.try_clone().unwrap();
        drop(claim);
        assert!(store.try_claim(Duty::Log).await.unwrap().is_some());
    }
}
