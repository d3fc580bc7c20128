//! A package that passes for another does something serious.

use sigma_core::{Category, Ecosystem, Severity};

use crate::names::is_slip;
use crate::report::{Distribution, own_modules};
use crate::rules::{Check, Hits, RULES, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "impostor",
    category: Category::Identity,
    capability: None,
    severity: Severity::Critical,
    message: "The package passes for another one, and does something serious.",
    why: "A copy of a well-known package under a name that is a slip away works as its users expect, and does one thing more. Each \
          half has innocent explanations: the name because good names are short, the deed because some product needs it. Both \
          together are how such packages are made.",
    false_positives: "Only a name that differs by a slip of a finger counts, from a well-known one or from that of the module \
                      that the package itself installs, and only what asks for CAUTION on its own, outside of tests.",
    example: include_str!("impostor/hit.txtar"),
    check: Check::Distribution(check),
};

fn check(distribution: &Distribution<'_>, hits: &mut Hits<'_>) {
    let Some((passes_for, how)) = passes_for(distribution) else { return };
    let files = distribution.files.iter();
    let serious = files.flat_map(|file| file.serious().map(move |(hit, severity, reach)| (file, hit, severity, reach)));
    let serious = serious.filter(|(_, hit, ..)| RULES[hit.rule].category != Category::Identity);
    let strongest = serious.max_by_key(|(_, _, severity, reach)| (*severity, *reach));
    let Some((file, hit, _, reach)) = strongest else { return };
    let message = format!(
        "The package's name differs from {passes_for} in {how}, and it does what {} tells.",
        RULES[hit.rule].id
    );
    hits.push(hits.hit(&hit.evidence).file(file.path.clone()).reach(reach).message(message));
}

/// The name that the package's own could be taken for, and how they differ.
fn passes_for<'a>(distribution: &'a Distribution<'_>) -> Option<(&'a str, &'static str)> {
    let package = distribution.package()?;
    if let Some(known) = distribution.lookalike().filter(|lookalike| lookalike.close) {
        return Some((known.known, known.how));
    }
    // A distribution of Python is mostly named as the module that it installs.
    let modules = (package.ecosystem() == Ecosystem::Pypi).then(|| own_modules(&distribution.files))?;
    let name = package.name().as_str();
    let plain = |module: &str| module.to_ascii_lowercase().replace('_', "-");
    if modules.iter().any(|module| plain(module) == name) {
        return None;
    }
    modules
        .into_iter()
        .filter(|module| is_slip(name, &plain(module)))
        .min()
        .map(|module| (module, "a slip of a finger"))
}
