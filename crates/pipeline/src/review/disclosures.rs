//! What a certificate of a submission has to say about what was not examined.

use sigma_core::{ExecutionStatus, ModelHarness};

use super::Examination;

impl Examination {
    /// What was not examined, in sentences that end in a full stop.
    pub fn not_examined(&self) -> Vec<String> {
        let dossier = &self.dossier;
        let preprocess = &dossier.preprocess;
        let category = dossier.category;
        let mut lines = Vec::new();
        if let Some((_, local)) = preprocess.ruleset.split_once('+') {
            lines.push(format!(
                "Rules of the operator ran beside the built-in ones ({local}): to repeat this, they are needed."
            ));
        }
        for skipped in &preprocess.report.coverage.skipped {
            lines.push(format!("{} was not read in full: {}.", skipped.path, skipped.detail));
        }
        if category.has_code() && !category.has_packages() && !preprocess.undeclared_imports.is_empty() {
            let names: Vec<&str> = preprocess.undeclared_imports.iter().map(String::as_str).take(20).collect();
            lines.push(format!(
                "The supply chain was not reviewed: the code imports packages of others ({}).",
                names.join(", ")
            ));
        }
        match &dossier.execution {
            None => lines.push("Nothing was run: the category has no code.".to_owned()),
            Some(execution) => match &execution.status {
                ExecutionStatus::Completed => {
                    let all = execution.functions_total.map_or_else(String::new, |total| format!(" of {total}"));
                    lines.push(format!(
                        "The run reached {}{all} functions; what it did not reach was examined statically only.",
                        execution.functions_reached
                    ));
                    lines.push("The counts of the run are floors where a program hides what it does.".to_owned());
                    lines.extend(execution.harness.as_deref().map(harness));
                }
                ExecutionStatus::Skipped { reason } => lines.push(format!("The code was not run: {reason}.")),
                ExecutionStatus::Error { reason } => lines.push(format!("The code could not be run: {reason}.")),
            },
        }
        if let Some(packages) = &dossier.packages
            && packages.beyond > 0
        {
            lines.push(format!(
                "{} package(s) lie beyond the audited depth or cap and were not looked at.",
                packages.beyond
            ));
        }
        if dossier.note.is_some() {
            lines.push("The advisory note is the developer's claim; it changed nothing that was examined.".to_owned());
        }
        lines.extend(self.disclosures.iter().cloned());
        lines
    }
}

/// Which harness was used where a model was asked for one.
fn harness(harness: &ModelHarness) -> String {
    let model = &harness.author.model;
    match &harness.fallback {
        Some(why) => format!(
            "The model {model} was asked for a harness and wrote none that ran ({why}): only the generated one did."
        ),
        None => format!(
            "After the generated harness, one that the model {model} wrote was run; what it tried is told apart."
        ),
    }
}
