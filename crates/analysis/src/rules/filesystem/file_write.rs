//! Files are written.

use sigma_core::{Capability, Category, Severity};

use crate::facts::{Call, Effects};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "file-write",
    category: Category::Filesystem,
    capability: Some(Capability::FileWrite),
    severity: Severity::Info,
    message: "Writes, copies or moves a file.",
    why: "A payload that is written to disk outlives the process that brought it.",
    false_positives: "Nearly every program writes files, so it is INFO; places that start programs by themselves are \
          another rule.",
    example: include_str!("file_write/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    let writes =
        |call: &&Call<'_>| call.effects.any(Effects::WRITE) || (call.effects.any(Effects::OPEN) && is_writing(call));
    hits.push_calls(source.facts, source.calls(Effects::WRITE | Effects::OPEN).filter(writes));
}

/// True when the file is opened with a mode that writes.
pub(in crate::rules) fn is_writing(call: &Call<'_>) -> bool {
    let mode = call.option("mode").or(call.positional(1)).and_then(|mode| mode.as_text());
    mode.is_some_and(|mode| mode.len() < 6 && mode.contains(['w', 'a', 'x', '+']))
}
