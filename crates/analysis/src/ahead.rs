//! Reads the files of a distribution before their turn, on several threads.
//!
//! In: files, in the archive's order. Out: the same files in the same order, told to a [`Distribution`] with what the rules say
//! of each. That depends on a file's bytes alone, so a report is the same on any number of threads. What waits is bounded.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};

use rayon::{Scope, ThreadPool, ThreadPoolBuilder};
use sigma_core::Sha256;

use crate::report::{Distribution, File, Outcome};
use crate::{Analyser, STACK};

/// Bytes of files that wait for their turn: 32 MiB, and one file beyond.
const HELD: usize = 32 << 20;
/// Files that wait for their turn.
const WAITING: usize = 500;

/// Threads that read files; nothing where one is enough, or the system gives no more.
pub(crate) fn threads(count: usize) -> Option<ThreadPool> {
    let named = |index| format!("reader-{index}");
    let pool = || ThreadPoolBuilder::new().num_threads(count).stack_size(STACK).thread_name(named).build().ok();
    (count > 1).then(pool).flatten()
}

/// A file whose turn has not come.
struct Waiting {
    path: String,
    size: u64,
    sha256: Sha256,
    bytes: Arc<[u8]>,
    whole: bool,
    /// What the rules say of it, once they do; nothing for what no rule reads as a text.
    outcome: Option<Receiver<Arc<Outcome>>>,
}

/// Takes files and hands them on.
pub(crate) struct Ahead<'t, 'd, 'scope> {
    analyser: &'scope Analyser,
    distribution: &'t mut Distribution<'d>,
    scope: Option<&'t Scope<'scope>>,
    waiting: VecDeque<Waiting>,
    held: usize,
}

impl<'t, 'd, 'scope> Ahead<'t, 'd, 'scope> {
    /// Starts; without a scope every file is read when it comes.
    pub fn new(
        analyser: &'scope Analyser,
        distribution: &'t mut Distribution<'d>,
        scope: Option<&'t Scope<'scope>>,
    ) -> Self {
        Self { analyser, distribution, scope, waiting: VecDeque::new(), held: 0 }
    }

    /// The next file.
    pub fn add(&mut self, file: &File<'_>) {
        let Some(scope) = self.scope else { return self.hand_on(file, None) };
        let bytes: Arc<[u8]> = file.bytes.into();
        let outcome = self.distribution.reading(file).map(|reading| {
            let (tell, told) = sync_channel(1);
            let (analyser, sha256, bytes) = (self.analyser, file.sha256, bytes.clone());
            scope.spawn(move |_| {
                // Nobody listens any more where the walk itself broke off.
                let _ = tell.send(analyser.outcome(sha256, reading, &bytes));
            });
            told
        });
        self.held += bytes.len();
        let (path, size, sha256, whole) = (file.path.to_owned(), file.size, file.sha256, file.whole);
        self.waiting.push_back(Waiting { path, size, sha256, bytes, whole, outcome });
        self.hand_on_ready();
    }

    /// The distribution, with all files that came so far.
    pub fn distribution(&mut self) -> &mut Distribution<'d> {
        while let Some(first) = self.waiting.pop_front() {
            let outcome = first.outcome.as_ref().map(|told| told.recv().unwrap_or_default());
            self.turn(&first, outcome);
        }
        self.distribution
    }

    /// Hands on the first files, as far as they are ready or there is no room for more.
    fn hand_on_ready(&mut self) {
        while let Some(first) = self.waiting.front() {
            let full = self.held > HELD || self.waiting.len() > WAITING;
            // A thread that panicked tells nothing. The scope passes that on when it ends, so that there is no report.
            let outcome = match &first.outcome {
                None => None,
                Some(told) if full => Some(told.recv().unwrap_or_default()),
                Some(told) => match told.try_recv() {
                    Ok(outcome) => Some(outcome),
                    Err(TryRecvError::Empty) => return,
                    Err(TryRecvError::Disconnected) => Some(Arc::default()),
                },
            };
            if let Some(first) = self.waiting.pop_front() {
                self.turn(&first, outcome);
            }
        }
    }

    fn turn(&mut self, next: &Waiting, outcome: Option<Arc<Outcome>>) {
        let Waiting { path, size, sha256, bytes, whole, .. } = next;
        self.held -= bytes.len();
        self.hand_on(&File { path, size: *size, sha256: *sha256, bytes, whole: *whole }, outcome);
    }

    fn hand_on(&mut self, file: &File<'_>, outcome: Option<Arc<Outcome>>) {
        let analyser = self.analyser;
        let outcome = |reading| outcome.unwrap_or_else(|| analyser.outcome(file.sha256, reading, file.bytes));
        self.distribution.add(file, analyser.limits(), outcome);
    }
}
