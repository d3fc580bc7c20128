//! The package tells nothing about itself.

use sigma_core::{Category, Severity};

use crate::report::Distribution;
use crate::rules::{Check, Hits, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "empty-metadata",
    category: Category::Identity,
    capability: None,
    severity: Severity::Low,
    message: "The package names no author, no address and no purpose.",
    why: "Who publishes something to be used says what it is for. Packages that are made by the hundred to be installed by \
          mistake do not bother.",
    false_positives: "Honest drafts and private tools are as silent, so it is LOW: CLEAR on its own, half of a combination.",
    example: include_str!("empty_metadata/hit.txtar"),
    check: Check::Distribution(check),
};

fn check(distribution: &Distribution<'_>, hits: &mut Hits<'_>) {
    let about = &distribution.manifests.about;
    let silent = about.iter().all(|about| about.urls.is_empty() && !about.described && !about.signed);
    if let Some(first) = about.first().filter(|_| silent) {
        let hit = hits.hit("").file(first.file.clone());
        hits.push(hit);
    }
}
