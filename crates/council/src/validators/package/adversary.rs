//! Second panel: assume an attacker. Which single story do the facts tell together?

use std::collections::BTreeSet;

use sigma_core::{Category, Confidence, Dossier, Finding, Phase, Reach, Reason, SecurityLevel, Severity};

use crate::Validator;
use crate::reasons::{cite, combined, level_of, story};

/// Looks at the package as a whole, across files and distributions, and asks for a trigger as well as a payload.
///
/// - A CRITICAL fact whose code runs by itself (install, import, entry point) is a complete story: BLOCKED.
/// - So is a CRITICAL fact in a function that nothing in the package calls, when the rule resolved it completely: whoever
///   uses the package calls it. Where it did not, the fact is half a story: CAUTION, unless a serious signal of another
///   kind runs by itself. The first panel asks for BLOCKED there, so the round escalates to a person.
/// - Serious signals of two kinds in one file are BLOCKED, and the first panel says so too.
/// - In different files, serious signals of two kinds in code that runs by itself are CAUTION; of three kinds, BLOCKED,
///   even when none is CRITICAL alone.
pub struct Adversary;

impl Validator<Dossier> for Adversary {
    fn id(&self) -> &'static str {
        "adversary"
    }

    fn phase(&self) -> Phase {
        Phase::Two
    }

    fn reasons(&self, dossier: &Dossier) -> Option<Vec<Reason>> {
        let signals: BTreeSet<Category> = dossier
            .report
            .findings()
            .map(|(_, finding)| finding)
            .filter(|finding| runs_unasked(finding) && finding.severity >= Severity::High)
            .map(|finding| finding.category)
            .collect();
        let mut reasons: Vec<Reason> = dossier
            .report
            .findings()
            .filter_map(|(distribution, finding)| {
                let triggered = finding.reach >= Reach::EntryPoint
                    || (finding.reach == Reach::Call && finding.confidence == Confidence::High)
                    || signals.iter().any(|kind| *kind != finding.category);
                let level = match level_of(finding) {
                    SecurityLevel::Clear => return None,
                    SecurityLevel::Blocked if !triggered => SecurityLevel::Caution,
                    level => level,
                };
                Some(cite(distribution, finding, level))
            })
            .collect();
        reasons.extend(super::identity::malware_advisories(dossier));
        reasons.extend(story(dossier.report.findings()));
        reasons.extend(combined(&signals));
        reasons.extend(super::entry_points::reasons(dossier));
        Some(reasons)
    }
}

/// Code that runs at installation or import, before anybody decided to use the package.
fn runs_unasked(finding: &Finding) -> bool {
    matches!(finding.reach, Reach::Install | Reach::Import)
}
