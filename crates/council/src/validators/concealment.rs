//! First panel: what hides itself.

use sigma_core::{Ballot, Category, Dossier, Phase};

use crate::Validator;
use crate::reasons::{ballot, cite, level_of};

/// Judges obfuscation, odd archives, disguised binaries and embedded secrets.
pub struct Concealment;

impl Validator for Concealment {
    fn id(&self) -> &'static str {
        "concealment"
    }

    fn phase(&self) -> Phase {
        Phase::One
    }

    fn vote(&self, dossier: &Dossier) -> Ballot {
        let lens = |category| {
            matches!(category, Category::Obfuscation | Category::Archive | Category::Binary | Category::Secret)
        };
        let findings = dossier.report.findings().filter(|(_, finding)| lens(finding.category));
        let reasons = findings.map(|(distribution, finding)| cite(distribution, finding, level_of(finding)));
        ballot(self.id(), self.phase(), reasons.collect())
    }
}
