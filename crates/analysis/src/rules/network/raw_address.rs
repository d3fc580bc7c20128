//! A public IP address stands in place of a host name.

use sigma_core::{Capability, Category, Severity};

use crate::facts::{Effects, Taint, is_public_ip};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "raw-address",
    category: Category::Network,
    capability: Some(Capability::NetworkClient),
    severity: Severity::Medium,
    message: "Connects to a public IP address instead of a named host.",
    why: "",
    false_positives: "",
    example: "",
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    for call in source.calls(Effects::NET | Effects::SPAWN) {
        let named = call.arguments.iter().flat_map(|argument| {
            std::iter::once(&argument.value).chain(argument.value.items()).chain(argument.value.field("host"))
        });
        let address = named.filter_map(|value| value.as_text()).any(is_public_ip) && call.effects.any(Effects::NET);
        if address || call.taint.any(Taint::RAW_IP) {
            let hit = hits.at(source.facts, call.place);
            hits.push(hit.loaded(Severity::High).installed(Severity::Critical));
        }
    }
}
