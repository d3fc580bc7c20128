//! What the commands of a package did when they were started in isolation and asked for help.

use serde::{Deserialize, Serialize};

use crate::{Execution, ExecutionStatus, Timestamp};

/// One command that a package declares, and what it did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EntryPointRun {
    /// What a user types, printable.
    pub command: String,
    /// What that starts, printable: `pkg.cli:main`, or a file of the package.
    pub target: String,
    /// The run; one that was skipped says why.
    pub execution: Execution,
}

/// The commands of a package, as far as they were run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EntryPointRuns {
    /// Why none of them was run; nothing where they were.
    pub obstacle: Option<String>,
    /// The first of them, by name. Empty where something stood in the way of all.
    pub runs: Vec<EntryPointRun>,
    /// How many the package declares; nothing where that was not looked at.
    pub declared: Option<u64>,
    /// Dependencies that were laid out for the runs.
    pub laid_out: u64,
    /// What could not be laid out, in sentences without a full stop.
    pub missing: Vec<String>,
    /// When they were run, or were to be.
    pub at: Timestamp,
}

impl EntryPointRuns {
    /// Nothing was run, and why.
    pub fn skipped(obstacle: String, at: Timestamp) -> Self {
        Self { obstacle: Some(obstacle), runs: Vec::new(), declared: None, laid_out: 0, missing: Vec::new(), at }
    }

    /// The whole in one word: an error before what was skipped, and what was skipped before what was completed, so that
    /// `completed` never stands for commands that were not run.
    pub fn status(&self) -> ExecutionStatus {
        if let Some(reason) = &self.obstacle {
            return ExecutionStatus::Skipped { reason: reason.clone() };
        }
        let first = |wanted: fn(&ExecutionStatus) -> bool| {
            self.runs.iter().find(|run| wanted(&run.execution.status)).map(|run| {
                let why = match &run.execution.status {
                    ExecutionStatus::Skipped { reason } | ExecutionStatus::Error { reason } => reason.as_str(),
                    ExecutionStatus::Completed => "",
                };
                format!("{}: {why}", run.command)
            })
        };
        if let Some(reason) = first(|status| matches!(status, ExecutionStatus::Error { .. })) {
            return ExecutionStatus::Error { reason };
        }
        match first(|status| matches!(status, ExecutionStatus::Skipped { .. })) {
            Some(reason) => ExecutionStatus::Skipped { reason },
            None if self.runs.is_empty() => ExecutionStatus::Skipped { reason: "it declares no commands".to_owned() },
            None => ExecutionStatus::Completed,
        }
    }

    /// Commands that ran, to whatever end.
    pub fn ran(&self) -> usize {
        self.runs.iter().filter(|run| run.execution.status == ExecutionStatus::Completed).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_of_the_runs_names_the_whole() {
        let run = |name: &str, execution: Execution| EntryPointRun {
            command: name.to_owned(),
            target: "demo:main".to_owned(),
            execution,
        };
        let done = || Execution { status: ExecutionStatus::Completed, ..Execution::skipped("") };
        let check = |runs: Vec<EntryPointRun>, expect: ExecutionStatus, ran: usize| {
            let all = EntryPointRuns {
                runs,
                obstacle: None,
                ..EntryPointRuns::skipped(String::new(), Timestamp::from_millis(0))
            };
            assert_eq!((all.status(), all.ran()), (expect, ran));
        };
        let (skipped, error) = (Execution::skipped("no node"), Execution::failed("no supervisor"));
        check(vec![run("a", done())], ExecutionStatus::Completed, 1);
        let reason = "b: no node".to_owned();
        check(vec![run("a", done()), run("b", skipped.clone())], ExecutionStatus::Skipped { reason }, 1);
        let reason = "c: no supervisor".to_owned();
        check(vec![run("b", skipped), run("c", error)], ExecutionStatus::Error { reason }, 0);
        check(vec![], ExecutionStatus::Skipped { reason: "it declares no commands".to_owned() }, 0);
    }
}
