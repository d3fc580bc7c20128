//! The archive is not what ordinary tools write.

use sigma_core::{Category, Severity};

use crate::report::Distribution;
use crate::rules::{Check, Hits, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "archive-oddity",
    category: Category::Archive,
    capability: None,
    severity: Severity::Low,
    message: "The archive is not what ordinary tools write.",
    why: "",
    false_positives: "",
    example: "",
    check: Check::Distribution(check),
};

fn check(distribution: &Distribution<'_>, hits: &mut Hits<'_>) {
    for oddity in &distribution.oddities {
        let hit = hits.hit(&oddity.detail).file(oddity.path.clone());
        hits.push(hit.severity(oddity.severity).message(oddity.message));
    }
}
