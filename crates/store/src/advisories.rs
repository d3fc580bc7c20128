//! Advisories that were asked for after certification: the last answer for each package, whatever it was.

use sigma_core::{AdvisorySnapshot, PackageId};

use crate::reader::committed;
use crate::{Store, StoreError};

impl Store {
    /// Remembers what was answered about a package. An answer never replaces a later one.
    pub async fn remember_advisories(
        &self,
        package: &PackageId,
        snapshot: &AdvisorySnapshot,
    ) -> Result<(), StoreError> {
        let bytes = serde_json::to_vec(snapshot)
            .map_err(|error| StoreError::Damaged { what: "advisories".to_owned(), why: error.to_string() })?;
        sqlx::query(
            "INSERT INTO advisory (ecosystem, name, version, queried_at, snapshot) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (ecosystem, name, version)
             DO UPDATE SET queried_at = excluded.queried_at, snapshot = excluded.snapshot
             WHERE advisory.queried_at < excluded.queried_at",
        )
        .bind(package.ecosystem().as_str())
        .bind(package.name().as_str())
        .bind(package.version())
        .bind(snapshot.queried_at.as_millis())
        .bind(bytes)
        .execute(&self.database.pool)
        .await?;
        committed();
        Ok(())
    }
}
