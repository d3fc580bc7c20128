//! The files of a package together collect several kinds of credential stores.

use sigma_core::{Capability, Category, Reach, Severity};

use crate::facts::Signs;
use crate::report::Distribution;
use crate::rules::{Check, Hits, RULES, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "stealer-package",
    category: Category::Credential,
    capability: Some(Capability::Credentials),
    severity: Severity::Critical,
    message: "Files of the package collect different kinds of credential stores, and one of them reports to a collector.",
    why: "Stealers are often split into modules, one for each kind of store, so that no file looks like the whole.",
    false_positives: "A package that names one kind of store, or that reports nowhere unusual, stays quiet.",
    example: include_str!("stealer_package/hit.txtar"),
    check: Check::Distribution(check),
};

/// Stores that only their own application has reason to open.
const PERSONAL: [Signs; 4] = [Signs::BROWSER, Signs::MESSENGER, Signs::WALLET, Signs::GAME];

/// Bytes of source of a package in which a list and what is done with it belong together: 512 KiB.
const SMALL: u64 = 512 << 10;

/// Rules that show where a package reports to.
const REPORTS: [&str; 3] = ["collector-address", "hard-coded-webhook", "raw-address"];

fn check(distribution: &Distribution<'_>, hits: &mut Hits<'_>) {
    let files = || distribution.files.iter().filter(|file| file.reach != Reach::Test);
    let names = |signs: Signs| files().filter(move |file| file.outcome.signs.any(signs));
    let kinds = PERSONAL.iter().filter(|sign| names(**sign).next().is_some()).count();
    let whole = files().any(|file| PERSONAL.iter().filter(|sign| file.outcome.signs.any(**sign)).count() == kinds);
    let reports = files().any(|file| {
        let hits = file.outcome.hits.iter();
        hits.filter(|hit| hit.severity > Severity::Low).any(|hit| REPORTS.contains(&RULES[hit.rule].id))
    });
    let known = |id: &str| files().any(|file| file.outcome.hits.iter().any(|hit| RULES[hit.rule].id == id));
    // Where one file names them all and does something with them, it is reported itself.
    let told = whole && known("stealer");
    // A list in one file, and others that open what it names and send it somewhere.
    let listed = whole && distribution.source_bytes() <= SMALL && known("network-client") && known("file-read");
    if kinds < 2 || told || !(reports && !whole || listed) {
        return;
    }
    let severity = if reports { Severity::Critical } else { Severity::High };
    for sign in PERSONAL {
        if let Some(file) = names(sign).next() {
            hits.push(hits.hit("").file(file.path.clone()).reach(file.reach).severity(severity));
        }
    }
}
