//! Drafts: projects that may be submitted.

use sigma_core::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};

use crate::{Store, StoreError};

/// A project that its owner may preview and submit. It is never changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub owner: String,
    /// Manifests, target and options, as JSON.
    pub project: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
}

const COLUMNS: &str = "id, owner, project, created_at";

impl Store {
    /// Stores a new draft. `false` when its id is taken, which happens by chance only: draw again.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn add_draft(&self, draft: &Draft) -> Result<bool, StoreError> {
        let sql = format!("INSERT INTO draft ({COLUMNS}) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING");
        let added = sqlx::query(AssertSqlSafe(sql))
            .bind(&draft.id)
            .bind(&draft.owner)
            .bind(draft.project.as_slice())
            .bind(draft.created_at.as_millis())
            .execute(&self.database.pool)
            .await?;
        Ok(added.rows_affected() == 1)
    }

    /// An owner's draft. `None` for anybody else's, as for one that is not there.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn draft_of(&self, owner: &str, id: &str) -> Result<Option<Draft>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM draft WHERE id = $1 AND owner = $2");
        let row = sqlx::query(AssertSqlSafe(sql)).bind(id).bind(owner).fetch_optional(&self.database.pool).await?;
        row.as_ref().map(read).transpose()
    }

    /// An owner's drafts, the newest first: those before a time and id, where they are given.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn drafts_of(
        &self,
        owner: &str,
        before: Option<(Timestamp, &str)>,
        limit: u32,
    ) -> Result<Vec<Draft>, StoreError> {
        let (at, id) = before.map_or((i64::MAX, ""), |(at, id)| (at.as_millis(), id));
        let sql = format!(
            "SELECT {COLUMNS} FROM draft WHERE owner = $1 AND (created_at < $2 OR (created_at = $2 AND id < $3))
             ORDER BY created_at DESC, id DESC LIMIT $4"
        );
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(owner)
            .bind(at)
            .bind(id)
            .bind(i64::from(limit))
            .fetch_all(&self.database.pool)
            .await?;
        rows.iter().map(read).collect()
    }

    /// How many drafts an owner has.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn count_drafts(&self, owner: &str) -> Result<u64, StoreError> {
        let row = sqlx::query("SELECT COUNT(*) FROM draft WHERE owner = $1")
            .bind(owner)
            .fetch_one(&self.database.pool)
            .await?;
        Ok(row.try_get::<i64, _>(0)?.unsigned_abs())
    }

    /// Removes an owner's draft; what was submitted of it stays. `false` when there is none.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn remove_draft(&self, owner: &str, id: &str) -> Result<bool, StoreError> {
        let removed = sqlx::query("DELETE FROM draft WHERE id = $1 AND owner = $2")
            .bind(id)
            .bind(owner)
            .execute(&self.database.pool)
            .await?;
        Ok(removed.rows_affected() == 1)
    }
}

fn read(row: &AnyRow) -> Result<Draft, StoreError> {
    Ok(Draft {
        id: row.try_get(0)?,
        owner: row.try_get(1)?,
        project: row.try_get(2)?,
        created_at: Timestamp::from_millis(row.try_get(3)?),
    })
}
