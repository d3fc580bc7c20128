//! The configuration of coding agents or editors is written.

use sigma_core::{Capability, Category, Severity};

use super::super::filesystem::file_write::is_writing;
use crate::facts::{Call, Effects, Signs, Taint, Value};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "agent-configuration",
    category: Category::Filesystem,
    capability: Some(Capability::FileWrite),
    severity: Severity::Low,
    message: "Writes the configuration of a coding agent or an editor.",
    why: "Hooks, tools and instructions of agents run or steer them on every later start: a place to stay that few people check.",
    false_positives: "Installers of such tools write them when their user asks for it: in a function it is low.",
    example: include_str!("agent_configuration/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    if !source.facts.signs.any(Signs::AGENT) {
        return;
    }
    for call in source.calls(Effects::WRITE | Effects::OPEN) {
        let writes = call.effects.any(Effects::WRITE) || is_writing(call);
        if writes
            && call.taint.any(Taint::PERSISTENCE_PATH)
            && !call.path.contains("mkdir")
            && !is_idle_task(source, call)
        {
            let hit = hits.at(source.facts, call.place);
            hits.push(hit.severity(Severity::Low).loaded(Severity::High));
        }
    }
}

/// True for the tasks of an editor that its user starts: they start by themselves only where they say so.
pub(in crate::rules) fn is_idle_task(source: &Source<'_>, call: &Call<'_>) -> bool {
    let named = |value: &Value<'_>| {
        let name = value.as_prefix().or(value.origin.as_deref()).unwrap_or_default();
        name.ends_with("tasks.json")
    };
    let tasks = call.positional(0).is_some_and(named);
    // What somebody else answers may say anything.
    tasks
        && !call.taint.any(Taint::REMOTE)
        && memchr::memmem::find(source.facts.source.as_bytes(), b"folderOpen").is_none()
}
