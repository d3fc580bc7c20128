//! A command line sends what it knows of the machine.

use sigma_core::{Capability, Category, Severity};

use crate::facts::{Call, Deeds, Effects, Taint};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "command-exfiltration",
    category: Category::Network,
    capability: Some(Capability::NetworkClient),
    severity: Severity::Critical,
    message: "Starts a command line that sends what it knows of the machine to another host.",
    why: "The output of whoami, env or cat in a request needs no code beyond one line: the first thing that a planted package does.",
    false_positives: "Release scripts send tokens to their own services: in a script that nothing of the package starts it is low.",
    example: include_str!("command_exfiltration/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    for deed in source.deeds(Deeds::SENDS | Deeds::SENDS_NAME) {
        let hit = hits.at(source.facts, deed.place);
        let nameless = || {
            let of = |call: &&Call<'_>| call.place == deed.place && call.taint.any(Taint::RAW_IP | Taint::CATCHER);
            source.calls(Effects::SPAWN).any(|call| of(&call))
        };
        let called = match deed.what.any(Deeds::SENDS_NAME) {
            // No service of anybody's has a number for an address.
            _ if nameless() => Severity::Critical,
            _ if source.is_script() => Severity::Low,
            true => Severity::High,
            false => Severity::Medium,
        };
        hits.push(hit.severity(called).loaded(Severity::Critical));
    }
}
