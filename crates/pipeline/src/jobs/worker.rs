//! A worker: claims due jobs, runs them side by side, keeps their leases, and has their effects written.
//!
//! Several workers, in one process or many, share one store. One that is killed leaves its leases behind, which run out; one
//! that is asked to end finishes what it can and gives the rest back.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use serde::{Deserialize, Serialize};
use sigma_core::Timestamp;
use sigma_store::{Ack, Claiming, Class, Lease, Leased, Settle, StoreError};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior};
use tracing::Instrument as _;

use super::commit::{self, Ended};
use super::{Effect, Failure, KINDS, Kind, Only, Then, advance_submission, backoff};
use crate::Hall;

/// Limits of a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WorkerConfig {
    /// Jobs that one worker runs at once. 8: enough to keep the network busy while the processors analyse.
    pub jobs: usize,
    /// Audits of PyPI packages at once, by all workers on the store together. 32: what a public index bears.
    pub pypi: usize,
    /// Audits of npm packages at once, by all workers together. 32.
    pub npm: usize,
    /// Submissions that are resolved or decided at once, by all workers together. 16.
    pub submissions: usize,
    /// How long a job stays with a worker that says nothing, in seconds. 60; a third of it is the heartbeat's interval.
    pub lease_seconds: u64,
    /// How often an idle worker looks for work, in milliseconds. 500.
    pub poll_millis: u64,
    /// How long a worker that is asked to end finishes what it does, in seconds. 20; then it gives the rest back.
    pub grace_seconds: u64,
    /// How long a failed job rests first, in milliseconds. 2,000; four times as long after each further failure.
    pub first_pause_millis: u64,
    /// How long it rests at most, in seconds. 600.
    pub longest_pause_seconds: u64,
    /// How long a job rests in all for an ecosystem that does not answer, in hours. 24: outages last minutes to hours. Then its
    /// package counts as not fetched, and a submission that could not be resolved as failed.
    pub outage_hours: u64,
    /// How long done jobs are kept, in hours. 168: a week of history for operators.
    pub keep_done_hours: u64,
    /// Jobs that may be open before new submissions are turned away for a while. 20,000: some hours of one worker's work.
    pub most_open: u32,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self {
            jobs: 8,
            pypi: 32,
            npm: 32,
            submissions: 16,
            lease_seconds: 60,
            poll_millis: 500,
            grace_seconds: 20,
            first_pause_millis: 2_000,
            longest_pause_seconds: 600,
            outage_hours: 24,
            keep_done_hours: 168,
            most_open: 20_000,
        }
    }
}

/// Runs jobs. Made by [`Worker::new`], and run until it is asked to end.
pub struct Worker {
    hall: Hall,
    name: String,
    config: WorkerConfig,
    /// Told when there is new work in this process.
    wake: Arc<Notify>,
    running: Running,
}

/// What a worker is working on: the class of each job, and what ends it.
type Running = Arc<Mutex<HashMap<Lease, (String, AbortHandle)>>>;

/// A kind that another version wrote: its workers may be running and do it, so it is tried again for a while.
static UNKNOWN: Kind = Kind {
    name: "unknown",
    failures: 10,
    time_limit: Duration::from_secs(1),
    run: |_, leased| {
        let why = format!("this version knows no job of the kind {}", leased.kind);
        futures::future::ready(Err(Failure::again(why))).boxed()
    },
    gave_up: |_, why| Box::new(Only(Settle::Dead { error: why.to_owned() })),
};

/// How often done jobs are looked through for old ones.
const HOUSEKEEPING: Duration = Duration::from_secs(600);

impl Worker {
    /// A worker of the hall. `name` is for people, who see which worker has a job.
    pub fn new(hall: Hall, name: &str, config: WorkerConfig) -> Self {
        Self { hall, name: name.to_owned(), config, wake: Arc::default(), running: Arc::default() }
    }

    /// Whoever notifies it has the worker look for work at once.
    pub fn wake(&self) -> Arc<Notify> {
        self.wake.clone()
    }

    /// Works until `stop` is ready.
    pub async fn run(&self, stop: impl Future<Output = ()>) {
        self.work(stop, false).await;
    }

    /// Works until nothing is left to do, by this worker or any other, or `stop` is ready.
    pub async fn run_until_idle(&self, stop: impl Future<Output = ()>) {
        self.work(stop, true).await;
    }

    async fn work(&self, stop: impl Future<Output = ()>, until_idle: bool) {
        let (sender, receiver) = mpsc::channel(64);
        let writer = tokio::spawn(commit::commit(self.hall.store.clone(), self.hall.clock.clone(), receiver));
        let mut tasks = JoinSet::new();
        let mut stop = pin!(stop);
        let mut heartbeat = tokio::time::interval(self.lease() / 3);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut housekeeping = tokio::time::interval(HOUSEKEEPING);
        let mut look_at = Instant::now();
        loop {
            tokio::select! {
                biased;
                () = &mut stop => break,
                _ = heartbeat.tick() => self.keep_leases().await,
                Some(_) = tasks.join_next(), if !tasks.is_empty() => {
                    while tasks.try_join_next().is_some() {}
                    look_at = Instant::now();
                }
                () = tokio::time::sleep_until(look_at), if tasks.len() < self.config.jobs => {
                    let room = self.config.jobs - tasks.len();
                    look_at = Instant::now() + Duration::from_millis(self.config.poll_millis);
                    match self.claim(room).await {
                        Ok(leased) if leased.is_empty() && until_idle && tasks.is_empty() => {
                            match self.hall.store.more_open_jobs_than(0).await {
                                Ok(false) => break,
                                Ok(true) => {}
                                Err(error) => tracing::warn!(%error, "the queue cannot be read"),
                            }
                        }
                        Ok(leased) => {
                            if leased.len() == room {
                                look_at = Instant::now();
                            }
                            for one in leased {
                                self.start(&mut tasks, sender.clone(), one);
                            }
                        }
                        // It may be starting again: whoever works on something goes on.
                        Err(error) => tracing::warn!(%error, "no jobs could be claimed; trying again"),
                    }
                }
                () = self.wake.notified() => look_at = Instant::now(),
                _ = housekeeping.tick() => self.forget_old().await,
            }
        }
        self.end(tasks).await;
        drop(sender);
        if let Err(error) = writer.await {
            tracing::error!(%error, "the writer of effects ended badly");
        }
    }

    async fn claim(&self, most: usize) -> Result<Vec<Leased>, StoreError> {
        let class = |name: &str, limit| Class { name: name.to_owned(), limit: Some(limit) };
        // Submissions first: what they ask for is what the others work on. But what runs least of here comes before that: while an
        // ecosystem is away, those who ask for it wait for its silence, and must not take all places.
        let mut classes = [
            class(advance_submission::CLASS, self.config.submissions),
            class("pypi", self.config.pypi),
            class("npm", self.config.npm),
        ];
        let mut running: HashMap<String, usize> = HashMap::new();
        for (class, _) in lock(&self.running).values() {
            *running.entry(class.clone()).or_default() += 1;
        }
        classes.sort_by_key(|class| running.get(&class.name).copied().unwrap_or_default());
        let now = self.hall.now();
        let claiming = Claiming { worker: &self.name, classes: &classes, most, now, lease: self.lease() };
        self.hall.store.claim_jobs(&claiming).await
    }

    fn start(&self, tasks: &mut JoinSet<()>, sender: mpsc::Sender<Ended>, leased: Leased) {
        let (hall, config, running) = (self.hall.clone(), self.config.clone(), self.running.clone());
        let (lease, class) = (leased.lease.clone(), leased.class.clone());
        let handle = tasks.spawn(async move {
            let lease = leased.lease.clone();
            let span = tracing::debug_span!(
                "job",
                job.id = lease.job.as_str(),
                job.kind = leased.kind,
                job.attempt = leased.attempt
            );
            run(&hall, &config, leased, sender).instrument(span).await;
            lock(&running).remove(&lease);
        });
        lock(&self.running).insert(lease, (class, handle));
    }

    fn lease(&self) -> Duration {
        Duration::from_secs(self.config.lease_seconds.max(1))
    }

    /// Keeps the leases of what runs, and drops what is another's by now.
    async fn keep_leases(&self) {
        let leases: Vec<Lease> = lock(&self.running).keys().cloned().collect();
        match self.hall.store.extend_leases(&leases, self.hall.now(), self.lease()).await {
            Ok(kept) => {
                let mut running = lock(&self.running);
                for lease in leases.iter().filter(|lease| !kept.contains(*lease)) {
                    if let Some((_, handle)) = running.remove(lease)
                        && !handle.is_finished()
                    {
                        tracing::warn!(job.id = lease.job.as_str(), "the lease is lost; the job is dropped");
                        handle.abort();
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "leases could not be extended"),
        }
    }

    /// Lets running jobs end for a while, then gives them back.
    async fn end(&self, mut tasks: JoinSet<()>) {
        let mut heartbeat = tokio::time::interval(self.lease() / 3);
        let over = tokio::time::sleep(Duration::from_secs(self.config.grace_seconds));
        let mut over = pin!(over);
        while !tasks.is_empty() {
            tokio::select! {
                _ = tasks.join_next() => {}
                _ = heartbeat.tick() => self.keep_leases().await,
                () = &mut over => break,
            }
        }
        tasks.shutdown().await;
        let left: Vec<Ack> =
            lock(&self.running).drain().map(|(lease, _)| Ack { lease, settle: Settle::GiveBack }).collect();
        if left.is_empty() {
            return;
        }
        tracing::info!(jobs = left.len(), "unfinished jobs are given back");
        let given = async {
            let now = self.hall.now();
            let mut writing = self.hall.store.begin().await?;
            writing.acknowledge(&left, now).await?;
            writing.commit(now).await
        };
        if let Err(error) = given.await {
            tracing::warn!(%error, "jobs could not be given back; their leases run out");
        }
    }

    async fn forget_old(&self) {
        let hours = i64::try_from(self.config.keep_done_hours).unwrap_or(i64::MAX);
        let before = self.hall.now().as_millis().saturating_sub(hours.saturating_mul(3_600_000));
        if let Err(error) = self.hall.store.forget_done_jobs(Timestamp::from_millis(before)).await {
            tracing::warn!(%error, "old jobs could not be removed");
        }
    }
}

fn lock(running: &Running) -> std::sync::MutexGuard<'_, HashMap<Lease, (String, AbortHandle)>> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs one job, and has its effect written.
async fn run(hall: &Hall, config: &WorkerConfig, leased: Leased, sender: mpsc::Sender<Ended>) {
    let kind = KINDS.iter().find(|kind| kind.name == leased.kind).unwrap_or(&UNKNOWN);
    let (id, attempt) = (leased.lease.job.to_string(), leased.attempt);
    tracing::debug!(job.id = id, job.kind = kind.name, job.attempt = attempt, "the job begins");
    let effect = match outcome(hall, kind, &leased).await {
        Ok(effect) => effect,
        Err(failure) => failed(hall, config, kind, &leased, failure),
    };
    match written(&leased.lease, effect, &sender).await {
        Ok(true) => tracing::debug!(job.id = id, job.kind = kind.name, "the job is acknowledged"),
        Ok(false) => tracing::warn!(job.id = id, "the job came too late: another worker has it"),
        Err(error) => {
            // The effect itself cannot be written. What it was about is still to be settled.
            let failure = Failure::again(format!("its effect cannot be written: {error}"));
            let effect = failed(hall, config, kind, &leased, failure);
            if let Err(error) = written(&leased.lease, effect, &sender).await {
                tracing::error!(job.id = id, %error, "the job cannot be settled; its lease runs out");
            }
        }
    }
}

/// Runs the job itself. A panic and a run that takes too long are failures like others.
async fn outcome(hall: &Hall, kind: &Kind, leased: &Leased) -> Result<Box<dyn Effect>, Failure> {
    if leased.is_exhausted() {
        return Err(Failure::for_good(match leased.last_error.as_str() {
            "" => "every worker that ran it ended without a word".to_owned(),
            error => format!("a worker that ran it ended without a word, after: {error}"),
        }));
    }
    let run = AssertUnwindSafe((kind.run)(hall, leased)).catch_unwind();
    match tokio::time::timeout(kind.time_limit, run).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => Err(Failure::again("the job panicked")),
        Err(_) => Err(Failure::again(format!("it took more than {} s", kind.time_limit.as_secs()))),
    }
}

/// What a failure leads to: another run after a pause, or the end.
fn failed(hall: &Hall, config: &WorkerConfig, kind: &Kind, leased: &Leased, failure: Failure) -> Box<dyn Effect> {
    let id = leased.lease.job.as_str();
    let first = Duration::from_millis(config.first_pause_millis);
    let most = Duration::from_secs(config.longest_pause_seconds);
    let rested = Duration::from_millis(leased.rested.unsigned_abs());
    let pause = match &failure.then {
        Then::Again if leased.attempt < kind.failures.min(leased.max_attempts) => {
            Some(backoff::pause(&leased.lease.job, leased.attempt, first, most))
        }
        Then::Rest(outage) if rested.as_secs() / 3_600 < config.outage_hours => {
            Some(backoff::rest(&leased.lease.job, rested, first, most, outage.retry_after))
        }
        Then::Again | Then::Rest(_) | Then::End => None,
    };
    let Some(pause) = pause else {
        tracing::error!(job.id = id, job.kind = kind.name, "the job is given up: {}", failure.why);
        return failure.at_last.unwrap_or_else(|| (kind.gave_up)(leased, &failure.why));
    };
    tracing::warn!(job.id = id, job.kind = kind.name, job.attempt = leased.attempt, "the job failed: {}", failure.why);
    let at = hall.now().as_millis().saturating_add(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX));
    let (at, error) = (Timestamp::from_millis(at), failure.why);
    Box::new(Only(match failure.then {
        Then::Rest(outage) => Settle::Rest { at, error, outage: outage.words },
        Then::Again | Then::End => Settle::Retry { at, error },
    }))
}

async fn written(lease: &Lease, effect: Box<dyn Effect>, sender: &mpsc::Sender<Ended>) -> Result<bool, StoreError> {
    let (told, answer) = oneshot::channel();
    let gone = || StoreError::Damaged { what: "worker".to_owned(), why: "its writer ended".to_owned() };
    sender.send(Ended { lease: lease.clone(), effect, told }).await.map_err(|_| gone())?;
    answer.await.map_err(|_| gone())?
}
