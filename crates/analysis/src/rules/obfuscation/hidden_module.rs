//! A module is imported by a name that an encoding hides.

use sigma_core::{Category, Severity};

use crate::facts::Signs;
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "hidden-module",
    category: Category::Obfuscation,
    capability: None,
    severity: Severity::Medium,
    message: "Imports a module whose name an encoding hides.",
    why: "The name of a module is no secret to anybody who can read the package. It is encoded so that readers and scanners do \
          not see what the code will use.",
    false_positives: "Loaders that take names from data do not decode them. In code that somebody has to call it is MEDIUM.",
    example: include_str!("hidden_module/hit.js"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    for mention in source.signs(Signs::HIDDEN_MODULE).take(3) {
        let hit = hits.at(source.facts, mention.place);
        hits.push(hit.loaded(Severity::Critical));
    }
}
