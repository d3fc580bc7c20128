//! Which of the texts that rules look for stand in a source.
//!
//! In: a source. Out: one bit for each text of [`TEXTS`]. Hardly a source holds any of them, and every rule that looked for
//! its own would read all of it again: they are looked for together, in one pass, and only where a rule asks.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, Input};

use crate::literals;

/// What is looked for. None is shorter than the four bytes that the search compares first, and none begins with four that are
/// frequent in code.
const TEXTS: [&str; 23] = [
    // obfuscator-output
    "eval(function(p,a,c,k,e,",
    "(![]+[])[+",
    "=~[];",
    "\u{ff9f}\u{3c9}\u{ff9f}\u{ff89}",
    "__pyarmor__(",
    "pyarmor_runtime()",
    // memory-code
    "PROT_EXEC",
    ".mprotect(",
    "memfd_create",
    "syscall(",
    // wallet-replacement
    "eth_sendTransaction",
    "new Proxy(",
    "XMLHttpRequest.prototype.",
    "window.fetch=",
    "window.fetch =",
    ".fetch = ",
    ".fetch=function",
    ".fetch=async",
    "signTransaction",
    "signAndSendTransaction",
    ".pubkey = ",
    ".pubkey=",
    // broken-builtin
    "Math.random",
];

static FINDER: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| literals::finder(TEXTS).ok());

/// The texts that a source holds.
#[derive(Clone, Copy)]
pub(super) struct Held(u32);

impl Held {
    pub fn of(source: &str) -> Self {
        // Without a table all may be there.
        let Some(finder) = FINDER.as_ref() else { return Self(u32::MAX) };
        let (bytes, mut held, mut start) = (source.as_bytes(), 0, 0);
        while let Some(found) = finder.find(Input::new(bytes).span(start..bytes.len())) {
            let rest = &bytes[found.start()..];
            let here = |text: &&str| rest.starts_with(text.as_bytes());
            held |= TEXTS.iter().enumerate().filter(|(_, text)| here(text)).fold(0, |all, (index, _)| all | 1 << index);
            // Another may begin within this one.
            start = found.start() + 1;
        }
        Self(held)
    }

    /// False when a text does not stand in the source. True for one that was not looked for.
    pub fn may_hold(self, text: &str) -> bool {
        TEXTS.iter().position(|other| *other == text).is_none_or(|index| self.0 >> index & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_found_wherever_it_stands() {
        let found = |source: &str| -> Vec<&str> {
            let held = Held::of(source);
            TEXTS.into_iter().filter(|text| held.may_hold(text)).collect()
        };
        assert_eq!(found(&TEXTS.join("\n")), TEXTS);
        assert_eq!(found(&format!("{0}x{0}", ".fetch = ".repeat(20))), [".fetch = "]);
        for text in TEXTS {
            let within: Vec<&str> = TEXTS.into_iter().filter(|other| text.contains(other)).collect();
            assert_eq!(found(&format!("{}{text}", "a".repeat(67))), within);
        }
        assert_eq!(found("window.fetch (now) and PROT_READ"), [""; 0]);
        assert!(Held::of("").may_hold("a text that is not in the list"));
    }
}
