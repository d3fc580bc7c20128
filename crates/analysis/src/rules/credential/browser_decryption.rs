//! Secrets that a browser encrypted are decrypted.

use sigma_core::{Capability, Category, Severity};

use crate::facts::{Effects, Signs, Taint};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "browser-decryption",
    category: Category::Credential,
    capability: Some(Capability::Credentials),
    severity: Severity::Medium,
    message: "Decrypts what a browser keeps for its user.",
    why: "Browsers encrypt passwords and cookies for one user; decrypting them elsewhere has few honest uses.",
    false_positives: "Downloaders read cookies of a browser when their user asks them to: in a function it is a look.",
    example: include_str!("browser_decryption/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    let decrypts = source.signs(Signs::KEYCHAIN).next().map(|mention| mention.place);
    let calls = source.calls(Effects::CREDENTIAL | Effects::NATIVE);
    let called = calls.filter(|call| call.path.ends_with("CryptUnprotectData")).map(|call| call.place).next();
    let key = source.signs(Signs::BROWSER).find(|mention| mention.what == "the key of a browser's passwords");
    let Some(place) = called.or(decrypts).or(key.map(|mention| mention.place)) else { return };
    let browser = source.signs(Signs::BROWSER).any(|mention| mention.what != "the key of a browser's passwords");
    if !browser {
        return;
    }
    let passwords = source.signs(Signs::BROWSER).any(|mention| mention.what == "a browser's passwords");
    let collector = source.facts.mentions.iter().any(|mention| mention.taint.any(Taint::EXFIL_HOST | Taint::RAW_IP));
    let hit = hits.at(source.facts, place);
    let (called, loaded) = match (collector, passwords) {
        (true, _) => (Severity::Critical, Severity::Critical),
        (false, true) if source.does(Effects::NET) => (Severity::High, Severity::High),
        (false, true) => (Severity::Medium, Severity::High),
        (false, false) => (Severity::Medium, Severity::Medium),
    };
    hits.push(hit.severity(called).loaded(loaded));
}
