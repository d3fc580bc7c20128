//! Files that a source starts as programs or runs as code, by name.
//!
//! In: the calls of a file with their folded arguments. Out: names that may be files of the package, and the function that
//! each call stands in. Whether they are is for `report/` to say. Bounded.

use std::collections::BTreeSet;

use super::Call;
use super::bits::{Effects, Taint};
use super::value::Value;

/// Names that are kept of one file.
const MAX_NAMES: usize = 200;
/// Bytes of a text that is looked at, and of a name.
const MAX_TEXT: usize = 2_000;
const MAX_NAME: usize = 300;

/// Calls that run the file they are given, whatever else is known of them.
const RUNNERS: [&str; 6] = [
    "runpy.run_path",
    "execfile",
    "importlib.util.spec_from_file_location",
    "importScripts",
    "Worker",
    "worker_threads.Worker",
];

/// The files that calls start or run.
pub(super) fn files(calls: &[Call<'_>]) -> BTreeSet<(Box<str>, u32)> {
    let mut names = BTreeSet::new();
    for call in calls {
        let runs = call.effects.any(Effects::SPAWN)
            || call.effects.any(Effects::EVAL) && call.taint.any(Taint::FILE)
            || RUNNERS.contains(&&*call.path);
        if !runs {
            continue;
        }
        let values = call.arguments.iter().map(|argument| &argument.value);
        for value in values.flat_map(|value| std::iter::once(value).chain(value.items())) {
            for name in words(value) {
                if names.len() >= MAX_NAMES {
                    return names;
                }
                names.insert((name.into(), call.place.function));
            }
        }
    }
    names
}

/// The words of a value that may name a file: those of a command line, or the name that its bytes came from.
fn words<'v>(value: &'v Value<'_>) -> impl Iterator<Item = &'v str> {
    let text = value.as_text().or(value.origin.as_deref()).filter(|text| text.len() <= MAX_TEXT).unwrap_or_default();
    let words = text.split([' ', '\t', '\n', '"', '\'', '=', ';', '&', '|', '(', ')']);
    words.filter(|word| (3..=MAX_NAME).contains(&word.len()) && !word.starts_with('-'))
}
