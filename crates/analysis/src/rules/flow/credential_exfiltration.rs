//! What a credential file or store holds flows into a network call.

use sigma_core::{Capability, Category, Severity};

use super::Verdict;
use crate::facts::{Effects, Taint};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "credential-exfiltration",
    category: Category::Credential,
    capability: Some(Capability::Credentials),
    severity: Severity::High,
    message: "What a credential file or store holds flows into a network call.",
    why: "Reading a key file and sending what it holds is theft; either half alone may be honest.",
    false_positives: "A cloud client sends what it read from its own profile when it is called; that is HIGH at most. \
          While the module loads, or to a collector's address, nothing innocent explains it.",
    example: include_str!("credential_exfiltration/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    for call in source.calls(Effects::NET) {
        if let Some(([called, loaded, _], _)) = verdict(call.effects, call.taint) {
            let hit = hits.at(source.facts, call.place);
            hits.push(hit.severity(called).loaded(loaded));
        }
    }
}

/// What a flow means to this rule.
pub(in crate::rules) fn verdict(effects: Effects, taint: Taint) -> Option<Verdict> {
    if !effects.any(Effects::NET) || !taint.any(Taint::CREDENTIAL) {
        return None;
    }
    let collector = taint.any(Taint::EXFIL_HOST | Taint::RAW_IP);
    let called = if collector { Severity::Critical } else { Severity::High };
    Some(([called, Severity::Critical, Severity::Critical], RULE.message))
}
