//! What a certificate says in words about what was and was not executed of a package.

use sigma_core::{EntryPointRuns, ExecutionStatus};

/// The sentences, each with a full stop.
pub(crate) fn executed(runs: Option<&EntryPointRuns>) -> Vec<String> {
    let Some(runs) = runs else { return vec!["The analysis is static: the package was not executed.".to_owned()] };
    if let Some(obstacle) = &runs.obstacle {
        return vec![format!(
            "The analysis is static: the package's commands were to be run and were not: {obstacle}."
        )];
    }
    if runs.runs.is_empty() {
        return vec!["The analysis is static: the package declares no commands that could be run.".to_owned()];
    }
    let (ran, declared) = (runs.ran() as u64, runs.declared.unwrap_or(runs.runs.len() as u64));
    let mut lines = vec![match ran {
        0 => format!("The analysis is static: of {declared} command(s) none was run."),
        _ => format!(
            "Of the package, {ran} of {declared} command(s) were run in isolation with --help, and nothing else was executed."
        ),
    }];
    for run in &runs.runs {
        if let ExecutionStatus::Skipped { reason } | ExecutionStatus::Error { reason } = &run.execution.status {
            lines.push(format!("The command {} was not run: {reason}.", run.command));
        }
    }
    let beyond = declared.saturating_sub(runs.runs.len() as u64);
    if beyond > 0 {
        lines.push(format!("{beyond} further command(s) were not run: only the first of them are."));
    }
    lines.extend(runs.missing.iter().map(|missing| format!("For the runs, {missing}.")));
    lines
}

#[cfg(test)]
mod tests {
    use sigma_core::{EntryPointRun, Execution, Timestamp};

    use super::*;

    #[test]
    fn what_was_not_run_never_reads_as_what_did_nothing() {
        let at = Timestamp::from_millis(0);
        let run = |command: &str, execution| EntryPointRun {
            command: command.to_owned(),
            target: "demo:main".to_owned(),
            execution,
        };
        let done = Execution { status: ExecutionStatus::Completed, ..Execution::skipped("") };
        let check = |runs: Option<EntryPointRuns>, expect: &[&str]| assert_eq!(executed(runs.as_ref()), expect);
        check(None, &["The analysis is static: the package was not executed."]);
        check(
            Some(EntryPointRuns::skipped("its dependency pypi:x@1 is BLOCKED".to_owned(), at)),
            &[
                "The analysis is static: the package's commands were to be run and were not: its dependency pypi:x@1 is BLOCKED.",
            ],
        );
        let all = EntryPointRuns {
            obstacle: None,
            declared: Some(4),
            runs: vec![run("a", done), run("b", Execution::skipped("it is no text"))],
            missing: vec!["pypi:x@1: it has no wheel".to_owned()],
            ..EntryPointRuns::skipped(String::new(), at)
        };
        check(
            Some(all.clone()),
            &[
                "Of the package, 1 of 4 command(s) were run in isolation with --help, and nothing else was executed.",
                "The command b was not run: it is no text.",
                "2 further command(s) were not run: only the first of them are.",
                "For the runs, pypi:x@1: it has no wheel.",
            ],
        );
        let none = EntryPointRuns { runs: all.runs[1..].to_vec(), declared: Some(1), missing: vec![], ..all };
        check(
            Some(none),
            &["The analysis is static: of 1 command(s) none was run.", "The command b was not run: it is no text."],
        );
    }
}
