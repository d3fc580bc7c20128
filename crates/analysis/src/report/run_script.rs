//! Scripts of `package.json` that other scripts of it start: `npm run setup`, `yarn build`, `pnpm run x`, `node --run x`.
//!
//! In: the scripts of a manifest and the command of a hook. Out: the names of the scripts that it starts, with those that npm
//! runs before and after each. Nothing is run; rounds and names are bounded.

use std::collections::BTreeSet;

/// Scripts that one hook may lead to.
const MAX_SCRIPTS: usize = 50;

/// The names of the scripts that a command starts, directly or through others, in the order in which they are found.
/// `command_of` answers the command of a script.
pub(super) fn started<'s>(command: &'s str, command_of: impl Fn(&str) -> Option<&'s str>) -> Vec<String> {
    let (mut found, mut seen, mut queue) = (Vec::new(), BTreeSet::new(), vec![command]);
    while let Some(command) = queue.pop() {
        for name in named(command) {
            for name in [format!("pre{name}"), name.to_owned(), format!("post{name}")] {
                let Some(next) = command_of(&name).filter(|_| found.len() < MAX_SCRIPTS) else { continue };
                if seen.insert(name.clone()) {
                    found.push(name);
                    queue.push(next);
                }
            }
        }
    }
    found
}

/// The scripts that a command names itself.
fn named(command: &str) -> impl Iterator<Item = &str> {
    command.split(['&', '|', ';', '\n', '(', ')']).filter_map(|part| {
        let mut words = part.split_whitespace().map(|word| word.trim_matches(['"', '\'']));
        let runner = words.by_ref().find(|word| !word.contains('='))?;
        let runner = runner.rsplit(['/', '\\']).next().unwrap_or(runner).trim_end_matches(".cmd");
        match runner {
            "npm" | "pnpm" | "yarn" | "bun" => {
                let mut rest = words.filter(|word| !word.starts_with('-'));
                match rest.next()? {
                    "run" | "run-script" | "rum" | "urn" => rest.next(),
                    // What these are short for, and what yarn, pnpm and bun take for a script's name.
                    name @ ("start" | "test" | "stop" | "restart") => Some(name),
                    name if runner != "npm" => Some(name),
                    _ => None,
                }
            }
            "run-s" | "run-p" | "npm-run-all" => words.find(|word| !word.starts_with('-')),
            "node" => (words.next() == Some("--run")).then(|| words.next()).flatten(),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(command: &str, expect: &[&str]) {
        let scripts =
            [("setup", "node a.js && yarn more"), ("more", "node b.js"), ("presetup", "npm run setup"), ("start", "x")];
        let command_of = |name: &str| scripts.iter().find(|(known, _)| *known == name).map(|(_, command)| *command);
        assert_eq!(started(command, command_of), expect, "{command}");
    }

    #[test]
    fn scripts_are_followed_through_others() {
        check("npm run setup", &["presetup", "setup", "more"]);
        check("NODE_ENV=production npm --silent run-script more || exit 0", &["more"]);
        check("echo a; pnpm run more", &["more"]);
        check("node --run more", &["more"]);
        check("npm start", &["start"]);
        check("npm install more && node setup.js", &[]);
    }
}
