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
    // Where one file names them all, it is reported itself.
    if kinds < 2 || whole || !reports {
        return;
    }
    for sign in PERSONAL {
        if let Some(file) = names(sign).next() {
            hits.push(hits.hit("").file(file.path.clone()).reach(file.reach));
        }
    }
}
