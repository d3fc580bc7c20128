//! Code that stands so far to the right that no window shows it.

use sigma_core::{Category, Severity};

use crate::facts::Effects;
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "pushed-code",
    category: Category::Obfuscation,
    capability: None,
    severity: Severity::High,
    message: "Hides code behind a long run of spaces, where no window and no review shows it.",
    why: "Nobody reaches column two hundred by accident in the middle of a line. The spaces are there so that whoever reads \
          the file sees an innocent line and not what follows it.",
    false_positives: "Tables and aligned comments hold long runs of spaces too; only calls that start, fetch, decode or run \
                      something behind one, on a line that begins with other code, are seen.",
    example: include_str!("pushed_code/hit.py"),
    check: Check::Source(check),
};

/// Spaces that push code out of the widest window.
const RUN: usize = 160;
/// Bytes behind the spaces that are looked at.
const SHOWN: usize = 4 << 10;
/// What code that hides needs: a way to load, run or decode.
const WORDS: [&str; 9] =
    ["require(", "=require", "eval(", "exec(", "__import__", "import(", "child_process", "fromCharCode", "atob("];
/// Runs of spaces that are looked at in one file.
const MAX_RUNS: usize = 200;

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    let bytes = source.facts.source.as_bytes();
    let acts = Effects::EVAL | Effects::SPAWN | Effects::NET | Effects::DECODE | Effects::IMPORT | Effects::NATIVE;
    let mut next = 0;
    for at in runs(bytes).take(MAX_RUNS).filter(|at| *at > 0) {
        if at < next {
            continue;
        }
        let end = at + bytes[at..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        next = end;
        // What only is indented hides nothing: other code stands before the spaces.
        let before = memchr::memrchr(b'\n', &bytes[..at]).map_or(0, |line| line + 1);
        if bytes[before..at].iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let line = memchr::memchr(b'\n', &bytes[end..]).map_or(bytes.len(), |length| end + length);
        let within = |start: u32| (end..line).contains(&(start as usize));
        if let Some(call) = source.calls(acts).find(|call| within(call.place.start)) {
            let grave = call.effects.any(Effects::EVAL | Effects::SPAWN | Effects::NET);
            let hit = hits.at(source.facts, call.place);
            hits.push(if grave { hit.loaded(Severity::Critical) } else { hit });
            return;
        }
        // Names that are bent beyond following still stand there.
        let shown = &bytes[end..line.min(end + SHOWN)];
        let comment = shown.starts_with(b"//") || shown.starts_with(b"#") || shown.starts_with(b"*");
        if !comment && WORDS.iter().any(|word| memchr::memmem::find(shown, word.as_bytes()).is_some()) {
            let text = String::from_utf8_lossy(shown);
            let hit = hits.at_offset(end, &text);
            // Names that are put together from letters: what takes them apart again stands beside them.
            let letters = ["charAt(", "fromCharCode", "charCodeAt("];
            let bent = letters.iter().any(|word| memchr::memmem::find(shown, word.as_bytes()).is_some());
            hits.push(if bent { hit.severity(Severity::Critical) } else { hit });
            return;
        }
    }
}

/// Where runs of at least [`RUN`] spaces begin. Whatever is that long covers one of every [`RUN`] bytes.
fn runs(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let mut probe = RUN - 1;
    std::iter::from_fn(move || {
        while let Some(byte) = bytes.get(probe) {
            if *byte != b' ' {
                probe += RUN;
                continue;
            }
            let start = bytes[..probe].iter().rposition(|byte| *byte != b' ').map_or(0, |before| before + 1);
            let end = probe + bytes[probe..].iter().take_while(|byte| **byte == b' ').count();
            // What ends a run is no space: the next one begins behind it.
            probe = end + RUN;
            if end - start >= RUN {
                return Some(start);
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_found_wherever_they_begin() {
        for start in 0..2 * RUN {
            for length in [RUN - 1, RUN, RUN + 1, 3 * RUN] {
                let text = format!("{}{}x{}", "x".repeat(start), " ".repeat(length), " ".repeat(RUN));
                let second = start + length + 1;
                let expect: Vec<usize> = if length < RUN { vec![second] } else { vec![start, second] };
                assert_eq!(runs(text.as_bytes()).collect::<Vec<_>>(), expect, "{length} spaces at {start}");
            }
        }
    }
}
