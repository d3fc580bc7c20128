//! Where to go next is read from a page or a chain that anybody can write.

use sigma_core::{Capability, Category, Severity};

use crate::facts::{Effects, Signs, Taint};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "dead-drop",
    category: Category::Network,
    capability: Some(Capability::NetworkClient),
    severity: Severity::Medium,
    message: "Runs code and reads from a page or a blockchain that can carry commands.",
    why: "A dead drop cannot be taken down and can be rewritten at any time: what runs is decided later.",
    false_positives: "Clients of blockchains read from them for a living and run nothing that they read.",
    example: include_str!("dead_drop/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    let drops = Signs::CHAIN | Signs::DEAD_DROP;
    if !source.facts.signs.any(drops) || !source.does(Effects::NET) {
        return;
    }
    for call in source.calls(Effects::EVAL | Effects::SPAWN) {
        let fed = call.taint.any(Taint::REMOTE | Taint::DECODED);
        let hit = hits.at(source.facts, call.place);
        let (called, loaded) = match fed {
            true => (Severity::High, Severity::Critical),
            false if call.effects.any(Effects::EVAL) => (Severity::Low, Severity::Medium),
            false => continue,
        };
        hits.push(hit.severity(called).loaded(loaded));
    }
}
