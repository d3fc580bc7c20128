//! Connections are made.

use sigma_core::{Capability, Category, Severity};

use crate::facts::Effects;
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "network-client",
    category: Category::Network,
    capability: Some(Capability::NetworkClient),
    severity: Severity::Info,
    message: "Connects to another host.",
    why: "Whatever leaves a machine leaves it over a connection; the rules on flows build on this.",
    false_positives: "Half of all packages connect to something, so it is INFO and raises no level on its own.",
    example: include_str!("network_client/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    hits.push_calls(source.facts, source.calls(Effects::NET));
}
