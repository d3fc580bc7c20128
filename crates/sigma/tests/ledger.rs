//! Certificates that strangers check: signed, logged, handed out, and verified offline by this program and by the one in Python.

mod program;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use sigma_testkit::{FakeEcosystem, Wheel};
use tempfile::TempDir;

#[allow(dead_code, reason = "the tests of the pipeline use the rest of it")]
#[path = "../../pipeline/tests/witnesses/served.rs"]
mod served;
#[path = "../../ledger/tests/ledger/witness.rs"]
mod witness;

use program::sigma;
use served::{Mood, Served};

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
        sigma(self.folder.path(), &self.eco, arguments)
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
    // What was sealed before there was a log was public before, and stays so.
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
    // A time is in no hash; the database has noted it.
    let times = scene.folder.path().join("store/ledger/log/tile/times/000.p/5");
    let good = std::fs::read(&times).unwrap();
    let mut later = good.clone();
    for entry in later.chunks_mut(8) {
        entry[5] ^= 1;
    }
    std::fs::write(&times, later).unwrap();
    let (code, out, _) = scene.run(&["log", "fsck"]);
    assert!(code == Some(1) && out.contains(&format!("({id}): got ")), "{out}");
    std::fs::write(&times, good).unwrap();
    assert_eq!(scene.run(&["log", "fsck"]).0, Some(0));
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
    let server = Server::start(&scene);
    let get = |path: &str| server.get(path);
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
}

impl Scene {
    fn add(&self, name: &str) {
        self.eco.pypi.add(Wheel::new(name, "1.0").file(&format!("{name}/__init__.py"), "VALUE = 1\n").build());
    }

    fn init(&self) {
        assert_eq!(self.run(&["ledger", "init", "--origin", "sigma.example.org/log"]).0, Some(0));
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// The bundle of a package that is logged, and where it lies in the log.
    fn proven(&self, package: &str) -> (PathBuf, u64) {
        let name = package.replace([':', '@', '/'], "_");
        let bundle = self.bundle(&self.certificate(package), &format!("{name}.json"));
        let read: Value = serde_json::from_slice(&std::fs::read(&bundle).unwrap()).unwrap();
        let index = &read["attestation"]["verificationMaterial"]["tlogEntries"][0]["logIndex"];
        (bundle, index.as_str().unwrap().parse().unwrap())
    }
}

#[test]
fn what_is_sealed_is_announced_when_it_is_logged() {
    let scene = Scene::new();
    scene.init();
    // Who has the keys logs at the end of the run.
    scene.add("third");
    assert_eq!(scene.run(&["audit", "--package", "pypi:third@1.0"]).0, Some(0));
    let (bundle, _) = scene.proven("pypi:third@1.0");
    assert_eq!(scene.verify(&bundle, &[]).0, Some(0));
    // Whoever has no key says that it waits, and the server, which has none either, does not tell of it.
    let keys = scene.folder.path().join("store/ledger/issuer.pem");
    let aside = scene.folder.path().join("issuer.aside");
    std::fs::rename(&keys, &aside).unwrap();
    scene.add("fourth");
    let (code, _, err) = scene.run(&["audit", "--package", "pypi:fourth@1.0"]);
    assert_eq!(code, Some(0));
    assert!(err.contains("1 certificate(s) wait for the transparency log"), "{err}");
    let server = Server::start(&scene);
    let fourth = "/api/v1/public/packages/pypi/fourth/1.0";
    assert_eq!(server.get(fourth).0, "404 None");
    assert!(server.get("/api/v1/public/packages/pypi/third/1.0").0.starts_with("200"));
    drop(server);
    std::fs::rename(&aside, &keys).unwrap();
    // With the keys at hand, the server is the one that logs, for itself and for others.
    let server = Server::start(&scene);
    server.wait_for(fourth, "200");
    scene.add("fifth");
    let (code, _, err) = scene.run(&["audit", "--package", "pypi:fifth@1.0"]);
    assert_eq!((code, err.contains("wait for the transparency log")), (Some(0), false), "{err}");
    assert!(server.get("/api/v1/public/packages/pypi/fifth/1.0").0.starts_with("200"));
    let (code, _, err) = scene.run(&["ledger", "sync"]);
    assert_eq!(code, Some(2), "one process writes at a time");
    assert!(err.contains("another process writes this log"), "{err}");
    // A decision is logged by it as well, and the status list follows.
    let id = scene.certificate("pypi:third@1.0");
    assert_eq!(scene.run(&["certificate", "revoke", &id, "--reason", "its author asked", "--by", "ada"]).0, Some(0));
    let revoked = (0..400).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        let (code, report) = scene.verify(&scene.bundle(&id, "third.json"), &[]);
        code == Some(1) && failed(&report) == ["status"]
    });
    assert!(revoked, "the server logs the revocation");
    // What the entry says is handed out, too.
    let (status, said) = server.get("/log/decisions/1.json");
    assert_eq!(status, "200 public, no-cache");
    let said: Value = serde_json::from_slice(&said).unwrap();
    let payload = said["dsseEnvelope"]["payload"].as_str().unwrap();
    let payload = String::from_utf8(data_encoding::BASE64.decode(payload.as_bytes()).unwrap()).unwrap();
    assert!(payload.contains("urn:sigma:decision:v1") && payload.contains("its author asked"), "{payload}");
    let reaudit = format!("/log/reaudits/{id}.json");
    for missing in ["/log/decisions/2.json", "/log/decisions/x.json", "/log/reaudits/1.json", &reaudit] {
        assert_eq!(server.get(missing).0, "404 None", "{missing}");
    }
}

#[test]
fn a_crash_at_any_point_ends_in_one_entry() {
    let scene = Scene::new();
    scene.init();
    let names: Vec<String> = (0..12).map(|number| format!("crash{number}")).collect();
    for (number, name) in names.iter().enumerate() {
        scene.add(name);
        let package = format!("pypi:{name}@1.0");
        let mut audit = scene.command(&["audit", "--package", &package]).stdout(Stdio::null()).spawn().unwrap();
        // Somewhere between its start and after its end.
        std::thread::sleep(std::time::Duration::from_millis(40 * number as u64));
        let _ = audit.kill();
        audit.wait().unwrap();
    }
    for name in &names {
        assert_eq!(scene.run(&["audit", "--package", &format!("pypi:{name}@1.0")]).0, Some(0));
    }
    assert_eq!(scene.run(&["ledger", "sync"]).0, Some(0));
    let (code, out, _) = scene.run(&["ledger", "sync"]);
    assert_eq!(code, Some(0));
    assert!(out.starts_with("0 certificate(s) and 0 decision(s) logged"), "{out}");
    let packages = names.iter().map(String::as_str).chain(["demo", "leaf"]);
    let mut places: Vec<u64> = Vec::new();
    for package in packages.map(|name| format!("pypi:{name}@1.0")) {
        let (bundle, index) = scene.proven(&package);
        assert_eq!(scene.verify(&bundle, &[]).0, Some(0), "{package}");
        places.push(index);
    }
    places.sort_unstable();
    places.dedup();
    assert_eq!(places.len(), names.len() + 2, "each certificate has a place of its own");
    // What else is in the log are status lists; no leaf is there twice.
    assert_eq!(scene.run(&["ledger", "fsck"]).0, Some(0));
    let log = scene.folder.path().join("store/ledger/log");
    let checkpoint = std::fs::read_to_string(log.join("checkpoint")).unwrap();
    let size: usize = checkpoint.lines().nth(1).unwrap().parse().unwrap();
    let tile = std::fs::read(log.join(format!("tile/0/000.p/{size}"))).unwrap();
    let leaves: std::collections::BTreeSet<&[u8]> = tile.chunks(32).collect();
    assert_eq!(leaves.len(), size);
}

#[test]
fn keys_change_and_what_was_logged_before_stays_good() {
    let scene = Scene::new();
    scene.init();
    assert_eq!(scene.run(&["ledger", "sync"]).0, Some(0));
    let (first_root, root) = (scene.file("root1.json"), scene.file("store/ledger/trusted_root.json"));
    std::fs::copy(&root, &first_root).unwrap();
    let audit = |name: &str| {
        scene.add(name);
        assert_eq!(scene.run(&["audit", "--package", &format!("pypi:{name}@1.0")]).0, Some(0));
        scene.proven(&format!("pypi:{name}@1.0")).0
    };
    let old = scene.proven("pypi:demo@1.0").0;
    assert_eq!(scene.run(&["ledger", "keys", "rotate", "issuer"]).1, "version 2 of the trusted root holds\n");
    let by_new_issuer = audit("second");
    assert_eq!(scene.verify(&by_new_issuer, &[]).0, Some(0));
    let (code, report) = scene.verify(&by_new_issuer, &["--root", &first_root]);
    assert_eq!((code, failed(&report)), (Some(1), vec!["signature"]), "the first root does not know the key");
    assert_eq!(scene.verify(&old, &["--root", &first_root]).0, Some(0));

    assert_eq!(scene.run(&["ledger", "keys", "rotate", "log"]).1, "version 3 of the trusted root holds\n");
    let by_new_log = audit("third");
    // Bundles of before are handed out under the key of before, and everything verifies under the newest root.
    for bundle in
        [&by_new_log, &by_new_issuer, &old, &scene.proven("pypi:leaf@1.0").0, &scene.proven("pypi:second@1.0").0]
    {
        let (code, report) = scene.verify(bundle, &[]);
        assert_eq!(code, Some(0), "{}: {report:#}", bundle.display());
    }
    assert_eq!(scene.run(&["ledger", "fsck"]).0, Some(0));

    // Whoever pinned the first root gets to the newest, step by step, from what the server hands out.
    let server = Server::start(&scene);
    let mut pinned = first_root;
    for version in 2..=3 {
        for name in [format!("{version}.json"), format!("{version}.proof.json")] {
            let (status, bytes) = server.get(&format!("/log/roots/{name}"));
            assert_eq!(status, "200 public, no-cache", "{name}");
            std::fs::write(scene.file(&name), bytes).unwrap();
        }
        let next = scene.file(&format!("{version}.json"));
        let proof = scene.file(&format!("{version}.proof.json"));
        let (code, out, err) = scene.run(&["ledger", "keys", "follow", "--root", &pinned, &next, &proof]);
        assert_eq!(code, Some(0), "{err}");
        pinned = scene.file(&format!("pinned{version}.json"));
        std::fs::write(&pinned, out.trim_end()).unwrap();
    }
    assert_eq!(scene.verify(&by_new_log, &["--root", &pinned]).0, Some(0));
    let (code, _, err) =
        scene.run(&["ledger", "keys", "follow", "--root", &pinned, &scene.file("2.json"), &scene.file("2.proof.json")]);
    assert_eq!(code, Some(2), "not the next one: {err}");
    assert_eq!(server.get("/log/roots/4.json").0, "404 None");
    assert_eq!(server.get("/log/roots/..%2Fissuer.pem").0, "404 None");
    drop(server);

    // A stolen key: what was logged from then on is not believed.
    let (_, out, _) = scene.run(&["ledger", "keys", "list", "--format", "json"]);
    let list: Value = serde_json::from_str(&out).unwrap();
    let newest = list["keys"].as_array().unwrap().iter().rfind(|key| key["whose"] == "issuer").unwrap();
    let id = newest["keyId"].as_str().unwrap();
    let revoke = ["ledger", "keys", "revoke", id, "--since", "2020-01-01T00:00:00Z", "--reason", "the laptop is gone"];
    // It signs its own revocation: there is no newer one.
    assert_eq!(scene.run(&revoke).1, "version 4 of the trusted root holds\n");
    let (code, report) = scene.verify(&by_new_issuer, &[]);
    assert_eq!((code, failed(&report)), (Some(1), vec!["log-time"]), "{report:#}");
    assert_eq!(scene.verify(&old, &[]).0, Some(0), "the key of before is good");
    let unknown = ["ledger", "keys", "revoke", "00", "--since", "2020-01-01T00:00:00Z", "--reason", "none"];
    assert_eq!(scene.run(&unknown).0, Some(2));
    let (_, list, _) = scene.run(&["ledger", "keys", "list"]);
    let ends: Vec<&str> = list.lines().map(|line| line.rsplit("Z").next().unwrap().trim()).collect();
    assert_eq!(
        ends,
        ["version 4", "", ": the laptop is gone", "", "to now", "0 of 0 witnesses have to sign"],
        "{list}"
    );
}

/// Whoever writes the log has it witnessed; a stranger sees that without asking any witness.
#[test]
fn witnesses_are_asked_by_themselves() {
    let scene = Scene::new();
    scene.init();
    let log = std::fs::read_to_string(scene.file("store/ledger/log.vkey")).unwrap();
    let log = sigma_ledger::NoteKey::parse(log.trim()).unwrap();
    let honest = Served::start("honest.example.org", 1, &log, Mood::Honest);
    let down = Served::start("down.example.org", 2, &log, Mood::Down);
    let folder = scene.folder.path().join(".config/sigma");
    std::fs::create_dir_all(&folder).unwrap();
    let configure = |more: &str| {
        let mut text = format!("[ledger]\nwitness_seconds = 60\n{more}");
        for witness in [&honest, &down] {
            text.push_str(&format!("[[ledger.witnesses]]\nurl = \"{}\"\nkey = \"{}\"\n", witness.url(), witness.key));
        }
        std::fs::write(folder.join("config.toml"), text).unwrap();
    };
    configure("");
    assert_eq!(scene.run(&["config", "check"]).0, Some(0));
    let keys = [honest.key.to_string(), down.key.to_string()];
    let named = ["ledger", "keys", "witnesses", "--threshold", "1", "--key", &keys[0], "--key", &keys[1]];
    assert_eq!(scene.run(&named).1, "version 2 of the trusted root holds\n");
    let (code, out, err) = scene.run(&["ledger", "sync"]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.ends_with("1 witness(es) signed 4 entries\n"), "{out}");
    assert!(err.contains("the witness down.example.org: it cannot be asked"), "{err}");
    let (bundle, _) = scene.proven("pypi:demo@1.0");
    let witnesses = |bundle: &Path| {
        let (code, report) = scene.verify(bundle, &[]);
        let checks = report["checks"].as_array().unwrap();
        let check = checks.iter().find(|check| check["check"] == "witnesses").unwrap();
        (code, check["state"].as_str().unwrap().to_owned(), check["detail"].as_str().unwrap().to_owned())
    };
    assert_eq!(witnesses(&bundle), (Some(0), "proven".to_owned(), "1 signed, 1 asked for".to_owned()));
    let (_, list, _) = scene.run(&["ledger", "keys", "list"]);
    assert!(list.contains("witness honest.example.org  signed 4 entries at "), "{list}");
    assert!(list.contains("witness down.example.org  has not signed yet"), "{list}");

    // A server does it all the time, and hands out the checkpoint with the signatures.
    let server = Server::start(&scene);
    scene.add("third");
    assert_eq!(scene.run(&["audit", "--package", "pypi:third@1.0"]).0, Some(0));
    down.behave(Mood::Honest);
    let seen = (0..400).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        let note = String::from_utf8(server.get("/log/checkpoint.cosigned").1).unwrap();
        note.contains("\n5\n") && note.contains("— honest.example.org ") && note.contains("— down.example.org ")
    });
    assert!(seen, "{:?} {:?}", honest.asked(), down.asked());
    assert_eq!(witnesses(&scene.proven("pypi:third@1.0").0).2, "2 signed, 1 asked for");
    drop(server);

    // Where they come first, certificates wait for them, and the run that made them does not.
    configure("witnesses_first = true\n");
    honest.behave(Mood::Down);
    down.behave(Mood::Down);
    scene.add("fourth");
    let (code, _, err) = scene.run(&["audit", "--package", "pypi:fourth@1.0"]);
    assert_eq!(code, Some(0), "{err}");
    assert!(err.contains("1 certificate(s) wait for the transparency log"), "{err}");
    let (code, _, err) = scene.run(&["ledger", "sync"]);
    assert!(
        code == Some(2) && err.contains("enough witnesses signed 5 entries of the log, and 6 are to be announced"),
        "{err}"
    );
    honest.behave(Mood::Honest);
    assert_eq!(scene.run(&["ledger", "sync"]).0, Some(0));
    assert_eq!(witnesses(&scene.proven("pypi:fourth@1.0").0).1, "proven");

    let wrong = |text: &str, expect: &str| {
        std::fs::write(folder.join("config.toml"), format!("[[ledger.witnesses]]\n{text}\n")).unwrap();
        let (code, _, err) = scene.run(&["config", "check"]);
        assert!(code == Some(2) && err.contains(expect), "{err}");
    };
    wrong(&format!("url = \"ftp://x.example\"\nkey = \"{}\"", honest.key), "expected http:// or https:// and a host");
    wrong(&format!("url = \"http://x.example\"\nkey = \"{log}\""), "is a log's key, expected a witness's");
    wrong("url = \"http://x.example\"\nkey = \"nonsense\"", "expected a verifier key");
}

#[test]
fn a_command_may_sign_in_the_place_of_a_key_in_a_file() {
    let scene = Scene::new();
    let key = scene.file("hsm.pem");
    let openssl = |arguments: &[&str]| {
        assert!(Command::new("openssl").args(arguments).output().unwrap().status.success(), "{arguments:?}");
    };
    openssl(&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", &key]);
    openssl(&["pkey", "-in", &key, "-pubout", "-out", &scene.file("hsm.pub.pem")]);
    let config = scene.file("config.toml");
    std::fs::write(&config, format!("[ledger]\nsigner = ['openssl', 'dgst', '-sha256', '-sign', '{key}']\n")).unwrap();
    let with = |arguments: &[&str]| scene.run(&[&["--config", &config], arguments].concat());
    let init = ["ledger", "init", "--origin", "sigma.example.org/log"];
    assert_eq!(with(&init).0, Some(2), "the public half is missing");
    let (code, _, err) = with(&[&init[..], &["--issuer-key", &scene.file("hsm.pub.pem")]].concat());
    assert_eq!(code, Some(0), "{err}");
    assert!(!Path::new(&scene.file("store/ledger/issuer.pem")).exists(), "no private key lies there");
    assert_eq!(with(&["ledger", "sync"]).0, Some(0));
    let (bundle, _) = scene.proven("pypi:demo@1.0");
    assert_eq!(scene.verify(&bundle, &[]).0, Some(0));
    // A command that signs with another key is found out before anything is logged.
    openssl(&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", &key]);
    scene.add("third");
    let (code, _, err) = with(&["audit", "--package", "pypi:third@1.0"]);
    assert_eq!(code, Some(2));
    assert!(err.contains("expected a DER signature by the configured key"), "{err}");
    assert_eq!(scene.run(&["ledger", "bundle", &scene.certificate("pypi:third@1.0")]).0, Some(3), "it waits");
}

/// `sigma serve` for as long as it is needed.
struct Server {
    child: std::process::Child,
    address: String,
}

impl Server {
    fn start(scene: &Scene) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("127.0.0.1:{port}");
        let child =
            scene.command(&["serve", "--no-worker", "--listen", &address]).stderr(Stdio::null()).spawn().unwrap();
        let server = Self { child, address };
        server.wait_for("/readyz", "200");
        server
    }

    /// Status and body; no status while it does not answer.
    fn get(&self, path: &str) -> (String, Vec<u8>) {
        let script = "import sys, urllib.request, urllib.error\n\
            try:\n a = urllib.request.urlopen(sys.argv[1]); print(a.status, a.headers['cache-control']); \
            sys.stdout.flush(); sys.stdout.buffer.write(a.read())\n\
            except urllib.error.HTTPError as e:\n print(e.code, None)\n";
        let url = format!("http://{}{path}", self.address);
        let output = Command::new("python3").args(["-c", script, &url]).output().unwrap();
        let text = output.stdout;
        let end = text.iter().position(|byte| *byte == b'\n').unwrap_or(0);
        (String::from_utf8(text[..end].to_vec()).unwrap(), text.get(end + 1..).unwrap_or_default().to_vec())
    }

    fn wait_for(&self, path: &str, status: &str) {
        for _ in 0..400 {
            if self.get(path).0.starts_with(status) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("{path} is not answered with {status}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
