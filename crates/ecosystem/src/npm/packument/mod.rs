//! What the registry publishes about a package: its packument, slimmed to the fields that resolving needs.
//!
//! In: the registry's answer, or what the cache kept of it. Out: [`Packument`]. It must never keep what it does not need:
//! full packuments reach 100 MB.

mod lenient;
mod listed;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::Arc;

use deno_semver::Version;
use serde::{Deserialize, Serialize};

pub(super) use self::listed::Listed;
use crate::HttpError;

/// What is known of a package.
#[derive(Debug, Clone)]
pub(super) enum Known {
    /// The registry's answer.
    Packument(Arc<Packument>),
    /// The registry has no such package.
    Unknown,
    /// The registry could not be asked.
    Failed(HttpError),
}

/// What is known of all packages so far.
pub(super) type Packages = HashMap<String, Known>;

/// A package's versions and tags.
#[derive(Debug)]
pub(super) struct Packument {
    /// The package's name.
    pub name: String,
    /// Whether the registry gave the full form; the abbreviated one leaves out `libc` and upload times.
    pub full: bool,
    /// Dist-tags: tag and version.
    pub tags: Vec<(String, String)>,
    /// The versions, in the registry's order.
    pub versions: Vec<Listed>,
}

/// One version.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Published {
    /// The version as published.
    pub version: String,
    /// The same, parsed.
    #[serde(skip)]
    pub parsed: Version,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<(String, String)>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub optional: Vec<(String, String)>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub peers: Vec<(String, String)>,
    /// Names of the peers that may be missing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub optional_peers: Vec<String>,
    /// Names of the dependencies that come inside the tarball.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bundled: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deprecated: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine_node: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine_npm: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub os: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cpu: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub libc: Vec<String>,
    /// The tarball brings its own `npm-shrinkwrap.json`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub shrinkwrap: bool,
    pub tarball: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub integrity: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shasum: Option<String>,
    /// Whether the registry announces attestations of it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub attested: bool,
    /// Whether the registry publishes its signatures of it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub signed: bool,
    /// When it was published, as RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published: Option<String>,
    /// Who published it; only the full form tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publisher: Option<String>,
    /// Who could publish then; only the full form tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maintainers: Option<Vec<String>>,
}

/// The cached form. It changes whenever a field is added.
const FORM: u32 = 2;

/// The first line of the cached form.
#[derive(Serialize, Deserialize)]
struct Head {
    /// [`FORM`]: what an older release kept has fewer fields, and counts as absent.
    form: u32,
    name: String,
    full: bool,
    tags: Vec<(String, String)>,
    /// How many lines follow, each a version: a file that was cut off must not pass for a package with fewer of them.
    versions: usize,
}

impl Packument {
    /// Reads the slimmed form back from the cache.
    pub(super) fn parse_cached(expected: &str, text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let Head { form, name, full, tags, versions: count } = serde_json::from_str(lines.next()?).ok()?;
        let versions: Vec<Listed> = lines.map(Listed::parse).collect::<Option<_>>()?;
        (form == FORM && name == expected && versions.len() == count).then_some(Self { name, full, tags, versions })
    }

    /// Writes the slimmed form for the cache.
    pub(super) fn write_cached(&self, out: &mut impl Write) -> io::Result<()> {
        let (name, tags) = (self.name.clone(), self.tags.clone());
        serde_json::to_writer(
            &mut *out,
            &Head { form: FORM, name, full: self.full, tags, versions: self.versions.len() },
        )?;
        for listed in &self.versions {
            write!(out, "\n{}", listed.json())?;
        }
        Ok(())
    }

    /// The version of that exact name.
    pub(super) fn version(&self, version: &str) -> Option<&Listed> {
        self.versions.iter().find(|listed| *listed.version == *version)
    }

    /// The version that a dist-tag names.
    pub(super) fn tag(&self, tag: &str) -> Option<&str> {
        self.tags.iter().find(|(name, _)| name == tag).map(|(_, version)| version.as_str())
    }
}
