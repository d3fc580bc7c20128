//! Controls of the direction of writing move code into a comment or a text, or out of one, for whoever reads it.

use sigma_core::{Category, Confidence, Severity};

use crate::language::Language;
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "reordered-code",
    category: Category::Obfuscation,
    capability: None,
    severity: Severity::High,
    message: "Controls of the direction of writing show this line in another order than it runs in: code looks like a \
              comment or a text, or the other way round.",
    why: "An editor shows what stands behind such a control somewhere else on the line, so that whoever reads the source \
          reviews another program than the one that runs (Trojan Source, CVE-2021-42574).",
    false_positives: "Texts in Arabic or Hebrew close what they open, and tables of characters hold no words between them. \
                      What a text of several lines shows, such as documentation, is no code.",
    example: include_str!("reordered_code/hit.py"),
    check: Check::Source(check),
};

/// Characters after a control that are looked at: longer than any comment that fools somebody.
const NEAR: usize = 200;

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    let text = source.facts.source;
    let mut quotes = Quotes::default();
    let mut at = 0;
    // Every such control begins with this byte in UTF-8.
    while let Some(found) = memchr::memchr(0xe2, &text.as_bytes()[at..]) {
        let start = at + found;
        at = start + 1;
        let Some(rest) = text.get(start..).filter(|rest| rest.starts_with(opens)) else { continue };
        let line: String = rest.chars().take(NEAR).take_while(|c| !matches!(c, '\n' | '\r')).collect();
        at = start + line.len();
        if !hides_code(&line) {
            continue;
        }
        let documentation = source.facts.language == Language::Python && quotes.surround(text, start, &line);
        if !documentation {
            let hit = hits.at_offset(start, &line).confidence(Confidence::Medium);
            hits.push(hit);
        }
    }
}

/// True for a control that begins a piece of another direction.
fn opens(c: char) -> bool {
    matches!(c, '\u{202d}' | '\u{202e}' | '\u{2066}'..='\u{2068}')
}

/// True when directions are nested or left open, and a piece of the line shows words beside what begins or ends a comment,
/// a text or a block.
fn hides_code(line: &str) -> bool {
    const MARKS: [&str; 9] = ["#", "//", "/*", "*/", "'''", "\"\"\"", "{", "}", ";"];
    let control = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let shows = |piece: &str| {
        let word = piece.split(|c: char| !c.is_ascii_alphabetic()).any(|word| word.len() >= 4);
        word && MARKS.iter().any(|mark| piece.contains(mark))
    };
    // Tables and classes of characters: a range, or signs of other writings one after the other.
    let listed = |before: &str, piece: &str| {
        let first = piece.trim_start().bytes().next().unwrap_or_default();
        before.ends_with('-') || first == b'-' || !first.is_ascii()
    };
    let mut pieces = line.match_indices(opens).filter_map(|(at, found)| {
        let piece = line[at + found.len()..].split(control).next()?;
        (!listed(&line[..at], piece)).then_some(piece)
    });
    !is_closed(line) && pieces.any(shows)
}

/// True when every direction is ended by its own end before the next begins.
fn is_closed(line: &str) -> bool {
    let mut open: Vec<char> = Vec::new();
    for c in line.chars() {
        match c {
            '\u{202a}' | '\u{202b}' | '\u{202d}' | '\u{202e}' | '\u{2066}'..='\u{2068}' if !open.is_empty() => {
                return false;
            }
            '\u{202a}' | '\u{202b}' | '\u{202d}' | '\u{202e}' => open.push('\u{202c}'),
            '\u{2066}'..='\u{2068}' => open.push('\u{2069}'),
            '\u{202c}' | '\u{2069}' if open.last() == Some(&c) => {
                open.pop();
            }
            _ => {}
        }
    }
    open.is_empty()
}

/// Counts the quotes of texts of several lines, once over the whole source.
#[derive(Default)]
struct Quotes {
    at: usize,
    seen: [usize; 2],
}

impl Quotes {
    /// True for a place inside a text of several lines that goes on beyond the line.
    fn surround(&mut self, text: &str, at: usize, line: &str) -> bool {
        const QUOTES: [&str; 2] = ["\"\"\"", "'''"];
        let passed = &text[self.at..at];
        self.at = at;
        let mut inside = false;
        for (seen, quote) in self.seen.iter_mut().zip(QUOTES) {
            *seen += passed.matches(quote).count();
            inside |= *seen % 2 == 1 && !line.contains(quote);
        }
        inside
    }
}
