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
        // A file that does nothing else, and knows who is sent on.
        let text = source.facts.source;
        let known = text.len() <= SMALL && names_somebody(text);
        hits.push(hit.loaded(if known { Severity::Critical } else { Severity::High }));
    }
}

/// Bytes of a source that does little else.
const SMALL: usize = 4 << 10;

/// True where a text of the code is somebody's address of mail: `"jane@host.example"`.
fn names_somebody(source: &str) -> bool {
    let parts = source.split(['"', '\'', '`']).filter(|part| (6..=100).contains(&part.len()));
    parts.filter_map(|part| part.trim_start_matches('#').split_once('@')).any(|(name, host)| {
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_+".contains(&byte));
        !name.is_empty() && host.contains('.') && plain(name) && plain(host)
    })
}
