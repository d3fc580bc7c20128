//! Processes are started.

use sigma_core::{Capability, Category, Severity};

use crate::facts::Effects;
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "process-spawn",
    category: Category::Process,
    capability: Some(Capability::Process),
    severity: Severity::Info,
    message: "Starts another process.",
    why: "",
    false_positives: "",
    example: "",
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    hits.push_calls(source.facts, source.calls(Effects::SPAWN));
}
