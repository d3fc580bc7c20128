//! Source that is nested deeper than anybody writes, so that parsers give up.

use sigma_core::{Category, Severity, SkipReason};

use crate::report::Distribution;
use crate::rules::{Check, Hits, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "too-deep",
    category: Category::Obfuscation,
    capability: None,
    severity: Severity::High,
    message: "The file is nested deeper than people or tools write, so that it cannot be parsed; its tokens were read.",
    why: "A parser that recurses gives up, or crashes, on thousands of brackets. A scanner that then says nothing lets the \
          rest of the file pass unseen.",
    false_positives: "Tests of parsers hold such files, and are taken for tests. Generated code stays far below the limit.",
    example: include_str!("too_deep/hit.py"),
    check: Check::Distribution(check),
};

fn check(distribution: &Distribution<'_>, hits: &mut Hits<'_>) {
    for file in &distribution.files {
        let Some(not_parsed) = file.outcome.not_parsed.as_ref() else { continue };
        if not_parsed.reason == SkipReason::TooDeep {
            let hit = hits.hit(&not_parsed.detail).file(file.path.clone()).reach(file.reach);
            hits.push(hit);
        }
    }
}
