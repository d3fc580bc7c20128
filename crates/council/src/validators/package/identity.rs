//! First panel: is this the package it claims to be, and does its ecosystem stand by it?

use sigma_core::{Category, Dossier, Phase, Reason, SecurityLevel};

use crate::Validator;
use crate::reasons::{cite, level_of, state};

/// Judges names, attestations, yanked and deprecated releases, and malware advisories.
pub struct Identity;

impl Validator<Dossier> for Identity {
    fn id(&self) -> &'static str {
        "identity"
    }

    fn phase(&self) -> Phase {
        Phase::One
    }

    fn reasons(&self, dossier: &Dossier) -> Option<Vec<Reason>> {
        let lens = |category| matches!(category, Category::Identity | Category::Integrity);
        let findings = dossier.report.findings().filter(|(_, finding)| lens(finding.category));
        let mut reasons: Vec<_> =
            findings.map(|(distribution, finding)| cite(distribution, finding, level_of(finding))).collect();
        if let Some(why) = &dossier.release.yanked {
            let because = if why.is_empty() { String::new() } else { format!(": {}", sigma_core::printable(why, 200)) };
            reasons.push(state(
                SecurityLevel::Monitored,
                "release-yanked",
                format!("its maintainers yanked this release{because}"),
            ));
        }
        reasons.extend(crate::origin::invalid(dossier));
        reasons.extend(malware_advisories(dossier));
        Some(reasons)
    }
}

/// `MAL-` ids are OSV's for malicious packages. Other advisories are context: they are shown beside the council's
/// verdict and do not replace it.
pub(super) fn malware_advisories(dossier: &Dossier) -> Vec<Reason> {
    let listed = dossier.advisories.listed().unwrap_or_default();
    listed
        .iter()
        .filter(|advisory| advisory.id.starts_with("MAL-") || advisory.aliases.iter().any(|id| id.starts_with("MAL-")))
        .map(|advisory| {
            let message = format!("the ecosystem lists this version as malicious: {}", advisory.title);
            state(SecurityLevel::Blocked, "malware-advisory", format!("{message} ({})", advisory.id))
        })
        .collect()
}
