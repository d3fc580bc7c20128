//! The code of an installed client is changed.

use sigma_core::{Capability, Category, Severity};

use super::super::filesystem::file_write::is_writing;
use crate::facts::{Call, Effects, Signs, Taint};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "client-injection",
    category: Category::Credential,
    capability: Some(Capability::FileWrite),
    severity: Severity::Medium,
    message: "Names the code of an installed chat client.",
    why: "Code that is written into a trusted client sees every password and token that its user enters there.",
    false_positives: "Mods of chat clients say what they are; names without writing or downloading are low.",
    example: include_str!("client_injection/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    let writes = source
        .calls(Effects::WRITE | Effects::OPEN)
        .filter(|call| call.effects.any(Effects::WRITE) || is_writing(call))
        .count()
        > 0;
    let connects = source.does(Effects::NET);
    for mention in source.signs(Signs::CLIENT).take(3) {
        let hit = hits.at(source.facts, mention.place);
        let (called, loaded) = match (writes, connects) {
            (true, true) => (Severity::Critical, Severity::Critical),
            (true, false) => (Severity::High, Severity::Critical),
            (false, _) => (Severity::Low, Severity::Low),
        };
        let message = if writes { "Writes into the code of an installed chat client." } else { RULE.message };
        hits.push(hit.severity(called).loaded(loaded).message(message));
    }
    // The archive that a desktop application is made of, of one that holds money.
    let bytes = source.facts.source.as_bytes();
    let named = |words: &[&str]| words.iter().any(|word| memchr::memmem::find(bytes, word.as_bytes()).is_some());
    // In a bundle the names belong to strangers.
    if writes && bytes.len() <= SMALL && named(&["app.asar"]) && named(&WALLETS) {
        let packs =
            |call: &&Call<'_>| call.taint.any(Taint::OWN | Taint::REMOTE | Taint::DOWNLOADED) || is_packing(call);
        for call in source.calls(Effects::WRITE).filter(packs).take(1) {
            let hit = hits.at(source.facts, call.place).severity(Severity::High).loaded(Severity::Critical);
            hits.push(hit.message("Writes into the code of an installed wallet."));
        }
    }
    // The archive of an application that another file names.
    let rebuilds = || source.calls(Effects::WRITE).any(|call| call.taint.any(Taint::OWN)) && named(&["extractAll("]);
    if bytes.len() <= SMALL
        && let Some(call) = source.calls(Effects::WRITE).find(|call| is_packing(call))
        && rebuilds()
    {
        let hit = hits.at(source.facts, call.place).severity(Severity::Low).loaded(Severity::High);
        hits.push(
            hit.message("Lays out the archive of an application, puts a file of its own into it and packs it again."),
        );
    }
    // A shortcut of the user's browser is changed; whoever tests an extension starts the browser.
    let shortcuts = ["CreateShortcut", ".lnk", "CreateShortCut", ".desktop"];
    let changes = || shortcuts.iter().any(|word| memchr::memmem::find(bytes, word.as_bytes()).is_some());
    for mention in source.signs(Signs::SHORTCUT).take(1).filter(|_| changes()) {
        let hit = hits.at(source.facts, mention.place).severity(Severity::High).loaded(Severity::Critical);
        hits.push(hit.message("Changes the shortcut of a browser so that it loads an extension."));
    }
}

/// Bytes of a source in which such names belong together.
const SMALL: usize = 64 << 10;

/// Desktop wallets, as their folders are called.
const WALLETS: [&str; 8] = ["atomic", "Atomic", "exodus", "Exodus", "Ledger Live", "ledger-live", "Trezor", "Electrum"];

/// True for a call that packs the archive of an application.
fn is_packing(call: &Call<'_>) -> bool {
    ["createPackage", "createPackageWithOptions"].iter().any(|name| call.path.ends_with(name))
}
