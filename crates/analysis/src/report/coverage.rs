//! How far each file was read, counted by state and by extension.
//!
//! In: one note per file, in the order of the file list. Out: the counts and the list of source files of a
//! [`Coverage`]. Counts are always complete; lists are bounded, and a flood of invented extensions changes nothing.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use sigma_core::{Coverage, FileEntry, FileState, SkipReason, SourceState};

use crate::language::extension_of;

/// Source files in a report's list.
const MAX_SOURCES: usize = 10_000;
/// Extensions that are counted one by one.
const MAX_EXTENSIONS: usize = 100;
/// Characters of an extension; what is longer is a name with a dot, not an extension.
const EXTENSION: usize = 12;

/// How far a file was read, and why not further.
type Reading = (FileState, Option<SkipReason>);

/// How far the files of one distribution were read.
#[derive(Debug, Default)]
pub(super) struct States {
    /// One for each file, in the order of the entries.
    states: Vec<Reading>,
    sources: Vec<SourceState>,
}

impl States {
    /// Notes the next file.
    pub fn note(&mut self, state: FileState) {
        let reason = (state == FileState::OverLimit).then_some(SkipReason::TooLarge);
        self.states.push((state, reason));
    }

    /// Notes the next file, which is source, and why it was not parsed completely, if it was not.
    pub fn note_source(&mut self, path: &str, not_parsed: Option<SkipReason>) {
        let state = state_of_source(not_parsed);
        self.states.push((state, not_parsed));
        self.sources.push(SourceState { path: path.to_owned(), state, reason: not_parsed });
    }

    /// Notes that the file at `index`, which was taken for a text, was read as source after all.
    pub fn note_again(&mut self, index: usize, path: &str, not_parsed: Option<SkipReason>) {
        let state = state_of_source(not_parsed);
        if let Some(known) = self.states.get_mut(index) {
            *known = (state, not_parsed);
            self.sources.push(SourceState { path: path.to_owned(), state, reason: not_parsed });
        }
    }

    /// Tells the coverage. `entries` are the files in the order in which they were noted; answers the same of each of them.
    pub fn tell(mut self, entries: &[FileEntry], coverage: &mut Coverage) -> Vec<Reading> {
        let opened: BTreeSet<&str> =
            entries.iter().filter_map(|entry| entry.path.rsplit_once("!/")).map(|(archive, _)| archive).collect();
        let mut extensions: BTreeMap<Cow<'_, str>, BTreeMap<FileState, u64>> = BTreeMap::new();
        for (entry, (state, _)) in entries.iter().zip(&mut self.states) {
            if matches!(state, FileState::Hashed | FileState::TextScanned) && opened.contains(entry.path.as_str()) {
                *state = FileState::Opened;
            }
            *coverage.states.entry(*state).or_default() += 1;
            *extensions.entry(extension(&entry.path)).or_default().entry(*state).or_default() += 1;
        }
        for (name, counts) in extensions {
            let name = if coverage.extensions.len() < MAX_EXTENSIONS { &name } else { "*" };
            let all = coverage.extensions.entry(name.to_owned()).or_default();
            counts.into_iter().for_each(|(state, count)| *all.entry(state).or_default() += count);
        }
        if self.sources.len() > MAX_SOURCES {
            self.sources.sort_by(|a, b| (a.reason.is_none(), a).cmp(&(b.reason.is_none(), b)));
            self.sources.truncate(MAX_SOURCES);
        }
        self.sources.sort();
        coverage.sources = self.sources;
        self.states
    }
}

/// How far a source was read follows from why it was not parsed.
fn state_of_source(not_parsed: Option<SkipReason>) -> FileState {
    match not_parsed {
        None => FileState::Parsed,
        Some(SkipReason::TooLarge) => FileState::OverLimit,
        Some(_) => FileState::TokenScanned,
    }
}

/// The extension in lower case, if it looks like one.
fn extension(path: &str) -> Cow<'_, str> {
    let plain = |extension: &Cow<'_, str>| {
        extension.len() <= EXTENSION && extension.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    extension_of(path.rsplit('/').next().unwrap_or(path)).filter(plain).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use sigma_core::Sha256;

    use super::*;

    fn entry(path: &str) -> FileEntry {
        FileEntry { path: path.to_owned(), size: 0, sha256: Sha256::of(b"") }
    }

    #[test]
    fn counts_are_complete_whatever_the_flood() {
        let entries: Vec<FileEntry> = (0..20_000).map(|index| entry(&format!("a.x{index}"))).collect();
        let mut states = States::default();
        for (index, entry) in entries.iter().enumerate() {
            let reason = (index == 15_000).then_some(SkipReason::NotParsed);
            states.note_source(&entry.path, reason);
        }
        let mut coverage = Coverage::default();
        states.tell(&entries, &mut coverage);
        assert_eq!(coverage.extensions.len(), MAX_EXTENSIONS + 1);
        let counted: u64 = coverage.extensions.values().flat_map(|counts| counts.values()).sum();
        assert_eq!((counted, coverage.states[&FileState::Parsed]), (20_000, 19_999));
        assert_eq!(coverage.sources.len(), MAX_SOURCES);
        assert!(coverage.sources.iter().any(|source| source.path == "a.x15000"));
    }

    #[test]
    fn an_archive_that_was_opened_says_so() {
        let entries = [entry("a.zip"), entry("a.zip!/b.PY"), entry("c!/d")];
        let mut states = States::default();
        states.note(FileState::Hashed);
        states.note_source("a.zip!/b.PY", None);
        states.note(FileState::TextScanned);
        let mut coverage = Coverage::default();
        states.tell(&entries, &mut coverage);
        assert_eq!(coverage.extensions["zip"], BTreeMap::from([(FileState::Opened, 1)]));
        assert_eq!(coverage.extensions["py"], BTreeMap::from([(FileState::Parsed, 1)]));
        assert_eq!(coverage.extensions[""], BTreeMap::from([(FileState::TextScanned, 1)]));
    }
}
