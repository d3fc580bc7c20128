//! The supervisor: reads one request from standard input, runs it, writes one response to standard output. Where these are a
//! socket, it serves its own user and root, and ends when the other end does.
//!
//! It is a process of its own and must start before any thread: [`main`] is the first thing that a binary calls when it is
//! started as a supervisor.

use std::process::ExitCode;

#[cfg(target_os = "linux")]
mod decide;
#[cfg(target_os = "linux")]
mod dns;
#[cfg(target_os = "linux")]
mod exercise;
#[cfg(target_os = "linux")]
mod filter;
#[cfg(target_os = "linux")]
mod group;
#[cfg(target_os = "linux")]
mod init;
#[cfg(target_os = "linux")]
mod launch;
#[cfg(target_os = "linux")]
mod leftovers;
#[cfg(target_os = "linux")]
mod mcp;
#[cfg(target_os = "linux")]
mod memory;
#[cfg(target_os = "linux")]
mod mounts;
#[cfg(target_os = "linux")]
mod net;
#[cfg(target_os = "linux")]
mod notify;
#[cfg(target_os = "linux")]
mod paths;
#[cfg(target_os = "linux")]
mod prepare;
#[cfg(target_os = "linux")]
mod record;
#[cfg(target_os = "linux")]
mod run;
#[cfg(target_os = "linux")]
mod sample;
#[cfg(target_os = "linux")]
mod sink;
#[cfg(target_os = "linux")]
mod stand_in;
#[cfg(target_os = "linux")]
mod sys;
#[cfg(target_os = "linux")]
mod watchdog;
#[cfg(target_os = "linux")]
mod work;

/// The largest request that is read, bytes: a submission is at most 512 KB, base64 makes it a third more.
#[cfg(target_os = "linux")]
const REQUEST: u64 = 64 << 20;

/// Runs the supervisor. Ends with a failure only where no response could be written.
#[cfg(target_os = "linux")]
pub fn main() -> ExitCode {
    use std::io::Read as _;

    use crate::wire::{INQUIRY, Known};
    use crate::{Interpreters, PROTOCOL, Request, Response};
    use sigma_core::Execution;

    // Whoever asked and was killed gets no answer: then nothing is to go on running for it. What is run dies with this process.
    // Where this fails, it goes on to its limit of time at most.
    let _ = sys::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong);
    let mut text = Vec::new();
    let execution = match std::io::stdin().lock().take(REQUEST).read_to_end(&mut text) {
        // Whoever may connect may have files read that this user may read.
        _ if sys::asker(0).is_some_and(|user| user != 0 && user != sys::ids().0) => {
            Execution::failed("the supervisor serves its own user only")
        }
        Ok(_) if text == INQUIRY => {
            let known = Known { protocol: PROTOCOL, interpreters: Interpreters::discover() };
            return answer(&serde_json::to_vec(&known).unwrap_or_default());
        }
        Err(error) => Execution::failed(format!("the request could not be read: {error}")),
        Ok(_) => match serde_json::from_slice::<Request>(&text) {
            Err(error) => Execution::failed(format!("got a request that is none: {error}")),
            Ok(request) if request.protocol != PROTOCOL => {
                Execution::failed(format!("got a request of version {}, expected version {PROTOCOL}", request.protocol))
            }
            Ok(request) => run::run(request),
        },
    };
    answer(&serde_json::to_vec(&Response { protocol: PROTOCOL, execution }).unwrap_or_default())
}

#[cfg(target_os = "linux")]
fn answer(text: &[u8]) -> ExitCode {
    use std::io::Write as _;

    match std::io::stdout().lock().write_all(text) {
        Ok(()) if !text.is_empty() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// There is nothing to supervise with elsewhere.
#[cfg(not(target_os = "linux"))]
pub fn main() -> ExitCode {
    eprintln!("running code in isolation needs Linux");
    ExitCode::FAILURE
}
