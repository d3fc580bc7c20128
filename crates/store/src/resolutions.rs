//! Resolved graphs, remembered for as long as the ecosystem itself lets its index pages be cached.

use sigma_core::{Graph, Sha256, Timestamp};
use sqlx::Row as _;

use crate::{Store, StoreError};

impl Store {
    /// Remembers a graph under a digest over everything that decides it, except time.
    pub async fn remember_resolution(&self, key: Sha256, graph: &Graph, at: Timestamp) -> Result<(), StoreError> {
        let bytes = serde_json::to_vec(graph)
            .map_err(|error| StoreError::Damaged { what: "graph".to_owned(), why: error.to_string() })?;
        sqlx::query(
            "INSERT INTO resolution (key, resolved_at, graph) VALUES ($1, $2, $3)
             ON CONFLICT (key) DO UPDATE SET resolved_at = excluded.resolved_at, graph = excluded.graph",
        )
        .bind(key.to_string())
        .bind(at.as_millis())
        .bind(bytes)
        .execute(&self.database.pool)
        .await?;
        Ok(())
    }

    /// The graph remembered under a digest, and when it was resolved. A record of another shape counts as none.
    pub async fn resolution(&self, key: Sha256) -> Result<Option<(Graph, Timestamp)>, StoreError> {
        let row = sqlx::query("SELECT graph, resolved_at FROM resolution WHERE key = $1")
            .bind(key.to_string())
            .fetch_optional(&self.database.pool)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let at = Timestamp::from_millis(row.try_get(1)?);
        Ok(serde_json::from_slice(row.try_get(0)?).ok().map(|graph| (graph, at)))
    }
}
