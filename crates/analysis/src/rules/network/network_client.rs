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
    why: "",
    false_positives: "",
    example: "",
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    hits.push_calls(source.facts, source.calls(Effects::NET));
}
