//! Packages are installed by code.

use sigma_core::{Capability, Category, Severity};

use crate::facts::{Deeds, Effects, When};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "silent-install",
    category: Category::Process,
    capability: Some(Capability::Process),
    severity: Severity::Medium,
    message: "Installs further packages when the module is loaded.",
    why: "What is installed by code is in no manifest and no lockfile: nobody resolved, pinned or checked it.",
    false_positives: "Environments and notebooks install packages when a user asks for it: in a function it is LOW. \
                      A setup.py declares what it needs instead of installing it: HIGH.",
    example: include_str!("silent_install/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    let deeds = source.deeds(Deeds::INSTALLS).map(|deed| (deed.place, deed.what.any(Deeds::INSTALLS_ELSEWHERE)));
    let pip = source.calls(Effects::SPAWN).filter(|call| call.path.starts_with("pip.") && call.path.ends_with("main"));
    let places: Vec<_> = deeds.chain(pip.map(|call| (call.place, false))).collect();
    for (place, elsewhere) in places {
        let hit = hits.at(source.facts, place);
        let (called, loaded) = match elsewhere {
            true if source.is_script() => (Severity::Low, Severity::Low),
            true => (Severity::Medium, Severity::High),
            false => (Severity::Low, Severity::Medium),
        };
        let message = match (elsewhere, hit.when) {
            (true, _) => "Installs a package from an address instead of the ecosystem.",
            (false, When::Load) => RULE.message,
            (false, When::Call) => "Installs further packages.",
        };
        let loaded = if elsewhere && !source.is_script() { Severity::Critical } else { loaded };
        let installed = if source.setup && loaded < Severity::High { Severity::High } else { loaded };
        hits.push(hit.severity(called).loaded(loaded).installed(installed).message(message));
    }
}
