//! A native program hides what it holds.

use sigma_core::{Capability, Category, DistributionKind, Severity};

use crate::report::Distribution;
use crate::report::binary::Shape;
use crate::rules::{Check, Hits, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "packed-binary",
    category: Category::Binary,
    capability: Some(Capability::NativeCode),
    severity: Severity::Medium,
    message: "A native program is packed: what it does appears only when it runs.",
    why: "Packing keeps others from reading a program. A script that was made a program of does not need to be in a package \
          of scripts, unless it should not be read.",
    false_positives: "Vendors pack large helpers with UPX to save space, and npm packages wrap programs: MEDIUM. HIGH is kept \
                      for a bundled script in a Python package, and for what packers for malware leave.",
    example: "UPX0, UPX1 as the names of a program's sections",
    check: Check::Distribution(check),
};

fn check(distribution: &Distribution<'_>, hits: &mut Hits<'_>) {
    let python = distribution.kind != DistributionKind::NpmTarball;
    for binary in &distribution.binaries {
        let (severity, evidence, message) = match binary.shape {
            None => continue,
            Some(Shape::Packed(tool)) => {
                let severity = if tool == "ConfuserEx" { Severity::High } else { Severity::Medium };
                (
                    severity,
                    tool.to_owned(),
                    format!("A native program is packed with {tool}: it cannot be read at rest."),
                )
            }
            Some(Shape::Bundle(tool)) => {
                let severity = if python { Severity::High } else { Severity::Medium };
                (severity, tool.to_owned(), format!("A native program holds a script that {tool} made a program of."))
            }
            Some(Shape::Overlay(bytes)) => {
                let message = "A native program is followed by bytes that look encrypted.".to_owned();
                (Severity::Medium, format!("{bytes} bytes"), message)
            }
        };
        let mut hit = hits.hit(&evidence).file(binary.path.clone()).severity(severity).message(message);
        if distribution.is_test(&binary.path) {
            hit = hit.reach(sigma_core::Reach::Test);
        }
        hits.push(hit);
    }
}
