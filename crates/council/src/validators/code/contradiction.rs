//! Second panel: do the source and the run tell the same story?

use sigma_core::{
    Capability, CodeDossier, Execution as Ran, ExecutionStatus, Phase, Reach, Reason, SecurityLevel, Severity,
};

use super::execution::destinations;
use super::finding::is_dead;
use super::list;
use crate::Validator;
use crate::reasons::state;

/// Lays the static facts beside the recorded run. Abstains where nothing ran: the first panel says so.
pub struct Contradiction;

/// Rules that find code which waits for something before it acts, or which looks whether it is being watched.
const EVADERS: [&str; 3] = ["sandbox-check", "logic-bomb", "targeting"];

impl Validator<CodeDossier> for Contradiction {
    fn id(&self) -> &'static str {
        "contradiction"
    }

    fn phase(&self) -> Phase {
        Phase::Two
    }

    fn reasons(&self, dossier: &CodeDossier) -> Option<Vec<Reason>> {
        let ran = dossier.execution.as_ref().filter(|ran| ran.status == ExecutionStatus::Completed)?;
        let network = ran.network.total > 0;
        let away = list(destinations(ran));
        let programs = list(ran.spawns.listed.iter().map(|one| &one.program));
        let mut reasons = Vec::new();
        reasons.extend(compare(dossier, "network", &[Capability::NetworkClient], network, &away));
        let processes = [Capability::Process, Capability::Shell];
        reasons.extend(compare(dossier, "process", &processes, ran.spawns.total > 0, &programs));
        let secrets = [Capability::Credentials, Capability::Environment, Capability::FileRead];
        if !ran.canaries_read.is_empty() && !able(dossier, &secrets) {
            let read = list(&ran.canaries_read);
            reasons.push(unseen(dossier, "secrets", &format!("read mock secrets ({read})")));
        }
        reasons.extend(evasion(dossier, ran));
        Some(reasons)
    }
}

fn able(dossier: &CodeDossier, capabilities: &[Capability]) -> bool {
    capabilities.iter().any(|one| dossier.preprocess.report.capabilities.contains(one))
}

fn compare(
    dossier: &CodeDossier,
    what: &str,
    capabilities: &[Capability],
    happened: bool,
    seen: &str,
) -> Option<Reason> {
    let reached = dossier.preprocess.report.findings.iter().any(|finding| {
        finding.capability.is_some_and(|one| capabilities.contains(&one))
            && finding.reached == Some(true)
            && finding.reach > Reach::Test
    });
    match (reached, happened) {
        (true, false) => {
            let message = format!("the entry point reaches code with the ability {what}, and the run never showed it");
            Some(state(SecurityLevel::Monitored, &format!("not-exercised-{what}"), message))
        }
        // Only talk among its own processes leaves nothing to name.
        (_, true) if !able(dossier, capabilities) && !seen.is_empty() => {
            Some(unseen(dossier, what, &format!("showed the ability {what} ({seen})")))
        }
        _ => None,
    }
}

/// What a run did and the source is not able to do. Dependencies may have done it; where there are none, code is hidden.
fn unseen(dossier: &CodeDossier, what: &str, deed: &str) -> Reason {
    let (level, whose) = match dossier.preprocess.dependencies_pinned {
        Some(_) => (SecurityLevel::Monitored, "a dependency may have done it"),
        None => (SecurityLevel::Caution, "no dependency is declared"),
    };
    let message = format!("the run {deed}, which the source does not show; {whose}");
    state(level, &format!("unseen-in-source-{what}"), message)
}

/// A quiet run proves nothing about code that looks whether it is watched.
fn evasion(dossier: &CodeDossier, ran: &Ran) -> Option<Reason> {
    if ran.flags.iter().any(|flag| flag.severity >= Severity::High) {
        return None;
    }
    let evader = dossier.preprocess.report.findings.iter().find(|finding| {
        EVADERS.contains(&finding.rule.as_str())
            && finding.severity >= Severity::Medium
            && finding.reach > Reach::Test
            && !is_dead(finding)
    })?;
    let message = format!("the run was quiet, and the code shows {} in {}", evader.rule, evader.file);
    Some(state(SecurityLevel::Caution, "run-may-be-evaded", message))
}
