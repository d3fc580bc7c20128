//! Files are deleted.

use sigma_core::{Capability, Category, Severity};

use crate::facts::Effects;
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "file-delete",
    category: Category::Filesystem,
    capability: Some(Capability::FileWrite),
    severity: Severity::Info,
    message: "Deletes files.",
    why: "Deleting files is what wipers and cleaners of traces do.",
    false_positives: "Tools tidy up after themselves, so it is INFO and raises no level on its own.",
    example: include_str!("file_delete/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    hits.push_calls(source.facts, source.calls(Effects::DELETE));
}
