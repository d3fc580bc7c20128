//! Addresses that an encoding hides.

use sigma_core::{Capability, Category, Severity};

use crate::facts::{Effects, Signs};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "hidden-address",
    category: Category::Obfuscation,
    capability: Some(Capability::NetworkClient),
    severity: Severity::High,
    message: "Hides the address that it talks to in an encoding.",
    why: "An address is no secret to the program that uses it. It is encoded so that readers and scanners of the source do \
          not find the host.",
    false_positives: "Tests of decoders hold encoded addresses but send nothing there, and a file that neither connects nor \
                      makes a page load something stays at MEDIUM.",
    example: include_str!("hidden_address/hit.js"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    let Some(mention) = source.signs(Signs::HIDDEN_ADDRESS).next() else { return };
    let bytes = source.facts.source.as_bytes();
    // A page sends by loading: the address becomes the source of an image or a script.
    let loads = || memchr::memmem::find(bytes, b".src").is_some();
    let hit = hits.at(source.facts, mention.place);
    let severity =
        if source.does(Effects::NET | Effects::DOWNLOAD) || loads() { Severity::High } else { Severity::Medium };
    hits.push(hit.severity(severity));
}
