//! Ends programs that use too much memory, where no control group does. It looks at the kernel's figures only.

use std::path::{Path, PathBuf};
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
    filled: AtomicBool,
    since: AtomicBool,
    peak: AtomicU64,
}

/// Watches the memory of a process and of all that descend from it.
pub struct Watchdog {
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

impl Watchdog {
    /// Watches all that descends from `first`, without itself; and, where nothing else bounds them, the files of a folder.
    pub fn start(first: i32, most: u64, files: Option<(PathBuf, u64)>) -> Self {
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        let thread = std::thread::spawn(move || {
            let mut round = 0;
            while !shared.stop.load(Ordering::Relaxed) {
                std::thread::park_timeout(EVERY);
                round += 1;
                let filled = files.as_ref().is_some_and(|(folder, most)| round % 8 == 0 && size(folder) > *most);
                let all: Vec<i32> = paths::family(first).into_iter().filter(|pid| *pid != first).collect();
                let used: u64 = all.iter().map(|pid| memory(*pid)).sum();
                shared.peak.fetch_max(used, Ordering::Relaxed);
                if used > most || filled {
                    shared.hit.fetch_or(used > most, Ordering::Relaxed);
                    shared.filled.fetch_or(filled, Ordering::Relaxed);
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

    /// Whether the files grew too large.
    pub fn filled(&self) -> bool {
        self.state.filled.load(Ordering::Relaxed)
    }

    /// Whether a limit was passed since this was asked last.
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

/// The size of the files in a folder, bytes, as far as they have a name.
fn size(folder: &Path) -> u64 {
    let (mut total, mut folders, mut seen) = (0, vec![folder.to_owned()], 0);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            seen += 1;
            match entry.metadata() {
                Ok(meta) if meta.is_dir() => folders.push(entry.path()),
                // A file without content costs a name.
                Ok(meta) => total += meta.len().max(4096),
                Err(_) => {}
            }
        }
        if seen > 50_000 {
            return u64::MAX;
        }
    }
    total
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
