//! Point look-ups for the public API, and word of what changed, so that answers can be kept ready.
//!
//! In: an exact package. Out: its answering certificate as it is stored, without being parsed, and every change that any
//! process made since. sqlx's pool costs 47 to 100 µs a query; prepared statements on connections of our own do not.
//!
//! **Which certificate answers**: one that an operator blocked before all others, then the newest. A newer certificate that was
//! revoked still answers, and says so: an older one, of older rules, must not take its place.

mod lookups;
mod postgres;
mod sqlite;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sigma_certificate::{Action, Decision, content_id};
use sigma_core::{AdvisorySnapshot, PackageId, SecurityLevel};

use crate::database::Kind;
use crate::{Anchor, Database, Store, StoreError};

/// A stored certificate: its bytes, and what became known since.
#[derive(Debug, Clone)]
pub struct Record {
    /// The certificate's id. Its bytes hash to it.
    pub id: String,
    /// keccak256 of its bytes, as it was stored.
    pub payload_hash: String,
    /// When it was sealed, in milliseconds since 1970.
    pub certified_at: i64,
    /// The level it was sealed with, as its column says: good for choosing what to open.
    pub level: SecurityLevel,
    /// Canonical bytes.
    pub payload: Vec<u8>,
    /// What an operator decided last.
    pub decision: Option<Decision>,
    /// Advisories asked for later; looked for only where the certificate has none.
    pub advisories: Option<AdvisorySnapshot>,
    /// Where it is on a chain, or how far it is; looked for only where one certificate answers for a package.
    pub anchor: Option<Anchor>,
}

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The answer about one package.
    Package(PackageId),
    /// More than can be told: every answer that is kept must go.
    Everything,
}

/// Told of every change before [`Reader::fresh`] returns. Called from any thread; must be quick.
pub type OnChange = Arc<dyn Fn(Change) + Send + Sync>;

/// Reads for the public API. Cheap to clone.
#[derive(Clone)]
pub struct Reader {
    kind: Arc<ReaderKind>,
}

enum ReaderKind {
    Sqlite(sqlite::SqliteReader),
    Postgres(Box<postgres::PostgresReader>),
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reader")
    }
}

impl Store {
    /// A reader of this store that tells `on_change` what any process changes.
    pub async fn reader(&self, database: &Database, on_change: OnChange) -> Result<Reader, StoreError> {
        let kind = match (self.database.kind(), database) {
            (Kind::Postgres, Database::Postgres(url)) => {
                ReaderKind::Postgres(Box::new(postgres::PostgresReader::open(url.clone(), on_change)?))
            }
            _ => ReaderKind::Sqlite(sqlite::SqliteReader::open(&self.root.join("sigma.sqlite"), on_change)?),
        };
        Ok(Reader { kind: Arc::new(kind) })
    }
}

impl Reader {
    /// Sees to it that everything committed before this call was told to `on_change`. False when that is not known (the
    /// listening connection is lost): what was kept ready must not be used. What this process committed is always told. Of
    /// other processes, SQLite tells what they committed up to a millisecond ago, less than they need to say so to anybody;
    /// PostgreSQL tells as soon as the server's notification arrives, within milliseconds.
    pub fn fresh(&self) -> bool {
        match &*self.kind {
            ReaderKind::Sqlite(reader) => reader.fresh(),
            ReaderKind::Postgres(reader) => reader.fresh(),
        }
    }

    /// A number that grows before changes are told. Whoever keeps an answer compares it from before reading with that after
    /// keeping: if it grew, a change may have been told while the answer was on its way, and it must be dropped.
    pub fn epoch(&self) -> u64 {
        match &*self.kind {
            ReaderKind::Sqlite(reader) => reader.epoch(),
            ReaderKind::Postgres(reader) => reader.epoch(),
        }
    }

    /// Statements that look-ups took so far, in this process.
    pub fn statements(&self) -> u64 {
        match &*self.kind {
            ReaderKind::Sqlite(reader) => reader.statements(),
            ReaderKind::Postgres(reader) => reader.statements(),
        }
    }

    /// The answering certificate of an exact package. On SQLite this does not wait for other threads, but reads files.
    pub async fn package(&self, package: &PackageId) -> Result<Option<Record>, StoreError> {
        match &*self.kind {
            ReaderKind::Sqlite(reader) => reader.package(package),
            ReaderKind::Postgres(reader) => Ok(reader.packages(std::slice::from_ref(package)).await?.pop().flatten()),
        }
    }

    /// The answering certificates of many packages, in the same order: one query on PostgreSQL, one transaction on SQLite.
    pub async fn packages(&self, packages: &[PackageId]) -> Result<Vec<Option<Record>>, StoreError> {
        match &*self.kind {
            ReaderKind::Sqlite(_) => {
                let (reader, packages) = (self.clone(), packages.to_vec());
                let reading = tokio::task::spawn_blocking(move || match &*reader.kind {
                    ReaderKind::Sqlite(reader) => reader.packages(&packages),
                    ReaderKind::Postgres(_) => Ok(Vec::new()),
                });
                reading
                    .await
                    .map_err(|error| StoreError::Damaged { what: "look-up".to_owned(), why: error.to_string() })?
            }
            ReaderKind::Postgres(reader) => reader.packages(packages).await,
        }
    }
}

/// Counts what this process committed and readers have to know at once, in whatever store.
static COMMITS: AtomicU64 = AtomicU64::new(0);

/// Called after a commit that changes an answer.
pub(crate) fn committed() {
    COMMITS.fetch_add(1, Ordering::SeqCst);
}

/// Which of two certificates of the same package answers.
fn answers_before(one: &Record, other: &Record) -> bool {
    let rank = |record: &Record| {
        let blocked = record.decision.as_ref().is_some_and(|decision| decision.action == Action::Block);
        (blocked, record.certified_at)
    };
    rank(one).cmp(&rank(other)).then_with(|| other.id.cmp(&one.id)).is_gt()
}

/// Refuses bytes that are not those that were sealed: the id follows from them.
fn intact(record: Record) -> Result<Record, StoreError> {
    let is = content_id("pkg", sigma_certificate::SCHEMA, &record.payload);
    if is == record.id {
        return Ok(record);
    }
    Err(StoreError::Damaged { what: format!("certificate {}", record.id), why: format!("its bytes are those of {is}") })
}

/// The level of a column.
pub(crate) fn level(id: &str, text: &str) -> Result<SecurityLevel, StoreError> {
    text.parse().map_err(|why| StoreError::Damaged { what: format!("certificate {id}"), why })
}

/// A remembered snapshot. One that cannot be read counts as none: it will be asked for again.
fn snapshot(bytes: &[u8]) -> Option<AdvisorySnapshot> {
    serde_json::from_slice(bytes).ok()
}
