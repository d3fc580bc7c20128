//! Files of the user or the system are deleted in bulk.

use sigma_core::{Capability, Category, Severity};

use crate::facts::{Deeds, Effects, Value};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "destruction",
    category: Category::Filesystem,
    capability: Some(Capability::FileWrite),
    severity: Severity::Critical,
    message: "Deletes the home folder, a whole drive or the system.",
    why: "No package needs to delete what belongs to its user; protest and revenge releases did.",
    false_positives: "Cleaning up folders of its own is what every build does: only homes, roots and system folders as a whole count.",
    example: include_str!("destruction/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    for deed in source.deeds(Deeds::DESTROYS) {
        let hit = hits.at(source.facts, deed.place);
        let severity = if source.is_script() { Severity::High } else { Severity::Critical };
        hits.push(hit.severity(severity));
    }
    for call in source.calls(Effects::DELETE) {
        let recursive = ["rmtree", "rm", "rmSync", "rimraf", "sync", "remove", "removeSync", "rmdirSync", "rmdir"];
        let last = call.path.rsplit('.').next().unwrap_or_default();
        if recursive.contains(&last) && call.positional(0).is_some_and(is_everything) {
            let hit = hits.at(source.facts, call.place);
            hits.push(hit.severity(Severity::High).loaded(Severity::Critical));
        }
    }
}

/// True for a path that holds everything of a user or a machine.
fn is_everything(path: &Value<'_>) -> bool {
    let homes = ["os.homedir()", "os.path.expanduser()"];
    let named = path.path.as_deref().is_some_and(|name| homes.contains(&name));
    named
        || path.as_text().is_some_and(|text| {
            matches!(text, "~" | "~/" | "/" | "C:\\" | "C:/" | "/home" | "/Users" | "/etc" | "/usr")
        })
}
