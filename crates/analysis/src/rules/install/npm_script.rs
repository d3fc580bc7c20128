//! npm runs a script of the package when it is installed.

use sigma_core::{Capability, Category, Reach, Severity};

use crate::report::Distribution;
use crate::rules::{Check, Hits, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "npm-script",
    category: Category::InstallHook,
    capability: Some(Capability::InstallHook),
    severity: Severity::Low,
    message: "npm runs this command at installation.",
    why: "Installation scripts run with the user's rights before anybody has looked at the code; most npm malware \
          starts here.",
    false_positives: "Packages with native parts fetch or build them this way, so the script alone is LOW; prepare, \
          which registry packages never run, is INFO.",
    example: r#"{"scripts": {"postinstall": "node setup.js"}}"#,
    check: Check::Distribution(check),
};

fn check(distribution: &Distribution<'_>, hits: &mut Hits<'_>) {
    for script in &distribution.manifests.scripts {
        let hit = hits.hit(&format!("{}: {}", script.name, script.command)).file(script.file.clone()).line(script.line);
        // `prepare` runs only for packages from git, not for those from the registry.
        let (severity, reach) = match script.name.as_str() {
            "prepare" | "prepublish" => (Severity::Info, Reach::Call),
            _ => (Severity::Low, Reach::Install),
        };
        let message = format!("npm runs this command as {}.", script.name);
        hits.push(hit.severity(severity).reach(reach).message(message));
    }
}
