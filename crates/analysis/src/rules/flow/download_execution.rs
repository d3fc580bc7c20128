//! What came over the network is run.

use sigma_core::{Capability, Category, Severity};

use super::Verdict;
use crate::facts::{Call, Constant, Effects, Taint, Value, starts_script, words_of};
use crate::rules::{Check, Hits, Rule, Source, release};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "download-execution",
    category: Category::DynamicCode,
    capability: Some(Capability::DynamicCode),
    severity: Severity::High,
    message: "Runs what it downloaded.",
    why: "Code that is fetched while the program runs was never in the package, so nobody has reviewed it and it may \
          be another for every victim.",
    false_positives: "Installers of browsers and compilers download programs and start them on request: inside a \
          function that is LOW or MEDIUM. At installation or import it is more.",
    example: include_str!("download_execution/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    for call in source.calls(Effects::EVAL | Effects::SPAWN | Effects::NATIVE | Effects::DESERIALISE | Effects::IMPORT)
    {
        let piped = call.effects.any(Effects::SPAWN)
            && call.arguments.iter().any(|argument| {
                std::iter::once(&argument.value)
                    .chain(argument.value.items())
                    .filter_map(|v| v.as_prefix())
                    .any(is_download)
            });
        let flow = verdict(call.effects, call.taint).map(|(severity, _)| severity).or_else(|| rebuilt(call));
        // `node -e text`, `python -c text`: the text is code.
        let code = call.effects.any(Effects::SPAWN) && call.taint.any(Taint::REMOTE) && runs_text(call);
        let flow = flow.map(|flow| if code { [Severity::High, Severity::Critical, Severity::Critical] } else { flow });
        let mut severity = match (flow, piped) {
            (Some(flow), _) if !piped || call.taint.any(Taint::ADDRESS) => flow,
            (_, true) => [Severity::Medium, Severity::Critical, Severity::Critical],
            (_, false) => continue,
        };
        // A program of its own release page, or of the package index, is what installers of native tools fetch.
        let script = call.taint.any(Taint::DOWNLOADED) && starts_script(&words_of(&call.arguments));
        let program = !piped && !script && !call.effects.any(Effects::EVAL) && !call.taint.any(Taint::ADDRESS);
        if program && (release::all_released(source.facts) || is_asked_for_its_version(source, call)) {
            severity = [Severity::Info, Severity::Medium, Severity::Medium];
        }
        // A text of the index or of a forge is run by whoever sets an environment up.
        let text = call.effects.any(Effects::EVAL) && !call.taint.any(Taint::ADDRESS);
        if text && severity[0] == Severity::Critical && release::all_released(source.facts) {
            severity[0] = Severity::High;
        }
        // A script of an archive or a repository that an address of the author's choice answers.
        if script && call.taint.any(Taint::NAMED_HOST) && severity[0] < Severity::Critical {
            severity = [Severity::Medium, Severity::Critical, Severity::Critical];
        }
        let [called, loaded, installed] = severity;
        let hit = hits.at(source.facts, call.place);
        hits.push(hit.severity(called).loaded(loaded).installed(installed));
    }
    check_steps(source, hits);
}

/// An object that is rebuilt from what a host answers, in a format that can run code. Loaders of YAML are mostly told not to.
fn rebuilt(call: &Call<'_>) -> Option<[Severity; 3]> {
    let remote = call.effects.any(Effects::DESERIALISE) && call.taint.any(Taint::REMOTE);
    let told = |argument: &crate::facts::Argument<'_>| {
        argument.value.path.as_deref().is_some_and(|path| path.contains("UnsafeLoader"))
    };
    let runs = !call.path.contains("yaml") || call.path.contains("unsafe") || call.arguments.iter().any(told);
    (remote && runs).then(|| match () {
        () if call.taint.any(Taint::ADDRESS) => [Severity::High, Severity::Critical, Severity::Critical],
        () if call.taint.any(Taint::NAMED_HOST) => [Severity::Low, Severity::High, Severity::Critical],
        () => [Severity::Info, Severity::Medium, Severity::High],
    })
}

/// A file that fetches something, makes files executable and starts what it is given may hand the file from step to step
/// in objects, where it is not followed. When somebody calls it, it is a tool; nobody asks for it by an import.
fn check_steps(source: &Source<'_>, hits: &mut Hits<'_>) {
    let steps = source.does(Effects::NET) && source.calls(Effects::CHMOD).any(makes_executable);
    // In a bundle the steps belong to strangers.
    if !steps || source.facts.source.len() > SMALL || release::all_released(source.facts) {
        return;
    }
    let anywhere = source.calls(Effects::NET).any(|call| call.taint.any(Taint::ADDRESS));
    for call in source.calls(Effects::SPAWN) {
        let program = call.positional(0).map(|first| first.items().first().unwrap_or(first));
        if program.is_some_and(Value::is_unknown) {
            let hit = hits.at(source.facts, call.place).severity(Severity::Info);
            let message = "Fetches something, makes a file executable and starts one, step by step.";
            let loaded = if anywhere { Severity::Critical } else { Severity::High };
            hits.push(hit.loaded(loaded).installed(Severity::Critical).message(message));
        }
    }
}

/// Bytes of a source in which what is fetched and what is started belong together.
const SMALL: usize = 256 << 10;

/// True for a mode with which a file can be started.
fn makes_executable(call: &Call<'_>) -> bool {
    let Some(mode) = call.positional(1) else { return false };
    let named =
        mode.path.as_deref().is_some_and(|path| ["S_IRWXU", "S_IXUSR", "S_IEXEC"].iter().any(|n| path.ends_with(n)));
    let text = mode.as_text().is_some_and(|text| text.contains(['7', '5', 'x']));
    named || text || matches!(mode.constant, Constant::Number(mode) if mode & 0o111 != 0)
}

/// True for a program that is only asked which version it is, in a file whose addresses all belong to places where
/// programs are published: an installer that makes sure of what it fetched.
fn is_asked_for_its_version(source: &Source<'_>, call: &Call<'_>) -> bool {
    let version = |value: &Value<'_>| matches!(value.as_text(), Some("--version" | "-v" | "-V" | "version"));
    let asked = match call.positional(1).map_or(&[][..], Value::items) {
        [word] => version(word),
        _ => matches!(call.positional(0).map_or(&[][..], Value::items), [_, word] if version(word)),
    };
    asked && crate::report::hosts(source.facts).is_empty() && release::names_only_released(source.facts)
}

/// What a flow means to this rule.
pub(in crate::rules) fn verdict(effects: Effects, taint: Taint) -> Option<Verdict> {
    let code = effects.any(Effects::EVAL) && taint.any(Taint::REMOTE);
    let command = effects.any(Effects::SPAWN) && taint.any(Taint::REMOTE);
    let loads = Effects::EVAL | Effects::SPAWN | Effects::NATIVE | Effects::DESERIALISE | Effects::IMPORT;
    let runs = effects.any(loads);
    if !(code || command || runs && taint.any(Taint::DOWNLOADED)) {
        return None;
    }
    let severity = match () {
        _ if taint.any(Taint::ADDRESS) => [Severity::Critical; 3],
        // An address that is hidden by an encoding.
        _ if taint.any(Taint::DECODED) && taint.any(Taint::DOWNLOADED) => {
            [Severity::High, Severity::Critical, Severity::Critical]
        }
        // Who runs the text that an address of the author's choice answers lets the author run anything, whenever it is.
        _ if code && taint.any(Taint::NAMED_HOST) => [Severity::Critical; 3],
        // An address that an encoding hides, or an answer that one does: nothing but hiding explains either.
        _ if code && taint.any(Taint::NAMED) && taint.any(Taint::DECODED) => [Severity::Critical; 3],
        // An address that only the caller names is no news to the caller.
        _ if code && !taint.any(Taint::NAMED | Taint::DOWNLOADED) => {
            [Severity::Medium, Severity::Critical, Severity::Critical]
        }
        _ if code => [Severity::High, Severity::Critical, Severity::Critical],
        // The whole command comes from elsewhere.
        _ if command && !taint.any(Taint::JOINED | Taint::DOWNLOADED) => {
            [Severity::Medium, Severity::Critical, Severity::Critical]
        }
        _ if command && !taint.any(Taint::DOWNLOADED) => [Severity::Medium, Severity::High, Severity::Critical],
        // Nobody asks for a program by an import.
        _ => [Severity::Low, Severity::Critical, Severity::Critical],
    };
    Some((severity, RULE.message))
}

/// True for a call that hands a runtime a text to run: `spawn("node", ["-e", text])`.
pub(in crate::rules) fn runs_text(call: &Call<'_>) -> bool {
    const FLAGS: [&str; 7] = ["-e", "-c", "--eval", "-Command", "-command", "-enc", "-EncodedCommand"];
    let words = call.arguments.iter().flat_map(|argument| argument.value.items());
    let begins = call.positional(0).and_then(|line| line.as_prefix()).unwrap_or_default();
    let last = begins.trim_end_matches(['"', '\'', ' ']).rsplit(' ').next().unwrap_or_default();
    words.filter_map(|word| word.as_text()).any(|word| FLAGS.contains(&word))
        || last.len() < begins.len() && FLAGS.contains(&last)
}

/// True for a command line that fetches something and runs it.
pub(in crate::rules) fn is_download(command: &str) -> bool {
    let any = |words: &[&str]| words.iter().any(|word| command.contains(word));
    let lower = command.to_ascii_lowercase();
    let fetches = any(&["curl ", "wget ", "Invoke-WebRequest", "iwr "]) || lower.contains("downloadstring");
    let pipe = command.split('|').skip(1).any(|part| {
        let program =
            part.split_whitespace().find(|word| !word.starts_with('-') && *word != "sudo").unwrap_or_default();
        let program = program.rsplit('/').next().unwrap_or(program);
        matches!(program, "sh" | "bash" | "zsh" | "node" | "iex")
            || program.starts_with("python")
            || program.starts_with("perl")
    });
    let hidden = lower.contains("powershell") && (lower.contains("-enc") || lower.contains("iex"));
    let substituted = any(&["sh -c \"$(curl", "bash <(curl", "sh -c \"$(wget", "eval \"$(curl", "bash -c \"$(curl"]);
    (fetches && pipe) || substituted || (fetches && hidden) || (hidden && lower.contains("-enc"))
}
