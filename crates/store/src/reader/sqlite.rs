//! Look-ups on SQLite: a few connections of our own with prepared statements, used where the caller stands.

use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};
use sigma_certificate::{Decision, lacks_advisories};
use sigma_core::{Ecosystem, PackageId, PackageName};

use super::{COMMITS, Change, OnChange, Record, answers_before, intact, level, snapshot};
use crate::anchors::{ANCHOR_COLUMNS, OWN, PLACE, chosen, read as read_anchor};
use crate::announced::ANNOUNCED;
use crate::decisions::{COLUMNS, LAST, decision};
use crate::{Anchor, StoreError};

/// Connections, their word on the database's version, and what was seen of the list of changes.
pub(super) struct SqliteReader {
    slots: Vec<Mutex<Slot>>,
    seen: Mutex<i64>,
    epoch: AtomicU64,
    on_change: OnChange,
    began: Instant,
    /// When the last look began, in nanoseconds since `began`, and how much this process had committed then.
    looked: AtomicU64,
    commits: AtomicU64,
    statements: AtomicU64,
}

struct Slot {
    connection: Connection,
    /// `PRAGMA data_version` when this connection last looked: it differs after any commit by another connection.
    version: i64,
}

/// A page cache for each connection, in KiB. The operating system caches the file too.
const CACHE_KIB: i64 = 16 * 1024;

/// Bytes of the file that are read where the operating system has them, without a system call and a copy for each page: a third of
/// what a look-up takes. Less than 2 GiB, which is the most that SQLite takes; what lies behind is read as usual.
const MAPPED: i64 = 0x7fff_0000;

/// How long a look serves others. A look takes four system calls, more than everything else about an answer that is ready.
const WINDOW: Duration = Duration::from_millis(1);

/// Statements of a connection; there are eight.
const STATEMENTS: usize = 16;

impl SqliteReader {
    pub(super) fn open(file: &Path, on_change: OnChange) -> Result<Self, StoreError> {
        let count = std::thread::available_parallelism().map_or(2, usize::from) + 1;
        let slots = (0..count).map(|_| Slot::open(file).map(Mutex::new)).collect::<Result<Vec<_>, _>>()?;
        let reader = Self {
            slots,
            seen: Mutex::new(0),
            epoch: AtomicU64::new(0),
            on_change,
            began: Instant::now(),
            looked: AtomicU64::new(0),
            commits: AtomicU64::new(u64::MAX),
            statements: AtomicU64::new(0),
        };
        let newest = reader.slot().connection.query_row(NEWEST_CHANGE, [], |row| row.get(0))?;
        *reader.seen.lock().unwrap_or_else(PoisonError::into_inner) = newest;
        Ok(reader)
    }

    /// A connection: this thread's own as a rule, any free one otherwise.
    fn slot(&self) -> MutexGuard<'_, Slot> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        thread_local!(static MINE: usize = NEXT.fetch_add(1, Ordering::Relaxed));
        let (mine, count) = (MINE.with(|mine| *mine), self.slots.len());
        let free = (0..count).find_map(|offset| self.slots[(mine + offset) % count].try_lock().ok());
        free.unwrap_or_else(|| self.slots[mine % count].lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::SeqCst)
    }

    pub(super) fn fresh(&self) -> bool {
        let commits = COMMITS.load(Ordering::SeqCst);
        let now = self.began.elapsed().as_nanos();
        let recent = now.saturating_sub(u128::from(self.looked.load(Ordering::SeqCst))) < WINDOW.as_nanos();
        if recent && self.commits.load(Ordering::SeqCst) == commits {
            return true;
        }
        match self.look() {
            Ok(()) => {
                // Both from before the look: what was committed since is looked for again.
                self.looked.store(u64::try_from(now).unwrap_or(u64::MAX), Ordering::SeqCst);
                self.commits.store(commits, Ordering::SeqCst);
                true
            }
            Err(error) => {
                tracing::warn!(%error, "the store does not say whether it changed: nothing kept ready is used");
                false
            }
        }
    }

    fn look(&self) -> Result<(), StoreError> {
        let mut slot = self.slot();
        let version = slot.data_version()?;
        if version == slot.version {
            return Ok(());
        }
        // Whoever else notices waits here until the changes were told.
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (newest, oldest): (i64, i64) = slot.connection.query_row(
            "SELECT COALESCE(MAX(seq), 0), COALESCE(MIN(seq), 0) FROM package_change",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        if newest != *seen {
            self.epoch.fetch_add(1, Ordering::SeqCst);
            if newest < *seen || oldest > *seen + 1 {
                (self.on_change)(Change::Everything);
            } else {
                let mut statement = slot.connection.prepare_cached(
                    "SELECT ecosystem, name, version FROM package_change WHERE seq > ?1 AND seq <= ?2",
                )?;
                let mut rows = statement.query(params![*seen, newest])?;
                while let Some(row) = rows.next()? {
                    let (ecosystem, name, version): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
                    (self.on_change)(
                        package_of(&ecosystem, &name, &version).map_or(Change::Everything, Change::Package),
                    );
                }
            }
            *seen = newest;
        }
        drop(seen);
        slot.version = version;
        Ok(())
    }

    /// Statements that look-ups took so far.
    pub(super) fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    pub(super) fn package(&self, package: &PackageId) -> Result<Option<Record>, StoreError> {
        self.slot().package(package, &self.statements)
    }

    pub(super) fn packages(&self, packages: &[PackageId]) -> Result<Vec<Option<Record>>, StoreError> {
        let slot = self.slot();
        let transaction = slot.connection.unchecked_transaction()?;
        let records =
            packages.iter().map(|package| slot.package(package, &self.statements)).collect::<Result<_, _>>()?;
        transaction.finish()?;
        Ok(records)
    }
}

const NEWEST_CHANGE: &str = "SELECT COALESCE(MAX(seq), 0) FROM package_change";

impl Slot {
    fn open(file: &Path) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(file, flags)?;
        connection.busy_timeout(Duration::from_secs(30))?;
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        connection.pragma_update_and_check(None, "mmap_size", MAPPED, |_| Ok(()))?;
        connection.pragma_update(None, "query_only", true)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        let mut slot = Self { connection, version: 0 };
        slot.version = slot.data_version()?;
        Ok(slot)
    }

    fn data_version(&self) -> Result<i64, StoreError> {
        Ok(self.connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?)
    }

    fn package(&self, package: &PackageId, statements: &AtomicU64) -> Result<Option<Record>, StoreError> {
        let count = || statements.fetch_add(1, Ordering::Relaxed);
        count();
        // One statement for what every look-up needs: each takes and gives back the locks of a read transaction. Few certificates were
        // decided about, and many stores know no chain: what was decided, and where a certificate is, is read where there is something
        // to read. Joined, both cost twice what the rest does.
        static SELECT: LazyLock<String> = LazyLock::new(|| {
            format!(
                "SELECT c.id, c.payload_hash, c.certified_at, c.payload, c.level, {LAST},
                     CASE WHEN EXISTS (SELECT 1 FROM anchor) THEN {OWN} END,
                     CASE WHEN EXISTS (SELECT 1 FROM anchor) THEN {PLACE} END
                 FROM certificate c WHERE c.ecosystem = ?1 AND c.name = ?2 AND c.version = ?3 AND {ANNOUNCED}"
            )
        });
        let mut statement = self.connection.prepare_cached(&SELECT)?;
        let key = params![package.ecosystem().as_str(), package.name().as_str(), package.version()];
        let mut rows = statement.query(key)?;
        let mut best: Option<(Record, Option<i64>, Option<i64>)> = None;
        while let Some(row) = rows.next()? {
            let id: String = row.get(0)?;
            let decided: Option<i64> = row.get(5)?;
            let record = Record {
                level: level(&id, row.get_ref(4)?.as_str().unwrap_or_default())?,
                id,
                payload_hash: row.get(1)?,
                certified_at: row.get(2)?,
                payload: row.get(3)?,
                decision: decided.map_or(Ok(None), |seq| {
                    count();
                    self.decision(seq)
                })?,
                advisories: None,
                anchor: None,
            };
            let newer = best.as_ref().is_none_or(|(best, ..)| answers_before(&record, best));
            if newer {
                best = Some((record, row.get(6)?, row.get(7)?));
            }
        }
        let Some((best, own, place)) = best else { return Ok(None) };
        let mut best = intact(best)?;
        if lacks_advisories(&best.payload) {
            count();
            best.advisories = self.advisories(package)?;
        }
        if own.is_some() || place.is_some() {
            count();
            best.anchor = self.anchor(own, place)?;
        }
        Ok(Some(best))
    }

    fn decision(&self, seq: i64) -> Result<Option<Decision>, StoreError> {
        static SELECT: LazyLock<String> =
            LazyLock::new(|| format!("SELECT {COLUMNS} FROM admin_event e WHERE e.seq = ?1"));
        let mut statement = self.connection.prepare_cached(&SELECT)?;
        let mut rows = statement.query(params![seq])?;
        let row = rows.next()?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        decision(row, 0)
    }

    fn anchor(&self, own: Option<i64>, place: Option<i64>) -> Result<Option<Anchor>, StoreError> {
        static SELECT: LazyLock<String> =
            LazyLock::new(|| format!("SELECT {ANCHOR_COLUMNS} FROM anchor a WHERE a.seq = {}", chosen("?1", "?2")));
        let mut statement = self.connection.prepare_cached(&SELECT)?;
        let mut rows = statement.query(params![own, place])?;
        rows.next()?.map(|row| read_anchor(row, 0)).transpose()
    }

    fn advisories(&self, package: &PackageId) -> Result<Option<sigma_core::AdvisorySnapshot>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT snapshot FROM advisory WHERE ecosystem = ?1 AND name = ?2 AND version = ?3")?;
        let key = params![package.ecosystem().as_str(), package.name().as_str(), package.version()];
        let bytes: Option<Vec<u8>> = statement.query_row(key, |row| row.get(0)).optional()?;
        Ok(bytes.and_then(|bytes| snapshot(&bytes)))
    }
}

fn package_of(ecosystem: &str, name: &str, version: &str) -> Option<PackageId> {
    let ecosystem: Ecosystem = ecosystem.parse().ok()?;
    PackageId::new(PackageName::new(ecosystem, name).ok()?, version).ok()
}
