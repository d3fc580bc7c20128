//! Instructions where only a model reads them: in what a page does not show.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde::Deserialize;
use sigma_core::{Category, Confidence, Severity};

use super::prompt_injection::{ACTS, CONCEAL, FORGOTTEN, READERS, SECRETS, boundary, follows};
use crate::literals::Literals;
use crate::rules::{Check, Hits, Plain, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "hidden-instruction",
    category: Category::Obfuscation,
    capability: None,
    severity: Severity::High,
    message: "Hides text that instructs a model: in a comment, in an element that is not shown, or in an image's text.",
    why: "Whoever reviews a page sees it rendered. A model reads its source: comments, invisible elements and the texts of images \
          are instructions for it that nobody else sees.",
    false_positives: "Directives of linters and generators, licences, tables of contents and notes to maintainers instruct no \
          model and are passed over. A hidden order to a model that names no secret and sends nothing is a look (MEDIUM); \
          a hidden line that fetches and runs, addressed to nobody, is LOW: installation notes are commented out too.",
    example: include_str!("hidden_instruction/hit@SKILL.md"),
    check: Check::Text(check),
};

/// Where text begins that is not shown. The first letter may be large in HTML; nobody writes it so.
pub(super) const ANCHORS: [&str; 13] = [
    "<!--",
    "[//]: #",
    "[comment]: ",
    "display:none",
    "display: none",
    "visibility:hidden",
    "visibility: hidden",
    "font-size:0",
    "font-size: 0",
    "opacity:0",
    "opacity: 0",
    " alt=\"",
    " title=\"",
];
/// The same of a picture's text. Looked for by itself: the others are found by their first four bytes.
const PICTURE: &str = "![";

static PICTURES: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(PICTURE));

/// Bytes of a hidden element that are judged; comments are judged whole.
const ELEMENT: usize = 2_000;
/// Bytes that are judged together, and bytes from one such piece to the next: a long comment is no reason to see a story in
/// words that stand far apart, nor a way to push words out of sight.
const PIECE: usize = 800;
const STEP: usize = 400;
/// The shortest text that can instruct anybody.
const SHORTEST: usize = 16;

fn check(text: &Plain<'_>, hits: &mut Hits<'_>) {
    // A map of sources repeats what stands in others, escaped; nobody reads it as a page.
    if text.starts_with("{\"version\":3") && serde_json::from_str::<SourceMap>(text).is_ok() {
        return;
    }
    let mut read = 0;
    for (start, end) in anchors(text) {
        // What was read is not read again, so that time is linear.
        if start < read {
            continue;
        }
        let Some((from, to)) = hidden(text, start, end) else { continue };
        read = to;
        let inner = &text[from..to];
        if inner.len() < SHORTEST || is_directive(inner) {
            continue;
        }
        let mut at = 0;
        while at < inner.len() {
            let (start, end) = (boundary(inner, at), boundary(inner, (at + PIECE).min(inner.len())));
            if let Some((severity, message)) = judge(&inner[start..end].to_ascii_lowercase()) {
                let evidence: String = inner[start..end].trim().chars().take(200).collect();
                let hit = hits.at_offset(from + start, &evidence).severity(severity).message(message);
                hits.push(hit.confidence(Confidence::Medium));
                break;
            }
            at += STEP;
        }
        if hits.is_full() {
            return;
        }
    }
}

/// What a source map has (ECMA-426). That it begins like one is not enough: anybody can write that above a page.
#[derive(Deserialize)]
struct SourceMap {
    #[serde(rename = "sources")]
    _sources: Vec<Option<String>>,
    #[serde(rename = "mappings")]
    _mappings: String,
}

/// The anchors in order; none begins within another.
fn anchors(text: &Plain<'_>) -> impl Iterator<Item = (usize, usize)> {
    let bytes = text.as_bytes();
    let mut others = text.anchors().unseen().map(|anchor| (anchor.start, anchor.end)).peekable();
    let picture = move |from| {
        let at = from + PICTURES.find(&bytes[from..])?;
        Some((at, at + PICTURE.len()))
    };
    let (mut at, mut pictured) = (0, picture(0));
    std::iter::from_fn(move || {
        while others.next_if(|(start, _)| *start < at).is_some() {}
        if pictured.is_some_and(|(start, _)| start < at) {
            pictured = picture(at);
        }
        let first = others.peek().copied().into_iter().chain(pictured).min()?;
        at = first.1;
        Some(first)
    })
}

/// The range of the hidden text that an anchor begins; nothing where it begins none.
fn hidden(text: &str, start: usize, end: usize) -> Option<(usize, usize)> {
    let rest = &text[end..];
    let line = || rest.find('\n').map_or(text.len(), |length| end + length);
    match &text[start..end] {
        // A comment that is not closed hides all that follows (HTML, "eof-in-comment").
        "<!--" => Some((end, rest.find("-->").map_or(text.len(), |length| end + length))),
        // A link that nothing refers to: the usual comment of Markdown.
        "[//]: #" | "[comment]: " => Some((end, line())),
        " alt=\"" | " title=\"" => Some((end, end + rest.find('"')?)),
        "![" => {
            let close = rest[..boundary(rest, rest.len().min(ELEMENT))].find(']')?;
            let after = rest[close + 1..].chars().next();
            matches!(after, Some('(' | '[')).then_some((end, end + close))
        }
        // A style: the text of its element, as far as it is looked at.
        _ => {
            let window = &rest[..boundary(rest, rest.len().min(ELEMENT))];
            // In a style sheet no element begins here.
            let open = window.find(['>', '}', ';']).filter(|at| window[*at..].starts_with(['>', ';']))?;
            let open = if window[open..].starts_with('>') { open } else { open + window[open..].find(['>', '}'])? };
            window[open..].starts_with('>').then(|| {
                let inner = open + 1;
                let close = window[inner..].find("</").map_or(window.len(), |length| inner + length);
                (end + inner, end + close)
            })
        }
    }
}

/// Comments for programs, and notices. Nobody is instructed by a comment that is only that.
fn is_directive(inner: &str) -> bool {
    const BEGIN: [&str; 27] = [
        "markdownlint",
        "prettier",
        "eslint",
        "textlint",
        "cspell",
        "spell",
        "vale",
        "lint",
        "remark",
        "toc",
        "/toc",
        "omit in toc",
        "start doctoc",
        "end doctoc",
        "all-contributors",
        "automd",
        "badges",
        "copyright",
        "spdx",
        "license",
        "licensed",
        "vim:",
        "more",
        "mdformat",
        "docs:",
        "generated",
        "cog",
    ];
    let text = inner.trim_start_matches(['(', ' ', '\n', '\t', '"', '*', '-']).to_ascii_lowercase();
    let words: String = text.chars().take(40).collect();
    // One that goes on for longer is more than a directive.
    let short = inner.trim().len() <= 120;
    let notice = ["copyright", "spdx", "license", "licensed"].iter().any(|word| words.starts_with(word));
    let known = BEGIN.iter().any(|word| words.starts_with(word));
    known && (short || notice) && judge(&text).is_none()
}

/// What hidden text, in lower case, wants of whom.
fn judge(text: &str) -> Option<(Severity, &'static str)> {
    // Most hidden text is none of this: it says what a picture shows.
    NEEDED.find_iter(text).next()?;
    let any = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if follows(text, &FORGET, &FORGOTTEN) || any(&CONCEAL) {
        return Some((Severity::High, "Hides an order to a model to forget its instructions or to hide something."));
    }
    if any(&SECRETS) && (any(&ACTS) || any(&SENDS)) {
        return Some((Severity::High, "Hides an order to take secrets."));
    }
    let runs = any(&FETCH) && any(&["| sh", "|sh", "| bash", "|bash", "| python", "iex"]);
    if READERS.iter().chain(&ADDRESSED).any(|word| is_word(text, word)) {
        if runs || any(&SENDS) {
            let message = "Hides an order to a model to send something, or to fetch and run it.";
            return Some((Severity::High, message));
        }
        if any(&DEEDS) {
            return Some((Severity::Medium, "Hides an order to a model."));
        }
    }
    runs.then_some((Severity::Low, "Hides a command that fetches and runs something."))
}

/// Every order to a model holds one of these.
static NEEDED: LazyLock<Literals<3>> = LazyLock::new(|| {
    let words = FORGET.iter().chain(&CONCEAL).chain(&SECRETS).chain(&READERS).chain(&ADDRESSED).chain(&FETCH);
    Literals::new(words.copied())
});

const FORGET: [&str; 4] = ["ignore", "disregard", "forget", "override"];
const FETCH: [&str; 3] = ["curl ", "wget ", "iwr "];

/// Whether a word stands in a text and is not part of another.
fn is_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back().is_some_and(char::is_alphanumeric);
        // A plural is the same word.
        let after = text[at + word.len()..].trim_start_matches('s').starts_with(char::is_alphanumeric);
        !before && !after
    })
}

/// Whoever is meant by these is a model at work.
const ADDRESSED: [&str; 16] = [
    "claude",
    "chatgpt",
    "copilot",
    "codex",
    "gemini",
    "the model",
    "the agent",
    "this agent",
    "agents must",
    "agents should",
    "ai:",
    "when the user",
    "the user asks",
    "user's request",
    "when using this skill",
    "whenever this skill",
];

const SENDS: [&str; 9] =
    ["send the", "send all", "send any", "post the", "post all", "upload the", "forward the", "exfiltrat", "transmit"];

const DEEDS: [&str; 22] = [
    "run ",
    "execute",
    "install ",
    "curl ",
    "wget ",
    "fetch ",
    "download",
    "read the",
    "open the",
    "call the",
    "invoke",
    "always ",
    "never ",
    "you must",
    "must ",
    "instead of",
    "include ",
    "append ",
    "insert ",
    "delete ",
    "write ",
    "visit ",
];
