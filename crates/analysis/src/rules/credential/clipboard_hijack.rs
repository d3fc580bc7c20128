//! The clipboard is read and replaced where it holds a wallet address.

use sigma_core::{Capability, Category, Severity};

use crate::facts::{Call, Effects, words_of};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "clipboard-hijack",
    category: Category::Credential,
    capability: Some(Capability::Credentials),
    severity: Severity::Critical,
    message: "Replaces addresses of wallets in the clipboard.",
    why: "Whoever pastes an address sends the money to somebody else.",
    false_positives: "Clipboard tools read and write without looking for addresses: INFO.",
    example: include_str!("clipboard_hijack/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    let clipboard = |path: &str| ["clip", "Clip", "copy-paste"].iter().any(|part| path.contains(part));
    let named = |words: &[&str]| {
        source
            .calls(Effects::WATCH)
            .find(|call| clipboard(&call.path) && words.iter().any(|word| call.path.contains(word)))
    };
    let reads = named(&["paste", "read", "Get", "_get", "waitFor"]).or_else(|| started(source, &READING));
    let writes = named(&["copy", "write", "Set", "_append"]).or_else(|| started(source, &WRITING));
    if let (Some(reads), Some(_)) = (reads, writes) {
        let hit = hits.at(source.facts, reads.place);
        let message = "Reads the clipboard and replaces what it holds.";
        let own = has_address_pattern(source.facts.source);
        hits.push(if own { hit } else { hit.severity(Severity::Info).message(message) });
    }
}

/// Programs that print the clipboard, and programs that fill it.
const READING: [&str; 3] = ["pbpaste", "get-clipboard", "wl-paste"];
const WRITING: [&str; 4] = ["pbcopy", "set-clipboard", "clip.exe", "wl-copy"];

/// The call that starts one of these programs.
fn started<'s>(source: &Source<'s>, programs: &[&str]) -> Option<&'s Call<'s>> {
    source.calls(Effects::SPAWN).find(|call| {
        let words = words_of(&call.arguments);
        let line = words.join(" ").to_ascii_lowercase();
        // One program does both; a flag says which.
        let prints = words.iter().any(|word| matches!(*word, "-o" | "-out" | "--output"));
        let both = words.iter().any(|word| matches!(*word, "xclip" | "xsel")) && prints == (programs == READING);
        both || programs.iter().any(|program| line.contains(program))
    })
}

/// True for a source that holds a regular expression of a wallet's address. Only sources that use the clipboard are
/// searched.
pub(super) fn has_address_pattern(source: &str) -> bool {
    let parts = [
        "[a-fA-F0-9]{40}",
        "[0-9a-fA-F]{40}",
        "[A-Fa-f0-9]{40}",
        "[a-km-zA-HJ-NP-Z1-9]{",
        "[a-zA-HJ-NP-Z0-9]{",
        "[1-9A-HJ-NP-Za-km-z]{",
        "bc1[",
    ];
    parts.iter().any(|part| memchr::memmem::find(source.as_bytes(), part.as_bytes()).is_some())
}
