//! Characters that cannot be seen change or hide code.

use sigma_core::{Category, Confidence, Severity};

use crate::rules::{Check, Hits, Plain, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "hidden-characters",
    category: Category::Obfuscation,
    capability: None,
    severity: Severity::Medium,
    message: "Source holds characters that cannot be seen, so that it reads differently from what runs.",
    why: "Characters that are not shown can turn the order of source around or carry a whole payload between visible \
          ones.",
    false_positives: "Right-to-left languages and emoji need such characters: single ones are LOW or not reported. \
          Only a long run of invisible ones is CRITICAL.",
    example: "let s = `\\u{fe00}\\u{fe01}\\u{fe0f}…` // many invisible characters, escaped here",
    check: Check::Text(check),
};

fn check(text: &Plain<'_>, hits: &mut Hits<'_>) {
    // Every character of interest begins with one of these bytes in UTF-8; ordinary source has none of them.
    let mut at = 0;
    let (mut selectors, mut tags) = (0_u32, 0_u32);
    let bytes = text.as_bytes();
    while let Some(found) = memchr::memchr3(0xe2, 0xef, 0xf3, &bytes[at..]) {
        at += found;
        let Some(character) = text.get(at..).and_then(|rest| rest.chars().next()) else {
            at += 1;
            continue;
        };
        match character {
            // Trojan Source, CVE-2021-42574.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                // Not to the end of the line: a long line full of them would be searched for it again and again.
                let told = if hits.is_full() { 0 } else { 160 };
                let line: String = text[at..].chars().take(told).take_while(|c| !matches!(c, '\n' | '\r')).collect();
                let hit = hits
                    .at_offset(at, &line)
                    .message("Characters that reverse the direction of writing stand in the source.");
                hits.push(hit.severity(Severity::Low).confidence(Confidence::Medium));
            }
            '\u{fe00}'..='\u{fe0f}' => selectors += 1,
            '\u{e0100}'..='\u{e01ef}' | '\u{e0000}'..='\u{e007f}' => tags += 1,
            _ => {}
        }
        // Emoji take one selector each; a payload needs one for every byte, in a row.
        at += character.len_utf8();
        if tags + selectors >= RUN && is_run(text, at) {
            let hit = hits.at_offset(at, "invisible characters in a row").severity(Severity::Critical);
            hits.push(hit.message("Many invisible characters stand in a row: data or code is hidden in them."));
            return;
        }
    }
}

/// Invisible characters in a row that no writing needs.
const RUN: u32 = 32;

/// True when the characters before `at` are a run of invisible ones.
fn is_run(text: &str, at: usize) -> bool {
    let hidden = |c: char| matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' | '\u{e0000}'..='\u{e007f}');
    text[..at].chars().rev().take(RUN as usize).filter(|c| hidden(*c)).count() == RUN as usize
}
