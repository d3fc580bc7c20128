//! `sigma scan`: local archives and source trees, without any network.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use sigma_analysis::{Analyser, Limits};
use sigma_core::{CouncilVerdict, SecurityLevel};
use sigma_scan::Scan as Scanned;

use crate::args::{Args, Scan};
use crate::{Outcome, render, wire};

/// One path, what was found there, and the level that waivers leave of it.
pub struct Row {
    pub path: PathBuf,
    pub scan: Scanned,
    pub left: SecurityLevel,
}

/// Runs the command. What is known to fail outweighs what is undecided.
pub fn run(args: &Args, command: &Scan) -> Result<Outcome> {
    let config = wire::config(args)?;
    // One archive after the other: the processors share the files of each.
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let analyser = Analyser::with_rules(Limits::default(), wire::rules(&config)?).on_threads(threads);
    let waivers = wire::waivers(&config, command.waivers.as_deref())?;
    let mut judge = waivers.judge(wire::now());
    let mut rows = Vec::new();
    for path in targets(&command.paths)? {
        let scan = match path.is_dir() {
            true => sigma_scan::scan_folder(&analyser, &path, command.entry.as_deref()),
            false if command.entry.is_some() => bail!("{}: --entry is for folders", path.display()),
            false => sigma_scan::scan(&analyser, &path),
        };
        let scan = scan.with_context(|| format!("cannot scan {}", path.display()))?;
        let left = judge.package(&scan.report, &scan.ruling);
        rows.push(Row { path, scan, left });
    }
    let waived = judge.finish();
    super::print(&render::scan::scans(&rows, &waived.uses, analyser.ruleset(), command)?)?;
    let any = |outcome| rows.iter().any(|row| row.outcome(command.fail_on) == outcome);
    Ok(if any(Outcome::PolicyFailure) {
        Outcome::PolicyFailure
    } else if any(Outcome::Undecided) {
        Outcome::Undecided
    } else {
        Outcome::Pass
    })
}

impl Row {
    /// What the panels do not agree on is for a person to decide, however bad it looks; a waiver is such a decision.
    pub fn outcome(&self, fail_on: SecurityLevel) -> Outcome {
        let ruling = &self.scan.ruling;
        if ruling.verdict == CouncilVerdict::Escalated && self.left == ruling.level {
            Outcome::Undecided
        } else if self.left >= fail_on {
            Outcome::PolicyFailure
        } else {
            Outcome::Pass
        }
    }
}

/// The paths; a folder that holds archives and no manifest stands for its archives, as `dist/` does.
fn targets(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut targets = Vec::new();
    for path in paths {
        if !path.exists() {
            bail!("{}: no such file or folder", path.display());
        }
        let archives = if path.is_dir() && !has_manifest(path) { archives(path)? } else { Vec::new() };
        if archives.is_empty() { targets.push(path.clone()) } else { targets.extend(archives) }
    }
    Ok(targets)
}

fn has_manifest(folder: &Path) -> bool {
    ["package.json", "pyproject.toml", "setup.py", "setup.cfg"].iter().any(|name| folder.join(name).exists())
}

fn archives(folder: &Path) -> Result<Vec<PathBuf>> {
    const ENDINGS: [&str; 8] = [".whl", ".tar.gz", ".tgz", ".zip", ".tar.bz2", ".tar.xz", ".tar", ".egg"];
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry.with_context(|| format!("cannot read {}", folder.display()))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        if path.is_file() && ENDINGS.iter().any(|ending| name.ends_with(ending)) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
