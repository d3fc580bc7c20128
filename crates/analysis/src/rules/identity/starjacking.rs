//! The package calls the repository of another project its own.

use sigma_core::{Category, Confidence, Severity};

use crate::report::Distribution;
use crate::rules::{Check, Hits, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "starjacking",
    category: Category::Identity,
    capability: None,
    severity: Severity::Low,
    message: "The package calls the repository of a well-known project its own.",
    why: "Registries show the stars of the repository that the metadata names, and nobody checks that it is the package's. \
          A new package looks as if thousands used it.",
    false_positives: "Packages made from a template keep its address, and plug-ins name the project they serve. A name that \
                      shares a word with the project is left out; MEDIUM only where the name also looks like the project's.",
    example: include_str!("starjacking/hit-pypi.txtar"),
    check: Check::Distribution(check),
};

fn check(distribution: &Distribution<'_>, hits: &mut Hits<'_>) {
    let Some((file, project)) = distribution.claims_repository_of() else { return };
    let same = distribution.lookalike().is_some_and(|lookalike| lookalike.known == project.package);
    let hit = hits.hit(project.repository).file(file).confidence(Confidence::Medium);
    let message = format!("The package calls the repository of {} its own.", project.package);
    let severity = if same { Severity::Medium } else { Severity::Low };
    hits.push(hit.severity(severity).message(message));
}
