//! Claims: one audit of the same package at a time, one writer of the log, one sender of transactions, across tasks, processes and
//! machines.
//!
//! In: what is claimed. Out: a lock that ends with whoever holds it: at once where a process ends, however it ends, and within half a
//! minute where a machine or its network is gone. A holder that was stopped and goes on later may therefore meet its successor: what it
//! writes has to have a guard of its own, a position that has to match or a key that lets one in.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sigma_core::{PackageId, Sha256};
use sqlx::{AnyConnection, Connection as _, Row as _};

use crate::database::Kind;
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
    File { _locked: File },
    /// A connection that holds an advisory lock of PostgreSQL. It is not one of the pool's: those live on. In a mutex that
    /// nobody locks, so that tasks may share what holds it.
    Connection { locking: Mutex<AnyConnection> },
}

impl Claim {
    /// Whether it is held still: a connection that is lost took its lock with it. One that does not answer in time counts as lost.
    pub async fn is_held(&mut self) -> bool {
        match &mut self.held {
            Held::File { .. } => true,
            Held::Connection { locking } => {
                let connection = locking.get_mut().unwrap_or_else(PoisonError::into_inner);
                tokio::time::timeout(ANSWER, connection.ping()).await.is_ok_and(|answer| answer.is_ok())
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
            Kind::Sqlite => Held::File { _locked: self.lock_file(name).await? },
            Kind::Postgres => Held::Connection { locking: Mutex::new(self.lock_in_database(name).await?) },
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
                    Ok(()) => Held::File { _locked: file },
                    Err(TryLockError::WouldBlock) => return Ok(None),
                    Err(TryLockError::Error(error)) => return Err(StoreError::io(&path)(error)),
                }
            }
            Kind::Postgres => {
                let mut connection = self.locking().await?;
                let row = sqlx::query("SELECT CAST(pg_try_advisory_lock($1) AS INTEGER)")
                    .bind(number(&name))
                    .fetch_one(&mut connection)
                    .await?;
                if row.try_get::<i32, _>(0)? == 0 {
                    return Ok(None);
                }
                Held::Connection { locking: Mutex::new(connection) }
            }
        };
        Ok(Some(Claim { held }))
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

    /// A connection of PostgreSQL that is to hold a lock.
    async fn locking(&self) -> Result<AnyConnection, StoreError> {
        let mut connection = self.database.separate().await?;
        sqlx::raw_sql(KEEPALIVE).execute(&mut connection).await?;
        Ok(connection)
    }

    async fn lock_in_database(&self, name: &str) -> Result<AnyConnection, StoreError> {
        let mut connection = self.locking().await?;
        // The function returns void, a type that has no place among those both databases share.
        sqlx::query("SELECT CAST(pg_advisory_lock($1) AS TEXT)").bind(number(name)).execute(&mut connection).await?;
        Ok(connection)
    }
}

/// How long the server may take to say that it is there.
const ANSWER: Duration = Duration::from_secs(5);
/// A machine that is gone says nothing: the server asks after ten seconds of silence, and gives it up after three answers that do not
/// come. Its own default is two hours. Nothing happens on a connection of the machine itself, which ends with the process.
const KEEPALIVE: &str = "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3;";

fn open(path: &Path) -> Result<File, StoreError> {
    OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(StoreError::io(path))
}

/// PostgreSQL's advisory locks have 64-bit names. Two packages that share one by chance only wait for each other.
fn number(name: &str) -> i64 {
    Sha256::of(name.as_bytes()).as_bytes().iter().take(8).fold(0_i64, |key, byte| (key << 8) | i64::from(*byte))
}
