//! Permissions are changed.

use sigma_core::{Capability, Category, Severity};

use crate::facts::Effects;
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "file-permissions",
    category: Category::Filesystem,
    capability: Some(Capability::FileWrite),
    severity: Severity::Info,
    message: "Changes the permissions or the owner of a file.",
    why: "A dropped program has to be made executable before it can be started.",
    false_positives: "Installers and archivers set permissions as a matter of course, so it is INFO and raises no \
          level on its own.",
    example: include_str!("file_permissions/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    hits.push_calls(source.facts, source.calls(Effects::CHMOD));
}
