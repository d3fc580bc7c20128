//! First panel: what the code does, and when.

use sigma_core::{CodeDossier, Phase, Reason, SecurityLevel};

use super::finding::{Lens, is_dead, of_lens};
use super::list;
use crate::Validator;
use crate::reasons::{state, story};

/// Judges processes, network, credentials, files, code made at run time and code that runs at installation.
pub struct Behaviour;

impl Validator<CodeDossier> for Behaviour {
    fn id(&self) -> &'static str {
        "behaviour"
    }

    fn phase(&self) -> Phase {
        Phase::One
    }

    fn reasons(&self, dossier: &CodeDossier) -> Option<Vec<Reason>> {
        let report = &dossier.preprocess.report;
        let mut reasons = of_lens(dossier, Lens::Behaviour);
        reasons.extend(story(report.findings.iter().filter(|one| !is_dead(one)).map(|one| (report, one))));
        if !report.install_hooks.is_empty() {
            let message = format!("installing the submission runs code: {}", list(&report.install_hooks));
            reasons.push(state(SecurityLevel::Monitored, "runs-at-installation", message));
        }
        Some(reasons)
    }
}
