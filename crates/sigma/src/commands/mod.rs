//! The commands.

pub mod audit;
pub mod certificate;
pub mod chain;
pub mod config;
pub mod escalations;
pub mod explain;
pub mod flags;
pub mod hash;
pub mod jobs;
pub mod keys;
pub mod ledger;
pub mod log;
pub mod reproduce;
pub mod review;
pub mod rules;
pub mod scan;
pub mod serve;
pub mod show;
pub mod stats;
pub mod store;
pub mod token;
pub mod verify;
pub mod worker;

use std::io::{self, Write as _};

/// Prints a result. A reader that went away (`sigma audit | head`) changes nothing about the outcome.
fn print(text: &str) -> io::Result<()> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
