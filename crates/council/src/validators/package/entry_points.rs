//! What a package's commands did when they were asked for help. No seat of its own: both panels take it into account.

use sigma_core::{Dossier, EntryPointRun, Execution, ExecutionStatus, Reason, SecurityLevel, printable};

use crate::reasons::state;
use crate::validators::code::{destinations, harm, list};

/// How the sandbox says that all variables were listed.
const WHOLE_ENVIRONMENT: &str = "the whole environment";

/// What the runs hold against the package; nothing where no runs were asked for.
///
/// | what was seen | level |
/// | --- | --- |
/// | a risk flag CRITICAL (a mock secret that was about to leave) | BLOCKED |
/// | a risk flag HIGH; mock secrets read by name together with an attempt to reach a host | CAUTION |
/// | a risk flag MEDIUM (any host that was to be reached); mock secrets read by name | MONITORED |
/// | not run | CLEAR: said in the disclosures, and no fault of the package |
pub fn reasons(dossier: &Dossier) -> Vec<Reason> {
    let Some(runs) = &dossier.entry_points else { return Vec::new() };
    let mut reasons: Vec<Reason> = runs.runs.iter().flat_map(of_run).collect();
    if let ExecutionStatus::Skipped { reason } | ExecutionStatus::Error { reason } = runs.status() {
        let message = format!("commands were not run: {}", printable(&reason, 300));
        reasons.push(state(SecurityLevel::Clear, "entry-points-not-run", message));
    }
    reasons
}

fn of_run(run: &EntryPointRun) -> Vec<Reason> {
    let (ran, command) = (&run.execution, printable(&run.command, 100));
    let mut reasons = harm(ran);
    let read = secrets(ran);
    if !read.is_empty() {
        let reaches = destinations(ran);
        let what = format!("asked for help, `{command}` read mock secrets by name: {}", list(&read));
        reasons.push(match reaches.is_empty() {
            true => state(SecurityLevel::Monitored, "entry-point-reads-secrets", what),
            false => {
                let message = format!("{what}; and tried to reach {}", list(&reaches));
                state(SecurityLevel::Caution, "entry-point-reads-secrets-and-reaches-out", message)
            }
        });
    }
    for reason in &mut reasons {
        reason.location = Some(format!("{command} --help"));
    }
    reasons
}

/// Environment variables that hold mock secrets and were asked for by name. Files have a flag of their own, and who lists the
/// environment means none of it.
fn secrets(ran: &Execution) -> std::collections::BTreeSet<String> {
    let named = |name: &&String| !name.starts_with("~/") && *name != WHOLE_ENVIRONMENT;
    ran.canaries_read.iter().filter(named).cloned().collect()
}

#[cfg(test)]
mod tests {
    use sigma_core::*;

    use super::WHOLE_ENVIRONMENT;
    use crate::deliberate;

    fn check(runs: EntryPointRuns, expect: &str) {
        let dossier = Dossier { entry_points: Some(runs), ..crate::tests::dossier(vec![]) };
        let ruling = deliberate(&dossier);
        let codes: Vec<String> = ruling.warnings.iter().map(|one| format!(" {}", one.code)).collect();
        assert_eq!(format!("{} {}{}", ruling.verdict.as_str(), ruling.level, codes.concat()), expect, "{ruling:#?}");
    }

    fn ran(change: impl FnOnce(&mut Execution)) -> EntryPointRuns {
        let mut execution = Execution { status: ExecutionStatus::Completed, ..Execution::skipped("") };
        change(&mut execution);
        let run = EntryPointRun { command: "demo".to_owned(), target: "demo:main".to_owned(), execution };
        let empty = EntryPointRuns::skipped(String::new(), Timestamp::from_millis(0));
        EntryPointRuns { obstacle: None, runs: vec![run], declared: Some(1), ..empty }
    }

    fn flag(severity: Severity, code: &str) -> RiskFlag {
        RiskFlag { severity, code: code.to_owned(), message: "it did".to_owned() }
    }

    fn host(name: &str) -> Bounded<NetworkAttempt> {
        let (destination, host) = (Some("192.0.2.1:443".to_owned()), Some(name.to_owned()));
        Bounded { total: 1, listed: vec![NetworkAttempt { protocol: "tcp".to_owned(), destination, host, count: 1 }] }
    }

    #[test]
    fn what_commands_do_counts_for_both_panels() {
        check(ran(|_| ()), "APPROVED CLEAR");
        check(EntryPointRuns::skipped("no sandbox".to_owned(), Timestamp::from_millis(0)), "APPROVED CLEAR");
        let leak = flag(Severity::Critical, "canary-leaked");
        check(ran(|run| run.flags = vec![leak]), "REJECTED BLOCKED execution/canary-leaked");
        let read = flag(Severity::High, "credential-file-read");
        check(ran(|run| run.flags = vec![read]), "APPROVED CAUTION execution/credential-file-read");
        let reach = flag(Severity::Medium, "network-undeclared");
        check(ran(|run| run.flags = vec![reach]), "APPROVED MONITORED execution/network-undeclared");
        let secret = |run: &mut Execution| run.canaries_read = ["AWS_SECRET_ACCESS_KEY".to_owned()].into();
        check(ran(secret), "APPROVED MONITORED entry-point-reads-secrets");
        let both = |run: &mut Execution| {
            secret(run);
            run.network = host("collect.example.org");
        };
        check(ran(both), "APPROVED CAUTION entry-point-reads-secrets-and-reaches-out");
        check(
            ran(|run| run.canaries_read = [WHOLE_ENVIRONMENT.to_owned(), "~/.netrc".to_owned()].into()),
            "APPROVED CLEAR",
        );
    }
}
