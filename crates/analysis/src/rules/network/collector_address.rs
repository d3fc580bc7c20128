//! An address that serves to collect stolen data is used.

use sigma_core::{Category, Confidence, Severity};

use crate::facts::{Effects, Taint};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "collector-address",
    category: Category::Network,
    capability: None,
    severity: Severity::Low,
    message: "Names an address that often serves to collect data.",
    why: "Chat hooks, paste sites and request catchers need no server of one's own, which is why stolen data is sent \
          there.",
    false_positives: "Clients of these very services name them too: naming is LOW and connecting on a call is MEDIUM. \
          Connecting while the module loads is HIGH.",
    example: include_str!("collector_address/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    let calls: Vec<_> =
        source.calls(Effects::NET | Effects::SPAWN).filter(|c| c.taint.any(Taint::EXFIL_HOST)).collect();
    for mention in source.facts.mentions.iter().filter(|mention| mention.taint.any(Taint::EXFIL_HOST)) {
        let used =
            calls.iter().any(|call| call.place.start <= mention.place.start && mention.place.end <= call.place.end);
        let hit = hits.at(source.facts, mention.place);
        let message = format!("Names an address that often serves to collect data: {}.", mention.what);
        if !used {
            hits.push(hit.severity(Severity::Low).confidence(Confidence::Medium).message(message));
        }
    }
    for call in calls {
        let hit = hits.at(source.facts, call.place);
        let [called, loaded, installed] = match call.taint.any(Taint::CATCHER) {
            true => [Severity::High, Severity::Critical, Severity::Critical],
            false => [Severity::Medium, Severity::High, Severity::Critical],
        };
        hits.push(
            hit.severity(called)
                .loaded(loaded)
                .installed(installed)
                .message("Connects to an address that often serves to collect data."),
        );
    }
}
