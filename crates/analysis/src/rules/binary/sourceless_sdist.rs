//! A source distribution holds compiled modules and not the source of any.

use sigma_core::{Capability, Category, DistributionKind, Severity};

use crate::report::Distribution;
use crate::rules::{Check, Hits, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "sourceless-sdist",
    category: Category::Binary,
    capability: Some(Capability::NativeCode),
    severity: Severity::High,
    message: "Is published as source, but all of its modules are compiled and their source is missing.",
    why: "A source distribution exists so that the code can be read and built. One that carries only compiled modules hides \
          all it does from readers and from every scanner of source.",
    false_positives: "Vendors publish wheels with compiled modules, which are made for that and not seen here; nor is an sdist \
                      that holds any source beside its setup.py.",
    example: "demo-1.0.0/demo/core.cpython-312-x86_64-linux-gnu.so",
    check: Check::Distribution(check),
};

/// Endings of compiled modules of Python.
const MODULES: [&str; 3] = [".so", ".pyd", ".dylib"];
/// Endings of source that a module may be made of.
const SOURCES: [&str; 13] =
    [".c", ".cc", ".cpp", ".cxx", ".h", ".hpp", ".rs", ".pyx", ".pxd", ".go", ".f90", ".f", ".zig"];
/// Bytes of a Python file that is no more than a shell around something else.
const SHELL: u64 = 200;

fn check(distribution: &Distribution<'_>, hits: &mut Hits<'_>) {
    if distribution.kind != DistributionKind::Sdist {
        return;
    }
    let ends = |path: &str, with: &[&str]| with.iter().any(|end| path.ends_with(end));
    let Some(module) = distribution.binaries.iter().find(|binary| ends(&binary.path, &MODULES)) else { return };
    let readable = distribution.entries.iter().any(|entry| {
        let code = entry.path.ends_with(".py") && !entry.path.ends_with("setup.py") && entry.size > SHELL;
        code || ends(&entry.path, &SOURCES)
    });
    if !readable {
        let hit = hits.hit(&module.format).file(module.path.clone());
        hits.push(hit);
    }
}
