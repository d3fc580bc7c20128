//! A request is made at installation whose answer nobody keeps: it tells somebody that the package was installed.

use sigma_core::{Category, Severity};

use crate::facts::{Effects, Taint};
use crate::rules::release::all_released;
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "install-request",
    category: Category::InstallHook,
    capability: None,
    severity: Severity::Info,
    message: "Makes a request whose answer nobody keeps, which tells a stranger that it runs here.",
    why: "A beacon: the first thing that a planted or confused dependency does is to tell its author where it runs.",
    false_positives: "Installers that download something keep the answer, and requests to package indexes and forges are \
                      Medium at most. Code that has to be called is Info.",
    example: "import requests\nfrom setuptools import setup\n\nrequests.get(\"https://collect.example.org/\")\nsetup()\n",
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    let facts = source.facts;
    let keeps = Effects::WRITE | Effects::SPAWN | Effects::EVAL | Effects::NATIVE | Effects::DESERIALISE;
    // What is downloaded and kept is the matter of other rules.
    let kept = facts.calls.iter().any(|call| {
        call.effects.any(Effects::DOWNLOAD)
            || call.effects.any(keeps) && call.taint.any(Taint::REMOTE | Taint::DOWNLOADED)
    });
    if kept {
        return;
    }
    let mut released = None;
    for call in source.calls(Effects::NET) {
        // A name that is looked up or a socket that is made is no request yet, unless it is all there is to it.
        let named = call.arguments.iter().any(|argument| argument.value.as_prefix().is_some());
        if !named && !call.discarded {
            continue;
        }
        let released = *released.get_or_insert_with(|| all_released(facts));
        let (loaded, installed) = match (released, call.discarded) {
            (true, _) => (Severity::Info, Severity::Medium),
            (false, true) => (Severity::Medium, Severity::Critical),
            (false, false) => (Severity::Low, Severity::High),
        };
        let hit = hits.at(facts, call.place);
        hits.push(hit.severity(Severity::Info).loaded(loaded).installed(installed));
    }
}
