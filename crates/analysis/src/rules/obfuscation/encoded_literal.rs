//! A long literal that is code in disguise.

use sigma_core::{Category, Severity};

use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "encoded-literal",
    category: Category::Obfuscation,
    capability: None,
    severity: Severity::Medium,
    message: "A text of the file decodes to code.",
    why: "Code that is carried as base64, hexadecimal or compressed text is not read by anybody, and some other place \
          runs it.",
    false_positives: "Bundles carry their workers and assets so: what decodes to code that starts nothing is LOW. \
                      Certificates, images and models decode to other things and are not seen.",
    example: "payload = \"<base64 of: import subprocess; ...>\"",
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    for (place, harmful) in &source.facts.encoded {
        let hit = hits.at(source.facts, *place);
        let (called, loaded) = match harmful {
            true => (Severity::Medium, Severity::High),
            false => (Severity::Low, Severity::Low),
        };
        hits.push(hit.severity(called).loaded(loaded));
    }
}
