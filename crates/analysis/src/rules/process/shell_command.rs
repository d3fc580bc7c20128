//! A text is handed to a shell.

use sigma_core::{Capability, Category, Severity};

use crate::facts::{Call, Constant, Effects};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "shell-command",
    category: Category::Process,
    capability: Some(Capability::Shell),
    severity: Severity::Info,
    message: "Hands a command line to a shell.",
    why: "A command line that a shell reads may hide several commands and change with the data in it.",
    false_positives: "Scripts and build tools use it everywhere, so it is INFO and raises no level on its own.",
    example: include_str!("shell_command/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    hits.push_calls(source.facts, source.calls(Effects::SPAWN).filter(|call| goes_to_shell(call)));
}

/// True for a call that hands a text to a shell.
pub(super) fn goes_to_shell(call: &Call<'_>) -> bool {
    call.effects.any(Effects::SHELL) || is_shell(call)
}

/// True when the option `shell` is set, or the program that is started is a shell.
fn is_shell(call: &Call<'_>) -> bool {
    let option = call.option("shell").map(|value| &value.constant);
    let program = call.positional(0).map(|value| value.items().first().unwrap_or(value));
    let name = program.and_then(|value| value.as_text()).map(|path| path.rsplit(['/', '\\']).next().unwrap_or(path));
    matches!(option, Some(Constant::Bool(true) | Constant::Text(_)))
        || name.is_some_and(|name| SHELLS.contains(&name.trim_end_matches(".exe")))
}

const SHELLS: [&str; 8] = ["sh", "bash", "zsh", "dash", "cmd", "powershell", "pwsh", "wscript"];
