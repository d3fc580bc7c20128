//! First panel: what the code does, and when.

use sigma_core::{Ballot, Category, Dossier, Phase};

use crate::Validator;
use crate::reasons::{ballot, cite, level_of};

/// Judges processes, network, credentials, files and code made at run time.
pub struct Behaviour;

impl Validator for Behaviour {
    fn id(&self) -> &'static str {
        "behaviour"
    }

    fn phase(&self) -> Phase {
        Phase::One
    }

    fn vote(&self, dossier: &Dossier) -> Ballot {
        let lens = |category| {
            matches!(
                category,
                Category::Process
                    | Category::Network
                    | Category::Credential
                    | Category::Filesystem
                    | Category::DynamicCode
                    | Category::InstallHook
            )
        };
        let findings = dossier.report.findings().filter(|(_, finding)| lens(finding.category));
        let reasons = findings.map(|(distribution, finding)| cite(distribution, finding, level_of(finding)));
        ballot(self.id(), self.phase(), reasons.collect())
    }
}
