//! The store: the Package Trust Registry itself. Certificates, escalations, incidents, resolved graphs, jobs,
//! submissions and tokens in SQLite or PostgreSQL, distribution bytes in a folder or in object storage.
//!
//! In: domain types. Out: domain types. Only this crate speaks SQL. What it acknowledges is on disk.
#![warn(missing_docs)]

mod advisories;
mod anchors;
mod announced;
mod attestations;
mod backup;
mod blobs;
mod bookings;
mod bucket;
mod certificates;
mod claims;
mod copy;
mod database;
mod decisions;
mod escalations;
mod flags;
mod incidents;
mod jobs;
mod listing;
mod locking;
mod log;
mod popular;
mod reader;
mod resolutions;
mod submissions;
mod tokens;
mod transcripts;
mod versions;
mod walk;
mod writing;

pub use anchors::{Anchor, AnchorKind, AnchorState, AnchorTarget, AnchorTransaction, Uncommitted};
pub use attestations::{AnyCertificate, Attestation, DecidedCertificate, LoggedAt, STATUS, decision_subject};
pub use backup::{BackedUp, BackupError};
pub use blobs::{Blob, Blobs, Uploaded};
pub use bookings::{Booking, BookingKind, Totals};
pub use bucket::Bucket;
pub use certificates::{Sealed, Wanted};
pub use claims::{Claim, Duty};
pub use copy::{Copied, CopyError};
pub use database::Database;
pub use decisions::{AdminEvent, NewDecision};
pub use escalations::{Escalation, EscalationDecision, NewEscalation, Verdict};
pub use flags::{Flag, FlagCategory, FlagState, NoFlagWord};
pub use incidents::Incident;
pub use jobs::{
    Ack, Acknowledged, Claiming, Class, Count, Enqueued, Figure, Job, JobId, JobState, Lease, Leased, MAX_DELAY,
    MAX_PAYLOAD, NewJob, Outage, Settle,
};
pub use listing::{Cursor, Filter, Listed};
pub use log::{Entry, NewEntry};
pub use popular::PopularList;
pub use reader::{Change, OnChange, Reader, Record};
pub use submissions::{
    Draft, Event, ListedSubmission, NoState, SealedSubmission, Submission, SubmissionEscalation, SubmissionFilter,
    SubmissionPage, SubmissionState, audited_again, first_audit,
};
pub use tokens::{NoScope, Scope, Secret, Token};
pub use transcripts::StoredTranscript;
pub use versions::CertifiedVersion;
pub use writing::Writing;

use std::path::{Path, PathBuf};
use std::time::Duration;

use database::Connections;

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder cannot be made or written.
    #[error("cannot write to the store at {path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// There is no store, and none is to be begun.
    #[error("there is no store {0}")]
    NoStore(String),
    /// What should name a database does not.
    #[error("the database URL: got {0}, expected postgres://USER:PASSWORD@HOST/DATABASE")]
    DatabaseUrl(String),
    /// The database refuses.
    #[error("the store's database: {0}")]
    Sql(#[from] sqlx::Error),
    /// SQLite refuses a look-up.
    #[error("the store's database: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The database has another shape than this version expects.
    #[error("the store's database cannot be brought up to date: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// Something is larger than the store keeps.
    #[error("a {what} is too large: got {size} bytes, expected at most {limit}")]
    TooLarge {
        /// What it is.
        what: &'static str,
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// Object storage refuses, or its URL names none.
    #[error("the bucket {name}: {source}")]
    Bucket {
        /// Its URL.
        name: String,
        /// The cause.
        source: object_store::Error,
    },
    /// There is no bucket to put blobs into.
    #[error("no bucket is configured: got no url in [blobs], expected s3://BUCKET/PREFIX")]
    NoBucket,
    /// Certificates go into one log for good.
    #[error("the certificates of this store go into the log {bound}, not into {got}")]
    OtherLog {
        /// Its log.
        bound: String,
        /// The other one.
        got: String,
    },
    /// Stored bytes are not what they should be.
    #[error("the store is damaged: {what}: {why}")]
    Damaged {
        /// Which record.
        what: String,
        /// What is wrong with it.
        why: String,
    },
}

impl StoreError {
    /// Whether the database is out of reach or too busy, which passes by itself.
    pub fn passes(&self) -> bool {
        use sqlx::Error;
        match self {
            Self::Sql(Error::Io(_) | Error::PoolTimedOut | Error::PoolClosed | Error::WorkerCrashed) => true,
            // PostgreSQL: connections cut (class 08), and a server that is stopping or starting (57P01 to 57P03). SQLite: busy.
            Self::Sql(Error::Database(error)) => {
                error.code().is_some_and(|code| code.starts_with("08") || code.starts_with("57P0") || code == "5")
            }
            _ => false,
        }
    }

    fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

/// An open store. Cheap to clone; several processes may have the same one open.
#[derive(Debug, Clone)]
pub struct Store {
    database: Connections,
    root: PathBuf,
    bucket: Option<Bucket>,
    /// Whether it was begun when it was opened.
    begun: bool,
}

impl Store {
    /// Opens the store that has its files in a folder, and makes it if it is not there. Machines that share a PostgreSQL
    /// database share a bucket too, or fetch distributions again that another one has.
    pub async fn open(root: &Path, database: &Database) -> Result<Self, StoreError> {
        Self::opened(root, database, true).await
    }

    /// The same of a store that has to be there. Where there is none, nothing is made.
    pub async fn open_existing(root: &Path, database: &Database) -> Result<Self, StoreError> {
        if *database == Database::Embedded && !root.join(DATABASE).is_file() {
            return Err(StoreError::NoStore(format!("at {}: it holds no {DATABASE}", root.display())));
        }
        Self::opened(root, database, false).await
    }

    async fn opened(root: &Path, database: &Database, begin: bool) -> Result<Self, StoreError> {
        let connections = Connections::open(root, database, begin).await?;
        if !begin && !connections.has_tables().await? {
            return Err(StoreError::NoStore(match database {
                Database::Embedded => format!("at {}: its {DATABASE} is empty", root.display()),
                Database::Postgres(_) => "in the PostgreSQL database: it has no tables of one".to_owned(),
            }));
        }
        for folder in [root.to_owned(), root.join("blobs"), root.join("staging"), root.join("claims")] {
            std::fs::create_dir_all(&folder).map_err(StoreError::io(&folder))?;
        }
        sweep(&root.join("staging"));
        let mut store = Self { database: connections, root: root.to_owned(), bucket: None, begun: false };
        // Two processes that open a new store at the same time must not both migrate it.
        let claim = store.claim_named("migration").await?;
        store.begun = begin && !store.database.has_tables().await?;
        store.database.migrate().await?;
        drop(claim);
        Ok(store)
    }

    /// Whether there was no store before this one was opened.
    pub fn is_begun(&self) -> bool {
        self.begun
    }

    /// Asks the database for nothing: whether it answers at all.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").execute(&self.database.pool).await?;
        Ok(())
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where downloads are staged before they are verified.
    pub fn staging(&self) -> PathBuf {
        self.root.join("staging")
    }

    /// The distributions' bytes.
    pub fn blobs(&self) -> Blobs {
        Blobs {
            database: self.database.clone(),
            root: self.root.join("blobs"),
            staging: self.staging(),
            bucket: self.bucket.clone(),
        }
    }

    /// The same store with its blobs in a bucket too.
    #[must_use]
    pub fn with_bucket(self, bucket: Bucket) -> Self {
        Self { bucket: Some(bucket), ..self }
    }
}

/// The SQLite database in the folder of a store, and of a backup.
pub(crate) const DATABASE: &str = "sigma.sqlite";

/// Removes downloads that nobody came back for. A day is far longer than any download takes, so what another process is
/// working on stays. Best effort: what cannot be removed is in nobody's way.
fn sweep(staging: &Path) {
    let day = Duration::from_secs(24 * 60 * 60);
    for entry in std::fs::read_dir(staging).into_iter().flatten().flatten() {
        let age = entry.metadata().and_then(|metadata| metadata.modified()).ok().and_then(|time| time.elapsed().ok());
        if age.is_some_and(|age| age > day) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests;
