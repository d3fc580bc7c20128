//! Where a certificate is on a chain.

use std::sync::LazyLock;

use sqlx::AssertSqlSafe;

use super::{Anchor, COLUMNS, read};
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

/// The columns that [`super::read`] reads.
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
