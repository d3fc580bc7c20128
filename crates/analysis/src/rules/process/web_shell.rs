//! What a visitor of a server sends is run as a command or as code.

use sigma_core::{Capability, Category, Severity};

use crate::facts::{Call, Effects, Taint, Value, Waits};
use crate::rules::flow::Verdict;
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "web-shell",
    category: Category::Process,
    capability: Some(Capability::Shell),
    severity: Severity::High,
    message: "Runs the command or the code that a visitor of the server sends.",
    why: "Whoever knows the address, and the key if there is one, has a shell on every server that uses the package.",
    false_positives: "Interfaces for administration run commands too, but say so and stand alone; a visitor's word among the \
                      arguments of a program that the code names is a weakness and no shell: not seen.",
    example: include_str!("web_shell/hit.js"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    for call in source.calls(Effects::SPAWN | Effects::EVAL) {
        let Some(([called, loaded, _], _)) = verdict(call.effects, call.taint) else { continue };
        // Who administers a server sets the word that opens it; here it stands in the code for whoever wrote it.
        let called = if call.waits.any(Waits::WORD) { Severity::Critical } else { called };
        // The program itself, or the words of its command line.
        let first = call.positional(0).or_else(|| call.option("source"));
        let said = |value: &Value<'_>| value.taint.any(Taint::VISITOR) && !value.taint.any(Taint::JOINED);
        let told = first.is_some_and(|value| said(value.items().first().unwrap_or(value)));
        // `execFile("/bin/sh", ["-c", word])`: the shell runs the word.
        let told = told || after_flag(call).is_some_and(said);
        if told {
            let hit = hits.at(source.facts, call.place);
            hits.push(hit.severity(called).loaded(loaded));
        }
    }
}

/// The text that a shell or a runtime is told to run, in a list of words.
fn after_flag<'v, 'a>(call: &'v Call<'a>) -> Option<&'v Value<'a>> {
    const FLAGS: [&str; 7] = ["-c", "/c", "/C", "-Command", "-command", "-e", "--eval"];
    call.arguments.iter().find_map(|argument| {
        let words = argument.value.items();
        let flag = words.iter().position(|word| word.as_text().is_some_and(|text| FLAGS.contains(&text)))?;
        words.get(flag + 1)
    })
}

/// What a flow means to this rule.
pub(in crate::rules) fn verdict(effects: Effects, taint: Taint) -> Option<Verdict> {
    let runs = effects.any(Effects::SPAWN | Effects::EVAL);
    let whole = taint.any(Taint::VISITOR) && !taint.any(Taint::JOINED);
    // Who administers a server does not encode what it is told.
    let called = if taint.any(Taint::DECODED) { Severity::Critical } else { Severity::High };
    (runs && whole).then_some(([called, Severity::Critical, Severity::Critical], RULE.message))
}
