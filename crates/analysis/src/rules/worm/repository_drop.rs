//! Stolen data goes into a repository that the code makes.

use sigma_core::{Capability, Category, Severity};

use crate::facts::{Deeds, Effects, Signs, Taint};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "repository-drop",
    category: Category::Network,
    capability: Some(Capability::NetworkClient),
    severity: Severity::Low,
    message: "Makes a repository on a code host.",
    why: "A public repository in the victim's own account passes every firewall, and everybody can read it.",
    false_positives: "Project generators make repositories for their user: alone it is low.",
    example: include_str!("repository_drop/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    let named = source.signs(Signs::REPOSITORY).map(|mention| mention.place).filter(|_| source.does(Effects::NET));
    let places: Vec<_> = source.deeds(Deeds::MAKES_REPOSITORY).map(|deed| deed.place).chain(named).take(3).collect();
    if places.is_empty() || source.is_script() {
        return;
    }
    let stores = [Signs::WALLET, Signs::SSH, Signs::CLOUD, Signs::DEVELOPER, Signs::BROWSER, Signs::METADATA];
    let taken = Taint::ENV_ALL | Taint::CREDENTIAL;
    let takes = source.calls(Effects::NET | Effects::SPAWN).any(|call| call.taint.any(taken))
        || (source.does(Effects::ENV_ALL | Effects::READ) && source.count(&stores) >= 2);
    for place in places {
        let hit = hits.at(source.facts, place);
        let (called, loaded) = match takes {
            true => (Severity::Critical, Severity::Critical),
            false => (Severity::Low, Severity::Medium),
        };
        let message = if takes {
            "Makes a repository on a code host and puts secrets of the machine into it."
        } else {
            RULE.message
        };
        hits.push(hit.severity(called).loaded(loaded).message(message));
    }
}
