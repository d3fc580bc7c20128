//! The settings of a package manager are told to fetch packages from somewhere else.

use sigma_core::{Capability, Category, Severity};

use super::super::filesystem::file_write::is_writing;
use crate::facts::{Call, Effects, Signs, Taint};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "registry-change",
    category: Category::InstallHook,
    capability: Some(Capability::FileWrite),
    severity: Severity::Low,
    message: "Writes where packages are fetched from into the settings of the package manager.",
    why: "Whoever sets the registry of a project or a user sends them every later package, and gets the token of every publication.",
    false_positives: "Tools that set a registry up do so when somebody asks, and write the address that they are told: LOW, and \
                      nothing where no address of another host stands in the code.",
    example: include_str!("registry_change/hit.js"),
    check: Check::Source(check),
};

/// The registries themselves.
const KNOWN: [&str; 6] = [
    "registry.npmjs.org",
    "npmjs.org",
    "registry.yarnpkg.com",
    "npm.pkg.github.com",
    "pypi.org",
    "files.pythonhosted.org",
];

/// Addresses that are looked at.
const MAX_ADDRESSES: usize = 100;

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    let elsewhere = || {
        let mut hosts = source.facts.source.split("://").skip(1).take(MAX_ADDRESSES).map(|rest| {
            rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '-').next().unwrap_or_default()
        });
        hosts.any(|host| host.contains('.') && !KNOWN.contains(&host))
    };
    if !source.facts.signs.any(Signs::REGISTRY_SETTING) || !elsewhere() {
        return;
    }
    let writes = |call: &&Call<'_>| {
        let file = call.positional(0).is_some_and(|file| file.taint.any(Taint::CREDENTIAL_PATH));
        // A copy of the settings that are there changes nothing.
        file && !call.effects.any(Effects::READ) && (call.effects.any(Effects::WRITE) || is_writing(call))
    };
    for call in source.calls(Effects::WRITE | Effects::OPEN).filter(writes).take(3) {
        let hit = hits.at(source.facts, call.place);
        hits.push(hit.loaded(Severity::High).installed(Severity::Critical));
    }
}
