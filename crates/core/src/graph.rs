//! Resolved packages: exact versions, how deep they lie, and who pulled them in.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Ecosystem, ExpectedDigest, Location, PackageId, Release};

/// How far a package is from the project. The order is the distance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Depth {
    /// Declared by the project.
    Direct,
    /// Declared by a direct dependency.
    #[serde(rename = "TRANSITIVE_L1")]
    TransitiveL1,
    /// Two levels below a direct dependency.
    #[serde(rename = "TRANSITIVE_L2")]
    TransitiveL2,
    /// Three levels below a direct dependency.
    #[serde(rename = "TRANSITIVE_L3")]
    TransitiveL3,
    /// Deeper than the registry audits: disclosed as uncertified.
    #[serde(rename = "BEYOND_L3")]
    Beyond,
}

impl Depth {
    /// From the number of edges between a direct dependency and the package: 0 is direct.
    pub fn from_level(level: usize) -> Self {
        match level {
            0 => Self::Direct,
            1 => Self::TransitiveL1,
            2 => Self::TransitiveL2,
            3 => Self::TransitiveL3,
            _ => Self::Beyond,
        }
    }

    /// The word of the public API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "DIRECT",
            Self::TransitiveL1 => "TRANSITIVE_L1",
            Self::TransitiveL2 => "TRANSITIVE_L2",
            Self::TransitiveL3 => "TRANSITIVE_L3",
            Self::Beyond => "BEYOND_L3",
        }
    }
}

impl fmt::Display for Depth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who depends on a package, and how it says so.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Parent {
    /// The parent; `None` is the project itself.
    pub package: Option<PackageId>,
    /// The spec that the parent declares.
    pub spec: String,
    /// Where the project declares it; `None` for a package's own metadata.
    pub at: Option<Location>,
}

/// One exact package of the graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolvedPackage {
    /// The exact package.
    pub id: PackageId,
    /// The shortest distance from the project.
    pub depth: Depth,
    /// Every parent, sorted.
    pub parents: Vec<Parent>,
    /// Digests that the project pins (pip `--hash`, lockfile integrity): the preferred distribution must match one.
    /// Empty when nothing is pinned.
    pub pinned: Vec<ExpectedDigest>,
    /// The release's files.
    pub release: Release,
}

/// Why a package is in the graph without an exact version or without files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnresolvedReason {
    /// The ecosystem does not know the name.
    UnknownPackage,
    /// No published version fits the spec.
    NoMatchingVersion,
    /// The version has no file for the target.
    NoDistribution,
    /// The set of specs cannot be satisfied together.
    Conflict,
    /// A package asks for something outside the public ecosystem (git, a URL, a path), which cannot be certified.
    NotPublic,
}

/// A dependency that could not be resolved to an exact, fetchable package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unresolved {
    /// The ecosystem.
    pub ecosystem: Ecosystem,
    /// The name, or names, as far as they are known; printable.
    pub name: String,
    /// The spec that could not be met.
    pub spec: String,
    /// The kind of failure.
    pub reason: UnresolvedReason,
    /// What the resolver says, printable; may hold several lines.
    pub detail: String,
    /// Who asks for it.
    pub parents: Vec<Parent>,
}

/// The resolved dependency graph of one manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Graph {
    /// The packages, sorted by depth and id; each id occurs once.
    pub packages: Vec<ResolvedPackage>,
    /// What could not be resolved. A graph with entries here is not a pass.
    pub unresolved: Vec<Unresolved>,
    /// Dependencies deliberately not installed for the target (a marker, `os`/`cpu`), as `name spec (why)`.
    pub excluded: Vec<String>,
}
