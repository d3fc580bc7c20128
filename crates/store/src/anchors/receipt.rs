//! Where a certificate is on a chain.

use std::sync::LazyLock;

use sigma_core::Timestamp;
use sqlx::AssertSqlSafe;

use super::{Anchor, AnchorTarget, COLUMNS, Raw, anchor, read};
use crate::{Store, StoreError};

/// The anchor that certificate `c` has for itself, if it has one.
pub(crate) const OWN: &str =
    "(SELECT MAX(x.anchor) FROM anchor_certificate x WHERE x.certificate_id = c.id AND x.kind = 'commit')";

/// Its place in the log, if it has one.
pub(crate) const PLACE: &str = "(SELECT t.log_index FROM attestation t WHERE t.subject = c.id AND t.log_index >= 0)";

/// The number of the anchor that tells most of a certificate with an own anchor and a place in the log, each as SQL: its own; the
/// first final root that covers its place, in the contract that is in use before others; a root on its way. In use is the contract of
/// the newest anchor.
pub(crate) fn chosen(own: &str, place: &str) -> String {
    format!(
        "COALESCE({own},
        (SELECT r.seq FROM anchor r WHERE r.kind = 'root' AND r.state = 'final' AND r.log_size > {place}
            AND r.contract = (SELECT n.contract FROM anchor n ORDER BY n.seq DESC LIMIT 1) ORDER BY r.log_size LIMIT 1),
        (SELECT r.seq FROM anchor r WHERE r.kind = 'root' AND r.state = 'final' AND r.log_size > {place}
            ORDER BY r.log_size LIMIT 1),
        (SELECT r.seq FROM anchor r WHERE r.kind = 'root' AND r.state <> 'final' AND r.log_size > {place}
            ORDER BY r.log_size LIMIT 1))"
    )
}

/// Joins certificate `c` with the anchor `a` that tells most of it.
pub(crate) static ANCHOR: LazyLock<String> = LazyLock::new(|| {
    let chosen = chosen(OWN, "t.log_index");
    format!(
        "LEFT JOIN attestation t ON t.subject = c.id AND t.log_index >= 0
    LEFT JOIN anchor a ON a.seq = {chosen}"
    )
});

/// The columns that [`anchor_of`] reads.
pub(crate) const ANCHOR_COLUMNS: &str = COLUMNS;

impl Store {
    /// Where a certificate of either kind is on a chain, or how far it is. None where nothing was begun for it.
    ///
    /// # Errors
    /// When the database refuses, or a row is damaged.
    pub async fn anchor_of(&self, certificate_id: &str) -> Result<Option<Anchor>, StoreError> {
        let table = if certificate_id.starts_with("pkg_") { "certificate" } else { "submission_certificate" };
        let sql = format!("SELECT {COLUMNS} FROM {table} c {} WHERE c.id = $1 AND a.seq IS NOT NULL", *ANCHOR);
        let query = sqlx::query(AssertSqlSafe(sql)).bind(certificate_id);
        query.fetch_optional(&self.database.pool).await?.as_ref().map(|row| read(row, 0)).transpose()
    }
}

/// Reads an anchor from the columns of [`ANCHOR_COLUMNS`].
pub(crate) fn read_anchor(row: &rusqlite::Row<'_>) -> Result<Anchor, StoreError> {
    let unsigned = |index: usize| -> Result<u64, rusqlite::Error> { Ok(row.get::<_, i64>(index)?.unsigned_abs()) };
    let time = |index: usize| -> Result<Timestamp, rusqlite::Error> { Ok(Timestamp::from_millis(row.get(index)?)) };
    anchor(Raw {
        seq: unsigned(0)?,
        target: AnchorTarget { chain_id: unsigned(1)?, contract: row.get(2)? },
        kind: row.get(3)?,
        size: unsigned(4)?,
        root: row.get(5)?,
        state: row.get(6)?,
        reason: row.get(7)?,
        transaction: row.get(8)?,
        block: unsigned(9)?,
        block_at: time(10)?,
        created_at: time(11)?,
    })
}
