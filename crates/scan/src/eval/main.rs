//! How good the engine is, on archives that somebody labelled: `just eval [DIR]`.
//!
//! In: a folder with `.sample` files, or with `malicious/` and `benign/` and archives anywhere below. Out: recall and
//! false-positive rates at every level, by ecosystem, family and rule, cost, and every miss and alarm with its reasons; or
//! what changed since an earlier run. Archives are read, never unpacked to disk and never run. `pack` and `unpack` turn
//! a folder into a sample and back. `docs/evaluation.md` explains the figures.

mod archives;
mod compare;
mod figures;
mod outcome;
mod pack;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::{Parser, Subcommand};
use sigma_analysis::{Analyser, Limits};

use archives::Archive;
use outcome::{Measured, Outcome};

/// Measures the engine on labelled archives.
#[derive(Parser)]
#[command(
    name = "sigma-eval",
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  sigma-eval crates/scan/samples\n  sigma-eval ~/archives --json > before.json\n  sigma-eval ~/archives --baseline before.json"
)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    evaluate: Evaluate,
}

#[derive(Subcommand)]
enum Command {
    /// Turns a folder (`sample.txt` with the header, `files/` with the tree) into <ecosystem>/<folder's name>.sample.
    Pack {
        /// The folder.
        folder: PathBuf,
        /// Where samples are kept.
        #[arg(long, default_value = "crates/scan/samples")]
        into: PathBuf,
    },
    /// Writes a sample as a folder, to change it and pack it again.
    Unpack {
        /// The `.sample` file.
        file: PathBuf,
        /// The folder to make.
        folder: PathBuf,
    },
}

#[derive(clap::Args)]
struct Evaluate {
    /// A folder with `.sample` files, or with archives in `malicious/` and `benign/`.
    #[arg(default_value = "crates/scan/samples")]
    folder: PathBuf,
    /// Print every archive with its level and reasons, not only misses and alarms.
    #[arg(long)]
    all: bool,
    /// Print one JSON array instead of text; `--baseline` reads it.
    #[arg(long)]
    json: bool,
    /// Print only what changed since the run whose `--json` this file holds.
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    baseline: Option<PathBuf>,
    /// Archives that are scanned at the same time. More than one blurs the times.
    #[arg(long, default_value_t = 1)]
    jobs: usize,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    match arguments.command {
        Some(Command::Pack { folder, into }) => pack::pack(&folder, &into).map(|()| ExitCode::SUCCESS),
        Some(Command::Unpack { file, folder }) => pack::unpack(&file, &folder).map(|()| ExitCode::SUCCESS),
        None => evaluate(&arguments.evaluate),
    }
}

fn evaluate(arguments: &Evaluate) -> anyhow::Result<ExitCode> {
    let before = match &arguments.baseline {
        None => None,
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
            Some(serde_json::from_str::<Vec<Measured>>(&text).context("a baseline that --json wrote")?)
        }
    };
    let archives = archives::gather(&arguments.folder)?;
    if archives.is_empty() {
        let folder = arguments.folder.display();
        bail!("{folder}: expected .sample files, or archives in malicious/ or benign/, found none");
    }
    let measured = run(&archives, arguments.jobs.max(1))?;
    match before {
        Some(before) => print!("{}", compare::text(&before, &measured)),
        None if arguments.json => println!("{}", serde_json::to_string_pretty(&measured)?),
        None => print!("{}", figures::text(&measured, arguments.all)),
    }
    Ok(match measured.iter().any(|one| matches!(one.outcome, Outcome::Failed { .. })) {
        true => ExitCode::from(2),
        false => ExitCode::SUCCESS,
    })
}

fn run(archives: &[Archive], jobs: usize) -> anyhow::Result<Vec<Measured>> {
    let analyser = Analyser::new(Limits::default());
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            let work = || {
                while let Some(archive) = archives.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let measured = measure(&analyser, archive);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push(measured);
                }
            };
            // The analyser wants a large stack and would otherwise make one for every file.
            let thread = std::thread::Builder::new().stack_size(64 << 20).spawn_scoped(scope, work);
            thread.context("a thread")?;
        }
        anyhow::Ok(())
    })?;
    let mut measured = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    measured.sort_by(|a, b| (a.label, &a.path).cmp(&(b.label, &b.path)));
    Ok(measured)
}

fn measure(analyser: &Analyser, archive: &Archive) -> Measured {
    let start = Instant::now();
    let result = catch_unwind(AssertUnwindSafe(|| archive.scan(analyser)));
    let took = start.elapsed();
    let outcome = match result {
        Ok(Ok(scan)) => Outcome::of(&scan),
        Ok(Err(error)) => Outcome::Failed { error: format!("{error:#}") },
        Err(_) => Outcome::Failed { error: "the engine panicked".to_owned() },
    };
    Measured {
        label: archive.label,
        path: archive.path.clone(),
        family: archive.family.clone(),
        expect: archive.expect,
        micros: micros(took),
        outcome,
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
