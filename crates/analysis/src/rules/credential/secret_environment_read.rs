//! Environment variables whose names speak of secrets are read.

use sigma_core::{Capability, Category, Severity, printable};

use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "secret-environment-read",
    category: Category::Credential,
    capability: Some(Capability::Environment),
    severity: Severity::Info,
    message: "Reads an environment variable that holds a secret.",
    why: "A variable whose name speaks of a token, key or password holds what an attacker wants; where it goes \
          afterwards decides.",
    false_positives: "Every client of an interface reads its own key this way, so it is INFO; only a flow to somewhere \
          else is more.",
    example: include_str!("secret_environment_read/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    for read in source.facts.environment.iter().filter(|read| read.secret) {
        let hit = hits.at(source.facts, read.place);
        let name = read.name.as_deref().unwrap_or_default();
        hits.push(
            hit.message(format!("Reads the environment variable {}, which holds a secret.", printable(name, 60))),
        );
    }
}
