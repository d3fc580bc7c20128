//! One file of the package replaces what the clipboard holds, and another knows what addresses of wallets look like.

use sigma_core::{Capability, Category, Reach, Severity};

use crate::facts::Signs;
use crate::report::Distribution;
use crate::rules::{Check, Hit, Hits, RULES, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "clipboard-package",
    category: Category::Credential,
    capability: Some(Capability::Credentials),
    severity: Severity::High,
    message: "Reads and replaces the clipboard, and another file of the package holds the shape of a wallet's address.",
    why: "A clipper puts the attacker's address where its victim copied another; the patterns and the clipboard need not stand \
          in one file.",
    false_positives: "Wallets copy addresses when somebody clicks: they write to the clipboard, and do not read it. Large \
                      packages, in which the two belong to strangers, are left out; code that somebody has to call is HIGH.",
    example: include_str!("clipboard_package/hit.txtar"),
    check: Check::Distribution(check),
};

/// Bytes of source of a package in which the clipboard and the patterns belong together: 512 KiB.
const SMALL: u64 = 512 << 10;

fn check(distribution: &Distribution<'_>, hits: &mut Hits<'_>) {
    let files = || distribution.files.iter().filter(|file| file.reach != Reach::Test);
    if distribution.source_bytes() > SMALL || !files().any(|file| file.outcome.signs.any(Signs::ADDRESS_PATTERN)) {
        return;
    }
    for file in files() {
        // Where its own file holds the shape, the other rule says it all.
        let replaces = |hit: &&Hit| RULES[hit.rule].id == "clipboard-hijack" && hit.message.is_some();
        if let Some(hit) = file.outcome.hits.iter().find(replaces) {
            let loaded = if file.reach >= Reach::Import { Severity::Critical } else { Severity::High };
            let found = hits.hit(&hit.evidence).file(file.path.clone()).line(hit.line).reach(file.reach);
            hits.push(found.severity(loaded));
        }
    }
}
