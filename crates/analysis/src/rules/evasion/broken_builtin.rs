//! A built-in function is replaced by one that now and then does something else.

use sigma_core::{Category, Severity};

use crate::language::Language;
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "broken-builtin",
    category: Category::Filesystem,
    capability: None,
    severity: Severity::High,
    message: "Replaces a built-in function by one that throws dice.",
    why: "A list that loses an item once in ten times breaks every program that loads the package, and nobody finds why.",
    false_positives: "Polyfills replace built-in functions by ones that do the same every time; shuffles are methods of their own name.",
    example: include_str!("broken_builtin/hit.js"),
    check: Check::Source(check),
};

/// Kinds of objects whose functions everybody uses.
const BUILTINS: [&str; 12] =
    ["Array", "String", "Object", "Number", "Date", "Promise", "Map", "Set", "Storage", "RegExp", "Function", "Math"];

/// Functions of these that everybody calls.
const METHODS: [&str; 22] = [
    "forEach", "map", "filter", "reduce", "includes", "indexOf", "push", "pop", "join", "slice", "splice", "sort",
    "then", "catch", "getItem", "setItem", "getTime", "replace", "split", "toString", "has", "get",
];

/// Bytes of the new function that are looked at.
const BODY: usize = 400;

/// Places that are looked at.
const MAX_PLACES: usize = 200;

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    if !matches!(source.facts.language, Language::JavaScript | Language::TypeScript) {
        return;
    }
    let text = source.facts.source;
    let bytes = text.as_bytes();
    if !source.holds("Math.random") {
        return;
    }
    let replaced = memchr::memmem::find_iter(bytes, b".prototype.").take(MAX_PLACES).filter(|at| {
        let kind = text[..*at].rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        let rest = &text[at + ".prototype.".len()..];
        let name = rest.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        let Some(value) = rest[name.len()..].trim_start().strip_prefix('=').map(str::trim_start) else { return false };
        let function = value.starts_with("function") || value.starts_with("async") || value.starts_with('(');
        BUILTINS.contains(&kind) && METHODS.contains(&name) && function && body_of(value).contains("Math.random")
    });
    let replaced: Vec<usize> = replaced.collect();
    let severity = if replaced.len() > 1 { Severity::Critical } else { Severity::High };
    for at in replaced.into_iter().take(3) {
        let start = text.floor_char_boundary(at.saturating_sub(10));
        let hit = hits.at_offset(at, &text[start..text.ceil_char_boundary((at + 60).min(text.len()))]);
        hits.push(hit.severity(severity));
    }
}

/// A function up to where its brackets close, or the first bytes of it.
fn body_of(function: &str) -> &str {
    let text = &function[..function.floor_char_boundary(BODY)];
    let mut depth = 0;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth <= 1 => return &text[..at],
            b'}' => depth -= 1,
            _ => {}
        }
    }
    text
}
