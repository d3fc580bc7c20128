//! A cryptocurrency is mined.

use sigma_core::{Capability, Category, Severity};

use crate::facts::{Deeds, Effects, Signs};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "miner",
    category: Category::Process,
    capability: Some(Capability::Process),
    severity: Severity::High,
    message: "Mines a cryptocurrency on the machine it is installed on.",
    why: "Miners sell the victim's electricity; packages that carry one hide it behind something useful.",
    false_positives: "Lists of processes and of blocked hosts name miners without starting anything: names alone are low.",
    example: include_str!("miner/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    for deed in source.deeds(Deeds::MINES) {
        let hit = hits.at(source.facts, deed.place);
        hits.push(hit.severity(Severity::High).loaded(Severity::Critical));
    }
    let runs = source.does(Effects::SPAWN | Effects::EVAL) && source.does(Effects::NET);
    let several = source.different(Signs::MINER) >= 2;
    for mention in source.signs(Signs::MINER) {
        let hit = hits.at(source.facts, mention.place);
        let (called, loaded) = match several && runs {
            true => (Severity::Medium, Severity::High),
            false => (Severity::Low, Severity::Low),
        };
        hits.push(
            hit.severity(called)
                .loaded(loaded)
                .message(format!("Names what serves to mine cryptocurrencies: {}.", mention.what)),
        );
    }
}
