//! The first process of the sandbox: builds it, starts programs in it, reaps what ends, counts, and kills.
//!
//! It runs no foreign code, cannot be traced or signalled by it, and dies with the supervisor. With it dies everything in
//! its process namespace; without one, it kills what descends from it.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::launch::{Launch, launch};
use super::{mounts, net, paths, sys};

/// How long what a program left running may go on after its end.
const GRACE: Duration = Duration::from_millis(200);
/// How often tasks are counted; process numbers must not come round twice in between.
const COUNT_EVERY: Duration = Duration::from_millis(250);

/// How the sandbox is set up.
pub struct Setup {
    /// The file system; nothing where the host's is kept (Landlock guards it).
    pub mounts: Option<mounts::Plan>,
    /// The folder of the host that is removed should the supervisor be killed before it can.
    pub folder: Option<PathBuf>,
    /// The mock credential files that are watched.
    pub watched: Vec<PathBuf>,
    /// Whether the namespaces are made by real root, so that the user namespace comes last.
    pub root: bool,
    /// The user and group that programs run as, as numbers in the end.
    pub user: (u32, u32),
    /// The user outside, for root without a user namespace.
    pub outside: (u32, u32),
    /// What is started, one after the other.
    pub launches: Vec<Launch>,
}

/// What the first process tells the supervisor. Each is one message: a letter and its data.
pub mod word {
    /// Its user namespace is made: write the maps.
    pub const MAP: u8 = b'U';
    /// Something failed; the rest is text.
    pub const FAILED: u8 = b'!';
    /// It stands. Descriptors: root, watch, listeners. Data: the numbers of the watches.
    pub const READY: u8 = b'F';
    /// The descriptor of a filter, from a program about to be started.
    pub const LISTENER: u8 = b'L';
    /// A program could not be started; the rest is text.
    pub const NOT_STARTED: u8 = b'X';
    /// A program ended: status, processes that it left behind.
    pub const ENDED: u8 = b'E';
    /// The number of tasks made; -1 where it cannot be told.
    pub const COUNT: u8 = b'C';

    /// And what it is told. The maps are written.
    pub const MAPPED: u8 = b'M';
    /// Start the program of this number, with these descriptors.
    pub const START: u8 = b'R';
    /// Kill what runs.
    pub const KILL: u8 = b'K';
    /// Count, and end.
    pub const QUIT: u8 = b'Q';
}

/// Lives as the first process. Never returns.
pub fn live(setup: &Setup, control: &OwnedFd) -> ! {
    let result = set_up(setup, control).and_then(|()| serve(setup, control).map_err(|error| error.to_string()));
    if let Err(error) = result {
        let mut message = vec![word::FAILED];
        message.extend(error.bytes().take(1000));
        let _ = sys::send(control.as_fd(), &message, &[]);
    }
    std::process::exit(0)
}

fn set_up(setup: &Setup, control: &OwnedFd) -> Result<(), String> {
    let text = |error: io::Error| error.to_string();
    // Only the control socket is kept. Its number is low: the rest is closed around it.
    let keep = control.as_raw_fd() as u32;
    sys::close_range(keep + 1, u32::MAX);
    if keep > 3 {
        sys::close_range(3, keep - 1);
    }
    let (mut listeners, mut watch, mut watches) = (net::Listeners::default(), None, Vec::new());
    if let Some(plan) = &setup.mounts {
        if !setup.root {
            wait_for_map(control).map_err(text)?;
        }
        listeners = net::set_up().map_err(|error| format!("the network namespace: {error}"))?;
        mounts::build(plan)?;
        // SAFETY: the text ends with NUL or its length says where.
        unsafe { libc::sethostname(c"sandbox".as_ptr(), 7) };
        if setup.root && sys::unshare(libc::CLONE_NEWUSER).is_ok() {
            sys::send(control.as_fd(), &[word::MAP], &[]).map_err(text)?;
            wait_for_map(control).map_err(text)?;
            sys::become_user(setup.user.0, setup.user.1).map_err(text)?;
        } else if setup.root {
            sys::become_user(setup.outside.0, setup.outside.1).map_err(text)?;
        } else {
            sys::become_user(setup.user.0, setup.user.1).map_err(text)?;
        }
    } else if setup.root {
        sys::become_user(setup.outside.0, setup.outside.1).map_err(text)?;
    }
    if !setup.watched.is_empty() {
        let (fd, numbers) = watch_files(&setup.watched).map_err(|error| format!("watching files: {error}"))?;
        (watch, watches) = (Some(fd), numbers);
    }
    sys::drop_capabilities().map_err(|error| format!("dropping capabilities: {error}"))?;
    sys::prctl(libc::PR_SET_NO_NEW_PRIVS, 1).map_err(text)?;
    sys::prctl(libc::PR_SET_DUMPABLE, 0).map_err(text)?;
    if setup.mounts.is_none() {
        sys::prctl(libc::PR_SET_CHILD_SUBREAPER, 1).map_err(text)?;
    } else {
        // Without a process namespace the kernel must not kill this process first: it has others to kill.
        sys::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong).map_err(text)?;
    }
    block_child_signal(true).map_err(text)?;

    let mut data = vec![word::READY, listeners.dns.len() as u8];
    data.push(u8::from(watch.is_some()));
    watches.iter().for_each(|number: &i32| data.extend(number.to_ne_bytes()));
    let root = match setup.mounts {
        Some(_) => Some(mounts::root_of(std::process::id() as i32).or_else(|_| open_root()).map_err(text)?),
        None => None,
    };
    let fds = root.iter().chain(&watch).chain(&listeners.dns).chain(&listeners.udp).chain(&listeners.tcp);
    let fds: Vec<i32> = fds.map(AsRawFd::as_raw_fd).collect();
    sys::send(control.as_fd(), &data, &fds).map_err(text)
}

fn open_root() -> io::Result<OwnedFd> {
    std::fs::File::open("/").map(OwnedFd::from)
}

fn wait_for_map(control: &OwnedFd) -> io::Result<()> {
    let mut word = [0];
    let (got, _) = sys::receive(control.as_fd(), &mut word)?;
    if got == 1 && word[0] == word::MAPPED { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

fn watch_files(files: &[PathBuf]) -> io::Result<(OwnedFd, Vec<i32>)> {
    // SAFETY: no memory is passed.
    let fd = sys::check(unsafe { libc::inotify_init1(libc::IN_CLOEXEC | libc::IN_NONBLOCK) }.into())?;
    // SAFETY: the kernel just made it for us.
    let fd: OwnedFd = unsafe { std::os::fd::FromRawFd::from_raw_fd(fd as i32) };
    let mut numbers = Vec::new();
    for file in files {
        let path = sys::c(file.as_os_str().as_encoded_bytes())?;
        // SAFETY: the path ends with NUL.
        let number = unsafe { libc::inotify_add_watch(fd.as_raw_fd(), path.as_ptr(), libc::IN_OPEN) };
        numbers.push(sys::check(number.into())? as i32);
    }
    Ok((fd, numbers))
}

fn child_signal() -> libc::sigset_t {
    // SAFETY: an all-zero set is valid, and the calls only write to it.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, libc::SIGCHLD);
        set
    }
}

/// Blocks the signal of children, so that it is read from a descriptor; or takes that back for a program.
pub fn block_child_signal(block: bool) -> io::Result<()> {
    let how = if block { libc::SIG_BLOCK } else { libc::SIG_UNBLOCK };
    // SAFETY: the set is ours.
    sys::check(unsafe { libc::sigprocmask(how, &child_signal(), std::ptr::null_mut()) }.into()).map(drop)
}

fn child_signal_fd() -> io::Result<OwnedFd> {
    // SAFETY: the set is ours.
    let fd = unsafe { libc::signalfd(-1, &child_signal(), libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) };
    let fd = sys::check(fd.into())?;
    // SAFETY: the kernel just made it for us.
    Ok(unsafe { std::os::fd::FromRawFd::from_raw_fd(fd as i32) })
}

/// Counts tasks by process numbers: they are given out one after the other, so one more process tells how many there were.
struct Counter {
    last: i64,
    rounds: i64,
    ours: i64,
    when: Instant,
}

impl Counter {
    fn count(&mut self) -> i64 {
        self.when = Instant::now();
        // SAFETY: this process has one thread.
        match unsafe { sys::clone(0) } {
            Ok(None) => std::process::exit(0),
            Ok(Some(pid)) => {
                let _ = sys::wait(pid, true);
                if i64::from(pid) < self.last {
                    // Numbers came round. After that they begin anew behind those kept for the system.
                    let most = std::fs::read_to_string("/proc/sys/kernel/pid_max").ok();
                    let most = most.and_then(|text| text.trim().parse().ok()).unwrap_or(32_768i64);
                    self.rounds += most - 300;
                }
                self.last = pid.into();
                self.ours += 1;
                // This process is number 1; what it made itself to count is not counted.
                self.rounds + self.last - 1 - self.ours
            }
            Err(_) => -1,
        }
    }
}

fn serve(setup: &Setup, control: &OwnedFd) -> io::Result<()> {
    let namespaces = setup.mounts.is_some();
    let children = child_signal_fd()?;
    let mut counter = Counter { last: 0, rounds: 0, ours: 0, when: Instant::now() };
    let mut program: Option<i32> = None;
    loop {
        let polled = [(control.as_raw_fd(), libc::POLLIN), (children.as_raw_fd(), libc::POLLIN)];
        let ready = sys::poll(&polled, (program.is_some() && namespaces).then_some(COUNT_EVERY))?;
        if ready[1] != 0 {
            let mut buffer = [0; 128];
            let _ = sys::read(children.as_fd(), &mut buffer);
            if let Some(status) = reap(program) {
                program = None;
                ended(control, namespaces, status)?;
            }
        }
        if program.is_some() && namespaces && counter.when.elapsed() >= COUNT_EVERY {
            counter.count();
        }
        if ready[0] == 0 {
            continue;
        }
        let mut message = [0; 8];
        let (got, fds) = sys::receive(control.as_fd(), &mut message)?;
        if got == 0 {
            // The supervisor is gone.
            kill_all(namespaces);
            return setup.folder.as_ref().map_or(Ok(()), std::fs::remove_dir_all);
        }
        match message[0] {
            word::START => {
                let index = usize::from(message[1]);
                let launched = setup.launches.get(index).ok_or(io::ErrorKind::InvalidInput)?;
                // SAFETY: this process has one thread.
                match unsafe { sys::clone(0) }? {
                    None => start(launched, control, fds),
                    Some(pid) => program = Some(pid),
                }
            }
            // A program that ended in the meantime was reported already.
            word::KILL if program.take().is_some() => {
                kill_all(namespaces);
                send_ended(control, libc::SIGKILL, 0)?;
            }
            word::QUIT => {
                kill_all(namespaces);
                let count = if namespaces { counter.count() } else { -1 };
                let mut answer = vec![word::COUNT];
                answer.extend(count.to_ne_bytes());
                return sys::send(control.as_fd(), &answer, &[]);
            }
            _ => {}
        }
    }
}

/// In the new process: becomes the program, or says why not.
fn start(launched: &Launch, control: &OwnedFd, fds: Vec<OwnedFd>) -> ! {
    let error = launch(launched, control, fds);
    let mut message = vec![word::NOT_STARTED];
    message.extend(error.bytes().take(1000));
    // `write`, not `sendmsg`: the filter may stand already, and this must not be asked about.
    let _ = sys::write(control.as_fd(), &message);
    std::process::exit(127)
}

/// Reaps all that ended; gives the status of the program if it was among them.
fn reap(program: Option<i32>) -> Option<libc::c_int> {
    let mut status = None;
    while let Ok(Some(ended)) = sys::wait(-1, false) {
        if Some(ended.pid) == program {
            status = Some(ended.status);
        }
    }
    status
}

/// Kills everything in the sandbox but this process, and reaps it.
fn kill_all(namespaces: bool) {
    if !namespaces {
        return paths::end_family(std::process::id() as i32);
    }
    let _ = sys::kill(-1, libc::SIGKILL);
    while let Ok(Some(_)) = sys::wait(-1, true) {}
}

fn left_behind(namespaces: bool) -> u32 {
    let own = std::process::id() as i32;
    let count = match (namespaces, std::fs::read_dir("/proc")) {
        (true, Ok(entries)) => {
            let numbers = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
            let numbers: Vec<i32> = numbers.filter(|pid| *pid != own).collect();
            // Where /proc is a stand-in, there are no numbers in it: ask by signal.
            if numbers.is_empty() { usize::from(sys::kill(-1, 0).is_ok()) } else { numbers.len() }
        }
        _ => paths::family(own).len() - 1,
    };
    count as u32
}

/// After the end of a program: gives what it left behind a moment, then kills it.
fn ended(control: &OwnedFd, namespaces: bool, status: libc::c_int) -> io::Result<()> {
    let since = Instant::now();
    let mut left = left_behind(namespaces);
    while left > 0 && since.elapsed() < GRACE {
        std::thread::sleep(Duration::from_millis(5));
        reap(None);
        left = left_behind(namespaces);
    }
    if left > 0 {
        kill_all(namespaces);
    }
    send_ended(control, status, left)
}

fn send_ended(control: &OwnedFd, status: libc::c_int, left: u32) -> io::Result<()> {
    let mut message = vec![word::ENDED];
    message.extend(status.to_ne_bytes());
    message.extend(left.to_ne_bytes());
    let control: BorrowedFd<'_> = control.as_fd();
    sys::send(control, &message, &[])
}
