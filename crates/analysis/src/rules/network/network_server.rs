//! Connections are accepted.

use sigma_core::{Capability, Category, Severity};

use crate::facts::Effects;
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "network-server",
    category: Category::Network,
    capability: Some(Capability::NetworkServer),
    severity: Severity::Info,
    message: "Listens for connections.",
    why: "A program that listens can be reached from outside.",
    false_positives: "Servers and tests of servers do this for a living, so it is INFO and raises no level on its \
          own.",
    example: include_str!("network_server/hit.js"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    hits.push_calls(source.facts, source.calls(Effects::LISTEN));
}
