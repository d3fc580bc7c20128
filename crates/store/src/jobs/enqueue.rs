//! New work.

use std::collections::{BTreeMap, HashMap};

use sigma_core::Timestamp;
use sqlx::{AssertSqlSafe, Row as _};

use super::JobId;
use crate::database::placeholders;
use crate::{Store, StoreError, Writing};

/// The largest payload, in bytes: 4 MiB. What a job works on is named in it, not carried in it.
pub const MAX_PAYLOAD: usize = 4 << 20;

/// Work to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// Which kind of job it is.
    pub kind: &'static str,
    /// What concurrency limits count: an ecosystem, or another word.
    pub class: String,
    /// Whoever asks for the same key asks for the same job.
    pub key: String,
    /// Higher goes first within a class.
    pub priority: i64,
    /// JSON, at most [`MAX_PAYLOAD`] bytes.
    pub payload: Vec<u8>,
    /// Runs that may begin before it is given up.
    pub max_attempts: u32,
    /// When it may run.
    pub due_at: Timestamp,
}

/// What became of a request for work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enqueued {
    /// The job.
    pub id: JobId,
    /// The number of the job's last lease, when this request made the job, or opened one that was done: whatever a lease with
    /// a higher number does is done for this request. `None` when it was open already, so that somebody else's request has it
    /// run, or when it is dead and waits for an operator.
    pub opened: Option<i64>,
}

/// Rows of one statement: 16 values each, and SQLite allows 32,766.
const CHUNK: usize = 500;

impl Writing {
    /// Asks for work. A job that is done is opened again: whoever asks found no result of it. One that is pending, leased or
    /// dead stays as it is. The answer is in the order of `jobs`.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`] for a payload beyond [`MAX_PAYLOAD`].
    pub async fn enqueue(&mut self, jobs: &[NewJob], now: Timestamp) -> Result<Vec<Enqueued>, StoreError> {
        // In the order of their ids, and each once: two transactions that ask for the same jobs must not wait for each other.
        let mut by_id: BTreeMap<JobId, &NewJob> = BTreeMap::new();
        for job in jobs {
            if job.payload.len() > MAX_PAYLOAD {
                return Err(StoreError::TooLarge { what: "job", size: job.payload.len(), limit: MAX_PAYLOAD });
            }
            by_id.entry(JobId::of_key(&job.key)).or_insert(job);
        }
        let rows: Vec<(JobId, &NewJob)> = by_id.into_iter().collect();
        let mut opened: HashMap<JobId, i64> = HashMap::new();
        for chunk in rows.chunks(CHUNK) {
            let sql = format!(
                "INSERT INTO job (id, kind, class, key, priority, payload, outcome, state, attempts, max_attempts, due_at,
                     lease, lease_owner, last_error, created_at, updated_at)
                 VALUES {}
                 ON CONFLICT (id) DO UPDATE SET state = 'pending', attempts = 0, due_at = excluded.due_at,
                     priority = excluded.priority, payload = excluded.payload, last_error = '',
                     outage = '', rested = 0, updated_at = excluded.updated_at
                 WHERE job.state = 'done'
                 RETURNING id, lease",
                placeholders(1, chunk.len(), 16)
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for (id, job) in chunk {
                query = query
                    .bind(id.as_str())
                    .bind(job.kind)
                    .bind(&job.class)
                    .bind(&job.key)
                    .bind(job.priority)
                    .bind(job.payload.as_slice())
                    .bind(&[][..])
                    .bind("pending")
                    .bind(0_i64)
                    .bind(i64::from(job.max_attempts))
                    .bind(job.due_at.as_millis())
                    // Leases count on from the time: a row that was removed and came back goes on above its last number.
                    .bind(now.as_millis())
                    .bind("")
                    .bind("")
                    .bind(now.as_millis())
                    .bind(now.as_millis());
            }
            for row in query.fetch_all(&mut *self.transaction).await? {
                opened.insert(JobId::named(row.try_get(0)?), row.try_get(1)?);
            }
        }
        let answer = |job: &NewJob| {
            let id = JobId::of_key(&job.key);
            // Asked for twice in one request: the first of them made it.
            let opened = opened.remove(&id);
            Enqueued { id, opened }
        };
        Ok(jobs.iter().map(answer).collect())
    }
}

impl Store {
    /// [`Writing::enqueue`] in a transaction of its own, durable when it returns.
    ///
    /// # Errors
    /// As there.
    pub async fn enqueue(&self, jobs: &[NewJob], now: Timestamp) -> Result<Vec<Enqueued>, StoreError> {
        let mut writing = self.begin().await?;
        let enqueued = writing.enqueue(jobs, now).await?;
        writing.commit(now).await?;
        Ok(enqueued)
    }
}
