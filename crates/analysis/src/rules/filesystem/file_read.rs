//! Files are read.

use sigma_core::{Capability, Category, Severity};

use crate::facts::Effects;
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "file-read",
    category: Category::Filesystem,
    capability: Some(Capability::FileRead),
    severity: Severity::Info,
    message: "Reads a file.",
    why: "What is read may be sent away; the flow decides, and begins here.",
    false_positives: "Nearly every program reads files, so it is INFO and raises no level on its own.",
    example: include_str!("file_read/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    hits.push_calls(source.facts, source.calls(Effects::READ));
}
