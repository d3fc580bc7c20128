//! Second panel: what could not be seen?

use sigma_core::{Dossier, Phase, Reason};

use crate::Validator;
use crate::reasons::gaps;

/// Judges gaps: native code, unreadable parts, files that do not parse.
pub struct Coverage;

impl Validator<Dossier> for Coverage {
    fn id(&self) -> &'static str {
        "coverage"
    }

    fn phase(&self) -> Phase {
        Phase::Two
    }

    fn reasons(&self, dossier: &Dossier) -> Option<Vec<Reason>> {
        Some(dossier.report.distributions.iter().flat_map(gaps).collect())
    }
}
