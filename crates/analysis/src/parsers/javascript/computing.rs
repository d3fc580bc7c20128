//! Evaluates what a file decodes by itself: which functions are worth it, and what calls of them yield.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use oxc_ast::ast::*;
use oxc_span::{GetSpan, Span};

use super::routine::Lower;
use super::{Walker, unwrapped};
use crate::facts::routine::Data;
use crate::facts::{Argument as FactArgument, Constant, Signs, Taint, Value};
use crate::literals;

/// What a search of the source tells before it is walked.
pub(in crate::parsers) struct Marks {
    /// Where texts are decoded: only functions around these are worth evaluating.
    pub(super) at: Vec<u32>,
    /// Whether the file looks like the output of a tool that hides every text.
    pub(in crate::parsers) obfuscated: bool,
    /// Whether it holds what compilers put around `require`.
    pub(super) wraps: bool,
    /// Whether it holds what every function has that loads the modules of a bundle: a module that offers nothing yet.
    pub(super) bundle: bool,
}

/// What is looked for, in one pass: first what decodes, so many of them.
const WORDS: [&str; 12] = [
    "CharCode",
    "CodePoint",
    "base64",
    "atob",
    ".reverse(",
    "'hex'",
    "\"hex\"",
    "_0x",
    "!![]",
    "__esModule",
    "exports:{}",
    "exports: {}",
];
const DECODING: usize = 7;

static FINDER: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| literals::finder(WORDS).ok());

/// Bytes of a function that is evaluated.
const MAX_ROUTINE: u32 = 24 << 10;
/// Marks that are kept of one file.
const MAX_MARKS: usize = 20_000;

impl Marks {
    pub(in crate::parsers) fn of(source: &str) -> Self {
        let mut counts = [0; WORDS.len()];
        let mut at = Vec::new();
        // A word that begins within another is passed over: only what a whole name or text holds is asked for.
        for found in FINDER.iter().flat_map(|finder| finder.find_iter(source)) {
            let word = found.pattern().as_usize();
            counts[word] += 1;
            if word < DECODING && counts[word] <= MAX_MARKS {
                at.push(found.start() as u32);
            }
        }
        let has = |word: &str| WORDS.iter().zip(counts).any(|(other, count)| *other == word && count > 0);
        let named = WORDS.iter().zip(counts).any(|(other, count)| *other == "_0x" && count >= 12);
        // No minifier writes `true` so: obfuscators do in the loop that turns their table of texts.
        let turned = has("!![]") && memchr::memmem::find(source.as_bytes(), b"shift").is_some();
        let bundle = has("exports:{}") || has("exports: {}");
        Self { at, obfuscated: named || turned, wraps: has("__esModule"), bundle }
    }

    /// Whether something in the span is decoded.
    pub(super) fn within(&self, span: Span) -> bool {
        let first = self.at.partition_point(|at| *at < span.start);
        self.at.get(first).is_some_and(|at| *at < span.end)
    }
}

impl<'a> Walker<'_, 'a> {
    /// A loop without an end. In functions many wait for work in one; none counts to infinity.
    pub(super) fn endless(&mut self, body: Span, counts: bool) {
        let place = self.place(body);
        let text = self.builder.text(body.start, body.end);
        let ends = ["break", "return", "throw", "await", "yield", "exit(", "catch"];
        if (counts || place.function == 0) && text.len() <= 300 && !ends.iter().any(|word| text.contains(word)) {
            self.builder.sign(Signs::ENDLESS, "a loop that never ends", place);
        }
    }

    pub(super) fn lower(&mut self) -> Lower<'_, 'a> {
        let Self { builder, machine, routines, left, .. } = self;
        Lower { builder, machine, routines, left, locals: Vec::new(), depth: 0 }
    }

    /// Remembers a function that only computes, if it is worth it.
    pub(super) fn routine(
        &mut self,
        id: u32,
        name: Option<&str>,
        span: Span,
        parameters: &FormalParameters<'a>,
        statements: &[Statement<'a>],
        expression: Option<&Expression<'a>>,
    ) {
        let wanted = self.marks.obfuscated || self.marks.within(span);
        if !wanted || span.size() > MAX_ROUTINE || self.left == 0 || self.routines.contains_key(&id) {
            return;
        }
        let Some(function) = self.lower().function(None, parameters, statements, expression) else { return };
        let value = self.machine.function(function);
        if let Some(name) = name.filter(|_| self.marks.obfuscated) {
            self.machine.declare(name, value.clone());
            self.named.insert(id, name.into());
        }
        self.routines.insert(id, value);
    }

    /// The table of texts of an obfuscator, and the loop that turns it: both must be known before the first use.
    pub(super) fn prepare(&mut self, statements: &[Statement<'a>]) {
        for statement in statements {
            match statement {
                Statement::VariableDeclaration(declaration) => {
                    for declarator in &declaration.declarations {
                        let (BindingPattern::BindingIdentifier(name), Some(init)) = (&declarator.id, &declarator.init)
                        else {
                            continue;
                        };
                        let table = matches!(unwrapped(init), Expression::ArrayExpression(_));
                        let function = matches!(
                            unwrapped(init),
                            Expression::FunctionExpression(_) | Expression::ArrowFunctionExpression(_)
                        );
                        let fits = table || init.span().size() <= MAX_ROUTINE;
                        if (table || function)
                            && fits
                            && let Some(node) = self.lower().node(init)
                            && let Some(value) = self.machine.evaluate(&node)
                        {
                            self.machine.declare(name.name.as_str(), value);
                        }
                    }
                }
                Statement::ExpressionStatement(inner) if inner.span.size() <= MAX_ROUTINE => {
                    let text = self.builder.text(inner.span.start, inner.span.end);
                    if text.contains("shift")
                        && text.contains("push")
                        && let Some(node) = self.lower().node(&inner.expression)
                    {
                        self.machine.evaluate(&node);
                    }
                }
                _ => {}
            }
        }
    }

    /// The routine that a function is by now: the one that makes an obfuscator's table replaces itself, and calling the
    /// first again would undo how the table was turned.
    fn current(&self, id: u32) -> Option<Data> {
        let replaced = self.named.get(&id).and_then(|name| self.machine.global(name));
        replaced.or_else(|| self.routines.get(&id).cloned())
    }

    /// What a routine yields for constant arguments.
    pub(super) fn computed_call(&mut self, callee: &Value<'a>, arguments: &[FactArgument<'a>]) -> Option<Value<'a>> {
        let routine = self.current(callee.function?)?;
        let values = self.adopted(arguments)?;
        let value = self.machine.call(&routine, values)?;
        self.yields(&value)
    }

    fn yields(&mut self, value: &Data) -> Option<Value<'a>> {
        let mut value = self.machine.known(self.builder.arena(), value)?;
        if value.path.is_none() && (self.machine.has_decoded() || self.marks.obfuscated) {
            value.taint = Taint::DECODED;
        }
        Some(value)
    }

    fn adopted(&mut self, arguments: &[FactArgument<'a>]) -> Option<Vec<Data>> {
        let mut values = Vec::with_capacity(arguments.len());
        for argument in arguments {
            let routine = argument.value.function.and_then(|id| self.current(id));
            values.push(match routine {
                Some(routine) => routine,
                None => self.machine.adopt(&argument.value)?,
            });
        }
        Some(values)
    }

    /// What a built-in function yields for constant arguments.
    #[inline(never)] // Keeps the frame of `eval` small.
    pub(super) fn computed_path(&mut self, path: &str, arguments: &[FactArgument<'a>]) -> Option<Value<'a>> {
        let values = self.adopted(arguments)?;
        let value = self.machine.call(&Data::Path(path.into()), values)?;
        self.yields(&value)
    }

    /// What a whole call yields.
    #[inline(never)] // Keeps the frame of `eval` small.
    pub(super) fn computed_whole(&mut self, call: &CallExpression<'a>) -> Option<Value<'a>> {
        let node = self.lower().whole_call(call)?;
        let value = self.machine.evaluate(&node)?;
        self.yields(&value)
    }

    /// A method of a constant that folding does not know: `"x".charCodeAt(0)`, `[1, 2].map(f)`.
    #[inline(never)] // Keeps the frame of `eval` small.
    pub(super) fn computed_method(
        &mut self,
        receiver: &Value<'a>,
        name: &str,
        arguments: &[FactArgument<'a>],
    ) -> Option<Value<'a>> {
        let constant = matches!(receiver.constant, Constant::Text(_) | Constant::Number(_) | Constant::List(_));
        // What folding does by itself.
        let folded = matches!(name, "split" | "toLowerCase" | "toUpperCase" | "replace" | "concat" | "push");
        if !constant || folded || receiver.path.is_some() || self.machine.is_spent() {
            return None;
        }
        let values = self.adopted(arguments)?;
        let object = self.machine.adopt(receiver)?;
        let value = self.machine.method(&object, name, values)?;
        self.yields(&value)
    }
}

/// What a call yields, or what computing it yields, where that is more.
pub(super) fn better<'a>(value: Value<'a>, computed: Option<Value<'a>>) -> Value<'a> {
    match computed {
        Some(computed) => {
            let taint = value.taint | computed.taint;
            let path = computed.path.or(value.path.filter(|_| matches!(computed.constant, Constant::Unknown)));
            Value { path, constant: computed.constant, taint, ..value }
        }
        None => value,
    }
}

/// What Dean Edwards' packer packed: every word of the text is a number to the base `a`, the index of a word in a list.
pub(super) fn unpacked(arguments: &[FactArgument<'_>]) -> Option<String> {
    let text = arguments[0].value.as_text()?;
    let Constant::Number(base) = arguments[1].value.constant else { return None };
    let base = usize::try_from(base).ok().filter(|base| (2..=62).contains(base))?;
    let words = arguments[3].value.items();
    let index = |word: &str| {
        word.bytes().try_fold(0_usize, |all, byte| {
            let digit = match byte {
                b'0'..=b'9' => byte - b'0',
                b'a'..=b'z' => byte - b'a' + 10,
                b'A'..=b'Z' => byte - b'A' + 36,
                _ => return None,
            };
            all.checked_mul(base)?.checked_add(digit as usize).filter(|_| (digit as usize) < base)
        })
    };
    let mut code = String::with_capacity(text.len() * 4);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
        if length == 0 {
            code.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let word = &rest[..length];
        let known = index(word).and_then(|index| words.get(index)).and_then(Value::as_text);
        code.push_str(known.filter(|known| !known.is_empty()).unwrap_or(word));
        rest = &rest[length..];
        if code.len() > 1 << 20 {
            return None;
        }
    }
    Some(code)
}
