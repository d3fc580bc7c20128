//! Decides what the filter hands over: records it, then lets it go, refuses it, or does it in the asker's place.
//!
//! Calls that go on may still be changed behind our back; what they can reach is bounded by namespaces and Landlock, and the
//! count stays exact.

mod files;
mod sockets;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use files::{BEYOND_LANDLOCK, CHANGES, CHANGES_BY_FD, CHANGES_HERE};

use super::filter::{ARCHITECTURE, X32};
use super::notify::{Answer, Listener, Question};
use super::record::Recorder;
use super::{memory, paths, stand_in, sys};

/// Files in memory that a run may make: each may be as large as the limit of a file.
const MEMORY_FILES: u32 = 16;

/// What is known across the threads of a run.
pub struct Judge {
    pub recorder: Mutex<Recorder>,
    /// The root of the sandbox, where it has one of its own.
    pub root: Option<OwnedFd>,
    /// The first process of the sandbox.
    pub first: i32,
    /// Where the code may write, where there is no tree of its own.
    pub writable: Vec<PathBuf>,
    /// Sockets that stand in for those of the internet, where there is no network namespace.
    pub stand_ins: Option<stand_in::StandIns>,
    /// Where a connection to our listeners was meant to go, by its local port and whether it is TCP.
    pub meant: Mutex<HashMap<(u16, bool), SocketAddr>>,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    connections: u32,
    memory_files: u32,
}

/// A lock that a panicking thread left is still good: counters have no half states.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

type Call = libc::c_long;

const SIGNALS: &[Call] =
    &[libc::SYS_kill, libc::SYS_tkill, libc::SYS_tgkill, libc::SYS_rt_sigqueueinfo, libc::SYS_rt_tgsigqueueinfo];

impl Judge {
    pub fn new(recorder: Recorder, root: Option<OwnedFd>, first: i32, writable: Vec<PathBuf>) -> Self {
        let stand_ins = root.is_none().then(stand_in::StandIns::default);
        let (meant, counts) = (Mutex::default(), Mutex::default());
        Self { recorder: Mutex::new(recorder), root, first, writable, stand_ins, meant, counts }
    }

    /// Answers all questions of one filter, until nobody is left who could ask. The first program start is ours.
    pub fn serve(&self, listener: &Listener) {
        let mut started = false;
        while let Ok(Some(question)) = listener.next() {
            if !started && question.arch == ARCHITECTURE && is(&question, &[libc::SYS_execve]) {
                started = true;
                listener.answer(&question, Answer::Go);
                continue;
            }
            if let Some(answer) = self.decide(listener, &question) {
                listener.answer(&question, answer);
            }
        }
    }

    /// `None` where it is answered already.
    fn decide(&self, listener: &Listener, question: &Question) -> Option<Answer> {
        let arguments = &question.arguments;
        if question.arch != ARCHITECTURE || question.call as u32 & X32 != 0 {
            let kind = if question.arch == ARCHITECTURE { "x32" } else { "32-bit" };
            lock(&self.recorder).refuse(&format!("{kind} system call"));
            return Some(Answer::Fail(libc::ENOSYS));
        }
        let changes = CHANGES.iter().chain(CHANGES_HERE).filter(|(call, ..)| is(question, &[*call]));
        let mut changed = false;
        for (_, path, folder) in changes {
            changed = true;
            let folder = folder.map_or(libc::AT_FDCWD, |at| arguments[at] as i32);
            self.changes(listener, question, folder, arguments[*path]);
        }
        if is(question, CHANGES_BY_FD) {
            changed = true;
            if let Some(path) = paths::of_descriptor(question.pid, arguments[0] as i32) {
                self.write(&path);
            }
        }
        if changed {
            let guarded = self.root.is_some() || !is(question, BEYOND_LANDLOCK);
            return Some(if guarded { Answer::Go } else { self.change_attributes(listener, question) });
        }
        if is(question, &[libc::SYS_execve, libc::SYS_execveat]) {
            return Some(self.start(listener, question));
        }
        if is(question, &[libc::SYS_socket, libc::SYS_socketpair]) {
            return self.socket(listener, question);
        }
        if is(question, &[libc::SYS_connect]) {
            return Some(self.connect(listener, question));
        }
        if is(question, &[libc::SYS_sendto, libc::SYS_sendmsg, libc::SYS_sendmmsg]) {
            return Some(self.send(listener, question));
        }
        if is(question, &[libc::SYS_bind, libc::SYS_setsockopt]) {
            return Some(self.prepare_stand_in(question));
        }
        if is(question, &[libc::SYS_getsockname, libc::SYS_getpeername]) {
            return Some(self.address(question));
        }
        if is(question, SIGNALS) && self.root.is_none() {
            return Some(self.signal(question));
        }
        if is(question, &[libc::SYS_memfd_create]) {
            let mut counts = lock(&self.counts);
            counts.memory_files += 1;
            return Some(if counts.memory_files <= MEMORY_FILES { Answer::Go } else { Answer::Fail(libc::ENOMEM) });
        }
        // Of a limit, asking is harmless, and changing that of another process is not.
        let call = Call::from(question.call);
        let name = match syscalls::Sysno::new(call as usize) {
            Some(known) => known.name().to_owned(),
            None => format!("system call {call}"),
        };
        lock(&self.recorder).refuse(&name);
        let absent = name.starts_with("io_uring");
        Some(Answer::Fail(if absent { libc::ENOSYS } else { libc::EPERM }))
    }

    /// A program is to be started.
    fn start(&self, listener: &Listener, question: &Question) -> Answer {
        let (pid, arguments) = (question.pid, &question.arguments);
        let at = is(question, &[libc::SYS_execveat]);
        let (folder, path, list) = match at {
            true => (arguments[0] as i32, arguments[1], arguments[2]),
            false => (libc::AT_FDCWD, arguments[0], arguments[1]),
        };
        let path = memory::path(pid, path).unwrap_or_default();
        let given = memory::arguments(pid, list).unwrap_or_default();
        if !listener.still_waits(question) {
            return Answer::Fail(libc::EINTR);
        }
        let by_descriptor = at && path.is_empty();
        let shown = match by_descriptor {
            true => paths::of_descriptor(pid, folder).unwrap_or_else(|| "(a descriptor)".to_owned()),
            false => String::from_utf8_lossy(&path).into_owned(),
        };
        let mut recorder = lock(&self.recorder);
        for argument in &given {
            recorder.leaving(argument, "argument");
        }
        let words: Vec<String> = given.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
        let words = words.get(1..).unwrap_or_default();
        // What lies in memory only, or behind a link of a process's descriptors, is no program of the sandbox.
        let again = shown == "/proc/self/exe" && paths::program_of(pid).is_some_and(|program| self.is_there(&program));
        if again {
            recorder.spawn(pid, &shown, words);
            return Answer::Go;
        }
        if by_descriptor || shown.starts_with("/proc/") || shown.starts_with("/dev/fd/") {
            recorder.noted.insert("started-from-memory");
            recorder.spawn(pid, &shown, words);
            return Answer::Fail(libc::EACCES);
        }
        let absolute = paths::absolute(pid, folder, &shown);
        if self.is_there(&absolute) {
            recorder.spawn(pid, &shown, words);
            Answer::Go
        } else {
            recorder.search(pid, &shown, words);
            Answer::Fail(libc::ENOENT)
        }
    }

    /// A copy of a descriptor of the asker.
    fn take(&self, question: &Question, fd: i32) -> std::io::Result<OwnedFd> {
        sys::take_fd(sys::pidfd(question.pid)?.as_fd(), fd)
    }

    /// Without a process namespace, signals reach the sandbox's own processes only.
    fn signal(&self, question: &Question) -> Answer {
        let target = question.arguments[0] as i32;
        let own = match target {
            0 => true,
            -1 | i32::MIN => false,
            _ => paths::descends_from(target.abs(), self.first),
        };
        if own {
            return Answer::Go;
        }
        lock(&self.recorder).refuse("signal to a foreign process");
        Answer::Fail(libc::EPERM)
    }
}

fn is(question: &Question, calls: &[Call]) -> bool {
    calls.contains(&Call::from(question.call))
}

fn done(result: std::io::Result<()>) -> Answer {
    match result {
        Ok(()) => Answer::Value(0),
        Err(error) => Answer::Fail(error.raw_os_error().unwrap_or(libc::EINVAL)),
    }
}
