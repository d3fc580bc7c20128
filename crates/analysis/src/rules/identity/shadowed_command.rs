//! The package installs a command under the name of another that everybody uses.

use sigma_core::{Category, DistributionKind, Severity};

use crate::report::Distribution;
use crate::rules::{Check, Hits, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "shadowed-command",
    category: Category::Identity,
    capability: None,
    severity: Severity::High,
    message: "Installs a command under the name of a well-known program that this package is not.",
    why: "Scripts of a project find the commands of its packages before those of the machine: whoever types git or npm there \
          starts this one instead, with the rights and the credentials of the user.",
    false_positives: "Packages that bring such a program bear its name or say so in theirs: not seen. One command of a package \
                      that brings a whole tool chain is HIGH; two programs of different makers are CRITICAL.",
    example: include_str!("shadowed_command/hit@package.json"),
    check: Check::Distribution(check),
};

fn check(distribution: &Distribution<'_>, hits: &mut Hits<'_>) {
    let Some(package) = distribution.package().map(|package| package.name().as_str().to_ascii_lowercase()) else {
        return;
    };
    let makers = || distribution.manifests.commands.iter().filter_map(|command| maker(command));
    // What the package says to bring, it may bring, and what the same makers add to it.
    let told = |of: &str| {
        package.contains(of)
            || WELL_KNOWN
                .iter()
                .any(|(maker, names)| *maker == of && names.iter().any(|name| name.len() > 2 && package.contains(name)))
    };
    let strange: std::collections::BTreeSet<&str> = makers().filter(|of| !told(of)).collect();
    for command in distribution.manifests.commands.iter().filter(|c| maker(c).is_some_and(|of| strange.contains(of))) {
        let severity = if strange.len() > 1 { Severity::Critical } else { Severity::High };
        let file = match distribution.kind {
            DistributionKind::NpmTarball => distribution.manifests.identities.first().map(|one| one.file.clone()),
            _ => None,
        };
        let hit = hits.hit(command).severity(severity);
        hits.push(match file {
            Some(file) => hit.file(file),
            None => hit,
        });
    }
}

/// Programs by who makes them.
const WELL_KNOWN: [(&str, &[&str]); 11] = [
    ("git", &["git", "gh"]),
    // Managers of packages come together.
    ("node", &["node", "corepack", "npm", "npx", "yarn", "pnpm"]),
    ("python", &["python", "python3"]),
    ("pip", &["pip", "pip3"]),
    ("ssh", &["ssh", "scp", "sftp"]),
    ("sudo", &["sudo", "su"]),
    ("curl", &["curl", "wget"]),
    ("docker", &["docker"]),
    ("kube", &["kubectl"]),
    ("cloud", &["aws", "gcloud", "az"]),
    ("shell", &["sh", "bash", "zsh"]),
];

/// Who makes the well-known program of this name.
fn maker(command: &str) -> Option<&'static str> {
    WELL_KNOWN.iter().find(|(_, names)| names.contains(&command)).map(|(maker, _)| *maker)
}
