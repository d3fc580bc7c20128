//! A coding agent is started that asks nobody.

use sigma_core::{Capability, Category, Severity};

use crate::facts::{Deeds, Effects};
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
    // A table of agents and what turns their questions off, one after the other: `spawn(name, table[name])`.
    let has = |flag: &&str| memchr::memmem::find(source.facts.source.as_bytes(), flag.as_bytes()).is_some();
    let mut spawns = source.calls(Effects::SPAWN).filter(|call| {
        call.positional(0).is_some_and(|program| program.as_text().is_none())
            && call.positional(1).is_some_and(|words| words.as_text().is_none() && words.items().is_empty())
    });
    if let Some(call) = spawns.next().filter(|_| FLAGS.iter().filter(|flag| has(flag)).count() >= 2) {
        let hit = hits.at(source.facts, call.place).severity(Severity::Medium);
        let message = "Starts one of several coding agents, each with its questions turned off.";
        hits.push(hit.loaded(Severity::Critical).message(message));
    }
}

/// What turns the questions of well-known agents off.
const FLAGS: [&str; 5] = [
    "--dangerously-skip-permissions",
    "--trust-all-tools",
    "--yolo",
    "--dangerously-bypass-approvals-and-sandbox",
    "--allow-all-tools",
];
