//! Installed environments: where they are, what is in them, and how that compares.

use std::fs;
use std::path::{Path, PathBuf};

use sigma_core::printable;

use crate::compare::Lists;
use crate::node::Node;
use crate::prove::{Proven, Prover};
use crate::python::Python;
use crate::report::{Section, SectionKind};
use crate::wanted::Wanted;

/// Folders beside each other that are looked at for environments.
const MAX_BESIDE: usize = 2000;

/// One environment: `site-packages` or `node_modules`.
#[derive(Debug)]
pub struct Environment {
    inner: Inner,
}

#[derive(Debug)]
enum Inner {
    Python(Python),
    Node(Node),
}

impl Environment {
    /// What it is.
    pub fn kind(&self) -> SectionKind {
        match self.inner {
            Inner::Python(_) => SectionKind::PythonEnvironment,
            Inner::Node(_) => SectionKind::NodeEnvironment,
        }
    }

    /// Its packages, as it says itself.
    pub fn packages(&self) -> Vec<&Wanted> {
        match &self.inner {
            Inner::Python(python) => python.packages.iter().map(|one| &one.wanted).collect(),
            Inner::Node(node) => node.packages.iter().map(|one| &one.wanted).collect(),
        }
    }

    /// Compares every file. `proven` are the certificates for each of [`Self::packages`], in their order.
    pub fn compare(&self, prover: &Prover, proven: &[Vec<Proven>], lists: &Lists) -> Section {
        match &self.inner {
            Inner::Python(python) => python.compare(prover, proven, lists),
            Inner::Node(node) => node.compare(prover, proven, lists),
        }
    }
}

/// The environments that a folder is or holds: itself, `node_modules` in it, virtual environments directly in it.
pub fn environments(folder: &Path) -> Vec<Environment> {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let mut found = Vec::new();
    let is_real = |path: &Path| path.symlink_metadata().is_ok_and(|data| data.is_dir());
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if name == "node_modules" || folder.join(".package-lock.json").is_file() {
        found.push(Inner::Node(Node::scan(&folder)));
    } else if is_real(&folder.join("node_modules")) {
        found.push(Inner::Node(Node::scan(&folder.join("node_modules"))));
    }
    if folder.join("pyvenv.cfg").is_file() {
        found.extend(sites(&folder).into_iter().map(|site| Inner::Python(Python::scan(&site, Some(&folder)))));
    } else if entries(&folder).iter().any(|path| path.extension().is_some_and(|ending| ending == "dist-info")) {
        found.push(Inner::Python(Python::scan(&folder, prefix_of(&folder).as_deref())));
    } else {
        for prefix in entries(&folder).into_iter().filter(|path| is_real(path) && path.join("pyvenv.cfg").is_file()) {
            found.extend(sites(&prefix).into_iter().map(|site| Inner::Python(Python::scan(&site, Some(&prefix)))));
        }
    }
    found.into_iter().map(|inner| Environment { inner }).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.flatten().take(MAX_BESIDE).map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// Every `site-packages` of a virtual environment; `lib64` is often a link to `lib`, which is not followed.
fn sites(prefix: &Path) -> Vec<PathBuf> {
    let is_real = |path: &PathBuf| path.symlink_metadata().is_ok_and(|data| data.is_dir());
    let libs = ["lib", "lib64"].map(|lib| prefix.join(lib));
    let versions = libs.into_iter().filter(is_real).flat_map(|lib| entries(&lib));
    let named = |path: &PathBuf| {
        path.file_name().is_some_and(|name| ["python", "pypy"].iter().any(|p| name.to_string_lossy().starts_with(p)))
    };
    let mut sites: Vec<PathBuf> =
        versions.filter(named).filter(is_real).map(|path| path.join("site-packages")).collect();
    sites.push(prefix.join("Lib/site-packages"));
    sites.retain(is_real);
    sites
}

/// `lib/python3.12/site-packages` lies in a prefix.
fn prefix_of(site: &Path) -> Option<PathBuf> {
    let lib = site.parent()?.parent()?;
    matches!(lib.file_name()?.to_str()?, "lib" | "lib64").then(|| lib.parent().map(Path::to_owned))?
}

/// A path as it is shown.
pub(crate) fn shown(path: &Path) -> String {
    printable(&path.to_string_lossy(), 400)
}
