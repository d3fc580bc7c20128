//! What protects the machine is turned off.

use sigma_core::{Capability, Category, Severity};

use crate::facts::Deeds;
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "disarming",
    category: Category::Process,
    capability: Some(Capability::Process),
    severity: Severity::Critical,
    message: "Turns off what protects the machine.",
    why: "A firewall, a virus scanner or a log that is turned off lets what comes next go unseen.",
    false_positives: "Administration suites configure firewalls when asked to; a package that is imported has no reason to, so only functions stay below blocking.",
    example: include_str!("disarming/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    for deed in source.deeds(Deeds::DISARMS) {
        let hit = hits.at(source.facts, deed.place);
        let called = if source.is_script() { Severity::Medium } else { Severity::High };
        hits.push(hit.severity(called).loaded(Severity::Critical));
    }
}
