//! Second panel: what could not be seen?

use sigma_core::{Ballot, Dossier, Phase, SecurityLevel};

use crate::Validator;
use crate::reasons::{ballot, state};

/// Judges gaps: native code, unreadable parts, files that do not parse.
pub struct Coverage;

impl Validator for Coverage {
    fn id(&self) -> &'static str {
        "coverage"
    }

    fn phase(&self) -> Phase {
        Phase::Two
    }

    fn vote(&self, dossier: &Dossier) -> Ballot {
        let mut reasons = Vec::new();
        for distribution in &dossier.report.distributions {
            let (name, coverage) = (&distribution.filename, &distribution.coverage);
            if !coverage.binaries.is_empty() {
                let first = &coverage.binaries[0];
                let message = format!(
                    "{name} contains {} compiled file(s) that are flagged and not decompiled, for example {}",
                    coverage.binaries.len(),
                    sigma_core::printable(&first.path, 120)
                );
                reasons.push(state(SecurityLevel::Monitored, "native-code-not-analysed", message));
            }
            if coverage.has_gaps() {
                let gaps = coverage.skipped_total;
                let example = coverage.skipped.first().map_or(String::new(), |skipped| {
                    format!(", for example {}: {}", sigma_core::printable(&skipped.path, 120), skipped.detail)
                });
                let message = format!("{gaps} place(s) in {name} were not read{example}");
                reasons.push(state(SecurityLevel::Monitored, "analysis-has-gaps", message));
            }
            // A few files in another dialect are ordinary (Python 2 leftovers, templates); a package whose code mostly
            // does not parse was not analysed in any useful sense.
            if coverage.source_files > 0 && coverage.token_scanned * 2 > coverage.source_files {
                let message = format!(
                    "{} of {} source files in {name} do not parse and were read by a token scan only",
                    coverage.token_scanned, coverage.source_files
                );
                reasons.push(state(SecurityLevel::Monitored, "mostly-unparsed", message));
            }
        }
        ballot(self.id(), self.phase(), reasons)
    }
}
