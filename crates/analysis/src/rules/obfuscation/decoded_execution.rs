//! What comes out of a decoder is run.

use sigma_core::{Capability, Category, Severity};

use crate::facts::{Effects, Taint, When};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "decoded-execution",
    category: Category::Obfuscation,
    capability: Some(Capability::DynamicCode),
    severity: Severity::High,
    message: "Runs code that was hidden by an encoding.",
    why: "Code that is decoded and run at once was encoded to hide it from readers and scanners.",
    false_positives: "Some tools decode a program that they pass to a child process: inside a function that is LOW. \
          Where text is run as code while the module loads, nothing but hiding explains it.",
    example: include_str!("decoded_execution/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    for call in source.calls(Effects::EVAL | Effects::DESERIALISE | Effects::SPAWN) {
        let code = call.effects.any(Effects::EVAL);
        let marshal = call.effects.any(Effects::DECODE) && call.taint.any(Taint::DECODED);
        if !(code && call.taint.any(Taint::DECODED)
            || marshal
            || call.effects.any(Effects::SPAWN) && call.taint.any(Taint::DECODED))
        {
            continue;
        }
        let hit = hits.at(source.facts, call.place);
        // Where the text was constant, nothing but hiding explains it.
        let severity = match (hit.when, code) {
            (When::Load, true) => Severity::Critical,
            (When::Load, false) => Severity::High,
            (When::Call, true) => Severity::High,
            (When::Call, false) => Severity::Low,
        };
        hits.push(hit.severity(severity));
    }
}
