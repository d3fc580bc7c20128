//! How deep a source nests, measured before a parser may recurse on it.
//!
//! A parser, a visitor or the drop of a tree that recurses too far overflows the stack, which aborts the process and
//! cannot be caught. In: a source text. Out: upper bounds of what recursion it asks for, and whether they are allowed.
//!
//! Depth also costs time where a grammar is ambiguous: whether `(a = ...` begins the parameters of an arrow is known at
//! the closing bracket only, so a parser reads the inside as one, then again as the other, at every level.

use super::lexer::{Kind, Lexer, Token, is_operand};
use super::word::Word;
use crate::language::Language;

/// What a source asks of the stack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Nesting {
    /// Brackets and blocks inside each other.
    pub brackets: u32,
    /// Prefixes, arrows, conditions and the like inside each other, without brackets.
    pub prefixes: u32,
    /// The longest run of tokens without a separator: `a.b.c`, `a + b + c`.
    pub chain: u32,
    /// Tokens in all: what its tree weighs.
    pub tokens: u32,
    /// Tokens that a parser of JavaScript reads again, counted each time; of TypeScript, if it is TypeScript.
    pub again: u64,
    /// The same for the grammar of TypeScript, which JavaScript with types in it is read with.
    pub again_typed: u64,
}

/// Tokens of a source that is parsed: 4 million, twice the largest compiler that is published as one file. A tree takes
/// about 64 bytes and 200 ns for each.
pub(crate) const MAX_TOKENS: u32 = 4_000_000;

/// Tokens that may be read again: 8 Mi, a second of work. Bundles of ten megabytes stay below a tenth of it.
const AGAIN: u64 = 8 << 20;

impl Nesting {
    /// Measures a source. Stops early once it is deeper than `limit` allows.
    pub fn of(source: &str, language: Language, limit: u32) -> Self {
        match language {
            Language::Python => Self::measured::<true>(source, language, limit),
            _ => Self::measured::<false>(source, language, limit),
        }
    }

    /// `PYTHON` says again what the language is: this looks at every token of every file.
    fn measured<const PYTHON: bool>(source: &str, language: Language, limit: u32) -> Self {
        let mut measure = Measure::<PYTHON> {
            typed: language == Language::TypeScript,
            outer: Vec::new(),
            level: Level::default(),
            prefixes: 0,
            unsure: 0,
            doubled: 0,
            most: Self::default(),
        };
        let mut lexer = Lexer::new(source, language);
        let mut indents: Vec<usize> = Vec::new();
        loop {
            let (before, after_statement) = lexer.state();
            let Some(token) = lexer.advance::<PYTHON>() else { break };
            if PYTHON && token.kind == Kind::Newline {
                indent(source, token.end, &mut indents);
            }
            let compares = || !PYTHON && is_comparison(source.as_bytes(), token.end);
            measure.token(token, || is_operand(before, after_statement), compares, lexer.depth());
            let brackets = (lexer.depth() + indents.len()) as u32;
            measure.most.brackets = measure.most.brackets.max(brackets);
            measure.most.tokens += 1;
            if measure.most.exceeds(limit) || measure.most.tokens > MAX_TOKENS {
                break;
            }
        }
        measure.most
    }

    /// True when a parser may not be run on it: more than `limit` brackets, four times as many prefixes, fifty times as
    /// many tokens in a row, or too much that is read again and again.
    pub fn exceeds(self, limit: u32) -> bool {
        let deep = self.brackets > limit || self.prefixes > limit.saturating_mul(4);
        deep || self.chain > limit.saturating_mul(50) || self.again > AGAIN
    }

    /// True when a parser of TypeScript may not be tried on JavaScript.
    pub fn exceeds_typed(self) -> bool {
        self.again_typed > AGAIN
    }

    /// Bytes of stack that reading it may need. The factors were found by trying: an unoptimised build needs more.
    pub fn stack(self) -> usize {
        let (deep, wide) = if cfg!(debug_assertions) { (48 << 10, 8 << 10) } else { (12 << 10, 3 << 10) };
        (256 << 10) + (self.brackets + self.prefixes) as usize * deep + self.chain as usize * wide
    }
}

/// Keeps the stack of indentations, by the width of the line that begins at `at`.
fn indent(source: &str, at: usize, indents: &mut Vec<usize>) {
    let line = &source.as_bytes()[at..];
    let width = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    if matches!(line.get(width), None | Some(b'\n' | b'\r' | b'#')) {
        return;
    }
    while indents.last().is_some_and(|last| *last > width) {
        indents.pop();
    }
    if width > indents.last().copied().unwrap_or(0) {
        indents.push(width);
    }
}

/// True for a part of `==`, `!=`, `<=`, `>=` that ends at `end`: a comparison nests to the left, where `=`, `<<=` and `>>=`
/// nest to the right.
fn is_comparison(source: &[u8], end: usize) -> bool {
    let at = |back: usize| end.checked_sub(back).and_then(|at| source.get(at)).copied();
    let (two, before, this, next) = (at(3), at(2), at(1), source.get(end).copied());
    match (this, before) {
        (Some(b'!' | b'<'), _) => next == Some(b'='),
        (_, Some(b'=' | b'!')) => true,
        (_, Some(angle @ (b'<' | b'>'))) => two != Some(angle),
        _ => next == Some(b'='),
    }
}

/// What has been seen between two brackets.
#[derive(Clone, Copy, Default)]
struct Level {
    prefixes: u32,
    chain: u32,
    before: Option<(Kind, bool)>,
    angles: u32,
    /// The last token was a word that an expression or a type follows.
    asks: bool,
    /// The round bracket that opened it stands where an expression or a type begins.
    begins: bool,
    /// It is the brace or square bracket directly after such a bracket: perhaps a pattern.
    pattern: bool,
    /// A question mark came before a round bracket: `a ? (b) : c => d` may hold an arrow that returns `c`.
    question: bool,
    /// A star that may be the first of `**`.
    star: bool,
    /// Powers inside each other, which are among the prefixes: `a ** b ** c`.
    powers: u32,
    /// How often its tokens are read again because of itself.
    unsure: u32,
    /// The same, where a level inside doubles what is outside.
    doubled: u32,
}

struct Measure<const PYTHON: bool> {
    /// Whether it is TypeScript.
    typed: bool,
    /// The levels around the one being read.
    outer: Vec<Level>,
    level: Level,
    /// The sum over all open levels, like the next two.
    prefixes: u32,
    unsure: u32,
    doubled: u32,
    most: Nesting,
}

impl<const PYTHON: bool> Measure<PYTHON> {
    #[inline(always)] // Looks at every token of every file, and stands in one place only.
    fn token(&mut self, token: Token, operand: impl Fn() -> bool, compares: impl Fn() -> bool, depth: usize) {
        while depth < self.outer.len() {
            let closed = std::mem::replace(&mut self.level, self.outer.pop().unwrap_or_default());
            self.prefixes -= closed.prefixes;
            self.unsure -= closed.unsure;
            self.doubled -= closed.doubled;
        }
        let opened = depth > self.outer.len();
        if !PYTHON {
            self.read_again(token);
        }
        let level = &mut self.level;
        if token.kind == Kind::Newline && !PYTHON {
            return;
        }
        let word = matches!(token.kind, Kind::Word | Kind::Number);
        let prefix = token.word.any(Word::PREFIX);
        let fixed = prefix || token.word.any(Word::INFIX);
        let ends_statement = match (level.before, token.kind) {
            (_, Kind::Newline) | (_, Kind::Mark(b',')) => true,
            (Some((Kind::Mark(b';'), _)), _) => !token.word.any(Word::ELSE),
            // A block that ended, or two names side by side: a new statement began.
            (Some((Kind::Mark(b'}'), _)), Kind::Word) => !token.word.any(Word::GOES_ON),
            (Some((Kind::Word | Kind::Number, false)), _) if word && !fixed => true,
            (_, Kind::Word) => token.word.any(Word::LABEL),
            _ => false,
        };
        if ends_statement {
            self.prefixes -= level.prefixes;
            (level.prefixes, level.powers) = (0, 0);
            level.chain = 0;
            level.question = false;
            if !level.begins {
                self.unsure -= level.unsure;
                level.unsure = 0;
            }
            if token.kind != Kind::Mark(b',') {
                level.angles = 0;
            }
        }
        level.chain += 1;
        // A power holds the next one, until another operator comes.
        let star = token.kind == Kind::Mark(b'*');
        if level.powers > 0
            && (level.star && !star || matches!(token.kind, Kind::Mark(b'+' | b'-' | b'/' | b'%')) && operand())
        {
            self.prefixes -= level.powers;
            level.prefixes -= level.powers;
            level.powers = 0;
        }
        let power = level.star && star;
        level.powers += u32::from(power);
        level.star = star && !power && operand();
        match token.kind {
            Kind::Mark(b'<') if !PYTHON && !compares() => level.angles += 1,
            Kind::Mark(b'>') if !PYTHON => level.angles = level.angles.saturating_sub(1),
            _ => {}
        }
        let nests = match token.kind {
            Kind::Word => prefix,
            Kind::Arrow => true,
            Kind::Mark(b'!' | b'=') => !(PYTHON && token.kind == Kind::Mark(b'=') || compares()),
            Kind::Mark(b'~' | b'?' | b'@') => true,
            Kind::Mark(b':') => !PYTHON,
            Kind::Mark(b'+' | b'-' | b'*') => !operand(),
            _ => false,
        };
        if nests {
            level.prefixes += 1;
            self.prefixes += 1;
        }
        let first = level.before.is_none();
        let mut inside = Level::default();
        if opened && !PYTHON {
            inside.begins = token.kind == Kind::Mark(b'(') && (level.asks || !operand());
            inside.pattern = level.begins && first && token.kind != Kind::Mark(b'(');
            level.question |= token.kind == Kind::Mark(b'(') && matches!(level.before, Some((Kind::Mark(b'?'), _)));
        }
        level.asks = token.word.any(Word::ASKS);
        level.before = Some((token.kind, fixed));
        self.most.chain = self.most.chain.max(level.chain);
        self.most.prefixes = self.most.prefixes.max(self.prefixes + level.angles);
        if opened {
            self.outer.push(std::mem::replace(&mut self.level, inside));
        }
    }

    /// Counts how often a parser reads a token again, and what the token adds to that for those after it.
    #[inline(always)] // As above.
    fn read_again(&mut self, token: Token) {
        if self.unsure > 0 || self.doubled > 0 {
            let plain = u64::from(self.unsure);
            let typed = (1 + plain).saturating_mul(1 << self.doubled.min(40)) - 1;
            self.most.again_typed = self.most.again_typed.saturating_add(typed);
            self.most.again = if self.typed { self.most.again_typed } else { self.most.again + plain };
        }
        let level = &mut self.level;
        let first = level.before.is_none() && level.begins;
        match token.kind {
            Kind::Word | Kind::Mark(b'[' | b'{' | b'<') if first => level.unsure += 1,
            Kind::Arrow if level.question => level.unsure += 1,
            // Only a pattern with a default holds an expression, and with it another type.
            Kind::Mark(b'=') if level.pattern && level.doubled == 0 => {
                level.doubled = 1;
                self.doubled += 1;
                return;
            }
            _ => return,
        }
        self.unsure += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exceeds(source: &str, language: Language) -> bool {
        Nesting::of(source, language, 400).exceeds(400)
    }

    #[test]
    fn ordinary_code_is_shallow() {
        let python = "def f(a, b):\n    if a:\n        return [x for x in (1, 2)]\n".repeat(2000);
        assert!(!exceeds(&python, Language::Python));
        let javascript = "if(a){b()}else if(c){d=e?f:g}\nvar x=1\nconst f=async(a)=>{await b};".repeat(200);
        assert!(
            !exceeds(&javascript, Language::JavaScript),
            "{:?}",
            Nesting::of(&javascript, Language::JavaScript, 400)
        );
        let bundle = "function a(b){return b=c?d:-e,!f}".repeat(5000);
        assert!(!exceeds(&bundle, Language::JavaScript), "{:?}", Nesting::of(&bundle, Language::JavaScript, 400));
        let ranges = format!("x={}0", "65<=a&&a<=90||a==95||a!==3||a>=7||".repeat(500));
        assert!(!exceeds(&ranges, Language::JavaScript), "{:?}", Nesting::of(&ranges, Language::JavaScript, 400));
        for nested in ["a=", "a<<=", "a>>>=", "a??=", "!"] {
            assert!(exceeds(&format!("{}1", nested.repeat(2000)), Language::JavaScript), "{nested}");
        }
        let sums = format!("x = {}", "-a**5*b**2*c + 3*a**7 ".repeat(700));
        assert!(!exceeds(&sums, Language::Python), "{:?}", Nesting::of(&sums, Language::Python, 400));
        let powers = format!("x = {}1", "a**".repeat(2000));
        assert!(exceeds(&powers, Language::Python));
        let cases = "switch(a){".to_owned() + &"case 1:case 2:b=c;break;".repeat(5000) + "}";
        assert!(!exceeds(&cases, Language::JavaScript));
    }

    /// Tokens read again by the grammars of JavaScript and of TypeScript.
    fn again(source: &str) -> (u64, u64) {
        let nesting = Nesting::of(source, Language::JavaScript, 400);
        (nesting.again, nesting.again_typed)
    }

    #[test]
    fn what_is_read_again_is_counted() {
        assert_eq!(again("f(a, b)(c)[d]; if ((a)) {}").1, 0);
        // What follows `(a` is read as parameters first, then as an expression.
        assert_eq!(again("x = (a = 1) + 2"), (2, 2));
        let nested = |depth: usize| "(a=(".repeat(depth) + "1" + &"))".repeat(depth);
        assert!(again(&nested(20)).0 > 3 * again(&nested(10)).0);
        // Arrows with a type to return, and patterns in types.
        let arrows = "a?(b):c=>".repeat(30) + "1";
        assert!(again(&arrows).1 > 1000);
        let patterns = "a as ({b=".repeat(60) + "1" + &"})=>c".repeat(60);
        assert!(again(&patterns).1 > AGAIN);
        assert!(exceeds(&patterns, Language::TypeScript));
        assert!(exceeds(&nested(190).repeat(1_000), Language::JavaScript));
    }

    #[test]
    fn brackets_in_texts_do_not_count() {
        assert_eq!(Nesting::of(r#"a = "((((" + '[[['"#, Language::Python, 400).brackets, 0);
        assert_eq!(Nesting::of(r"a = b.replace(/[(]\/((/, '(')", Language::JavaScript, 400).brackets, 1);
        assert_eq!(Nesting::of("// ((((\n/* [[[[ */ a", Language::JavaScript, 400).brackets, 0);
    }
}
