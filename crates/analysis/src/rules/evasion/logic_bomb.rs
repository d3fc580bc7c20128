//! Harm that waits for a day, a country, a machine or a user.

use sigma_core::{Category, Severity};

use crate::facts::{Call, Deeds, Effects, Taint, Waits, split};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "logic-bomb",
    category: Category::Obfuscation,
    capability: None,
    severity: Severity::High,
    message: "Deletes files, or runs what it decoded or fetched, only on some days or for some people.",
    why: "Code that waits shows nothing to whoever tries it: on another day, in another country, on another machine. \
          Protest releases and time bombs are built like this.",
    false_positives: "Programs clean up what is older than a span of time, and look which system they run on; neither is \
                      seen. A day, a country, a machine or a user must be written into the code.",
    example: include_str!("logic_bomb/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    let destroyed: Vec<_> = source.deeds(Deeds::DESTROYS | Deeds::RUNS_DOWNLOAD).map(|deed| deed.place).collect();
    for call in source.calls(Effects::DELETE | Effects::EVAL | Effects::SPAWN).filter(|call| !call.waits.is_empty()) {
        // A server does many things on request. A command that deletes folders for whoever knows the word is no service.
        if call.waits.any(Waits::WORD) && (destroyed.contains(&call.place) || commands_deletion(call)) {
            let hit = hits.at(source.facts, call.place).severity(Severity::High);
            hits.push(hit.message("Deletes folders only for a visitor who says a word that stands in the code."));
        }
        if call.waits.without(Waits::WORD | Waits::COMMAND).is_empty() {
            continue;
        }
        let deletes = removes_all(call) || destroyed.contains(&call.place) || empties(source, call);
        let runs = call.effects.any(Effects::EVAL | Effects::SPAWN)
            && call.taint.any(Taint::DECODED | Taint::REMOTE | Taint::DOWNLOADED);
        // Nobody tidies up by country.
        let place = call.waits.any(Waits::PLACE);
        let severity = match (deletes || runs, place && call.effects.any(Effects::DELETE)) {
            // Nobody who imports something asks for programs that are fetched only for some.
            _ if runs && call.taint.any(Taint::REMOTE | Taint::DOWNLOADED) && !call.waits.any(Waits::COMMAND) => {
                [Severity::Medium, Severity::Critical]
            }
            // A day that is written into the code makes a bomb of it, whoever calls it.
            (true, _) if deletes && call.waits.any(Waits::DATE) => [Severity::High, Severity::Critical],
            (true, _) => [Severity::Medium, Severity::High],
            (false, true) => [Severity::Medium, Severity::High],
            (false, false) => continue,
        };
        let hit = hits.at(source.facts, call.place);
        let hit = hit.severity(severity[0]).loaded(severity[1]);
        hits.push(hit.message(format!(
            "{} only {}.",
            if runs { "Runs code" } else { "Deletes files" },
            condition(call.waits)
        )));
    }
}

/// True for a call that deletes whole folders.
fn removes_all(call: &Call<'_>) -> bool {
    let last = call.path.rsplit('.').next().unwrap_or_default();
    call.effects.any(Effects::DELETE)
        && (matches!(last, "rmtree" | "rimraf" | "emptyDirSync" | "removeSync") || call.option("recursive").is_some())
}

/// True for a call that deletes one file after the other of a folder that the same function lists.
fn empties(source: &Source<'_>, call: &Call<'_>) -> bool {
    let lists = || source.calls(Effects::LIST).any(|list| list.place.function == call.place.function);
    call.effects.any(Effects::DELETE) && call.positional(0).is_none_or(|file| file.as_text().is_none()) && lists()
}

/// True for a command line that deletes folders with all that is in them.
fn commands_deletion(call: &Call<'_>) -> bool {
    let line = call.positional(0).and_then(|value| value.as_text()).filter(|line| line.len() <= 2000);
    call.effects.any(Effects::SPAWN)
        && line.is_some_and(|line| {
            split(line).iter().any(|command| {
                let Some((program, rest)) = command.words.split_first() else { return false };
                let flag = |text: &str| rest.iter().any(|word| word.eq_ignore_ascii_case(text));
                match program.as_str() {
                    "rm" => rest.iter().any(|word| word.starts_with('-') && word.contains(['r', 'R'])),
                    "rd" | "rmdir" | "del" => flag("/s"),
                    name => name == "rimraf",
                }
            })
        })
}

fn condition(waits: Waits) -> String {
    let words = [
        (Waits::DATE, "on some days"),
        (Waits::PLACE, "in some countries"),
        (Waits::MACHINE, "on some machines"),
        (Waits::USER, "for some users"),
    ];
    words.iter().filter(|(wait, _)| waits.any(*wait)).map(|(_, words)| *words).collect::<Vec<_>>().join(" and ")
}
