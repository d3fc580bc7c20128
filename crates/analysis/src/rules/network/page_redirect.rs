//! A page that loads the code is sent to another host.

use sigma_core::{Category, Severity};

use crate::facts::Signs;
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "page-redirect",
    category: Category::Network,
    capability: None,
    severity: Severity::Low,
    message: "Sends the page that loads it to a host that stands in the code.",
    why: "Packages on a public CDN serve phishing: a mail links to a page that loads them, and they send the reader on to a false login.",
    false_positives: "Applications send their users to a login when they click; inside a function that nothing calls that is LOW.",
    example: include_str!("page_redirect/hit.js"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    for mention in source.signs(Signs::REDIRECT).take(3) {
        let hit = hits.at(source.facts, mention.place);
        hits.push(hit.loaded(Severity::High));
    }
}
