//! A script that npm runs at installation does harm as a command line.

use sigma_core::{Capability, Category, Reach, Severity};

use crate::facts::{Deeds, deeds_of_text};
use crate::language::Language;
use crate::report::Distribution;
use crate::rules::{Check, Hits, RULES, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "install-command",
    category: Category::InstallHook,
    capability: Some(Capability::InstallHook),
    severity: Severity::Critical,
    message: "A command that npm runs at installation does what no installation needs.",
    why: "Install scripts run unasked on every machine that resolves the package, with the rights of its user.",
    false_positives: "Builds and downloads of pinned binaries are what install scripts are for and stay quiet here.",
    example: include_str!("install_command/hit@package.json"),
    check: Check::Distribution(check),
};

fn check(distribution: &Distribution<'_>, hits: &mut Hits<'_>) {
    let manifests = &distribution.manifests;
    for script in manifests.scripts.iter().filter(|script| script.name != "prepare").chain(&manifests.gyp_commands) {
        let deeds = deeds_of_text(&script.command);
        let known =
            JUDGED.iter().find(|(judged, _, _)| deeds.any(*judged)).map(|(_, severity, message)| (*severity, *message));
        let everywhere = || {
            let installs = matches!(script.name.as_str(), "preinstall" | "install" | "postinstall");
            installs && deeds.any(Deeds::INSTALLS) && is_global(&script.command)
        };
        let Some((severity, message)) = known
            .or_else(|| everywhere().then_some((Severity::High, "installs another package for the whole machine")))
        else {
            continue;
        };
        let hit = hits.hit(&format!("{}: {}", script.name, script.command)).file(script.file.clone()).line(script.line);
        let message = format!("A command that npm runs at installation {message}.");
        hits.push(hit.severity(severity).reach(Reach::Install).message(message));
    }
    // A shell script counts as called by somebody; here it is npm that calls it.
    for file in distribution
        .files
        .iter()
        .filter(|file| (file.hooked || file.reach == Reach::Install) && file.language == Some(Language::Shell))
    {
        for hit in file.outcome.hits.iter().filter(|hit| SERIOUS.contains(&RULES[hit.rule].id)) {
            let message = format!("A script that npm runs at installation does this: {}", RULES[hit.rule].message);
            let found = hits.hit(&hit.evidence).file(file.path.clone()).line(hit.line).reach(Reach::Install);
            hits.push(found.confidence(hit.confidence).message(message));
        }
    }
}

/// True for a command line that installs something for every project: `npm install -g name`.
fn is_global(command: &str) -> bool {
    command.split([' ', '"', '\'']).any(|word| matches!(word, "-g" | "--global" | "--location=global"))
}

/// What command lines do, gravest first, and how much that matters at installation.
const JUDGED: [(Deeds, Severity, &str); 12] = [
    (Deeds::REMOTE_SHELL, Severity::Critical, "gives a remote host a shell"),
    (Deeds::DESTROYS, Severity::Critical, "deletes what is not its own"),
    (Deeds::SENDS_NAME, Severity::Critical, "sends what it knows of the machine in a host name"),
    (Deeds::SENDS, Severity::Critical, "sends what it knows of the machine to another host"),
    (Deeds::RUNS_DOWNLOAD, Severity::Critical, "fetches code and runs it"),
    (Deeds::ENCODED, Severity::Critical, "runs code that it carries in an encoded form"),
    (Deeds::DISARMS, Severity::Critical, "turns off what protects the machine"),
    (Deeds::UNLEASHES_AGENT, Severity::Critical, "starts a coding agent that asks nobody"),
    (Deeds::MINES, Severity::Critical, "mines a cryptocurrency"),
    (Deeds::SCANS_SECRETS, Severity::High, "searches the machine for secrets"),
    (Deeds::PERSISTS, Severity::High, "arranges to be started again"),
    (Deeds::INSTALLS_ELSEWHERE, Severity::High, "installs a package from elsewhere than the ecosystem"),
];

/// Rules whose hits in a shell script are grave when npm runs it.
const SERIOUS: [&str; 12] = [
    "command-download",
    "command-exfiltration",
    "credential-exfiltration",
    "destruction",
    "disarming",
    "encoded-command",
    "miner",
    "persistence",
    "reverse-shell",
    "secret-scan",
    "self-publishing",
    "unleashed-agent",
];
