//! The shape that JavaScript obfuscators leave.

use sigma_core::{Category, Severity};

use crate::rules::{Check, Hits, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "obfuscator-output",
    category: Category::Obfuscation,
    capability: None,
    severity: Severity::Medium,
    message: "The code went through an obfuscator, which hides what it does.",
    why: "An obfuscator has one purpose: that nobody understands the code. Published libraries are minified, not \
          obfuscated.",
    false_positives: "Some vendors obfuscate what they sell, which is why the shape alone is MEDIUM. Minifiers do not \
          leave it.",
    example: include_str!("obfuscator_output/hit.js"),
    check: Check::Text(check),
};

fn check(text: &str, hits: &mut Hits<'_>) {
    // Obfuscators name everything `_0x` and some hexadecimal digits.
    let mut names = 0_u32;
    let mut first = None;
    for at in memchr::memmem::find_iter(text.as_bytes(), b"_0x") {
        let digits = text.as_bytes()[at + 3..].iter().take(6).take_while(|byte| byte.is_ascii_hexdigit()).count();
        if digits >= 4 {
            names += 1;
            first.get_or_insert(at);
        }
        if names >= 200 {
            break;
        }
    }
    if let Some(at) = first.filter(|_| names >= 20) {
        let line = &text.as_bytes()[at..(at + 120).min(text.len())];
        let hit = hits.at_offset(at, &String::from_utf8_lossy(line));
        hits.push(hit);
    }
}
