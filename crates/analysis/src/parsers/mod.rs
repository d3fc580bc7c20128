//! From a file's bytes to its facts, whatever the file holds.
//!
//! In: bytes and a language. Out: [`Facts`] and how the file was read. It never aborts on hostile nesting: what is too
//! deep for a parser, or does not parse, goes through the token scan, and says so.

mod blocks;
mod bound;
mod encoding;
mod javascript;
mod lexer;
mod nesting;
mod python;
mod shell;
mod tokens;
mod word;

use std::cell::RefCell;
use std::rc::Rc;

use oxc_allocator::Allocator;
use oxc_parser::{ParseOptions as OxcOptions, Parser};
use oxc_span::SourceType;
use ruff_python_ast::PySourceType;
use sigma_core::{Confidence, SkipReason, printable};

use crate::facts::{Builder, Facts};
use crate::language::Language;
#[cfg(feature = "fuzzing")]
pub(crate) use bound::check as check_bound;
pub(crate) use encoding::{Decoded, declared, decode, decode_source, is_text};
use nesting::{MAX_TOKENS, Nesting};

/// How a file was read, where that was not the usual way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NotParsed {
    /// Too deep, or not parsed.
    pub reason: SkipReason,
    /// What exactly.
    pub detail: String,
}

/// What names mean: `os` is `os`, `system` is `os.system`.
pub(crate) type Names = [(Rc<str>, Rc<str>)];

/// Reads a source text and hands its facts to `rules`; answers what they answer, and how the file was read.
///
/// The facts borrow the tree, which lives only as long as the call; what does not borrow may be taken out of them. `program` says that the file is started rather than
/// imported; `depth` is [`crate::Limits::syntax_depth`].
pub(crate) fn with_facts<T>(
    source: &str,
    language: Language,
    program: bool,
    depth: u32,
    rules: impl FnOnce(&mut Facts<'_>) -> T,
) -> (T, Option<NotParsed>) {
    with_named_facts(source, language, program, depth, &[], rules)
}

/// The same for code that runs within other code, whose names mean what `names` says.
pub(crate) fn with_named_facts<T>(
    source: &str,
    language: Language,
    program: bool,
    depth: u32,
    names: &Names,
    rules: impl FnOnce(&mut Facts<'_>) -> T,
) -> (T, Option<NotParsed>) {
    let mut arena = ARENA.take();
    let answer = read(&arena, source, language, program, depth, names, rules);
    arena.reset();
    if arena.capacity() <= ARENA_KEPT {
        ARENA.set(arena);
    }
    answer
}

thread_local! {
    /// The arena of this thread, used for file after file: trees of JavaScript, and texts that are put together. A file that
    /// grew it past the limit gives it back.
    static ARENA: RefCell<Allocator> = RefCell::new(Allocator::default());
}

/// Bytes an arena keeps between files: 24 MiB, enough for all but the largest files. Giving it back and asking for it
/// again costs as much as filling it.
const ARENA_KEPT: usize = 24 << 20;

fn read<T>(
    arena: &Allocator,
    source: &str,
    language: Language,
    program: bool,
    depth: u32,
    names: &Names,
    rules: impl FnOnce(&mut Facts<'_>) -> T,
) -> (T, Option<NotParsed>) {
    if source.len() > u32::MAX as usize - 1 {
        let detail = format!("{} bytes are more than a parser can address", source.len());
        return (
            rules(&mut Builder::new(arena, "", language, Confidence::Low).finish()),
            Some(NotParsed { reason: SkipReason::TooLarge, detail }),
        );
    }
    if language == Language::Shell {
        let mut builder = Builder::new(arena, source, language, Confidence::Medium);
        shell::read(source, &mut builder);
        return (rules(&mut builder.finish()), None);
    }
    let nesting = Nesting::at_most(source, language, depth);
    if nesting.exceeds(depth) {
        let Nesting { brackets, prefixes, chain, again, .. } = nesting;
        let detail = format!(
            "nested {brackets} brackets, {prefixes} prefixes, {chain} tokens deep, {again} ambiguous; {depth}, {} and {} \
             are read",
            depth.saturating_mul(4),
            depth.saturating_mul(50)
        );
        return (rules(&mut scan(arena, source, language)), Some(NotParsed { reason: SkipReason::TooDeep, detail }));
    }
    if nesting.tokens > MAX_TOKENS {
        let detail = format!("more than {MAX_TOKENS} tokens are more than a parser is given");
        return (rules(&mut scan(arena, source, language)), Some(NotParsed { reason: SkipReason::OverBudget, detail }));
    }
    let stack = nesting.stack();
    stacker::maybe_grow(stack, stack + (1 << 20), || match language {
        Language::Python => with_python(arena, source, program, names, rules),
        Language::JavaScript | Language::TypeScript | Language::Shell => {
            let typed = || !Nesting::of(source, language, depth).exceeds_typed();
            with_javascript(arena, source, language, names, typed, rules)
        }
    })
}

/// The facts of a source by its tokens alone.
pub(crate) fn scan<'a>(arena: &'a Allocator, source: &'a str, language: Language) -> Facts<'a> {
    let mut builder = Builder::new(arena, source, language, Confidence::Low);
    tokens::read(source, language, &mut builder);
    builder.finish()
}

fn not_parsed(error: String) -> Option<NotParsed> {
    Some(NotParsed { reason: SkipReason::NotParsed, detail: printable(&error, 160) })
}

fn with_python<T>(
    arena: &Allocator,
    source: &str,
    program: bool,
    names: &Names,
    rules: impl FnOnce(&mut Facts<'_>) -> T,
) -> (T, Option<NotParsed>) {
    let parsed = ruff_python_parser::parse_unchecked_source(source, PySourceType::Python);
    let error = parsed.errors().first().map(|error| error.to_string());
    let confidence = if error.is_some() { Confidence::Medium } else { Confidence::High };
    let mut builder = Builder::new(arena, source, Language::Python, confidence).started(program).named(names);
    python::read(parsed.syntax(), &mut builder);
    for _ in 1..builder.readings() {
        if !builder.is_worth_another() {
            break;
        }
        builder = builder.again(false).named(names);
        python::read(parsed.syntax(), &mut builder);
    }
    let mut facts = builder.finish();
    match error {
        None => (rules(&mut facts), None),
        // The tree has holes: what stands in them, the tokens still show.
        Some(error) => (rules(&mut facts.with_scan(scan(arena, source, Language::Python))), not_parsed(error)),
    }
}

fn with_javascript<T>(
    arena: &Allocator,
    source: &str,
    language: Language,
    names: &Names,
    typed: impl Fn() -> bool,
    rules: impl FnOnce(&mut Facts<'_>) -> T,
) -> (T, Option<NotParsed>) {
    // A name says little about a dialect: each is tried, the likely one first.
    let dialects: &[SourceType] = match language {
        Language::TypeScript => &[SourceType::ts(), SourceType::tsx(), SourceType::d_ts(), SourceType::unambiguous()],
        _ => &[SourceType::unambiguous().with_jsx(true), SourceType::cjs(), SourceType::tsx()],
    };
    let options = OxcOptions { allow_return_outside_function: true, ..OxcOptions::default() };
    let mut first = None;
    for dialect in dialects {
        if language == Language::JavaScript && dialect.is_typescript() && !typed() {
            break;
        }
        let parsed = Parser::new(arena, source, *dialect).with_options(options).parse();
        if parsed.diagnostics.is_empty() && !parsed.panicked {
            let marks = javascript::Marks::of(source);
            let mut builder = Builder::new(arena, source, language, Confidence::High).named(names);
            javascript::read(&parsed.program, &marks, &mut builder);
            for _ in 1..builder.readings() {
                if !builder.is_worth_another() {
                    break;
                }
                builder = builder.again(marks.obfuscated).named(names);
                javascript::read(&parsed.program, &marks, &mut builder);
            }
            return (rules(&mut builder.finish()), None);
        }
        first.get_or_insert(parsed);
    }
    let error = first.as_ref().and_then(|parsed| parsed.diagnostics.iter().next()).map(|error| error.to_string());
    let scanned = scan(arena, source, language);
    let mut facts = match first.filter(|parsed| !parsed.panicked) {
        Some(parsed) => {
            let mut builder = Builder::new(arena, source, language, Confidence::Medium).named(names);
            javascript::read(&parsed.program, &javascript::Marks::of(source), &mut builder);
            builder.finish().with_scan(scanned)
        }
        None => scanned,
    };
    (rules(&mut facts), not_parsed(error.unwrap_or_else(|| "the parser gave up".into())))
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod variants;
