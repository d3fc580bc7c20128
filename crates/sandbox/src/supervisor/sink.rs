//! Takes what was meant for other machines: answers names, accepts connections, reads what would have been sent.
//!
//! One thread, a bounded number of connections, a bounded part of the data of each. Everything that arrives is hostile.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::decide::{Judge, lock};
use super::dns;
use super::net::{self, Listeners};
use super::sys;
use crate::canary::OVERLAP;

/// Connections that are read at one time; more are closed at once.
const CONNECTIONS: usize = 128;
/// Data of one connection that is read, bytes.
const DATA: usize = 1 << 20;
/// How long a connection may say nothing.
const PATIENCE: Duration = Duration::from_millis(500);

struct Connection {
    fd: OwnedFd,
    /// The last bytes, for what lies across two pieces.
    tail: Vec<u8>,
    /// The first bytes: what protocol it is.
    head: Vec<u8>,
    read: usize,
    last: Instant,
}

/// The mock credential files that are watched: descriptor of the watch, name.
pub struct Watched {
    pub fd: OwnedFd,
    pub files: Vec<(i32, String)>,
}

/// Runs until the other end of `stop` is closed. Then what is still there is read once more.
pub fn run(judge: &Arc<Judge>, listeners: &Listeners, watched: Option<&Watched>, stop: &OwnedFd) {
    let mut connections: Vec<Connection> = Vec::new();
    let mut last_round = false;
    loop {
        let mut polled: Vec<(RawFd, libc::c_short)> = vec![(stop.as_raw_fd(), libc::POLLIN)];
        let fixed = listeners.dns.iter().chain(&listeners.udp).chain(&listeners.tcp);
        polled.extend(fixed.map(|fd| (fd.as_raw_fd(), libc::POLLIN)));
        polled.extend(watched.map(|watched| (watched.fd.as_raw_fd(), libc::POLLIN)));
        let base = polled.len();
        polled.extend(connections.iter().map(|connection| (connection.fd.as_raw_fd(), libc::POLLIN)));
        let stand_ins = judge.stand_ins.as_ref();
        let pairs = polled.len();
        let open = stand_ins.map(super::stand_in::StandIns::open).unwrap_or_default();
        polled.extend(open.iter().map(|pair| (pair.as_raw_fd(), libc::POLLIN)));
        // Stand-ins come and go without a word.
        let wait = match (last_round, connections.is_empty() && stand_ins.is_none()) {
            (true, _) => Some(Duration::ZERO),
            (false, true) => None,
            (false, false) => Some(Duration::from_millis(20)),
        };
        let Ok(ready) = sys::poll(&polled, wait) else { return };
        let is_ready = |fd: RawFd| polled.iter().zip(&ready).any(|((other, _), events)| *other == fd && *events != 0);
        if let Some(watched) = watched.filter(|watched| is_ready(watched.fd.as_raw_fd())) {
            note_reads(judge, watched);
        }
        for fd in listeners.dns.iter().filter(|fd| is_ready(fd.as_raw_fd())) {
            datagrams(fd, |data, _| {
                let mut recorder = lock(&judge.recorder);
                recorder.leaving(data, "dns");
                dns::answer(data, |name, counts| recorder.looked_up(name, counts))
            });
        }
        for fd in listeners.udp.iter().filter(|fd| is_ready(fd.as_raw_fd())) {
            datagrams(fd, |data, from| {
                let to = net::parse(from).and_then(|from| lock(&judge.meant).get(&(from.port(), false)).copied());
                let mut recorder = lock(&judge.recorder);
                recorder.attempt("udp", to);
                recorder.leaving(data, "udp");
                None
            });
        }
        // Those that spoke before are read before more are accepted.
        let now = Instant::now();
        let mut at = 0;
        connections.retain_mut(|connection| {
            let events = ready[base..pairs].get(at).copied().unwrap_or(0);
            at += 1;
            if events != 0 { read(judge, connection, now) } else { now.duration_since(connection.last) < PATIENCE }
        });
        for fd in listeners.tcp.iter().filter(|fd| is_ready(fd.as_raw_fd())) {
            for _ in 0..64 {
                let Ok(accepted) = accept(fd) else { break };
                if connections.len() < CONNECTIONS {
                    let (tail, head) = (Vec::new(), Vec::new());
                    connections.push(Connection { fd: accepted, tail, head, read: 0, last: now });
                }
            }
        }
        if let Some(stand_ins) = stand_ins {
            stand_ins.expire();
            for (pair, events) in open.iter().zip(&ready[pairs..]) {
                if *events != 0 {
                    stand_ins.read(&judge.recorder, pair);
                }
            }
        }
        if last_round {
            return;
        }
        last_round = ready[0] != 0;
    }
}

fn accept(listener: &OwnedFd) -> io::Result<OwnedFd> {
    let flags = libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    let null = std::ptr::null_mut::<libc::sockaddr>();
    // SAFETY: no address is asked for.
    let fd = unsafe { libc::accept4(listener.as_raw_fd(), null, std::ptr::null_mut(), flags) };
    let fd = sys::check(fd.into())?;
    // SAFETY: the kernel just made it for us.
    Ok(unsafe { std::os::fd::FromRawFd::from_raw_fd(fd as i32) })
}

/// Reads a piece; false when the connection is over.
fn read(judge: &Judge, connection: &mut Connection, now: Instant) -> bool {
    let mut buffer = [0; 16 << 10];
    let got = match sys::read(connection.fd.as_fd(), &mut buffer) {
        Ok(0) => return false,
        Ok(got) => got,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
        Err(_) => return false,
    };
    let piece = &buffer[..got];
    connection.last = now;
    connection.read += got;
    let room = 4096usize.saturating_sub(connection.head.len());
    connection.head.extend_from_slice(&piece[..got.min(room)]);
    connection.tail.extend_from_slice(piece);
    lock(&judge.recorder).leaving(&connection.tail, "tcp");
    let keep = connection.tail.len().saturating_sub(OVERLAP);
    connection.tail.drain(..keep);
    // A handshake record of TLS: what follows cannot be read.
    if connection.head.starts_with(&[0x16, 0x03]) {
        lock(&judge.recorder).encrypted += 1;
        return false;
    }
    if http_is_complete(connection) {
        let answer = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        let _ = sys::write(connection.fd.as_fd(), answer);
        return false;
    }
    connection.read < DATA
}

/// Whether a whole request of HTTP/1 was read, as far as its head tells.
fn http_is_complete(connection: &Connection) -> bool {
    let head = &connection.head;
    let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    let text = String::from_utf8_lossy(&head[..end]).to_ascii_lowercase();
    if text.contains("\r\ntransfer-encoding: chunked") {
        return connection.tail.ends_with(b"0\r\n\r\n");
    }
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    connection.read >= end + 4 + length.unwrap_or(0)
}

#[repr(align(8))]
struct Control([u8; 128]);

/// Reads all datagrams that wait; `handle` gets data and sender and may give an answer, which goes back from the address
/// that was asked.
fn datagrams(socket: &OwnedFd, mut handle: impl FnMut(&[u8], &[u8]) -> Option<Vec<u8>>) {
    let mut buffer = vec![0; 64 << 10];
    for _ in 0..256 {
        let (mut control, mut from) = (Control([0; 128]), [0u8; 128]);
        let mut iov = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
        // SAFETY: an all-zero msghdr is valid.
        let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
        message.msg_name = from.as_mut_ptr().cast();
        message.msg_namelen = from.len() as libc::socklen_t;
        message.msg_iov = &mut iov;
        message.msg_iovlen = 1;
        message.msg_control = control.0.as_mut_ptr().cast();
        message.msg_controllen = control.0.len() as _;
        // SAFETY: everything that `message` points to lives until the call returns.
        let got = unsafe { libc::recvmsg(socket.as_raw_fd(), &mut message, libc::MSG_DONTWAIT) };
        let Ok(got) = usize::try_from(got) else { return };
        let Some(mut answer) = handle(&buffer[..got], &from[..message.msg_namelen as usize]) else { continue };
        // The packet information of the question is that of the answer, from the address instead of to it.
        // SAFETY: the kernel filled `control` and its length; the macros stay within it, and the structures are read and
        // written unaligned within a header's data, whose length is checked.
        unsafe {
            let header = libc::CMSG_FIRSTHDR(&message);
            if !header.is_null() && (*header).cmsg_level == libc::IPPROTO_IP {
                let data = libc::CMSG_DATA(header).cast::<libc::in_pktinfo>();
                if (*header).cmsg_len as usize >= libc::CMSG_LEN(size_of::<libc::in_pktinfo>() as u32) as usize {
                    let mut info = data.read_unaligned();
                    info.ipi_ifindex = 0;
                    info.ipi_spec_dst = info.ipi_addr;
                    data.write_unaligned(info);
                }
            }
        }
        let mut iov = libc::iovec { iov_base: answer.as_mut_ptr().cast(), iov_len: answer.len() };
        message.msg_iov = &mut iov;
        message.msg_flags = 0;
        // SAFETY: everything that `message` points to lives until the call returns.
        unsafe { libc::sendmsg(socket.as_raw_fd(), &message, libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL) };
    }
}

/// Notes which mock credential files were opened.
fn note_reads(judge: &Judge, watched: &Watched) {
    let mut buffer = [0; 4096];
    while let Ok(got) = sys::read(watched.fd.as_fd(), &mut buffer) {
        let mut rest = &buffer[..got];
        // struct inotify_event: watch, mask, cookie, length of the name, name.
        while let (Some(watch), Some(length)) = (rest.get(..4), rest.get(12..16)) {
            let number = |bytes: &[u8]| i32::from_ne_bytes(bytes.try_into().unwrap_or_default());
            if let Some((_, name)) = watched.files.iter().find(|(known, _)| *known == number(watch)) {
                lock(&judge.recorder).read.insert(name.clone());
            }
            rest = rest.get(16 + number(length) as usize..).unwrap_or_default();
        }
        if got == 0 {
            return;
        }
    }
}
