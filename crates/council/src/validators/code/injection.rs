//! First panel: what is said to models, those that use the skill and those that review it.

use sigma_core::{CodeDossier, Phase, Reason, SecurityLevel};

use super::finding::{Lens, of_lens};
use super::list;
use crate::Validator;
use crate::reasons::state;

/// Judges text that steers a model, hidden text in documents, and a note that instructs its reviewer.
pub struct Injection;

impl Validator<CodeDossier> for Injection {
    fn id(&self) -> &'static str {
        "injection"
    }

    fn phase(&self) -> Phase {
        Phase::One
    }

    fn reasons(&self, dossier: &CodeDossier) -> Option<Vec<Reason>> {
        let mut reasons = of_lens(dossier, Lens::Injection);
        if let Some(note) = dossier.note.as_ref().filter(|note| !note.screened.is_empty()) {
            let message = format!("the developer's note speaks to its reviewer: {}", list(&note.screened));
            reasons.push(state(SecurityLevel::Caution, "note-instructs-the-reviewer", message));
        }
        Some(reasons)
    }
}
