//! The package's name looks like a well-known one.

use sigma_core::{Category, Confidence, Severity};

use crate::report::Distribution;
use crate::rules::{Check, Hits, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "lookalike-name",
    category: Category::Identity,
    capability: None,
    severity: Severity::Low,
    message: "The package's name looks like that of a well-known one.",
    why: "Whoever mistypes the name of a well-known package, or reads a new one hastily, installs this one instead. Most \
          malicious packages wait for that.",
    false_positives: "Good names are short, so honest neighbours of well-known ones are many. It never asks for more than \
                      MONITORED on its own; other rules take it as one half of a combination.",
    example: include_str!("lookalike_name/hit-swapped.txtar"),
    check: Check::Distribution(check),
};

fn check(distribution: &Distribution<'_>, hits: &mut Hits<'_>) {
    let Some((package, lookalike)) = distribution.package().zip(distribution.lookalike()) else { return };
    let hit = hits.hit(lookalike.known).confidence(Confidence::Medium);
    let severity = if lookalike.close { Severity::Medium } else { Severity::Low };
    let message = format!(
        "The package's name, {}, differs from the well-known {} in {}.",
        package.name(),
        lookalike.known,
        lookalike.how
    );
    hits.push(hit.severity(severity).message(message));
}
