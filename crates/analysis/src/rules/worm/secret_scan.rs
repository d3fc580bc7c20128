//! The machine is searched for secrets.

use sigma_core::{Capability, Category, Severity};

use crate::facts::{Call, Deeds, Effects, Signs, words_of};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "secret-scan",
    category: Category::Credential,
    capability: Some(Capability::Credentials),
    severity: Severity::Low,
    message: "Starts a scanner for secrets.",
    why: "Worms run honest scanners on the machine of their victim and publish what they find.",
    false_positives: "Hooks and linters start scanners on their own repository: alone it is low.",
    example: include_str!("secret_scan/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    let named = source.signs(Signs::SCANNER).map(|mention| mention.place).filter(|_| source.does(Effects::SPAWN));
    let places: Vec<_> = source.deeds(Deeds::SCANS_SECRETS).map(|deed| deed.place).chain(named).take(3).collect();
    let publishes = source.facts.signs.any(Signs::REPOSITORY | Signs::PUBLISHING)
        || source.deeds(Deeds::PUBLISHES | Deeds::MAKES_REPOSITORY | Deeds::SENDS).next().is_some();
    let connects = source.does(Effects::NET);
    // Secrets as the runner of a code host holds them in its memory: nobody else has a reason to know their shape.
    let of_runner = |call: &&Call<'_>| words_of(&call.arguments).iter().any(|word| word.contains("isSecret"));
    for call in source.calls(Effects::SPAWN).filter(of_runner).take(1) {
        let hit = hits.at(source.facts, call.place).severity(Severity::High).loaded(Severity::Critical);
        hits.push(
            hit.message("Searches what another program prints for the secrets that a runner holds in its memory."),
        );
    }
    for place in places {
        let hit = hits.at(source.facts, place);
        let (called, loaded) = match (publishes, connects) {
            _ if source.is_script() => (Severity::Low, Severity::Low),
            (true, _) => (Severity::Critical, Severity::Critical),
            (false, true) => (Severity::Low, Severity::High),
            (false, false) => (Severity::Low, Severity::Low),
        };
        let message = if loaded > Severity::Low {
            "Starts a scanner for secrets and can send what it finds."
        } else {
            RULE.message
        };
        hits.push(hit.severity(called).loaded(loaded).message(message));
    }
}
