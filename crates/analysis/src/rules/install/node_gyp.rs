//! npm builds native code because of a binding.gyp.

use sigma_core::{Capability, Category, Reach, Severity};

use crate::report::Distribution;
use crate::rules::{Check, Hits, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "node-gyp",
    category: Category::InstallHook,
    capability: Some(Capability::InstallHook),
    severity: Severity::Info,
    message: "npm runs node-gyp at installation because of this file.",
    why: "npm starts node-gyp by itself when this file lies in the package, though no script names it.",
    false_positives: "Every native add-on needs it, so it is INFO and raises no level on its own.",
    example: include_str!("node_gyp/hit@binding.gyp"),
    check: Check::Distribution(check),
};

fn check(distribution: &Distribution<'_>, hits: &mut Hits<'_>) {
    if let Some(file) = &distribution.manifests.binding_gyp {
        let hit = hits.hit("binding.gyp").file(file.clone()).reach(Reach::Install);
        hits.push(hit);
    }
}
