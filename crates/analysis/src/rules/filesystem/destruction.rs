//! Files of the user or the system are deleted in bulk.

use sigma_core::{Capability, Category, Severity};

use crate::facts::{Deeds, Effects, Taint, Value, Waits};
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
    // `rm -rf *` in whatever folder the program stands: the user's project.
    for call in source.calls(Effects::SPAWN).filter(|_| !source.is_script()) {
        let command = call.positional(0).and_then(|value| value.as_text()).unwrap_or_default();
        let all = [
            "rm -rf *",
            "rm -rf .",
            "rm -rf ./",
            "rm -rf ./*",
            "rm -fr *",
            "rd /s /q .",
            "del /f /s /q *",
            "del /s /q *",
        ];
        if all.contains(&command.trim()) {
            let hit = hits.at(source.facts, call.place);
            hits.push(
                hit.severity(if call.waits.any(Waits::WORD) { Severity::Critical } else { Severity::High })
                    .loaded(Severity::Critical)
                    .message("Deletes everything in the working folder, which is the user's project."),
            );
        }
    }
    // What nobody is meant to find afterwards.
    for call in source.calls(Effects::DELETE).filter(|call| call.positional(0).is_some_and(is_itself)) {
        let hit = hits.at(source.facts, call.place);
        let message = "Deletes its own file, so that nobody finds what ran.";
        hits.push(hit.severity(Severity::Medium).loaded(Severity::Critical).message(message));
    }
    // Python's own delete one file, or a folder that is empty.
    let one = |path: &str| matches!(path, "os.remove" | "os.rmdir" | "os.unlink");
    for call in source.calls(Effects::DELETE).filter(|call| !one(&call.path)) {
        let recursive = ["rmtree", "rm", "rmSync", "rimraf", "sync", "remove", "removeSync", "rmdirSync", "rmdir"];
        let last = call.path.rsplit('.').next().unwrap_or_default();
        if recursive.contains(&last) && call.positional(0).is_some_and(is_everything) {
            let hit = hits.at(source.facts, call.place);
            hits.push(hit.severity(Severity::High).loaded(Severity::Critical));
        } else if recursive.contains(&last) && call.positional(0).and_then(|path| path.as_text()).is_some_and(in_home) {
            let hit = hits.at(source.facts, call.place);
            let message = "Deletes a folder of the user's home as soon as it is loaded.";
            hits.push(hit.severity(Severity::Info).loaded(Severity::High).message(message));
        }
    }
}

/// True for the file that the code stands in.
fn is_itself(path: &Value<'_>) -> bool {
    let own = path.taint.any(Taint::OWN) && !path.taint.any(Taint::JOINED);
    own && matches!(path.origin.as_deref(), Some("__file__" | "__filename"))
}

/// True for a folder in a home.
fn in_home(path: &str) -> bool {
    path.starts_with("~/") || path.starts_with("~\\") || path.starts_with("/home/")
}

/// True for a path that holds everything of a user or a machine.
fn is_everything(path: &Value<'_>) -> bool {
    // The working folder is the user's project.
    let homes = ["os.homedir()", "os.path.expanduser()", "process.cwd()", "os.getcwd()", "pathlib.Path.cwd()"];
    // What stands behind one of them is a folder of the program's own.
    let whole = !path.taint.any(Taint::JOINED | Taint::FOLLOWED);
    let named = whole && path.path.as_deref().is_some_and(|name| homes.contains(&name));
    named
        || path.as_text().is_some_and(|text| {
            matches!(text, "~" | "~/" | "/" | "C:\\" | "C:/" | "/home" | "/Users" | "/etc" | "/usr")
        })
}
