//! A transaction that the caller composes: all of what is written in it is there afterwards, or nothing.

use std::collections::BTreeSet;

use sigma_core::Timestamp;
use sqlx::{Any, AssertSqlSafe, Transaction};

use crate::database::{Connections, Kind, placeholders};
use crate::reader::committed;
use crate::{JobId, Store, StoreError};

/// A writing transaction. Nothing of it counts before [`Writing::commit`] returns; dropped, it is undone.
pub struct Writing {
    pub(crate) transaction: Transaction<'static, Any>,
    pub(crate) kind: Kind,
    /// Jobs that may have nothing left to wait for.
    pub(crate) woken: BTreeSet<JobId>,
    /// Whether readers of this process have to look again.
    pub(crate) answers_change: bool,
    database: Connections,
}

impl Store {
    /// Begins a writing transaction. SQLite has one writer at a time: others wait meanwhile, so nothing slow belongs into
    /// it.
    ///
    /// # Errors
    /// When the database refuses, or another writer keeps it for too long.
    pub async fn begin(&self) -> Result<Writing, StoreError> {
        Ok(Writing {
            transaction: self.database.write().await?,
            kind: self.database.kind(),
            woken: BTreeSet::new(),
            answers_change: false,
            database: self.database.clone(),
        })
    }
}

impl Writing {
    /// Makes everything durable, then lets jobs run that have nothing left to wait for.
    ///
    /// # Errors
    /// When the database refuses: then nothing of it happened.
    pub async fn commit(self, now: Timestamp) -> Result<(), StoreError> {
        self.transaction.commit().await?;
        if self.answers_change {
            committed();
        }
        if self.woken.is_empty() {
            return Ok(());
        }
        // After the commit: of two transactions that settle the last two jobs, at least the later one sees that nothing is
        // left. Should this process end right here, the waiter looks for itself when its time is up.
        let sql = format!(
            "UPDATE job SET due_at = $1 WHERE id IN (VALUES {}) AND state = 'pending' AND due_at > $1
                 AND NOT EXISTS (SELECT 1 FROM job_wait w WHERE w.waiter = job.id)",
            placeholders(2, self.woken.len(), 1)
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(now.as_millis());
        let query = self.woken.iter().fold(query, |query, id| query.bind(id.as_str()));
        // What was asked for is durable: that nobody could be woken is no failure of it.
        if let Err(error) = query.execute(&self.database.pool).await {
            tracing::warn!(%error, "waiting jobs could not be woken; they go on when their time is up");
        }
        Ok(())
    }
}
