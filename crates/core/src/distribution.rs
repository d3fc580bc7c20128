//! Releases and the files they consist of, as the ecosystem publishes them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{Ecosystem, ExpectedDigest, Timestamp};

/// What kind of file a distribution is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum DistributionKind {
    /// A Python wheel.
    Wheel,
    /// A Python source distribution.
    Sdist,
    /// An npm package tarball.
    NpmTarball,
}

impl DistributionKind {
    /// Where such files are published.
    pub fn ecosystem(self) -> Ecosystem {
        match self {
            Self::Wheel | Self::Sdist => Ecosystem::Pypi,
            Self::NpmTarball => Ecosystem::Npm,
        }
    }
}

/// One file of a release, as published: not yet fetched, nothing about it verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Distribution {
    /// The file's name.
    pub filename: String,
    /// What kind of file it is.
    pub kind: DistributionKind,
    /// Where it is fetched from. May hold no credentials.
    pub url: String,
    /// The digests that the ecosystem publishes for exactly this file. All must hold.
    pub published: Vec<ExpectedDigest>,
    /// Published size in bytes, where the ecosystem tells.
    pub size: Option<u64>,
    /// When it was uploaded, where the ecosystem tells.
    pub uploaded_at: Option<Timestamp>,
}

/// One version of a package: the files that we read, and how many we leave unread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// The files to read, the one that an installer prefers for the target first; for PyPI the sdist follows where
    /// there is one. Never empty.
    pub distributions: Vec<Distribution>,
    /// Files of the release for other targets, which are not read: disclosed by name.
    pub unread: Vec<String>,
    /// PEP 592: yanked, with the reason (possibly empty).
    pub yanked: Option<String>,
    /// npm: deprecated, with the message.
    pub deprecated: Option<String>,
    /// Who published it.
    pub people: People,
}

/// Who stands behind a release, where the ecosystem says. `None` means that it does not say (PyPI's index never does, npm
/// only in the full packument), which is not "nobody" and not "unchanged".
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct People {
    /// The account that uploaded this version, printable (npm: `_npmUser`).
    pub publisher: Option<String>,
    /// The accounts that could upload when this version appeared, printable, at most 100 (npm: the version's
    /// `maintainers`).
    pub maintainers: Option<BTreeSet<String>>,
}
