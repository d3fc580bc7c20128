//! A loop that nothing ends runs while the package is loaded.

use sigma_core::{Category, Severity};

use crate::facts::Signs;
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "endless-loop",
    category: Category::Filesystem,
    capability: None,
    severity: Severity::High,
    message: "Whoever loads this file waits for ever: a loop of the module itself has no end.",
    why: "A program that imports such a package never starts. Protest and revenge releases did this to everybody who updated.",
    false_positives: "Workers and servers loop in functions, wait or break off: not seen.",
    example: include_str!("endless_loop/hit.js"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    for mention in source.signs(Signs::ENDLESS).take(1) {
        let hit = hits.at(source.facts, mention.place);
        // In a function it matters where loading the package calls it.
        hits.push(if mention.place.function == 0 { hit } else { hit.severity(Severity::Info).loaded(Severity::High) });
    }
}
