//! First panel: what stands behind the code.

use sigma_core::{CodeDossier, Depth, PackageFact, Phase, Reason, SecurityLevel};

use super::list;
use crate::Validator;
use crate::reasons::state;

/// Judges the dependencies by their own certificates.
pub struct Packages;

impl Validator<CodeDossier> for Packages {
    fn id(&self) -> &'static str {
        "packages"
    }

    fn phase(&self) -> Phase {
        Phase::One
    }

    fn reasons(&self, dossier: &CodeDossier) -> Option<Vec<Reason>> {
        if !dossier.category.has_packages() {
            return None;
        }
        let Some(facts) = &dossier.packages else {
            let message = "the category includes packages, and none were reviewed".to_owned();
            return Some(vec![state(SecurityLevel::Caution, "packages-not-reviewed", message)]);
        };
        let mut reasons = blocked_close(dossier);
        for package in facts.packages.iter().filter(|one| one.level == Some(SecurityLevel::Blocked) && !is_close(one)) {
            // Deeper than L1 a blocked package does not decide: depth, reputation and the rest weigh too.
            reasons.push(about(package, SecurityLevel::Caution, "package-blocked-deep", "is BLOCKED, as a deep one"));
        }
        for package in facts.packages.iter().filter(|one| one.level == Some(SecurityLevel::Caution)) {
            let level = if is_close(package) { SecurityLevel::Caution } else { SecurityLevel::Monitored };
            reasons.push(about(package, level, "package-caution", "is certified at CAUTION"));
        }
        let uncertified = |direct: bool| {
            let all = facts.packages.iter();
            all.filter(move |one| one.level.is_none() && (one.depth == Depth::Direct) == direct)
                .map(|one| {
                    format!("{} ({})", one.package, one.uncertified.as_deref().unwrap_or("no reason is recorded"))
                })
                .collect::<Vec<_>>()
        };
        for (direct, level, code) in [
            (true, SecurityLevel::Caution, "direct-packages-uncertified"),
            (false, SecurityLevel::Monitored, "transitive-packages-uncertified"),
        ] {
            let names = uncertified(direct);
            if !names.is_empty() {
                reasons.push(state(level, code, format!("{} without certificate: {}", names.len(), list(&names))));
            }
        }
        if facts.beyond > 0 {
            let message = format!("{} package(s) lie deeper or beyond the cap and were not looked at", facts.beyond);
            reasons.push(state(SecurityLevel::Monitored, "packages-beyond-the-cap", message));
        }
        Some(reasons)
    }
}

/// Blocked packages so close that they stop the submission.
pub fn blocked_close(dossier: &CodeDossier) -> Vec<Reason> {
    let all = dossier.packages.iter().flat_map(|facts| &facts.packages);
    all.filter(|one| one.level == Some(SecurityLevel::Blocked) && is_close(one))
        .map(|one| about(one, SecurityLevel::Blocked, "package-blocked", "is BLOCKED"))
        .collect()
}

fn is_close(package: &PackageFact) -> bool {
    package.depth <= Depth::TransitiveL1
}

/// The package is the location: each is a warning of its own.
fn about(package: &PackageFact, level: SecurityLevel, code: &str, what: &str) -> Reason {
    let name = sigma_core::printable(&package.package, 120);
    let because = package.warnings.first().map_or(String::new(), |first| format!(": {}", first.message));
    let message = format!("{name} ({}) {what}{because}", package.depth.as_str());
    Reason { location: Some(name), ..state(level, code, message) }
}
