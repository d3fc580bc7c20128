//! A request is made at installation whose answer nobody keeps: it tells somebody that the package was installed.

use sigma_core::{Category, Severity};

use crate::facts::{Call, Deeds, Effects, Taint, Waits, words_of};
use crate::rules::release::{all_released, is_release_host};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "install-request",
    category: Category::InstallHook,
    capability: None,
    severity: Severity::Info,
    message: "Makes a request whose answer nobody keeps, which tells a stranger that it runs here.",
    why: "A beacon: the first thing that a planted or confused dependency does is to tell its author where it runs.",
    false_positives: "Installers that download something keep the answer: that is another rule's matter, and HIGH here only \
                      where setup.py fetches from a host that publishes no programs and looks at no digest. Requests to package indexes and \
                      forges are MEDIUM at most. Code that has to be called is INFO.",
    example: "import requests\nfrom setuptools import setup\n\nrequests.get(\"https://collect.example.org/\")\nsetup()\n",
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    let facts = source.facts;
    let keeps = Effects::WRITE | Effects::SPAWN | Effects::EVAL | Effects::NATIVE | Effects::DESERIALISE;
    // What is downloaded and kept is the matter of other rules.
    let kept = facts.calls.iter().any(|call| {
        call.effects.any(Effects::DOWNLOAD | Effects::UNPACK)
            || call.effects.any(keeps) && call.taint.any(Taint::REMOTE | Taint::DOWNLOADED)
    });
    if kept {
        // What a build needs is in the sdist, or comes from where programs are published.
        if source.setup && !all_released(facts) {
            // A digest beside it says what it must be, whoever answers.
            let checked = memchr::memmem::find(facts.source.as_bytes(), b".hexdigest()").is_some();
            let installed = if checked { Severity::Medium } else { Severity::High };
            for call in source.calls(Effects::NET).filter(|call| names_address(call)) {
                let hit = hits.at(facts, call.place).severity(Severity::Info).installed(installed);
                hits.push(hit.message("Keeps what it fetches from a host where no programs are published."));
            }
        }
        return;
    }
    command_requests(source, hits);
    let mut released = None;
    for call in source.calls(Effects::NET) {
        // A name that is looked up or a socket that is made is no request yet, unless it is all there is to it.
        if !names_address(call) && !call.discarded || call.waits.any(Waits::COMMAND) {
            continue;
        }
        let released = *released.get_or_insert_with(|| all_released(facts));
        // A host that is hidden by an encoding is not meant to be seen.
        let hidden = call.taint.any(Taint::DECODED);
        let (loaded, installed) = match (released, call.discarded) {
            _ if hidden => (Severity::High, Severity::Critical),
            (true, _) => (Severity::Info, Severity::Medium),
            (false, true) => (Severity::Medium, Severity::Critical),
            (false, false) => (Severity::Low, Severity::High),
        };
        let hit = hits.at(facts, call.place);
        hits.push(hit.severity(Severity::Info).loaded(loaded).installed(installed));
    }
}

/// True for a call that is told where to connect.
fn names_address(call: &Call<'_>) -> bool {
    call.arguments.iter().any(|argument| argument.value.as_prefix().is_some())
}

/// The same by a command: `dig`, `ping` or `curl` of a stranger's host in a setup.py, and nobody reads what they print.
fn command_requests(source: &Source<'_>, hits: &mut Hits<'_>) {
    if !source.setup {
        return;
    }
    for deed in source.deeds(Deeds::FETCHES) {
        let Some(call) = source.calls(Effects::SPAWN).find(|call| call.place == deed.place) else { continue };
        let words = words_of(&call.arguments);
        let host = |word: &&&str| {
            let host = host_in(word);
            host.contains('.') && host.ends_with(|c: char| c.is_ascii_alphanumeric()) && !host.starts_with(['.', '-'])
        };
        let mut hosts = words.iter().skip(1).filter(host).peekable();
        let strange = hosts.peek().is_some() && !hosts.any(|word| is_release_host(host_in(word)));
        if call.discarded && strange {
            let hit = hits.at(source.facts, call.place);
            hits.push(hit.severity(Severity::Info).loaded(Severity::Medium).installed(Severity::Critical));
        }
    }
}

/// The host in a word that names one.
fn host_in(word: &str) -> &str {
    let word = word.split_once("://").map_or(word, |(_, rest)| rest);
    word.split(['/', ':', '?']).next().unwrap_or_default()
}
