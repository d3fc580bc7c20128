//! A secret that works stands in the package.

use sigma_core::{Category, Confidence, Severity};

use super::patterns;
use crate::rules::{Check, Hits, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "embedded-secret",
    category: Category::Secret,
    capability: None,
    severity: Severity::Medium,
    message: "Contains a secret, which anybody can now use.",
    why: "",
    false_positives: "",
    example: "",
    check: Check::Text(check),
};

fn check(text: &str, hits: &mut Hits<'_>) {
    patterns::scan(text, &mut |secret| {
        // The secret itself is not repeated: enough to find it, not enough to use it.
        let start: String = secret.text.chars().take(8).collect();
        let hit = hits.at_offset(secret.offset, &format!("{start}… ({} characters)", secret.text.len()));
        let message = format!("Contains {}, which anybody can now use.", secret.what);
        hits.push(hit.severity(secret.severity).confidence(Confidence::Medium).message(message));
    });
}
