//! The package describes another one.

use sigma_core::{Category, Confidence, Severity};

use crate::names::is_known;
use crate::report::Distribution;
use crate::rules::{Check, Hits, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "copied-description",
    category: Category::Identity,
    capability: None,
    severity: Severity::Low,
    message: "The description tells how to install a well-known package and never names this one.",
    why: "Whoever wants to be taken for a well-known package copies what that says of itself, often without reading it.",
    false_positives: "Forks that keep the description. LOW on its own; MEDIUM only where the name also looks like that of \
                      the package described.",
    example: include_str!("copied_description/hit.txtar"),
    check: Check::Distribution(check),
};

fn check(distribution: &Distribution<'_>, hits: &mut Hits<'_>) {
    let Some(package) = distribution.package() else { return };
    let own = package.name().as_str().to_lowercase().replace('_', "-");
    let own = own.rsplit('/').next().unwrap_or(&own);
    for described in &distribution.manifests.described {
        let other = described.installs.as_str();
        if described.text.contains(own) || !is_known(package.ecosystem(), other) {
            continue;
        }
        let same = distribution.lookalike().is_some_and(|lookalike| lookalike.known == other);
        let severity = if same { Severity::Medium } else { Severity::Low };
        let hit = hits.hit(other).file(described.file.clone()).confidence(Confidence::Medium).severity(severity);
        hits.push(hit.message(format!("The description tells how to install {other} and never names this package.")));
    }
}
