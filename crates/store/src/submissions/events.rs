//! What happened to a submission, in order: its history, and what a live view reads on from.

use std::collections::BTreeMap;

use sigma_core::Timestamp;
use sqlx::{AssertSqlSafe, Row as _};

use crate::database::placeholders;
use crate::{JobId, Store, StoreError, Writing};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its place, from 1 on without gaps. A reader that has seen one has seen all before it.
    pub seq: u64,
    /// What kind of thing happened.
    pub kind: String,
    /// What exactly, as JSON.
    pub data: Vec<u8>,
    /// When.
    pub at: Timestamp,
}

impl Writing {
    /// Adds events to a submission's history.
    ///
    /// # Errors
    /// When the database refuses, or there is no such submission.
    pub async fn tell(
        &mut self,
        submission: &str,
        events: &[(&str, Vec<u8>)],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for chunk in events.chunks(1_000) {
            // The count is in the submission's own row, whose lock makes the order in which events are counted the order in
            // which they become visible.
            let row = sqlx::query("UPDATE submission SET events = events + $2 WHERE id = $1 RETURNING events")
                .bind(submission)
                .bind(i64::try_from(chunk.len()).unwrap_or(i64::MAX))
                .fetch_one(&mut *self.transaction)
                .await?;
            let last: i64 = row.try_get(0)?;
            let first = last - i64::try_from(chunk.len()).unwrap_or(i64::MAX) + 1;
            let sql = format!(
                "INSERT INTO submission_event (submission, seq, kind, data, at) VALUES {}",
                placeholders(1, chunk.len(), 5)
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for (seq, (kind, data)) in (first..).zip(chunk) {
                query = query.bind(submission).bind(seq).bind(*kind).bind(data.as_slice()).bind(now.as_millis());
            }
            query.execute(&mut *self.transaction).await?;
        }
        Ok(())
    }

    /// Tells the submissions whose jobs waited for others what became of those. `waiters` are pairs (waiter, awaited), as
    /// [`acknowledge`](Writing::acknowledge) gives them; `events` has what to tell of an awaited job.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn tell_waiters(
        &mut self,
        waiters: &[(JobId, JobId)],
        events: &BTreeMap<JobId, (&str, Vec<u8>)>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut by_job: BTreeMap<&JobId, Vec<(&str, Vec<u8>)>> = BTreeMap::new();
        for (waiter, awaited) in waiters {
            if let Some(event) = events.get(awaited) {
                by_job.entry(waiter).or_default().push(event.clone());
            }
        }
        let jobs: Vec<&JobId> = by_job.keys().copied().collect();
        // In one order everywhere: two transactions that tell the same submissions must not wait for each other.
        let mut submissions: BTreeMap<String, &JobId> = BTreeMap::new();
        for chunk in jobs.chunks(1_000) {
            let sql =
                format!("SELECT id, job FROM submission WHERE job IN (VALUES {})", placeholders(1, chunk.len(), 1));
            let query = chunk.iter().fold(sqlx::query(AssertSqlSafe(sql)), |query, job| query.bind(job.as_str()));
            for row in query.fetch_all(&mut *self.transaction).await? {
                let job: String = row.try_get(1)?;
                if let Some(known) = chunk.iter().copied().find(|known| known.as_str() == job) {
                    submissions.insert(row.try_get(0)?, known);
                }
            }
        }
        for (submission, job) in submissions {
            self.tell(&submission, &by_job[job], now).await?;
        }
        Ok(())
    }
}

impl Store {
    /// The events of a submission after `seq`, at most `most`, in order.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn events(&self, submission: &str, after: u64, most: u32) -> Result<Vec<Event>, StoreError> {
        let rows = sqlx::query(
            "SELECT seq, kind, data, at FROM submission_event WHERE submission = $1 AND seq > $2 ORDER BY seq LIMIT $3",
        )
        .bind(submission)
        .bind(i64::try_from(after).unwrap_or(i64::MAX))
        .bind(i64::from(most))
        .fetch_all(&self.database.pool)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Event {
                    seq: row.try_get::<i64, _>(0)?.unsigned_abs(),
                    kind: row.try_get(1)?,
                    data: row.try_get(2)?,
                    at: Timestamp::from_millis(row.try_get(3)?),
                })
            })
            .collect()
    }
}
