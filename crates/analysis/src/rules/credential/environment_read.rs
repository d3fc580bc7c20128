//! Environment variables are read.

use sigma_core::{Capability, Category, Severity};

use crate::facts::Effects;
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "environment-read",
    category: Category::Credential,
    capability: Some(Capability::Environment),
    severity: Severity::Info,
    message: "Reads environment variables.",
    why: "",
    false_positives: "",
    example: "",
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    for read in source.facts.environment.iter().filter(|read| !read.secret) {
        let hit = hits.at(source.facts, read.place);
        hits.push(hit);
    }
    hits.push_calls(source.facts, source.calls(Effects::ENV_ALL));
}
