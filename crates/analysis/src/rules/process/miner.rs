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
    // `-o pool:port -u wallet`: the options that all miners share.
    for call in source.calls(Effects::SPAWN) {
        let words: Vec<&str> =
            call.arguments.iter().flat_map(|a| a.value.items()).filter_map(|w| w.as_text()).collect();
        let after = |option: &str| words.iter().position(|word| *word == option).and_then(|at| words.get(at + 1));
        let pool = after("-o").or_else(|| after("--url")).and_then(|pool| pool.rsplit_once(':'));
        let port = pool.is_some_and(|(host, port)| host.contains('.') && port.parse::<u16>().is_ok());
        if port && (after("-u").is_some() || words.iter().any(|word| word.contains("donate-level"))) {
            // Whose wallet it is stands in the code: the user's own would be asked for.
            let wallet = |user: &&&str| user.len() >= 26 && user.bytes().all(|byte| byte.is_ascii_alphanumeric());
            let named = after("-u").or_else(|| after("--user")).filter(wallet).is_some();
            let called = if named { Severity::Critical } else { Severity::High };
            let hit = hits.at(source.facts, call.place);
            hits.push(hit.severity(called).loaded(Severity::Critical));
        }
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
