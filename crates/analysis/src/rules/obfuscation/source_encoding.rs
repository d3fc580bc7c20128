//! A Python file declares an encoding that hides what it says.

use sigma_core::{Category, Severity};

use crate::parsers;
use crate::rules::{Check, Hits, Plain, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "source-encoding",
    category: Category::Obfuscation,
    capability: None,
    severity: Severity::High,
    message: "The file declares an encoding in which plain letters mean something else, so that it does not read as it runs.",
    why: "Under `unicode_escape` or `utf-7` a comment can hold a line break and code behind it. What a reader and most \
          tools see is not what Python runs.",
    false_positives: "Ordinary encodings of any language are left out. An encoding that Python does not have (some \
                      preprocessors register one) is a gap of the analysis, not a finding.",
    example: include_str!("source_encoding/hit.py"),
    check: Check::Text(check),
};

fn check(text: &Plain<'_>, hits: &mut Hits<'_>) {
    if !text.starts_with('#') && !text.starts_with(['\n', '\r', ' ']) {
        return;
    }
    let Some(declared) = parsers::declared(text.as_bytes()) else { return };
    let name = declared.to_ascii_lowercase().replace('_', "-");
    if HIDING.contains(&name.as_str()) {
        let hit = hits.hit(declared).line(1);
        hits.push(hit);
    }
}

/// Python's names of encodings that turn ASCII into something else.
const HIDING: [&str; 11] = [
    "utf-7",
    "utf7",
    "u7",
    "unicode-1-1-utf-7",
    "unicode-escape",
    "raw-unicode-escape",
    "rot13",
    "rot-13",
    "punycode",
    "cp037",
    "cp500",
];
