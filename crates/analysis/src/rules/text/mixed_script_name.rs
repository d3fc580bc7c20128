//! A name in code mixes letters of two scripts that look alike.

use sigma_core::{Category, Severity};

use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "mixed-script-name",
    category: Category::Obfuscation,
    capability: None,
    severity: Severity::Medium,
    message: "A name in the code mixes Latin letters with Cyrillic ones that look the same.",
    why: "Two names that look the same and are not let code do something else than it shows.",
    false_positives: "Text in Cyrillic has words of one script; only words of both, outside of quotes and comments, and \
          only of letters that look alike are reported.",
    example: include_str!("mixed_script_name/hit.py"),
    check: Check::Source(check),
};

/// Cyrillic letters that look like Latin ones.
const ALIKE: &str = "асеорхуіјѕԁһАВЕКМНОРСТХІЈЅ";

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    let text = source.facts.source;
    let bytes = text.as_bytes();
    let mut at = 0;
    // Cyrillic letters begin with one of these bytes in UTF-8; most sources have none.
    while let Some(found) = memchr::memchr3(0xd0, 0xd1, 0xd4, &bytes[at..]) {
        at += found;
        if !text.is_char_boundary(at) {
            at += 1;
            continue;
        }
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let before: usize =
            text[..at].chars().rev().take(LONGEST).take_while(|c| is_word(*c)).map(char::len_utf8).sum();
        let after: usize = text[at..].chars().take(LONGEST).take_while(|c| is_word(*c)).map(char::len_utf8).sum();
        let word = &text[at - before..at + after];
        let latin = word.bytes().any(|byte| byte.is_ascii_alphabetic());
        let alike = word.chars().all(|c| c.is_ascii() || ALIKE.contains(c));
        if latin && alike && is_code(&text[..at]) {
            let hit = hits.at_offset(at, word);
            hits.push(hit);
            if hits.is_full() {
                return;
            }
        }
        at += after.max(1);
    }
}

/// Longest name that is looked at, in characters.
const LONGEST: usize = 100;

/// True when what stands before on the same line opens neither a quote nor a comment.
fn is_code(before: &str) -> bool {
    let line = &before[memchr::memrchr(b'\n', before.as_bytes()).map_or(0, |end| end + 1)..];
    if line.len() > 2_000 {
        return false;
    }
    let quotes = |quote: u8| line.bytes().filter(|byte| *byte == quote).count() % 2 == 1;
    let comment = line.contains('#') || line.contains("//") || line.trim_start().starts_with(['*', '/']);
    !(comment || quotes(b'"') || quotes(b'\'') || quotes(b'`'))
}
