//! A small npm registry on loopback: packuments written as short lines, and whatever misbehaviour a test needs.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use sigma_core::{Declared, DependencyKind, Ecosystem, Graph, Location, Manifest, ManifestSource, PackageName, Target};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use url::Url;

use super::super::Npm;
use crate::{EcosystemConfig, Http, ResolveError};

/// A running registry, a cache of its own, and a client for both.
pub(super) struct Fake {
    pub npm: Npm,
    pub config: EcosystemConfig,
    requests: Arc<Mutex<Vec<String>>>,
    _cache: tempfile::TempDir,
}

impl Fake {
    /// `packages`: one version a line, `name@1.0.0 dep:^1 peer:dep:^1 maypeer:dep:^1 opt:dep:^1 bundle:dep os:darwin
    /// deprecated tag:next`, where `dep` may be followed by any spec. `answers`: status and body by path.
    pub(super) async fn start(packages: &str, answers: &[(&str, u16, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/", listener.local_addr().unwrap());
        let mut pages: HashMap<String, (u16, String)> = packuments(packages, &base)
            .into_iter()
            .map(|(name, json)| (path(&name), (200, json.to_string())))
            .collect();
        pages.extend(answers.iter().map(|(path, status, body)| ((*path).to_owned(), (*status, (*body).to_owned()))));
        let requests = Arc::new(Mutex::new(Vec::new()));
        tokio::spawn(serve(listener, Arc::new(pages), requests.clone()));
        let cache = tempfile::tempdir().unwrap();
        let mut config = EcosystemConfig::official(cache.path().to_owned());
        config.npm_registry = Url::parse(&base).unwrap();
        config.attempts = 1;
        let npm = client(&config);
        Self { npm, config, requests, _cache: cache }
    }

    pub(super) async fn resolve(&self, declared: &str) -> Result<Graph, ResolveError> {
        self.npm.resolve(&manifest(declared, None), &Target::default()).await
    }

    pub(super) fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.requests.lock().unwrap())
    }
}

pub(super) fn client(config: &EcosystemConfig) -> Npm {
    let config = Arc::new(config.clone());
    Npm::new(config.clone(), Http::new(config).unwrap())
}

/// `a:^1 opt:b:2 peer:c:3 alias=a:^1`, each on a line of its own in `package.json`.
pub(super) fn manifest(declared: &str, overrides: Option<&str>) -> Manifest {
    let declared = declared.split_whitespace().enumerate().map(|(at, text)| {
        let (kind, text) = match text.split_once(':') {
            Some(("opt", rest)) => (DependencyKind::Optional, rest),
            Some(("peer", rest)) => (DependencyKind::Peer, rest),
            _ => (DependencyKind::Runtime, text),
        };
        let (name, spec) = text.split_once(':').unwrap();
        let (alias, name) = match name.split_once('=') {
            Some((alias, name)) => (Some(alias.to_owned()), name),
            None => (None, name),
        };
        Declared {
            name: PackageName::new(Ecosystem::Npm, name).unwrap(),
            spec: spec.to_owned(),
            kind,
            extras: Vec::new(),
            marker: None,
            alias,
            pinned: Vec::new(),
            at: Location { file: "package.json".to_owned(), line: at as u32 + 1 },
        }
    });
    Manifest {
        ecosystem: Ecosystem::Npm,
        path: "package.json".to_owned(),
        files: vec!["package.json".to_owned()],
        declared: declared.collect(),
        refused: Vec::new(),
        problems: Vec::new(),
        source: ManifestSource::Ranges {
            constraints: Vec::new(),
            overrides: overrides.map(str::to_owned),
            pre_releases: false,
        },
    }
}

fn path(name: &str) -> String {
    format!("/{}", name.replace('/', "%2F"))
}

fn packuments(lines: &str, base: &str) -> BTreeMap<String, Value> {
    let mut all: BTreeMap<String, Value> = BTreeMap::new();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut words = line.split(' ');
        let (name, version) = words.next().unwrap().rsplit_once('@').unwrap();
        let file = name.rsplit('/').next().unwrap();
        let mut published = json!({
            "name": name, "version": version,
            "dist": {
                "tarball": format!("{base}{name}/-/{file}-{version}.tgz"),
                "integrity": format!("sha512-{}", data_encoding::BASE64.encode(&[7; 64])),
                "shasum": "ab".repeat(20),
            },
        });
        let packument = all
            .entry(name.to_owned())
            .or_insert_with(|| json!({"_id": name, "name": name, "dist-tags": {}, "versions": {}}));
        let mut tagged = false;
        for word in words {
            let (key, rest) = word.split_once(':').unwrap_or((word, ""));
            let (dep, spec) = rest.split_once(':').unwrap_or((rest, "*"));
            match key {
                "peer" => published["peerDependencies"][dep] = spec.into(),
                "maypeer" => {
                    published["peerDependencies"][dep] = spec.into();
                    published["peerDependenciesMeta"][dep] = json!({"optional": true});
                }
                "opt" => published["optionalDependencies"][dep] = spec.into(),
                "bundle" => {
                    published["dependencies"][dep] = spec.into();
                    published["bundleDependencies"] = json!([dep]);
                }
                "os" => published["os"] = json!([rest]),
                "deprecated" => published["deprecated"] = "use\u{1b} another".into(),
                "tag" => {
                    packument["dist-tags"][rest] = version.into();
                    tagged = true;
                }
                dep => published["dependencies"][dep] = rest.into(),
            }
        }
        if !tagged {
            packument["dist-tags"]["latest"] = version.into();
        }
        packument["versions"][version] = published;
    }
    all
}

async fn serve(listener: TcpListener, pages: Arc<HashMap<String, (u16, String)>>, requests: Arc<Mutex<Vec<String>>>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let (pages, requests) = (pages.clone(), requests.clone());
        tokio::spawn(async move {
            let (mut head, mut chunk) = (Vec::new(), [0; 4096]);
            while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                match stream.read(&mut chunk).await {
                    Ok(n) if n > 0 => head.extend_from_slice(&chunk[..n]),
                    _ => return,
                }
            }
            let head = String::from_utf8_lossy(&head).to_ascii_lowercase().replace("%2f", "%2F");
            let line = head.lines().next().unwrap_or_default();
            let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
            let known = head.contains("if-none-match: \"tag\"");
            requests.lock().unwrap().push(if known { format!("{path} if changed") } else { path.clone() });
            let (status, body) = match pages.get(&path) {
                Some(_) if known => (304, ""),
                Some((status, body)) => (*status, body.as_str()),
                None => (404, "{}"),
            };
            let length = if status == 304 { String::new() } else { format!("content-length: {}\r\n", body.len()) };
            let answer = format!("HTTP/1.1 {status} x\r\n{length}etag: \"tag\"\r\nconnection: close\r\n\r\n{body}");
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        });
    }
}
