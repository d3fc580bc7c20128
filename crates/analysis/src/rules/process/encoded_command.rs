//! A command line carries code in an encoded form.

use sigma_core::{Capability, Category, Severity};

use crate::facts::Deeds;
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "encoded-command",
    category: Category::Process,
    capability: Some(Capability::Shell),
    severity: Severity::Critical,
    message: "Starts a command line that carries its code in an encoded form.",
    why: "Encoding on a command line has one use beyond quoting: what runs cannot be read.",
    false_positives: "Tools for remote administration encode what they build at run time; only constant command lines are seen, and in a function they stay at a look.",
    example: include_str!("encoded_command/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    for deed in source.deeds(Deeds::ENCODED) {
        let hit = hits.at(source.facts, deed.place);
        let called = if source.is_script() { Severity::Low } else { Severity::Medium };
        hits.push(hit.severity(called).loaded(Severity::Critical));
    }
}
