//! Text is run as code.

use sigma_core::{Capability, Category, Severity};

use crate::facts::Effects;
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "dynamic-code",
    category: Category::DynamicCode,
    capability: Some(Capability::DynamicCode),
    severity: Severity::Info,
    message: "Runs text as code.",
    why: "Code that is made while the program runs is not in the source that a reader sees.",
    false_positives: "Templating, plug-ins and namedtuple-like helpers do this honestly, so it is INFO; text that was \
          decoded or downloaded first is another rule.",
    example: include_str!("dynamic_code/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    hits.push_calls(source.facts, source.calls(Effects::EVAL));
}
