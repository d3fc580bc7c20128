//! Second panel: assume an attacker. Which single story do the facts tell together?

use std::collections::BTreeSet;

use sigma_core::{Ballot, Category, Confidence, Dossier, Finding, Phase, Reach, Reason, SecurityLevel, Severity};

use crate::Validator;
use crate::reasons::{ballot, cite, level_of, state};

/// Looks at the package as a whole, across files and distributions, and asks for a trigger as well as a payload.
///
/// - A CRITICAL fact whose code runs by itself (install, import, entry point) is a complete story: BLOCKED.
/// - A CRITICAL fact that nothing in the package runs is half a story: CAUTION, unless a serious signal of another
///   kind runs by itself. The first panel asks for BLOCKED there, so the round escalates to a person: this is what
///   security tools that carry their payloads on purpose look like.
/// - Serious signals of two kinds in code that runs by itself are CAUTION; of three kinds, BLOCKED, even when none is
///   CRITICAL alone.
pub struct Adversary;

impl Validator for Adversary {
    fn id(&self) -> &'static str {
        "adversary"
    }

    fn phase(&self) -> Phase {
        Phase::Two
    }

    fn vote(&self, dossier: &Dossier) -> Ballot {
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
        let combined = match signals.len() {
            0 | 1 => None,
            2 => Some(SecurityLevel::Caution),
            _ => Some(SecurityLevel::Blocked),
        };
        if let Some(level) = combined {
            let kinds: Vec<String> = signals.iter().map(|kind| format!("{kind:?}").to_lowercase()).collect();
            let message = format!(
                "serious signals of {} kinds in code that runs without being called: {}",
                kinds.len(),
                kinds.join(", ")
            );
            reasons.push(state(level, "signals-combine", message));
        }
        ballot(self.id(), self.phase(), reasons)
    }
}

/// Code that runs at installation or import, before anybody decided to use the package.
fn runs_unasked(finding: &Finding) -> bool {
    matches!(finding.reach, Reach::Install | Reach::Import)
}
