//! A project of one package.

use sigma_core::{Declared, DependencyKind, Ecosystem, Location, Manifest, ManifestSource, PackageId};

/// A project that declares just this package, at a place that reasons name.
pub fn manifest_of(package: &PackageId, at: &str) -> Manifest {
    let exact = match package.ecosystem() {
        Ecosystem::Pypi => format!("=={}", package.version()),
        Ecosystem::Npm => package.version().to_owned(),
    };
    Manifest {
        ecosystem: package.ecosystem(),
        path: at.to_owned(),
        files: vec![at.to_owned()],
        declared: vec![Declared {
            name: package.name().clone(),
            spec: exact,
            kind: DependencyKind::Runtime,
            extras: Vec::new(),
            marker: None,
            alias: None,
            pinned: Vec::new(),
            at: Location { file: at.to_owned(), line: 1 },
        }],
        refused: Vec::new(),
        problems: Vec::new(),
        source: ManifestSource::Ranges { constraints: Vec::new(), overrides: None, pre_releases: false },
    }
}
