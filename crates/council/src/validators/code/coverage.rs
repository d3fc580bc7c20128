//! Second panel: what could not be seen?

use sigma_core::{CodeDossier, Phase, Reason, SecurityLevel};

use super::list;
use crate::Validator;
use crate::reasons::{gaps, state};

/// Judges gaps: native code, unreadable parts, code of others that nobody reviewed, a start that nobody declared.
pub struct Coverage;

impl Validator<CodeDossier> for Coverage {
    fn id(&self) -> &'static str {
        "coverage"
    }

    fn phase(&self) -> Phase {
        Phase::Two
    }

    fn reasons(&self, dossier: &CodeDossier) -> Option<Vec<Reason>> {
        let first = &dossier.preprocess;
        let mut reasons = gaps(&first.report);
        if !first.undeclared_imports.is_empty() {
            let message = format!("modules of others that no manifest declares: {}", list(&first.undeclared_imports));
            reasons.push(state(SecurityLevel::Monitored, "undeclared-imports", message));
        }
        if !first.unused_packages.is_empty() {
            let message = format!("declared and not imported: {}", list(&first.unused_packages));
            reasons.push(state(SecurityLevel::Clear, "unused-packages", message));
        }
        if first.dependencies_pinned.is_some() && !dossier.category.has_packages() {
            let message = "dependencies are declared, and the category does not include their review".to_owned();
            reasons.push(state(SecurityLevel::Monitored, "dependencies-not-reviewed", message));
        }
        if first.dependencies_pinned == Some(false) {
            let message = "not every dependency is pinned to one exact version".to_owned();
            reasons.push(state(SecurityLevel::Clear, "dependencies-not-pinned", message));
        }
        if dossier.category.has_code() && first.entry.is_none() {
            let message = "no entry point is known, so that nothing tells which code runs".to_owned();
            reasons.push(state(SecurityLevel::Monitored, "no-entry-point", message));
        }
        if dossier.files.files.is_empty() {
            reasons.push(state(SecurityLevel::Caution, "nothing-reviewed", "no file was reviewed".to_owned()));
        }
        Some(reasons)
    }
}
