//! Where a certificate is on a chain.

use sigma_core::Timestamp;
use sqlx::AssertSqlSafe;

use super::{Anchor, AnchorTarget, COLUMNS, Raw, anchor, read};
use crate::{Store, StoreError};

/// Joins certificate `c` with the anchor `a` that tells most of it: its own; the first final root that covers its entry of the log, in
/// the contract that is in use before others; a root on its way. In use is the contract of the newest anchor.
pub(crate) const ANCHOR: &str = "LEFT JOIN attestation t ON t.subject = c.id AND t.log_index >= 0
    LEFT JOIN anchor a ON a.seq = COALESCE(
        (SELECT x.anchor FROM anchor_certificate x WHERE x.certificate_id = c.id AND x.kind = 'commit'
            ORDER BY x.anchor DESC LIMIT 1),
        (SELECT r.seq FROM anchor r WHERE r.kind = 'root' AND r.state = 'final' AND r.log_size > t.log_index
            AND r.contract = (SELECT n.contract FROM anchor n ORDER BY n.seq DESC LIMIT 1) ORDER BY r.log_size LIMIT 1),
        (SELECT r.seq FROM anchor r WHERE r.kind = 'root' AND r.state = 'final' AND r.log_size > t.log_index
            ORDER BY r.log_size LIMIT 1),
        (SELECT r.seq FROM anchor r WHERE r.kind = 'root' AND r.state <> 'final' AND r.log_size > t.log_index
            ORDER BY r.log_size LIMIT 1))";

/// The columns that [`anchor_of`] reads.
pub(crate) const ANCHOR_COLUMNS: &str = COLUMNS;

impl Store {
    /// Where a certificate of either kind is on a chain, or how far it is. None where nothing was begun for it.
    ///
    /// # Errors
    /// When the database refuses, or a row is damaged.
    pub async fn anchor_of(&self, certificate_id: &str) -> Result<Option<Anchor>, StoreError> {
        let table = if certificate_id.starts_with("pkg_") { "certificate" } else { "submission_certificate" };
        let sql = format!("SELECT {COLUMNS} FROM {table} c {ANCHOR} WHERE c.id = $1 AND a.seq IS NOT NULL");
        let query = sqlx::query(AssertSqlSafe(sql)).bind(certificate_id);
        query.fetch_optional(&self.database.pool).await?.as_ref().map(|row| read(row, 0)).transpose()
    }
}

/// The anchor that was joined to a certificate, if there is one: columns of [`ANCHOR_COLUMNS`], from `first` on.
pub(crate) fn anchor_of(row: &rusqlite::Row<'_>, first: usize) -> Result<Option<Anchor>, StoreError> {
    let Some(seq) = row.get::<_, Option<i64>>(first)? else { return Ok(None) };
    let unsigned =
        |index: usize| -> Result<u64, rusqlite::Error> { Ok(row.get::<_, i64>(first + index)?.unsigned_abs()) };
    let time =
        |index: usize| -> Result<Timestamp, rusqlite::Error> { Ok(Timestamp::from_millis(row.get(first + index)?)) };
    anchor(Raw {
        seq: seq.unsigned_abs(),
        target: AnchorTarget { chain_id: unsigned(1)?, contract: row.get(first + 2)? },
        kind: row.get(first + 3)?,
        size: unsigned(4)?,
        root: row.get(first + 5)?,
        state: row.get(first + 6)?,
        reason: row.get(first + 7)?,
        transaction: row.get(first + 8)?,
        block: unsigned(9)?,
        block_at: time(10)?,
        created_at: time(11)?,
    })
    .map(Some)
}
