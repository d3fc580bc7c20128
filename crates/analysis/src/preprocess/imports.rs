//! What code imports and no manifest declares, and the other way round.
//!
//! Python modules and packages are two sets of names. A package's modules are known from `modules.txt`, or bear its own name;
//! what cannot be told is not claimed.

use std::collections::BTreeSet;

use sigma_core::{CodeLanguage, DependencyKind, DistributionReport, Ecosystem, Manifest, SourceTree};

const PYTHON: &str = include_str!("python.txt");
const NODE: &str = include_str!("node.txt");
const MODULES: &str = include_str!("modules.txt");

/// Modules that nothing declares, and packages that nothing imports; both sorted.
pub(super) fn compare(
    language: CodeLanguage,
    report: &DistributionReport,
    tree: &SourceTree,
    manifests: &[Manifest],
) -> (BTreeSet<String>, BTreeSet<String>) {
    let ecosystem = match language {
        CodeLanguage::Python => Ecosystem::Pypi,
        CodeLanguage::Node => Ecosystem::Npm,
    };
    let declared: Vec<(&str, DependencyKind)> = manifests
        .iter()
        .filter(|manifest| manifest.ecosystem == ecosystem)
        .flat_map(|manifest| &manifest.declared)
        .map(|one| (one.alias.as_deref().unwrap_or(one.name.as_str()), one.kind))
        .collect();
    let imported: BTreeSet<String> = report.imports.iter().filter_map(|name| outside(language, name, tree)).collect();
    let provides = |package: &str, module: &str| match language {
        CodeLanguage::Python => python_modules(package).iter().any(|one| one.eq_ignore_ascii_case(module)),
        CodeLanguage::Node => package == module || package.strip_prefix("@types/") == Some(module),
    };
    let undeclared = imported
        .iter()
        .filter(|module| !declared.iter().any(|(package, _)| provides(package, module)))
        .cloned()
        .collect();
    let unused = declared
        .iter()
        .filter(|(package, kind)| *kind == DependencyKind::Runtime && !package.starts_with("@types/"))
        .filter(|(package, _)| !imported.iter().any(|module| provides(package, module)))
        .map(|(package, _)| (*package).to_owned())
        .collect();
    (undeclared, unused)
}

/// The name of somebody else's module or package; nothing for the language's own and the submission's.
fn outside(language: CodeLanguage, import: &str, tree: &SourceTree) -> Option<String> {
    match language {
        CodeLanguage::Python => {
            let top = import.split('.').next().filter(|top| !top.is_empty())?;
            let own = tree
                .files
                .iter()
                .any(|file| file.path.split('/').any(|part| part == top || part.strip_suffix(".py") == Some(top)));
            (!own && !PYTHON.lines().any(|name| name == top)).then(|| top.to_owned())
        }
        CodeLanguage::Node => {
            let local = import.starts_with(['.', '/', '#']) || import.contains(':');
            let mut parts = import.split('/');
            let first = parts.next().filter(|first| !first.is_empty())?;
            let name = match first.starts_with('@') {
                true => format!("{first}/{}", parts.next()?),
                false => first.to_owned(),
            };
            (!local && !NODE.lines().any(|builtin| builtin == name)).then_some(name)
        }
    }
}

/// The top-level modules that a package is known or expected to bring.
fn python_modules(package: &str) -> Vec<String> {
    let listed = MODULES.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let (name, modules) = line.split_once(' ')?;
        (name == package).then(|| modules.split(' ').map(str::to_owned).collect())
    });
    listed.unwrap_or_else(|| {
        let plain = package.replace(['-', '.'], "_");
        let mut names = vec![plain.clone()];
        // Namespace packages and the customary affixes: `azure-core` brings `azure`, `python-foo` often `foo`.
        names.extend(plain.split('_').next().map(str::to_owned));
        names.extend(plain.strip_prefix("python_").or_else(|| plain.strip_prefix("py")).map(str::to_owned));
        names.extend(plain.strip_suffix("_python").or_else(|| plain.strip_suffix("_py")).map(str::to_owned));
        names
    })
}
