//! What operators did: an append-only log, in the order in which it was written.
//!
//! In: an action, what it is about, why, and who wants it, within the transaction that does it. Out: pages, newest first. No
//! entry is ever changed or removed: triggers of the database refuse to.

use sigma_core::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};

use crate::database::Kind;
use crate::{Store, StoreError, Writing};

/// An entry, before it is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewEntry<'a> {
    /// A word: `revoke`, `block` and `override` of certificates; `reaudit`, `reaudited`, `decide`, `retry` and `settle` of others.
    pub action: &'static str,
    /// What it is about: a certificate's, escalation's, job's or flag's id, or a package.
    pub subject: &'a str,
    /// The level that was given; empty where none was.
    pub level: &'static str,
    /// What else belongs to it, such as the certificate that a decision sealed.
    pub detail: &'a str,
    /// Why.
    pub reason: &'a str,
    /// Who.
    pub operator: &'a str,
    /// When.
    pub at: Timestamp,
}

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place, from 1 on.
    pub seq: u64,
    /// See [`NewEntry::action`].
    pub action: String,
    /// See [`NewEntry::subject`].
    pub subject: String,
    /// See [`NewEntry::level`].
    pub level: String,
    /// See [`NewEntry::detail`].
    pub detail: String,
    /// Why.
    pub reason: String,
    /// Who.
    pub operator: String,
    /// When.
    pub at: Timestamp,
}

/// The name of PostgreSQL's lock on the end of the log: `sigmalog` in ASCII.
const LOCK: i64 = 0x7369_676d_616c_6f67;

impl Writing {
    /// Appends to the log. Its place. Whoever comes next waits until this transaction ends, so this stands before everything
    /// else that it locks.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn record(&mut self, new: &NewEntry<'_>) -> Result<u64, StoreError> {
        // One writer at a time counts the entries; PostgreSQL's own sequences would not survive a copy of the store, and have
        // gaps. SQLite has one writer anyway.
        if self.kind == Kind::Postgres {
            sqlx::query("SELECT CAST(pg_advisory_xact_lock($1) AS TEXT)")
                .bind(LOCK)
                .execute(&mut *self.transaction)
                .await?;
        }
        let row = sqlx::query(
            "INSERT INTO admin_event (seq, action, subject, level, detail, reason, operator, decided_at)
             SELECT COALESCE(MAX(seq), 0) + 1, $1, $2, $3, $4, $5, $6, $7 FROM admin_event RETURNING seq",
        )
        .bind(new.action)
        .bind(new.subject)
        .bind(new.level)
        .bind(new.detail)
        .bind(new.reason)
        .bind(new.operator)
        .bind(new.at.as_millis())
        .fetch_one(&mut *self.transaction)
        .await?;
        Ok(row.try_get::<i64, _>(0)?.unsigned_abs())
    }
}

impl Store {
    /// Entries before a place, newest first; those of one subject where one is named.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn log(&self, before: Option<u64>, subject: Option<&str>, limit: u32) -> Result<Vec<Entry>, StoreError> {
        let before = before.and_then(|seq| i64::try_from(seq).ok()).unwrap_or(i64::MAX);
        let of = if subject.is_some() { "AND subject = $3" } else { "" };
        let sql = format!(
            "SELECT seq, action, subject, level, detail, reason, operator, decided_at FROM admin_event
             WHERE seq < $1 {of} ORDER BY seq DESC LIMIT $2"
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(before).bind(i64::from(limit));
        let query = subject.into_iter().fold(query, |query, subject| query.bind(subject));
        query.fetch_all(&self.database.pool).await?.iter().map(read).collect()
    }
}

fn read(row: &AnyRow) -> Result<Entry, StoreError> {
    Ok(Entry {
        seq: row.try_get::<i64, _>(0)?.unsigned_abs(),
        action: row.try_get(1)?,
        subject: row.try_get(2)?,
        level: row.try_get(3)?,
        detail: row.try_get(4)?,
        reason: row.try_get(5)?,
        operator: row.try_get(6)?,
        at: Timestamp::from_millis(row.try_get(7)?),
    })
}
