//! Ends programs that use too much memory, where no control group does. It looks at the kernel's figures only.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{paths, sys};

const EVERY: Duration = Duration::from_millis(25);

#[derive(Default)]
struct State {
    stop: AtomicBool,
    hit: AtomicBool,
    since: AtomicBool,
    peak: AtomicU64,
}

/// Watches the memory of a process and of all that descend from it.
pub struct Watchdog {
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

impl Watchdog {
    /// Watches all that descends from `first`, without itself.
    pub fn start(first: i32, most: u64) -> Self {
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        let thread = std::thread::spawn(move || {
            while !shared.stop.load(Ordering::Relaxed) {
                std::thread::park_timeout(EVERY);
                let all: Vec<i32> = paths::family(first).into_iter().filter(|pid| *pid != first).collect();
                let used: u64 = all.iter().map(|pid| memory(*pid)).sum();
                shared.peak.fetch_max(used, Ordering::Relaxed);
                if used > most {
                    shared.hit.store(true, Ordering::Relaxed);
                    shared.since.store(true, Ordering::Relaxed);
                    all.iter().for_each(|pid| drop(sys::kill(*pid, libc::SIGKILL)));
                }
            }
        });
        Self { state, thread: Some(thread) }
    }

    /// Whether the limit was ever passed.
    pub fn hit(&self) -> bool {
        self.state.hit.load(Ordering::Relaxed)
    }

    /// Whether it was passed since this was asked last.
    pub fn hit_since(&self) -> bool {
        self.state.since.swap(false, Ordering::Relaxed)
    }

    /// The most memory that was seen, bytes.
    pub fn peak(&self) -> u64 {
        self.state.peak.load(Ordering::Relaxed)
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.state.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

/// What a process uses, bytes. Shared pages are shared out, so that copies after a fork count once; where that is not told,
/// all resident pages.
fn memory(pid: i32) -> u64 {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let share =
        rollup.lines().find_map(|line| line.strip_prefix("Pss:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    share.map_or_else(
        || {
            let pages = std::fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
            pages.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
        },
        |kilobytes| kilobytes * 1024,
    )
}
