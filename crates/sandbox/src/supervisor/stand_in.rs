//! Sockets that stand in for those of the internet where no network namespace is to be had: one end of a pair of local
//! sockets. The program holds one end, we hold the other, so nothing can leave, and what it sends is seen.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::decide::lock;
use super::dns;
use super::notify::{Listener, Question};
use super::record::Recorder;
use super::sys;

/// Stand-ins at one time; more sockets are refused.
const OPEN: usize = 256;

/// All stand-ins of a run.
#[derive(Default)]
pub struct StandIns {
    pairs: Mutex<HashMap<u64, Pair>>,
}

struct Pair {
    ours: Arc<OwnedFd>,
    /// Where it was to be connected to, and since when.
    to: Option<(SocketAddr, Instant)>,
    stream: bool,
    six: bool,
}

/// How long a connection may say nothing before its other end goes away: there is nobody.
const PATIENCE: Duration = Duration::from_millis(500);

/// The number of a socket within the kernel: the same for all its copies.
fn number(socket: BorrowedFd<'_>) -> io::Result<u64> {
    // SAFETY: an all-zero stat is valid.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: the result is ours.
    sys::check(unsafe { libc::fstat(socket.as_raw_fd(), &mut stat) }.into())?;
    Ok(stat.st_ino)
}

impl StandIns {
    /// Answers a request for a socket with a stand-in of the same type.
    pub fn give(&self, recorder: &Mutex<Recorder>, listener: &Listener, question: &Question) -> io::Result<()> {
        let (domain, kind) = (question.arguments[0] as libc::c_int, question.arguments[1] as libc::c_int);
        let (stream, six) = (kind & 0xf == libc::SOCK_STREAM, domain == libc::AF_INET6);
        if lock(&self.pairs).len() >= OPEN {
            // Most are closed already at their other end, which nobody has noticed yet.
            self.open().iter().for_each(|pair| self.read(recorder, pair));
        }
        let mut pairs = lock(&self.pairs);
        if pairs.len() >= OPEN {
            return Err(io::Error::from_raw_os_error(libc::EMFILE));
        }
        let (theirs, ours) = sys::socketpair(kind & 0xf)?;
        sys::set_nonblocking(theirs.as_fd(), kind & libc::SOCK_NONBLOCK != 0)?;
        sys::set_nonblocking(ours.as_fd(), true)?;
        pairs.insert(number(theirs.as_fd())?, Pair { ours: Arc::new(ours), to: None, stream, six });
        listener.answer_with(question, &theirs, kind & libc::SOCK_CLOEXEC != 0)
    }

    /// Notes where a stand-in was to be connected to.
    pub fn meant(&self, socket: BorrowedFd<'_>, to: SocketAddr) {
        let mut pairs = lock(&self.pairs);
        if let Some(pair) = number(socket).ok().and_then(|number| pairs.get_mut(&number)) {
            pair.to = Some((to, Instant::now()));
        }
    }

    /// The address that a stand-in would have: its own, or that of the other end. `None`: it is no stand-in.
    pub fn address(&self, socket: BorrowedFd<'_>, own: bool) -> Option<Result<SocketAddr, i32>> {
        let pairs = lock(&self.pairs);
        let pair = pairs.get(&number(socket).ok()?)?;
        let any: IpAddr = if pair.six { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
        Some(match (own, pair.to) {
            (true, _) => Ok((any, 40_000).into()),
            (false, Some((to, _))) => Ok(to),
            (false, None) => Err(libc::ENOTCONN),
        })
    }

    /// Ends connections that were silent for too long.
    pub fn expire(&self) {
        let old = |pair: &Pair| pair.stream && pair.to.is_some_and(|(_, since)| since.elapsed() > PATIENCE);
        lock(&self.pairs).retain(|_, pair| !old(pair));
    }

    /// Our ends.
    pub fn open(&self) -> Vec<Arc<OwnedFd>> {
        lock(&self.pairs).values().map(|pair| Arc::clone(&pair.ours)).collect()
    }

    /// Reads what was sent through one of them.
    pub fn read(&self, recorder: &Mutex<Recorder>, ours: &Arc<OwnedFd>) {
        let mut buffer = vec![0; 64 << 10];
        let mut pairs = lock(&self.pairs);
        let Some((number, pair)) = pairs.iter().find(|(_, pair)| Arc::ptr_eq(&pair.ours, ours)) else { return };
        let (number, to, stream) = (*number, pair.to.map(|(to, _)| to), pair.stream);
        match sys::read(ours.as_fd(), &mut buffer) {
            Ok(0) => drop(pairs.remove(&number)),
            Ok(got) => {
                let mut recorder = lock(recorder);
                let data = &buffer[..got];
                let name_server = to.is_some_and(|to| to.port() == 53);
                recorder.leaving(
                    data,
                    if stream {
                        "tcp"
                    } else if name_server {
                        "dns"
                    } else {
                        "udp"
                    },
                );
                match to {
                    Some(to) if !stream && to.port() == 53 => {
                        let answer = dns::answer(data, |name, counts| recorder.looked_up(name, counts));
                        // Whether the program takes it is up to its resolver: it comes from no address.
                        let _ = answer.map(|answer| sys::write(ours.as_fd(), &answer));
                    }
                    Some(to) if !stream => recorder.attempt("udp", Some(to)),
                    _ => {}
                }
                if stream && data.starts_with(&[0x16, 0x03]) {
                    recorder.encrypted += 1;
                }
                // A stream is answered with its end: there is nobody.
                if stream {
                    drop(pairs.remove(&number));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => drop(pairs.remove(&number)),
        }
    }

    /// A question for a name server, sent with an address.
    pub fn asked(&self, recorder: &mut Recorder, data: &[u8]) {
        recorder.leaving(data, "dns");
        dns::answer(data, |name, counts| recorder.looked_up(name, counts));
    }
}

/// Sends data on in the asker's place, without waiting. A full socket is tried again by the asker.
pub fn pass_on(socket: BorrowedFd<'_>, data: &[u8]) -> io::Result<usize> {
    let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    // SAFETY: the data is ours and its length is right.
    let sent = unsafe { libc::send(socket.as_raw_fd(), data.as_ptr().cast(), data.len(), flags) };
    match sys::check(sent as libc::c_long) {
        Ok(sent) => Ok(sent as usize),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            // SAFETY: no memory is passed.
            let waits = unsafe { libc::fcntl(socket.as_raw_fd(), libc::F_GETFL) } & libc::O_NONBLOCK == 0;
            Err(io::Error::from_raw_os_error(if waits { libc::EINTR } else { libc::EAGAIN }))
        }
        Err(error) => Err(error),
    }
}
