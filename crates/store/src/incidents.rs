//! Integrity incidents: bytes that were not the published or pinned ones.

use sigma_core::{PackageId, Timestamp};
use sqlx::Row as _;

use crate::{Store, StoreError};

/// A digest mismatch, as it was seen first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// The distribution's file name.
    pub filename: String,
    /// The digest that was published or pinned.
    pub expected: String,
    /// The digest of the bytes received.
    pub got: String,
    /// Who said what to expect.
    pub authority: String,
    /// When it was seen first.
    pub seen_at: Timestamp,
}

impl Store {
    /// Stores an incident for good.
    pub async fn record_incident(&self, package: &PackageId, incident: &Incident) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO incident (ecosystem, name, version, filename, expected, got, authority, seen_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(package.ecosystem().as_str())
        .bind(package.name().as_str())
        .bind(package.version())
        .bind(&incident.filename)
        .bind(&incident.expected)
        .bind(&incident.got)
        .bind(&incident.authority)
        .bind(incident.seen_at.as_millis())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The incidents of a package, oldest first.
    pub async fn incidents_of(&self, package: &PackageId) -> Result<Vec<Incident>, StoreError> {
        let rows = sqlx::query(
            "SELECT filename, expected, got, authority, seen_at FROM incident
             WHERE ecosystem = ? AND name = ? AND version = ? ORDER BY seen_at, filename, got",
        )
        .bind(package.ecosystem().as_str())
        .bind(package.name().as_str())
        .bind(package.version())
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Incident {
                    filename: row.try_get(0)?,
                    expected: row.try_get(1)?,
                    got: row.try_get(2)?,
                    authority: row.try_get(3)?,
                    seen_at: Timestamp::from_millis(row.try_get(4)?),
                })
            })
            .collect()
    }
}
