//! One file of the package runs what it fetches, another hides where it comes from.

use sigma_core::{Capability, Category, Severity};

use crate::report::Distribution;
use crate::rules::{Check, Hits, RULES, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "hidden-loader",
    category: Category::Obfuscation,
    capability: Some(Capability::DynamicCode),
    severity: Severity::Critical,
    message: "Runs what it fetches as code, and another file of the package hides an address by an encoding.",
    why: "Loaders are split so that no file shows the whole: the address stands encoded among constants, the request and the \
          call that runs its answer in what looks like a logger or a handler of errors.",
    false_positives: "Large packages hold both for reasons of their own and are not seen; nor are tests of decoders.",
    example: include_str!("hidden_loader/hit.txtar"),
    check: Check::Distribution(check),
};

/// Bytes of source of a package in which both belong together: 512 KiB.
const SMALL: u64 = 512 << 10;

fn check(distribution: &Distribution<'_>, hits: &mut Hits<'_>) {
    if distribution.source_bytes() > SMALL {
        return;
    }
    let files = || distribution.files.iter().filter(|file| !distribution.is_test(&file.path));
    let named = |index: usize, id: &str| RULES[index].id == id;
    let hides = files().find(|file| file.outcome.hits.iter().any(|hit| named(hit.rule, "hidden-address")));
    let Some(hides) = hides else { return };
    for file in files().filter(|file| file.path != hides.path) {
        let runs = file.outcome.hits.iter().find(|hit| {
            named(hit.rule, "download-execution") && hit.severity >= Severity::High && hit.loaded == Severity::Critical
        });
        if let Some(run) = runs {
            let found = hits.hit(&run.evidence).file(file.path.clone()).line(run.line).confidence(run.confidence);
            hits.push(found.reach(file.reach));
        }
    }
}
