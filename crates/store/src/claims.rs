//! Claims: one audit of the same package at a time, across tasks, processes and machines.

use std::fs::{File, OpenOptions};
use std::sync::Mutex;

use sigma_core::{PackageId, Sha256};
use sqlx::AnyConnection;

use crate::database::Kind;
use crate::{Store, StoreError};

/// Held while a package is audited. The operating system, or the database server, releases it when the holder ends,
/// however it ends.
#[derive(Debug)]
pub struct Claim {
    _held: Held,
}

#[derive(Debug)]
enum Held {
    /// A locked file: every process that shares a SQLite file is on its machine.
    File { _locked: File },
    /// A connection that holds an advisory lock of PostgreSQL. It is not one of the pool's: those live on. In a mutex that
    /// nobody locks, so that tasks may share what holds it.
    Connection { _locking: Mutex<AnyConnection> },
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
            Kind::Postgres => Held::Connection { _locking: Mutex::new(self.lock_in_database(name).await?) },
        };
        Ok(Claim { _held: held })
    }

    async fn lock_file(&self, name: &str) -> Result<File, StoreError> {
        let path = self.root().join("claims").join(name);
        let waiting = tokio::task::spawn_blocking(move || -> Result<File, StoreError> {
            let file = OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .open(&path)
                .map_err(StoreError::io(&path))?;
            file.lock().map_err(StoreError::io(&path))?;
            Ok(file)
        });
        waiting.await.map_err(|error| StoreError::Damaged { what: "claim".to_owned(), why: error.to_string() })?
    }

    /// PostgreSQL's advisory locks have 64-bit names. Two packages that share one by chance only wait for each other.
    async fn lock_in_database(&self, name: &str) -> Result<AnyConnection, StoreError> {
        let digest = Sha256::of(name.as_bytes());
        let key = digest.as_bytes().iter().take(8).fold(0_i64, |key, byte| (key << 8) | i64::from(*byte));
        let mut connection = self.database.separate().await?;
        // The function returns void, a type that has no place among those both databases share.
        sqlx::query("SELECT CAST(pg_advisory_lock($1) AS TEXT)").bind(key).execute(&mut connection).await?;
        Ok(connection)
    }
}
