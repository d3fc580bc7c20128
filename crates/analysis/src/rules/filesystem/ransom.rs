//! Files of the user are encrypted.

use sigma_core::{Capability, Category, Severity};

use crate::facts::{Effects, Signs};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "ransom",
    category: Category::Filesystem,
    capability: Some(Capability::FileWrite),
    severity: Severity::High,
    message: "Encrypts the files of a folder, and names a note that asks for ransom.",
    why: "Walking through folders, encrypting and leaving a note is what ransomware does.",
    false_positives: "Backup tools walk and encrypt without a note: then it is a look at most.",
    example: include_str!("ransom/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    let (walks, encrypts) = (source.does(Effects::LIST), source.does(Effects::ENCRYPT));
    for mention in source.signs(Signs::RANSOM).filter(|_| walks || encrypts).take(3) {
        let hit = hits.at(source.facts, mention.place);
        hits.push(hit.severity(if walks && encrypts { Severity::Critical } else { Severity::High }));
    }
    if walks
        && encrypts
        && source.facts.signs.without(Signs::RANSOM) == source.facts.signs
        && source.does(Effects::DELETE)
    {
        for call in source.calls(Effects::ENCRYPT).take(1) {
            let hit = hits.at(source.facts, call.place).severity(Severity::Low);
            hits.push(hit.message("Walks through folders, encrypts and deletes."));
        }
    }
}
