//! A service that shows its owner what it was sent is called when the module is loaded.

use sigma_core::{Capability, Category, Severity};

use crate::facts::{Effects, Signs, Taint, When};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "collector-beacon",
    category: Category::Network,
    capability: Some(Capability::NetworkClient),
    severity: Severity::Critical,
    message: "Calls a service that shows its owner what it was sent, as soon as the module is loaded.",
    why: "Request collectors exist to see who calls: in a published package this is a beacon, whatever it carries.",
    false_positives: "Security tools call collectors when their user asks for it: in a function only what carries facts about the machine is high.",
    example: include_str!("collector_beacon/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    if !source.facts.signs.any(Signs::COLLECTOR) {
        return;
    }
    let calls = source.calls(Effects::NET | Effects::SPAWN).filter(|call| call.taint.any(Taint::EXFIL_HOST));
    for call in calls {
        let hit = hits.at(source.facts, call.place);
        let telling = Taint::HOST_INFO | Taint::ENV | Taint::ENV_ALL | Taint::SECRET | Taint::CREDENTIAL | Taint::FILE;
        match hit.when {
            When::Load => hits.push(hit),
            When::Call if call.taint.any(telling) => hits.push(hit.severity(Severity::High)),
            When::Call => hits.push(hit.severity(Severity::Medium)),
        }
    }
}
