//! A secret that works stands in the package.

use sigma_core::{Category, Confidence, Severity};

use super::patterns;
use crate::rules::{Check, Hits, Plain, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "embedded-secret",
    category: Category::Secret,
    capability: None,
    severity: Severity::Medium,
    message: "Contains a secret, which anybody can now use.",
    why: "A key that lies in a published package works for everybody who downloads it.",
    false_positives: "Examples and tests hold made-up keys: in such folders the finding weighs less, and well-known \
          placeholders are not reported. The secret itself is never repeated in a report.",
    example: "demo/settings.py: ACCESS_KEY = \"AKIA…\" (an identifier of 20 characters)",
    check: Check::Text(check),
};

fn check(text: &Plain<'_>, hits: &mut Hits<'_>) {
    patterns::scan(text, &mut |secret| {
        // The secret itself is not repeated: enough to find it, not enough to use it.
        let start: String = secret.text.chars().take(8).collect();
        let hit = hits.at_offset(secret.offset, &format!("{start}… ({} characters)", secret.text.len()));
        let message = format!("Contains {}, which anybody can now use.", secret.what);
        hits.push(hit.severity(secret.severity).confidence(Confidence::Medium).message(message));
    });
}
