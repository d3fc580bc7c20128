//! Second panel: assume an attacker. Which single story do the parts tell together?

use std::collections::BTreeSet;

use sigma_core::{Category, CodeDossier, Confidence, Finding, Phase, Reach, Reason, SecurityLevel, Severity};

use super::execution::harm;
use super::finding::{Lens, is_dead, is_skill, lens, point, steers};
use super::manifest::undeclared;
use super::packages::blocked_close;
use crate::Validator;
use crate::reasons::{combined, level_of, state, story};

/// Looks at the submission as a whole.
///
/// - A CRITICAL finding is a complete story where something triggers it. Where nothing is seen to reach it, an attacker is
///   assumed to have hidden the trigger: BLOCKED here and CAUTION in the first panel, so that a person looks.
/// - Serious signals of two kinds in one file are BLOCKED, dead or alive; of two kinds in different files that run
///   CAUTION, of three BLOCKED.
/// - Text that steers a model is BLOCKED where it is HIGH in SKILL.md, and wherever it comes with a manifest that does not
///   match or a run that does harm. The first panel asks for CAUTION there: the round escalates.
/// - What the run proves, and blocked packages close by, are BLOCKED as in the first panel.
pub struct Adversary;

impl Validator<CodeDossier> for Adversary {
    fn id(&self) -> &'static str {
        "adversary"
    }

    fn phase(&self) -> Phase {
        Phase::Two
    }

    fn reasons(&self, dossier: &CodeDossier) -> Option<Vec<Reason>> {
        let report = &dossier.preprocess.report;
        let signals: BTreeSet<Category> = report
            .findings
            .iter()
            .filter(|one| one.severity >= Severity::High && one.reach > Reach::Test && !is_dead(one))
            .filter(|one| matches!(lens(one), Lens::Behaviour | Lens::Concealment))
            .map(|one| one.category)
            .collect();
        let mut reasons: Vec<Reason> = report
            .findings
            .iter()
            .map(|finding| point(dossier, finding, suspect(finding, &signals)))
            .filter(|reason| reason.level > SecurityLevel::Clear)
            .collect();
        reasons.extend(story(report.findings.iter().map(|finding| (report, finding))));
        reasons.extend(combined(&signals));
        reasons.extend(steered(dossier));
        reasons.extend(dossier.execution.iter().flat_map(harm));
        reasons.extend(blocked_close(dossier));
        Some(reasons)
    }
}

/// The level of one finding to somebody who expects an attack.
fn suspect(finding: &Finding, signals: &BTreeSet<Category>) -> SecurityLevel {
    if lens(finding) == Lens::Injection {
        let orders = finding.severity == Severity::High && is_skill(&finding.file);
        return if orders { SecurityLevel::Blocked } else { steers(finding) };
    }
    let triggered = finding.reach >= Reach::EntryPoint
        || finding.reached.is_some()
        || (finding.reach == Reach::Call && finding.confidence == Confidence::High)
        || signals.iter().any(|kind| *kind != finding.category);
    match level_of(finding) {
        SecurityLevel::Blocked if !triggered => SecurityLevel::Caution,
        SecurityLevel::Caution if is_dead(finding) => SecurityLevel::Monitored,
        level => level,
    }
}

/// Text that steers a model, together with something that it may be there to cover.
fn steered(dossier: &CodeDossier) -> Option<Reason> {
    let findings = &dossier.preprocess.report.findings;
    let text = findings.iter().find(|one| lens(one) == Lens::Injection && steers(one) > SecurityLevel::Clear);
    let told = dossier.note.as_ref().is_some_and(|note| !note.screened.is_empty());
    let place = match text {
        Some(finding) => format!("{}:{}", finding.file, finding.line),
        None if told => "the developer's note".to_owned(),
        None => return None,
    };
    let mismatch = undeclared(dossier).into_iter().find(|reason| reason.level > SecurityLevel::Clear);
    let harm = || {
        let harm = dossier.execution.iter().flat_map(harm);
        harm.max_by_key(|reason| reason.level).filter(|reason| reason.level >= SecurityLevel::Caution)
    };
    let (code, other) = match mismatch {
        Some(reason) => ("injection-and-mismatch", reason),
        None => ("injection-and-harm", harm()?),
    };
    let message = format!("{place} tries to steer a model, and the submission {}", other.message);
    Some(state(SecurityLevel::Blocked, code, message))
}
