//! What a package's certificate says about running its commands.
//!
//! In: the runs, each already summed up as the run of a submission is. Out: a block that is there only where runs were asked
//! for. It must never let what was not run read as what did nothing: every command has a status of its own, and what was left
//! out is counted.

use serde::{Deserialize, Serialize};
use sigma_core::{EntryPointRuns, ExecutionStatus, SandboxTier, Timestamp};

use crate::ExecutionSummary;

/// What the commands of a package (`console_scripts`, `bin`) did when each was started with `--help` in isolation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PackageExecution {
    /// `completed` where every listed command was run, else `skipped` or `error`.
    pub status: String,
    /// Why it was skipped or failed.
    pub reason: Option<String>,
    /// How isolated the least isolated run was; `null` where nothing was run.
    pub sandbox_tier: Option<SandboxTier>,
    /// When.
    pub analyzed_at: Timestamp,
    /// Commands that the package declares; `null` where that was not looked at.
    pub entry_points_declared: Option<u64>,
    /// Of these, those that were not run: skipped, failed, or beyond the bound. `null` where that is not known.
    pub entry_points_not_run: Option<u64>,
    /// Each of those that were taken on, by name.
    pub entry_points: Vec<EntryPointExecution>,
    /// Network connection attempts intercepted, in all runs: a floor where a program hides what it does. `null` where nothing
    /// was run.
    pub network_attempts: Option<u64>,
    /// Process spawn attempts intercepted, in all runs; `null` where nothing was run.
    pub spawn_attempts: Option<u64>,
    /// Files written, created, changed or removed, in all runs; `null` where nothing was run.
    pub files_written: Option<u64>,
    /// Certified dependencies that were laid out for it.
    pub dependencies_laid_out: u64,
    /// What could not be laid out, in sentences without a full stop.
    pub not_laid_out: Vec<String>,
}

/// One command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct EntryPointExecution {
    /// What a user types.
    pub command: String,
    /// What that starts: `pkg.cli:main`, or a file of the package.
    pub target: String,
    /// What it was started with.
    pub arguments: Vec<String>,
    /// What it did, or why it was not run.
    pub execution: ExecutionSummary,
}

impl PackageExecution {
    /// The block. `summaries` are those of the runs, in their order; `arguments` is what each was started with.
    pub fn new(runs: &EntryPointRuns, summaries: Vec<ExecutionSummary>, arguments: &[&str]) -> Self {
        let (status, reason) = match runs.status() {
            ExecutionStatus::Completed => ("completed", None),
            ExecutionStatus::Skipped { reason } => ("skipped", Some(reason)),
            ExecutionStatus::Error { reason } => ("error", Some(reason)),
        };
        let ran = runs.ran();
        let sum = |of: fn(&ExecutionSummary) -> u64| {
            (ran > 0).then(|| summaries.iter().map(of).fold(0_u64, u64::saturating_add))
        };
        let (network, spawns, files) =
            (sum(|one| one.network_attempts), sum(|one| one.spawn_attempts), sum(|one| one.files_written));
        let entry_points = runs.runs.iter().zip(summaries).map(|(run, execution)| EntryPointExecution {
            command: run.command.clone(),
            target: run.target.clone(),
            arguments: arguments.iter().map(|one| (*one).to_owned()).collect(),
            execution,
        });
        Self {
            status: status.to_owned(),
            reason,
            // The order of the tiers is that of their strength, strongest first.
            sandbox_tier: runs.runs.iter().filter_map(|run| run.execution.tier).max(),
            analyzed_at: runs.at,
            entry_points_declared: runs.declared,
            entry_points_not_run: runs.declared.map(|declared| declared.saturating_sub(ran as u64)),
            entry_points: entry_points.collect(),
            network_attempts: network,
            spawn_attempts: spawns,
            files_written: files,
            dependencies_laid_out: runs.laid_out,
            not_laid_out: runs.missing.clone(),
        }
    }

    /// Whether nothing at all was taken on, because something stood in the way: not even what is declared was looked at.
    pub fn was_prevented(&self) -> bool {
        self.entry_points_declared.is_none()
    }
}
