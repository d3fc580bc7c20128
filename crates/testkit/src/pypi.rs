//! A Python Package Index on loopback: Simple API as JSON (PEP 691, 700) or HTML (PEP 503), yanked files (PEP 592),
//! `.metadata` files (PEP 658, 714), provenance (PEP 740), and the release JSON with its advisories.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};
use sigma_core::{Distribution, DistributionKind, Ecosystem, PackageName};

use crate::Built;
use crate::loopback::{Asked, Loopback, Reply};

const JSON: &str = "application/vnd.pypi.simple.v1+json";

/// The fake index.
pub struct FakePypi {
    /// The server below: misbehaviours and counters. Files are at `/files/<filename>`.
    pub server: Loopback,
    site: Arc<Mutex<Site>>,
}

struct Site {
    files: Vec<File>,
    html_only: bool,
    metadata_files: bool,
    json_api: bool,
    /// Whether the index speaks version 1.3 of the Simple API, which tells of provenance.
    provenance: bool,
    /// By file name.
    attestations: BTreeMap<String, Value>,
    /// By normalised name and version.
    advisories: BTreeMap<(String, String), Vec<Value>>,
    origin: String,
    files_origin: String,
}

struct File {
    built: Built,
    /// Normalised.
    name: String,
    yanked: Option<String>,
    uploaded: String,
}

impl FakePypi {
    /// Starts an empty index.
    pub fn start() -> Self {
        let site = Arc::new(Mutex::new(Site {
            files: Vec::new(),
            html_only: false,
            metadata_files: true,
            json_api: true,
            provenance: false,
            attestations: BTreeMap::new(),
            advisories: BTreeMap::new(),
            origin: String::new(),
            files_origin: String::new(),
        }));
        let answering = site.clone();
        let server = Loopback::start(move |asked| answering.lock().unwrap().answer(asked));
        let fake = Self { server, site };
        fake.site().origin = fake.server.origin();
        fake.site().files_origin = fake.server.origin();
        fake
    }

    /// The Simple API, ending in `/simple/`.
    pub fn index_url(&self) -> String {
        format!("{}/simple/", self.server.origin())
    }

    /// The JSON API, ending in `/pypi/`.
    pub fn json_url(&self) -> String {
        format!("{}/pypi/", self.server.origin())
    }

    /// Publishes a wheel or an sdist, uploaded on 1 January 2024, and says how the index publishes it.
    pub fn add(&self, built: Built) -> Distribution {
        let mut site = self.site();
        let distribution = built.distribution(format!("{}/files/{}", site.files_origin, built.filename));
        let name = normalised(&built.name);
        site.files.push(File { built, name, yanked: None, uploaded: "2024-01-01T00:00:00.000000Z".to_owned() });
        distribution
    }

    /// Yanks every file of a release.
    pub fn yank(&self, name: &str, version: &str, reason: &str) {
        self.each(name, version, |file| file.yanked = Some(reason.to_owned()));
    }

    /// Sets the upload time of every file of a release, for example `2024-05-01T00:00:00Z`.
    pub fn uploaded(&self, name: &str, version: &str, time: &str) {
        self.each(name, version, |file| time.clone_into(&mut file.uploaded));
    }

    /// Serves the Simple API as HTML only, as plain mirrors do.
    pub fn only_html(&self) {
        self.site().html_only = true;
    }

    /// Whether `.metadata` files are announced and served (they are, unless this says otherwise).
    pub fn metadata_files(&self, served: bool) {
        self.site().metadata_files = served;
    }

    /// Whether the JSON API answers (it does, unless this says otherwise). Mirrors often lack it.
    pub fn json_api(&self, served: bool) {
        self.site().json_api = served;
    }

    /// Speaks version 1.3 of the Simple API: then the index is one that would announce provenance.
    pub fn tell_of_provenance(&self) {
        self.site().provenance = true;
    }

    /// Announces and serves the provenance of a file, in version 1.3 of the Simple API.
    pub fn attest(&self, filename: &str, document: Value) {
        let mut site = self.site();
        site.provenance = true;
        site.attestations.insert(filename.to_owned(), document);
    }

    /// Names files under another origin, such as `http://localhost:<port>`; for files that are added afterwards too.
    pub fn files_origin(&self, origin: &str) {
        origin.clone_into(&mut self.site().files_origin);
    }

    /// Adds an entry to the `vulnerabilities` of a release.
    pub fn advisories(&self, name: &str, version: &str, entry: Value) {
        let key = (normalised(name), version.to_owned());
        self.site().advisories.entry(key).or_default().push(entry);
    }

    /// How many requests for files there were, without `.metadata`.
    pub fn downloads(&self) -> usize {
        let log = self.server.log();
        log.iter().filter(|asked| asked.path.starts_with("/files/") && !asked.path.ends_with(".metadata")).count()
    }

    fn site(&self) -> MutexGuard<'_, Site> {
        self.site.lock().unwrap()
    }

    fn each(&self, name: &str, version: &str, mut change: impl FnMut(&mut File)) {
        let name = normalised(name);
        let mut site = self.site();
        let mut files =
            site.files.iter_mut().filter(|file| file.name == name && file.built.version == version).peekable();
        assert!(files.peek().is_some(), "{name} {version} was not added");
        files.for_each(&mut change);
    }
}

impl Site {
    fn answer(&self, asked: &Asked) -> Reply {
        let parts: Vec<&str> = asked.path.trim_matches('/').split('/').collect();
        match *parts.as_slice() {
            ["simple", name] => self.project(name, &asked.accept),
            ["files", filename] => self.file(filename),
            ["integrity", _, _, filename, "provenance"] => {
                self.attestations.get(filename).map_or_else(|| Reply::status(404), Reply::json)
            }
            ["pypi", name, version, "json"] if self.json_api => self.release(name, version),
            _ => Reply::status(404),
        }
    }

    fn project(&self, name: &str, accept: &str) -> Reply {
        let files: Vec<_> = self.files.iter().filter(|file| file.name == name).collect();
        if files.is_empty() {
            return Reply::status(404);
        }
        if self.html_only || !accept.contains(JSON) {
            let anchors: String = files.iter().map(|file| self.anchor(file)).collect();
            let head = match self.provenance {
                true => "<head><meta name=\"pypi:repository-version\" content=\"1.3\"></head>",
                false => "",
            };
            return Reply::ok("text/html", format!("<!DOCTYPE html>\n<html>{head}<body>\n{anchors}</body></html>\n"));
        }
        let versions: BTreeSet<_> = files.iter().map(|file| &file.built.version).collect();
        let entries: Vec<_> = files.iter().map(|file| self.entry(file)).collect();
        let page = json!({"meta": {"api-version": if self.provenance { "1.3" } else { "1.1" }}, "name": name, "versions": versions, "files": entries});
        Reply::ok(JSON, page.to_string())
    }

    fn url(&self, file: &File) -> String {
        format!("{}/files/{}", self.files_origin, file.built.filename)
    }

    fn provenance_url(&self, file: &File) -> Option<String> {
        let Built { filename, version, .. } = &file.built;
        let announced = self.attestations.contains_key(filename);
        announced.then(|| format!("{}/integrity/{}/{version}/{filename}/provenance", self.origin, file.name))
    }

    fn metadata_digest(&self, file: &File) -> Option<String> {
        let served = self.metadata_files && file.built.kind == DistributionKind::Wheel;
        served.then(|| Built::sha256_hex(&file.built.metadata))
    }

    fn entry(&self, file: &File) -> Value {
        let mut entry = json!({
            "filename": file.built.filename,
            "url": self.url(file),
            "hashes": {"sha256": file.built.sha256()},
            "size": file.built.bytes.len(),
            "upload-time": file.uploaded,
            "yanked": match &file.yanked {
                Some(reason) if !reason.is_empty() => json!(reason),
                Some(_) => json!(true),
                None => json!(false),
            },
        });
        if let Some(python) = &file.built.requires_python {
            entry["requires-python"] = json!(python);
        }
        if let Some(url) = self.provenance_url(file) {
            entry["provenance"] = json!(url);
        }
        if let Some(digest) = self.metadata_digest(file) {
            entry["core-metadata"] = json!({"sha256": digest});
        }
        entry
    }

    fn anchor(&self, file: &File) -> String {
        let quoted =
            |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
        let mut attributes = format!("href=\"{}#sha256={}\"", self.url(file), file.built.sha256());
        if let Some(python) = &file.built.requires_python {
            attributes += &format!(" data-requires-python=\"{}\"", quoted(python));
        }
        if let Some(digest) = self.metadata_digest(file) {
            attributes += &format!(" data-core-metadata=\"sha256={digest}\"");
        }
        if let Some(url) = self.provenance_url(file) {
            attributes += &format!(" data-provenance=\"{}\"", quoted(&url));
        }
        if let Some(reason) = &file.yanked {
            attributes += &format!(" data-yanked=\"{}\"", quoted(reason));
        }
        format!("<a {attributes}>{}</a><br/>\n", file.built.filename)
    }

    fn file(&self, filename: &str) -> Reply {
        if let Some(file) = self.files.iter().find(|file| file.built.filename == filename) {
            return Reply::ok("application/octet-stream", file.built.bytes.clone());
        }
        let wheel = filename.strip_suffix(".metadata");
        let file = self.files.iter().find(|file| Some(file.built.filename.as_str()) == wheel);
        match file.filter(|file| self.metadata_digest(file).is_some()) {
            Some(file) => Reply::ok("text/plain", file.built.metadata.clone()),
            None => Reply::status(404),
        }
    }

    fn release(&self, name: &str, version: &str) -> Reply {
        let name = normalised(name);
        let files: Vec<_> =
            self.files.iter().filter(|file| file.name == name && file.built.version == version).collect();
        let Some(first) = files.first() else { return Reply::status(404) };
        let urls: Vec<_> = files
            .iter()
            .map(|file| {
                json!({"filename": file.built.filename, "url": self.url(file), "size": file.built.bytes.len(),
                    "digests": {"sha256": file.built.sha256()}, "yanked": file.yanked.is_some(),
                    "upload_time_iso_8601": file.uploaded})
            })
            .collect();
        let vulnerabilities = self.advisories.get(&(name, version.to_owned())).cloned().unwrap_or_default();
        Reply::json(&json!({
            "info": {"name": first.built.name, "version": version, "yanked": first.yanked.is_some(),
                "yanked_reason": first.yanked, "project_url": format!("{}/project/", self.origin)},
            "urls": urls,
            "vulnerabilities": vulnerabilities,
        }))
    }
}

fn normalised(name: &str) -> String {
    PackageName::new(Ecosystem::Pypi, name).unwrap().as_str().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Sdist, Wheel};

    fn ask(fake: &FakePypi, path: &str, accept: &str) -> (u16, String) {
        let asked = Asked {
            method: "GET".to_owned(),
            path: path.to_owned(),
            accept: accept.to_owned(),
            range: None,
            authorization: None,
            api_key: None,
            body: Vec::new(),
        };
        let reply = fake.site().answer(&asked);
        (reply.status, String::from_utf8_lossy(&reply.body).into_owned())
    }

    #[test]
    fn an_index_says_what_was_published() {
        let fake = FakePypi::start();
        let wheel = Wheel::new("Demo.Pkg", "1.0").requires_python(">=3.9").build();
        let digest = wheel.sha256().to_string();
        let added = fake.add(wheel);
        fake.add(Sdist::new("demo-pkg", "1.0").build());
        fake.yank("demo-pkg", "1.0", "a \"bad\" <release>");
        assert_eq!(added.url, format!("{}/files/demo_pkg-1.0-py3-none-any.whl", fake.server.origin()));

        let page: Value = serde_json::from_str(&ask(&fake, "/simple/demo-pkg/", JSON).1).unwrap();
        assert_eq!(page["versions"], json!(["1.0"]));
        assert_eq!(page["files"][0]["hashes"]["sha256"], json!(digest));
        assert_eq!(page["files"][0]["requires-python"], json!(">=3.9"));
        assert_eq!(page["files"][0]["yanked"], json!("a \"bad\" <release>"));
        assert_eq!(page["files"][1]["core-metadata"], Value::Null);

        let html = ask(&fake, "/simple/demo-pkg/", "text/html").1;
        let expected = format!(
            "#sha256={digest}\" data-requires-python=\"&gt;=3.9\" data-core-metadata=\"sha256={}\" \
             data-yanked=\"a &quot;bad&quot; &lt;release&gt;\">demo_pkg-1.0-py3-none-any.whl</a>",
            page["files"][0]["core-metadata"]["sha256"].as_str().unwrap()
        );
        assert!(html.contains(&expected), "{html}");
        fake.only_html();
        assert_eq!(ask(&fake, "/simple/demo-pkg/", JSON).1, html);
        assert_eq!(ask(&fake, "/simple/other/", JSON).0, 404);
    }

    #[test]
    fn metadata_files_and_advisories_can_be_absent() {
        let fake = FakePypi::start();
        fake.add(Wheel::new("demo", "1.0").build());
        fake.advisories("demo", "1.0", json!({"id": "PYSEC-1"}));
        let metadata = "/files/demo-1.0-py3-none-any.whl.metadata";
        assert!(ask(&fake, metadata, "").1.starts_with("Metadata-Version: 2.2\nName: demo\n"));
        let release: Value = serde_json::from_str(&ask(&fake, "/pypi/demo/1.0/json", "").1).unwrap();
        assert_eq!(release["vulnerabilities"], json!([{"id": "PYSEC-1"}]));
        fake.metadata_files(false);
        fake.json_api(false);
        assert_eq!(ask(&fake, metadata, "").0, 404);
        assert_eq!(ask(&fake, "/pypi/demo/1.0/json", "").0, 404);
    }
}
