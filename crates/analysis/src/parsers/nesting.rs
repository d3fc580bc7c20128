//! How deep a source nests, measured before a parser may recurse on it.
//!
//! A parser, a visitor or the drop of a tree that recurses too far overflows the stack, which aborts the process and
//! cannot be caught. In: a source text. Out: upper bounds of what recursion it asks for, and whether they are allowed.
//!
//! Depth also costs time where a grammar is ambiguous: whether `(a = ...` begins the parameters of an arrow is known at
//! the closing bracket only, so a parser reads the inside as one, then again as the other, at every level.

use super::bound::bound;
use super::lexer::{Before, Kind, Lexer, Token, is_operand};
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
    /// Figures of which none but `again_typed` is below the measured one: those of [`bound`] where they allow to read it,
    /// which costs a third, and the measured ones where they do not.
    pub fn at_most(source: &str, language: Language, limit: u32) -> Self {
        let fits = |most: &Self| !most.exceeds(limit) && most.tokens <= MAX_TOKENS;
        bound(source, language, limit).filter(fits).unwrap_or_else(|| Self::of(source, language, limit))
    }

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
            first: false,
            before: After::NOTHING,
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
            let depth = lexer.depth();
            let newline = PYTHON && token.kind == Kind::Newline;
            if newline {
                indent(source, token.end, &mut indents);
            }
            let deeper = newline || depth > measure.outer.len();
            let compares = || !PYTHON && is_comparison(source.as_bytes(), token.end);
            let mut grew = measure.token(token, before, || is_operand(before, after_statement), compares, depth);
            if deeper {
                let brackets = (depth + indents.len()) as u32;
                grew |= brackets > measure.most.brackets;
                measure.most.brackets = measure.most.brackets.max(brackets);
            }
            measure.most.tokens += 1;
            if grew && measure.most.exceeds(limit) || measure.most.tokens > MAX_TOKENS {
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
pub(super) fn indent(source: &str, at: usize, indents: &mut Vec<usize>) {
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

/// What a token is to the measure: what it says of itself as a word, and beside that the bits below.
#[derive(Clone, Copy)]
struct Traits(u32);

impl Traits {
    /// Every token is this.
    const ANY: u32 = 1 << 16;
    const WORD: u32 = 1 << 17;
    const NUMBER: u32 = 1 << 18;
    /// A statement, or an item of a list, ends here whatever came before.
    const ENDS: u32 = 1 << 19;
    const COMMA: u32 = 1 << 20;
    /// A parser recurses on it.
    const NESTS: u32 = 1 << 21;
    /// The same where it is no comparison.
    const NESTS_ALONE: u32 = 1 << 22;
    /// The same where it is a sign.
    const NESTS_AS_SIGN: u32 = 1 << 23;
    const STAR: u32 = 1 << 24;
    /// Another operator than a power, where an operand came before.
    const OPERATOR: u32 = 1 << 25;
    const ANGLE: u32 = 1 << 26;

    fn of<const PYTHON: bool>(token: Token) -> Self {
        Self(match token.kind {
            Kind::Word => {
                let bits = u32::from(token.word.bits());
                let nests = if token.word.any(Word::PREFIX) { Self::NESTS } else { 0 };
                let label = if token.word.any(Word::LABEL) { Self::ENDS } else { 0 };
                Self::ANY | Self::WORD | bits | nests | label
            }
            Kind::Number => Self::ANY | Self::NUMBER,
            Kind::Text => Self::ANY,
            Kind::Arrow => Self::ANY | Self::NESTS,
            Kind::Newline => Self::ANY | Self::ENDS,
            Kind::Mark(mark) => (if PYTHON { &PYTHON_MARKS } else { &MARKS })[usize::from(mark)],
        })
    }

    const fn marks(python: bool) -> [u32; 256] {
        let mut marks = [Self::ANY; 256];
        marks[b',' as usize] |= Self::ENDS | Self::COMMA;
        marks[b'!' as usize] |= Self::NESTS_ALONE;
        marks[b'~' as usize] |= Self::NESTS;
        marks[b'?' as usize] |= Self::NESTS;
        marks[b'@' as usize] |= Self::NESTS;
        marks[b'+' as usize] |= Self::NESTS_AS_SIGN | Self::OPERATOR;
        marks[b'-' as usize] |= Self::NESTS_AS_SIGN | Self::OPERATOR;
        marks[b'/' as usize] |= Self::OPERATOR;
        marks[b'%' as usize] |= Self::OPERATOR;
        marks[b'*' as usize] |= Self::NESTS_AS_SIGN | Self::STAR;
        if !python {
            marks[b'=' as usize] |= Self::NESTS_ALONE;
            marks[b':' as usize] |= Self::NESTS;
            marks[b'<' as usize] |= Self::ANGLE;
            marks[b'>' as usize] |= Self::ANGLE;
        }
        marks
    }

    fn any(self, bits: u32) -> bool {
        self.0 & bits != 0
    }
}

static PYTHON_MARKS: [u32; 256] = Traits::marks(true);
static MARKS: [u32; 256] = Traits::marks(false);

/// Which tokens begin a new statement after the last one: those with one of `ends` and none of `unless`.
#[derive(Clone, Copy)]
struct After {
    ends: u32,
    unless: u32,
    question: bool,
}

impl After {
    const NOTHING: Self = Self { ends: Traits::ENDS, unless: 0, question: false };
    const SEMICOLON: Self = Self { ends: Traits::ANY, unless: Word::ELSE.bits() as u32, question: false };
    /// A block that ended: a new statement begins with a word that does not go on with it.
    const BLOCK: Self =
        Self { ends: Traits::ENDS | Traits::WORD, unless: Word::GOES_ON.bits() as u32, question: false };
    /// Two names side by side.
    const NAME: Self = Self {
        ends: Traits::ENDS | Traits::WORD | Traits::NUMBER,
        unless: (Word::PREFIX.bits() | Word::INFIX.bits()) as u32,
        question: false,
    };
    const QUESTION: Self = Self { question: true, ..Self::NOTHING };

    fn of(token: Token, traits: Traits) -> Self {
        match token.kind {
            Kind::Mark(b';') => Self::SEMICOLON,
            Kind::Mark(b'}') => Self::BLOCK,
            Kind::Mark(b'?') => Self::QUESTION,
            Kind::Word | Kind::Number if !traits.any(Self::NAME.unless) => Self::NAME,
            _ => Self::NOTHING,
        }
    }
}

/// What has been seen between two brackets.
#[derive(Clone, Copy, Default)]
struct Level {
    prefixes: u32,
    chain: u32,
    angles: u32,
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
    /// The last token opened the level.
    first: bool,
    /// The last token of the level, line ends of JavaScript left out.
    before: After,
    /// The sum over all open levels, like the next two.
    prefixes: u32,
    unsure: u32,
    doubled: u32,
    most: Nesting,
}

impl<const PYTHON: bool> Measure<PYTHON> {
    /// Counts a token; `last` is the one before. Answers whether anything became more than it ever was.
    #[inline(always)] // Looks at every token of every file, and stands in one place only.
    fn token(
        &mut self,
        token: Token,
        last: Option<Before>,
        operand: impl Fn() -> bool,
        compares: impl Fn() -> bool,
        depth: usize,
    ) -> bool {
        while depth < self.outer.len() {
            let closed = std::mem::replace(&mut self.level, self.outer.pop().unwrap_or_default());
            self.prefixes -= closed.prefixes;
            self.unsure -= closed.unsure;
            self.doubled -= closed.doubled;
            // What came before in the outer level is the bracket.
            (self.first, self.before) = (false, After::NOTHING);
        }
        let opened = depth > self.outer.len();
        let mut grew = !PYTHON && self.read_again(token);
        if token.kind == Kind::Newline && !PYTHON {
            return grew;
        }
        let traits = Traits::of::<PYTHON>(token);
        let level = &mut self.level;
        if traits.any(self.before.ends) && !traits.any(self.before.unless) {
            self.prefixes -= level.prefixes;
            (level.prefixes, level.powers) = (0, 0);
            level.chain = 0;
            level.question = false;
            if !level.begins {
                self.unsure -= level.unsure;
                level.unsure = 0;
            }
            if !traits.any(Traits::COMMA) {
                level.angles = 0;
            }
        }
        level.chain += 1;
        let star = traits.any(Traits::STAR);
        if star || level.star || level.powers > 0 {
            // A power holds the next one, until another operator comes.
            if level.powers > 0 && (level.star && !star || traits.any(Traits::OPERATOR) && operand()) {
                self.prefixes -= level.powers;
                level.prefixes -= level.powers;
                level.powers = 0;
            }
            let power = level.star && star;
            level.powers += u32::from(power);
            level.star = star && !power && operand();
        }
        let nests = traits.any(Traits::NESTS)
            || traits.any(Traits::NESTS_ALONE) && !compares()
            || traits.any(Traits::NESTS_AS_SIGN) && !operand();
        if nests {
            level.prefixes += 1;
            self.prefixes += 1;
        }
        if !PYTHON && traits.any(Traits::ANGLE) {
            match token.kind {
                Kind::Mark(b'<') if !compares() => level.angles += 1,
                Kind::Mark(b'>') => level.angles = level.angles.saturating_sub(1),
                _ => {}
            }
        }
        let prefixes = self.prefixes + level.angles;
        if level.chain > self.most.chain || prefixes > self.most.prefixes {
            self.most.chain = self.most.chain.max(level.chain);
            self.most.prefixes = self.most.prefixes.max(prefixes);
            grew = true;
        }
        if opened {
            let mut inside = Level::default();
            if !PYTHON {
                let round = token.kind == Kind::Mark(b'(');
                let asks = last.is_some_and(|last| last.word.any(Word::ASKS));
                inside.begins = round && (asks || !operand());
                inside.pattern = level.begins && self.first && matches!(token.kind, Kind::Mark(b'[' | b'{'));
                level.question |= round && self.before.question;
            }
            self.outer.push(std::mem::replace(&mut self.level, inside));
        }
        self.first = opened;
        self.before = After::of(token, traits);
        grew
    }

    /// Counts how often a parser reads a token again, and what the token adds to that for those after it.
    #[inline(always)] // As above.
    fn read_again(&mut self, token: Token) -> bool {
        let again = self.unsure > 0 || self.doubled > 0;
        if again {
            let plain = u64::from(self.unsure);
            let typed = (1 + plain).saturating_mul(1 << self.doubled.min(40)) - 1;
            self.most.again_typed = self.most.again_typed.saturating_add(typed);
            self.most.again = if self.typed { self.most.again_typed } else { self.most.again + plain };
        }
        let level = &mut self.level;
        match token.kind {
            Kind::Word | Kind::Mark(b'[' | b'{' | b'<') if self.first && level.begins => level.unsure += 1,
            Kind::Arrow if level.question => level.unsure += 1,
            // Only a pattern with a default holds an expression, and with it another type.
            Kind::Mark(b'=') if level.pattern && level.doubled == 0 => {
                level.doubled = 1;
                self.doubled += 1;
                return again;
            }
            _ => return again,
        }
        self.unsure += 1;
        again
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
