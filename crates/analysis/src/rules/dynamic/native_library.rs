//! Native libraries are loaded.

use sigma_core::{Capability, Category, Severity};

use crate::facts::{Call, Effects, Taint};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "native-library",
    category: Category::DynamicCode,
    capability: Some(Capability::NativeCode),
    severity: Severity::Info,
    message: "Loads a native library, whose code is not analysed.",
    why: "What a native library does is not analysed; loading one ends what can be said from the source.",
    false_positives: "Bindings do nothing else, so it is INFO and raises no level on its own. One of the package's own that is deleted \
                      after it was loaded is MEDIUM, or HIGH while the package is loaded.",
    example: include_str!("native_library/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    for call in source.calls(Effects::NATIVE) {
        // Nobody is to find afterwards what was loaded.
        let removed = |other: &Call<'_>| other.taint.any(Taint::OWN) && other.place.function == call.place.function;
        if call.taint.any(Taint::OWN) && source.calls(Effects::DELETE).any(removed) {
            let hit = hits.at(source.facts, call.place).severity(Severity::Medium).loaded(Severity::High);
            hits.push(hit.message("Loads a native library of its own and deletes it afterwards."));
            continue;
        }
        hits.push_call(source.facts, call);
    }
}
