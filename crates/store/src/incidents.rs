//! Integrity incidents: bytes that were not the published or pinned ones.

use std::collections::HashMap;

use sigma_core::{Authority, PackageId, Timestamp};
use sqlx::{AssertSqlSafe, Row as _};

use crate::database::placeholders;
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
    pub authority: Authority,
    /// When it was seen first.
    pub seen_at: Timestamp,
}

impl Store {
    /// Stores an incident for good.
    pub async fn record_incident(&self, package: &PackageId, incident: &Incident) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO incident (ecosystem, name, version, filename, expected, got, authority, seen_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        )
        .bind(package.ecosystem().as_str())
        .bind(package.name().as_str())
        .bind(package.version())
        .bind(&incident.filename)
        .bind(&incident.expected)
        .bind(&incident.got)
        .bind(incident.authority.as_str())
        .bind(incident.seen_at.as_millis())
        .execute(&self.database.pool)
        .await?;
        Ok(())
    }

    /// The incidents of these packages, oldest first; packages without any are not in the answer. Only bytes that
    /// contradict the ecosystem count: a wrong pin in one project is no stain on a package that others use.
    pub async fn incidents_of(&self, packages: &[&PackageId]) -> Result<HashMap<PackageId, Vec<Incident>>, StoreError> {
        let mut found: HashMap<PackageId, Vec<Incident>> = HashMap::new();
        // Three bound values for each package, and SQLite's limit is 32,766.
        for chunk in packages.chunks(5_000) {
            let sql = format!(
                "SELECT ecosystem, name, version, filename, expected, got, seen_at FROM incident
                 WHERE authority = 'ecosystem' AND (ecosystem, name, version) IN (VALUES {})
                 ORDER BY seen_at, filename, got",
                placeholders(1, chunk.len(), 3)
            );
            let query = chunk.iter().fold(sqlx::query(AssertSqlSafe(sql)), |query, package| {
                query.bind(package.ecosystem().as_str()).bind(package.name().as_str()).bind(package.version())
            });
            let known: HashMap<String, &PackageId> = chunk.iter().map(|id| (id.to_string(), *id)).collect();
            for row in query.fetch_all(&self.database.pool).await? {
                let (ecosystem, name, version): (String, String, String) =
                    (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
                let Some(package) = known.get(&format!("{ecosystem}:{name}@{version}")) else { continue };
                found.entry((*package).clone()).or_default().push(Incident {
                    filename: row.try_get(3)?,
                    expected: row.try_get(4)?,
                    got: row.try_get(5)?,
                    authority: Authority::Ecosystem,
                    seen_at: Timestamp::from_millis(row.try_get(6)?),
                });
            }
        }
        Ok(found)
    }
}
