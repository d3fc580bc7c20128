//! Lists of the most used packages, where the shipped ones were replaced, and how many of a list are certified.

use std::collections::HashSet;

use sigma_core::Ecosystem;
use sqlx::{Any, AssertSqlSafe, Row as _, Transaction};

use crate::announced::ANNOUNCED;
use crate::database::placeholders;
use crate::decisions::NEWEST;
use crate::listing::EFFECTIVE;
use crate::{Store, StoreError};

/// The most used packages of an ecosystem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PopularList {
    /// The ecosystem.
    pub ecosystem: Ecosystem,
    /// Who made it.
    pub source: String,
    /// The day it is of, `2026-06-16`.
    pub taken_on: String,
    /// Normalised names, the most used first.
    pub names: Vec<String>,
}

/// The condition that certificate `c` with its newest decision `e` certifies its exact package now: it is announced and the newest such, not
/// revoked, not BLOCKED, and no other of the package was blocked by an operator. The signs keep SQLite's planner from looking for newer
/// certificates among those of the whole ecosystem, in the order of their time.
fn certifies() -> String {
    let same = "n.ecosystem = c.ecosystem AND n.name = c.name AND n.version = c.version
        AND NOT EXISTS (SELECT 1 FROM unannounced u WHERE u.id = n.id)";
    format!(
        "{EFFECTIVE} <> 'BLOCKED' AND {ANNOUNCED}
         AND NOT EXISTS (SELECT 1 FROM certificate n WHERE {same}
             AND (+n.certified_at > c.certified_at OR (+n.certified_at = c.certified_at AND n.id < c.id)))
         AND NOT EXISTS (SELECT 1 FROM certificate n JOIN admin_event b
             ON b.seq = (SELECT MAX(m.seq) FROM admin_event m WHERE m.subject = n.id) WHERE {same} AND b.action = 'block')"
    )
}

/// Exact packages with a certificate, of which the key of the table tells without reading a certificate.
pub(crate) const PACKAGES: &str =
    "SELECT COUNT(*) FROM (SELECT DISTINCT ecosystem, name, version FROM certificate) all_of_them";

/// Those of them that are not certified now. Only what was sealed as BLOCKED, decided about or not announced can be.
pub(crate) fn uncertified_sql() -> String {
    let certifies = certifies();
    format!(
        "SELECT COUNT(*) FROM (
             SELECT ecosystem, name, version FROM certificate WHERE ecosystem IN ('pypi', 'npm') AND level = 'BLOCKED'
             UNION SELECT c.ecosystem, c.name, c.version FROM admin_event d CROSS JOIN certificate c WHERE c.id = d.subject
             UNION SELECT c.ecosystem, c.name, c.version FROM unannounced u CROSS JOIN certificate c WHERE c.id = u.id
         ) p WHERE NOT EXISTS (
             SELECT 1 FROM certificate c {NEWEST}
             WHERE c.ecosystem = p.ecosystem AND c.name = p.name AND c.version = p.version AND {certifies})"
    )
}

/// Which of the names from `$2` on have a certified version.
pub(crate) fn certified_names_sql(names: usize) -> String {
    format!(
        "SELECT DISTINCT c.name FROM certificate c {NEWEST}
         WHERE c.ecosystem = $1 AND c.name IN (VALUES {}) AND {}",
        placeholders(2, names, 1),
        certifies()
    )
}

impl Store {
    /// Replaces the list of an ecosystem.
    pub async fn keep_popular(&self, list: &PopularList) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO popular_list (ecosystem, source, taken_on, names) VALUES ($1, $2, $3, $4) ON CONFLICT (ecosystem)
             DO UPDATE SET source = excluded.source, taken_on = excluded.taken_on, names = excluded.names",
        )
        .bind(list.ecosystem.as_str())
        .bind(&list.source)
        .bind(&list.taken_on)
        .bind(list.names.join("\n"))
        .execute(&self.database.pool)
        .await?;
        Ok(())
    }

    /// The list that replaced the shipped one, if one did.
    pub async fn popular(&self, ecosystem: Ecosystem) -> Result<Option<PopularList>, StoreError> {
        let row = sqlx::query("SELECT source, taken_on, names FROM popular_list WHERE ecosystem = $1")
            .bind(ecosystem.as_str())
            .fetch_optional(&self.database.pool)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let names: String = row.try_get(2)?;
        Ok(Some(PopularList {
            ecosystem,
            source: row.try_get(0)?,
            taken_on: row.try_get(1)?,
            names: names.lines().map(str::to_owned).collect(),
        }))
    }

    /// How many exact packages have a current certificate: the newest of its package, not revoked and not BLOCKED.
    pub async fn certified_packages(&self) -> Result<u64, StoreError> {
        let mut snapshot = self.database.snapshot().await?;
        let packages = count(&mut snapshot, PACKAGES.to_owned()).await?;
        Ok(packages.saturating_sub(count(&mut snapshot, uncertified_sql()).await?))
    }

    /// Which of these names have at least one version with a current certificate.
    pub async fn certified_names(&self, ecosystem: Ecosystem, names: &[String]) -> Result<HashSet<String>, StoreError> {
        let mut found = HashSet::new();
        for chunk in names.chunks(5_000) {
            if chunk.is_empty() {
                continue;
            }
            let sql = certified_names_sql(chunk.len());
            let query = sqlx::query(AssertSqlSafe(sql)).bind(ecosystem.as_str());
            let query = chunk.iter().fold(query, |query, name| query.bind(name));
            for row in query.fetch_all(&self.database.pool).await? {
                found.insert(row.try_get::<String, _>(0)?);
            }
        }
        Ok(found)
    }
}

async fn count(snapshot: &mut Transaction<'_, Any>, sql: String) -> Result<u64, StoreError> {
    let row = sqlx::query(AssertSqlSafe(sql)).fetch_one(&mut **snapshot).await?;
    Ok(row.try_get::<i64, _>(0)?.unsigned_abs())
}
