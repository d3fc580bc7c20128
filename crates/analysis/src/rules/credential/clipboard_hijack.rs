//! The clipboard is read and replaced where it holds a wallet address.

use sigma_core::{Capability, Category, Severity};

use crate::facts::Effects;
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "clipboard-hijack",
    category: Category::Credential,
    capability: Some(Capability::Credentials),
    severity: Severity::Critical,
    message: "Replaces addresses of wallets in the clipboard.",
    why: "Whoever pastes an address sends the money to somebody else.",
    false_positives: "Clipboard tools read and write without looking for addresses and stay quiet.",
    example: include_str!("clipboard_hijack/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    let clipboard = |path: &str| path.contains("clip") || path.contains("copy-paste");
    let named = |words: &[&str]| {
        source
            .calls(Effects::WATCH)
            .find(|call| clipboard(&call.path) && words.iter().any(|word| call.path.contains(word)))
    };
    let (Some(reads), Some(_)) = (
        named(&["paste", "read", "Get", "_get", "waitFor"]).filter(|_| has_address_pattern(source.facts.source)),
        named(&["copy", "write", "Set", "_append"]),
    ) else {
        return;
    };
    hits.push_call(source.facts, reads);
}

/// True for a source that holds a regular expression of a wallet's address. Only sources that use the clipboard are
/// searched.
fn has_address_pattern(source: &str) -> bool {
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
