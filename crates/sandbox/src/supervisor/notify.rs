//! The kernel's questions about system calls, and our answers.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use super::sys::check;

/// One question: who wants to call what.
pub struct Question {
    pub id: u64,
    /// The thread, as a number of ours; 0 where it cannot be seen.
    pub pid: i32,
    pub call: i32,
    pub arch: u32,
    pub arguments: [u64; 6],
}

/// One answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The kernel does what was asked.
    Go,
    /// The call fails with this error.
    Fail(i32),
    /// The call gives this value.
    Value(i64),
}

/// The descriptor on which one filter asks.
pub struct Listener(OwnedFd);

impl Listener {
    pub fn new(fd: OwnedFd) -> Self {
        // Wakes the asker on the same processor (6.6); an older kernel says no, and all goes on, slower.
        const SET_FLAGS: libc::Ioctl = 0x4008_2104u32 as libc::Ioctl;
        // SAFETY: the call takes a number.
        unsafe { libc::ioctl(fd.as_raw_fd(), SET_FLAGS, 1u64) };
        Self(fd)
    }

    /// The next question; `None` when nobody who could ask is left.
    pub fn next(&self) -> io::Result<Option<Question>> {
        loop {
            let ready = super::sys::poll(&[(self.0.as_raw_fd(), libc::POLLIN)], None)?;
            if ready[0] & libc::POLLIN == 0 {
                if ready[0] == 0 {
                    continue;
                }
                return Ok(None);
            }
            // SAFETY: an all-zero notification is valid, and the kernel asks for zeros.
            let mut got: libc::seccomp_notif = unsafe { std::mem::zeroed() };
            const RECEIVE: libc::Ioctl = 0xc050_2100u32 as libc::Ioctl;
            // SAFETY: the notification is ours and has the form that the call fills.
            match check(unsafe { libc::ioctl(self.0.as_raw_fd(), RECEIVE, &mut got) }.into()) {
                // Whoever asked is gone, or a signal came first: the next question.
                Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::EINTR)) => {}
                Err(error) => return Err(error),
                Ok(_) => {
                    return Ok(Some(Question {
                        id: got.id,
                        pid: got.pid as i32,
                        call: got.data.nr,
                        arch: got.data.arch,
                        arguments: got.data.args,
                    }));
                }
            }
        }
    }

    /// Whether the asker still waits: what was read of its memory was its memory, and not that of a process which got
    /// its number later.
    pub fn still_waits(&self, question: &Question) -> bool {
        const VALID: libc::Ioctl = 0x4008_2102u32 as libc::Ioctl;
        // SAFETY: the id is ours.
        unsafe { libc::ioctl(self.0.as_raw_fd(), VALID, &question.id) == 0 }
    }

    /// Answers. That the asker is gone meanwhile is no error.
    pub fn answer(&self, question: &Question, answer: Answer) {
        const CONTINUE: u32 = 1;
        let (val, error, flags) = match answer {
            Answer::Go => (0, 0, CONTINUE),
            Answer::Fail(code) => (0, -code, 0),
            Answer::Value(value) => (value, 0, 0),
        };
        let response = libc::seccomp_notif_resp { id: question.id, val, error, flags };
        const SEND: libc::Ioctl = 0xc018_2101u32 as libc::Ioctl;
        // SAFETY: the response is ours and has the form that the call reads.
        unsafe { libc::ioctl(self.0.as_raw_fd(), SEND, &response) };
    }

    /// Answers with a descriptor of ours, which becomes one of the asker's.
    pub fn answer_with(&self, question: &Question, fd: &OwnedFd, close_on_exec: bool) -> io::Result<()> {
        const SEND_AT_ONCE: u32 = 2;
        let add = libc::seccomp_notif_addfd {
            id: question.id,
            flags: SEND_AT_ONCE,
            srcfd: fd.as_fd().as_raw_fd() as u32,
            newfd: 0,
            newfd_flags: if close_on_exec { libc::O_CLOEXEC as u32 } else { 0 },
        };
        const ADD: libc::Ioctl = 0x4018_2103u32 as libc::Ioctl;
        // SAFETY: the request is ours and has the form that the call reads.
        check(unsafe { libc::ioctl(self.0.as_raw_fd(), ADD, &add) }.into()).map(drop)
    }
}
