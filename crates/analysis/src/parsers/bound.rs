//! An upper bound of what a source asks of the stack, for a fraction of what measuring it takes.
//!
//! In: a source text. Out: a [`Nesting`] of which no figure is below the measured one, or nothing where only measuring
//! tells. Most files are so far below every limit that the bound is enough. It reads texts, comments and regular
//! expressions with the functions of the lexer, and stops at brackets and what begins a text; what lies between
//! two of these is only counted, sixty-four bytes at a time. Each of its tokens counts as if a parser recursed on
//! it, until something comes after which a statement or an item surely begins anew. Commas, semicolons and line ends,
//! after which that is so, are only looked for where many tokens are open.

use super::blocks::{Block, SIZE, is_space};
use super::lexer::{self, Piece, is_in_word};
use super::nesting::Nesting;
use super::word::Word;
use crate::language::Language;

/// A bound of all but `again_typed`; nothing where there is more than `limit` allows, and where it is not sure.
pub(super) fn bound(source: &str, language: Language, limit: u32) -> Option<Nesting> {
    match language {
        Language::Python => Bound::<true>::of(source, false, limit),
        _ => Bound::<false>::of(source, language == Language::TypeScript, limit),
    }
}

/// True when there is a bound. None of its figures may be below what is measured where that does not stop early: it
/// panics otherwise.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn check(source: &str, language: Language) -> bool {
    let Some(most) = bound(source, language, 400) else { return false };
    let measured = Nesting::of(source, language, u32::MAX / 50);
    let pairs = [
        (most.brackets, measured.brackets),
        (most.prefixes, measured.prefixes),
        (most.chain, measured.chain),
        (most.tokens, measured.tokens),
    ];
    let below = pairs.iter().any(|(most, measured)| most < measured) || most.again < measured.again;
    assert!(!below, "{language:?} {source:?}\n{most:?} is below\n{measured:?}");
    true
}

/// Open tokens up to which those that end a statement or an item are passed over.
const FEW: u32 = 256;

/// No token.
const NONE: u32 = u32::MAX;

/// What has been seen between two brackets.
#[derive(Clone, Copy)]
struct Level {
    /// Where its bracket stands, and the last byte of the token before.
    at: u32,
    before: u32,
    /// Tokens since a statement or an item surely began.
    tokens: u32,
    /// Those of them that may be an open angle, which a comma does not close.
    angles: u32,
    /// Arrows that may make tokens be read again.
    arrows: u32,
    /// A question mark came before a round bracket.
    question: bool,
    /// Its tokens may be read again.
    begins: bool,
    /// Its bracket is `${`.
    template: bool,
}

impl Level {
    fn new(at: u32, before: u32, begins: bool, template: bool) -> Self {
        Self { at, before, tokens: 0, angles: 0, arrows: 0, question: false, begins, template }
    }
}

struct Bound<'a, const PYTHON: bool> {
    bytes: &'a [u8],
    /// Whether it is TypeScript.
    typed: bool,
    limit: u32,
    /// What lies before it was counted, and the token before that ends with the byte `last`.
    from: usize,
    last: u32,
    /// All levels that are open, up to the one being read, and behind it those that were closed last. Nothing is moved:
    /// what was written just before would have to be waited for.
    levels: Vec<Level>,
    depth: usize,
    /// Bytes that may still be read in vain for the end of a regular expression, and where the last one ends.
    vain: usize,
    expression: u32,
    /// Blanks in a row at the end of the block before, and no fewer than stand in a row anywhere: no line is indented more
    /// often.
    blanks: u32,
    widest: u32,
    /// Tokens of all open levels.
    open: u32,
    /// How often a token may be read again now.
    unsure: u32,
    most: Nesting,
}

impl<'a, const PYTHON: bool> Bound<'a, PYTHON> {
    fn of(source: &'a str, typed: bool, limit: u32) -> Option<Nesting> {
        let mut bound = Self {
            bytes: source.as_bytes(),
            typed,
            limit,
            from: lexer::first(source),
            last: NONE,
            levels: vec![Level::new(NONE, NONE, false, false); 32],
            depth: 0,
            vain: lexer::in_vain(source),
            expression: NONE,
            blanks: 0,
            widest: 0,
            open: 0,
            unsure: 0,
            most: Nesting::default(),
        };
        bound.read()?;
        bound.most.brackets += bound.widest;
        bound.most.chain = bound.most.prefixes;
        Some(bound.most)
    }

    fn read(&mut self) -> Option<()> {
        let (mut tokens, mut angles) = (0, 0);
        let mut here = self.from;
        while here < self.bytes.len() {
            let base = here / SIZE * SIZE;
            let block = Block::at::<PYTHON>(self.bytes, base);
            // What was not passed yet.
            let mut rest = !0 << (here - base);
            here = base + SIZE;
            if PYTHON {
                self.indented(block.spaces);
            }
            let few = self.open + tokens <= self.limit.min(FEW);
            let all = if few && !self.level().question { block.stops } else { block.stops | block.ends };
            loop {
                let stops = all & rest;
                let index = stops.trailing_zeros();
                let passed = if stops == 0 { rest } else { rest & ((1 << index) - 1) };
                tokens += (block.starts & passed).count_ones();
                if !PYTHON && block.angles & passed != 0 {
                    angles += (block.angles & passed).count_ones();
                }
                if stops == 0 {
                    break;
                }
                let at = base + index as usize;
                self.count(at, tokens + 1, angles)?;
                (tokens, angles) = (0, 0);
                rest = !1 << index;
                self.from = self.stop(at, &block, rest)?;
                if self.from > at + 1 {
                    if self.from >= here {
                        here = self.from;
                        break;
                    }
                    rest = !0 << (self.from - base);
                }
            }
        }
        self.count(self.bytes.len(), tokens + 1, angles)
    }

    /// Reads what begins at `at`, and answers where to go on: behind it, which is behind no word. `rest` is what comes
    /// after it in the block.
    #[inline(always)]
    fn stop(&mut self, at: usize, block: &Block, rest: u64) -> Option<usize> {
        let byte = self.bytes[at];
        let before = self.last;
        self.last = at as u32;
        match byte {
            b',' => {
                let angles = self.level().angles;
                self.anew(angles + 1, angles);
            }
            b'(' | b'[' | b'{' => {
                let before = self.before(at, before);
                if self.typed && byte != b'(' && self.level().begins && before == self.level().at {
                    return None; // Perhaps a pattern, in which a default may double what is read again.
                }
                self.opens(at, before, byte == b'(', false);
                let deep = self.depth as u32;
                self.most.brackets = self.most.brackets.max(deep);
                if deep > self.limit {
                    return None;
                }
            }
            b')' | b']' | b'}' => {
                if byte == b'}' && self.level().template {
                    return self.template(at, at);
                }
                self.closes()?;
                if !PYTHON && byte == b'}' {
                    self.after(b'}', first(at, !block.spaces & rest));
                }
            }
            b';' => self.after(b';', first(at, !block.spaces & rest)),
            b'"' | b'\'' => {
                if let Some(end) = self.short(at, byte, block, rest) {
                    self.last = end as u32 - 1;
                    return Some(end);
                }
                let long = PYTHON && self.bytes[at..].starts_with(&[byte; 3]);
                let (end, true) = lexer::quoted_end(self.bytes, at, byte, long) else { return None };
                self.last = end as u32 - 1;
                return Some(end);
            }
            b'\n' if self.depth == 0 => self.anew(1, 0),
            b'#' => return Some(lexer::line_end(self.bytes, at, true)),
            b'\\' if matches!(self.bytes.get(at + 1), Some(b'\n' | b'\r')) => return Some(at + 2),
            b'`' => return self.template(at, self.before(at, before) as usize),
            b'/' => return self.slash(at, before),
            _ => {}
        }
        Some(at + 1)
    }

    /// Where a text ends that begins at `at`, if it does in its block and holds nothing that one has to look at. An empty
    /// one may be the beginning of a long one.
    #[inline(always)]
    fn short(&self, at: usize, quote: u8, block: &Block, rest: u64) -> Option<usize> {
        let mut stops = block.stops & rest;
        while stops != 0 {
            let place = first(at, stops);
            if self.bytes[place] == quote {
                let inside = (stops & stops.wrapping_neg()).wrapping_sub(1) & rest;
                return (inside != 0 && inside & block.breaks == 0).then_some(place + 1);
            }
            stops &= stops - 1;
        }
        None
    }

    /// Keeps how many blanks stand in a row, from those of a block.
    #[inline(always)]
    fn indented(&mut self, blanks: u64) {
        let mut sixteen = blanks & blanks << 1;
        sixteen &= sixteen << 2;
        sixteen &= sixteen << 4;
        sixteen &= sixteen << 8;
        let within = match sixteen {
            0 => 16,
            _ if sixteen & sixteen << 16 == 0 => 32,
            _ => 64,
        };
        let across = self.blanks + blanks.trailing_ones();
        self.widest = self.widest.max(within).max(across);
        self.blanks = if blanks == !0 { across } else { blanks.leading_ones() };
    }

    /// Reads a piece of a template that begins at `at`, with a grave accent or a brace.
    fn template(&mut self, at: usize, before: usize) -> Option<usize> {
        let (end, piece) = lexer::template_end(self.bytes, at + 1);
        match (piece, self.bytes[at]) {
            (Piece::Breaks, _) => return None,
            (Piece::Opens, b'`') => {
                self.opens(at, before as u32, false, true);
                self.most.brackets = self.most.brackets.max(self.depth as u32);
            }
            (Piece::Closes, b'}') => self.closes()?,
            _ => {}
        }
        self.last = end as u32 - 1;
        Some(end)
    }

    /// The last byte of the token before `at`; `last` is the one before what was counted.
    #[inline(always)]
    fn before(&self, at: usize, last: u32) -> u32 {
        let gap = self.bytes.get(self.from..at).unwrap_or_default();
        match gap.last() {
            Some(byte) if !is_space(*byte) => at as u32 - 1,
            None => last,
            _ => gap.iter().rposition(|byte| !is_space(*byte)).map_or(last, |index| (self.from + index) as u32),
        }
    }

    /// The level being read.
    #[inline(always)]
    fn level(&mut self) -> &mut Level {
        &mut self.levels[self.depth]
    }

    /// Counts what lies before `at`: so many tokens, with the one there, of which so many may be an open angle.
    #[inline(always)]
    fn count(&mut self, at: usize, tokens: u32, angles: u32) -> Option<()> {
        let from = self.from;
        let level = &mut self.levels[self.depth];
        level.tokens += tokens;
        if !PYTHON {
            level.angles += angles;
            if level.question {
                let gap = self.bytes.get(from..at).unwrap_or_default();
                let arrows = gap.windows(2).filter(|pair| *pair == b"=>").count() as u32;
                level.arrows += arrows;
                self.unsure += arrows;
            }
            self.most.again += u64::from(tokens) * u64::from(self.unsure);
        }
        self.open += tokens;
        self.most.tokens += tokens;
        if self.open > self.most.prefixes {
            self.most.prefixes = self.open;
            return (self.open <= self.limit.saturating_mul(4)).then_some(());
        }
        Some(())
    }

    /// A statement or an item begins anew; so many tokens stay, or were added since.
    #[inline(always)]
    fn anew(&mut self, stay: u32, angles: u32) {
        let level = &mut self.levels[self.depth];
        self.open = self.open - level.tokens + stay;
        (level.tokens, level.angles, level.question) = (stay, angles, false);
        if level.arrows > 0 {
            // The token that begins it is counted before.
            self.most.again += u64::from(self.unsure);
            if !level.begins {
                self.unsure -= level.arrows;
                level.arrows = 0;
            }
        }
    }

    #[inline(always)]
    fn opens(&mut self, at: usize, before: u32, round: bool, template: bool) {
        let begins = !PYTHON && round && self.may_begin(before);
        if !PYTHON && round && self.byte(before) == Some(b'?') {
            self.level().question = true;
        }
        self.unsure += u32::from(begins);
        self.depth += 1;
        let level = Level::new(at as u32, before, begins, template);
        match self.levels.get_mut(self.depth) {
            Some(place) => *place = level,
            None => self.levels.push(level),
        }
    }

    #[inline(always)]
    fn closes(&mut self) -> Option<()> {
        let Level { tokens, arrows, begins, .. } = *self.level();
        self.open = self.open - tokens + 1;
        self.unsure -= arrows + u32::from(begins);
        self.depth = self.depth.checked_sub(1)?;
        self.level().tokens += 1;
        Some(())
    }

    /// What comes after a semicolon or brace, at `next` or behind more spaces, may begin a statement: looks what it is.
    #[inline(always)]
    fn after(&mut self, mark: u8, next: usize) {
        let rest = self.bytes.get(next..).unwrap_or_default();
        let rest = match rest {
            [byte, ..] if is_space(*byte) => &rest[rest.iter().take_while(|byte| is_space(**byte)).count()..],
            _ => rest,
        };
        let anew = match (mark, rest) {
            // No statement begins with an arrow, which may still make read again what came before.
            (b';', [b'/' | b'#' | b'\\' | b'\n' | b'=', ..] | [b'e', b'l', b's', b'e', ..]) => false,
            (b';', _) => true,
            (_, [b'a' | b'e' | b'i' | b'o', ..]) => !Word::of(word(rest)).any(Word::GOES_ON),
            (_, [byte, ..]) => is_in_word(*byte) && !byte.is_ascii_digit(),
            _ => false,
        };
        if anew {
            self.anew(0, 0);
        }
    }

    /// Reads what begins with a slash.
    fn slash(&mut self, at: usize, last: u32) -> Option<usize> {
        let before = self.before(at, last);
        let end = match self.bytes.get(at + 1) {
            Some(b'/') => {
                let end = lexer::line_end(self.bytes, at, false);
                if !matches!(self.bytes.get(end), None | Some(b'\n' | b'\r')) {
                    return None; // What ends the line could be taken for the beginning of a word.
                }
                end
            }
            Some(b'*') => lexer::comment_end(self.bytes, at),
            _ if self.is_operand(before) => return Some(at + 1),
            _ => {
                let Some(end) = lexer::regular_expression_end(self.bytes, at, &mut self.vain) else {
                    return Some(at + 1);
                };
                (self.expression, self.last) = (end as u32 - 1, end as u32 - 1);
                return Some(end);
            }
        };
        self.last = before;
        if let Some(mark @ (b';' | b'}')) = self.byte(before) {
            self.after(mark, end);
        }
        Some(end)
    }

    fn byte(&self, at: u32) -> Option<u8> {
        self.bytes.get(at as usize).copied()
    }

    /// False when the round bracket after the token that ends at `before` surely stands where no expression begins.
    #[inline(always)]
    fn may_begin(&self, before: u32) -> bool {
        let Some(byte) = self.byte(before) else { return true };
        match byte {
            b'a'..=b'z' => {
                let last = before.checked_sub(1).and_then(|at| self.byte(at)).unwrap_or(0);
                ENDINGS[usize::from(byte - b'a')] >> (last & 31) & 1 == 1
            }
            b']' | b'"' | b'\'' | b'`' => false,
            _ => !is_in_word(byte),
        }
    }

    /// True when the token that ends at `before` may be followed by an operator.
    fn is_operand(&self, before: u32) -> bool {
        match self.byte(before) {
            None => false,
            Some(b']' | b'"' | b'\'' | b'`') => true,
            Some(b'/') => before == self.expression,
            Some(b')' | b'}') => !self.is_statement(),
            Some(byte) if is_in_word(byte) => !self.word_before(before).any(Word::OPERAND_FOLLOWS),
            Some(_) => false,
        }
    }

    /// True for the parentheses of `if (` and its like, and for the braces of a block: of what was closed last.
    fn is_statement(&self) -> bool {
        let Some(Level { at, before, .. }) = self.levels.get(self.depth + 1).copied() else { return false };
        match (self.bytes[at as usize], self.byte(before)) {
            (b'{', None | Some(b')' | b';' | b'{' | b'}')) => true,
            (b'{', Some(b'>')) => before > 0 && self.byte(before - 1) == Some(b'='),
            (b'{', Some(_)) => self.word_before(before).any(Word::BLOCK),
            (b'(', Some(_)) => self.word_before(before).any(Word::TESTS),
            _ => false,
        }
    }

    /// What the word is that ends at `before`.
    fn word_before(&self, before: u32) -> Word {
        let rest = &self.bytes[..=before as usize];
        let length = rest.iter().rev().take_while(|byte| is_in_word(**byte)).count();
        Word::of(&rest[rest.len() - length..])
    }
}

/// Where the lowest of `bits` stands in the block of `at`; the byte after `at` where there is none.
#[inline(always)]
fn first(at: usize, bits: u64) -> usize {
    if bits == 0 { at + 1 } else { at / SIZE * SIZE + bits.trailing_zeros() as usize }
}

/// The word at the beginning.
fn word(rest: &[u8]) -> &[u8] {
    &rest[..rest.iter().take_while(|byte| is_in_word(**byte)).count()]
}

/// The last letters of the keywords after which an expression or a type begins, as bits, by the very last one.
const ENDINGS: [u32; 26] = Word::endings(Word::OPERAND_FOLLOWS.with(Word::ASKS));

#[cfg(test)]
mod tests;
