//! A program bears the name of an image or another thing that is not read.

use sigma_core::{Category, Confidence, Severity};

use crate::report::Distribution;
use crate::rules::{Check, Hits, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "disguised-source",
    category: Category::Obfuscation,
    capability: None,
    severity: Severity::High,
    message: "A program is named as if it were an image, or stands behind one in the same file.",
    why: "Nobody looks into an image, and neither do most scanners. A loader of one line reads it and runs what it holds.",
    false_positives: "Text that stands in for an image (a pointer of a version control system, a page of an error) is not \
                      code and is left out.",
    example: include_str!("disguised_source/hit@logo.png"),
    check: Check::Distribution(check),
};

fn check(distribution: &Distribution<'_>, hits: &mut Hits<'_>) {
    for (path, language) in &distribution.disguised {
        let mut hit = hits.hit(language).file(path.clone()).confidence(Confidence::Medium);
        if distribution.is_test(path) {
            hit = hit.reach(sigma_core::Reach::Test);
        }
        hits.push(hit);
    }
}
