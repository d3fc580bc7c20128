//! Several kinds of credential stores are collected.

use sigma_core::{Capability, Category, Severity};

use crate::facts::{Effects, Mention, Signs, Taint, When};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "stealer",
    category: Category::Credential,
    capability: Some(Capability::Credentials),
    severity: Severity::Critical,
    message: "Collects several kinds of credential stores and can send them.",
    why: "No honest program wants browser passwords, chat tokens, wallets and keys at once.",
    false_positives: "Lists of sensitive files (linters, ignore lists, backup tools) name developer files without opening them; they count only when one is read and something connects.",
    example: include_str!("stealer/hit.py"),
    check: Check::Source(check),
};

/// Stores that only their own application has reason to open.
const PERSONAL: [Signs; 4] = [Signs::BROWSER, Signs::MESSENGER, Signs::WALLET, Signs::GAME];

/// Stores of developers, which tools of developers do open, one at a time.
const TECHNICAL: [Signs; 5] = [Signs::SSH, Signs::CLOUD, Signs::DEVELOPER, Signs::KEYCHAIN, Signs::METADATA];

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    let connects =
        source.does(Effects::NET) || source.facts.mentions.iter().any(|mention| mention.taint.any(Taint::EXFIL_HOST));
    let (personal, technical) = (source.count(&PERSONAL), source.count(&TECHNICAL));
    if !connects || personal + technical < 2 {
        return;
    }
    let strong = |mention: &&Mention| mention.taint.any(Taint::CREDENTIAL_PATH);
    let places =
        |signs: &[Signs]| signs.iter().filter(|sign| source.signs(**sign).any(|mention| strong(&mention))).count();
    let stored = places(&PERSONAL);
    let reads: Vec<_> = source
        .calls(Effects::READ | Effects::OPEN | Effects::WRITE | Effects::CREDENTIAL | Effects::LIST)
        .filter(|call| call.taint.any(Taint::CREDENTIAL_PATH) || call.effects.any(Effects::CREDENTIAL))
        .collect();
    let load = reads.iter().any(|call| source.facts.when(call.place) == When::Load);
    let severity = match (personal, technical) {
        (2.., _) if stored >= 1 => Severity::Critical,
        (1, 1..) if stored == 1 && load => Severity::High,
        (0, 3..) if !reads.is_empty() && load => Severity::Critical,
        (_, 2..) if !reads.is_empty() => {
            if load {
                Severity::High
            } else {
                Severity::Medium
            }
        }
        _ => return,
    };
    let mut seen = Signs::NONE;
    for mention in source.facts.mentions.iter().filter(strong) {
        if !mention.signs.without(seen).is_empty() {
            seen |= mention.signs;
            let hit = hits.at(source.facts, mention.place).severity(severity);
            hits.push(hit.message(format!(
                "Collects several kinds of credential stores and can send them; here {}.",
                mention.what
            )));
        }
    }
}
