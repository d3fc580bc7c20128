//! Code looks whether it runs in a sandbox.

use sigma_core::{Category, Severity};

use crate::facts::{Deeds, Effects, Signs, Taint};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "sandbox-check",
    category: Category::Obfuscation,
    capability: None,
    severity: Severity::Low,
    message: "Looks for the names of virtual machines or of tools that analysts use.",
    why: "Code that looks whether it is watched shows something else when it is.",
    false_positives: "Tools that describe a system name virtual machines: alone it is a look at most.",
    example: include_str!("sandbox_check/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    // Profilers and test runners ask Python for its trace function; nobody but debuggers asks Windows for one.
    let debuggers =
        || source.calls(Effects::DEBUGGER).map(|call| if call.effects.any(Effects::NATIVE) { 2 } else { 1 });
    let (machines, named) = (source.different(Signs::SANDBOX), source.different(Signs::ANALYST));
    let tools = named + debuggers().max().unwrap_or_default();
    if machines + tools < 2 {
        return;
    }
    let acts = source.does(Effects::SPAWN | Effects::NET | Effects::EVAL | Effects::NATIVE);
    let grave = source.facts.mentions.iter().any(|mention| mention.taint.any(Taint::EXFIL_HOST))
        || source.count(&[Signs::BROWSER, Signs::MESSENGER, Signs::WALLET]) > 0
        || source.deeds(Deeds::RUNS_DOWNLOAD | Deeds::ENCODED | Deeds::DISARMS).next().is_some();
    let severity = match (grave, acts && machines + tools >= 4) {
        (true, _) => Severity::High,
        (false, true) => Severity::Medium,
        (false, false) => Severity::Low,
    };
    for mention in source.signs(Signs::SANDBOX | Signs::ANALYST).take(3) {
        let hit = hits.at(source.facts, mention.place).severity(severity);
        hits.push(hit.message(format!("Looks for what tells that it is watched: {}.", mention.what)));
    }
    for call in source.calls(Effects::DEBUGGER).take(1) {
        let hit = hits.at(source.facts, call.place).severity(severity);
        hits.push(hit.message("Looks whether a debugger watches."));
    }
}
