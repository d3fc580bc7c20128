//! Runs code from strangers in isolation, once, and says what it did.
//!
//! In: a [`Job`]: the files, where to begin, limits. Out: a [`sigma_core::Execution`]. The work is done by a supervisor, a
//! process of its own that [`Sandbox::run`] starts: it reads one request on standard input, writes one response and ends.
//!
//! It must never let a packet leave, leave a process behind, use memory without a bound, or call a run isolated that was
//! not: the tier that was used is in every result. What the code under test reports about itself is a claim; what the
//! supervisor saw in the kernel is a fact. The two are never mixed.
#![warn(missing_docs)]
// Elsewhere the client only says that it needs Linux.
#![cfg_attr(not(target_os = "linux"), allow(dead_code))]

mod canary;
mod client;
mod detect;
mod report;
pub mod supervisor;
mod wire;

pub use client::{Interpreter, InterpreterError, Sandbox};
pub use report::risk_flags;
pub use wire::{Code, File, Interpreters, Job, Kind, Limits, PROTOCOL, Request, Response, Tier};
