//! The public address of the machine is looked up and reported.

use sigma_core::{Capability, Category, Severity};

use crate::facts::{Call, Effects, Signs, Taint, address_of};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "address-report",
    category: Category::Network,
    capability: Some(Capability::NetworkClient),
    severity: Severity::Low,
    message: "Asks a service for the public address of the machine.",
    why: "Who reports to a chat or a collector which machine it runs on is counting victims.",
    false_positives: "Asking for the own address is ordinary in network tools: alone it is low.",
    example: include_str!("address_report/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    // To whom a name of the machine goes beside its address.
    let named = |call: &Call<'_>| {
        call.taint.any(Taint::HOST_INFO) && call.taint.any(Taint::REMOTE) && address_of(&call.arguments).is_some()
    };
    let reports =
        source.calls(Effects::NET).any(|call| call.taint.any(Taint::EXFIL_HOST | Taint::RAW_IP) || named(call));
    for mention in source.signs(Signs::ADDRESS_ECHO).filter(|_| source.does(Effects::NET | Effects::SPAWN)).take(3) {
        let hit = hits.at(source.facts, mention.place);
        let (called, loaded) = match reports {
            true => (Severity::High, Severity::Critical),
            false => (Severity::Low, Severity::Low),
        };
        let message = if reports {
            "Asks for the public address of the machine, and reports it to a collector or with the machine's name."
        } else {
            RULE.message
        };
        hits.push(hit.severity(called).loaded(loaded).message(message));
    }
}
