//! A tokeniser for both languages that cannot fail and does not recurse.
//!
//! In: any text. Out: words, texts, marks and line ends, with the depth of brackets. It is what measures nesting before
//! a parser is allowed to recurse, and what reads files that do not parse. It need not be exact where a language is
//! ambiguous (a `/` in JavaScript); it must end, and go forward at every step.

use super::word::Word;
use crate::language::Language;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name or keyword.
    Word,
    /// A number.
    Number,
    /// A whole text literal with its quotes, a piece of a template, or a regular expression.
    Text,
    /// Any other character.
    Mark(u8),
    /// `=>`.
    Arrow,
    /// The end of a line, outside of brackets in Python.
    Newline,
}

/// A token and where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub kind: Kind,
    /// What kind of keyword a word is.
    pub word: Word,
    pub start: usize,
    pub end: usize,
}

/// A token as far as the meaning of the next one depends on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before {
    kind: Kind,
    pub word: Word,
}

/// An open bracket.
#[derive(Clone, Copy)]
struct Open {
    /// The brace of `${` in a template.
    template: bool,
    /// The parenthesis of `if (` and its like, or the brace of a block: after it ends, `/` begins an expression.
    statement: bool,
}

/// Reads tokens from a source text.
pub(super) struct Lexer<'a> {
    source: &'a str,
    bytes: &'a [u8],
    at: usize,
    language: Language,
    open: Vec<Open>,
    before: Option<Before>,
    /// Whether an expression, rather than an operator, may follow a closing bracket.
    after_statement: bool,
    /// Bytes that may still be read in vain for the end of a regular expression, so that time is linear.
    vain: usize,
}

impl<'a> Lexer<'a> {
    /// Starts at the beginning of `source`.
    pub fn new(source: &'a str, language: Language) -> Self {
        let (at, vain) = (first(source), in_vain(source));
        let (bytes, open, before, after_statement) = (source.as_bytes(), Vec::new(), None, false);
        Self { source, bytes, at, language, open, before, after_statement, vain }
    }

    /// How many brackets are open.
    pub fn depth(&self) -> usize {
        self.open.len()
    }

    /// The text of a token.
    pub fn text(&self, token: Token) -> &'a str {
        self.source.get(token.start..token.end).unwrap_or_default()
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn is_python(&self) -> bool {
        self.language == Language::Python
    }

    /// A token from `start` to here.
    fn token(&mut self, kind: Kind, start: usize) -> Token {
        self.word(kind, Word::NONE, start)
    }

    fn word(&mut self, kind: Kind, word: Word, start: usize) -> Token {
        self.before = Some(Before { kind, word });
        Token { kind, word, start, end: self.at }
    }

    /// True when what was read last may be followed by an operator.
    pub fn after_operand(&self) -> bool {
        is_operand(self.before, self.after_statement)
    }

    /// What [`Self::after_operand`] goes by, to be asked later with [`is_operand`].
    pub fn state(&self) -> (Option<Before>, bool) {
        (self.before, self.after_statement)
    }

    /// Reads a quoted text that began at `start`.
    fn quoted(&mut self, start: usize, quote: u8, long: bool) -> Token {
        self.at = quoted_end(self.bytes, start, quote, long).0;
        self.token(Kind::Text, start)
    }

    /// Reads a piece of a template, up to its end or the next `${`.
    fn template(&mut self, start: usize) -> Token {
        let (end, piece) = template_end(self.bytes, self.at);
        self.at = end;
        let token = self.token(Kind::Text, start);
        if piece == Piece::Opens {
            self.open.push(Open { template: true, statement: false });
            self.before = Some(Before { kind: Kind::Mark(b'{'), word: Word::NONE });
        }
        token
    }

    /// Reads a regular expression if one begins here.
    fn regular_expression(&mut self) -> Option<Token> {
        let start = self.at;
        self.at = regular_expression_end(self.bytes, start, &mut self.vain)?;
        Some(self.token(Kind::Text, start))
    }

    fn opens(&mut self, mark: u8) {
        let statement = match self.before {
            None => mark == b'{',
            Some(before) => match (mark, before.kind) {
                (b'(', Kind::Word) => before.word.any(Word::TESTS),
                (b'{', Kind::Mark(b')' | b';' | b'{' | b'}') | Kind::Arrow | Kind::Newline) => true,
                (b'{', Kind::Word) => before.word.any(Word::BLOCK),
                _ => false,
            },
        };
        self.open.push(Open { template: false, statement });
    }
}

/// True when this token, at its time, may be followed by an operator.
pub(super) fn is_operand(before: Option<Before>, after_statement: bool) -> bool {
    match before {
        None => false,
        Some(Before { kind, word }) => match kind {
            Kind::Number | Kind::Text => true,
            Kind::Word => !word.any(Word::OPERAND_FOLLOWS),
            Kind::Mark(b')' | b'}') => !after_statement,
            Kind::Mark(mark) => mark == b']',
            Kind::Arrow | Kind::Newline => false,
        },
    }
}

/// Bytes that may be read in vain for the end of a regular expression, so that time is linear.
pub(super) fn in_vain(source: &str) -> usize {
    source.len().saturating_mul(4).saturating_add(64 << 10)
}

/// Where tokens begin: after a line that names an interpreter.
pub(super) fn first(source: &str) -> usize {
    if source.starts_with("#!") { source.find('\n').unwrap_or(source.len()) } else { 0 }
}

/// Where the line that goes on at `at` ends. In JavaScript U+2028 and U+2029 end a line too, and belong to it.
pub(super) fn line_end(bytes: &[u8], mut at: usize, python: bool) -> usize {
    while let Some(next) = memchr::memchr3(b'\n', b'\r', 0xe2, &bytes[at..]) {
        at += next;
        match bytes[at..] {
            [0xe2, 0x80, 0xa8 | 0xa9, ..] if !python => return at + 3,
            [0xe2, ..] => at += 1,
            _ => return at,
        }
    }
    bytes.len()
}

/// Where the comment ends that began with `/*` at `start`.
pub(super) fn comment_end(bytes: &[u8], start: usize) -> usize {
    let mut slashes = memchr::memchr_iter(b'/', &bytes[start + 2..]).map(|at| start + 2 + at);
    slashes.find(|at| *at > start + 2 && bytes[at - 1] == b'*').map_or(bytes.len(), |at| at + 1)
}

/// Where the quoted text ends that begins at `start`, and whether with its quote: an unfinished one ends with its line.
pub(super) fn quoted_end(bytes: &[u8], start: usize, quote: u8, long: bool) -> (usize, bool) {
    let mut at = start + if long { 3 } else { 1 };
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let next = match long {
            true => memchr::memchr2(b'\\', quote, rest),
            false => memchr::memchr3(b'\\', quote, b'\n', rest),
        };
        let Some(next) = next else { return (bytes.len(), false) };
        at += next;
        match bytes[at] {
            b'\\' => at += 2,
            byte if byte == quote && (!long || bytes[at..].starts_with(&[quote; 3])) => {
                return (at + if long { 3 } else { 1 }, true);
            }
            b'\n' if !long => return (at, false),
            _ => at += 1,
        }
    }
}

/// How a piece of a template ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// With `${`.
    Opens,
    /// With the template.
    Closes,
    /// With the file.
    Breaks,
}

/// Where the piece of a template ends that goes on at `at`.
pub(super) fn template_end(bytes: &[u8], mut at: usize) -> (usize, Piece) {
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(next) = memchr::memchr3(b'\\', b'`', b'$', rest) else { return (bytes.len(), Piece::Breaks) };
        at += next;
        match bytes[at..] {
            [b'\\', ..] => at += 2,
            [b'`', ..] => return (at + 1, Piece::Closes),
            [b'$', b'{', ..] => return (at + 2, Piece::Opens),
            _ => at += 1,
        }
    }
}

/// Where the regular expression ends that begins at `start`, if one does: it must end on its line.
pub(super) fn regular_expression_end(bytes: &[u8], start: usize, vain: &mut usize) -> Option<usize> {
    let (mut at, mut class) = (start + 1, false);
    if *vain == 0 {
        return None;
    }
    loop {
        match bytes.get(at).unwrap_or(&b'\n') {
            b'\n' | b'\r' => {
                *vain = vain.saturating_sub(at - start);
                return None;
            }
            b'\\' => at += 1,
            b'[' => class = true,
            b']' => class = false,
            b'/' if !class => return Some(at + 1),
            _ => {}
        }
        at += 1;
    }
}

/// Bytes that a name may hold after its first: letters, digits, `_`, `$` and everything beyond ASCII.
pub(super) fn is_in_word(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'$' | 0x80..)
}

/// The upper bit of each of eight bytes.
const UPPER: u64 = 0x8080_8080_8080_8080;

/// The same byte eight times.
const fn eight(byte: u8) -> u64 {
    byte as u64 * 0x0101_0101_0101_0101
}

/// The upper bit of those of eight bytes that are `byte`, an ASCII character.
fn equal(bytes: u64, byte: u8) -> u64 {
    !((((bytes ^ eight(byte)) & !UPPER) + !UPPER) | bytes) & UPPER
}

/// The upper bit of those of eight bytes that are spaces.
fn spaces(bytes: u64) -> u64 {
    equal(bytes, b' ')
}

/// The upper bit of those of eight bytes that [`is_in_word`] holds for.
fn in_word(bytes: u64) -> u64 {
    let low = bytes & !UPPER;
    // The upper bit of a sum says that the byte is at least as large.
    let between = |low: u64, first: u8, last: u8| (low + eight(0x80 - first)) & !(low + eight(0x7f - last)) & UPPER;
    let letters = between(low | eight(0x20), b'a', b'z');
    letters | between(low, b'0', b'9') | equal(bytes, b'_') | equal(bytes, b'$') | bytes & UPPER
}

/// How many bytes at the beginning of `rest` are of one kind. Eight at a time: most runs are that short, and how short
/// is what a processor guesses worst.
fn run(rest: &[u8], eight: impl Fn(u64) -> u64, one: impl Fn(u8) -> bool) -> usize {
    let mut length = 0;
    while let Some(bytes) = rest[length..].first_chunk::<8>() {
        let others = !eight(u64::from_le_bytes(*bytes)) & UPPER;
        if others != 0 {
            return length + others.trailing_zeros() as usize / 8;
        }
        length += 8;
    }
    length + rest[length..].iter().take_while(|byte| one(**byte)).count()
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        if self.is_python() { self.advance::<true>() } else { self.advance::<false>() }
    }
}

impl Lexer<'_> {
    /// The next token; `PYTHON` says again what the language is.
    #[inline(always)] // There are two places that read all tokens of a file.
    pub fn advance<const PYTHON: bool>(&mut self) -> Option<Token> {
        loop {
            // The most frequent kinds first, which a processor guesses better than a table of jumps.
            if self.peek(0) == b' ' {
                self.at += run(&self.bytes[self.at..], spaces, |byte| byte == b' ');
            }
            let start = self.at;
            let byte = *self.bytes.get(start)?;
            if is_in_word(byte) && !byte.is_ascii_digit() {
                let rest = &self.bytes[start..];
                let length = run(rest, in_word, is_in_word);
                self.at += length;
                return Some(self.word(Kind::Word, Word::of(&rest[..length]), start));
            }
            match byte {
                b'\n' => {
                    self.at += 1;
                    if !PYTHON {
                        return Some(Token { kind: Kind::Newline, word: Word::NONE, start, end: self.at });
                    }
                    if self.open.is_empty() {
                        return Some(self.token(Kind::Newline, start));
                    }
                }
                b'\t' | b'\r' | 0x0c => self.at += 1,
                b'#' if PYTHON => self.at = line_end(self.bytes, start, PYTHON),
                b'\\' if PYTHON && matches!(self.peek(1), b'\n' | b'\r') => self.at += 2,
                b'/' if !PYTHON && self.peek(1) == b'/' => self.at = line_end(self.bytes, start, PYTHON),
                b'/' if !PYTHON && self.peek(1) == b'*' => self.at = comment_end(self.bytes, start),
                b'/' if !PYTHON && !self.after_operand() => {
                    if let Some(token) = self.regular_expression() {
                        return Some(token);
                    }
                    self.at += 1;
                    return Some(self.token(Kind::Mark(byte), start));
                }
                b'"' | b'\'' => {
                    let long = PYTHON && self.peek(1) == byte && self.peek(2) == byte;
                    return Some(self.quoted(start, byte, long));
                }
                b'`' if !PYTHON => {
                    self.at += 1;
                    return Some(self.template(start));
                }
                b'(' | b'[' | b'{' => {
                    self.opens(byte);
                    self.at += 1;
                    return Some(self.token(Kind::Mark(byte), start));
                }
                b')' | b']' | b'}' => {
                    self.at += 1;
                    let closed = self.open.pop();
                    if byte == b'}' && closed.is_some_and(|open| open.template) {
                        return Some(self.template(start));
                    }
                    self.after_statement = closed.is_some_and(|open| open.statement);
                    return Some(self.token(Kind::Mark(byte), start));
                }
                b'=' if !PYTHON && self.peek(1) == b'>' => {
                    self.at += 2;
                    return Some(self.token(Kind::Arrow, start));
                }
                b'0'..=b'9' => {
                    while self.peek(0).is_ascii_alphanumeric() || self.peek(0) == b'_' {
                        self.at += 1;
                    }
                    return Some(self.token(Kind::Number, start));
                }
                _ => {
                    self.at += 1;
                    return Some(self.token(Kind::Mark(byte), start));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_bytes_are_judged_as_each_of_them() {
        for byte in 0..=u8::MAX {
            for neighbour in [0, b' ', b'a', 0x7f, 0x80, 0xff] {
                let mut bytes = [neighbour; 8];
                bytes[3] = byte;
                let all = u64::from_le_bytes(bytes);
                assert_eq!(in_word(all) >> 31 & 1 == 1, is_in_word(byte), "{byte} beside {neighbour}");
                assert_eq!(spaces(all) >> 31 & 1 == 1, byte == b' ', "{byte} beside {neighbour}");
            }
        }
        for length in 0..40 {
            let text = "a".repeat(length) + " ";
            assert_eq!(run(text.as_bytes(), in_word, is_in_word), length);
            assert_eq!(run(text.trim_end().as_bytes(), in_word, is_in_word), length);
        }
    }
}
