//! One exact version, looked up in the index.
//!
//! In: an id and an environment. Out: a [`Release`], or why there is none. It must never choose another version.

use sigma_core::{PackageId, Release, UnresolvedReason};

use super::environment::Environment;
use super::index::Index;
use super::release::{Unusable, version};
use super::requirement;
use crate::HttpError;

/// Why an exact version has no release.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum ReleaseError {
    /// The index did not answer: nothing is known.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The index does not have the package.
    #[error("the index has no package named {0}")]
    UnknownPackage(String),
    /// The index has the package, not the version.
    #[error("the index lists no version {version}; {newest}")]
    NoSuchVersion {
        /// What was asked for.
        version: String,
        /// What there is instead, in words.
        newest: String,
    },
    /// No file of the version can be installed on the target.
    #[error("{id}: {why}")]
    NoDistribution {
        /// The package.
        id: String,
        /// Why not.
        why: String,
    },
}

impl ReleaseError {
    /// The same in the words of the graph.
    pub(super) fn reason(&self) -> UnresolvedReason {
        match self {
            Self::UnknownPackage(_) => UnresolvedReason::UnknownPackage,
            Self::NoSuchVersion { .. } => UnresolvedReason::NoMatchingVersion,
            Self::Http(_) | Self::NoDistribution { .. } => UnresolvedReason::NoDistribution,
        }
    }
}

/// Looks up the files of one version. Versions are compared as PEP 440 says: `1.0` finds `1.0.0`.
pub(super) async fn release(index: &Index, environment: &Environment, id: &PackageId) -> Result<Release, ReleaseError> {
    let unknown = || ReleaseError::UnknownPackage(id.name().to_string());
    let name = requirement::name(id.name().as_str()).map_err(|_| unknown())?;
    let versions = index.versions(&name).await?.ok_or_else(unknown)?;
    let wanted = version(id.version());
    let found = versions.iter().find(|(version, _)| Some(version) == wanted.as_ref());
    let Some((_, files)) = found else {
        let newest =
            versions.last().map_or("it lists none at all".to_owned(), |(newest, _)| format!("the newest is {newest}"));
        return Err(ReleaseError::NoSuchVersion { version: id.version().to_owned(), newest });
    };
    files
        .release(environment)
        .map_err(|why: Unusable| ReleaseError::NoDistribution { id: id.to_string(), why: why.to_string() })
}
