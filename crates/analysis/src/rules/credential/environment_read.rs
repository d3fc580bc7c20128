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
    why: "Environment variables carry tokens and settings of the machine; which code reads them is what later flows \
          are judged by.",
    false_positives: "Nearly every program reads settings from its environment, so it is INFO and raises no level on \
          its own.",
    example: include_str!("environment_read/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    for read in source.facts.environment.iter().filter(|read| !read.secret) {
        let hit = hits.at(source.facts, read.place);
        hits.push(hit);
    }
    hits.push_calls(source.facts, source.calls(Effects::ENV_ALL));
}
