//! First panel: secrets that stand in the files, and that everybody can now use.

use sigma_core::{CodeDossier, Phase, Reason};

use super::finding::{Lens, of_lens};
use crate::Validator;

/// Judges embedded secrets.
pub struct Secrets;

impl Validator<CodeDossier> for Secrets {
    fn id(&self) -> &'static str {
        "secrets"
    }

    fn phase(&self) -> Phase {
        Phase::One
    }

    fn reasons(&self, dossier: &CodeDossier) -> Option<Vec<Reason>> {
        Some(of_lens(dossier, Lens::Secrets))
    }
}
