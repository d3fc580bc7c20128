//! A coding agent is started that asks nobody.

use sigma_core::{Capability, Category, Severity};

use crate::facts::Deeds;
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "unleashed-agent",
    category: Category::Process,
    capability: Some(Capability::Process),
    severity: Severity::Medium,
    message: "Starts a coding agent with its questions turned off.",
    why: "An agent that asks nobody reads and runs what a prompt says, with the rights and the account of the victim.",
    false_positives: "Tools that drive agents do this for their user: in a function it is a look.",
    example: include_str!("unleashed_agent/hit.js"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    for deed in source.deeds(Deeds::UNLEASHES_AGENT) {
        let hit = hits.at(source.facts, deed.place);
        let called = if source.is_script() { Severity::Low } else { Severity::Medium };
        hits.push(hit.severity(called).loaded(Severity::Critical));
    }
}
