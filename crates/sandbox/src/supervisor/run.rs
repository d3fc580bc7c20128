//! Runs a request from the choice of isolation to the finished report.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sigma_core::{CodeLanguage, Execution, SandboxTier, Usage, printable};

use super::decide::{Judge, lock};
use super::exercise::starts;
use super::init::{Setup, live, word};
use super::prepare::{self, Places};
use super::record::Recorder;
use super::sink::{self, Watched};
use super::watchdog::Watchdog;
use super::work::Work;
use super::{group, leftovers, mounts, net, paths, sys};
use crate::canary::Canaries;
use crate::report::{self, Seen};
use crate::{Code, Request, Tier, detect};

/// The user that code runs as when the supervisor is root: `nobody` everywhere.
const NOBODY: (u32, u32) = (65_534, 65_534);
/// The user as the sandbox sees it.
const INSIDE: (u32, u32) = (1000, 1000);
/// How long the sandbox may take to stand.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a tier was not to be had.
enum Failure {
    /// The isolation could not be built: another tier may do.
    Isolation(String),
    /// Something else failed.
    Other(String),
}

/// Runs a request. Never panics on what it holds or on what runs.
pub fn run(request: Request) -> Execution {
    if let Some(problem) = prepare::problem(&request) {
        return Execution::failed(problem);
    }
    // Root keeps its rights only if it has those that the work needs; else it is an ordinary user to begin with.
    let mut root = sys::ids().0 == 0;
    let mut request = request;
    if root && !has_capabilities() {
        // Root of a container that has no other users is somebody ordinary outside; but files of the container are its
        // own, so that it needs a tree of its own.
        if sys::become_user(NOBODY.0, NOBODY.1).is_err() {
            if is_everybody() || request.tier == Tier::Filtered {
                return Execution::skipped("the supervisor is root without the right to become another user");
            }
            request.tier = Tier::Namespaces;
        }
        // Who changes its user may not be looked at any more, not even by itself: the maps of its children are.
        let _ = sys::prctl(libc::PR_SET_DUMPABLE, 1);
        root = false;
    }
    let canaries = || Canaries::generate().map_err(|error| Failure::Other(format!("no random numbers: {error}")));
    let lower = std::cell::RefCell::new(None);
    let attempt = |tier| canaries().and_then(|canaries| isolated(&request, canaries, tier, root, lower.take()));
    let first = match request.tier {
        Tier::Filtered => attempt(SandboxTier::Filtered),
        Tier::Auto | Tier::Namespaces => attempt(SandboxTier::Namespaces),
    };
    let result = match (first, request.tier) {
        (Err(Failure::Isolation(reason)), Tier::Auto) => {
            lower.replace(Some(reason.clone()));
            attempt(SandboxTier::Filtered).map_err(|failure| match failure {
                Failure::Isolation(second) => Failure::Isolation(format!("{reason}; without namespaces: {second}")),
                other => other,
            })
        }
        (result, _) => result,
    };
    result.unwrap_or_else(|failure| match failure {
        Failure::Isolation(reason) => Execution::skipped(format!("this machine cannot isolate it: {reason}")),
        Failure::Other(reason) => Execution::failed(reason),
    })
}

/// Whether root has what it takes to build namespaces, to become another user, and to look at its processes.
fn has_capabilities() -> bool {
    const NEEDED: u64 = 1 << 21 | 1 << 19 | 1 << 7 | 1 << 6 | 1 << 5 | 1 << 0; // SYS_ADMIN SYS_PTRACE SETUID SETGID KILL CHOWN
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("CapEff:")?.trim(), 16).ok());
    // In a container with its own numbers, the user must exist.
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let mapped = map.lines().any(|line| {
        let mut numbers = line.split_whitespace().filter_map(|number| number.parse::<u64>().ok());
        matches!((numbers.next(), numbers.next(), numbers.next()), (Some(from), Some(_), Some(count))
            if from <= NOBODY.0.into() && from + count > NOBODY.0.into())
    });
    effective.is_some_and(|effective| effective & NEEDED == NEEDED) && mapped
}

/// Whether the users of this process are those of the machine.
fn is_everybody() -> bool {
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    map.split_whitespace().eq(["0", "0", "4294967295"])
}

/// The text of a file of the code, as far as it is text.
fn text(request: &Request, path: &str) -> Option<String> {
    const TEXT: u64 = 1 << 20;
    let bytes = match &request.job.code {
        Code::Files { files } => files.iter().find(|file| file.path == path)?.bytes.clone(),
        Code::Folder { path: folder } => {
            let mut bytes = Vec::new();
            let file = std::fs::File::open(folder.join(path)).ok()?;
            io::Read::read_to_end(&mut io::Read::take(file, TEXT), &mut bytes).ok()?;
            bytes
        }
    };
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// A process that is killed and reaped when it goes out of scope, and a folder that is removed.
struct Held {
    pid: Option<i32>,
    folder: Option<std::path::PathBuf>,
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(pid) = self.pid {
            let _ = sys::kill(pid, libc::SIGKILL);
            paths::end_family(std::process::id() as i32);
        }
        if let Some(folder) = &self.folder {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// Runs it in one tier. `lower`: why it is not the tier above.
fn isolated(
    request: &Request,
    canaries: Canaries,
    tier: SandboxTier,
    root: bool,
    lower: Option<String>,
) -> Result<Execution, Failure> {
    let other = |what: &str, error: io::Error| Failure::Other(format!("{what}: {error}"));
    let namespaces = tier == SandboxTier::Namespaces;
    let began = Instant::now();
    let kinds = match request.job.kind {
        crate::Kind::Auto => {
            let entry = text(request, &request.job.entry).unwrap_or_default();
            let manifest =
                (request.job.language == CodeLanguage::Node).then(|| text(request, "package.json")).flatten();
            detect::kinds(request.job.language, &request.job.entry, &entry, manifest.as_deref())
        }
        kind => vec![kind],
    };
    let mut held = Held { pid: None, folder: None };
    let places = if namespaces {
        Places::inside(request)
    } else {
        let base = temporary_folder().map_err(|error| other("a temporary folder", error))?;
        held.folder = Some(base.clone());
        let places = prepare::fill(request, &canaries, &base).map_err(|error| other("the files", error))?;
        if root {
            mounts::own(&base, NOBODY).map_err(Failure::Other)?;
        }
        places
    };
    let starts = starts(request, &kinds, &places);
    let mut random = [0; 24];
    getrandom::fill(&mut random).map_err(|error| Failure::Other(format!("no random numbers: {error}")))?;
    let channel = 64 + i32::from(random[16] % 128);
    let nonce = data_encoding::HEXLOWER.encode(&random[..16]);
    let launches = starts.iter().map(|start| prepare::launch(request, &places, &canaries, start, channel, namespaces));
    let launches = launches.collect::<io::Result<Vec<_>>>().map_err(|error| other("the program's arguments", error))?;
    let setup = Setup {
        mounts: namespaces.then(|| prepare::mounts(request, &canaries, if root { NOBODY } else { INSIDE })),
        folder: held.folder.clone(),
        watched: canaries.files.iter().map(|(name, _)| places.home.join(name)).collect(),
        root,
        user: INSIDE,
        outside: NOBODY,
        launches,
    };
    let names: Vec<String> = canaries.files.iter().map(|(name, _)| format!("~/{name}")).collect();

    let (ours, theirs) = sys::socketpair(libc::SOCK_SEQPACKET).map_err(|error| other("a control socket", error))?;
    let mut flags = 0;
    if namespaces {
        flags = libc::CLONE_NEWNS | libc::CLONE_NEWPID | libc::CLONE_NEWNET | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS;
        flags |= libc::CLONE_NEWCGROUP;
        if !root {
            flags |= libc::CLONE_NEWUSER;
        }
    }
    // SAFETY: no thread was made yet, which is why a supervisor is a process of its own.
    let first = match unsafe { sys::clone(flags) } {
        Err(error) => return Err(Failure::Isolation(format!("namespaces: {error}"))),
        Ok(None) => {
            drop(ours);
            live(&setup, &theirs)
        }
        Ok(Some(pid)) => pid,
    };
    drop(theirs);
    held.pid = Some(first);
    // Should the first process be killed, what it leaves comes to us.
    sys::prctl(libc::PR_SET_CHILD_SUBREAPER, 1).map_err(|error| other("the supervisor's place", error))?;
    let group = group::Group::make(request, first);
    if namespaces && !root {
        let (uid, gid) = sys::ids();
        write_maps(first, uid, gid).map_err(|error| Failure::Isolation(format!("the user namespace: {error}")))?;
        sys::send(ours.as_fd(), &[word::MAPPED], &[]).map_err(|error| other("the control socket", error))?;
    }
    let (fds, watches, listeners_of_a_kind) = stand(&ours, first)?;
    let mut fds = fds.into_iter();
    let tree = if namespaces { fds.next() } else { None };
    let watched = (!watches.is_empty()).then(|| fds.next()).flatten();
    let watched = watched.map(|fd| Watched { fd, files: watches.into_iter().zip(names).collect() });
    let mut some = |count: usize| fds.by_ref().take(count).collect::<Vec<_>>();
    let listeners = net::Listeners {
        dns: some(listeners_of_a_kind),
        udp: some(listeners_of_a_kind),
        tcp: some(listeners_of_a_kind),
    };
    let canaries = Arc::new(canaries);
    let writable = vec![places.home.clone(), places.temporary.clone()];
    let judge =
        Arc::new(Judge::new(Recorder::new(Arc::clone(&canaries), request.limits.listed), tree, first, writable));

    let (stop, stopped) = sys::pipe().map_err(|error| other("a pipe", error))?;
    let deadline = began + Duration::from_millis(request.limits.wall_ms);
    let files = held.folder.clone().map(|folder| (folder, request.limits.disk));
    let watchdog = Watchdog::start(first, request.limits.memory, files);
    let mut work = Work {
        request,
        places: &places,
        judge: &judge,
        control: &ours,
        first,
        channel: &nonce,
        watchdog: &watchdog,
        exercises: Vec::new(),
        functions: BTreeSet::new(),
        reached: BTreeSet::new(),
        counted: false,
        output: Vec::new(),
        output_bytes: 0,
        claims: 0,
        left_behind: 0,
        forged: false,
        late: false,
        isolated: true,
        failure: None,
    };
    std::thread::scope(|scope| {
        scope.spawn(|| canaries.prepare());
        scope.spawn(|| end_with_the_asker(&stop));
        scope.spawn(|| sink::run(&judge, &listeners, watched.as_ref(), &stop));
        for (index, start) in starts.iter().enumerate() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                work.tell(&start.what, "not started: the time was used up");
                work.late = true;
                continue;
            }
            // What an exercise leaves of its share, the others have.
            let share = left / (starts.len() - index) as u32;
            if let Err(error) = work.exercise(scope, index as u8, start, Instant::now() + share) {
                // Whatever still runs must end, or the threads that answer it would wait for ever.
                let _ = sys::kill(first, libc::SIGKILL);
                paths::end_family(std::process::id() as i32);
                work.failure = Some(error);
                break;
            }
        }
        drop(stopped);
    });
    leftovers::search(&judge, &places, request.limits.disk);
    let tasks = work.quit();
    let memory_hit = watchdog.hit() || group.as_ref().is_some_and(group::Group::hit_memory);
    let sampled = watchdog.peak();
    held.pid = None;
    let ended = sys::wait(first, true).ok().flatten();
    if !canaries.prepare() {
        return Err(Failure::Other("the search for mock secrets could not be built".to_owned()));
    }
    let disk_hit = watchdog.filled();
    let peak = [group.as_ref().and_then(group::Group::peak), Some(sampled), ended.as_ref().map(|ended| ended.peak)];
    if let Some(failure) = work.failure {
        return Err(if work.isolated { Failure::Other(failure) } else { Failure::Isolation(failure) });
    }
    let mut recorder = lock(&judge.recorder);
    recorder.end_searches();
    let seen = Seen {
        tier,
        lower,
        interpreter: request.interpreter.version.clone(),
        exercises: work.exercises,
        functions_reached: work.reached.len() as u64,
        functions_total: work.counted.then_some(work.functions.len() as u64),
        network: recorder.network(),
        spawns: recorder.spawns(),
        writes: recorder.writes(),
        refused: recorder.refused(),
        canaries_read: std::mem::take(&mut recorder.read),
        canaries_leaked: std::mem::take(&mut recorder.leaked),
        canaries_printed: std::mem::take(&mut recorder.printed),
        output: lines(&work.output, request.limits.output as usize),
        usage: Usage {
            wall_ms: began.elapsed().as_millis() as u64,
            cpu_ms: ended.map_or(0, |ended| ended.cpu.as_millis() as u64),
            peak_memory: peak.into_iter().flatten().max(),
            tasks,
            output_bytes: work.output_bytes,
        },
        encrypted: recorder.encrypted,
        started_from_memory: recorder.noted.contains("started-from-memory"),
        memory_hit,
        disk_hit,
        late: work.late,
        left_behind: work.left_behind,
        forged: work.forged,
        home: places.home.to_string_lossy().into_owned(),
        temporary: places.temporary.to_string_lossy().into_owned(),
        declared_hosts: request.job.declared_hosts.clone(),
    };
    drop(recorder);
    drop(held);
    Ok(report::execution(seen))
}

/// Ends this process, and with it what runs, when the other end of a socket is gone. (A program that asks has its supervisor killed by
/// the kernel.) That it has no more to say is not the end of it. Comes back when `stop` is closed.
fn end_with_the_asker(stop: &OwnedFd) {
    if sys::asker(0).is_none() {
        return;
    }
    loop {
        match sys::poll(&[(stop.as_raw_fd(), libc::POLLIN), (0, 0)], None) {
            Ok(ready) if ready[0] != 0 => return,
            Ok(ready) if ready[1] & (libc::POLLHUP | libc::POLLERR) != 0 => std::process::exit(1),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// Output made printable line by line, at most `most` characters.
fn lines(output: &[u8], most: usize) -> String {
    let text = String::from_utf8_lossy(output);
    let mut out = String::new();
    for line in text.lines() {
        if out.len() >= most {
            break;
        }
        out.push_str(&printable(line, most - out.len()));
        out.push('\n');
    }
    out
}

fn temporary_folder() -> io::Result<std::path::PathBuf> {
    let mut random = [0; 12];
    getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
    let path = std::env::temp_dir().join(format!("sigma-{}", data_encoding::HEXLOWER.encode(&random)));
    std::fs::create_dir(&path)?;
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    Ok(path)
}

fn write_maps(pid: i32, uid: u32, gid: u32) -> io::Result<()> {
    // Only a user that could drop groups anyway may map them; others must give the right up first.
    let _ = std::fs::write(format!("/proc/{pid}/setgroups"), "deny");
    std::fs::write(format!("/proc/{pid}/uid_map"), format!("{} {uid} 1\n", INSIDE.0))?;
    std::fs::write(format!("/proc/{pid}/gid_map"), format!("{} {gid} 1\n", INSIDE.1))
}

/// Waits until the sandbox stands; gives its descriptors, the numbers of the watches, and how many listeners of a kind.
fn stand(control: &OwnedFd, first: i32) -> Result<(Vec<OwnedFd>, Vec<i32>, usize), Failure> {
    let since = Instant::now();
    loop {
        let left = PATIENCE.saturating_sub(since.elapsed());
        let ready = sys::poll(&[(control.as_raw_fd(), libc::POLLIN)], Some(left)).unwrap_or_default();
        if ready.first().is_none_or(|events| *events == 0) {
            return Err(Failure::Other("the sandbox did not stand in time".to_owned()));
        }
        let mut message = [0; 1024];
        let (got, fds) = sys::receive(control.as_fd(), &mut message).unwrap_or_default();
        let data = &message[..got];
        match data.first() {
            Some(&word::MAP) => {
                let written = write_maps(first, NOBODY.0, NOBODY.1)
                    .and_then(|()| sys::send(control.as_fd(), &[word::MAPPED], &[]));
                written.map_err(|error| Failure::Isolation(format!("the user namespace: {error}")))?;
            }
            Some(&word::READY) => {
                let numbers =
                    data[3..].chunks_exact(4).map(|number| i32::from_ne_bytes(number.try_into().unwrap_or_default()));
                return Ok((fds, numbers.collect(), usize::from(data[1])));
            }
            Some(&word::FAILED) => {
                return Err(Failure::Isolation(printable(&String::from_utf8_lossy(&data[1..]), 500)));
            }
            _ => return Err(Failure::Isolation("its first process ended".to_owned())),
        }
    }
}
