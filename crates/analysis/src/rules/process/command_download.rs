//! A command line fetches code and runs it.

use sigma_core::{Capability, Category, Severity};

use crate::facts::Deeds;
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "command-download",
    category: Category::Process,
    capability: Some(Capability::Shell),
    severity: Severity::Critical,
    message: "Starts a command line that fetches code and runs it.",
    why: "What a URL serves tomorrow is not what somebody reviewed: whoever holds the host decides what runs.",
    false_positives: "Installers of tools do this when a user asks for it: in a function it stays below what blocks, in a script that nothing of the package starts it is low.",
    example: include_str!("command_download/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    for deed in source.deeds(Deeds::RUNS_DOWNLOAD) {
        let hit = hits.at(source.facts, deed.place);
        let called = match () {
            () if source.is_script() => Severity::Low,
            // Whoever calls the other package runs it.
            () if !source.facts.stood_in_for.is_empty() && deed.place.function != 0 => Severity::High,
            () => Severity::Medium,
        };
        hits.push(hit.severity(called).loaded(Severity::Critical));
    }
}
