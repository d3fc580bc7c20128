//! A text that agents or editors follow orders a command that fetches, or hides, what it runs.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use sigma_core::{Category, Confidence, Severity};

use super::prompt_injection::boundary;
use crate::facts::{Deeds, deeds_of_text};
use crate::rules::{Check, Hits, Plain, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "instructed-command",
    category: Category::Process,
    capability: None,
    severity: Severity::High,
    message: "A text that a model follows tells it to run a command that hides what it runs.",
    why: "A skill's prerequisites and an editor's tasks are followed by programs that ask nobody. A command in them that carries \
          its code in an encoded form, or that starts when a folder is opened, needs no code of the package to run.",
    false_positives: "Instructions for readers fetch installers too: only encoded commands count, plain ones only in a skill's \
                      text or in a task that starts by itself.",
    example: include_str!("instructed_command/hit@SKILL.md"),
    check: Check::Text(check),
};

/// Bytes of a text that is followed; a longer one is not written by hand.
const MAX_TEXT: usize = 256 << 10;
/// Bytes of one line that is a command.
const MAX_LINE: usize = 4 << 10;
/// Commands of one text that are judged.
const MAX_COMMANDS: usize = 64;

static OPENS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"folderOpen\""));
static DECODES: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"base64 -"));
static FETCHES: [LazyLock<Finder<'static>>; 3] = [
    LazyLock::new(|| Finder::new(b"curl ")),
    LazyLock::new(|| Finder::new(b"wget ")),
    LazyLock::new(|| Finder::new(b"| iex")),
];

fn check(text: &Plain<'_>, hits: &mut Hits<'_>) {
    if text.len() > MAX_TEXT {
        return;
    }
    let bytes = text.as_bytes();
    let task = bytes.trim_ascii_start().starts_with(b"{") && OPENS.find(bytes).is_some();
    let skill = text.starts_with("---") && is_skill(text);
    let prose = skill || text.starts_with("# ");
    if !(task || prose) {
        return;
    }
    let encoded = DECODES.find_iter(bytes);
    let plain = FETCHES.iter().filter(|_| task || skill).flat_map(|finder| finder.find_iter(bytes));
    let mut judged = usize::MAX;
    for at in encoded.chain(plain).take(MAX_COMMANDS) {
        let start = memchr::memrchr(b'\n', &bytes[..at]).map_or(0, |line| line + 1);
        if start == judged {
            continue;
        }
        judged = start;
        let end = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |length| at + length);
        let line = text[start..boundary(text, end.min(start + MAX_LINE))].trim();
        // A task is a text of JSON.
        let deeds = match task {
            true => line.split('"').map(deeds_of_text).fold(Deeds::NONE, |all, deeds| all | deeds),
            false => deeds_of_text(line),
        };
        let (severity, message) = match () {
            () if task && deeds.any(Deeds::RUNS_DOWNLOAD | Deeds::ENCODED) => {
                (Severity::Critical, "An editor's task fetches and runs something as soon as its folder is opened.")
            }
            () if skill && deeds.any(Deeds::ENCODED) => (Severity::Critical, RULE.message),
            () if deeds.any(Deeds::ENCODED) => {
                (Severity::High, "Tells its reader to run a command that hides what it runs.")
            }
            () if skill && deeds.any(Deeds::RUNS_DOWNLOAD) => {
                (Severity::High, "A text that a model follows tells it to fetch something and to run it.")
            }
            () => continue,
        };
        let hit = hits.at_offset(start, line).severity(severity).message(message);
        hits.push(hit.confidence(Confidence::Medium));
    }
}

/// True for the front matter of a skill: its name and what it is for.
fn is_skill(text: &str) -> bool {
    let head = &text[..boundary(text, text.len().min(4096))];
    let head = head[3..].split("\n---").next().unwrap_or_default();
    head.contains("\nname:") && head.contains("\ndescription:")
}
