//! How good the engine is, on archives that somebody labelled: `just eval DIR`.
//!
//! In: a folder with `malicious/` and `benign/`, archives anywhere below. Out: recall and false-positive rates at every
//! level, by ecosystem and by rule, cost, and every miss and alarm with its reasons. Archives are read, never unpacked to
//! disk and never run. `docs/evaluation.md` explains the figures.

mod figures;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Parser;
use sigma_analysis::{Analyser, Limits};
use sigma_scan::scan;

use figures::{Label, Outcome, Sample};

/// Measures the engine on labelled archives.
#[derive(Parser)]
#[command(name = "sigma-eval", after_help = "Example:\n  sigma-eval samples --list benign")]
struct Arguments {
    /// A folder with `malicious/` and `benign/`.
    folder: PathBuf,
    /// Print every archive with its level and reasons, not only misses and alarms.
    #[arg(long)]
    all: bool,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
    /// Archives that are scanned at the same time. More than one blurs the times.
    #[arg(long, default_value_t = 1)]
    jobs: usize,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let mut todo = Vec::new();
    for label in [Label::Malicious, Label::Benign] {
        let folder = arguments.folder.join(label.folder());
        for entry in walkdir::WalkDir::new(&folder).sort_by_file_name().into_iter().filter_map(Result::ok) {
            if entry.file_type().is_file() {
                todo.push((label, entry.into_path()));
            }
        }
    }
    if todo.is_empty() {
        bail!("{}: expected archives in malicious/ or benign/, found none", arguments.folder.display());
    }
    let samples = run(&todo, &arguments.folder, arguments.jobs.max(1))?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&samples)?);
    } else {
        print!("{}", figures::text(&samples, arguments.all));
    }
    Ok(match samples.iter().any(|sample| matches!(sample.outcome, Outcome::Failed { .. })) {
        true => ExitCode::from(2),
        false => ExitCode::SUCCESS,
    })
}

fn run(todo: &[(Label, PathBuf)], root: &Path, jobs: usize) -> anyhow::Result<Vec<Sample>> {
    let analyser = Analyser::new(Limits::default());
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            let work = || {
                while let Some((label, path)) = todo.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let sample = measure(&analyser, *label, path, root);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push(sample);
                }
            };
            // The analyser wants a large stack and would otherwise make one for every file.
            let thread = std::thread::Builder::new().stack_size(64 << 20).spawn_scoped(scope, work);
            thread.context("a thread")?;
        }
        anyhow::Ok(())
    })?;
    let mut samples = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    samples.sort_by(|a, b| (a.label, &a.path).cmp(&(b.label, &b.path)));
    Ok(samples)
}

fn measure(analyser: &Analyser, label: Label, path: &Path, root: &Path) -> Sample {
    let start = Instant::now();
    let result = catch_unwind(AssertUnwindSafe(|| scan(analyser, path)));
    let took = start.elapsed();
    let outcome = match result {
        Ok(Ok(scan)) => Outcome::of(&scan),
        Ok(Err(error)) => Outcome::Failed { error: error.to_string() },
        Err(_) => Outcome::Failed { error: "the engine panicked".to_owned() },
    };
    let path = path.strip_prefix(root).unwrap_or(path).display().to_string();
    Sample { label, path, micros: micros(took), outcome }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
