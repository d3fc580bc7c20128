//! A program is fetched from a place where anybody can put one.

use sigma_core::{Capability, Category, Severity};

use crate::facts::{Call, Effects, Signs, Taint};
use crate::rules::release::all_released;
use crate::rules::{Check, Hits, Rule, Source, signs_of};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "payload-download",
    category: Category::Network,
    capability: Some(Capability::NetworkClient),
    severity: Severity::Low,
    message: "Fetches a file from a place where anybody can put one.",
    why: "Droppers fetch their payload from paste sites, chat attachments and file hosts, because those are never blocked.",
    false_positives: "Many packages read data from code hosts; only programs, and files that are fetched by code that also starts processes or runs texts, matter more.",
    example: include_str!("payload_download/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    let starts = source.does(Effects::SPAWN | Effects::EVAL | Effects::NATIVE)
        && source.does(Effects::WRITE | Effects::OPEN | Effects::DOWNLOAD);
    let open = Signs::FILE_HOST | Signs::PASTE | Signs::DROP | Signs::SHORTENER;
    for call in source.calls(Effects::NET) {
        let program = program(call);
        // Whoever is on the way of a plain connection chooses the program, and no vendor asks for that any more.
        let plain = program.is_some_and(|url| url.to_ascii_lowercase().starts_with("http://"));
        let anybody = signs_of(call).any(open) || call.taint.any(Taint::ADDRESS);
        let program = program.is_some();
        let (called, loaded, installed) = match (program, starts) {
            (true, true) if anybody => (Severity::High, Severity::Critical, Severity::Critical),
            (true, true) if plain => (Severity::High, Severity::High, Severity::Critical),
            (true, true) if all_released(source.facts) => (Severity::Low, Severity::Medium, Severity::Medium),
            (true, true) => (Severity::Medium, Severity::High, Severity::Critical),
            (true, false) => (Severity::Low, Severity::Medium, Severity::High),
            (false, true) if anybody => (Severity::Low, Severity::Medium, Severity::Medium),
            (false, _) => continue,
        };
        let hit = hits.at(source.facts, call.place).severity(called).loaded(loaded).installed(installed);
        hits.push(hit.message(if program { "Fetches a program and can start it." } else { RULE.message }));
    }
}

/// The URL of a program that a call names.
fn program<'a>(call: &'a Call<'_>) -> Option<&'a str> {
    let values = call.arguments.iter().flat_map(|a| std::iter::once(&a.value).chain(a.value.items()));
    let mut urls = values.filter_map(|value| value.as_text()).filter(|text| text.contains("://"));
    urls.find(|url| {
        let path = url.split(['?', '#']).next().unwrap_or(url).to_ascii_lowercase();
        [".exe", ".ps1", ".bat", ".vbs", ".hta", ".scr", ".cmd", ".msi"].iter().any(|end| path.ends_with(end))
    })
}
