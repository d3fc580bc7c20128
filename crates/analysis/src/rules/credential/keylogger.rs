//! Keystrokes are recorded and can be sent.

use sigma_core::{Capability, Category, Severity};

use crate::facts::{Effects, Taint, When, names_host};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "keylogger",
    category: Category::Credential,
    capability: Some(Capability::Credentials),
    severity: Severity::Low,
    message: "Records the keyboard of the whole desktop.",
    why: "What is typed is passwords; a library that listens to the whole keyboard and connects somewhere can send them.",
    false_positives: "Hotkey libraries listen without connecting: alone it is low.",
    example: include_str!("keylogger/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    let connects = source.does(Effects::NET);
    let collector = source.facts.mentions.iter().any(|mention| mention.taint.any(Taint::EXFIL_HOST | Taint::RAW_IP))
        || source.calls(Effects::NET).any(|call| call.path.starts_with("smtplib.") || call.path.ends_with("sendMail"));
    let tells = source.calls(Effects::NET).any(|call| {
        call.taint.any(Taint::WATCHED) || source.facts.when(call.place) == When::Load && names_host(&call.arguments)
    });
    for call in source.calls(Effects::WATCH).filter(|call| is_keyboard(&call.path)).take(3) {
        let hit = hits.at(source.facts, call.place);
        let (called, loaded) = match (collector, connects) {
            (true, _) => (Severity::Critical, Severity::Critical),
            // Nobody asks for it by an import, and the host that is told stands in the code.
            (false, true) if tells => (Severity::Medium, Severity::Critical),
            (false, true) => (Severity::Medium, Severity::High),
            (false, false) => (Severity::Low, Severity::Low),
        };
        let message = if connects || collector {
            "Records the keyboard of the whole desktop and connects to another host."
        } else {
            RULE.message
        };
        hits.push(hit.severity(called).loaded(loaded).message(message));
    }
}

fn is_keyboard(path: &str) -> bool {
    ["keyboard", "HookManager", "GetAsyncKeyState", "SetWindowsHook", "iohook", "uiohook", "key-listener"]
        .iter()
        .any(|name| path.contains(name))
}
