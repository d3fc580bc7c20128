//! A pickle runs a command or code when it is loaded.

use sigma_core::{Capability, Category, Reach, Severity};

use crate::report::Distribution;
use crate::rules::{Check, Hits, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "pickle-code",
    category: Category::DynamicCode,
    capability: Some(Capability::DynamicCode),
    severity: Severity::Critical,
    message: "A pickle in the package runs a command or code when it is loaded.",
    why: "Loading a pickle calls whatever it names. Data and models name classes that rebuild them; a shell, `exec` or a download \
          among them is a program that no scanner of sources reads.",
    false_positives: "Tests of scanners hold such pickles, and count as tests. Names that only rebuild objects stay quiet.",
    example: "\\x80\\x02cposix\\nsystem\\nX\\x02\\x00\\x00\\x00id\\x85R.",
    check: Check::Distribution(check),
};

fn check(distribution: &Distribution<'_>, hits: &mut Hits<'_>) {
    for (path, name) in &distribution.pickled {
        let hit = hits.hit(name).file(path.clone());
        hits.push(if distribution.is_test(path) { hit.reach(Reach::Test) } else { hit });
    }
}
