//! Files are written where programs are started from.

use sigma_core::{Capability, Category, Severity};

use super::super::agent::agent_configuration::is_idle_task;
use super::file_write::is_writing;
use crate::facts::{Call, Deeds, Effects, Taint, deeds_of_text};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "persistence",
    category: Category::Filesystem,
    capability: Some(Capability::FileWrite),
    severity: Severity::High,
    message: "Writes to a place that starts programs by itself, so that code keeps running after this package ends.",
    why: "Code that enters an autostart folder, a shell profile or a service keeps running after the package is \
          removed.",
    false_positives: "A tool may install its completion or its service when its user asks for that, so inside a \
          function it is LOW. While a module loads nobody has asked for it.",
    example: include_str!("persistence/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    for deed in source.deeds(Deeds::PERSISTS) {
        let hit = hits.at(source.facts, deed.place);
        let hit = hit.severity(Severity::Low).loaded(Severity::Critical);
        hits.push(hit.message("Starts a command that makes a program start by itself."));
    }
    for call in source.calls(Effects::WRITE | Effects::OPEN) {
        let writes = !call.effects.any(Effects::OPEN) || is_writing(call);
        if writes && call.taint.any(Taint::PERSISTENCE_PATH) && !is_idle_task(source, call) {
            let hit = hits.at(source.facts, call.place);
            let told = call.arguments.iter().filter_map(|argument| argument.value.as_prefix());
            let fetches = Deeds::RUNS_DOWNLOAD | Deeds::REMOTE_SHELL | Deeds::ENCODED | Deeds::FETCHES;
            let fetch = |text: &str| {
                let named = text.contains("://") && ["curl ", "wget "].iter().any(|program| commands(text, program));
                text.len() > 16 && (named || deeds_of_text(text).any(fetches))
            };
            if told.into_iter().any(fetch) {
                let message = "Writes a command that fetches something to a place that starts programs by itself.";
                hits.push(hit.severity(Severity::Critical).message(message));
                continue;
            }
            let has = |text: &str| memchr::memmem::find(source.facts.source.as_bytes(), text.as_bytes()).is_some();
            let key = || ["ssh-rsa AAAA", "ssh-ed25519 AAAA", "ecdsa-sha2-nistp256 AAAA"].into_iter().any(has);
            if has("authorized_keys") && key() {
                let message = "Lets the owner of a key that stands in the code log in.";
                hits.push(hit.severity(Severity::Critical).message(message));
                continue;
            }
            if call.arguments.iter().filter_map(|argument| argument.value.as_text()).any(runs_code) {
                let message = "Writes code that runs other code to a place that starts programs by itself.";
                hits.push(hit.severity(Severity::High).loaded(Severity::Critical).message(message));
                continue;
            }
            // A tool may install its completion or its service when the user asks for that, and its own hook in a repository.
            let loaded = if is_plain_hook(source, call) { Severity::Medium } else { Severity::Critical };
            hits.push(hit.severity(Severity::Low).loaded(loaded));
        }
    }
}

/// True for a program that runs what it fetches or decodes.
fn runs_code(text: &str) -> bool {
    let any = |words: &[&str]| words.iter().any(|word| text.contains(word));
    any(&["exec(", "eval("]) && any(&["urlopen", "requests.", "b64decode", "http", "fromhex", "decompress"])
}

/// True for a hook of git whose text stands in the code and only starts a command of the project.
fn is_plain_hook(source: &Source<'_>, call: &Call<'_>) -> bool {
    let of_git = source.facts.mentions.iter().filter(|mention| mention.taint.any(Taint::PERSISTENCE_PATH));
    let plain = |text: &str| {
        text.starts_with("#!")
            && text.len() <= 400
            && !text.contains("://")
            && deeds_of_text(text).without(Deeds::INSTALLS).is_empty()
    };
    let mut of_git = of_git.peekable();
    of_git.peek().is_some()
        && of_git.all(|mention| mention.what == "git hooks")
        && call.positional(1).and_then(|text| text.as_text()).is_some_and(plain)
}

/// True where a program stands at the place of a command, not in the middle of a sentence about it.
fn commands(text: &str, program: &str) -> bool {
    text.match_indices(program).any(|(at, _)| {
        let before = text[..at].trim_end_matches([' ', '\t']);
        before.is_empty() || before.ends_with(['\n', ';', '&', '|', '(', '`', '"', '\'', '{', '='])
    })
}
