//! The lockfiles of a project, as what they pin.

use std::collections::VecDeque;

use anyhow::Result;
use sigma_core::{Declared, Depth, Ecosystem, LockedEdge, Manifest, ManifestSource, PackageId, Target, printable};
use sigma_ecosystem::installs;
use sigma_ecosystem::manifest::{self, ManifestError, ReadOptions};
use sigma_verify::Wanted;

use crate::args::Verify;
use crate::config::Config;

/// A lockfile, read.
pub struct Lock {
    pub path: String,
    pub wanted: Vec<Wanted>,
    /// What it declares and no certificate can be about, with the reason.
    pub refused: Vec<(String, String)>,
    pub problems: Vec<String>,
}

/// The lockfiles of a folder (none is fine), or the file as one. `None` for a file of no such format.
pub fn locks(command: &Verify, config: &Config, is_folder: bool) -> Result<Option<Vec<Lock>>> {
    let mut options = ReadOptions { include_dev: command.dev, ..ReadOptions::default() };
    options.pypi_indexes.push(config.pypi_index.clone());
    options.npm_registries.push(config.npm_registry.clone());
    let project = match manifest::read(&command.what, &options) {
        Ok(project) => project,
        Err(ManifestError::UnknownFormat { .. }) => return Ok(None),
        Err(ManifestError::NothingFound { .. }) if is_folder => return Ok(Some(Vec::new())),
        Err(error) => return Err(error.into()),
    };
    let target = Target { python: command.python_version, platform: command.platform };
    let mut locks = project.manifests.iter().map(|one| lock(one, &target)).collect::<Result<Vec<Lock>>>()?;
    if let Some(first) = locks.first_mut() {
        first.problems.extend(project.passed_over);
    }
    Ok(Some(locks))
}

fn lock(manifest: &Manifest, target: &Target) -> Result<Lock> {
    let wanted: Vec<Wanted> = match &manifest.source {
        ManifestSource::Locked { packages, edges } => {
            let depths = depths(packages.len(), edges);
            let wanted = packages.iter().zip(depths).map(|(package, depth)| Wanted {
                package: Some(package.id.clone()),
                subject: package.at.to_string(),
                digests: package.pinned.clone(),
                depth,
                filename: None,
            });
            wanted.collect()
        }
        ManifestSource::Ranges { .. } => manifest.declared.iter().map(declared).collect(),
    };
    let refused = manifest
        .refused
        .iter()
        .map(|refused| (format!("{} ({})", refused.declaration, refused.at), refused.reason.describe().to_owned()));
    let problems = manifest.problems.iter().map(|problem| format!("{}: {}", problem.at, problem.message));
    let mut problems: Vec<String> = problems.collect();
    let count = wanted.len();
    let wanted = wanted.into_iter().zip(installs(manifest, target)?).filter(|(_, on)| *on).map(|(wanted, _)| wanted);
    let wanted: Vec<Wanted> = wanted.collect();
    if wanted.len() < count {
        problems.push(format!("{} packages are not installed for {target}", count - wanted.len()));
    }
    Ok(Lock { path: manifest.path.clone(), wanted, refused: refused.collect(), problems })
}

/// A declaration is as exact as it says: only `==1.0` and `1.0` name one version.
fn declared(declared: &Declared) -> Wanted {
    let spec = declared.spec.trim();
    let exact = match declared.name.ecosystem() {
        Ecosystem::Pypi => spec.strip_prefix("===").or_else(|| spec.strip_prefix("==")),
        Ecosystem::Npm => Some(spec.strip_prefix('=').unwrap_or(spec)).filter(|version| {
            let core: Vec<&str> = version.split(['-', '+']).next().unwrap_or_default().split('.').collect();
            core.len() == 3 && core.iter().all(|part| part.parse::<u64>().is_ok())
        }),
    };
    let exact = exact.map(str::trim).filter(|version| !version.contains(['*', ',', ' ']));
    let package = exact.and_then(|version| PackageId::new(declared.name.clone(), version).ok());
    let subject = match &package {
        Some(_) => declared.at.to_string(),
        None => format!("{} {} ({})", declared.name, printable(spec, 100), declared.at),
    };
    Wanted { package, subject, digests: declared.pinned.clone(), depth: Some(Depth::Direct), filename: None }
}

/// How far each package is from the project; nothing for those that no edge leads to.
fn depths(count: usize, edges: &[LockedEdge]) -> Vec<Option<Depth>> {
    let mut next: Vec<Vec<usize>> = vec![Vec::new(); count];
    let mut queue = VecDeque::new();
    let mut levels: Vec<Option<usize>> = vec![None; count];
    for edge in edges.iter().filter(|edge| edge.to < count) {
        match edge.from {
            Some(from) if from < count => next[from].push(edge.to),
            Some(_) => {}
            None if levels[edge.to].is_none() => {
                levels[edge.to] = Some(0);
                queue.push_back(edge.to);
            }
            None => {}
        }
    }
    while let Some(at) = queue.pop_front() {
        let level = levels[at].map(|level| level + 1);
        for &to in &next[at] {
            if levels[to].is_none() {
                levels[to] = level;
                queue.push_back(to);
            }
        }
    }
    levels.into_iter().map(|level| level.map(Depth::from_level)).collect()
}
