//! Text that is written for a model instead of a reader.

use sigma_core::{Category, Confidence, Severity};

use crate::rules::{Check, Hits, Plain, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "prompt-injection",
    category: Category::Obfuscation,
    capability: None,
    severity: Severity::High,
    message: "Holds text that tries to steer a model that reads it.",
    why: "Agents and reviewers that are models read documentation, comments and tool descriptions as if their user had \
          written them.",
    false_positives: "Libraries that guard against such text quote it: one phrase alone is a look, several kinds \
          together (an order to forget, to hide, to fetch secrets, to call the package safe) are more, and tests less.",
    example: include_str!("prompt_injection/hit@SKILL.md"),
    check: Check::Text(check),
};

/// What every such text needs, without the first letter, which may be large or small. Few texts hold any of them.
pub(super) const ANCHORS: [&str; 38] = [
    "gnore all",
    "gnore any",
    "gnore prev",
    "gnore the prev",
    "gnore the above",
    "gnore your",
    "gnore earlier",
    "isregard all",
    "isregard any",
    "isregard prev",
    "isregard the",
    "isregard your",
    "orget all",
    "orget your",
    "orget prev",
    "verride all",
    "verride your",
    "IGNORE ALL",
    "IGNORE PREV",
    "IGNORE ANY",
    "MPORTANT>",
    "o not tell the",
    "on't tell the",
    "o not inform",
    "o not mention",
    "o not notify",
    "o not reveal",
    "without telling",
    "without informing",
    "without the user",
    "lassify this",
    "lassify it",
    "ark this package",
    "ark it as",
    "utput SAFE",
    "eport this package",
    "ate this package",
    "his package is safe",
];

/// Bytes before and after an anchor that are read.
const AROUND: usize = 500;

fn check(text: &Plain<'_>, hits: &mut Hits<'_>) {
    let mut read = 0;
    for anchor in text.anchors().orders() {
        // What was read around an anchor is not read again, so that time is linear.
        if anchor.start < read {
            continue;
        }
        let from = boundary(text, anchor.start.saturating_sub(AROUND));
        let to = boundary(text, (anchor.end + AROUND).min(text.len()));
        read = to;
        let window = text[from..to].to_ascii_lowercase();
        let Some((severity, message)) = judge(&window) else { continue };
        // Sentences by which such text is recognised stand in a list, each by itself.
        let severity = if is_listed(text, anchor.start) { severity.min(Severity::Medium) } else { severity };
        let line = text[boundary(text, anchor.start.saturating_sub(40))..to].trim();
        let evidence: String = line.chars().take(200).collect();
        let hit = hits.at_offset(anchor.start, &evidence).severity(severity).message(message);
        hits.push(hit.confidence(Confidence::Medium));
        if hits.is_full() {
            return;
        }
    }
}

/// Lines on each side of a sentence that must be quoted sentences as well, so that it is one of a list.
const LISTED: usize = 4;
/// Bytes of such a line.
const SENTENCE: usize = 200;

/// True for a sentence that stands in quotation marks in a list of such sentences.
fn is_listed(text: &str, at: usize) -> bool {
    let quoted = |line: &str| {
        let line = line.trim().trim_start_matches("- ").trim_end_matches(',');
        let mark = line.chars().next().filter(|mark| matches!(mark, '"' | '\''));
        line.len() <= SENTENCE
            && line.len() > 2
            && mark.is_some_and(|mark| line.ends_with(mark) && line.matches(mark).count() == 2)
    };
    // No further than such lines reach, however long those of the file are.
    let reach = (LISTED + 1) * (SENTENCE + 40);
    let text = &text[..boundary(text, (at + reach).min(text.len()))];
    let from = boundary(text, at.saturating_sub(reach));
    let (text, at) = (&text[from..], at - from);
    let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let after = text[start..].lines().take(LISTED + 1).filter(|line| quoted(line)).count();
    let before = text[..start].lines().rev().take(LISTED).filter(|line| quoted(line)).count();
    // At the end of the list there may be a heading or nothing.
    after >= 1 && text[start..].lines().next().is_some_and(quoted) && before + after > LISTED
}

/// What the text around an anchor, in lower case, tries to do.
fn judge(window: &str) -> Option<(Severity, &'static str)> {
    let any = |words: &[&str]| words.iter().any(|word| window.contains(word));
    let forget = follows(window, &["ignore", "disregard", "forget", "override"], &FORGOTTEN);
    let conceal = any(&CONCEAL);
    let secret = any(&SECRETS);
    let act = any(&ACTS);
    let tag = any(&["<important>", "<system>", "[system]", "<!--", "<|im_start|>", "### system"]);
    let reader = any(&READERS);
    let acquit = follows(
        window,
        &["classify", "mark", "rate", "report", "output", "respond", "answer", "vote", "conclude"],
        &ACQUIT,
    ) && any(&[
        "package",
        "code",
        "file",
        "skill",
        "tool",
        "server",
        "submission",
        "malicious",
        "vulnerab",
        "security",
    ]);
    let kinds = [forget, conceal, act && secret, tag && (conceal || act)].into_iter().filter(|kind| *kind).count();
    match () {
        () if kinds >= 3 => {
            Some((Severity::Critical, "Orders a model to forget its instructions, to fetch secrets and to hide that."))
        }
        () if conceal && act && secret => {
            Some((Severity::High, "Orders a model to fetch secrets and to hide that from its user."))
        }
        () if acquit && reader && (forget || conceal || tag) => {
            Some((Severity::High, "Orders a model that reviews this package to call it safe."))
        }
        () if forget && (act || conceal) => {
            Some((Severity::High, "Orders a model to forget its instructions and to do something else."))
        }
        () if acquit && reader => {
            Some((Severity::Medium, "Speaks to a model about what it should say of this package."))
        }
        () if forget => Some((Severity::Medium, "Orders a model to forget its instructions.")),
        () if conceal && reader => Some((Severity::Low, "Asks a model to hide something from its user.")),
        () => None,
    }
}

pub(super) const FORGOTTEN: [&str; 14] = [
    "instruction",
    "prompts",
    "guideline",
    "directive",
    "safety rule",
    "your rules",
    "system message",
    "training",
    "the prompt",
    "your prompt",
    "system prompt",
    "previous prompt",
    "prior prompt",
    "above prompt",
];

pub(super) const CONCEAL: [&str; 14] = [
    "do not tell the user",
    "don't tell the user",
    "do not inform the user",
    "do not notify the user",
    "do not mention this to",
    "do not mention it to",
    "do not mention that you",
    "do not mention this step",
    "do not mention to the user",
    "without telling the user",
    "without informing the user",
    "without the user knowing",
    "without the user's knowledge",
    "do not reveal this to",
];

pub(super) const SECRETS: [&str; 13] = [
    "~/.ssh",
    "id_rsa",
    "~/.aws",
    ".env file",
    "`.env`",
    ".npmrc",
    "api key",
    "api_key",
    "credentials",
    "private key",
    "environment variable",
    "mcp.json",
    "seed phrase",
];

pub(super) const ACTS: [&str; 17] = [
    "read the",
    "read `",
    "read ~/",
    "cat ~/",
    "curl ",
    "wget ",
    "exfiltrat",
    "send it to",
    "send them to",
    "send the content",
    "upload ",
    "post it to",
    "run the following command",
    "execute the following",
    "pass its content",
    "as the parameter",
    "include the contents",
];

pub(super) const READERS: [&str; 18] = [
    "you are the reviewer",
    "you are a reviewer",
    "language model",
    "llm",
    "ai assistant",
    "ai agent",
    "ai model",
    "ai system",
    "ai reviewer",
    "coding agent",
    "security reviewer",
    "security scanner",
    "security analyst",
    "automated review",
    "code reviewer",
    "malware scanner",
    "malware analysis",
    "assistant",
];

const ACQUIT: [&str; 8] =
    ["safe", "benign", "not malicious", "clean", "no issues", "no vulnerabilities", "trustworthy", "harmless"];

/// True when one of `then` stands at most 60 bytes after one of `first`.
pub(super) fn follows(window: &str, first: &[&str], then: &[&str]) -> bool {
    first.iter().any(|word| {
        window.match_indices(word).any(|(at, _)| {
            let from = at + word.len();
            // `ignore_errors` is another word.
            if window.as_bytes().get(from).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_') {
                return false;
            }
            let rest = &window[from..boundary(window, (from + 60).min(window.len()))];
            then.iter().any(|word| rest.contains(word))
        })
    })
}

/// The nearest place at or before `at` where a character begins.
pub(super) fn boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
