//! The registry's answer, in the abbreviated or in the full form.
//!
//! In: JSON written by strangers. Out: a slim [`Packument`]. Fields of a wrong type count as absent, versions that are no
//! versions are left out; only a text that is no JSON object, or another package's packument, is refused.

use std::collections::{HashMap, HashSet};

use deno_semver::Version;
use serde::Deserialize;

use super::lenient::{Accounts, Entries, Entry, List, Object, Text};
use super::{Listed, Packument, Published};

/// Why a text is not the packument that was asked for.
#[derive(Debug, thiserror::Error)]
pub(in crate::npm) enum PackumentError {
    /// Not JSON, or not an object.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// Another package's packument.
    #[error("got a packument of `{got}`, expected one of `{expected}`")]
    Name { got: String, expected: String },
    /// No list of versions: an error document, for example.
    #[error("got a document without `versions`, expected a packument")]
    NoVersions,
}

impl Packument {
    /// Reads the registry's answer.
    pub(in crate::npm) fn parse(expected: &str, bytes: &[u8]) -> Result<Self, PackumentError> {
        let wire: Wire = serde_json::from_slice(bytes)?;
        let got = wire.name.0.unwrap_or_default();
        if got != expected {
            return Err(PackumentError::Name { got: sigma_core::printable(&got, 214), expected: expected.to_owned() });
        }
        let Some(mut versions) = wire.versions.0 else { return Err(PackumentError::NoVersions) };
        let times: HashMap<String, String> = wire.time.0.unwrap_or_default().into_iter().collect();
        for listed in &mut versions {
            if let Some(time) = times.get(&*listed.version) {
                listed.set_published(time);
            }
        }
        versions.shrink_to_fit();
        Ok(Self { name: got, full: wire.id.0.is_some(), tags: wire.tags.0.unwrap_or_default(), versions })
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wire {
    name: Text,
    /// Only the full form has one.
    #[serde(rename = "_id")]
    id: Text,
    #[serde(rename = "dist-tags")]
    tags: Entries<Text>,
    versions: Entries<Object<WireVersion>>,
    time: Entries<Text>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireVersion {
    dependencies: Entries<Text>,
    #[serde(rename = "optionalDependencies")]
    optional: Entries<Text>,
    #[serde(rename = "peerDependencies")]
    peers: Entries<Text>,
    #[serde(rename = "peerDependenciesMeta")]
    peers_meta: Entries<Object<WirePeer>>,
    #[serde(rename = "bundleDependencies")]
    bundle: List,
    #[serde(rename = "bundledDependencies")]
    bundled: List,
    deprecated: Text,
    engines: Object<WireEngines>,
    os: List,
    cpu: List,
    libc: List,
    #[serde(rename = "_hasShrinkwrap")]
    shrinkwrap: Text,
    dist: Object<WireDist>,
    #[serde(rename = "_npmUser")]
    publisher: Object<WireAccount>,
    maintainers: Accounts,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireAccount {
    name: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WirePeer {
    optional: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireEngines {
    node: Text,
    npm: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireDist {
    tarball: Text,
    integrity: Text,
    shasum: Text,
    attestations: Object<Whatever>,
    signatures: List,
}

/// An object of which only that it is there is kept.
#[derive(Deserialize)]
struct Whatever {}

impl Entry for Object<WireVersion> {
    type Kept = Listed;
    fn keep(self, key: String) -> Option<Listed> {
        self.0?.into_published(key).map(Listed::new)
    }
}

impl Entry for Object<WirePeer> {
    type Kept = String;
    fn keep(self, key: String) -> Option<String> {
        self.0?.optional.is_true().then_some(key)
    }
}

impl WireVersion {
    fn into_published(self, version: String) -> Option<Published> {
        let parsed = Version::parse_from_npm(&version).ok()?;
        let optional = self.optional.0.unwrap_or_default();
        let mut dependencies = self.dependencies.0.unwrap_or_default();
        // npm: what stands in both is optional.
        let optional_names: HashSet<&str> = optional.iter().map(|(name, _)| name.as_str()).collect();
        dependencies.retain(|(name, _)| !optional_names.contains(name.as_str()));
        let bundled = match if self.bundle == List::Absent { self.bundled } else { self.bundle } {
            List::Absent => Vec::new(),
            List::All => dependencies.iter().chain(&optional).map(|(name, _)| name.clone()).collect(),
            List::Texts(names) => names,
        };
        let list = |list: List| match list {
            List::Texts(texts) => texts,
            List::Absent | List::All => Vec::new(),
        };
        let engines = self.engines.0.unwrap_or_default();
        let dist = self.dist.0.unwrap_or_default();
        Some(Published {
            version,
            parsed,
            dependencies,
            optional,
            peers: self.peers.0.unwrap_or_default(),
            optional_peers: self.peers_meta.0.unwrap_or_default(),
            bundled,
            deprecated: self.deprecated.0.filter(|message| !message.is_empty()),
            engine_node: engines.node.0,
            engine_npm: engines.npm.0,
            os: list(self.os),
            cpu: list(self.cpu),
            libc: list(self.libc),
            shrinkwrap: self.shrinkwrap.is_true(),
            tarball: dist.tarball.0.unwrap_or_default(),
            integrity: dist.integrity.0,
            shasum: dist.shasum.0,
            attested: dist.attestations.0.is_some(),
            signed: matches!(dist.signatures, List::Texts(_)),
            published: None,
            publisher: self.publisher.0.and_then(|account| account.name.0),
            maintainers: self.maintainers.0,
        })
    }
}
