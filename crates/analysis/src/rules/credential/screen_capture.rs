//! The screen, the camera or the microphone is recorded and can be sent.

use sigma_core::{Capability, Category, Severity};

use crate::facts::{Effects, Signs, Taint};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "screen-capture",
    category: Category::Credential,
    capability: Some(Capability::Credentials),
    severity: Severity::Info,
    message: "Records the screen, the camera or the microphone.",
    why: "Pictures of the screen show what no file holds; stealers send one with the rest.",
    false_positives: "Automation and video libraries record without sending: alone it is information.",
    example: include_str!("screen_capture/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    let collector = source.facts.mentions.iter().any(|mention| mention.taint.any(Taint::EXFIL_HOST | Taint::RAW_IP))
        || source.facts.signs.any(Signs::WEBHOOK);
    let connects = source.does(Effects::NET);
    for call in source.calls(Effects::WATCH).filter(|call| is_recording(&call.path)).take(3) {
        let hit = hits.at(source.facts, call.place);
        let (called, loaded) = match (collector, connects) {
            (true, true) => (Severity::High, Severity::Critical),
            (false, true) => (Severity::Info, Severity::Medium),
            (_, false) => (Severity::Info, Severity::Info),
        };
        let message = if loaded > Severity::Info {
            "Records the screen, the camera or the microphone and can send it."
        } else {
            RULE.message
        };
        hits.push(hit.severity(called).loaded(loaded).message(message));
    }
}

fn is_recording(path: &str) -> bool {
    ["Grab", "grab", "screenshot", "mss.", "VideoCapture", "sounddevice", "pyaudio", "webcam"]
        .iter()
        .any(|name| path.contains(name))
}
