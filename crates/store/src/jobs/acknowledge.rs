//! What became of leased jobs, many in one statement.

use std::collections::HashSet;

use sigma_core::{Timestamp, printable};
use sqlx::{AssertSqlSafe, Row as _};

use super::{JobId, Lease, bounded};
use crate::database::{Kind, placeholders};
use crate::{Store, StoreError, Writing};

/// What becomes of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settle {
    /// It is done; the outcome is JSON for whoever waits for it.
    Done {
        /// JSON.
        outcome: Vec<u8>,
    },
    /// It failed and is tried again.
    Retry {
        /// When, at most [`MAX_DELAY`](super::MAX_DELAY) ahead.
        at: Timestamp,
        /// What went wrong.
        error: String,
    },
    /// Somebody else does not answer, and it is tried again. No attempt is used up; how long it has rested is counted.
    Rest {
        /// When, at most [`MAX_DELAY`](super::MAX_DELAY) ahead.
        at: Timestamp,
        /// What went wrong, for operators.
        error: String,
        /// Who does not answer, in words for everybody.
        outage: String,
    },
    /// It failed and is given up.
    Dead {
        /// What went wrong.
        error: String,
    },
    /// It goes on later, or sooner, when what it waits for is done ([`Writing::wait_for`]). No attempt is used up.
    Wait {
        /// When at the latest, at most [`MAX_DELAY`](super::MAX_DELAY) ahead.
        until: Timestamp,
    },
    /// It is given back undone, because the worker ends. No attempt is used up.
    GiveBack,
}

/// One acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// The right to it.
    pub lease: Lease,
    /// What becomes of the job.
    pub settle: Settle,
}

/// Which acknowledgements counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Acknowledged {
    /// The jobs whose acknowledgement counts. What belongs to any other came too late and must not be written.
    pub accepted: HashSet<JobId>,
    /// Who had waited for the settled ones: (waiter, awaited).
    pub waiters: Vec<(JobId, JobId)>,
}

/// Errors are told to people: long ones are cut.
const MAX_ERROR: usize = 2_000;

impl Writing {
    /// Which of these leases still count. They do until this transaction ends: what belongs to them may be written before
    /// [`Writing::acknowledge`], and what belongs to the others must not.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn hold_leases(&mut self, leases: &[Lease]) -> Result<HashSet<Lease>, StoreError> {
        let lock = match self.kind {
            // In one order, the same in which others lock them when they ask for the same jobs.
            Kind::Postgres => "ORDER BY id FOR UPDATE",
            Kind::Sqlite => "",
        };
        let mut held = HashSet::new();
        for chunk in leases.chunks(1_000) {
            let sql = format!(
                "SELECT id, lease FROM job WHERE state = 'leased' AND (id, lease) IN (VALUES {}) {lock}",
                placeholders(1, chunk.len(), 2)
            );
            let query = chunk.iter().fold(sqlx::query(AssertSqlSafe(sql)), |query, lease| {
                query.bind(lease.job.as_str()).bind(lease.number)
            });
            for row in query.fetch_all(&mut *self.transaction).await? {
                held.insert(Lease { job: JobId::named(row.try_get(0)?), number: row.try_get(1)? });
            }
        }
        Ok(held)
    }

    /// Acknowledges leased jobs, at most one of each. Those whose lease was lost are left as they are, and are missing in
    /// the answer.
    ///
    /// # Errors
    /// When the database refuses: then none of it counts.
    pub async fn acknowledge(&mut self, acks: &[Ack], now: Timestamp) -> Result<Acknowledged, StoreError> {
        let mut answer = Acknowledged::default();
        for chunk in acks.chunks(500) {
            self.acknowledge_some(chunk, now, &mut answer).await?;
        }
        Ok(answer)
    }

    async fn acknowledge_some(
        &mut self,
        acks: &[Ack],
        now: Timestamp,
        answer: &mut Acknowledged,
    ) -> Result<(), StoreError> {
        let sql = format!(
            "UPDATE job SET state = v.column3, due_at = v.column4, attempts = attempts - v.column5,
                 last_error = v.column6, lease_owner = '', updated_at = $1,
                 outcome = CASE WHEN v.column3 = 'done' THEN v.column7 ELSE outcome END,
                 outage = v.column8, rested = CASE WHEN v.column9 < 0 THEN 0 ELSE rested + v.column9 END
             FROM (VALUES {}) AS v
             WHERE job.id = v.column1 AND job.lease = v.column2 AND job.state = 'leased'
             RETURNING job.id, job.state",
            placeholders(2, acks.len(), 9)
        );
        let mut query = sqlx::query(AssertSqlSafe(sql)).bind(now.as_millis());
        for ack in acks {
            // What has rested counts on until the job gets on.
            let (outage, rested) = match &ack.settle {
                Settle::Rest { at, outage, .. } => (outage.as_str(), (bounded(*at, now) - now.as_millis()).max(0)),
                Settle::Retry { .. } | Settle::Dead { .. } | Settle::GiveBack => ("", 0),
                Settle::Done { .. } | Settle::Wait { .. } => ("", -1),
            };
            let (state, due, given_back, error, outcome) = match &ack.settle {
                Settle::Done { outcome } => ("done", now.as_millis(), 0_i64, "", outcome.as_slice()),
                Settle::Retry { at, error } => ("pending", bounded(*at, now), 0, error.as_str(), &[][..]),
                Settle::Rest { at, error, .. } => ("pending", bounded(*at, now), 1, error.as_str(), &[][..]),
                Settle::Dead { error } => ("dead", now.as_millis(), 0, error.as_str(), &[][..]),
                Settle::Wait { until } => ("pending", bounded(*until, now), 1, "", &[][..]),
                Settle::GiveBack => ("pending", now.as_millis(), 1, "", &[][..]),
            };
            query = query
                .bind(ack.lease.job.as_str())
                .bind(ack.lease.number)
                .bind(state)
                .bind(due)
                .bind(given_back)
                .bind(printable(error, MAX_ERROR))
                .bind(outcome)
                .bind(printable(outage, MAX_ERROR))
                .bind(rested);
        }
        let mut settled = Vec::new();
        for row in query.fetch_all(&mut *self.transaction).await? {
            let id = JobId::named(row.try_get(0)?);
            if matches!(row.try_get::<&str, _>(1)?, "done" | "dead") {
                settled.push(id.clone());
            }
            answer.accepted.insert(id);
        }
        if settled.is_empty() {
            return Ok(());
        }
        let many = placeholders(1, settled.len(), 1);
        let sql = format!("DELETE FROM job_wait WHERE awaited IN (VALUES {many}) RETURNING waiter, awaited");
        let query = settled.iter().fold(sqlx::query(AssertSqlSafe(sql)), |query, id| query.bind(id.as_str()));
        for row in query.fetch_all(&mut *self.transaction).await? {
            let waiter = JobId::named(row.try_get(0)?);
            self.woken.insert(waiter.clone());
            answer.waiters.push((waiter, JobId::named(row.try_get(1)?)));
        }
        Ok(())
    }

    /// Makes a job wait for others: it is due as soon as all of them are done or dead. Those that are already are not waited
    /// for. Belongs into the transaction that acknowledges the waiter with [`Settle::Wait`]. Returns for how many it waits.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn wait_for(&mut self, waiter: &JobId, awaited: &[JobId]) -> Result<u64, StoreError> {
        let mut waits = 0;
        for chunk in awaited.chunks(10_000) {
            let sql = format!(
                "INSERT INTO job_wait (waiter, awaited)
                 SELECT $1, id FROM job WHERE id IN (VALUES {}) AND state IN ('pending', 'leased')
                 ON CONFLICT DO NOTHING",
                placeholders(2, chunk.len(), 1)
            );
            let query = sqlx::query(AssertSqlSafe(sql)).bind(waiter.as_str());
            let query = chunk.iter().fold(query, |query, id| query.bind(id.as_str()));
            waits += query.execute(&mut *self.transaction).await?.rows_affected();
        }
        if waits == 0 {
            self.woken.insert(waiter.clone());
        }
        Ok(waits)
    }
}

impl Store {
    /// Whether a job still waits for others.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn still_waits(&self, job: &JobId) -> Result<bool, StoreError> {
        let row = sqlx::query("SELECT 1 FROM job_wait WHERE waiter = $1 LIMIT 1")
            .bind(job.as_str())
            .fetch_optional(&self.database.pool)
            .await?;
        Ok(row.is_some())
    }
}
