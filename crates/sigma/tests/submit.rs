//! Reviews of code as a user meets them: a repository on a git host of loopback, packages of a fake ecosystem, and a run in the
//! real sandbox, which this program supervises itself.

mod program;
mod ran;

#[path = "submitted/examples.rs"]
mod examples;

use std::path::{Path, PathBuf};
use std::process::Command;

use sigma_testkit::{FakeEcosystem, GitHost, GitRepository, Wheel};
use tempfile::TempDir;

use program::sigma;
use ran::Ran;

struct Scene {
    eco: FakeEcosystem,
    folder: TempDir,
    host: GitHost,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let repositories = folder.path().join("repositories");
        std::fs::create_dir(&repositories).unwrap();
        let host = GitHost::git(&repositories);
        let scene = Self { eco: FakeEcosystem::start(), folder, host };
        let config = format!("[review]\nhosts = [\"{}\"]\nask_endpoints = false\n", scene.host.address);
        std::fs::write(scene.folder.path().join("config.toml"), config).unwrap();
        scene
    }

    /// A repository with the files of one of the examples at `main`; its address.
    fn example(&self, name: &str) -> String {
        let repository = GitRepository::new(&self.folder.path().join("repositories"), &format!("example/{name}"));
        repository.folder("main", &example(name));
        self.host.url(&format!("example/{name}"))
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        Ran::from(self.command(arguments).output().unwrap())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = sigma(self.folder.path(), &self.eco, arguments);
        command
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("SIGMA_CONFIG", self.folder.path().join("config.toml"));
        command
    }
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name)
}

/// What stands in for the real package: it asks as the real one does.
const REQUESTS: &str = "import urllib.request\n\n\nclass RequestException(OSError):\n    pass\n\n\n\
    def get(url, params=None, timeout=None):\n    return urllib.request.urlopen(url, timeout=timeout)\n";

#[test]
fn a_skill_with_packages_is_run_and_certified() {
    let scene = Scene::new();
    scene.eco.pypi.add(Wheel::new("requests", "2.32.3").file("requests/__init__.py", REQUESTS).build());
    let url = scene.example("weather-skill");
    let arguments =
        ["submit", "--repo", &url, "--commit", "main", "--category", "SKILL+CODE+PACKAGES", "--entry", "main.py"];
    let first = scene.run(&[&arguments[..], &["--format", "json"]].concat());
    assert_eq!(first.code, Some(0), "{}{}", first.out, first.err);
    let certificate = first.json();
    assert_eq!(
        (&certificate["certificateSchemaVersion"], &certificate["councilVerdict"]),
        (&4.into(), &"APPROVED".into())
    );
    let execution = &certificate["codeReview"]["execution"];
    assert_eq!(
        (&execution["status"], &execution["sandboxTier"]),
        (&"completed".into(), &"namespaces".into()),
        "{execution:#}"
    );
    assert_eq!((&execution["functionsReached"], &execution["functionsTotal"]), (&3.into(), &3.into()), "{execution:#}");
    let hosts: Vec<&str> =
        execution["network"].as_array().unwrap().iter().filter_map(|one| one["host"].as_str()).collect();
    assert!(hosts.contains(&"geocoding-api.open-meteo.com"), "{execution:#}");
    assert_eq!(certificate["codeReview"]["preProcessor"]["manifestDelta"]["undeclaredHosts"], serde_json::json!([]));
    assert_eq!(certificate["packageAnalysis"]["packages"][0]["securityLevel"], "CLEAR");

    // The same again is the same certificate, and nothing is fetched or run.
    let downloads = scene.eco.pypi.downloads();
    let again = scene.run(&[&arguments[..], &["--format", "json"]].concat());
    assert_eq!((again.code, &again.json()["certificateId"]), (Some(0), &certificate["certificateId"]));
    assert!(again.err.starts_with("certified before"), "{}", again.err);
    assert_eq!(scene.eco.pypi.downloads(), downloads);
    let id = certificate["certificateId"].as_str().unwrap();
    let shown = scene.run(&["show", id]);
    assert_eq!(shown.code, Some(0));
    assert!(shown.out.contains("https://api.open-meteo.com/v1/forecast"), "{}", shown.out);

    // Anybody computes the same hash: with this program, and with a shell.
    let hash = certificate["codeReview"]["sourceIntegrity"]["codeFilesHash"].as_str().unwrap();
    let ours = scene.run(&["hash", example("weather-skill").to_str().unwrap()]);
    assert!(ours.out.contains(hash), "{}", ours.out);
    assert_eq!(shell(&scene, &example("weather-skill")), hash);
}

/// The lines of docs/submissions.md, in a checkout.
fn shell(scene: &Scene, files: &Path) -> String {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/submissions.md");
    let text = std::fs::read_to_string(document).unwrap();
    let start = text.find("cd FOLDER && ").unwrap();
    let script = text[start..].split("```").next().unwrap();
    let checkout = scene.folder.path().join("checkout");
    let script = format!(
        "set -e; cp -r '{}' '{checkout}'; cd '{checkout}'; git init -q .; git add -A; cd ..\n{}",
        files.display(),
        script.replace("FOLDER", "checkout"),
        checkout = checkout.display()
    );
    let output = Command::new("sh").args(["-c", &script]).current_dir(scene.folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().split(' ').next().unwrap().to_owned()
}

/// A skill without code: the hash of its SKILL.md is that of its certificate, by this program and by a shell.
#[test]
fn a_skill_alone_is_identified_by_its_manifest() {
    let scene = Scene::new();
    let text = "---\r\nname: guide\r\ndescription: Guides.\r\n---\r\n\r\n# Guide\n";
    let repository = GitRepository::new(&scene.folder.path().join("repositories"), "example/guide");
    repository.set("refs/heads/main", &repository.files(&[("SKILL.md", text.as_bytes())]));
    let ran =
        scene.run(&["submit", "--repo", &scene.host.url("example/guide"), "--category", "SKILL", "--format", "json"]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    let certified = ran.json()["manifest"]["sha256"].as_str().unwrap().to_owned();
    std::fs::write(scene.folder.path().join("SKILL.md"), text).unwrap();
    let ours = scene.run(&["hash", "SKILL.md"]);
    assert_eq!((ours.code, ours.out), (Some(0), format!("{certified}  sha256-lf over SKILL.md\n")));
    let json = scene.run(&["hash", "SKILL.md", "--format", "json"]).json();
    assert_eq!((&json["manifestHash"], &json["algorithm"]), (&certified.clone().into(), &"sha256-lf".into()));
    // The line of docs/submissions.md.
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/submissions.md");
    let line = "tr -d '\\r' < SKILL.md | sha256sum";
    assert!(std::fs::read_to_string(document).unwrap().contains(line), "docs/submissions.md does not say `{line}`");
    let shell = Command::new("sh").args(["-c", line]).current_dir(scene.folder.path()).output().unwrap();
    assert!(String::from_utf8(shell.stdout).unwrap().starts_with(&certified));
    std::fs::write(scene.folder.path().join("main.py"), "").unwrap();
    let other = scene.run(&["hash", "main.py"]);
    assert!(other.code == Some(2) && other.err.contains("expected a folder, or a SKILL.md"), "{}", other.err);
}

#[test]
fn what_steals_is_blocked_by_what_it_is_and_by_what_it_does() {
    let scene = Scene::new();
    let url = scene.example("stealing-skill");
    let ran =
        scene.run(&["submit", "--repo", &url, "--category", "SKILL+CODE", "--entry", "main.py", "--format", "json"]);
    assert_eq!(ran.code, Some(1), "{}{}", ran.out, ran.err);
    let certificate = ran.json();
    assert_eq!(certificate["review"]["securityLevel"], "BLOCKED");
    let errors = certificate["review"]["retainedErrors"].to_string();
    assert!(errors.contains("credential-exfiltration"), "{errors}");
    let execution = &certificate["codeReview"]["execution"];
    assert!(execution["networkAttempts"].as_u64().unwrap() > 0, "{execution:#}");
    assert!(execution["description"].as_str().unwrap().contains("~/.aws/credentials"), "{execution:#}");
}

#[test]
fn a_rehearsal_says_the_same_and_certifies_nothing() {
    let scene = Scene::new();
    let folder = example("hash-tool");
    let folder = folder.to_str().unwrap();
    let ran = scene.run(&["review", folder, "--category", "CODE", "--entry", "main.py"]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("nothing is certified"), "{}", ran.out);
    let ran = scene.run(&["review", folder, "--category", "CODE", "--entry", "main.py", "--no-run"]);
    assert!(ran.out.contains("The code was not run: --no-run was given."), "{}", ran.out);
    let list = scene.run(&["escalations", "list"]);
    assert_eq!(list.out, "nothing waits for a decision\n");
}

#[test]
fn what_cannot_be_reviewed_says_everything_at_once() {
    let scene = Scene::new();
    let folder = scene.folder.path().join("bad");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("notes.txt"), "x").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", folder.join("link")).unwrap();
    let path = folder.to_str().unwrap();
    assert_eq!(scene.run(&["worker", "--until-idle"]).code, Some(0), "the store begins");
    let ran = scene.run(&["review", path, "--category", "SKILL+CODE+PACKAGES", "--entry", "notes.txt"]);
    assert_eq!(ran.code, Some(2), "{}{}", ran.out, ran.err);
    assert!(ran.err.starts_with("error: this cannot be reviewed as it is:\n"), "{}", ran.err);
    assert!(ran.err.lines().count() >= 3, "{}", ran.err);
    let ran = scene.run(&["submit", "--repo", "https://github.com/a/b", "--category", "CODE", "--entry", "a.py"]);
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    assert!(ran.err.contains("got host `github.com`"), "{}", ran.err);
    let ran =
        scene.run(&["submit", "--repo", &scene.host.url("example/none"), "--category", "CODE", "--entry", "a.py"]);
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    assert!(ran.err.contains("does not exist or is not public"), "{}", ran.err);
}
