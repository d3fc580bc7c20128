//! What callers or visitors hand over in confidence is sent to a host that stands in the code.

use sigma_core::{Capability, Category, Severity};

use super::Verdict;
use crate::facts::{Effects, Taint};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "key-exfiltration",
    category: Category::Credential,
    capability: Some(Capability::Credentials),
    severity: Severity::High,
    message: "A private key or a recovery phrase that the caller hands over is sent to a host that stands in the code.",
    why: "A library needs a key to sign with it. Nothing that is honest sends it anywhere, least of all to an address that \
          its author chose.",
    false_positives: "A client sends passwords and tokens to its own service and waits for the answer: not seen. Signatures, \
                      digests and clients made of a key are no keys any more. Hosts that the caller names are not the \
                      author's.",
    example: include_str!("key_exfiltration/hit.js"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    for call in source.calls(Effects::NET | Effects::PREPARE) {
        if let Some(([called, loaded, _], message)) = verdict(call.effects, call.taint) {
            let hit = hits.at(source.facts, call.place);
            hits.push(hit.severity(called).loaded(loaded).message(message));
        }
    }
}

/// What a flow means to this rule.
pub(in crate::rules) fn verdict(effects: Effects, taint: Taint) -> Option<Verdict> {
    let collector = taint.any(Taint::EXFIL_HOST | Taint::RAW_IP);
    if !effects.any(Effects::NET | Effects::PREPARE) || !(collector || taint.any(Taint::NAMED_HOST)) {
        return None;
    }
    let unheard = effects.any(Effects::DISCARDED);
    Some(match () {
        _ if taint.any(Taint::KEY) => ([Severity::Critical; 3], RULE.message),
        _ if taint.any(Taint::TAKEN) => {
            let called = if collector { Severity::Critical } else { Severity::High };
            let message = "What callers meant for another package is sent to a host that stands in the code.";
            ([called, Severity::Critical, Severity::Critical], message)
        }
        _ if taint.any(Taint::PAGE) => {
            let called = if collector { Severity::Critical } else { Severity::High };
            let message = "The cookies or the whole storage of a page are sent to a host that stands in the code.";
            ([called; 3], message)
        }
        _ if taint.any(Taint::PASSWORD) && (unheard || collector) => {
            let message = "A password or a card number that the caller hands over is sent to a host that stands in the code, and \
                           nobody waits for an answer.";
            ([Severity::High, Severity::Critical, Severity::Critical], message)
        }
        _ => return None,
    })
}
