//! A door for the fuzz targets (feature `fuzzing`), to single rooms that are otherwise reached through a whole
//! distribution only. In: bytes. Out: counts, so that nothing is optimised away. It checks what must hold of any input.

use std::io::Cursor;

use sigma_core::Confidence;

use crate::facts::Facts;
use crate::language::Language;
use crate::{Limits, archive, parsers};

/// A language with a front end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// Python.
    Python,
    /// JavaScript, with or without JSX.
    JavaScript,
    /// TypeScript, with or without JSX.
    TypeScript,
}

impl Syntax {
    fn language(self) -> Language {
        match self {
            Self::Python => Language::Python,
            Self::JavaScript => Language::JavaScript,
            Self::TypeScript => Language::TypeScript,
        }
    }
}

/// Unpacks an archive; answers how many files and bytes came out.
pub fn unpack(filename: &str, bytes: &[u8], limits: &Limits) -> (u64, u64) {
    let (mut files, mut size) = (0, 0);
    let walk = archive::walk(filename, &mut Cursor::new(bytes), limits, &mut |member| {
        assert!(member.content.bytes().len() as u64 <= member.size);
        files += 1;
        size += member.size;
    });
    assert_eq!((walk.files, walk.bytes), (files, size));
    assert!(files <= limits.entries);
    assert!(walk.complete || walk.skipped_total() > 0 || !walk.oddities.is_empty(), "a gap that nothing discloses");
    (files, size)
}

/// Parses a source, or scans it where it does not parse; answers how many facts it yields. The bound of its nesting may
/// not be below what is measured.
pub fn parse(source: &[u8], syntax: Syntax) -> usize {
    let text = parsers::decode(source);
    parsers::check_bound(&text, syntax.language());
    let limits = Limits::default();
    let (count, not_parsed) =
        parsers::with_facts(&text, syntax.language(), true, limits.syntax_depth, |facts| check(facts, &text));
    assert!(not_parsed.is_none_or(|not_parsed| !not_parsed.detail.is_empty()));
    count
}

/// Reads a source with the token scan alone; answers how many facts it yields.
pub fn scan(source: &[u8], syntax: Syntax) -> usize {
    let text = parsers::decode(source);
    let arena = oxc_allocator::Allocator::default();
    let facts = parsers::scan(&arena, &text, syntax.language());
    assert_eq!(facts.confidence, Confidence::Low);
    check(&facts, &text)
}

fn check(facts: &Facts<'_>, text: &str) -> usize {
    let places = facts.calls.iter().map(|call| call.place);
    let places = places.chain(facts.environment.iter().map(|read| read.place));
    let places = places.chain(facts.mentions.iter().map(|mention| mention.place));
    let mut count = facts.imports.len() + facts.modules.len();
    for place in places {
        assert!(place.start <= place.end && place.end as usize <= text.len(), "{place:?} lies outside");
        let _ = facts.when(place);
        count += 1;
    }
    count
}
