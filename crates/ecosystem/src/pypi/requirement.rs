//! Between our words and uv's: declarations to requirements, names and versions to ids.
//!
//! In: parts that a manifest's reader split apart. Out: requirements that point at the index and nowhere else: a spec is
//! read as version specifiers only, so that it cannot smuggle in an address.

use std::str::FromStr as _;

use sigma_core::{Declared, Ecosystem, PackageId, Target};
use sigma_manifest::marker;
use uv_distribution_types::{Requirement, RequirementSource};
use uv_normalize::{ExtraName, PackageName};
use uv_pep440::{Version, VersionSpecifiers};
use uv_pep508::MarkerTree;
use uv_pypi_types::VerbatimParsedUrl;

use super::{failure, metadata};
use crate::ResolveError;

/// Constraints that are read.
const MAX_CONSTRAINTS: usize = 20_000;

/// A declaration as uv wants it; otherwise what cannot be read.
pub(super) fn of_declared(declared: &Declared) -> Result<Requirement, String> {
    let name = name(declared.name.as_str())?;
    let specifier = VersionSpecifiers::from_str(&declared.spec)
        .map_err(|_| format!("`{}` is not a PEP 440 version specifier", failure::line(&declared.spec)))?;
    let mut extras = Vec::new();
    for extra in &declared.extras {
        let extra = ExtraName::from_str(extra).map_err(|_| format!("`{}` is not an extra", failure::line(extra)))?;
        extras.push(extra);
    }
    let marker = declared.marker.as_deref().map(read_marker).transpose()?.unwrap_or(MarkerTree::TRUE);
    Ok(Requirement {
        name,
        extras: extras.into(),
        groups: Box::default(),
        marker,
        source: RequirementSource::Registry { specifier, index: None, conflict: None },
        origin: None,
    })
}

/// Reads a marker.
pub(super) fn read_marker(text: &str) -> Result<MarkerTree, String> {
    marker::parse(text).map_err(|error| format!("the marker `{}` {error}", failure::line(text)))
}

/// pip's `-c` lines. One that cannot be read ends the resolution: without it, uv's answer would be another.
pub(super) fn constraints(texts: &[String]) -> Result<Vec<Requirement>, ResolveError> {
    if texts.len() > MAX_CONSTRAINTS {
        let why = format!("got {} constraints, expected at most {MAX_CONSTRAINTS}", texts.len());
        return Err(ResolveError::Resolver(why));
    }
    let read = |text: &String| {
        let wrong = || {
            let text = failure::line(text);
            ResolveError::Resolver(format!("the constraint `{text}` is not a name with versions from the index"))
        };
        if metadata::Budget::default().requirement(text).is_err() {
            return Err(wrong());
        }
        let read = uv_pep508::Requirement::<VerbatimParsedUrl>::from_str(text).map_err(|_| wrong())?;
        let requirement = Requirement::from(read);
        match requirement.source {
            RequirementSource::Registry { .. } => Ok(requirement),
            _ => Err(wrong()),
        }
    };
    texts.iter().map(read).collect()
}

/// A normalised name.
pub(super) fn name(text: &str) -> Result<PackageName, String> {
    PackageName::from_str(text).map_err(|_| format!("`{}` is not a PyPI name", failure::line(text)))
}

/// An id from uv's words.
pub(super) fn id(name: &PackageName, version: &Version) -> Result<PackageId, ResolveError> {
    sigma_core::PackageName::new(Ecosystem::Pypi, name.as_ref())
        .and_then(|name| PackageId::new(name, &version.to_string()))
        .map_err(|error| ResolveError::Resolver(error.to_string()))
}

/// The line that discloses a declaration whose marker rules it out.
pub(super) fn excluded(declared: &Declared, target: &Target) -> String {
    let gap = if declared.spec.is_empty() { "" } else { " " };
    let marker = declared.marker.as_deref().unwrap_or_default();
    failure::line(&format!("{}{gap}{} (only if {marker}, not for {target})", declared.name, declared.spec))
}
