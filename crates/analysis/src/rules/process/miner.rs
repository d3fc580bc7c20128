//! A cryptocurrency is mined.

use sigma_core::{Capability, Category, Severity};

use crate::facts::{Deeds, Effects, Signs, When};
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
        let severity = if hit.when == When::Load { Severity::Critical } else { Severity::High };
        hits.push(hit.severity(severity));
    }
    let runs = source.does(Effects::SPAWN | Effects::EVAL) && source.does(Effects::NET);
    let several = source.different(Signs::MINER) >= 2;
    for mention in source.signs(Signs::MINER) {
        let hit = hits.at(source.facts, mention.place);
        let severity = match (several && runs, hit.when) {
            (true, When::Load) => Severity::High,
            (true, When::Call) => Severity::Medium,
            (false, _) => Severity::Low,
        };
        hits.push(
            hit.severity(severity).message(format!("Names what serves to mine cryptocurrencies: {}.", mention.what)),
        );
    }
}
