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
    why: "A bare public IP address avoids a name that could be looked up, blocked or traced.",
    false_positives: "Addresses of private networks, of the machine itself and of documentation are not reported, nor \
          are the resolvers that everybody knows. Devices and test servers may be, which is why it is MEDIUM.",
    example: include_str!("raw_address/hit.py"),
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
