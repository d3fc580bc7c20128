//! A script that npm runs at installation fetches or hides code.

use sigma_core::{Capability, Category, Reach, Severity};

use super::super::flow::download_execution::is_download;
use crate::facts::{Taint, When, find_mention};
use crate::report::Distribution;
use crate::rules::{Check, Hits, RULES, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "npm-script-download",
    category: Category::InstallHook,
    capability: Some(Capability::InstallHook),
    severity: Severity::High,
    message: "A command that npm runs at installation fetches or hides code.",
    why: "A command that fetches code and runs it, or that hides what it runs, needs nobody to import the package.",
    false_positives: "Naming a downloader alone is HIGH, because honest installers leave that to code in the package; \
          a script that merely runs a file which connects or starts programs adds a LOW note.",
    example: include_str!("npm_script_download/hit@package.json"),
    check: Check::Distribution(check),
};

fn check(distribution: &Distribution<'_>, hits: &mut Hits<'_>) {
    for script in distribution.manifests.scripts.iter().filter(|script| script.name != "prepare") {
        let command = &script.command;
        let collector = find_mention(command).is_some_and(|mention| mention.taint.any(Taint::EXFIL_HOST));
        let any = |words: &[&str]| words.iter().any(|word| command.contains(word));
        let (severity, message) = if is_download(command) || command.contains("/dev/tcp/") {
            (Severity::Critical, "A command that npm runs at installation fetches code and runs it.")
        } else if collector {
            (
                Severity::Critical,
                "A command that npm runs at installation talks to an address that often serves to collect data.",
            )
        } else if any(&["curl ", "wget ", "Invoke-WebRequest", "nslookup ", "certutil "]) {
            (Severity::High, "A command that npm runs at installation connects to another host.")
        } else if any(&["base64 -d", "base64 --decode", "atob(", "'base64'", "eval("]) {
            (Severity::High, "A command that npm runs at installation runs hidden code.")
        } else {
            continue;
        };
        let hit = hits.hit(&format!("{}: {command}", script.name)).file(script.file.clone()).line(script.line);
        hits.push(hit.severity(severity).reach(Reach::Install).message(message));
    }
    for file in distribution.files.iter().filter(|file| file.reach == Reach::Install && file.hooked) {
        for hit in
            file.outcome.hits.iter().filter(|hit| NOTABLE.contains(&RULES[hit.rule].id) && hit.when == When::Load)
        {
            let message = format!("A file that npm runs at installation does this: {}", RULES[hit.rule].message);
            let found = hits.hit(&hit.evidence).file(file.path.clone()).line(hit.line).reach(Reach::Install);
            hits.push(found.severity(Severity::Low).confidence(hit.confidence).message(message));
        }
    }
}

/// Capabilities that are worth a second look in an installation script.
const NOTABLE: [&str; 2] = ["network-client", "process-spawn"];
