//! Files are changed depending on country or time zone.

use sigma_core::{Category, Severity};

use crate::facts::{Deeds, Effects, Signs, When};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "targeting",
    category: Category::Obfuscation,
    capability: None,
    severity: Severity::Medium,
    message: "Asks in which country or time zone it runs, and changes files in bulk.",
    why: "Protest releases looked up the country of the machine before they destroyed its files.",
    false_positives: "Applications ask for the country and write files too; only listing folders and overwriting or deleting beside it counts.",
    example: include_str!("targeting/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    let asks = Signs::COUNTRY | Signs::ADDRESS_ECHO;
    let lists = source.calls(Effects::LIST).map(|call| source.facts.when(call.place)).max();
    let changes = source.does(Effects::WRITE | Effects::DELETE) && lists.is_some();
    let destroys = source.deeds(Deeds::DESTROYS).next().is_some();
    for mention in source.signs(asks).filter(|_| changes || destroys).take(2) {
        let hit = hits.at(source.facts, mention.place);
        let severity = match (destroys, mention.signs.any(Signs::COUNTRY), lists) {
            (true, ..) => Severity::Critical,
            (false, _, Some(When::Load)) => Severity::High,
            (false, true, _) => Severity::Medium,
            (false, false, _) => Severity::Low,
        };
        hits.push(hit.severity(severity));
    }
}
