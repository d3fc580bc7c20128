//! Text is run as code.

use sigma_core::{Capability, Category, Severity};

use crate::facts::Effects;
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "dynamic-code",
    category: Category::DynamicCode,
    capability: Some(Capability::DynamicCode),
    severity: Severity::Info,
    message: "Runs text as code.",
    why: "",
    false_positives: "",
    example: "",
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    hits.push_calls(source.facts, source.calls(Effects::EVAL));
}
