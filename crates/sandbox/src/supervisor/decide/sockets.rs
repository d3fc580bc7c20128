//! Sockets: what a program wants to reach is recorded, and a listener of ours answers in its place.
//!
//! Connections are made in the asker's place, on a copy of its socket and to an address that was copied once: a program
//! that changes the address while it is read changes nothing.

use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::{Judge, done, is, lock};
use crate::supervisor::notify::{Answer, Listener, Question};
use crate::supervisor::{memory, net, paths, stand_in, sys};

/// Of a datagram or message, what is searched, bytes.
const DATA: usize = 64 << 10;
/// Connections that get a listener of ours to talk to; the rest are counted and refused.
const CONNECTIONS: u32 = 5_000;

impl Judge {
    pub(super) fn socket(&self, listener: &Listener, question: &Question) -> Option<Answer> {
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

    pub(super) fn connect(&self, listener: &Listener, question: &Question) -> Answer {
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

    pub(super) fn send(&self, listener: &Listener, question: &Question) -> Answer {
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
    pub(super) fn prepare_stand_in(&self, question: &Question) -> Answer {
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
    pub(super) fn address(&self, question: &Question) -> Answer {
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
