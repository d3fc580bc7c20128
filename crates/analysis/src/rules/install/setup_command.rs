//! A setup.py replaces the commands of setuptools.

use sigma_core::{Capability, Category, Severity, printable};

use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "setup-command",
    category: Category::InstallHook,
    capability: Some(Capability::InstallHook),
    severity: Severity::Info,
    message: "Replaces a command of setuptools with its own code.",
    why: "A replaced command of setuptools runs its own code at the very moment of installation.",
    false_positives: "Projects with compiled parts replace build_ext and its kin: INFO. Replacing install, develop or \
          egg_info is LOW; what the code does is judged by the other rules.",
    example: include_str!("setup_command/hit@setup.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    if !source.setup {
        return;
    }
    for class in &source.facts.subclasses {
        if class.base.contains(".command.") {
            let hit = hits.at(source.facts, class.place);
            let installs = [".install.", ".develop.", ".egg_info."].iter().any(|command| class.base.contains(command));
            let severity = if installs { Severity::Low } else { Severity::Info };
            let base = printable(&class.base, 80);
            hits.push(
                hit.severity(severity).message(format!("Replaces the setuptools command {base} with its own code.")),
            );
        }
    }
}
