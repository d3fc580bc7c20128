//! Workflows of a code host are written.

use sigma_core::{Capability, Category, Severity};

use super::super::filesystem::file_write::is_writing;
use crate::facts::{Effects, Signs, Taint};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "workflow-writing",
    category: Category::Filesystem,
    capability: Some(Capability::FileWrite),
    severity: Severity::Low,
    message: "Writes a workflow that a code host will run.",
    why: "A workflow runs with the secrets of a repository, at the next push, on a machine that nobody watches.",
    false_positives: "Project templates write workflows when asked to: in a function it is low.",
    example: include_str!("workflow_writing/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    if !source.facts.signs.any(Signs::WORKFLOW) {
        return;
    }
    let secrets = memchr::memmem::find(source.facts.source.as_bytes(), b"toJSON(secrets)").is_some();
    // A workflow that hands all secrets on, and what can put it into a repository: a file or an interface.
    if secrets && source.does(Effects::NET | Effects::WRITE) {
        for mention in source.signs(Signs::WORKFLOW).take(1) {
            let hit = hits.at(source.facts, mention.place).severity(Severity::High).loaded(Severity::Critical);
            hits.push(hit.message("Holds a workflow that takes all secrets of a repository, and can put it there."));
        }
    }
    for call in source.calls(Effects::WRITE | Effects::OPEN) {
        let writes = call.effects.any(Effects::WRITE) || is_writing(call);
        if !(writes && call.taint.any(Taint::PERSISTENCE_PATH)) || call.path.contains("mkdir") {
            continue;
        }
        let hit = hits.at(source.facts, call.place);
        let (called, loaded) = match secrets {
            true => (Severity::Critical, Severity::Critical),
            false => (Severity::Low, Severity::High),
        };
        hits.push(hit.severity(called).loaded(loaded));
    }
}
