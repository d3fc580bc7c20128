//! First panel: what hides itself.

use sigma_core::{Category, Dossier, Phase, Reason};

use crate::Validator;
use crate::reasons::{cite, level_of};

/// Judges obfuscation, odd archives, disguised binaries and embedded secrets.
pub struct Concealment;

impl Validator<Dossier> for Concealment {
    fn id(&self) -> &'static str {
        "concealment"
    }

    fn phase(&self) -> Phase {
        Phase::One
    }

    fn reasons(&self, dossier: &Dossier) -> Option<Vec<Reason>> {
        let lens = |category| {
            matches!(category, Category::Obfuscation | Category::Archive | Category::Binary | Category::Secret)
        };
        let findings = dossier.report.findings().filter(|(_, finding)| lens(finding.category));
        Some(findings.map(|(distribution, finding)| cite(distribution, finding, level_of(finding))).collect())
    }
}
