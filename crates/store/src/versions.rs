//! Which versions of a package are certified: what a release can be compared with.

use sigma_core::{PackageId, PackageName};
use sqlx::{AssertSqlSafe, Row as _};

use crate::decisions::NEWEST;
use crate::listing::EFFECTIVE;
use crate::{Store, StoreError};

/// A certificate that is not BLOCKED, as its columns tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertifiedVersion {
    /// The version.
    pub version: String,
    /// The certificate's id.
    pub certificate: String,
    /// The ruleset it was sealed under.
    pub ruleset: String,
}

/// Versions of a name. The sign keeps the planner from reading those of a whole ecosystem because they are in this order.
pub(crate) fn of_name() -> String {
    format!(
        "SELECT c.version, c.id, c.ruleset FROM certificate c {NEWEST}
         WHERE c.ecosystem = $1 AND c.name = $2 AND {EFFECTIVE} <> 'BLOCKED' ORDER BY +c.certified_at DESC, c.id"
    )
}

impl Store {
    /// The certified versions of a package that are neither BLOCKED nor revoked, the newest certificate first. In no order of versions:
    /// that is the ecosystem's to say.
    pub async fn certified_versions(&self, name: &PackageName) -> Result<Vec<CertifiedVersion>, StoreError> {
        let rows = sqlx::query(AssertSqlSafe(of_name()))
            .bind(name.ecosystem().as_str())
            .bind(name.as_str())
            .fetch_all(&self.database.pool)
            .await?;
        let read = |row: &sqlx::any::AnyRow| -> Result<CertifiedVersion, StoreError> {
            Ok(CertifiedVersion { version: row.try_get(0)?, certificate: row.try_get(1)?, ruleset: row.try_get(2)? })
        };
        let versions: Vec<CertifiedVersion> = rows.iter().map(read).collect::<Result<_, _>>()?;
        // The columns only serve look-ups; a version that is none was not written by us.
        Ok(versions.into_iter().filter(|one| PackageId::new(name.clone(), &one.version).is_ok()).collect())
    }
}
