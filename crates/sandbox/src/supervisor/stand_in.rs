//! Sockets that stand in for those of the internet where no network namespace is to be had: one end of a pair of local
//! sockets. The program holds one end, we hold the other, so nothing can leave, and what it sends is seen.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex};

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
    to: Option<SocketAddr>,
    stream: bool,
}

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
    pub fn give(&self, listener: &Listener, question: &Question, kind: libc::c_int) -> io::Result<()> {
        let stream = kind & 0xf == libc::SOCK_STREAM;
        let mut pairs = lock(&self.pairs);
        if pairs.len() >= OPEN {
            return Err(io::Error::from_raw_os_error(libc::EMFILE));
        }
        let (theirs, ours) = sys::socketpair(kind & 0xf)?;
        sys::set_nonblocking(theirs.as_fd(), kind & libc::SOCK_NONBLOCK != 0)?;
        sys::set_nonblocking(ours.as_fd(), true)?;
        pairs.insert(number(theirs.as_fd())?, Pair { ours: Arc::new(ours), to: None, stream });
        listener.answer_with(question, &theirs, kind & libc::SOCK_CLOEXEC != 0)
    }

    /// Notes where a stand-in was to be connected to.
    pub fn meant(&self, socket: BorrowedFd<'_>, to: SocketAddr) {
        if let Some(pair) = number(socket).ok().and_then(|number| {
            lock(&self.pairs).get_mut(&number).map(|pair| {
                pair.to = Some(to);
            })
        }) {
            pair
        }
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
        let (number, to, stream) = (*number, pair.to, pair.stream);
        match sys::read(ours.as_fd(), &mut buffer) {
            Ok(0) => drop(pairs.remove(&number)),
            Ok(got) => {
                let mut recorder = lock(recorder);
                let data = &buffer[..got];
                recorder.leaving(data, if stream { "tcp" } else { "udp" });
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
