//! Credential files and stores are named or read.

use sigma_core::{Capability, Category, Confidence, Severity};

use crate::facts::{Effects, Taint};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "credential-access",
    category: Category::Credential,
    capability: Some(Capability::Credentials),
    severity: Severity::Low,
    message: "Reads a credential file or store of the user.",
    why: "Keys, browser stores and wallets are what stealers look for first. A library that has no business with them \
          should not open them.",
    false_positives: "Clients of cloud services and of SSH read their own files: naming such a place is INFO and \
          reading it on a call is LOW. Only reading it while the module loads is MEDIUM; sending it away is another \
          rule.",
    example: include_str!("credential_access/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    for mention in source.facts.mentions.iter().filter(|mention| mention.taint.any(Taint::CREDENTIAL_PATH)) {
        let hit = hits.at(source.facts, mention.place).confidence(Confidence::Medium).severity(Severity::Info);
        hits.push(hit.message(format!("Names a place where credentials are kept: {}.", mention.what)));
    }
    for call in source.calls(Effects::READ | Effects::OPEN | Effects::CREDENTIAL) {
        let reads = call.effects.any(Effects::CREDENTIAL) || call.taint.any(Taint::CREDENTIAL_PATH);
        if reads {
            let hit = hits.at(source.facts, call.place);
            hits.push(hit.loaded(Severity::Medium).installed(Severity::High));
        }
    }
}
