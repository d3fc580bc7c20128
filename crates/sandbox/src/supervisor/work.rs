//! Starts the exercises, follows each to its end or to its limit, and takes what comes out of it.
//!
//! This thread reads no memory of the program, so that nothing in it can keep the limit of time from being kept.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sigma_core::{Exercise, printable};

use super::decide::{Judge, lock};
use super::exercise::{Start, instructions};
use super::init::word;
use super::notify::Listener;
use super::prepare::Places;
use super::watchdog::Watchdog;
use super::{launch, mcp, sys};
use crate::canary::OVERLAP;
use crate::{Request, report};

/// How long the first process of the sandbox may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Standard output and error that are searched for mock secrets, bytes.
const SEARCHED: u64 = 16 << 20;
/// What the harness may say in all, bytes, and in one line; how many exercises are told.
const CLAIMS: u64 = 8 << 20;
const LINE: usize = 64 << 10;
const EXERCISES: usize = 200;
/// What waits to be read by a server, bytes.
const PENDING: usize = 4 << 20;

/// The exercises of a run, and what they gave.
pub struct Work<'a> {
    pub request: &'a Request,
    pub places: &'a Places,
    pub judge: &'a Arc<Judge>,
    pub control: &'a OwnedFd,
    pub first: i32,
    pub channel: &'a str,
    pub watchdog: &'a Watchdog,
    pub exercises: Vec<Exercise>,
    pub functions: BTreeSet<String>,
    pub reached: BTreeSet<String>,
    /// Whether the harness told how many functions there are.
    pub counted: bool,
    pub output: Vec<u8>,
    pub output_bytes: u64,
    pub claims: u64,
    pub left_behind: u64,
    pub forged: bool,
    pub late: bool,
    /// False where a guard was not to be had, so that the program was not started.
    pub isolated: bool,
    pub failure: Option<String>,
}

impl Work<'_> {
    pub fn tell(&mut self, what: &str, outcome: &str) {
        if self.exercises.len() < EXERCISES {
            self.exercises.push(Exercise { what: printable(what, 300), outcome: printable(outcome, 300) });
        }
    }

    /// Starts the program once and follows it to its end, or to the deadline.
    pub fn exercise<'scope>(
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
        // A harness that came with the job is a program like the code: it gets no secret, and what it says on the channel is
        // believed as little.
        let told = match self.request.job.harness {
            Some(_) => String::new(),
            None => {
                let told = instructions(self.request, self.places, &lock(&self.judge.recorder).canaries, start, nonce);
                format!("{told}\n")
            }
        };
        let mut talk = Talk {
            input: Some(input),
            to_input: start.input.clone().unwrap_or_default(),
            keep_open: start.input.is_none(),
            to_channel: told.into_bytes(),
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
            self.isolated = !launch::GUARDS.iter().any(|guard| reason.starts_with(guard));
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
                    // A server that does not listen gets no more to hear.
                    let words = mcp.hear(piece);
                    if talk.to_input.len() < PENDING {
                        talk.to_input.extend(words);
                    }
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
    pub fn quit(&self) -> Option<u64> {
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
