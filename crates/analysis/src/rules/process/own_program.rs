//! A program or script that lies in the package is started unasked.

use sigma_core::{Capability, Category, Severity};

use crate::facts::{Call, Constant, Effects, Taint, Value};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "own-program",
    category: Category::Process,
    capability: Some(Capability::Process),
    severity: Severity::Info,
    message: "Starts a program that lies in the package.",
    why: "A program beside the source is what no scanner of sources reads. Started while the package is imported or installed, out of sight, it needs nobody to use the package.",
    false_positives: "Tools ship programs and start them when somebody asks: that is INFO. Whoever asks for the version only looks whether it runs.",
    example: include_str!("own_program/hit.js"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    for call in source.calls(Effects::SPAWN).filter(|call| call.taint.any(Taint::OWN)) {
        let Some(first) = call.positional(0) else { continue };
        let program = first.items().first().unwrap_or(first);
        // What starts libraries and scripts of Windows without a look at them.
        let name = program.as_text().unwrap_or_default().trim_end_matches(".exe");
        if matches!(name, "rundll32" | "regsvr32" | "mshta" | "wscript" | "cscript") {
            let hit = hits.at(source.facts, call.place).severity(Severity::Medium).loaded(Severity::Critical);
            hits.push(hit.message("Has a program of Windows start what lies in the package."));
            continue;
        }
        // A shell that nobody sees is told to run a script of the package.
        let quiet = || ["detached", "windowsHide", "start_new_session"].iter().any(|option| hides(call, option));
        let script = |value: &Value<'_>| {
            let name = value.as_text().or(value.origin.as_deref()).unwrap_or_default();
            value.taint.any(Taint::OWN) && SCRIPTS.iter().any(|end| name.ends_with(end))
        };
        let mut words = call.arguments.iter().flat_map(|argument| argument.value.items());
        if matches!(name, "cmd" | "powershell" | "pwsh") && words.any(script) && quiet() {
            let hit = hits.at(source.facts, call.place).loaded(Severity::High);
            hits.push(hit.message("Runs a script of the package in a shell that nobody sees."));
            continue;
        }
        // A copy of the package's own file, made just before.
        let handed = call.arguments.iter().all(|argument| !argument.value.taint.any(Taint::OWN));
        let called = program.as_text().or(program.origin.as_deref()).unwrap_or_default();
        let drops = handed && program.as_text().is_none() && called.to_ascii_lowercase().ends_with(".exe");
        // A command line is told where to work; only a path by itself is what is started.
        if program.taint.any(Taint::JOINED) && !drops || program.as_text().is_some_and(|text| text.contains(' ')) {
            continue;
        }
        let path = program.as_text().is_some_and(|text| text.contains(['/', '\\']));
        let copied = path && handed || drops;
        let own = program.taint.any(Taint::OWN) && !call.path.ends_with(".fork") || copied;
        let words: Vec<&str> = call
            .arguments
            .iter()
            .flat_map(|argument| argument.value.items())
            .filter_map(|word| word.as_text())
            .collect();
        let asks = words.iter().any(|word| matches!(*word, "--version" | "-v" | "-V" | "--help"));
        if !own || asks {
            continue;
        }
        let name = program.as_text().or(program.origin.as_deref()).unwrap_or_default().to_ascii_lowercase();
        let windows = [".exe", ".bat", ".cmd", ".ps1", ".vbs", ".scr", ".com"].iter().any(|end| name.ends_with(end));
        let hidden = ["detached", "windowsHide", "start_new_session"].iter().any(|option| hides(call, option));
        let loaded = if copied || hidden || windows && words.is_empty() { Severity::High } else { Severity::Medium };
        // Nothing that is built needs to be started from a copy, out of a file of another kind.
        let installed = if copied { Severity::Critical } else { loaded };
        let hit = hits.at(source.facts, call.place);
        hits.push(hit.loaded(loaded).installed(installed));
    }
}

/// How scripts of Windows end.
const SCRIPTS: [&str; 4] = [".bat", ".cmd", ".ps1", ".vbs"];

fn hides(call: &Call<'_>, option: &str) -> bool {
    call.option(option).is_some_and(|value| matches!(value.constant, Constant::Bool(true)))
}
