//! A wheel brings a module that every start of Python runs.

use sigma_core::{Category, DistributionKind, Reach, Severity};

use crate::report::Distribution;
use crate::rules::identity::shadowed_module::library_path;
use crate::rules::{Check, Hits, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "startup-module",
    category: Category::InstallHook,
    capability: Some(sigma_core::Capability::InstallHook),
    severity: Severity::High,
    message: "Every start of Python runs this module, whether or not the package is used.",
    why: "The `site` module imports `sitecustomize` and `usercustomize` wherever it finds them. They are meant for whoever \
          runs a machine, not for packages.",
    false_positives: "Tracing tools keep a `sitecustomize` in a folder of their own and put it on the path for programs \
                      that they start; only one at the top of a distribution is reported.",
    example: include_str!("startup_module/hit@sitecustomize.py"),
    check: Check::Distribution(check),
};

fn check(distribution: &Distribution<'_>, hits: &mut Hits<'_>) {
    for entry in &distribution.entries {
        let path = match distribution.kind {
            DistributionKind::Wheel => library_path(&entry.path),
            DistributionKind::Sdist => {
                let inner = entry.path.split_once('/').map_or(entry.path.as_str(), |(_, inner)| inner);
                inner.strip_prefix("src/").unwrap_or(inner)
            }
            DistributionKind::NpmTarball => return,
        };
        let stem = path.split(['.', '/']).next().unwrap_or_default();
        let top = path.matches('/').count() == 0 || path.ends_with("customize/__init__.py");
        let code = [".py", ".pyc", ".so", ".pyd"].iter().any(|end| path.ends_with(end));
        if matches!(stem, "sitecustomize" | "usercustomize") && top && code {
            let hit = hits.hit(stem).file(sigma_core::printable(&entry.path, 200)).reach(Reach::Install);
            hits.push(hit);
        }
    }
}
