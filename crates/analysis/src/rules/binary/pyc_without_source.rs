//! Compiled Python without the source that it was made of.

use sigma_core::{Capability, Category, Confidence, Reach, Severity};

use crate::report::Distribution;
use crate::rules::{Check, Hits, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "pyc-without-source",
    category: Category::Obfuscation,
    capability: Some(Capability::NativeCode),
    severity: Severity::Medium,
    message: "Compiled Python lies in the package without its source.",
    why: "Python runs a compiled file as well as a source. Whoever publishes only that does not want it to be read; most \
          scanners do not read it.",
    false_positives: "Some vendors compile what they sell: MEDIUM. HIGH only where its names and texts show what a rule \
                      would report in a source: decoding and running, downloading and running, credentials and an address.",
    example: "demo/core.pyc, and no demo/core.py",
    check: Check::Distribution(check),
};

fn check(distribution: &Distribution<'_>, hits: &mut Hits<'_>) {
    for one in distribution.bytecode.iter().filter(|one| !one.has_source) {
        let mut hit = hits.hit(one.suspicion.unwrap_or("pyc")).file(one.path.clone()).confidence(Confidence::Medium);
        if let Some(what) = one.suspicion {
            hit = hit.severity(Severity::High).message(format!("Compiled Python without its source {what}."));
        }
        if distribution.is_test(&one.path) {
            hit = hit.reach(Reach::Test);
        }
        hits.push(hit);
    }
}
