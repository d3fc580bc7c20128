//! Native and compiled files are contained.

use sigma_core::{Capability, Category, Severity};

use crate::report::Distribution;
use crate::rules::{Check, Hits, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "native-code",
    category: Category::Binary,
    capability: Some(Capability::NativeCode),
    severity: Severity::Info,
    message: "Contains native or compiled code, which is not analysed.",
    why: "Compiled code is flagged and not decompiled, so whoever trusts the package should know that this part was \
          not read.",
    false_positives: "Every package with an extension module has it, so it is INFO: it names the gap and raises no \
          level on its own.",
    example: "demo/_speedups.cpython-312-x86_64-linux-gnu.so",
    check: Check::Distribution(check),
};

fn check(distribution: &Distribution<'_>, hits: &mut Hits<'_>) {
    for binary in &distribution.binaries {
        let hit = hits.hit(&binary.format).file(binary.path.clone());
        hits.push(hit);
    }
}
