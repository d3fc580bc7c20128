//! `sigma serve` beside other processes on the same store: what one decides, the other shows.

mod program;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use sigma_testkit::{FakeEcosystem, Wheel, fresh_postgres};
use tempfile::TempDir;

use program::sigma;

struct Scene {
    eco: FakeEcosystem,
    folder: TempDir,
    database: Option<String>,
}

impl Scene {
    fn new() -> Self {
        Self { eco: FakeEcosystem::start(), folder: tempfile::tempdir().unwrap(), database: fresh_postgres() }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = sigma(self.folder.path(), &self.eco, arguments);
        command.envs(self.database.as_ref().map(|url| ("SIGMA_DATABASE_URL", url)));
        command
    }

    /// Runs a command; its exit code and what it printed.
    fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = self.command(arguments).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        (output.status.code(), text)
    }
}

struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(scene: &Scene) -> Self {
        let mut command = scene.command(&["serve", "--listen", "127.0.0.1:0", "--log-format", "json"]);
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let line = lines.next().expect("a line of the log").unwrap();
        let log: Value = serde_json::from_str(&line).unwrap();
        let address = log["fields"]["server.address"].as_str().unwrap().to_owned();
        // Whoever writes to a closed pipe fails.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address }
    }

    fn get(&self, path: &str) -> (u16, Value) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), serde_json::from_str(body).unwrap())
    }

    /// Stops it as an init system does.
    fn stop(mut self) -> Option<i32> {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(asked.success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

#[test]
fn another_process_audits_and_revokes() {
    let scene = Scene::new();
    scene.eco.pypi.add(Wheel::new("demo", "1.0").file("demo/__init__.py", "VALUE = 1\n").build());
    let server = Server::start(&scene);
    let path = "/api/v1/public/packages/pypi/demo/1.0";
    assert_eq!(server.get(path).0, 404);

    assert_eq!(scene.run(&["audit", "--package", "pypi:demo@1.0"]).0, Some(0));
    let (status, json) = server.get(path);
    assert_eq!((status, &json["status"]), (200, &"ACTIVE".into()), "{json:#}");
    let id = json["certificateId"].as_str().unwrap();

    let decide = ["certificate", "revoke", id, "--reason", "taken over", "--by", "ada"];
    assert_eq!(scene.run(&decide).0, Some(0));
    // PostgreSQL's notification takes a moment; SQLite is asked at each request.
    let began = Instant::now();
    let shown = loop {
        let json = server.get(path).1;
        if json["status"] == "REVOKED" || scene.database.is_none() || began.elapsed() > Duration::from_secs(5) {
            break json;
        }
    };
    assert_eq!((&shown["status"], &shown["securityLevel"]), (&"REVOKED".into(), &"BLOCKED".into()), "{shown:#}");

    let (code, text) = scene.run(&["audit", "--package", "pypi:demo@1.0"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("REVOKED by an operator: taken over"), "{text}");
    let (_, text) = scene.run(&["show", id]);
    assert!(text.contains("REVOKED") && text.contains("sealed as"), "{text}");
    let (code, text) = scene.run(&["certificate", "log", id]);
    assert!(code == Some(0) && text.contains("revoked by ada: taken over"), "{text}");
    assert_eq!(scene.run(&["certificate", "revoke", "pkg_none", "--reason", "x", "--by", "y"]).0, Some(3));
    assert_eq!(scene.run(&["certificate", "revoke", id, "--reason", " ", "--by", "y"]).0, Some(2));
    assert_eq!(server.stop(), Some(0));
}

/// What submissions save is written down once, however often they are repeated.
#[test]
fn savings_are_booked_once() {
    let scene = Scene::new();
    scene.eco.pypi.add(Wheel::new("demo", "1.0").file("demo/__init__.py", "VALUE = 1\n").build());
    for project in ["one", "two"] {
        std::fs::create_dir(scene.folder.path().join(project)).unwrap();
        std::fs::write(scene.folder.path().join(project).join("requirements.txt"), "demo==1.0\n").unwrap();
    }
    for project in ["one", "one", "two", "two", "one"] {
        assert_eq!(scene.run(&["audit", project]).0, Some(0));
    }
    let server = Server::start(&scene);
    let (_, stats) = server.get("/api/v1/public/packages/stats");
    assert_eq!(stats["totalPackagesCertified"], 1);
    assert_eq!(stats["codeSubmissionsWithPackages"], 2);
    assert_eq!(stats["totalSubmissionsBenefitingFromCache"], 1);
    assert_eq!(stats["totalCostSavedUsd"], 2);
    assert_eq!(server.stop(), Some(0));
}
