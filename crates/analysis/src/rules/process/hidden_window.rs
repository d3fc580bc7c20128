//! A process is started so that nobody sees it.

use sigma_core::{Capability, Category, Severity};

use crate::facts::Deeds;
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "hidden-window",
    category: Category::Process,
    capability: Some(Capability::Process),
    severity: Severity::Low,
    message: "Starts a process without a window, so that nobody sees it.",
    why: "A window that is hidden while code is fetched or decoded is hidden from the victim.",
    false_positives: "Desktop tools hide the windows of their helpers: alone it is low.",
    example: include_str!("hidden_window/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    for deed in source.deeds(Deeds::HIDDEN) {
        let hit = hits.at(source.facts, deed.place);
        let (called, loaded) = match deed.what.any(Deeds::RUNS_DOWNLOAD | Deeds::ENCODED) {
            true => (Severity::Critical, Severity::Critical),
            false => (Severity::Low, Severity::Low),
        };
        hits.push(hit.severity(called).loaded(loaded));
    }
}
