//! The build backend is part of the source.

use sigma_core::{Capability, Category, Reach, Severity};

use crate::report::Distribution;
use crate::rules::{Check, Hits, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "in-tree-backend",
    category: Category::InstallHook,
    capability: Some(Capability::InstallHook),
    severity: Severity::Low,
    message: "Builds with a backend that is part of its own source.",
    why: "",
    false_positives: "",
    example: "",
    check: Check::Distribution(check),
};

fn check(distribution: &Distribution<'_>, hits: &mut Hits<'_>) {
    if let Some((file, path)) = &distribution.manifests.backend_path {
        let hit = hits.hit(path).file(file.clone()).reach(Reach::Install);
        hits.push(hit);
    }
}
