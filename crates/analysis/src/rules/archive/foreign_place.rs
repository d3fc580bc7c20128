//! A wheel puts files where they are not the package's own.

use sigma_core::{Category, DistributionKind, Reach, Severity};

use crate::report::Distribution;
use crate::rules::{Check, Hits, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "foreign-place",
    category: Category::InstallHook,
    capability: Some(sigma_core::Capability::FileWrite),
    severity: Severity::High,
    message: "Installation puts a file where the system or another package finds its own.",
    why: "A wheel's `.data` folder is unpacked below the environment's root without running any code. A file in `etc/cron.d` \
          or a script named `sudo` runs later, and not as part of the package.",
    false_positives: "Manual pages, completions, Jupyter's configuration and headers belong there and are left out; so is \
                      a command that the package's own name holds.",
    example: include_str!("foreign_place/hit.txtar"),
    check: Check::Distribution(check),
};

fn check(distribution: &Distribution<'_>, hits: &mut Hits<'_>) {
    if distribution.kind != DistributionKind::Wheel {
        return;
    }
    let own = distribution.package().map_or("", |package| package.name().as_str());
    for entry in &distribution.entries {
        let Some((folder, rest)) = entry.path.split_once('/') else { continue };
        if !folder.ends_with(".data") {
            continue;
        }
        let foreign = match rest.split_once('/') {
            Some(("scripts", command)) => {
                let command = command.strip_suffix(".exe").unwrap_or(command);
                COMMANDS.contains(&command) && !own.contains(command)
            }
            Some(("data", path)) => {
                let lower = path.to_ascii_lowercase();
                let code = [".py", ".pth", ".so", ".pyd"].iter().any(|end| lower.ends_with(end));
                (lower.contains("site-packages/") && code) || PLACES.iter().any(|place| lower.contains(place))
            }
            _ => false,
        };
        if foreign {
            let path = sigma_core::printable(&entry.path, 200);
            let hit = hits.hit(rest).file(path).reach(Reach::Install);
            hits.push(hit);
        }
    }
}

/// Commands of every system, which no package replaces for a good reason.
const COMMANDS: [&str; 22] = [
    "sh",
    "bash",
    "zsh",
    "sudo",
    "su",
    "ssh",
    "scp",
    "ls",
    "cat",
    "ps",
    "cp",
    "mv",
    "rm",
    "python",
    "python3",
    "pip",
    "pip3",
    "gpg",
    "passwd",
    "login",
    "systemctl",
    "powershell",
];

/// Places below a root from which programs are started by themselves.
const PLACES: [&str; 13] = [
    "etc/cron",
    "etc/profile",
    "etc/init.d/",
    "etc/systemd/",
    "systemd/user/",
    "etc/ld.so",
    "etc/sudoers",
    "etc/rc.local",
    ".bashrc",
    ".bash_profile",
    ".ssh/",
    "launchagents/",
    "profile_default/startup/",
];
