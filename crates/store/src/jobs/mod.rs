//! Durable jobs: rows of the store's own database, leased to workers.
//!
//! In: work to be done, with an idempotency key. Out: leases on it, to one worker at a time. What a job changes and its
//! acknowledgement are one transaction ([`Writing`](crate::Writing)), so neither is ever there without the other. Times
//! come from the caller, never from the database.
//!
//! ```text
//! pending --claim--> leased --acknowledge--> done
//!    ^                 |  ^                    |
//!    |                 |  '- heartbeat         '- asked for again: pending
//!    |                 |-- retry, rest, wait, given back: pending
//!    |                 |-- lease ran out: claimed by another, which counts as an attempt
//!    '-- operator -- dead <-- no attempts left
//! ```

mod acknowledge;
mod claim;
mod enqueue;
mod overview;

use std::fmt;

use sigma_certificate::content_id;
use sigma_core::Timestamp;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use crate::StoreError;

pub use acknowledge::{Ack, Acknowledged, Settle};
pub use claim::{Claiming, Class, Leased};
pub use enqueue::{Enqueued, MAX_PAYLOAD, NewJob};
pub use overview::{Count, Figure, Job, Outage};

/// The longest lease, delay or backoff, in milliseconds: one hour. A job that is due later than twice this was written by a
/// clock that was wrong, and is claimed.
pub const MAX_DELAY: i64 = 60 * 60 * 1000;

/// A job's id, `job_` and 32 characters: it follows from the idempotency key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(String);

impl JobId {
    /// The id of the job with an idempotency key.
    pub fn of_key(key: &str) -> Self {
        Self(content_id("job", "sigma-job/1", key.as_bytes()))
    }

    /// An id as an operator writes it. It need not exist.
    pub fn named(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The right to acknowledge a job. It is lost when the lease runs out and another worker claims the job.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Lease {
    /// The job.
    pub job: JobId,
    /// The number of this claim; every later one is higher.
    pub number: i64,
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum JobState {
    /// It may run when it is due.
    Pending,
    /// A worker has it.
    Leased,
    /// Done.
    Done,
    /// Given up: an operator looks at it.
    Dead,
}

impl JobState {
    /// The word in the database and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Leased => "leased",
            Self::Done => "done",
            Self::Dead => "dead",
        }
    }

    fn read(row: &AnyRow, index: usize) -> Result<Self, StoreError> {
        match row.try_get::<&str, _>(index)? {
            "pending" => Ok(Self::Pending),
            "leased" => Ok(Self::Leased),
            "done" => Ok(Self::Done),
            "dead" => Ok(Self::Dead),
            other => Err(StoreError::Damaged {
                what: "job".to_owned(),
                why: format!("got the state `{other}`, expected pending, leased, done or dead"),
            }),
        }
    }
}

/// `at`, but no further ahead than [`MAX_DELAY`].
fn bounded(at: Timestamp, now: Timestamp) -> i64 {
    at.as_millis().min(now.as_millis().saturating_add(MAX_DELAY))
}

#[cfg(test)]
mod tests;
