//! The archive is not what ordinary tools write.

use sigma_core::{Category, Reach, Severity};

use crate::report::Distribution;
use crate::rules::{Check, Hits, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "archive-oddity",
    category: Category::Archive,
    capability: None,
    severity: Severity::Low,
    message: "The archive is not what ordinary tools write.",
    why: "Attackers bend the archive so that a scanner reads one file and an installer unpacks another, or so that \
          unpacking writes outside its folder. Ordinary packaging tools leave none of this.",
    false_positives: "Old or home-made tools leave spare bytes, repeated names and links; those stay LOW or INFO. Only \
          what makes two readers see different files, or leads out of the folder, is HIGH.",
    example: "demo-1.0.0/../../etc/profile.d/demo.sh",
    check: Check::Distribution(check),
};

fn check(distribution: &Distribution<'_>, hits: &mut Hits<'_>) {
    for oddity in &distribution.oddities {
        let hit = hits.hit(&oddity.detail).file(oddity.path.clone());
        // Archives that tests unpack are nobody's package.
        let of_tests = oddity.path.split_once("!/").is_some_and(|(outer, _)| distribution.is_test(outer));
        let hit = if of_tests { hit.reach(Reach::Test) } else { hit };
        hits.push(hit.severity(oddity.severity).message(oddity.message));
    }
}
