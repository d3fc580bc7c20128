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
    why: "A build backend that lies in the source runs code of the package whenever it is built.",
    false_positives: "Large projects wrap their build tool this way, so it is LOW; what the backend's code does is \
          judged by the other rules.",
    example: include_str!("in_tree_backend/hit@pyproject.toml"),
    check: Check::Distribution(check),
};

fn check(distribution: &Distribution<'_>, hits: &mut Hits<'_>) {
    if let Some((file, path)) = &distribution.manifests.backend_path {
        let hit = hits.hit(path).file(file.clone()).reach(Reach::Install);
        hits.push(hit);
    }
}
