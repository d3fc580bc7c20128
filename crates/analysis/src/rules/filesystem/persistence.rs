//! Files are written where programs are started from.

use sigma_core::{Capability, Category, Severity};

use super::super::agent::agent_configuration::is_idle_task;
use super::file_write::is_writing;
use crate::facts::{Deeds, Effects, Taint, deeds_of_text};
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
            // A tool may install its completion or its service when the user asks for that.
            hits.push(hit.severity(Severity::Low).loaded(Severity::Critical));
        }
    }
}

/// True where a program stands at the place of a command, not in the middle of a sentence about it.
fn commands(text: &str, program: &str) -> bool {
    text.match_indices(program).any(|(at, _)| {
        let before = text[..at].trim_end_matches([' ', '\t']);
        before.is_empty() || before.ends_with(['\n', ';', '&', '|', '(', '`', '"', '\'', '{', '='])
    })
}
