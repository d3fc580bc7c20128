//! The binary as a user meets it: exit codes, output, and what survives a `kill -9`.

use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use sigma_testkit::{FakeEcosystem, Misbehaviour, NpmTarball, Wheel};
use tempfile::TempDir;

struct Scene {
    eco: FakeEcosystem,
    folder: TempDir,
}

impl Scene {
    fn new() -> Self {
        let scene = Self { eco: FakeEcosystem::start(), folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(scene.folder.path().join("project")).unwrap();
        scene
    }

    fn file(&self, name: &str, text: impl AsRef<[u8]>) -> &Self {
        std::fs::write(self.folder.path().join("project").join(name), text).unwrap();
        self
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sigma"));
        command
            .args(arguments)
            .current_dir(self.folder.path().join("project"))
            .env_clear()
            .env("HOME", self.folder.path())
            .env("SIGMA_STORE", self.folder.path().join("store"))
            .env("SIGMA_PYPI_INDEX", self.eco.pypi.index_url())
            .env("SIGMA_PYPI_JSON", self.eco.pypi.json_url())
            .env("SIGMA_NPM_REGISTRY", self.eco.npm.registry_url());
        command
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        Ran::from(self.command(arguments).output().unwrap())
    }
}

struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}{}", self.out, self.err))
    }
}

fn pure(name: &str, version: &str) -> Wheel {
    Wheel::new(name, version).file(&format!("{name}/__init__.py"), "VALUE = 1\n")
}

#[test]
fn each_outcome_has_its_exit_code() {
    let scene = Scene::new();
    scene.eco.pypi.add(pure("demo", "1.0").build());
    let code = |manifest: &str, arguments: &[&str]| {
        scene.file("requirements.txt", manifest);
        let ran = scene.run(arguments);
        assert!(!ran.err.contains("panicked"), "{}", ran.err);
        ran.code
    };
    assert_eq!(code("demo==1.0\n", &["audit"]), Some(0));
    assert_eq!(code("demo\n", &["audit"]), Some(1), "a refused declaration");
    assert_eq!(code("ghost==1.0\n", &["audit"]), Some(3), "an unknown package");
    assert_eq!(code("demo==9.0\n", &["audit"]), Some(3), "a version that does not exist");
    assert_eq!(code("# nothing\n", &["audit"]), Some(3), "nothing to check");
    assert_eq!(code("demo==1.0\n", &["audit", "--depth", "4"]), Some(2));
    assert_eq!(code("demo==1.0\n", &["audit", "nowhere"]), Some(2));
    assert_eq!(code("demo==1.0\n", &["audit", "--package", "cargo:serde@1.0"]), Some(2));
    assert_eq!(code("demo==1.0\n", &["audit", "--package", "pypi:demo@1.0"]), Some(0));
    assert_eq!(code("demo==1.0\n", &["audit", "--offline"]), Some(0), "known already");
    assert_eq!(code("demo<=1.0\n", &["audit", "--offline", "--store", "other"]), Some(3), "nothing known offline");
    assert_eq!(code("-r missing.txt\n", &["audit"]), Some(2));
    assert_eq!(code("demo==1.0\n", &["audit", "--require-advisories", "--fail-on", "monitored"]), Some(0));
    scene.eco.pypi.server.misbehave_everywhere(Misbehaviour::Status(503));
    assert_eq!(code("demo==1.0\n", &["audit", "--refresh", "--store", "fresh"]), Some(3), "nobody answers");
}

#[test]
fn json_has_the_names_of_the_specification() {
    let scene = Scene::new();
    scene.eco.pypi.add(pure("leaf", "1.2").build());
    scene.eco.pypi.add(pure("demo", "2.0").requires("leaf>=1").build());
    scene.file("requirements.txt", "demo>=1  # why not\n./local\n");
    let ran = scene.run(&["audit", "--format", "json"]);
    assert_eq!(ran.code, Some(1));
    assert_eq!(ran.err, "", "quiet when piped");
    let json = ran.json();
    insta::assert_json_snapshot!(json["preview"], @r#"
    {
      "enabled": true,
      "items": [
        {
          "cached": false,
          "dependencyType": "DIRECT",
          "estimatedComplexityTier": "standard",
          "estimatedPriceUsd": 2,
          "packageName": "demo",
          "packageVersion": "2.0",
          "registrySource": "pypi",
          "status": "CERTIFIED",
          "warnings": []
        },
        {
          "cached": false,
          "dependencyType": "DIRECT",
          "estimatedComplexityTier": null,
          "estimatedPriceUsd": 0,
          "packageName": "./local",
          "packageVersion": null,
          "registrySource": "pypi",
          "status": "REJECTED",
          "warnings": []
        }
      ],
      "packagesCertifiedFromCache": 0,
      "packagesRejected": 1,
      "packagesToAudit": 1,
      "packagesTotal": 2,
      "packagesUncertified": 0,
      "savingsUsd": 0,
      "transitiveDependenciesChecked": 1,
      "transitiveDependenciesUncertified": 0,
      "uncachedCostUsd": 4
    }
    "#);
    let show = scene.run(&["show", "pypi:demo@2.0", "--format", "json"]).json();
    let names = [
        "registrySource",
        "packageName",
        "packageVersion",
        "distributionSha256",
        "councilVerdict",
        "securityLevel",
        "retainedWarnings",
        "analysisType",
        "certifiedAt",
        "certificateId",
        "verifyEndpoint",
        "registryAdvisoryCount",
        "registryAdvisoryHighestSeverity",
        "registryAdvisorySummary",
        "registryAdvisories",
        "fileSetHash",
        "roundId",
    ];
    for name in names {
        assert!(show.get(name).is_some(), "{name} is missing");
    }
    let id = show["certificateId"].as_str().unwrap();
    assert_eq!(scene.run(&["show", id, "--format", "json"]).json(), show);
    assert_eq!(scene.run(&["show", "pypi:demo@2.1"]).code, Some(3));
}

#[test]
fn a_reader_that_goes_away_does_not_change_the_outcome() {
    let scene = Scene::new();
    scene.file("requirements.txt", "./refused\n");
    let mut child = scene.command(&["audit"]).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

/// The hash can be recomputed from the public answer: remove what is not part of it, canonicalise, keccak256.
#[test]
fn the_payload_hash_follows_from_the_public_answer() {
    let scene = Scene::new();
    scene.eco.npm.add(NpmTarball::new("@s/tool", "1.0.0").file("index.js", "module.exports = 1;\n").build());
    scene.run(&["audit", "--package", "npm:@s/tool@1.0.0"]);
    let mut show = scene.run(&["show", "npm:@s/tool@1.0.0", "--format", "json"]).json();
    assert!(show["verifyEndpoint"].as_str().unwrap().ends_with("/api/v1/public/packages/npm/@s%2Ftool/1.0.0/verify"));
    let object = show.as_object_mut().unwrap();
    let hash = object.remove("payloadHash").unwrap();
    for outside in ["certificateId", "payloadHashAlgorithm", "verifyEndpoint"] {
        object.remove(outside).unwrap();
    }
    let bytes = sigma_certificate::canonical_bytes(&show).unwrap();
    assert_eq!(hash, sigma_certificate::payload_hash(&bytes));
}

#[test]
fn hash_is_reproducible_with_a_shell() {
    let scene = Scene::new();
    scene.file("b.txt", "b\n").file("a.txt", "");
    std::fs::create_dir(scene.folder.path().join("project/.git")).unwrap();
    std::fs::write(scene.folder.path().join("project/.git/HEAD"), "ref").unwrap();
    let ran = scene.run(&["hash"]);
    let script = "find . -path ./.git -prune -o -type f -print | sed 's|^./||' | LC_ALL=C sort |
        while read -r f; do printf '%s%s' \"$f\" \"$(sha256sum < \"$f\" | cut -c1-64)\"; done | sha256sum | cut -c1-64";
    let shell =
        Command::new("sh").args(["-c", script]).current_dir(scene.folder.path().join("project")).output().unwrap();
    let expected = String::from_utf8(shell.stdout).unwrap();
    assert_eq!(ran.out, format!("{}  sha256-sorted-files-v1 over 2 files\n", expected.trim()));
    assert_eq!(scene.run(&["hash", "nowhere"]).code, Some(2));
}

/// Kills audits at many moments; whatever the store then holds must be whole, and the next audit must finish.
#[test]
fn kill_at_any_moment_leaves_no_half_certificate() {
    let scene = Scene::new();
    let mut manifest = String::new();
    for index in 0..8 {
        scene.eco.pypi.add(pure(&format!("p{index}"), "1.0").build());
        manifest.push_str(&format!("p{index}==1.0\n"));
    }
    scene.file("requirements.txt", &manifest);
    for moment in 0..12 {
        let mut child = scene.command(&["audit"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(15 + moment * 25));
        child.kill().unwrap();
        child.wait().unwrap();
        for index in 0..8 {
            let ran = scene.run(&["show", &format!("pypi:p{index}@1.0"), "--format", "json"]);
            // Reading a certificate checks that its bytes are those its id follows from.
            assert!(matches!(ran.code, Some(0 | 3)), "{}", ran.err);
        }
    }
    let ran = scene.run(&["audit", "--format", "json"]);
    assert_eq!((ran.code, ran.json()["decision"].as_str()), (Some(0), Some("pass")));
}

#[test]
fn bad_manifests_are_named_with_file_and_line() {
    let scene = Scene::new();
    let check = |name: &str, content: &[u8], says: &[&str]| {
        scene.file(name, content);
        let ran = scene.run(&["audit", name]);
        assert_eq!(ran.code, Some(2), "{name}: {}{}", ran.out, ran.err);
        for part in says {
            assert!(ran.err.contains(part), "{name}: {:?} does not say {part:?}", ran.err);
        }
    };
    check("latin.txt", b"demo==1.0\nd\xe9mo==1.0\n", &["latin.txt", "2", "UTF-8"]);
    check("package.json", br#"{"dependencies": {}, "dependencies": {}}"#, &["package.json", "dependencies"]);
    check("loop.txt", b"-r loop.txt\n", &["loop.txt"]);
    check("escape.txt", b"-r ../../outside.txt\n", &["escape.txt"]);
    let huge = vec![b'#'; 50 << 20];
    check("huge.txt", &huge, &["huge.txt", "8"]);
}
