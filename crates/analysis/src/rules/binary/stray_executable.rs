//! A Windows program lies in a package that has no reason to bring one.

use sigma_core::{Capability, Category, Confidence, DistributionKind, Reach, Severity};

use crate::report::Distribution;
use crate::rules::{Check, Hits, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "stray-executable",
    category: Category::Binary,
    capability: Some(Capability::NativeCode),
    severity: Severity::Medium,
    message: "A Windows program lies in a package that is not built for one platform.",
    why: "Native code of an honest package is built for a platform and says so in the file's name, or lies where a build \
          tool puts it. A program beside a few lines of script is what the script exists to start.",
    false_positives: "Launchers and helper programs are brought by many honest packages: MEDIUM. HIGH only where hardly any \
                      source stands beside it in a Python package for all platforms.",
    example: "demo/update.exe beside an `__init__.py` of ten lines",
    check: Check::Distribution(check),
};

/// Bytes of source beside which a program is the package.
const TINY: u64 = 16_000;

fn check(distribution: &Distribution<'_>, hits: &mut Hits<'_>) {
    let npm = distribution.kind == DistributionKind::NpmTarball;
    let name = distribution.filename.to_ascii_lowercase();
    let native = distribution.kind == DistributionKind::Wheel && !name.ends_with("-any.whl") && name.ends_with(".whl");
    if native || distribution.manifests.binding_gyp.is_some() {
        return;
    }
    for binary in distribution.binaries.iter().filter(|binary| binary.format == "pe") {
        let lower = binary.path.to_ascii_lowercase();
        let ends = |ends: &[&str]| ends.iter().any(|end| lower.ends_with(end));
        let placed = PLACES.iter().any(|place| lower.contains(place));
        // A module for Python or Node is no program; one for a platform lies in a folder of its own.
        let program = ends(&[".exe", ".scr", ".com", ".pif", ".cpl"]);
        if ends(&[".pyd", ".node"]) || (placed && (npm || !program)) {
            continue;
        }
        let alone = !npm && !placed && program && distribution.source_bytes() < TINY;
        let severity = if alone { Severity::High } else { Severity::Medium };
        let mut hit = hits.hit("pe").file(binary.path.clone()).severity(severity).confidence(Confidence::Medium);
        if distribution.is_test(&binary.path) {
            hit = hit.reach(Reach::Test);
        }
        hits.push(hit);
    }
}

/// Parts of paths under which build tools and vendors put programs for a platform.
const PLACES: [&str; 12] = [
    "prebuild",
    "build/release",
    "/bin/",
    "vendor",
    "win32",
    "win64",
    "windows",
    "x64",
    "x86",
    "amd64",
    "arm64",
    "/dist/",
];
