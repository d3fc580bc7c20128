//! What the registry publishes about a package: its packument, slimmed to the fields that resolving needs.
//!
//! In: JSON in the abbreviated or in the full form, written by strangers. Out: [`Packument`]. Fields of a wrong type count
//! as absent, versions that are no versions are left out; only a text that is no JSON object, or another package's
//! packument, is refused. It must never keep what it does not need: full packuments reach 100 MB.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use deno_semver::Version;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// Longest text that is kept of any one field.
const MAX_TEXT: usize = 4096;
/// Most entries of one list or map. The packages with most versions have some ten thousand; an answer with more is refused
/// rather than cut, because a missing version would change what is resolved.
const MAX_ENTRIES: usize = 100_000;

/// A package's versions and tags.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Packument {
    /// The package's name.
    pub name: String,
    /// Whether the registry gave the full form; the abbreviated one leaves out `libc` and upload times.
    pub full: bool,
    /// Dist-tags: tag and version.
    pub tags: Vec<(String, String)>,
    /// The versions, in the registry's order.
    pub versions: Vec<Arc<Published>>,
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
    /// When it was published, as RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published: Option<String>,
}

/// Why a text is not the packument that was asked for.
#[derive(Debug, thiserror::Error)]
pub(super) enum PackumentError {
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
    pub(super) fn parse(expected: &str, bytes: &[u8]) -> Result<Self, PackumentError> {
        let wire: Wire = serde_json::from_slice(bytes)?;
        let got = wire.name.0.unwrap_or_default();
        if got != expected {
            return Err(PackumentError::Name { got: sigma_core::printable(&got, 214), expected: expected.to_owned() });
        }
        let Some(versions) = wire.versions.0 else { return Err(PackumentError::NoVersions) };
        let mut times: std::collections::HashMap<String, String> =
            wire.time.0.unwrap_or_default().into_iter().filter_map(|(key, time)| Some((key, time.0?))).collect();
        let versions = versions
            .into_iter()
            .filter_map(|(key, wire)| {
                let published = times.remove(&key);
                wire.0.and_then(|wire| wire.into_published(key, published)).map(Arc::new)
            })
            .collect();
        let tags = wire.tags.0.unwrap_or_default().into_iter().filter_map(|(tag, to)| Some((tag, to.0?))).collect();
        Ok(Self { name: got, full: wire.id.0.is_some(), tags, versions })
    }

    /// Reads the slimmed form back from the cache.
    pub(super) fn parse_cached(expected: &str, text: &str) -> Option<Self> {
        let mut packument: Self = serde_json::from_str(text).ok()?;
        for manifest in &mut packument.versions {
            // Freshly read, so nobody else holds it.
            let manifest = Arc::get_mut(manifest)?;
            manifest.parsed = Version::parse_from_npm(&manifest.version).ok()?;
        }
        (packument.name == expected).then_some(packument)
    }

    /// The version of that exact name.
    pub(super) fn version(&self, version: &str) -> Option<&Arc<Published>> {
        self.versions.iter().find(|manifest| manifest.version == version)
    }

    /// The version that a dist-tag names.
    pub(super) fn tag(&self, tag: &str) -> Option<&str> {
        self.tags.iter().find(|(name, _)| name == tag).map(|(_, version)| version.as_str())
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
}

impl WireVersion {
    fn into_published(self, version: String, published: Option<String>) -> Option<Published> {
        let parsed = Version::parse_from_npm(&version).ok()?;
        let texts = |entries: Entries<Text>| -> Vec<(String, String)> {
            entries.0.unwrap_or_default().into_iter().filter_map(|(name, spec)| Some((name, spec.0?))).collect()
        };
        let optional = texts(self.optional);
        let mut dependencies = texts(self.dependencies);
        // npm: what stands in both is optional.
        let optional_names: std::collections::HashSet<&str> = optional.iter().map(|(name, _)| name.as_str()).collect();
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
            peers: texts(self.peers),
            optional_peers: (self.peers_meta.0.unwrap_or_default().into_iter())
                .filter(|(_, meta)| meta.0.as_ref().is_some_and(|meta| meta.optional.is_true()))
                .map(|(name, _)| name)
                .collect(),
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
            published,
        })
    }
}

/// A text; `true` counts as `"true"`; anything else is absent.
#[derive(Debug, Default, PartialEq)]
struct Text(Option<String>);

impl Text {
    fn is_true(&self) -> bool {
        self.0.as_deref() == Some("true")
    }
}

/// An object's entries in their order; anything else is absent.
struct Entries<T>(Option<Vec<(String, T)>>);

/// An object of a known shape; anything else is absent.
struct Object<T>(Option<T>);

/// A list of texts, where npm also accepts a single text, or `true` for all.
#[derive(Debug, Default, PartialEq)]
enum List {
    #[default]
    Absent,
    All,
    Texts(Vec<String>),
}

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Default for Object<T> {
    fn default() -> Self {
        Self(None)
    }
}

fn bounded<E: serde::de::Error>(entries: usize) -> Result<(), E> {
    if entries > MAX_ENTRIES {
        return Err(E::custom(format_args!("got more than {MAX_ENTRIES} entries in one place")));
    }
    Ok(())
}

/// A visitor's methods for JSON values of a type that is not wanted: they are read over.
macro_rules! ignore {
    (scalars) => {
        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok(Default::default())
        }
        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok(Default::default())
        }
        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok(Default::default())
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Default::default())
        }
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("any JSON")
        }
    };
    (bool) => {
        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok(Default::default())
        }
    };
    (str) => {
        fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
            Ok(Default::default())
        }
    };
    (seq) => {
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            Ok(Default::default())
        }
    };
    (map) => {
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok(Default::default())
        }
    };
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Text;
            ignore!(scalars);
            ignore!(seq);
            ignore!(map);
            fn visit_bool<E>(self, value: bool) -> Result<Text, E> {
                Ok(Text(value.then(|| "true".to_owned())))
            }
            fn visit_str<E>(self, value: &str) -> Result<Text, E> {
                let end = value.floor_char_boundary(MAX_TEXT);
                Ok(Text(Some(value[..end].to_owned())))
            }
        }
        deserializer.deserialize_any(Read)
    }
}

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = List;
            ignore!(scalars);
            ignore!(map);
            fn visit_bool<E>(self, value: bool) -> Result<List, E> {
                Ok(if value { List::All } else { List::Absent })
            }
            fn visit_str<E>(self, value: &str) -> Result<List, E> {
                Ok(List::Texts(vec![value[..value.floor_char_boundary(MAX_TEXT)].to_owned()]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<List, A::Error> {
                let mut texts = Vec::new();
                while let Some(text) = seq.next_element::<Text>()? {
                    texts.extend(text.0);
                    bounded(texts.len())?;
                }
                Ok(List::Texts(texts))
            }
        }
        deserializer.deserialize_any(Read)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Read<T> {
            type Value = Entries<T>;
            ignore!(scalars);
            ignore!(bool);
            ignore!(str);
            ignore!(seq);
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<T>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry::<String, T>()? {
                    entries.push(entry);
                    bounded(entries.len())?;
                }
                Ok(Entries(Some(entries)))
            }
        }
        deserializer.deserialize_any(Read(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Read<T> {
            type Value = Object<T>;
            ignore!(scalars);
            ignore!(bool);
            ignore!(str);
            ignore!(seq);
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(|value| Object(Some(value)))
            }
        }
        deserializer.deserialize_any(Read(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::Packument;

    fn check(json: &str, expect: &str) {
        let got = match Packument::parse("a", json.as_bytes()) {
            Ok(packument) => packument
                .versions
                .iter()
                .map(|v| {
                    format!(
                        "{} deps={:?} optional={:?} peers={:?}/{:?} bundled={:?} deprecated={:?} os={:?} shrinkwrap={}",
                        v.version,
                        v.dependencies,
                        v.optional,
                        v.peers,
                        v.optional_peers,
                        v.bundled,
                        v.deprecated,
                        v.os,
                        v.shrinkwrap
                    )
                })
                .collect::<Vec<_>>()
                .join("\n"),
            Err(error) => format!("error: {error}"),
        };
        assert_eq!(got, expect);
        if let Ok(packument) = Packument::parse("a", json.as_bytes()) {
            let cached = serde_json::to_string(&packument).unwrap();
            assert_eq!(Packument::parse_cached("a", &cached).as_ref(), Some(&packument));
        }
    }

    #[test]
    fn fields_of_a_wrong_type_count_as_absent_and_bad_versions_are_left_out() {
        check(
            r#"{"name":"a","readme":{"x":[1,{}]},"versions":{
                "1.0.0":{"dependencies":[],"os":"linux","deprecated":true,"bundleDependencies":true,"engines":["node"]},
                "not a version":{}, "2.0.0":7,
                "3.0.0":{"dependencies":{"x":"1","y":2,"z":"3"},"optionalDependencies":{"z":"3"},"peerDependencies":{"p":"*"},
                    "peerDependenciesMeta":{"p":{"optional":true},"q":null},"bundledDependencies":["x",5],"_hasShrinkwrap":true}}}"#,
            r#"1.0.0 deps=[] optional=[] peers=[]/[] bundled=[] deprecated=Some("true") os=["linux"] shrinkwrap=false
3.0.0 deps=[("x", "1")] optional=[("z", "3")] peers=[("p", "*")]/["p"] bundled=["x"] deprecated=None os=[] shrinkwrap=true"#,
        );
    }

    #[test]
    fn what_is_no_packument_is_refused() {
        check(r#"{"name":"b","versions":{}}"#, "error: got a packument of `b`, expected one of `a`");
        check(r#"{"error":"not found"}"#, "error: got a packument of ``, expected one of `a`");
        check(r#"{"name":"a","versions":null}"#, "error: got a document without `versions`, expected a packument");
        check("<html>", "error: expected value at line 1 column 1");
        check(r#"{"name":"a","versions":{"#, "error: EOF while parsing an object at line 1 column 24");
    }

    #[test]
    fn deep_nesting_and_endless_lists_are_refused_without_harm() {
        let deep = format!(r#"{{"name":"a","x":{}}}"#, "[".repeat(200_000));
        assert!(Packument::parse("a", deep.as_bytes()).is_err());
        let wide = format!(r#"{{"name":"a","versions":{{"1.0.0":{{"os":[{}"x"]}}}}}}"#, r#""x","#.repeat(100_001));
        assert!(
            Packument::parse("a", wide.as_bytes()).unwrap_err().to_string().starts_with("got more than 100000 entries")
        );
    }
}
