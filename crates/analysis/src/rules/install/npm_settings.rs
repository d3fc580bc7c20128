//! Settings of npm in the package name a program that npm starts.

use sigma_core::{Category, Reach, Severity};

use crate::report::Distribution;
use crate::rules::{Check, Hits, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "npm-settings",
    category: Category::InstallHook,
    capability: None,
    severity: Severity::Medium,
    message: "The .npmrc of the package says which program npm starts.",
    why: "npm reads the settings of a package that it prepares from a repository, as it does for dependencies from git, before \
          anything is built: a program that stands in for git or the shell runs although scripts are turned off.",
    false_positives: "Projects choose a shell by its name for their own scripts: MEDIUM. A file of the package in the place of \
                      git, of the shell or of an option of Node.js is CRITICAL.",
    example: "git=./tools/git.sh\n",
    check: Check::Distribution(check),
};

fn check(distribution: &Distribution<'_>, hits: &mut Hits<'_>) {
    for setting in &distribution.manifests.npm_settings {
        if !STARTED.contains(&setting.name.as_str()) {
            continue;
        }
        let value = setting.command.trim_matches(['"', '\'']);
        // `--require ./x.js` of Node.js, or a path below the folder that npm works in.
        let mut words = value.split([' ', '=']);
        let own = words.any(|word| word.starts_with("./") || word.starts_with("../") || word.starts_with("${"));
        let options = setting.name == "node-options";
        if options && !own {
            continue;
        }
        let severity = if own { Severity::Critical } else { Severity::Medium };
        let hit = hits.hit(&format!("{}={value}", setting.name)).file(setting.file.clone()).line(setting.line);
        hits.push(hit.severity(severity).reach(Reach::Install));
    }
}

/// Settings that name what npm starts.
const STARTED: [&str; 7] = ["editor", "git", "node-options", "onload-script", "script-shell", "shell", "viewer"];
