//! One thread that appends for many: whoever asks while a batch becomes durable shares the next one's wait for the disk.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use sigma_core::Timestamp;

use super::{Entry, Log, LogError, Logged, Storage};

/// How large batches get, and how long the first of one waits for others.
#[derive(Debug, Clone, Copy)]
pub struct SequencerLimits {
    /// Entries of a batch. With 4,096 the disk is waited for a few times a second under full load.
    pub batch: usize,
    /// Entries that may wait. Beyond that callers are told to come back.
    pub waiting: usize,
    /// How long the first entry of a batch waits for more.
    pub linger: Duration,
}

impl Default for SequencerLimits {
    fn default() -> Self {
        Self { batch: 4096, waiting: 16_384, linger: Duration::from_millis(5) }
    }
}

/// Why an entry was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SequencerError {
    /// Too many wait.
    #[error("too many entries wait to be logged; come back later")]
    Full,
    /// The log failed and has to be opened again; whether the entry is in it is known then.
    #[error("the log failed: {0}")]
    Failed(String),
}

struct Request {
    entry: Entry,
    answer: SyncSender<Result<Logged, SequencerError>>,
}

/// An entry on its way.
#[derive(Debug)]
pub struct Pending(Receiver<Result<Logged, SequencerError>>);

impl Pending {
    /// Waits until the entry and a checkpoint that covers it are durable.
    ///
    /// # Errors
    /// When the log failed.
    pub fn wait(self) -> Result<Logged, SequencerError> {
        self.0.recv().unwrap_or_else(|_| Err(SequencerError::Failed("it was closed".to_owned())))
    }
}

/// Appends for many.
#[derive(Debug)]
pub struct Sequencer<S> {
    requests: Option<SyncSender<Request>>,
    thread: Option<JoinHandle<(Log<S>, Option<LogError>)>>,
}

impl<S: Storage + 'static> Sequencer<S> {
    /// Starts the thread. `clock` says what time it is.
    pub fn start(log: Log<S>, limits: SequencerLimits, clock: impl Fn() -> Timestamp + Send + 'static) -> Self {
        let (requests, queue) = sync_channel(limits.waiting);
        let thread = std::thread::spawn(move || run(log, limits, clock, &queue));
        Self { requests: Some(requests), thread: Some(thread) }
    }

    /// Hands over an entry of 1 to 65,535 bytes.
    ///
    /// # Errors
    /// When too many wait, the log failed before, or the entry has another length.
    pub fn append(&self, entry: Entry) -> Result<Pending, SequencerError> {
        // One that does not fit must not spoil the batch of others.
        if entry.is_empty() || entry.len() > super::MAX_LEAF {
            return Err(SequencerError::Failed(LogError::Leaf(entry.len()).to_string()));
        }
        let (answer, pending) = sync_channel(1);
        match self.requests.as_ref().map(|requests| requests.try_send(Request { entry, answer })) {
            Some(Ok(())) => Ok(Pending(pending)),
            Some(Err(TrySendError::Full(_))) => Err(SequencerError::Full),
            Some(Err(TrySendError::Disconnected(_))) | None => Err(SequencerError::Failed("it was closed".to_owned())),
        }
    }

    /// Appends what waits, and gives the log back with the error that ended it, if one did.
    ///
    /// # Errors
    /// When the thread ended unexpectedly.
    pub fn close(mut self) -> Result<(Log<S>, Option<LogError>), SequencerError> {
        drop(self.requests.take());
        let ended = || SequencerError::Failed("its thread ended".to_owned());
        self.thread.take().ok_or_else(ended)?.join().map_err(|_| ended())
    }
}

fn run<S: Storage>(
    mut log: Log<S>,
    limits: SequencerLimits,
    clock: impl Fn() -> Timestamp,
    queue: &Receiver<Request>,
) -> (Log<S>, Option<LogError>) {
    while let Ok(first) = queue.recv() {
        let until = Instant::now() + limits.linger;
        let (mut entries, mut answers) = (vec![first.entry], vec![first.answer]);
        while entries.len() < limits.batch {
            match queue.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(request) => {
                    entries.push(request.entry);
                    answers.push(request.answer);
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            }
        }
        // Who no longer waits for an answer is not missed.
        match log.append(&entries, clock()) {
            Ok(logged) => answers.iter().zip(logged).for_each(|(answer, logged)| drop(answer.send(Ok(logged)))),
            Err(error) => {
                let failed = SequencerError::Failed(error.to_string());
                answers.iter().for_each(|answer| drop(answer.send(Err(failed.clone()))));
                return (log, Some(error));
            }
        }
    }
    (log, None)
}
