//! Code publishes packages.

use sigma_core::{Capability, Category, Severity};

use crate::facts::{Call, Deeds, Effects, Signs, Taint};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "self-publishing",
    category: Category::Process,
    capability: Some(Capability::Process),
    severity: Severity::Low,
    message: "Publishes packages.",
    why: "A package that publishes others with the credentials that it finds spreads like a worm.",
    false_positives: "Release tools publish when their user runs them: alone it is low.",
    example: include_str!("self_publishing/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    let searches = source.facts.signs.any(Signs::PUBLISHING);
    let bytes = source.facts.source.as_bytes();
    let has = |text: &str| memchr::memmem::find(bytes, text.as_bytes()).is_some();
    for deed in source.deeds(Deeds::PUBLISHES) {
        let reads = source.calls(Effects::READ | Effects::OPEN).any(|call| call.taint.any(Taint::CREDENTIAL_PATH))
            || (source.facts.signs.any(Signs::DEVELOPER) && has("_authToken"));
        let plants = has("preinstall") || has("postinstall");
        let hit = hits.at(source.facts, deed.place);
        // What it found in the user's files is what it publishes with.
        let of = |call: &Call<'_>| call.place == deed.place && call.taint.any(Taint::CREDENTIAL);
        let found = source.calls(Effects::SPAWN).any(of);
        // A manifest that is given another name before each.
        let renames = has("package.json") && has(".name =") && source.does(Effects::WRITE);
        let (called, loaded) = match (searches || plants, reads) {
            _ if source.is_script() => (Severity::Low, Severity::Low),
            (false, false) if renames => (Severity::Low, Severity::High),
            _ if found => (Severity::High, Severity::Critical),
            (true, true) => (Severity::Critical, Severity::Critical),
            (true, false) | (false, true) => (Severity::Medium, Severity::High),
            (false, false) => (Severity::Low, Severity::Low),
        };
        let message = if loaded > Severity::Low {
            "Publishes packages with credentials or accounts that it looks up."
        } else {
            RULE.message
        };
        hits.push(hit.severity(called).loaded(loaded).message(message));
    }
}
