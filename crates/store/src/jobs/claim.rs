//! Leases: taken, and kept by heartbeats.

use std::collections::HashSet;
use std::time::Duration;

use sigma_core::{Sha256, Timestamp};
use sqlx::{AssertSqlSafe, Row as _};

use super::{JobId, Lease, MAX_DELAY};
use crate::database::{Kind, placeholders};
use crate::{Store, StoreError};

/// Jobs that count together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    /// The word in [`NewJob::class`](super::NewJob::class).
    pub name: String,
    /// How many of them may be leased at once, by all workers together; `None` for any number.
    pub limit: Option<usize>,
}

/// A request for leases.
#[derive(Debug, Clone)]
pub struct Claiming<'a> {
    /// The worker's name, for people.
    pub worker: &'a str,
    /// What it works on, the first class first.
    pub classes: &'a [Class],
    /// How many jobs it can take.
    pub most: usize,
    /// The time.
    pub now: Timestamp,
    /// How long the leases last unless they are extended; at most [`MAX_DELAY`].
    pub lease: Duration,
}

/// A job that is now this worker's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leased {
    /// What it is acknowledged with.
    pub lease: Lease,
    /// Its kind.
    pub kind: String,
    /// Its class.
    pub class: String,
    /// JSON.
    pub payload: Vec<u8>,
    /// The number of this attempt, from 1 on.
    pub attempt: u32,
    /// How many milliseconds it has rested since it last got on, because somebody else did not answer.
    pub rested: i64,
    /// How many there may be. An attempt beyond it means that the ones before ended without a word, as a crash does: the
    /// job is not to be run but to be given up.
    pub max_attempts: u32,
    /// What the last run that was done gave, as JSON; empty when there was none.
    pub outcome: Vec<u8>,
    /// What the last attempt said; empty when nothing went wrong, or nobody was left to say it.
    pub last_error: String,
}

impl Leased {
    /// True when every attempt was used up without a word.
    pub fn is_exhausted(&self) -> bool {
        self.attempt > self.max_attempts
    }
}

impl Store {
    /// Leases due jobs, the most urgent of each class first. A job whose lease ran out is due again. Durable when it
    /// returns; no two workers are ever given the same lease.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn claim_jobs(&self, claiming: &Claiming<'_>) -> Result<Vec<Leased>, StoreError> {
        let mut transaction = self.database.write().await?;
        let now = claiming.now.as_millis();
        let lease = i64::try_from(claiming.lease.as_millis()).unwrap_or(MAX_DELAY).min(MAX_DELAY);
        // Later than anything may be due: written by a clock that was ahead.
        let absurd = now.saturating_add(2 * MAX_DELAY);
        let mut leased = Vec::new();
        if self.database.kind() == Kind::Postgres {
            // Two that count at the same time would both find room. SQLite has one writer anyway. In one order, whatever the order of
            // the classes: two workers must not wait for each other.
            let mut locks: Vec<i64> = claiming
                .classes
                .iter()
                .filter(|class| class.limit.is_some())
                .map(|class| lock_of(&class.name))
                .collect();
            locks.sort_unstable();
            for lock in locks {
                sqlx::query("SELECT CAST(pg_advisory_xact_lock($1) AS TEXT)")
                    .bind(lock)
                    .execute(&mut *transaction)
                    .await?;
            }
        }
        for class in claiming.classes {
            let mut room = claiming.most - leased.len();
            if room == 0 {
                break;
            }
            if let Some(limit) = class.limit {
                let row = sqlx::query(
                    "SELECT COUNT(*) FROM job WHERE state = 'leased' AND class = $1 AND due_at > $2 AND due_at <= $3",
                )
                .bind(&class.name)
                .bind(now)
                .bind(absurd)
                .fetch_one(&mut *transaction)
                .await?;
                let running = usize::try_from(row.try_get::<i64, _>(0)?).unwrap_or(usize::MAX);
                room = room.min(limit.saturating_sub(running));
                if room == 0 {
                    continue;
                }
            }
            let skip = match self.database.kind() {
                Kind::Postgres => "FOR UPDATE SKIP LOCKED",
                Kind::Sqlite => "",
            };
            // Materialised: a plan that evaluates the choice more than once would take more than was asked for.
            let sql = format!(
                "WITH due AS MATERIALIZED (
                     SELECT id FROM job WHERE state IN ('pending', 'leased') AND class = $1
                         AND (due_at <= $2 OR due_at > $3)
                     ORDER BY priority DESC, due_at, id LIMIT $4 {skip})
                 UPDATE job SET state = 'leased', attempts = attempts + 1, lease = lease + 1, lease_owner = $5,
                     due_at = $6, updated_at = $2
                 WHERE id IN (SELECT id FROM due)
                 RETURNING id, lease, kind, payload, attempts, max_attempts, last_error, outcome, rested"
            );
            let rows = sqlx::query(AssertSqlSafe(sql))
                .bind(&class.name)
                .bind(now)
                .bind(absurd)
                .bind(i64::try_from(room).unwrap_or(i64::MAX))
                .bind(claiming.worker)
                .bind(now + lease)
                .fetch_all(&mut *transaction)
                .await?;
            for row in rows {
                leased.push(Leased {
                    lease: Lease { job: JobId::named(row.try_get(0)?), number: row.try_get(1)? },
                    kind: row.try_get(2)?,
                    class: class.name.clone(),
                    payload: row.try_get(3)?,
                    attempt: u32::try_from(row.try_get::<i64, _>(4)?).unwrap_or(u32::MAX),
                    max_attempts: u32::try_from(row.try_get::<i64, _>(5)?).unwrap_or(0),
                    last_error: row.try_get(6)?,
                    outcome: row.try_get(7)?,
                    rested: row.try_get(8)?,
                });
            }
        }
        transaction.commit().await?;
        Ok(leased)
    }

    /// Keeps leases for `lease` from now on. The answer holds those that are still this worker's; work on the others is to
    /// be dropped.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn extend_leases(
        &self,
        leases: &[Lease],
        now: Timestamp,
        lease: Duration,
    ) -> Result<HashSet<Lease>, StoreError> {
        let until = now.as_millis() + i64::try_from(lease.as_millis()).unwrap_or(MAX_DELAY).min(MAX_DELAY);
        let mut kept = HashSet::new();
        for chunk in leases.chunks(1_000) {
            let sql = format!(
                "UPDATE job SET due_at = $1 WHERE state = 'leased' AND (id, lease) IN (VALUES {}) RETURNING id, lease",
                placeholders(2, chunk.len(), 2)
            );
            let query = chunk.iter().fold(sqlx::query(AssertSqlSafe(sql)).bind(until), |query, lease| {
                query.bind(lease.job.as_str()).bind(lease.number)
            });
            for row in query.fetch_all(&self.database.pool).await? {
                kept.insert(Lease { job: JobId::named(row.try_get(0)?), number: row.try_get(1)? });
            }
        }
        Ok(kept)
    }
}

/// The 64-bit name of a class's lock.
fn lock_of(class: &str) -> i64 {
    let digest = Sha256::of(format!("job class {class}").as_bytes());
    digest.as_bytes().iter().take(8).fold(0_i64, |key, byte| (key << 8) | i64::from(*byte))
}
