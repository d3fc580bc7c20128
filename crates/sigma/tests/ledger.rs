//! Certificates that strangers check: signed, logged, handed out, and verified offline by this program and by the one in Python.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use sigma_testkit::{FakeEcosystem, Wheel};
use tempfile::TempDir;

struct Scene {
    eco: FakeEcosystem,
    folder: TempDir,
}

impl Scene {
    /// A store with two certificates.
    fn new() -> Self {
        let scene = Self { eco: FakeEcosystem::start(), folder: tempfile::tempdir().unwrap() };
        for name in ["demo", "leaf"] {
            scene.eco.pypi.add(Wheel::new(name, "1.0").file(&format!("{name}/__init__.py"), "VALUE = 1\n").build());
        }
        std::fs::write(scene.folder.path().join("requirements.txt"), "demo==1.0\nleaf==1.0\n").unwrap();
        assert_eq!(scene.run(&["audit", "requirements.txt"]).0, Some(0));
        scene
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sigma"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOME", self.folder.path())
            .env("SIGMA_STORE", self.folder.path().join("store"))
            .env("SIGMA_PYPI_INDEX", self.eco.pypi.index_url())
            .env("SIGMA_PYPI_JSON", self.eco.pypi.json_url())
            .env("SIGMA_NPM_REGISTRY", self.eco.npm.registry_url());
        command
    }

    fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let Output { status, stdout, stderr } = self.command(arguments).output().unwrap();
        (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
    }

    fn certificate(&self, package: &str) -> String {
        let (_, out, _) = self.run(&["show", package, "--format", "json"]);
        let shown: Value = serde_json::from_str(&out).unwrap();
        shown[0]["certificateId"].as_str().or(shown["certificateId"].as_str()).unwrap().to_owned()
    }

    /// Writes the bundle of a certificate to a file.
    fn bundle(&self, id: &str, name: &str) -> PathBuf {
        let (code, out, err) = self.run(&["ledger", "bundle", id]);
        assert_eq!(code, Some(0), "{err}");
        let path = self.folder.path().join(name);
        std::fs::write(&path, out).unwrap();
        path
    }

    fn verify(&self, bundle: &Path, more: &[&str]) -> (Option<i32>, Value) {
        let arguments = [&["verify", bundle.to_str().unwrap(), "--format", "json"], more].concat();
        let (code, out, err) = self.run(&arguments);
        (code, serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}")))
    }
}

fn failed(report: &Value) -> Vec<&str> {
    let checks = report["checks"].as_array().unwrap().iter().filter(|check| check["state"] == "failed");
    checks.map(|check| check["check"].as_str().unwrap()).collect()
}

#[test]
fn a_certificate_is_proven_without_the_server_until_it_is_revoked() {
    let scene = Scene::new();
    let id = scene.certificate("pypi:demo@1.0");
    let (code, _, err) = scene.run(&["ledger", "bundle", &id]);
    assert_eq!(code, Some(2), "there is no ledger yet: {err}");
    let (code, _, err) = scene.run(&["ledger", "init", "--origin", "https://sigma.example.org/log"]);
    assert_eq!(code, Some(2), "a name has no scheme: {err}");
    assert_eq!(scene.run(&["ledger", "init", "--origin", "sigma.example.org/log"]).0, Some(0));
    assert_eq!(
        scene.run(&["ledger", "init", "--origin", "sigma.example.org/log"]).0,
        Some(2),
        "keys are never replaced"
    );
    assert_eq!(scene.run(&["ledger", "bundle", &id]).0, Some(3), "it is not logged yet");
    let (code, out, err) = scene.run(&["ledger", "sync"]);
    assert_eq!(code, Some(0), "{err}");
    assert_eq!(out, "2 certificate(s) and 0 decision(s) logged, a new status list; the log has 3 entries\n");
    let (_, out, _) = scene.run(&["ledger", "sync"]);
    assert_eq!(out, "0 certificate(s) and 0 decision(s) logged; the log has 3 entries\n");

    let bundle = scene.bundle(&id, "demo.json");
    let wheel = scene.folder.path().join("demo-1.0-py3-none-any.whl");
    std::fs::write(&wheel, &*Wheel::new("demo", "1.0").file("demo/__init__.py", "VALUE = 1\n").build().bytes).unwrap();
    let artifact = ["--artifact", wheel.to_str().unwrap()];
    let (code, report) = scene.verify(&bundle, &artifact);
    assert_eq!((code, &report["outcome"]), (Some(0), &"valid".into()), "{report:#}");
    assert_eq!(report["certificateId"].as_str(), Some(id.as_str()));

    // Other bytes, another payload, another key: each is caught and named.
    let other = scene.folder.path().join("requirements.txt");
    let (code, report) = scene.verify(&bundle, &["--artifact", other.to_str().unwrap()]);
    assert_eq!((code, failed(&report)), (Some(1), vec!["artifact"]));
    let text = std::fs::read_to_string(&bundle).unwrap();
    let changed = scene.folder.path().join("changed.json");
    assert!(text.contains("\"securityLevel\":\"CLEAR\""));
    std::fs::write(&changed, text.replace("\"securityLevel\":\"CLEAR\"", "\"securityLevel\":\"BLOCKED\"")).unwrap();
    let (code, report) = scene.verify(&changed, &[]);
    assert_eq!((code, failed(&report)), (Some(1), vec!["payload"]));
    let stranger = Scene::new();
    assert_eq!(stranger.run(&["ledger", "init", "--origin", "sigma.example.org/log"]).0, Some(0));
    let root = stranger.folder.path().join("store/ledger/trusted_root.json");
    let (code, report) = scene.verify(&bundle, &["--root", root.to_str().unwrap()]);
    assert_eq!((code, failed(&report)), (Some(1), vec!["signature"]));

    // A revocation is logged, and the next bundle says so; the old one is as old as its status list.
    let revoke = ["certificate", "revoke", &id, "--reason", "its author asked", "--by", "ada"];
    assert_eq!(scene.run(&revoke).0, Some(0));
    let (_, out, _) = scene.run(&["ledger", "sync"]);
    assert_eq!(out, "0 certificate(s) and 1 decision(s) logged, a new status list; the log has 5 entries\n");
    let (code, report) = scene.verify(&scene.bundle(&id, "revoked.json"), &artifact);
    assert_eq!((code, failed(&report)), (Some(1), vec!["status"]), "{report:#}");
    let (code, report) = scene.verify(&scene.bundle(&scene.certificate("pypi:leaf@1.0"), "leaf.json"), &[]);
    assert_eq!(code, Some(0), "{report:#}");
    assert_eq!(scene.run(&["ledger", "fsck"]).0, Some(0));
    let leaves = scene.folder.path().join("store/ledger/log/tile/entries/000.p/5");
    let mut bytes = std::fs::read(&leaves).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&leaves, bytes).unwrap();
    let (code, out, _) = scene.run(&["ledger", "fsck"]);
    assert_eq!(code, Some(1), "{out}");
}

#[test]
fn the_log_and_bundles_are_served() {
    let scene = Scene::new();
    assert_eq!(scene.run(&["ledger", "init", "--origin", "sigma.example.org/log"]).0, Some(0));
    assert_eq!(scene.run(&["ledger", "sync"]).0, Some(0));
    let id = scene.certificate("pypi:demo@1.0");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let listen = format!("127.0.0.1:{port}");
    let mut server = scene.command(&["serve", "--no-worker", "--listen", &listen]).spawn().unwrap();
    let get = |path: &str| {
        let url = format!("http://{listen}{path}");
        for _ in 0..200 {
            let script = "import sys, urllib.request, urllib.error\n\
                try:\n a = urllib.request.urlopen(sys.argv[1]); print(a.status, a.headers['cache-control']); \
                sys.stdout.flush(); sys.stdout.buffer.write(a.read())\n\
                except urllib.error.HTTPError as e:\n print(e.code, None)\n";
            let output = Command::new("python3").args(["-c", script, &url]).output().unwrap();
            if output.status.success() {
                let text = output.stdout;
                let end = text.iter().position(|byte| *byte == b'\n').unwrap();
                return (String::from_utf8(text[..end].to_vec()).unwrap(), text[end + 1..].to_vec());
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("the server does not answer");
    };
    let (status, checkpoint) = get("/log/checkpoint");
    assert_eq!(status, "200 public, no-cache");
    assert!(checkpoint.starts_with(b"sigma.example.org/log\n3\n"), "{}", String::from_utf8_lossy(&checkpoint));
    let (status, tile) = get("/log/tile/0/000.p/3");
    assert_eq!((status.as_str(), tile.len()), ("200 public, max-age=31536000, immutable", 96));
    for missing in
        ["/log/tile/0/000", "/log/tile/0/000.p/4", "/log/../issuer.pem", "/log/issuer.pem", "/log/%2e%2e/log.pem"]
    {
        assert_eq!(get(missing).0, "404 None", "{missing}");
    }
    let (_, root) = get("/log/trusted_root.json");
    let pinned = scene.folder.path().join("pinned.json");
    std::fs::write(&pinned, root).unwrap();
    let (status, bytes) = get(&format!("/api/v1/public/certificates/{id}/bundle"));
    assert_eq!(status, "200 public, no-cache");
    let bundle = scene.folder.path().join("served.json");
    std::fs::write(&bundle, bytes).unwrap();
    let (code, report) = scene.verify(&bundle, &["--root", pinned.to_str().unwrap(), "--require-fresh"]);
    assert_eq!(code, Some(0), "{report:#}");
    assert_eq!(get("/api/v1/public/certificates/pkg_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/bundle").0, "404 None");
    server.kill().unwrap();
    server.wait().unwrap();
}
