//! Jobs as operators see them: how many, which ones are dead, and how those run again.

use sigma_core::{Timestamp, printable};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};

use super::{JobId, JobState};
use crate::{NewEntry, Store, StoreError};

/// A job without what it works on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Its kind.
    pub kind: String,
    /// Its class.
    pub class: String,
    /// Its idempotency key.
    pub key: String,
    /// Where it stands.
    pub state: JobState,
    /// Runs that began.
    pub attempts: u32,
    /// Runs that may begin.
    pub max_attempts: u32,
    /// When it may run, or its lease ends.
    pub due_at: Timestamp,
    /// The worker that has it; empty when nobody has.
    pub lease_owner: String,
    /// What went wrong last; empty when nothing did.
    pub last_error: String,
    /// Who did not answer the last run, in words; empty when nobody had to. The job rests for that.
    pub outage: String,
    /// When it was asked for first.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
}

/// Jobs that rest because somebody else does not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    /// Who, in words.
    pub reason: String,
    /// How many jobs.
    pub jobs: u64,
    /// When the first of them runs again; `None` while all of them are running.
    pub next_at: Option<Timestamp>,
}

/// How many jobs of a kind there are in a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// The kind.
    pub kind: String,
    /// Pending, leased or dead.
    pub state: JobState,
    /// How many.
    pub jobs: u64,
    /// When the one that has waited longest was asked for, or died.
    pub oldest: Timestamp,
}

/// How many open jobs of a class there are in a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// The class.
    pub class: String,
    /// Pending, leased or dead. Done ones are not counted: nobody waits for them.
    pub state: JobState,
    /// How many.
    pub jobs: u64,
    /// When the one that has waited longest became due, or was settled.
    pub oldest: Timestamp,
}

const COLUMNS: &str =
    "id, kind, class, key, state, attempts, max_attempts, due_at, lease_owner, last_error, created_at,
    updated_at, outage";

impl Store {
    /// Jobs in a state, those that changed last first; `before` is the last one of the page before.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn jobs(
        &self,
        state: JobState,
        before: Option<(Timestamp, &str)>,
        most: u32,
    ) -> Result<Vec<Job>, StoreError> {
        let partial = match state {
            JobState::Pending | JobState::Leased => "state IN ('pending', 'leased')",
            JobState::Done | JobState::Dead => "state IN ('done', 'dead')",
        };
        let sql = format!(
            "SELECT {COLUMNS} FROM job WHERE {partial} AND state = $1 AND (updated_at, id) < ($2, $3)
             ORDER BY updated_at DESC, id DESC LIMIT $4"
        );
        let (at, id) = before.map_or((i64::MAX, ""), |(at, id)| (at.as_millis(), id));
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(state.as_str())
            .bind(at)
            .bind(id)
            .bind(i64::from(most))
            .fetch_all(&self.database.pool)
            .await?;
        rows.iter().map(read).collect()
    }

    /// The job with an id.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn job(&self, id: &JobId) -> Result<Option<Job>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM job WHERE id = $1");
        let row = sqlx::query(AssertSqlSafe(sql)).bind(id.as_str()).fetch_optional(&self.database.pool).await?;
        row.as_ref().map(read).transpose()
    }

    /// What the last run of a job that was done gave, as JSON; empty before that.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn job_outcome(&self, id: &JobId) -> Result<Option<(JobState, Vec<u8>)>, StoreError> {
        let row = sqlx::query("SELECT state, outcome FROM job WHERE id = $1")
            .bind(id.as_str())
            .fetch_optional(&self.database.pool)
            .await?;
        row.map(|row| Ok((JobState::read(&row, 0)?, row.try_get(1)?))).transpose()
    }

    /// Runs a dead job again, with all its attempts. Who wants it and why is recorded for good. `false` when there is no
    /// such dead job.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn retry_job(
        &self,
        id: &JobId,
        operator: &str,
        reason: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut writing = self.begin().await?;
        let row = sqlx::query("SELECT lease, last_error FROM job WHERE id = $1 AND state = 'dead'")
            .bind(id.as_str())
            .fetch_optional(&mut *writing.transaction)
            .await?;
        let Some(row) = row else { return Ok(false) };
        let (lease, error): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
        let (operator, reason) = (printable(operator, 200), printable(reason, 2_000));
        let (subject, detail) = (id.as_str(), error.as_str());
        let (operator, reason) = (operator.as_str(), reason.as_str());
        let entry = NewEntry { action: "retry", subject, level: "", detail, reason, operator, at: now };
        writing.record(&entry).await?;
        sqlx::query("INSERT INTO job_retry (job, lease, operator, reason, error, at) VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(id.as_str())
            .bind(lease)
            .bind(operator)
            .bind(reason)
            .bind(&error)
            .bind(now.as_millis())
            .execute(&mut *writing.transaction)
            .await?;
        let changed = sqlx::query(
            "UPDATE job SET state = 'pending', attempts = 0, rested = 0, due_at = $2, updated_at = $2
             WHERE id = $1 AND state = 'dead'",
        )
        .bind(id.as_str())
        .bind(now.as_millis())
        .execute(&mut *writing.transaction)
        .await?;
        writing.commit(now).await?;
        Ok(changed.rows_affected() == 1)
    }

    /// For whose sake jobs rest: all of them, or a job and those that it waits for.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn outages(&self, of: Option<&JobId>) -> Result<Vec<Outage>, StoreError> {
        let those = match of {
            Some(_) => "id IN (SELECT CAST($1 AS TEXT) UNION ALL SELECT awaited FROM job_wait WHERE waiter = $1) AND",
            None => "",
        };
        let sql = format!(
            "SELECT outage, COUNT(*), COALESCE(MIN(CASE WHEN state = 'pending' THEN due_at END), 0) FROM job
             WHERE {those} state IN ('pending', 'leased') AND outage <> '' GROUP BY outage ORDER BY outage"
        );
        let query = of.into_iter().fold(sqlx::query(AssertSqlSafe(sql)), |query, job| query.bind(job.as_str()));
        let read = |row: &AnyRow| -> Result<_, StoreError> {
            let next_at = Some(row.try_get::<i64, _>(2)?).filter(|at| *at > 0).map(Timestamp::from_millis);
            Ok(Outage { reason: row.try_get(0)?, jobs: row.try_get::<i64, _>(1)?.unsigned_abs(), next_at })
        };
        query.fetch_all(&self.database.pool).await?.iter().map(read).collect()
    }

    /// How many jobs are open or dead, by class and state.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn job_counts(&self) -> Result<Vec<Count>, StoreError> {
        let groups = self.open_or_dead("class", "due_at").await?;
        Ok(groups.into_iter().map(|(class, state, jobs, oldest)| Count { class, state, jobs, oldest }).collect())
    }

    /// How many jobs are open or dead, by kind and state: what there is to watch.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn job_figures(&self) -> Result<Vec<Figure>, StoreError> {
        let groups = self.open_or_dead("kind", "created_at").await?;
        Ok(groups.into_iter().map(|(kind, state, jobs, oldest)| Figure { kind, state, jobs, oldest }).collect())
    }

    /// How many jobs are open or dead by one column and the state, and the oldest of each: of the open by the column `since`.
    async fn open_or_dead(
        &self,
        by: &'static str,
        since: &'static str,
    ) -> Result<Vec<(String, JobState, u64, Timestamp)>, StoreError> {
        // `job_settled` is of both settled states: the index is used only when the query names both.
        let sql = format!(
            "SELECT {by}, state, COUNT(*), MIN({since}) FROM job WHERE state IN ('pending', 'leased')
                 GROUP BY {by}, state
             UNION ALL
             SELECT {by}, state, COUNT(*), MIN(updated_at) FROM job WHERE state IN ('done', 'dead') AND state = 'dead'
                 GROUP BY {by}, state
             ORDER BY 1, 2"
        );
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&self.database.pool).await?;
        let read = |row: &AnyRow| -> Result<_, StoreError> {
            let jobs = row.try_get::<i64, _>(2)?.unsigned_abs();
            Ok((row.try_get(0)?, JobState::read(row, 1)?, jobs, Timestamp::from_millis(row.try_get(3)?)))
        };
        rows.iter().map(read).collect()
    }

    /// True when more than `most` jobs are open: new work is better refused than promised. It stops counting there.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn more_open_jobs_than(&self, most: u32) -> Result<bool, StoreError> {
        let row = sqlx::query("SELECT 1 FROM job WHERE state IN ('pending', 'leased') LIMIT 1 OFFSET $1")
            .bind(i64::from(most))
            .fetch_optional(&self.database.pool)
            .await?;
        Ok(row.is_some())
    }

    /// Removes jobs that were done before a time, at most a thousand at once. Returns how many.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn forget_done_jobs(&self, before: Timestamp) -> Result<u64, StoreError> {
        let removed = sqlx::query(
            "DELETE FROM job WHERE id IN (
                 SELECT id FROM job WHERE state IN ('done', 'dead') AND state = 'done' AND updated_at < $1
                 ORDER BY updated_at LIMIT 1000) AND state = 'done'",
        )
        .bind(before.as_millis())
        .execute(&self.database.pool)
        .await?;
        Ok(removed.rows_affected())
    }
}

fn read(row: &AnyRow) -> Result<Job, StoreError> {
    let count = |index| -> Result<u32, StoreError> { Ok(u32::try_from(row.try_get::<i64, _>(index)?).unwrap_or(0)) };
    Ok(Job {
        id: JobId::named(row.try_get(0)?),
        kind: row.try_get(1)?,
        class: row.try_get(2)?,
        key: row.try_get(3)?,
        state: JobState::read(row, 4)?,
        attempts: count(5)?,
        max_attempts: count(6)?,
        due_at: Timestamp::from_millis(row.try_get(7)?),
        lease_owner: row.try_get(8)?,
        last_error: row.try_get(9)?,
        created_at: Timestamp::from_millis(row.try_get(10)?),
        updated_at: Timestamp::from_millis(row.try_get(11)?),
        outage: row.try_get(12)?,
    })
}
