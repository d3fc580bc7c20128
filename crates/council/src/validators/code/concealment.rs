//! First panel: what hides itself.

use sigma_core::{CodeDossier, Phase, Reason};

use super::finding::{Lens, of_lens};
use crate::Validator;

/// Judges obfuscation, odd archives and disguised binaries.
pub struct Concealment;

impl Validator<CodeDossier> for Concealment {
    fn id(&self) -> &'static str {
        "concealment"
    }

    fn phase(&self) -> Phase {
        Phase::One
    }

    fn reasons(&self, dossier: &CodeDossier) -> Option<Vec<Reason>> {
        Some(of_lens(dossier, Lens::Concealment))
    }
}
