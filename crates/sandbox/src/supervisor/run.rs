//! Runs a request from the choice of isolation to the finished report.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sigma_core::{CodeLanguage, Execution, Exercise, SandboxTier, Usage, printable};

use super::decide::{Judge, lock};
use super::exercise::{Start, instructions, starts};
use super::init::{Setup, live, word};
use super::notify::Listener;
use super::prepare::{self, Places};
use super::record::Recorder;
use super::sink::{self, Watched};
use super::watchdog::Watchdog;
use super::{group, mcp, mounts, net, paths, sys};
use crate::canary::{Canaries, OVERLAP};
use crate::report::{self, Seen};
use crate::{Code, Request, Tier, detect};

/// The user that code runs as when the supervisor is root: `nobody` everywhere.
const NOBODY: (u32, u32) = (65_534, 65_534);
/// The user as the sandbox sees it.
const INSIDE: (u32, u32) = (1000, 1000);
/// How long the sandbox may take to stand, and its first process to answer after a kill.
const PATIENCE: Duration = Duration::from_secs(10);
/// Standard output and error that are searched for mock secrets, bytes.
const SEARCHED: u64 = 16 << 20;
/// What the harness may say in all, bytes, and in one line; how many exercises are told.
const CLAIMS: u64 = 8 << 20;
const LINE: usize = 64 << 10;
const EXERCISES: usize = 200;

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
    if root && !has_capabilities() {
        if sys::become_user(NOBODY.0, NOBODY.1).is_err() {
            return Execution::skipped("the supervisor is root without the right to become another user");
        }
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
        failure: None,
    };
    std::thread::scope(|scope| {
        scope.spawn(|| canaries.prepare());
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
    search_files(&judge, &places, request.limits.disk);
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
        return Err(Failure::Other(failure));
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

/// Looks for mock secrets in the files that the program left in its folders.
fn search_files(judge: &Judge, places: &Places, most: u64) {
    const FILES: usize = 2000;
    let (mut left, mut files) = (most, FILES);
    let base = match &judge.root {
        // A copy of the descriptor's own path: it leads into the sandbox's tree.
        Some(root) => std::path::PathBuf::from(format!("/proc/self/fd/{}", root.as_raw_fd())),
        None => std::path::PathBuf::new(),
    };
    let at = |path: &std::path::Path| {
        base.join(if judge.root.is_some() { path.strip_prefix("/").unwrap_or(path) } else { path })
    };
    let mut folders = vec![(at(&places.temporary), 0), (at(&places.home), 0)];
    if judge.root.is_some() {
        folders.push((base.join("dev/shm"), 0));
    }
    let own: Vec<std::path::PathBuf> =
        lock(&judge.recorder).canaries.files.iter().map(|(name, _)| at(&places.home.join(name))).collect();
    while let Some((folder, depth)) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() && depth < 32 {
                folders.push((entry.path(), depth + 1));
            } else if kind.is_file() && files > 0 && left > 0 && !own.contains(&entry.path()) {
                files -= 1;
                left = left.saturating_sub(search_file(judge, &entry.path(), left));
            }
        }
    }
}

fn search_file(judge: &Judge, path: &std::path::Path, most: u64) -> u64 {
    use std::os::unix::fs::OpenOptionsExt as _;
    let options = std::fs::OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path);
    let Ok(file) = options else { return 0 };
    let mut file = io::Read::take(file, most);
    let (mut buffer, mut kept, mut total) = (vec![0; 64 << 10], 0, 0);
    while let Ok(got @ 1..) = io::Read::read(&mut file, &mut buffer[kept..]) {
        total += got as u64;
        let have = kept + got;
        lock(&judge.recorder).leaving(&buffer[..have], "file");
        kept = have.min(OVERLAP);
        buffer.copy_within(have - kept..have, 0);
    }
    total
}

/// The exercises of a run, and what they gave.
struct Work<'a> {
    request: &'a Request,
    places: &'a Places,
    judge: &'a Arc<Judge>,
    control: &'a OwnedFd,
    first: i32,
    channel: &'a str,
    watchdog: &'a Watchdog,
    exercises: Vec<Exercise>,
    functions: BTreeSet<String>,
    reached: BTreeSet<String>,
    /// Whether the harness told how many functions there are.
    counted: bool,
    output: Vec<u8>,
    output_bytes: u64,
    claims: u64,
    left_behind: u64,
    forged: bool,
    late: bool,
    failure: Option<String>,
}

impl Work<'_> {
    fn tell(&mut self, what: &str, outcome: &str) {
        if self.exercises.len() < EXERCISES {
            self.exercises.push(Exercise { what: printable(what, 300), outcome: printable(outcome, 300) });
        }
    }

    /// Starts the program once and follows it to its end, or to the deadline.
    fn exercise<'scope>(
        &mut self,
        scope: &'scope std::thread::Scope<'scope, '_>,
        index: u8,
        start: &Start,
        deadline: Instant,
    ) -> Result<(), String>
    where
        Self: 'scope,
    {
        let text = |error: io::Error| error.to_string();
        let (input_theirs, input) = sys::pipe().map_err(text)?;
        let (output, output_theirs) = sys::pipe().map_err(text)?;
        let (errors, errors_theirs) = sys::pipe().map_err(text)?;
        let (channel, channel_theirs) = sys::socketpair(libc::SOCK_STREAM).map_err(text)?;
        for fd in [&input, &output, &errors, &channel] {
            sys::set_nonblocking(fd.as_fd(), true).map_err(text)?;
        }
        let theirs = [&input_theirs, &output_theirs, &errors_theirs, &channel_theirs].map(AsRawFd::as_raw_fd);
        sys::send(self.control.as_fd(), &[word::START, index], &theirs).map_err(text)?;
        drop((input_theirs, output_theirs, errors_theirs, channel_theirs));

        let nonce = self.channel;
        let told = instructions(self.request, self.places, &lock(&self.judge.recorder).canaries, start, nonce);
        let mut talk = Talk {
            input: Some(input),
            to_input: start.input.clone().unwrap_or_default(),
            keep_open: start.input.is_none(),
            to_channel: format!("{told}\n").into_bytes(),
            mcp: start.input.is_none().then(mcp::Client::new),
            lines: Vec::new(),
            claims: Vec::new(),
            tails: [Vec::new(), Vec::new()],
        };
        if let Some(mcp) = &mut talk.mcp {
            talk.to_input.extend(mcp.hello());
        }
        let mut channel = Some(channel);
        let mut streams = [Some(output), Some(errors)];
        let mut end: Option<(libc::c_int, u32)> = None;
        let (mut killed, mut not_started, mut done_at) = (None, None, None);
        loop {
            let mut polled = vec![(self.control.as_raw_fd(), libc::POLLIN)];
            let fd = |fd: &Option<OwnedFd>| fd.as_ref().map_or(-1, AsRawFd::as_raw_fd);
            polled.extend(streams.iter().map(|stream| (fd(stream), libc::POLLIN)));
            let wants = if talk.to_channel.is_empty() { libc::POLLIN } else { libc::POLLIN | libc::POLLOUT };
            polled.push((fd(&channel), wants));
            polled.push((if talk.to_input.is_empty() { -1 } else { fd(&talk.input) }, libc::POLLOUT));
            let now = Instant::now();
            let until = match (killed, end) {
                // What was written before the end is still in the pipes.
                (_, Some(_)) => now,
                (Some(when), None) => when + PATIENCE,
                (None, None) => done_at.map_or(deadline, |when: Instant| deadline.min(when)),
            };
            let ready = sys::poll(&polled, Some(until.saturating_duration_since(now))).map_err(text)?;
            let mut quiet = true;
            for at in 0..2 {
                if ready[1 + at] != 0 {
                    quiet = false;
                    self.read_output(&mut streams[at], at, &mut talk);
                }
            }
            if ready[3] & libc::POLLOUT != 0 && !talk.to_channel.is_empty() {
                write_some(channel.as_ref(), &mut talk.to_channel);
            }
            if ready[3] & (libc::POLLIN | libc::POLLHUP | libc::POLLERR) != 0 {
                quiet = false;
                self.read_channel(&mut channel, &mut talk);
            }
            if ready[4] != 0 && !write_some(talk.input.as_ref(), &mut talk.to_input) {
                talk.to_input.clear();
                talk.input = None;
            }
            if talk.to_input.is_empty() && !talk.keep_open {
                talk.input = None;
            }
            if talk.mcp.as_ref().is_some_and(mcp::Client::is_done) && done_at.is_none() {
                // A server ends when its input does; what it does then still has a moment.
                talk.keep_open = false;
                done_at = Some(Instant::now() + Duration::from_secs(1));
            }
            if ready[0] != 0 {
                quiet = false;
                let mut message = [0; 1024];
                let (got, fds) = sys::receive(self.control.as_fd(), &mut message).map_err(text)?;
                match (message[..got].first(), fds.into_iter().next()) {
                    (Some(&word::LISTENER), Some(fd)) => {
                        let judge = Arc::clone(self.judge);
                        scope.spawn(move || judge.serve(&Listener::new(fd)));
                    }
                    (Some(&word::NOT_STARTED), _) => {
                        not_started = Some(printable(&String::from_utf8_lossy(&message[1..got]), 300));
                    }
                    (Some(&word::ENDED), _) => {
                        let number = |at: usize| message[at..at + 4].try_into().unwrap_or_default();
                        end = Some((i32::from_ne_bytes(number(1)), u32::from_ne_bytes(number(5))));
                    }
                    (Some(&word::FAILED), _) => {
                        return Err(printable(&String::from_utf8_lossy(&message[1..got]), 500));
                    }
                    (None, _) => return Err("the first process of the sandbox ended".to_owned()),
                    _ => {}
                }
            }
            if end.is_some() && quiet {
                break;
            }
            let now = Instant::now();
            if end.is_none() && killed.is_none() && now >= done_at.map_or(deadline, |when| deadline.min(when)) {
                killed = Some(now);
                sys::send(self.control.as_fd(), &[word::KILL], &[]).map_err(text)?;
            } else if end.is_none() && killed.is_some_and(|when| now > when + PATIENCE) {
                let _ = sys::kill(self.first, libc::SIGKILL);
                return Err("the first process of the sandbox did not answer".to_owned());
            }
        }
        if let Some(reason) = not_started {
            return Err(format!("the program could not be started: {reason}"));
        }
        let (status, left) = end.unwrap_or_default();
        let by_us = done_at.is_some() && killed.is_some();
        self.left_behind += u64::from(left);
        self.late |= killed.is_some() && !by_us;
        let outcome = match (killed.is_some(), self.watchdog.hit_since()) {
            _ if by_us => "answered, and ended when it was told to".to_owned(),
            (true, _) => "still running at the limit".to_owned(),
            (false, true) => match self.watchdog.filled() {
                true => "ended at the limit of files".to_owned(),
                false => "ended at the limit of memory".to_owned(),
            },
            (false, false) => report::outcome(status),
        };
        let parts = talk.mcp.as_mut().map(mcp::Client::exercises).unwrap_or_default();
        let told = std::mem::take(&mut talk.claims);
        let clean = by_us || (outcome == "exit 0" && killed.is_none());
        // Parts that were told make the whole superfluous, unless it went wrong.
        if start.by_exit || !clean || (parts.is_empty() && told.is_empty()) {
            self.tell(&start.what, &outcome);
        }
        for Exercise { what, outcome } in parts.into_iter().chain(told) {
            self.tell(&what, &outcome);
        }
        Ok(())
    }

    fn read_output(&mut self, stream: &mut Option<OwnedFd>, which: usize, talk: &mut Talk) {
        let mut buffer = vec![0; 256 << 10];
        match stream.as_ref().map(|fd| sys::read(fd.as_fd(), &mut buffer)) {
            Some(Ok(got @ 1..)) => {
                let piece = &buffer[..got];
                if self.output_bytes < SEARCHED {
                    let tail = &mut talk.tails[which];
                    tail.extend_from_slice(piece);
                    lock(&self.judge.recorder).printing(tail);
                    let keep = tail.len().saturating_sub(OVERLAP);
                    tail.drain(..keep);
                }
                self.output_bytes += got as u64;
                let room = (self.request.limits.output as usize).saturating_sub(self.output.len());
                self.output.extend_from_slice(&piece[..got.min(room)]);
                if which == 0
                    && let Some(mcp) = &mut talk.mcp
                {
                    talk.to_input.extend(mcp.hear(piece));
                }
            }
            Some(Err(error)) if error.kind() == io::ErrorKind::WouldBlock => {}
            _ => *stream = None,
        }
    }

    /// What the harness says: lines that begin with the nonce. Whatever else comes this way was not said by it.
    fn read_channel(&mut self, channel: &mut Option<OwnedFd>, talk: &mut Talk) {
        let mut buffer = vec![0; 64 << 10];
        let got = match channel.as_ref().map(|fd| sys::read(fd.as_fd(), &mut buffer)) {
            Some(Ok(got @ 1..)) => got,
            Some(Err(error)) if error.kind() == io::ErrorKind::WouldBlock => return,
            _ => {
                *channel = None;
                return;
            }
        };
        self.claims += got as u64;
        if self.claims > CLAIMS {
            self.forged = true;
            *channel = None;
            return;
        }
        talk.lines.extend_from_slice(&buffer[..got]);
        while let Some(end) = talk.lines.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = talk.lines.drain(..=end).collect();
            let claim = line.strip_prefix(self.channel.as_bytes()).and_then(|line| serde_json::from_slice(line).ok());
            match claim {
                Some(claim) => self.claim(claim, talk),
                None => self.forged = true,
            }
        }
        if talk.lines.len() > LINE {
            self.forged = true;
            talk.lines.clear();
        }
    }

    fn claim(&mut self, claim: BTreeMap<String, serde_json::Value>, talk: &mut Talk) {
        const FUNCTIONS: usize = 100_000;
        let text = |key: &str| claim.get(key).and_then(serde_json::Value::as_str).unwrap_or_default();
        match text("t") {
            "functions" => {
                self.counted = true;
                let all = claim.get("all").and_then(serde_json::Value::as_array).into_iter().flatten();
                let room = FUNCTIONS.saturating_sub(self.functions.len());
                self.functions.extend(all.filter_map(|key| Some(printable(key.as_str()?, 300))).take(room));
            }
            "reached" => {
                // Only functions that are known count, so that a program cannot reach more than there are.
                let all = claim.get("all").and_then(serde_json::Value::as_array).into_iter().flatten();
                let known = all.filter_map(|key| Some(printable(key.as_str()?, 300)));
                self.reached.extend(known.filter(|key| self.functions.contains(key)));
            }
            "exercise" if talk.claims.len() < EXERCISES => {
                let (what, outcome) = (text("what").to_owned(), text("outcome").to_owned());
                talk.claims.push(Exercise { what, outcome });
            }
            "read" => {
                let mut recorder = lock(&self.judge.recorder);
                let name = text("name");
                if recorder.canaries.is_variable(name) {
                    recorder.read.insert(name.to_owned());
                } else if name == "*" {
                    recorder.read.insert("the whole environment".to_owned());
                }
            }
            _ => {}
        }
    }

    /// Lets the sandbox count and end.
    fn quit(&self) -> Option<u64> {
        sys::send(self.control.as_fd(), &[word::QUIT], &[]).ok()?;
        let since = Instant::now();
        while since.elapsed() < PATIENCE {
            let left = PATIENCE.saturating_sub(since.elapsed());
            let ready = sys::poll(&[(self.control.as_raw_fd(), libc::POLLIN)], Some(left)).ok()?;
            if ready[0] == 0 {
                break;
            }
            let mut message = [0; 1024];
            let (got, _) = sys::receive(self.control.as_fd(), &mut message).ok()?;
            match message[..got].first() {
                Some(&word::COUNT) => return u64::try_from(i64::from_ne_bytes(message[1..9].try_into().ok()?)).ok(),
                Some(_) => {}
                None => break,
            }
        }
        let _ = sys::kill(self.first, libc::SIGKILL);
        None
    }
}

/// What goes to one program and comes from it.
struct Talk {
    input: Option<OwnedFd>,
    to_input: Vec<u8>,
    /// Whether the input stays open when all of it is written.
    keep_open: bool,
    to_channel: Vec<u8>,
    mcp: Option<mcp::Client>,
    lines: Vec<u8>,
    claims: Vec<Exercise>,
    /// The last bytes of output and errors, for what lies across two pieces.
    tails: [Vec<u8>; 2],
}

/// Writes what can be written; false when nobody reads any more.
fn write_some(fd: Option<&OwnedFd>, pending: &mut Vec<u8>) -> bool {
    match fd.map(|fd| sys::write(fd.as_fd(), pending)) {
        Some(Ok(done)) => {
            pending.drain(..done);
            true
        }
        Some(Err(error)) => error.kind() == io::ErrorKind::WouldBlock,
        None => false,
    }
}
