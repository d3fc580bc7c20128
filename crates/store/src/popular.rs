//! Lists of the most used packages, where the shipped ones were replaced, and how many of a list are certified.

use std::collections::HashSet;

use sigma_core::Ecosystem;
use sqlx::{AssertSqlSafe, Row as _};

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

/// The newest certificate of its exact package that is announced.
const CURRENT: &str = "NOT EXISTS (SELECT 1 FROM unannounced u WHERE u.id = c.id) AND NOT EXISTS (SELECT 1 FROM certificate n
    WHERE n.ecosystem = c.ecosystem AND n.name = c.name AND n.version = c.version
    AND NOT EXISTS (SELECT 1 FROM unannounced u WHERE u.id = n.id) AND (n.certified_at > c.certified_at OR (n.certified_at = c.certified_at AND n.id < c.id)))";

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
        let sql = format!("SELECT COUNT(*) FROM certificate c {NEWEST} WHERE {EFFECTIVE} <> 'BLOCKED' AND {CURRENT}");
        let row = sqlx::query(AssertSqlSafe(sql)).fetch_one(&self.database.pool).await?;
        Ok(row.try_get::<i64, _>(0)?.unsigned_abs())
    }

    /// Which of these names have at least one version with a current certificate.
    pub async fn certified_names(&self, ecosystem: Ecosystem, names: &[String]) -> Result<HashSet<String>, StoreError> {
        let mut found = HashSet::new();
        for chunk in names.chunks(5_000) {
            if chunk.is_empty() {
                continue;
            }
            let sql = format!(
                "SELECT DISTINCT c.name FROM certificate c {NEWEST}
                 WHERE c.ecosystem = $1 AND c.name IN (VALUES {}) AND {EFFECTIVE} <> 'BLOCKED' AND {CURRENT}",
                placeholders(2, chunk.len(), 1)
            );
            let query = sqlx::query(AssertSqlSafe(sql)).bind(ecosystem.as_str());
            let query = chunk.iter().fold(query, |query, name| query.bind(name));
            for row in query.fetch_all(&self.database.pool).await? {
                found.insert(row.try_get::<String, _>(0)?);
            }
        }
        Ok(found)
    }
}
