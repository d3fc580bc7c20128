//! What comes out of a decoder is run.

use sigma_core::{Capability, Category, Severity};

use crate::facts::{Argument, Call, Constant, Deeds, Effects, Taint, deeds_of_text, words_of};
use crate::rules::flow::Verdict;
use crate::rules::flow::download_execution::runs_text;
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "decoded-execution",
    category: Category::Obfuscation,
    capability: Some(Capability::DynamicCode),
    severity: Severity::High,
    message: "Runs code that was hidden by an encoding.",
    why: "Code that is decoded and run at once was encoded to hide it from readers and scanners.",
    false_positives: "Some tools decode a program that they pass to a child process: inside a function that is LOW. \
          Where text is run as code while the module loads, or stands encoded in the source itself, nothing but hiding \
          explains it.",
    example: include_str!("decoded_execution/hit.py"),
    check: Check::Source(check),
};

/// What is said of an object that stands encoded in the source.
const HIDDEN_OBJECT: &str = "Loads an object that was hidden by an encoding, which may run any code.";

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    for call in source.calls(Effects::EVAL | Effects::DESERIALISE | Effects::SPAWN | Effects::NATIVE) {
        let verdict = match rebuilds_command(call) {
            true => Some(([Severity::Critical; 3], HIDDEN_OBJECT)),
            false => verdict(call.effects, call.taint),
        };
        if let Some(([called, loaded, installed], message)) = verdict {
            // A text that stands in the source and is decoded only to be run: nothing but hiding explains it.
            let text = |argument: &Argument<'_>| {
                matches!(&argument.value.constant, Constant::Text(text) if text.len() >= 24)
                    || argument.value.taint.any(Taint::HIDDEN)
            };
            let hidden = call.effects.any(Effects::EVAL | Effects::DECODE)
                && call.arguments.iter().any(text)
                && call.taint.any(Taint::DECODED)
                && !is_confined(call);
            let called = if hidden || hides_command(call) { Severity::Critical } else { called };
            // A data file of the package that holds encoded code.
            let data = Taint::FILE | Taint::OWN | Taint::DECODED;
            let own = call.effects.any(Effects::EVAL) && call.taint.and(data) == data;
            let called = if own { called.max(Severity::High) } else { called };
            // `python -c text`: the text is code.
            let loaded = if runs_text(call) { Severity::Critical } else { loaded };
            let hit = hits.at(source.facts, call.place);
            hits.push(hit.severity(called).loaded(loaded).installed(installed).message(message));
        }
    }
}

/// What a flow means to this rule.
pub(in crate::rules) fn verdict(effects: Effects, taint: Taint) -> Option<Verdict> {
    let decoded = taint.any(Taint::DECODED);
    match () {
        _ if decoded && effects.any(Effects::EVAL) => {
            // Caches and task queues decode and run what they are given, when somebody gives it to them.
            Some(([Severity::Medium, Severity::Critical, Severity::Critical], RULE.message))
        }
        // A program that stands encoded in the source, and is started while the module loads.
        _ if taint.any(Taint::HIDDEN) && effects.any(Effects::SPAWN) => {
            Some(([Severity::Medium, Severity::Critical, Severity::Critical], RULE.message))
        }
        // An object that stands encoded in the source: loading it may run anything.
        _ if taint.any(Taint::HIDDEN) && decoded && effects.any(Effects::DESERIALISE) => {
            Some(([Severity::Medium, Severity::High, Severity::Critical], HIDDEN_OBJECT))
        }
        _ if decoded && (effects.any(Effects::SPAWN) || effects.any(Effects::DECODE)) => {
            Some(([Severity::Low, Severity::High, Severity::Critical], RULE.message))
        }
        // A library that stands encoded in the package, and is loaded from where it was written to.
        _ if decoded && effects.any(Effects::NATIVE) => Some((
            [Severity::Low, Severity::High, Severity::Critical],
            "Loads a native library that was hidden by an encoding.",
        )),
        _ => None,
    }
}

/// True for a command line that stands encoded in the source and fetches or runs something: nobody hides an honest one.
fn hides_command(call: &Call<'_>) -> bool {
    const HARM: Deeds = Deeds::FETCHES
        .with(Deeds::RUNS_DOWNLOAD)
        .with(Deeds::ENCODED)
        .with(Deeds::REMOTE_SHELL)
        .with(Deeds::DISARMS)
        .with(Deeds::PERSISTS)
        .with(Deeds::DESTROYS);
    let command = |argument: &Argument<'_>| {
        let text = argument.value.as_prefix().filter(|text| (8..=4096).contains(&text.len()) && text.contains(' '));
        argument.value.taint.any(Taint::DECODED) && text.is_some_and(|text| deeds_of_text(text).any(HARM))
    };
    // The same, cut into words only where it is started.
    let words = || {
        let decoded =
            call.positional(0).is_some_and(|first| first.taint.any(Taint::DECODED) && !first.items().is_empty());
        decoded && deeds_of_text(&words_of(&call.arguments[..1]).join(" ")).any(HARM)
    };
    call.effects.any(Effects::SPAWN) && (call.arguments.iter().take(2).any(command) || words())
}

/// True for an object that stands encoded in the source and is made by calling a command or an executor.
fn rebuilds_command(call: &Call<'_>) -> bool {
    const MAKERS: [&str; 8] = [
        "posix\nsystem",
        "nt\nsystem",
        "os\nsystem",
        "subprocess\n",
        "builtins\nexec",
        "builtins\neval",
        "__builtin__\nexec",
        "__builtin__\neval",
    ];
    let text = call.positional(0).and_then(|value| value.as_text()).filter(|text| text.len() <= 64 << 10);
    let hidden = call.effects.any(Effects::DESERIALISE) && call.taint.any(Taint::DECODED);
    hidden && text.is_some_and(|text| MAKERS.iter().any(|maker| text.contains(maker)))
}

/// True for `eval(text, {}, names)`: an expression that is worked out with nothing but the names it is given.
fn is_confined(call: &Call<'_>) -> bool {
    let globals = call.positional(1).map(|value| &value.constant);
    &*call.path == "eval" && matches!(globals, Some(Constant::Record(fields)) if fields.is_empty())
}
