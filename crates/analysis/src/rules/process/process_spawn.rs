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
    why: "A process that is started can do anything its user can, outside of what was analysed.",
    false_positives: "Build tools and wrappers do this for a living, so it is INFO and raises no level on its own.",
    example: include_str!("process_spawn/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    hits.push_calls(source.facts, source.calls(Effects::SPAWN));
}
