//! `sigma`: audits the dependencies of a project, shows certificates, and serves them.
//!
//! In: arguments, configuration, files. Out: results on standard output, everything else on standard error, and an
//! exit code: 0 pass, 1 policy failure, 2 usage or internal error, 3 could not decide, 4 (`verify`) freshness unknown.

mod args;
mod commands;
mod config;
mod progress;
mod render;
mod telemetry;
mod wire;

use std::process::ExitCode;

use crate::args::{Args, Command};

/// Trees are many small pieces: the system's allocator takes a tenth of an analysis, and this one half of that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a command comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Pass,
    PolicyFailure,
    Undecided,
    /// Proven, but whether it was revoked since is not known.
    Stale,
}

impl Outcome {
    pub fn code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::PolicyFailure => 1,
            Self::Undecided => 3,
            Self::Stale => 4,
        }
    }
}

/// Usage and internal errors.
const ERROR: u8 = 2;

fn main() -> ExitCode {
    // Before anything else, while there is one thread: this program is its own supervisor of submitted code.
    if std::env::args_os().nth(1).is_some_and(|word| word == config::SUPERVISOR) {
        return sigma_sandbox::supervisor::main();
    }
    let args = Args::asked();
    let runtime = match wire::runtime(&args.command) {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    let telemetry = runtime.block_on(async { telemetry::start(&args) });
    let telemetry = match telemetry {
        Ok(telemetry) => telemetry,
        Err(error) => return failed(&error),
    };
    let outcome = runtime.block_on(async {
        match &args.command {
            Command::Audit(audit) => commands::audit::run(&args, audit).await,
            Command::Submit(submit) => commands::review::submit(&args, submit).await,
            Command::Review(review) => commands::review::review(&args, review).await,
            Command::Show(show) => commands::show::run(&args, show).await,
            Command::Scan(scan) => commands::scan::run(&args, scan),
            Command::Rules(rules) => commands::rules::run(&args, rules),
            Command::Explain(explain) => commands::explain::run(&args, explain),
            Command::Serve(serve) => commands::serve::run(&args, serve).await,
            Command::Certificate(certificate) => commands::certificate::run(&args, certificate).await,
            Command::Escalations(escalations) => commands::escalations::run(&args, escalations).await,
            Command::Flags(flags) => commands::flags::run(&args, flags).await,
            Command::Log(log) => commands::log::run(&args, log).await,
            Command::Config(config) => commands::config::run(&args, config),
            Command::Stats(stats) => commands::stats::run(&args, stats).await,
            Command::Worker(worker) => commands::worker::run(&args, worker).await,
            Command::Jobs(jobs) => commands::jobs::run(&args, jobs).await,
            Command::Token(token) => commands::token::run(&args, token).await,
            Command::Store(store) => commands::store::run(&args, store).await,
            Command::Ledger(ledger) => commands::ledger::run(&args, ledger).await,
            Command::Chain(chain) => commands::chain::run(&args, chain).await,
            Command::Verify(verify) => commands::verify::run(&args, verify).await,
            Command::Reproduce(reproduce) => commands::reproduce::run(&args, reproduce).await,
            Command::Hash(hash) => commands::hash::run(hash),
        }
    });
    telemetry.end();
    match outcome {
        Ok(outcome) => ExitCode::from(outcome.code()),
        Err(error) => failed(&error),
    }
}

/// Prints an error with its causes, each once.
fn failed(error: &anyhow::Error) -> ExitCode {
    let mut said = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !said.contains(&cause) {
            said = if said.is_empty() { cause } else { format!("{said}: {cause}") };
        }
    }
    eprintln!("error: {said}");
    match error.downcast_ref::<commands::audit::Unreached>() {
        Some(_) => ExitCode::from(Outcome::Undecided.code()),
        None => ExitCode::from(ERROR),
    }
}
