//! An npm registry on loopback: full and abbreviated packuments, tarballs, attestations, and the bulk advisory endpoint.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Map, Value, json};
use sigma_core::Distribution;

use crate::Built;
use crate::loopback::{Asked, Loopback, Reply};

const ABBREVIATED: &str = "application/vnd.npm.install-v1+json";
const ATTESTATIONS: &str = "/-/npm/v1/attestations/";
const BULK: &str = "/-/npm/v1/security/advisories/bulk";

/// The fake registry.
pub struct FakeNpm {
    /// The server below: misbehaviours and counters. Tarballs are at `/<name>/-/<filename>`.
    pub server: Loopback,
    site: Arc<Mutex<Site>>,
}

#[derive(Default)]
struct Site {
    packages: BTreeMap<String, Package>,
    bulk: bool,
    /// Whether packuments carry signatures, as those of the public registry do.
    signed: bool,
    /// By `name@version`.
    attestations: BTreeMap<String, Value>,
    /// By name and version.
    advisories: BTreeMap<(String, String), Vec<Value>>,
    origin: String,
}

#[derive(Default)]
struct Package {
    tags: BTreeMap<String, String>,
    versions: Vec<Version>,
}

struct Version {
    built: Built,
    deprecated: Option<String>,
    /// Only `dist.shasum` is published, as for packages from before 2017.
    legacy: bool,
    published: String,
}

impl FakeNpm {
    /// Starts an empty registry.
    pub fn start() -> Self {
        let site = Arc::new(Mutex::new(Site { bulk: true, ..Site::default() }));
        let answering = site.clone();
        let server = Loopback::start(move |asked| answering.lock().unwrap().answer(asked));
        let fake = Self { server, site };
        fake.site().origin = fake.server.origin();
        fake
    }

    /// The registry, ending in `/`.
    pub fn registry_url(&self) -> String {
        format!("{}/", self.server.origin())
    }

    /// Publishes a tarball on 1 January 2024 as `latest`, and says how the registry publishes it.
    pub fn add(&self, built: Built) -> Distribution {
        let mut site = self.site();
        let distribution = built.distribution(site.tarball(&built));
        let package = site.packages.entry(built.name.clone()).or_default();
        package.tags.insert("latest".to_owned(), built.version.clone());
        let published = "2024-01-01T00:00:00.000Z".to_owned();
        package.versions.push(Version { built, deprecated: None, legacy: false, published });
        distribution
    }

    /// Points a dist-tag at a version.
    pub fn dist_tag(&self, name: &str, tag: &str, version: &str) {
        let mut site = self.site();
        let package = site.packages.get_mut(name).unwrap_or_else(|| panic!("{name} was not added"));
        package.tags.insert(tag.to_owned(), version.to_owned());
    }

    /// Deprecates a version.
    pub fn deprecate(&self, name: &str, version: &str, message: &str) {
        self.version(name, version, |version| version.deprecated = Some(message.to_owned()));
    }

    /// Publishes only `dist.shasum` for a version.
    pub fn without_integrity(&self, name: &str, version: &str) {
        self.version(name, version, |version| version.legacy = true);
    }

    /// Sets a version's publication time, for example `2024-05-01T00:00:00.000Z`.
    pub fn published(&self, name: &str, version: &str, time: &str) {
        self.version(name, version, |version| time.clone_into(&mut version.published));
    }

    /// Adds an entry to the bulk advisories of a version.
    pub fn advisories(&self, name: &str, version: &str, entry: Value) {
        self.site().advisories.entry((name.to_owned(), version.to_owned())).or_default().push(entry);
    }

    /// Signs all versions, as the public registry does: then the registry is one that would announce attestations.
    pub fn sign(&self) {
        self.site().signed = true;
    }

    /// Announces and serves attestations of a version.
    pub fn attest(&self, name: &str, version: &str, document: Value) {
        self.site().attestations.insert(format!("{name}@{version}"), document);
    }

    /// Whether the bulk advisory endpoint answers (it does, unless this says otherwise); if not, it answers 405.
    pub fn bulk_advisories(&self, served: bool) {
        self.site().bulk = served;
    }

    /// How many requests for tarballs there were.
    pub fn downloads(&self) -> usize {
        self.server.log().iter().filter(|asked| asked.path.contains("/-/") && asked.path.ends_with(".tgz")).count()
    }

    fn site(&self) -> MutexGuard<'_, Site> {
        self.site.lock().unwrap()
    }

    fn version(&self, name: &str, version: &str, change: impl FnOnce(&mut Version)) {
        let mut site = self.site();
        let found = site
            .packages
            .get_mut(name)
            .and_then(|package| package.versions.iter_mut().find(|candidate| candidate.built.version == version));
        change(found.unwrap_or_else(|| panic!("{name} {version} was not added")));
    }
}

impl Site {
    fn answer(&self, asked: &Asked) -> Reply {
        if asked.path == BULK {
            return match asked.method == "POST" && self.bulk {
                true => self.bulk(&asked.body),
                false => Reply::status(405),
            };
        }
        if let Some(id) = asked.path.strip_prefix(ATTESTATIONS) {
            return self.attestations.get(id).map_or_else(|| Reply::status(404), Reply::json);
        }
        let path = asked.path.trim_start_matches('/');
        let found = match path.split_once("/-/") {
            Some((name, filename)) => self.packages.get(name).and_then(|package| {
                let version = package.versions.iter().find(|version| version.built.filename == filename)?;
                Some(Reply::ok("application/octet-stream", version.built.bytes.clone()))
            }),
            None => self.packages.get(path).map(|package| match asked.accept.contains(ABBREVIATED) {
                true => Reply::ok(ABBREVIATED, self.packument(path, package, true).to_string()),
                false => Reply::json(&self.packument(path, package, false)),
            }),
        };
        found.unwrap_or_else(|| Reply::status(404))
    }

    fn tarball(&self, built: &Built) -> String {
        format!("{}/{}/-/{}", self.origin, built.name, built.filename)
    }

    fn packument(&self, name: &str, package: &Package, abbreviated: bool) -> Value {
        let modified = "2024-01-01T00:00:00.000Z";
        let mut versions = Map::new();
        let mut time =
            Map::from_iter([("modified".to_owned(), json!(modified)), ("created".to_owned(), json!(modified))]);
        for version in &package.versions {
            versions.insert(version.built.version.clone(), self.manifest(version, abbreviated));
            time.insert(version.built.version.clone(), json!(version.published));
        }
        match abbreviated {
            true => json!({"name": name, "modified": modified, "dist-tags": package.tags, "versions": versions}),
            false => json!({"_id": name, "name": name, "readme": "", "dist-tags": package.tags, "versions": versions,
                "time": time}),
        }
    }

    fn manifest(&self, version: &Version, abbreviated: bool) -> Value {
        let Version { built, deprecated, legacy, .. } = version;
        let mut manifest = built.manifest.clone();
        let scripts = manifest.get("scripts").and_then(Value::as_object);
        let installs = scripts.is_some_and(|scripts| {
            ["preinstall", "install", "postinstall"].iter().any(|event| scripts.contains_key(*event))
        });
        if let (true, Some(manifest)) = (abbreviated, manifest.as_object_mut()) {
            for left_out in ["scripts", "description", "main", "readme", "repository", "license"] {
                manifest.remove(left_out);
            }
        }
        if installs {
            manifest["hasInstallScript"] = json!(true);
        }
        manifest["dist"] = json!({"tarball": self.tarball(built), "shasum": built.sha1()});
        if !legacy {
            manifest["dist"]["integrity"] = json!(built.integrity());
        }
        if self.signed {
            manifest["dist"]["signatures"] = json!([{"keyid": "SHA256:registry", "sig": "MEUC"}]);
        }
        let id = format!("{}@{}", built.name, built.version);
        if self.attestations.contains_key(&id) {
            let url = format!("{}{ATTESTATIONS}{id}", self.origin);
            let provenance = json!({"predicateType": "https://slsa.dev/provenance/v1"});
            manifest["dist"]["attestations"] = json!({"url": url, "provenance": provenance});
        }
        if let Some(message) = deprecated {
            manifest["deprecated"] = json!(message);
        }
        manifest
    }

    /// `{name: [version]}` to `{name: [advisory]}`; names without advisories are left out.
    fn bulk(&self, body: &[u8]) -> Reply {
        let Ok(asked) = serde_json::from_slice::<BTreeMap<String, Vec<String>>>(body) else {
            return Reply::status(400);
        };
        let mut answer = Map::new();
        for (name, versions) in asked {
            let found: Vec<_> = versions
                .into_iter()
                .filter_map(|version| self.advisories.get(&(name.clone(), version)))
                .flatten()
                .cloned()
                .collect();
            if !found.is_empty() {
                answer.insert(name, Value::Array(found));
            }
        }
        Reply::json(&Value::Object(answer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NpmTarball;

    fn ask(fake: &FakeNpm, method: &str, path: &str, accept: &str, body: &str) -> (u16, Value) {
        let asked = Asked {
            method: method.to_owned(),
            path: path.to_owned(),
            accept: accept.to_owned(),
            range: None,
            authorization: None,
            api_key: None,
            body: body.into(),
        };
        let reply = fake.site().answer(&asked);
        (reply.status, serde_json::from_slice(&reply.body).unwrap_or_default())
    }

    #[test]
    fn packuments_say_what_was_published() {
        let fake = FakeNpm::start();
        let first = NpmTarball::new("@s/n", "1.0.0").script("postinstall", "node x.js").build();
        let integrity = first.integrity();
        let added = fake.add(first);
        fake.add(NpmTarball::new("@s/n", "2.0.0").dependency("a", "^1").build());
        fake.deprecate("@s/n", "1.0.0", "use 2");
        fake.without_integrity("@s/n", "2.0.0");
        fake.dist_tag("@s/n", "old", "1.0.0");
        assert_eq!(added.url, format!("{}/@s/n/-/n-1.0.0.tgz", fake.server.origin()));

        let (_, full) = ask(&fake, "GET", "/@s/n", "application/json", "");
        assert_eq!(full["dist-tags"], json!({"latest": "2.0.0", "old": "1.0.0"}));
        assert_eq!(full["versions"]["1.0.0"]["dist"]["integrity"], json!(integrity));
        assert_eq!(full["versions"]["1.0.0"]["scripts"], json!({"postinstall": "node x.js"}));
        assert_eq!(full["versions"]["1.0.0"]["deprecated"], json!("use 2"));
        assert_eq!(full["versions"]["2.0.0"]["dist"]["integrity"], Value::Null);
        assert_eq!(full["time"]["2.0.0"], json!("2024-01-01T00:00:00.000Z"));

        let (_, short) = ask(&fake, "GET", "/@s/n", ABBREVIATED, "");
        assert_eq!(short["time"], Value::Null);
        assert_eq!(short["versions"]["1.0.0"]["scripts"], Value::Null);
        assert_eq!(short["versions"]["1.0.0"]["hasInstallScript"], json!(true));
        assert_eq!(short["versions"]["2.0.0"]["dependencies"], json!({"a": "^1"}));
        assert_eq!(ask(&fake, "GET", "/other", "", "").0, 404);
    }

    #[test]
    fn bulk_advisories_are_by_version_and_can_be_absent() {
        let fake = FakeNpm::start();
        fake.advisories("a", "1.0.0", json!({"id": 7}));
        let body = r#"{"a": ["1.0.0", "2.0.0"], "b": ["1.0.0"]}"#;
        assert_eq!(ask(&fake, "POST", BULK, "", body), (200, json!({"a": [{"id": 7}]})));
        assert_eq!(ask(&fake, "POST", BULK, "", "garbage").0, 400);
        fake.bulk_advisories(false);
        assert_eq!(ask(&fake, "POST", BULK, "", body).0, 405);
    }
}
