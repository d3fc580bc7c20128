//! Decides what the filter hands over: records it, then lets it go, refuses it, or does it in the asker's place.
//!
//! Connections are made in the asker's place, on a copy of its socket and to an address that was copied once: a program
//! that changes the address while it is read changes nothing. Other calls that go on may still be changed behind our
//! back; what they can reach is bounded by namespaces and Landlock, and the count stays exact.

use std::collections::HashMap;
use std::ffi::CString;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::filter::{ARCHITECTURE, X32};
use super::notify::{Answer, Listener, Question};
use super::record::Recorder;
use super::{memory, net, paths, stand_in, sys};

/// Of a datagram or message, what is searched, bytes.
const DATA: usize = 64 << 10;
/// Connections that get a listener of ours to talk to; the rest are counted and refused.
const CONNECTIONS: u32 = 5_000;
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

/// Calls that change the file system: where the path is, and the folder it is relative to (`None`: the working folder).
const CHANGES: &[(Call, usize, Option<usize>)] = &[
    (libc::SYS_openat, 1, Some(0)),
    (libc::SYS_mkdirat, 1, Some(0)),
    (libc::SYS_mknodat, 1, Some(0)),
    (libc::SYS_unlinkat, 1, Some(0)),
    (libc::SYS_renameat2, 1, Some(0)),
    (libc::SYS_renameat2, 3, Some(2)),
    (libc::SYS_renameat, 1, Some(0)),
    (libc::SYS_renameat, 3, Some(2)),
    (libc::SYS_linkat, 3, Some(2)),
    (libc::SYS_symlinkat, 2, Some(1)),
    (libc::SYS_truncate, 0, None),
    (libc::SYS_fchmodat, 1, Some(0)),
    (452, 1, Some(0)), // fchmodat2
    (libc::SYS_fchownat, 1, Some(0)),
    (libc::SYS_utimensat, 1, Some(0)),
    (libc::SYS_setxattr, 0, None),
    (libc::SYS_lsetxattr, 0, None),
    (libc::SYS_removexattr, 0, None),
    (libc::SYS_lremovexattr, 0, None),
];

#[cfg(target_arch = "x86_64")]
const CHANGES_HERE: &[(Call, usize, Option<usize>)] = &[
    (libc::SYS_open, 0, None),
    (libc::SYS_creat, 0, None),
    (libc::SYS_mkdir, 0, None),
    (libc::SYS_mknod, 0, None),
    (libc::SYS_rmdir, 0, None),
    (libc::SYS_unlink, 0, None),
    (libc::SYS_rename, 0, None),
    (libc::SYS_rename, 1, None),
    (libc::SYS_link, 1, None),
    (libc::SYS_symlink, 1, None),
    (libc::SYS_chmod, 0, None),
    (libc::SYS_chown, 0, None),
    (libc::SYS_lchown, 0, None),
    (libc::SYS_utime, 0, None),
    (libc::SYS_utimes, 0, None),
    (libc::SYS_futimesat, 1, Some(0)),
];
#[cfg(not(target_arch = "x86_64"))]
const CHANGES_HERE: &[(Call, usize, Option<usize>)] = &[];

/// The same by descriptor.
const CHANGES_BY_FD: &[Call] = &[libc::SYS_fchmod, libc::SYS_fchown, libc::SYS_fsetxattr, libc::SYS_fremovexattr];

/// Changes that Landlock does not cover. With a tree of its own, mounts do; without one, they are done in the asker's place.
const BEYOND_LANDLOCK: &[Call] = &[
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    452,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_utimensat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chmod,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lchown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_utime,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_utimes,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_futimesat,
];

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

    /// A path that is about to change.
    fn changes(&self, listener: &Listener, question: &Question, folder: i32, address: u64) {
        let path = memory::path(question.pid, address);
        let resolved = path.map(|path| paths::absolute(question.pid, folder, &String::from_utf8_lossy(&path)));
        if listener.still_waits(question) {
            self.write(&resolved.unwrap_or_else(|_| "(unreadable)".to_owned()));
        }
    }

    /// Mode and times of files: in the program's own folders only. The file is opened once, without following a link, and
    /// what was opened is judged. Owners and extended attributes stay as they are.
    fn change_attributes(&self, listener: &Listener, question: &Question) -> Answer {
        let (pid, arguments) = (question.pid, &question.arguments);
        let x86 = cfg!(target_arch = "x86_64");
        #[cfg(target_arch = "x86_64")]
        let (chmod, times) = (libc::SYS_chmod, [libc::SYS_utime, libc::SYS_utimes, libc::SYS_futimesat]);
        #[cfg(not(target_arch = "x86_64"))]
        let (chmod, times) = (libc::SYS_fchmodat, [libc::SYS_utimensat; 3]);
        let (folder, path, mode) = match Call::from(question.call) {
            libc::SYS_fchmod => (None, None, Some(arguments[1])),
            call if x86 && call == chmod => (None, Some(arguments[0]), Some(arguments[1])),
            libc::SYS_fchmodat | 452 => (Some(arguments[0]), Some(arguments[1]), Some(arguments[2])),
            libc::SYS_utimensat if arguments[1] == 0 => (None, None, None),
            libc::SYS_utimensat => (Some(arguments[0]), Some(arguments[1]), None),
            call if x86 && call == times[2] => (Some(arguments[0]), Some(arguments[1]), None),
            call if times.contains(&call) => (None, Some(arguments[0]), None),
            _ => return Answer::Fail(libc::EPERM),
        };
        let file = match path {
            None => self.take(question, arguments[0] as i32),
            Some(address) => memory::path(pid, address).and_then(|path| {
                let folder = folder.map_or(libc::AT_FDCWD, |folder| folder as i32);
                let path = paths::absolute(pid, folder, &String::from_utf8_lossy(&path));
                sys::open_file(Path::new(&path))
            }),
        };
        if !listener.still_waits(question) {
            return Answer::Fail(libc::EINTR);
        }
        let Ok(file) = file else { return Answer::Fail(libc::EPERM) };
        let place = sys::path_of(file.as_fd());
        if !self.writable.iter().any(|folder| place.as_ref().is_ok_and(|place| place.starts_with(folder))) {
            return Answer::Fail(libc::EPERM);
        }
        match mode {
            Some(mode) => done(sys::set_mode(file.as_fd(), mode as u32 & 0o777)),
            None => Answer::Value(0), // times: nobody will ask for them
        }
    }

    fn write(&self, path: &str) {
        if !paths::is_no_file(path) {
            lock(&self.recorder).write(path);
        }
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

    fn is_there(&self, path: &str) -> bool {
        match (&self.root, CString::new(path)) {
            (Some(root), Ok(path)) => sys::open_below(root.as_fd(), &path, libc::O_PATH).is_ok(),
            (None, _) => std::path::Path::new(path).exists(),
            (_, Err(_)) => false,
        }
    }

    fn socket(&self, listener: &Listener, question: &Question) -> Option<Answer> {
        let (domain, kind) = (question.arguments[0] as i32, question.arguments[1] as i32);
        let (plain, protocol) = (kind & 0xf, question.arguments[2] as i32);
        let ordinary = matches!(plain, libc::SOCK_STREAM | libc::SOCK_DGRAM)
            && matches!(protocol, 0 | libc::IPPROTO_TCP | libc::IPPROTO_UDP);
        if let (Some(stand_ins), libc::AF_INET | libc::AF_INET6, true) = (&self.stand_ins, domain, ordinary) {
            return match stand_ins.give(&self.recorder, listener, question) {
                Ok(()) => None,
                Err(error) => Some(Answer::Fail(error.raw_os_error().unwrap_or(libc::EMFILE))),
            };
        }
        if domain == libc::AF_NETLINK && protocol == libc::NETLINK_ROUTE {
            // C libraries ask for the machine's addresses and can do without.
            return Some(Answer::Fail(libc::EAFNOSUPPORT));
        }
        let family = match domain {
            libc::AF_INET | libc::AF_INET6 if plain == libc::SOCK_RAW => "raw",
            libc::AF_INET | libc::AF_INET6 if protocol == libc::IPPROTO_ICMP || protocol == libc::IPPROTO_ICMPV6 => {
                "icmp"
            }
            libc::AF_INET | libc::AF_INET6 => "other internet protocol",
            libc::AF_NETLINK => "netlink",
            libc::AF_VSOCK => "vsock",
            libc::AF_PACKET => "packet",
            libc::AF_ALG => "kernel crypto",
            libc::AF_BLUETOOTH => "bluetooth",
            libc::AF_CAN => "can",
            libc::AF_TIPC => "tipc",
            _ => "other family",
        };
        lock(&self.recorder).attempt_other(family, None);
        Some(Answer::Fail(if family == "raw" || family == "packet" { libc::EPERM } else { libc::EAFNOSUPPORT }))
    }

    /// A copy of a descriptor of the asker.
    fn take(&self, question: &Question, fd: i32) -> std::io::Result<OwnedFd> {
        sys::take_fd(sys::pidfd(question.pid)?.as_fd(), fd)
    }

    fn connect(&self, listener: &Listener, question: &Question) -> Answer {
        let length = (question.arguments[2] as usize).min(128);
        let address = memory::bytes(question.pid, question.arguments[1], length);
        let socket = self.take(question, question.arguments[0] as i32);
        if !listener.still_waits(question) {
            return Answer::Fail(libc::EINTR);
        }
        let Ok(address) = address else { return Answer::Fail(libc::EFAULT) };
        let Ok(socket) = socket else {
            // The socket cannot be copied: count it, and let nothing be connected.
            let mut recorder = lock(&self.recorder);
            match net::parse(&address) {
                Some(to) => recorder.attempt("unknown", Some(to)),
                None => recorder.attempt_other("unknown", unix_name(&address).as_deref()),
            }
            return Answer::Fail(libc::ENETUNREACH);
        };
        if let Some(stand_ins) = &self.stand_ins {
            return self.connect_stand_in(stand_ins, &socket, &address);
        }
        let domain = sys::socket_option(socket.as_fd(), libc::SOL_SOCKET, libc::SO_DOMAIN).unwrap_or(-1);
        let stream = is_stream(socket.as_fd());
        if !matches!(domain, libc::AF_INET | libc::AF_INET6) {
            self.local(&address);
            return Answer::Go;
        }
        let Some(to) = net::parse(&address) else {
            // AF_UNSPEC takes a connection apart. Anything else is an error of the kernel's choice.
            return done(sys::connect(socket.as_fd(), &address));
        };
        if is_loopback(to.ip()) || (!stream && to.port() == 53) {
            let result = connect_at_once(socket.as_fd(), &address);
            // The program's own servers are no network; a service that is not there might be, elsewhere.
            if stream && !sys::is_connected(socket.as_fd()) {
                lock(&self.recorder).attempt("tcp", Some(to));
            }
            return result;
        }
        if stream {
            lock(&self.recorder).attempt("tcp", Some(to));
            let mut counts = lock(&self.counts);
            counts.connections += 1;
            if counts.connections > CONNECTIONS {
                return Answer::Fail(libc::ECONNREFUSED);
            }
        }
        // To our own listener, at the same address where that is possible. UDP sends nothing yet, so it is not counted.
        let mut address = address;
        address[2..4].copy_from_slice(&net::SINK.to_be_bytes());
        let result = connect_at_once(socket.as_fd(), &address);
        if let Some(port) = sys::local_address(socket.as_fd()).ok().and_then(|address| net::parse(&address)) {
            lock(&self.meant).insert((port.port(), stream), to);
        }
        result
    }

    /// A socket of this machine that somebody wants to reach.
    fn local(&self, address: &[u8]) {
        if let Some(name) = unix_name(address).filter(|name| !paths::is_ordinary_socket(name)) {
            lock(&self.recorder).attempt_other("unix", Some(&name));
        }
    }

    fn connect_stand_in(&self, stand_ins: &stand_in::StandIns, socket: &OwnedFd, address: &[u8]) -> Answer {
        match net::parse(address) {
            Some(to) => {
                let stream = is_stream(socket.as_fd());
                // Where datagrams go is noted; they are counted when they come.
                stand_ins.meant(socket.as_fd(), to);
                if stream {
                    lock(&self.recorder).attempt("tcp", Some(to));
                }
                Answer::Value(0)
            }
            None if address.get(..2).is_some_and(|family| family == 0u16.to_ne_bytes()) => Answer::Value(0),
            None => {
                self.local(address);
                Answer::Fail(libc::EACCES)
            }
        }
    }

    fn send(&self, listener: &Listener, question: &Question) -> Answer {
        let (pid, arguments) = (question.pid, &question.arguments);
        let message = if is(question, &[libc::SYS_sendto]) {
            let length = arguments[2];
            memory::bytes(pid, arguments[4], (arguments[5] as usize).min(128)).and_then(|address| {
                let data = sys::read_memory(pid, arguments[1], (length as usize).min(DATA))?;
                Ok(memory::Message { address, data, length, control: false })
            })
        } else {
            memory::message(pid, arguments[1], DATA, self.stand_ins.is_some())
        };
        if !listener.still_waits(question) {
            return Answer::Fail(libc::EINTR);
        }
        let Ok(message) = message else { return Answer::Fail(libc::EFAULT) };
        let many = is(question, &[libc::SYS_sendmmsg]);
        if message.address.is_empty() && self.stand_ins.is_none() {
            return Answer::Go;
        }
        let Ok(socket) = self.take(question, arguments[0] as i32) else {
            let to = net::parse(&message.address);
            lock(&self.recorder).attempt("unknown", to);
            return Answer::Fail(libc::ENETUNREACH);
        };
        if message.address.is_empty() {
            // Without namespaces a message is never let go: the address could be put in a moment later.
            if message.control {
                return Answer::Fail(libc::EPERM);
            }
            return match stand_in::pass_on(socket.as_fd(), &message.data) {
                Ok(bytes) => self.written(pid, question, many, bytes),
                Err(error) => Answer::Fail(error.raw_os_error().unwrap_or(libc::EPIPE)),
            };
        }
        let domain = sys::socket_option(socket.as_fd(), libc::SOL_SOCKET, libc::SO_DOMAIN).unwrap_or(-1);
        let Some(to) = net::parse(&message.address) else {
            self.local(&message.address);
            return if self.stand_ins.is_some() { Answer::Fail(libc::EACCES) } else { Answer::Go };
        };
        if self.stand_ins.is_none() && !matches!(domain, libc::AF_INET | libc::AF_INET6) {
            return Answer::Go; // netlink and local sockets with the wrong kind of address: the kernel says no
        }
        if is_stream(socket.as_fd()) {
            // The address of a connected stream is ignored; of another it asks for data with the first packet.
            lock(&self.recorder).attempt("tcp", Some(to));
            lock(&self.recorder).leaving(&message.data, "tcp");
            return Answer::Fail(libc::EOPNOTSUPP);
        }
        if let (Some(stand_ins), 53) = (&self.stand_ins, to.port()) {
            stand_ins.asked(&mut lock(&self.recorder), &message.data);
        } else if to.port() == 53 || (is_loopback(to.ip()) && self.stand_ins.is_none()) {
            return match sys::send_to(socket.as_fd(), &message.data, &message.address) {
                Ok(bytes) => self.written(pid, question, many, bytes),
                Err(error) => Answer::Fail(error.raw_os_error().unwrap_or(libc::EPERM)),
            };
        } else {
            let mut recorder = lock(&self.recorder);
            recorder.attempt("udp", Some(to));
            recorder.leaving(&message.data, "udp");
        }
        self.written(pid, question, many, message.length as usize)
    }

    /// The answer to a message that was sent in the asker's place. Of many messages, it was the first.
    fn written(&self, pid: i32, question: &Question, many: bool, bytes: usize) -> Answer {
        if !many {
            return Answer::Value(bytes as i64);
        }
        // `msg_len` of the first `struct mmsghdr` is the caller's to read.
        let _ = sys::write_memory(pid, question.arguments[1].wrapping_add(56), &(bytes as u32).to_ne_bytes());
        Answer::Value(1)
    }

    /// `bind` and `setsockopt`, which are only asked about where sockets are stand-ins.
    fn prepare_stand_in(&self, question: &Question) -> Answer {
        if is(question, &[libc::SYS_setsockopt]) {
            let level = question.arguments[1] as i32;
            return if level == libc::SOL_SOCKET { Answer::Go } else { Answer::Value(0) };
        }
        let length = (question.arguments[2] as usize).min(128);
        match memory::bytes(question.pid, question.arguments[1], length) {
            Ok(address) if net::parse(&address).is_some() => Answer::Value(0),
            Ok(_) => Answer::Go,
            Err(_) => Answer::Fail(libc::EFAULT),
        }
    }

    /// Of a stand-in, the address that it would have: programs do not know what to do with another family's.
    fn address(&self, question: &Question) -> Answer {
        let (pid, arguments) = (question.pid, &question.arguments);
        let socket = self.take(question, arguments[0] as i32);
        let own = is(question, &[libc::SYS_getsockname]);
        let address = match (&self.stand_ins, &socket) {
            (Some(stand_ins), Ok(socket)) => stand_ins.address(socket.as_fd(), own),
            _ => None,
        };
        match address {
            None => Answer::Go, // it only reads
            Some(Err(code)) => Answer::Fail(code),
            Some(Ok(address)) => {
                let bytes = net::sockaddr(address);
                let room = memory::bytes(pid, arguments[2], 4).ok().and_then(|room| room.try_into().ok());
                let room = room.map_or(0, u32::from_ne_bytes) as usize;
                let written = sys::write_memory(pid, arguments[1], &bytes[..bytes.len().min(room)])
                    .and_then(|()| sys::write_memory(pid, arguments[2], &(bytes.len() as u32).to_ne_bytes()));
                if written.is_ok() { Answer::Value(0) } else { Answer::Fail(libc::EFAULT) }
            }
        }
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

fn is_stream(socket: BorrowedFd<'_>) -> bool {
    sys::socket_option(socket, libc::SOL_SOCKET, libc::SO_TYPE).is_ok_and(|kind| kind == libc::SOCK_STREAM)
}

fn is_loopback(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_unspecified(),
        IpAddr::V6(v6) => {
            v6.is_loopback() || v6.is_unspecified() || v6.to_ipv4_mapped().is_some_and(|v4| v4.is_loopback())
        }
    }
}

fn done(result: std::io::Result<()>) -> Answer {
    match result {
        Ok(()) => Answer::Value(0),
        Err(error) => Answer::Fail(error.raw_os_error().unwrap_or(libc::EINVAL)),
    }
}

/// Connects without ever waiting: over the loopback a connection stands at once or not at all.
fn connect_at_once(socket: BorrowedFd<'_>, address: &[u8]) -> Answer {
    let Ok(was_nonblocking) = sys::set_nonblocking(socket, true) else { return Answer::Fail(libc::EBADF) };
    let result = sys::connect(socket, address);
    if !was_nonblocking {
        let _ = sys::set_nonblocking(socket, false);
    }
    match result {
        Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => {
            let ready = sys::poll(
                &[(std::os::fd::AsRawFd::as_raw_fd(&socket), libc::POLLOUT)],
                Some(std::time::Duration::ZERO),
            );
            match ready.map(|ready| ready[0]) {
                Ok(events) if events & (libc::POLLERR | libc::POLLHUP) != 0 => match was_nonblocking {
                    true => Answer::Fail(libc::EINPROGRESS),
                    false => Answer::Fail(libc::ECONNREFUSED),
                },
                Ok(events) if events & libc::POLLOUT != 0 && !was_nonblocking => Answer::Value(0),
                Ok(_) if was_nonblocking => Answer::Fail(libc::EINPROGRESS),
                _ => Answer::Fail(libc::ETIMEDOUT),
            }
        }
        other => done(other),
    }
}

/// The name of a socket of this machine: a path, or `@` and an abstract name.
fn unix_name(address: &[u8]) -> Option<String> {
    if address.get(..2)? != (libc::AF_UNIX as u16).to_ne_bytes() {
        return None;
    }
    let name = &address[2..];
    Some(match name.first() {
        Some(0) => format!("@{}", String::from_utf8_lossy(&name[1..]).trim_end_matches('\0')),
        _ => String::from_utf8_lossy(name.split(|byte| *byte == 0).next().unwrap_or_default()).into_owned(),
    })
}
