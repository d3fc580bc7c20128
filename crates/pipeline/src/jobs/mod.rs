//! The jobs: work that survives the process that does it.
//!
//! In: leased jobs of the store. Out: an [`Effect`] each, which is written in the transaction that acknowledges the job. A
//! job may run more than once, whenever a worker ends in the middle; its effect is written once.
//!
//! A new job is one file here and one line in [`KINDS`].

pub(crate) mod advance_submission;
pub(crate) mod audit_package;
mod backoff;
mod commit;
pub(crate) mod reaudit_package;
pub(crate) mod reaudit_submission;
mod worker;

use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use serde::de::DeserializeOwned;
use sigma_core::Timestamp;
use sigma_ecosystem::ResolveError;
use sigma_store::{Leased, Settle, StoreError, Writing};

use crate::{AuditError, Hall, Outage};

pub use worker::{Worker, WorkerConfig};

/// Every kind of job.
static KINDS: [Kind; 4] =
    [audit_package::KIND, advance_submission::KIND, reaudit_package::KIND, reaudit_submission::KIND];

/// A run of a job, under way.
type Run<'a> = BoxFuture<'a, Result<Box<dyn Effect>, Failure>>;

/// A kind of job.
pub(crate) struct Kind {
    /// Its word in the store.
    pub name: &'static str,
    /// After how many runs a failure is the end. Runs that end without a word may be twice as many: workers are killed for
    /// reasons that have nothing to do with the job.
    pub failures: u32,
    /// How long one run may take. Beyond it, the run counts as failed.
    pub time_limit: Duration,
    /// Does the work, up to what is to be written.
    pub run: for<'a> fn(&'a Hall, &'a Leased) -> Run<'a>,
    /// What is written when the job is given up.
    pub gave_up: fn(&Leased, &str) -> Box<dyn Effect>,
}

/// What a job writes. It may be tried several times: each time the transaction before it was undone.
#[async_trait]
pub(crate) trait Effect: Send + Sync {
    /// Writes everything, and says what becomes of the job.
    async fn apply(&self, writing: &mut Writing, now: Timestamp) -> Result<Applied, StoreError>;

    /// Whether it needs a transaction of its own, because it locks jobs of others.
    fn alone(&self) -> bool {
        false
    }
}

/// What an effect comes to.
pub(crate) struct Applied {
    /// What becomes of the job.
    pub settle: Settle,
    /// What the submissions that wait for the job are told: the kind of event, and JSON.
    pub event: Option<(&'static str, Vec<u8>)>,
}

/// Why a run failed.
pub(crate) struct Failure {
    /// In a sentence without a full stop.
    pub why: String,
    /// What follows.
    pub then: Then,
    /// What is written when it is not tried again, in the place of what the kind writes.
    pub at_last: Option<Box<dyn Effect>>,
}

/// What follows from a failure.
pub(crate) enum Then {
    /// Another run may fare better; there are a few.
    Again,
    /// None would.
    End,
    /// It passes by itself: tried again for hours.
    Rest(Outage),
}

impl Failure {
    pub fn again(why: impl Into<String>) -> Self {
        Self { why: why.into(), then: Then::Again, at_last: None }
    }

    pub fn for_good(why: impl Into<String>) -> Self {
        Self { why: why.into(), then: Then::End, at_last: None }
    }

    pub fn rest(why: impl Into<String>, outage: Outage) -> Self {
        Self { why: why.into(), then: Then::Rest(outage), at_last: None }
    }

    pub fn at_last(self, effect: Box<dyn Effect>) -> Self {
        Self { at_last: Some(effect), ..self }
    }
}

impl From<AuditError> for Failure {
    fn from(error: AuditError) -> Self {
        let why = error.to_string();
        match (error.outage(), error) {
            (Some(outage), _) => Self::rest(why, outage),
            (None, AuditError::Resolve { source: ResolveError::Http(error), .. }) if error.is_definite() => {
                Self::for_good(why)
            }
            (None, _) => Self::again(why),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::again(error.to_string())
    }
}

/// What a job's payload asks for.
fn work<T: DeserializeOwned>(leased: &Leased) -> Result<T, Failure> {
    serde_json::from_slice(&leased.payload)
        .map_err(|error| Failure::for_good(format!("its payload cannot be read: {error}")))
}

/// An effect that writes nothing but what becomes of the job.
pub(crate) struct Only(pub Settle);

#[async_trait]
impl Effect for Only {
    async fn apply(&self, _: &mut Writing, _: Timestamp) -> Result<Applied, StoreError> {
        Ok(Applied { settle: self.0.clone(), event: None })
    }
}

#[cfg(test)]
mod tests {
    use super::KINDS;

    #[test]
    fn every_kind_has_a_word_of_its_own() {
        let words: std::collections::BTreeSet<_> = KINDS.iter().map(|kind| kind.name).collect();
        assert_eq!(words.len(), KINDS.len());
    }
}
