//! A program that stands in the source as text is written to a file and started.

use sigma_core::{Capability, Category, Severity};

use crate::facts::{Call, Effects, Taint};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "dropped-program",
    category: Category::Process,
    capability: Some(Capability::Process),
    severity: Severity::High,
    message: "Writes a program that stands in it as text to a file, and starts it.",
    why: "What a module could simply call it writes to disk and starts as a process of its own, so that it goes on when the \
          module is done and is found in no package.",
    false_positives: "Build tools write a test program and run it, and helpers write the script that they hand to a shell, \
                      when they are called: INFO. Nobody asked for it while a module loads: HIGH, and CRITICAL where it \
                      is started in the background.",
    example: include_str!("dropped_program/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    for call in source.calls(Effects::SPAWN).filter(|call| call.taint.any(Taint::WRITTEN)) {
        let loaded = if in_background(call) { Severity::Critical } else { Severity::High };
        let hit = hits.at(source.facts, call.place).severity(Severity::Info).loaded(loaded);
        hits.push(hit);
    }
}

/// True for a call that starts something and does not wait for it.
fn in_background(call: &Call<'_>) -> bool {
    let detached = ["preexec_fn", "start_new_session", "creationflags", "detached"];
    let started = call.path.ends_with("Popen") && call.discarded || call.path.ends_with("startfile");
    let command = call.positional(0).and_then(|value| value.as_prefix()).unwrap_or_default().trim();
    started
        || detached.iter().any(|name| call.option(name).is_some())
        || command.ends_with('&')
        || ["start ", "nohup ", "pythonw", "setsid "].iter().any(|word| command.starts_with(word))
}
