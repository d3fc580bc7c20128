//! Starts a supervisor for a job and reads its answer, from any program, with threads or without.

mod interpreter;

use std::io::{ErrorKind, Read as _, Write as _};
#[cfg(unix)]
use std::net::Shutdown;
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use sigma_core::{CodeLanguage, Execution, ExecutionStatus, printable};

pub use interpreter::{Interpreter, InterpreterError};

use crate::wire::{INQUIRY, Known};
use crate::{Interpreters, Job, Limits, PROTOCOL, Request, Response, Tier};

/// The largest response that is read, bytes.
const RESPONSE: u64 = 16 << 20;
/// How long a supervisor may take beyond the limit of the run.
const EXTRA: Duration = Duration::from_secs(25);

/// Runs jobs in isolation.
#[derive(Debug, Clone)]
pub struct Sandbox {
    /// The supervisor: a program and its arguments, such as `sigma-sandbox`, or `sigma sandbox-supervisor`.
    pub supervisor: Vec<PathBuf>,
    /// A socket on which supervisors are started by somebody else, such as systemd, instead of the program.
    pub socket: Option<PathBuf>,
    /// How much a run may use.
    pub limits: Limits,
    /// What runs which language.
    pub interpreters: Interpreters,
    /// Which isolation is wanted.
    pub tier: Tier,
    /// Further folders that interpreters need, bound read-only at their own path.
    pub read_only: Vec<PathBuf>,
    /// A delegated control group (version 2) in which each run gets its own.
    pub cgroup: Option<PathBuf>,
}

impl Sandbox {
    /// A sandbox with default limits and the interpreters of `PATH`.
    pub fn new(supervisor: Vec<PathBuf>) -> Self {
        Self {
            supervisor,
            socket: None,
            limits: Limits::default(),
            interpreters: Interpreters::discover(),
            tier: Tier::Auto,
            read_only: Vec::new(),
            cgroup: None,
        }
    }

    /// A sandbox behind a socket, with the interpreters that there are on the other side.
    ///
    /// # Errors
    /// When nobody answers there, or not as a supervisor does.
    pub fn behind(socket: PathBuf) -> Result<Self, String> {
        let mut sandbox = Self {
            supervisor: Vec::new(),
            socket: Some(socket),
            limits: Limits::default(),
            interpreters: Interpreters::default(),
            tier: Tier::Auto,
            read_only: Vec::new(),
            cgroup: None,
        };
        let text = sandbox.ask(INQUIRY)?;
        let known: Known = serde_json::from_slice(&text).map_err(|error| unreadable(&text, &error))?;
        sandbox.interpreters = known.interpreters;
        Ok(sandbox)
    }

    /// Runs a job and waits for its end, at most the limit of time and a little more. Never panics; what could not be run
    /// says why.
    pub fn run(&self, job: &Job) -> Execution {
        if !cfg!(target_os = "linux") {
            return Execution::skipped("running code in isolation needs Linux");
        }
        let interpreter = match job.language {
            CodeLanguage::Python => &self.interpreters.python,
            CodeLanguage::Node => &self.interpreters.node,
        };
        let Some(interpreter) = interpreter else {
            let name = if job.language == CodeLanguage::Python { "Python 3" } else { "Node.js" };
            return Execution::skipped(format!("{name} was not found on this machine, or does not start"));
        };
        if let Some(reason) = interpreter.cannot_run(job) {
            return Execution::skipped(reason);
        }
        let request = Request {
            protocol: PROTOCOL,
            job: job.clone(),
            interpreter: interpreter.clone(),
            limits: self.limits.clone(),
            tier: self.tier,
            read_only: self.read_only.clone(),
            cgroup: self.cgroup.clone(),
        };
        match serde_json::to_vec(&request) {
            Ok(request) => self.answer(&request).unwrap_or_else(Execution::failed),
            Err(error) => Execution::failed(format!("the request could not be written: {error}")),
        }
    }

    fn answer(&self, request: &[u8]) -> Result<Execution, String> {
        let text = self.ask(request)?;
        let response: Response = serde_json::from_slice(&text).map_err(|error| unreadable(&text, &error))?;
        if response.protocol != PROTOCOL {
            return Err(format!("got an answer of version {}, expected version {PROTOCOL}", response.protocol));
        }
        Ok(response.execution)
    }

    fn ask(&self, request: &[u8]) -> Result<Vec<u8>, String> {
        match &self.socket {
            Some(socket) => self.ask_behind(socket, request),
            None => self.ask_program(request),
        }
    }

    /// How long a supervisor may take for its answer.
    fn patience(&self) -> Duration {
        Duration::from_millis(self.limits.wall_ms) + EXTRA
    }

    #[cfg(not(unix))]
    fn ask_behind(&self, _: &Path, _: &[u8]) -> Result<Vec<u8>, String> {
        Err("there are no such sockets on this system".to_owned())
    }

    /// Connects, says it, and waits for the end of the answer. Whoever starts supervisors ends one whose asker is gone.
    #[cfg(unix)]
    fn ask_behind(&self, socket: &Path, request: &[u8]) -> Result<Vec<u8>, String> {
        let failed = |error: std::io::Error| format!("the supervisor behind {}: {error}", socket.display());
        let end = Instant::now() + self.patience();
        let mut stream = UnixStream::connect(socket).map_err(failed)?;
        stream.set_write_timeout(Some(EXTRA)).map_err(failed)?;
        stream.write_all(request).and_then(|()| stream.shutdown(Shutdown::Write)).map_err(failed)?;
        let (mut text, mut piece) = (Vec::new(), vec![0; 64 << 10]);
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || text.len() as u64 > RESPONSE {
                return Err("the supervisor did not answer in time, or too much".to_owned());
            }
            stream.set_read_timeout(Some(left)).map_err(failed)?;
            match stream.read(&mut piece) {
                Ok(0) if text.is_empty() => return Err("the supervisor ended without an answer".to_owned()),
                Ok(0) => return Ok(text),
                Ok(got) => text.extend_from_slice(&piece[..got]),
                // Its time is looked at above.
                Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
                Err(error) => return Err(failed(error)),
            }
        }
    }

    fn ask_program(&self, request: &[u8]) -> Result<Vec<u8>, String> {
        let (program, arguments) = self.supervisor.split_first().ok_or("no supervisor is configured")?;
        let mut child = Command::new(program)
            .args(arguments)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("the supervisor {} could not be started: {error}", program.display()))?;
        let (mut input, output) = (child.stdin.take(), child.stdout.take());
        let (done, answer) = mpsc::channel();
        // The thread ends when the supervisor does, which is at the latest when it is killed below.
        let reader = std::thread::spawn(move || {
            let mut text = Vec::new();
            let result = output.map(|output| output.take(RESPONSE).read_to_end(&mut text));
            let _ = done.send(result.map(|result| result.map(|_| text)));
        });
        let fed = input.as_mut().map(|input| input.write_all(request));
        drop(input);
        let text = answer.recv_timeout(self.patience());
        // Its own descendants die with it.
        let _ = child.kill();
        let status = child.wait().map_err(|error| format!("the supervisor: {error}"))?;
        let _ = reader.join();
        let text = match text {
            Ok(Some(Ok(text))) => text,
            Ok(_) => return Err("the supervisor's answer could not be read".to_owned()),
            Err(_) => return Err("the supervisor did not answer in time and was killed".to_owned()),
        };
        if text.is_empty() {
            let fed = match fed {
                Some(Err(error)) => format!("; the request could not be handed over: {error}"),
                _ => String::new(),
            };
            return Err(format!("the supervisor ended without an answer ({status}){fed}"));
        }
        Ok(text)
    }
}

/// An answer that is none: of a supervisor that refused the question, what it said.
fn unreadable(text: &[u8], error: &serde_json::Error) -> String {
    match serde_json::from_slice::<Response>(text).map(|response| response.execution.status) {
        Ok(ExecutionStatus::Error { reason } | ExecutionStatus::Skipped { reason }) => printable(&reason, 300),
        _ => format!("got an answer that is none: {error}"),
    }
}
