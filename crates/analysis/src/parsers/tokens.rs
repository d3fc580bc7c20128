//! The token scan: what can be told of a file that no parser reads.
//!
//! It recognises imports, names given to modules, constant texts and calls by a dotted name, wherever they stand. It
//! guesses, so its facts carry low confidence; it cannot fail.

use super::lexer::{Kind, Lexer, Token};
use crate::facts::{Argument, Builder, Place, Taint, Value};
use crate::language::Language;

/// Tokens that are looked at after the name of a call, to find its arguments.
const ARGUMENT_TOKENS: usize = 24;
/// Calls in the arguments of each other whose value is followed.
const MAX_INSIDE: usize = 3;

/// Tells what the tokens of a source show.
pub(super) fn read<'a>(source: &'a str, language: Language, builder: &mut Builder<'a>) {
    let mut lexer = Lexer::new(source, language);
    let mut tokens: Vec<(Token, &'a str)> = Vec::new();
    // A window slides over the source, so that memory does not grow with it.
    loop {
        while tokens.len() < 4096 {
            let Some(token) = lexer.next() else { break };
            tokens.push((token, lexer.text(token)));
        }
        if tokens.is_empty() {
            return;
        }
        let last = tokens.len() < 4096;
        let end = if last { tokens.len() } else { tokens.len() - 64 };
        let mut at = 0;
        while at < end {
            at += Scan { tokens: &tokens, at }.step(language, builder).max(1);
        }
        if last {
            return;
        }
        tokens.drain(..at.min(4096));
    }
}

struct Scan<'t, 'a> {
    tokens: &'t [(Token, &'a str)],
    at: usize,
}

impl<'a> Scan<'_, 'a> {
    fn kind(&self, ahead: usize) -> Option<Kind> {
        self.tokens.get(self.at + ahead).map(|(token, _)| token.kind)
    }

    fn text(&self, ahead: usize) -> &'a str {
        self.tokens.get(self.at + ahead).map_or("", |(_, text)| text)
    }

    fn place(&self, builder: &Builder<'a>, length: usize) -> Place {
        let start = self.tokens.get(self.at).map_or(0, |(token, _)| token.start);
        let end = self.tokens.get(self.at + length.max(1) - 1).map_or(start, |(token, _)| token.end);
        builder.place(start as u32, end as u32)
    }

    /// Tells what stands here; answers how many tokens were used.
    fn step(&self, language: Language, builder: &mut Builder<'a>) -> usize {
        match self.kind(0) {
            Some(Kind::Text) => {
                let place = self.place(builder, 1);
                builder.literal(content(self.text(0)), place);
                1
            }
            Some(Kind::Word) => match (language, self.text(0)) {
                (Language::Python, "import") => self.import(builder),
                (Language::Python, "from") => self.import_from(builder),
                _ if self.kind(1) == Some(Kind::Mark(b'=')) && self.kind(2) == Some(Kind::Word) => {
                    let (value, used) = Scan { tokens: self.tokens, at: self.at + 2 }.name(builder);
                    builder.bind(self.text(0), value);
                    2 + used
                }
                _ => self.name(builder).1,
            },
            _ => 1,
        }
    }

    fn dotted(&self, mut ahead: usize) -> (String, usize) {
        let mut name = String::new();
        while matches!(self.kind(ahead), Some(Kind::Word | Kind::Mark(b'.'))) && name.len() < 200 {
            name.push_str(self.text(ahead));
            ahead += 1;
            if self.kind(ahead) == Some(Kind::Word) && !name.ends_with('.') {
                break;
            }
        }
        (name, ahead)
    }

    fn import(&self, builder: &mut Builder<'a>) -> usize {
        let (module, next) = self.dotted(1);
        let value = builder.import(&module);
        if self.text(next) == "as" {
            builder.bind(self.text(next + 1), value);
            return next + 2;
        }
        if self.kind(1) == Some(Kind::Word) {
            let top = builder.import(self.text(1));
            builder.bind(self.text(1), top);
        }
        next.max(1)
    }

    fn import_from(&self, builder: &mut Builder<'a>) -> usize {
        let (module, mut next) = self.dotted(1);
        if self.text(next) != "import" {
            return 1;
        }
        let object = builder.import(&module);
        next += 1;
        while let Some(Kind::Word | Kind::Mark(b'(' | b',')) = self.kind(next) {
            let name = self.text(next);
            if self.kind(next) == Some(Kind::Word) {
                let place = self.place(builder, next);
                let value = builder.member(&object, name, place);
                if self.text(next + 1) == "as" {
                    next += 2;
                }
                builder.bind(self.text(next), value);
            }
            next += 1;
        }
        next
    }

    /// A dotted name, with calls; answers its value and how many tokens were used up. What stands between the brackets
    /// of a call is read again on its own: it may hold calls.
    fn name(&self, builder: &mut Builder<'a>) -> (Value<'a>, usize) {
        let (value, next, inside) = self.name_within(0, builder);
        (value, inside.unwrap_or(next))
    }

    /// The same for a name that stands in the arguments of `depth` calls; answers also where those of its own begin.
    fn name_within(&self, depth: usize, builder: &mut Builder<'a>) -> (Value<'a>, usize, Option<usize>) {
        if self.at.checked_sub(1).is_some_and(|before| self.tokens[before].0.kind == Kind::Mark(b'.')) {
            return (Value::default(), 1, None);
        }
        let mut value = builder.name(self.text(0));
        let (mut next, mut inside) = (1, None);
        while next < 64 {
            match self.kind(next) {
                Some(Kind::Mark(b'.')) if self.kind(next + 1) == Some(Kind::Word) => {
                    let place = self.place(builder, next + 2);
                    value = builder.member(&value, self.text(next + 1), place);
                    next += 2;
                }
                // Calls of nothing known, inside each other, would read the same arguments again at each.
                Some(Kind::Mark(b'(')) if value.path.is_none() && !builder.afford(16) => {
                    inside.get_or_insert(next + 1);
                    break;
                }
                Some(Kind::Mark(b'(')) => {
                    let (arguments, used) = self.arguments(next + 1, depth, builder);
                    let place = self.place(builder, next + used + 1);
                    value = builder.call(value, arguments, Taint::NONE, place);
                    inside.get_or_insert(next + 1);
                    next += used + 1;
                }
                _ => break,
            }
        }
        (value, next, inside)
    }

    /// The arguments as far as they are constant or names of what is known.
    fn arguments(&self, from: usize, inside: usize, builder: &mut Builder<'a>) -> (Vec<Argument<'a>>, usize) {
        let (mut arguments, mut depth, mut used) = (Vec::new(), 0_u32, 0);
        while used < ARGUMENT_TOKENS {
            let ahead = from + used;
            used += 1;
            match self.kind(ahead) {
                Some(Kind::Text) => arguments.push(Value::text(content(self.text(ahead)))),
                Some(Kind::Word)
                    if inside < MAX_INSIDE && matches!(self.kind(ahead + 1), Some(Kind::Mark(b'.' | b'('))) =>
                {
                    let (value, next, _) =
                        Scan { tokens: self.tokens, at: self.at + ahead }.name_within(inside + 1, builder);
                    arguments.push(value);
                    used += next - 1;
                }
                Some(Kind::Word) => arguments.push(builder.name(self.text(ahead))),
                Some(Kind::Mark(b'(' | b'[' | b'{')) => depth += 1,
                Some(Kind::Mark(b')' | b']' | b'}')) if depth > 0 => depth -= 1,
                Some(Kind::Mark(b')')) | None => break,
                _ => {}
            }
        }
        (arguments.into_iter().map(|value| Argument { name: None, value }).collect(), used)
    }
}

/// What stands between the quotes.
fn content(literal: &str) -> &str {
    literal.trim_matches(['"', '\'', '`'])
}
