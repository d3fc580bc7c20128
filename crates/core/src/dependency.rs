//! What a manifest declares, what of it is refused and why, and what a lockfile pins.

use serde::{Deserialize, Serialize};

use crate::{Ecosystem, ExpectedDigest, PackageId, PackageName};

/// A place in a file of the project.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Location {
    /// Path relative to the project's root, with forward slashes.
    pub file: String,
    /// Line, counted from 1.
    pub line: u32,
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// In which role a dependency is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DependencyKind {
    /// Needed to run.
    Runtime,
    /// May be missing (npm `optionalDependencies`).
    Optional,
    /// Expected to be provided by the one who depends (npm `peerDependencies`).
    Peer,
    /// For development only; read on request.
    Dev,
}

/// A dependency as a manifest declares it: a name and a spec, with file and line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declared {
    /// The package, normalised.
    pub name: PackageName,
    /// The spec in the ecosystem's own grammar, without name, extras and marker: `>=2,<3`, `^1.2.0`.
    pub spec: String,
    /// In which role.
    pub kind: DependencyKind,
    /// PEP 508 extras asked for, normalised; empty for npm.
    pub extras: Vec<String>,
    /// PEP 508 marker as text.
    pub marker: Option<String>,
    /// npm: the name under which an `npm:` alias installs the package.
    pub alias: Option<String>,
    /// Digests of which the fetched distribution must match one (pip `--hash`, lockfile integrity); empty when
    /// nothing is pinned.
    pub pinned: Vec<ExpectedDigest>,
    /// Where it stands.
    pub at: Location,
}

/// Why a declared dependency is not eligible for certification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// `git+https://...`, `github:owner/name` and other version control references.
    VersionControl,
    /// A direct URL to an archive.
    Url,
    /// A local path, file, link or workspace reference.
    Path,
    /// An editable install (`-e`).
    Editable,
    /// A package index other than the ecosystem's public one.
    OtherIndex,
    /// `*`, `==2.*`, `1.x`.
    Wildcard,
    /// A dist-tag such as `latest`: it names another version tomorrow.
    FloatingTag,
    /// No version at all.
    NoVersion,
    /// It cannot be read as a dependency.
    Unparsable,
}

impl Refusal {
    /// The reason in a few words, for tables and warnings.
    pub fn describe(self) -> &'static str {
        match self {
            Self::VersionControl => "version control reference",
            Self::Url => "direct URL",
            Self::Path => "local path",
            Self::Editable => "editable install",
            Self::OtherIndex => "not from the public index",
            Self::Wildcard => "wildcard version",
            Self::FloatingTag => "floating tag",
            Self::NoVersion => "no version",
            Self::Unparsable => "cannot be read",
        }
    }
}

/// A declared dependency that is not eligible, with the reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The ecosystem whose manifest declares it.
    pub ecosystem: Ecosystem,
    /// The declaration as written, made printable, without credentials.
    pub declaration: String,
    /// The kind of refusal.
    pub reason: Refusal,
    /// A sentence that says what to write instead.
    pub advice: String,
    /// Where it stands.
    pub at: Location,
}

/// Something about a manifest that its reader should know, and that is not a refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What it is, in a sentence.
    pub message: String,
    /// Where it stands.
    pub at: Location,
}

/// One exact package from a lockfile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockedPackage {
    /// The package and its exact version.
    pub id: PackageId,
    /// Digests of which the fetched distribution must match one.
    pub pinned: Vec<ExpectedDigest>,
    /// Whether only development dependencies lead to it.
    pub dev: bool,
    /// Whether the installer may leave it out (npm `optional`, a marker that excludes some targets).
    pub optional: bool,
    /// PEP 508 marker under which it is installed at all, where the lockfile has one.
    pub marker: Option<String>,
    /// npm: the operating systems it is for, as `package.json` spells them (`darwin`, `!win32`); empty means all.
    pub os: Vec<String>,
    /// npm: the processor architectures it is for (`x64`, `!arm`); empty means all.
    pub cpu: Vec<String>,
    /// npm: the C libraries it is for (`glibc`, `musl`); empty means all.
    pub libc: Vec<String>,
    /// Where it stands in the lockfile.
    pub at: Location,
}

/// An edge of a locked graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockedEdge {
    /// Index into the locked packages; `None` is the project itself.
    pub from: Option<usize>,
    /// Index into the locked packages.
    pub to: usize,
    /// The spec as the parent declares it, where the lockfile tells; otherwise `==<version>`.
    pub spec: String,
    /// PEP 508 marker of the edge, where the lockfile has one.
    pub marker: Option<String>,
}

/// How exact a manifest is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum ManifestSource {
    /// Ranges: the ecosystem must be asked which versions they mean.
    Ranges {
        /// pip `-c` constraints and uv/pip overrides, as PEP 508 requirement texts.
        constraints: Vec<String>,
        /// npm `overrides`, as the JSON text of that object; `None` when there are none.
        overrides: Option<String>,
        /// pip's `--pre`, and the like: pre-releases may be chosen.
        pre_releases: bool,
    },
    /// A lockfile: exact versions and edges.
    Locked {
        /// The locked packages.
        packages: Vec<LockedPackage>,
        /// Who depends on whom.
        edges: Vec<LockedEdge>,
    },
}

/// A manifest or lockfile, read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The ecosystem it speaks to.
    pub ecosystem: Ecosystem,
    /// The file that was read first, relative to the project's root.
    pub path: String,
    /// Every file read, the includes too, in reading order.
    pub files: Vec<String>,
    /// The eligible declarations, in file order.
    pub declared: Vec<Declared>,
    /// The declarations that are not eligible, in file order.
    pub refused: Vec<Refused>,
    /// What else the reader should know.
    pub problems: Vec<Problem>,
    /// Ranges to be resolved, or a locked graph.
    pub source: ManifestSource,
}
