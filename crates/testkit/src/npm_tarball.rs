//! npm package tarballs: gzipped tar, everything under `package/`.

use serde_json::{Map, Value, json};
use sigma_core::DistributionKind;

use crate::{Built, Entry, tar_gz_of};

/// Builds an npm tarball.
#[derive(Debug, Clone)]
pub struct NpmTarball {
    name: String,
    version: String,
    manifest: Map<String, Value>,
    files: Vec<Entry>,
}

impl NpmTarball {
    /// A tarball with only package.json. The name may have a scope: `@scope/name`.
    pub fn new(name: &str, version: &str) -> Self {
        let mut manifest = Map::new();
        manifest.insert("name".to_owned(), json!(name));
        manifest.insert("version".to_owned(), json!(version));
        Self { name: name.to_owned(), version: version.to_owned(), manifest, files: Vec::new() }
    }

    /// Adds a file; the path is relative to `package/`.
    pub fn file(mut self, path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.files.push(Entry::file(&format!("package/{path}"), bytes));
        self
    }

    /// Adds an entry whose path is used as it is.
    pub fn entry(mut self, entry: Entry) -> Self {
        self.files.push(entry);
        self
    }

    /// Merges top-level keys into package.json.
    pub fn package_json(mut self, keys: Value) -> Self {
        let Value::Object(keys) = keys else { panic!("package.json is an object, got {keys}") };
        self.manifest.extend(keys);
        self
    }

    /// Adds a dependency.
    pub fn dependency(self, name: &str, range: &str) -> Self {
        self.insert("dependencies", name, range)
    }

    /// Adds a lifecycle script, for example `("postinstall", "node setup.js")`.
    pub fn script(self, event: &str, command: &str) -> Self {
        self.insert("scripts", event, command)
    }

    fn insert(mut self, table: &str, key: &str, value: &str) -> Self {
        self.manifest.entry(table).or_insert_with(|| json!({}))[key] = json!(value);
        self
    }

    /// Writes the archive.
    pub fn build(self) -> Built {
        let manifest = sorted(Value::Object(self.manifest));
        let text = serde_json::to_string_pretty(&manifest).unwrap() + "\n";
        let mut entries = vec![Entry::file("package/package.json", text)];
        entries.extend(self.files);
        let bare = self.name.rsplit('/').next().unwrap_or_default();
        Built {
            kind: DistributionKind::NpmTarball,
            filename: format!("{bare}-{}.tgz", self.version),
            bytes: tar_gz_of(entries),
            metadata: String::new(),
            requires_python: None,
            name: self.name,
            version: self.version,
            manifest,
        }
    }
}

/// Objects with their keys in order, whatever features serde_json was built with: the bytes must not change.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut pairs: Vec<_> = map.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            pairs.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(pairs.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tarball_holds_what_was_asked_for_and_its_bytes_never_change() {
        let build = || {
            NpmTarball::new("@s/n", "1.0.0")
                .package_json(json!({"main": "index.js"}))
                .dependency("left-pad", "^1.0.0")
                .script("postinstall", "node setup.js")
                .file("index.js", "module.exports = 1\n")
                .build()
        };
        let built = build();
        assert_eq!(built.bytes, build().bytes);
        assert_eq!(built.filename, "n-1.0.0.tgz");
        assert_eq!(
            built.manifest,
            json!({"name": "@s/n", "version": "1.0.0", "main": "index.js",
                "dependencies": {"left-pad": "^1.0.0"}, "scripts": {"postinstall": "node setup.js"}})
        );
        let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(built.bytes.as_slice()));
        let names: Vec<_> =
            tar.entries().unwrap().map(|entry| entry.unwrap().path().unwrap().display().to_string()).collect();
        assert_eq!(names, ["package/package.json", "package/index.js"]);
        assert_eq!(built.sha1().to_string().len(), 40);
        assert!(built.integrity().starts_with("sha512-"));
    }
}
