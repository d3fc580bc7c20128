//! The binary as a user meets it: exit codes, output, and what survives a `kill -9`.

mod program;
mod ran;

use std::process::{Command, Stdio};
use std::time::Duration;

use sigma_testkit::{FakeEcosystem, Misbehaviour, NpmTarball, Wheel, fresh_postgres};
use tempfile::TempDir;

use program::sigma;
use ran::Ran;

struct Scene {
    eco: FakeEcosystem,
    folder: TempDir,
    database: Option<String>,
}

impl Scene {
    fn new() -> Self {
        let scene =
            Self { eco: FakeEcosystem::start(), folder: tempfile::tempdir().unwrap(), database: fresh_postgres() };
        std::fs::create_dir(scene.folder.path().join("project")).unwrap();
        scene
    }

    fn file(&self, name: &str, text: impl AsRef<[u8]>) -> &Self {
        std::fs::write(self.folder.path().join("project").join(name), text).unwrap();
        self
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = sigma(self.folder.path(), &self.eco, arguments);
        command
            .current_dir(self.folder.path().join("project"))
            .envs(self.database.as_ref().map(|url| ("SIGMA_DATABASE_URL", url)));
        command
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        Ran::from(self.command(arguments).output().unwrap())
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
    assert_eq!(ran.err.lines().count(), 1, "quiet when piped, but that it begins a store: {}", ran.err);
    assert_eq!(scene.run(&["audit", "--format", "json", "--preview"]).err, "");
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
          "warnings": [
            {
              "code": "not-eligible",
              "distribution": null,
              "evidence": null,
              "location": null,
              "message": "local path at requirements.txt:2: publish it and name a release on PyPI, or submit the code itself for review",
              "severity": "HIGH"
            }
          ]
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
    let outside = [
        "certificateId",
        "onChain",
        "operatorDecision",
        "payloadHashAlgorithm",
        "registryAdvisoryResolution",
        "status",
        "verifyEndpoint",
    ];
    for field in outside {
        object.remove(field).unwrap();
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
    assert_eq!(scene.run(&["worker", "--until-idle"]).code, Some(0), "the store begins");
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

/// What nothing innocent explains: a decoded payload that runs on import.
const PAYLOAD: &str = "import base64\nexec(base64.b64decode('cHJpbnQoMSk='))\n";

impl Scene {
    /// Writes a wheel into the project folder.
    fn wheel(&self, name: &str, wheel: Wheel) -> &Self {
        self.file(name, wheel.build().bytes)
    }
}

fn bad() -> Wheel {
    Wheel::new("bad", "1.0").file("bad/__init__.py", PAYLOAD)
}

#[test]
fn rules_are_listed_and_explained() {
    let scene = Scene::new();
    let list = scene.run(&["rules"]);
    assert_eq!(list.code, Some(0));
    assert!(list.out.contains("decoded-execution"), "{}", list.out);
    let json = scene.run(&["rules", "--format", "json"]).json();
    assert!(json.as_array().unwrap().iter().all(|rule| !rule["why"].as_str().unwrap().is_empty()));
    let one = scene.run(&["explain", "decoded-execution"]);
    for part in ["Why", "Innocent code", "Example", "BLOCKED", "installation"] {
        assert!(one.out.contains(part), "{part}: {}", one.out);
    }
    let levels = scene.run(&["explain", "decoded-execution", "--format", "json"]).json()["levels"].clone();
    assert!(levels.as_array().unwrap().iter().any(|row| row["level"] == "BLOCKED" && row["reach"] == "install"));
    let unknown = scene.run(&["explain", "decoded-exection"]);
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.err.contains("did you mean decoded-execution?"), "{}", unknown.err);
    assert_eq!(scene.run(&["explain", "no-such-thing-at-all"]).code, Some(2));
}

/// The page is made from the rules; whoever changes one makes it anew.
#[test]
fn the_page_of_rules_is_up_to_date() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/rules.md");
    let made = Scene::new().run(&["rules", "--format", "markdown"]).out;
    let written = std::fs::read_to_string(page).unwrap_or_default();
    assert!(made == written, "docs/rules.md is old: cargo run -p sigma -- rules --format markdown > docs/rules.md");
}

#[test]
fn scan_reads_archives_and_folders_without_network() {
    let scene = Scene::new();
    scene.eco.pypi.server.misbehave_everywhere(Misbehaviour::Status(503));
    scene.wheel("good-1.0-py3-none-any.whl", pure("good", "1.0")).wheel("bad-1.0-py3-none-any.whl", bad());
    let good = scene.run(&["scan", "good-1.0-py3-none-any.whl"]);
    assert_eq!((good.code, good.err.as_str()), (Some(0), ""), "{}", good.out);
    for part in ["CLEAR", "no certificate exists", "no advisories were asked", "1 of them source"] {
        assert!(good.out.contains(part), "{part}: {}", good.out);
    }
    let found = scene.run(&["scan", "bad-1.0-py3-none-any.whl"]);
    assert_eq!(found.code, Some(1));
    assert!(found.out.contains("bad/__init__.py:2"), "{}", found.out);
    assert_eq!(scene.run(&["scan", "good-1.0-py3-none-any.whl", "bad-1.0-py3-none-any.whl"]).code, Some(1));
    let json = scene.run(&["scan", "bad-1.0-py3-none-any.whl", "--format", "json"]).json();
    assert_eq!(json["scans"][0]["securityLevel"], "BLOCKED");
    assert_eq!(json["scans"][0]["report"]["distributions"][0]["coverage"]["parsed"], 1);
    assert!(
        scene.run(&["scan", ".", "--format", "markdown"]).out.starts_with("## SIGMA scan\n\n- ./bad-1"),
        "archives"
    );

    std::fs::create_dir_all(scene.folder.path().join("project/tree/src/bad")).unwrap();
    scene
        .file("tree/pyproject.toml", "[project]\nname = \"bad\"\nversion = \"1\"\n")
        .file("tree/src/bad/__init__.py", PAYLOAD);
    scene.file("tree/package.json", "{\"name\": \"bad\", \"version\": \"1.0.0\"}").file("tree/x.zip", "PK\u{3}\u{4}");
    let tree = scene.run(&["scan", "tree"]);
    assert_eq!(tree.code, Some(1), "{}", tree.out);
    for part in ["tree/src/bad/__init__.py:2", "as sdist", "as npm-tarball", "tree/x.zip"] {
        assert!(tree.out.contains(part), "{part}: {}", tree.out);
    }
    scene.file("tree/src/bad/unused.py", PAYLOAD);
    let entered = scene.run(&["scan", "tree", "--entry", "src/bad/__init__.py", "--coverage"]);
    for part in ["(reached from the entry point)", "(not reached from the entry point)"] {
        assert!(entered.out.contains(part), "{part}: {}", entered.out);
    }
    for part in ["parsed        tree/src/bad/unused.py  (complete)", "tree/pyproject.toml  (a text in no language"] {
        assert!(entered.out.contains(part), "{part}: {}", entered.out);
    }
    let json = scene.run(&["scan", "tree", "--coverage", "--format", "json"]).json();
    assert_eq!(json["scans"][0]["files"][0][0]["state"], "text-scanned");
    assert_eq!(scene.run(&["scan", "tree", "--entry", "src/none.py"]).code, Some(2));
    assert_eq!(scene.run(&["scan", "nowhere"]).code, Some(2));
    assert_eq!(scene.run(&["scan", "tree/pyproject.toml"]).code, Some(2), "not an archive");
    assert_eq!(scene.run(&["scan"]).code, Some(2));
    assert!(!scene.folder.path().join("store").exists(), "a scan needs no store");
}

const LOCAL: &str = r#"
[[rule]]
id = "acme-beacon"
severity = "critical"
category = "network"
message = "Talks to the retired telemetry host."
match = { text = "telemetry.acme.test" }
hit = [{ path = "a.py", text = "HOST = 'telemetry.acme.test'" }]
miss = [{ path = "a.py", text = "HOST = 'www.acme.test'" }]
"#;

#[test]
fn operators_rules_are_checked_run_and_named_in_certificates() {
    let scene = Scene::new();
    let beacon = || Wheel::new("demo", "1.0").file("demo/__init__.py", "HOST = 'telemetry.acme.test'\n");
    scene.eco.pypi.add(beacon().build());
    scene.wheel("demo-1.0-py3-none-any.whl", beacon()).file("requirements.txt", "demo==1.0\n");
    std::fs::create_dir(scene.folder.path().join("project/own")).unwrap();
    assert_eq!(scene.run(&["audit"]).code, Some(0));

    let empty = scene.run(&["audit", "--rules", "own"]);
    assert!(empty.code == Some(2) && empty.err.contains("no rules in own"), "{}", empty.err);
    scene.file("own/acme.toml", LOCAL.replace("critical", "dreadful"));
    let wrong = scene.run(&["scan", ".", "--rules", "own"]);
    assert!(
        wrong.code == Some(2) && wrong.err.contains("own/acme.toml:4:12: unknown variant `dreadful`"),
        "{}",
        wrong.err
    );
    scene.file("own/acme.toml", LOCAL);
    let scan = scene.run(&["scan", "demo-1.0-py3-none-any.whl", "--rules", "own"]);
    assert!(scan.code == Some(1) && scan.out.contains("[local/acme-beacon]"), "{}", scan.out);
    assert!(scan.out.contains("+local."), "the ruleset is named: {}", scan.out);

    let audit = scene.run(&["audit", "--rules", "own"]);
    assert_eq!(audit.code, Some(1), "not the certificate that was made without them: {}", audit.out);
    assert_eq!(scene.run(&["audit"]).code, Some(0), "and not the other way round");
    let both = scene.run(&["show", "pypi:demo@1.0", "--format", "json"]).json();
    let rulesets: Vec<&str> =
        both.as_array().unwrap().iter().map(|one| one["rulesetVersion"].as_str().unwrap()).collect();
    assert!(rulesets.iter().any(|name| name.contains("+local.")) && rulesets.iter().any(|name| !name.contains('+')));
    assert!(both.as_array().unwrap().iter().all(|one| one["supersedes"].is_null()), "{both:#}");
    assert!(scene.run(&["rules", "--rules", "own"]).out.contains("local/acme-beacon"));
    assert!(scene.run(&["explain", "local/acme-beacon", "--rules", "own"]).out.contains("own/acme.toml"));
}

#[test]
fn waivers_change_the_decision_and_nothing_else() {
    let scene = Scene::new();
    scene.eco.pypi.add(bad().build());
    scene.wheel("bad-1.0-py3-none-any.whl", bad()).file("requirements.txt", "bad==1.0\n");
    let digest = sigma_core::Sha256::of(PAYLOAD.as_bytes()).to_string();
    let soon = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date().tomorrow().unwrap();
    let waiver = |sha256: &str, until: &str, more: &str| {
        let text = format!(
            "[[waiver]]\nrule = \"decoded-execution\"\npackage = \"pypi:bad\"\npath = \"bad/__init__.py\"\n\
             sha256 = \"{sha256}\"\nowner = \"sec@acme.test\"\nreason = \"our own loader\"\nexpires = \"{until}\"\n{more}"
        );
        scene.file("w.toml", text);
    };
    let check = |code: i32, says: &str| {
        for arguments in
            [&["audit", "--waivers", "w.toml"][..], &["scan", "bad-1.0-py3-none-any.whl", "--waivers", "w.toml"]]
        {
            let ran = scene.run(arguments);
            assert_eq!(ran.code, Some(code), "{arguments:?} {}{}", ran.out, ran.err);
            assert!(ran.out.contains(says) && ran.out.contains("BLOCKED"), "{says}: {}", ran.out);
        }
    };
    waiver(&digest, &soon.to_string(), "allow-blocked = true\n");
    check(0, "waived by sec@acme.test until");
    waiver(&digest, &soon.to_string(), "");
    check(1, "needs allow-blocked = true");
    waiver(&digest, "2024-02-29", "allow-blocked = true\n");
    check(1, "expired, not applied");
    waiver(&digest.replace('a', "b"), &soon.to_string(), "allow-blocked = true\n");
    check(1, "the file changed, its sha256 is now");
    let json = scene.run(&["audit", "--waivers", "w.toml", "--format", "json"]).json();
    assert_eq!(json["waivers"][0]["state"], "content-changed");
    scene.file("w.toml", "[[waiver]]\nrule = \"x\"\n");
    let wrong = scene.run(&["audit", "--waivers", "w.toml"]);
    assert!(wrong.code == Some(2) && wrong.err.contains("w.toml:1:1: missing field"), "{}", wrong.err);
    assert_eq!(scene.run(&["audit", "--waivers", "gone.toml"]).code, Some(2));
}

#[test]
fn a_database_that_is_none_is_refused_without_its_password() {
    let ran = Scene::new().run(&["store", "copy", "--to", "mysql://me:hunter2@db/sigma"]);
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    assert!(ran.err.contains("expected postgres://") && !ran.err.contains("hunter2"), "{}", ran.err);
}

/// Whatever the command: everything that is wrong, where it stands and what is expected there.
#[test]
fn a_configuration_that_is_none_is_explained_by_every_command() {
    let scene = Scene::new();
    scene.file("c.toml", "[server]\nburst = \"many\"\nburts = 5\n[sandbox]\ntier = \"best\"\n");
    for command in [["token", "list"], ["config", "check"]] {
        let ran = scene.run(&[&command[..], &["--config", "c.toml"]].concat());
        assert_eq!(ran.code, Some(2), "{command:?}");
        let lines = [
            "c.toml:2: server.burst: got \"many\", expected a whole number from 0 to 4294967295; the default is 500",
            "c.toml:3: unknown key `server.burts`; did you mean `server.burst`?",
            "c.toml:5: sandbox.tier: got \"best\", expected one of auto, namespaces, filtered; the default is \"auto\"",
        ];
        let told: Vec<&str> = ran.err.lines().map(str::trim).filter(|line| line.starts_with("c.toml")).collect();
        assert_eq!(told, lines, "{command:?}: {}", ran.err);
    }
    scene.file("c.toml", "[provenance]\ntrusted_root = \"gone.json\"\n[review]\nauthorities = \"gone.pem\"\n");
    let ran = scene.run(&["config", "check", "--config", "c.toml"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("gone.json") && ran.err.contains("gone.pem"), "{}", ran.err);
}

/// A mistyped store is no new one: who looks, decides or administers begins none, and who does begin one says so, once.
#[test]
fn a_store_that_is_not_there_is_begun_by_those_alone_who_fill_it() {
    let scene = Scene::new();
    scene.eco.pypi.add(pure("demo", "1.0").build());
    scene.file("top.txt", (0..100).map(|number| format!("name-{number}\n")).collect::<String>());
    let why = ["--by", "ada", "--reason", "because"];
    let with = |command: &'static [&'static str]| [command, &why[..]].concat();
    let looking: Vec<Vec<&str>> = vec![
        vec!["token", "list"],
        vec!["token", "create", "--owner", "ada", "--scope", "read"],
        vec!["token", "revoke", "sgm_abcdefgh"],
        vec!["jobs", "list"],
        with(&["jobs", "retry", "job_x"]),
        vec!["log"],
        vec!["show", "pypi:demo@1.0"],
        vec!["reproduce", "pkg_x"],
        vec!["certificate", "log", "pkg_x"],
        with(&["certificate", "revoke", "pkg_x"]),
        with(&["certificate", "reaudit", "pkg_x"]),
        vec!["escalations", "list"],
        with(&["escalations", "decide", "esc_x", "--block"]),
        vec!["flags", "list"],
        with(&["flags", "settle", "flg_x", "--outcome", "upheld"]),
        vec!["stats", "refresh", "pypi", "top.txt", "--source", "ours", "--taken-on", "2020-01-01"],
        vec!["ledger", "init", "--origin", "sigma.example.org/log"],
        vec!["ledger", "sync"],
        vec!["store", "backup", "backup"],
        vec!["store", "upload"],
        vec!["store", "copy", "--to", "postgres://nobody@127.0.0.1:9/sigma"],
    ];
    let store = scene.folder.path().join("store");
    let place = match &scene.database {
        None => format!(
            "there is no store at {}: it holds no sigma.sqlite; name the right one with --store",
            store.display()
        ),
        Some(_) => "there is no store in the PostgreSQL database: it has no tables of one; name the right one with \
                    --database-url (SIGMA_DATABASE_URL)"
            .to_owned(),
    };
    for command in &looking {
        let ran = scene.run(command);
        assert_eq!(ran.code, Some(2), "{command:?}: {}{}", ran.out, ran.err);
        assert!(ran.err.contains(&place), "{command:?}: {}", ran.err);
        assert!(ran.err.contains("or begin one there with `sigma serve`"), "{}", ran.err);
        assert!(!store.exists(), "{command:?} made something");
    }
    let audit = ["audit", "--package", "pypi:demo@1.0"];
    let first = scene.run(&audit);
    assert_eq!(first.code, Some(0), "{}", first.err);
    assert_eq!(first.err.matches("a new store begins ").count(), 1, "{}", first.err);
    assert!(!scene.run(&audit).err.contains("a new store"), "once");
    for command in [&["token", "list"][..], &["jobs", "list"], &["show", "pypi:demo@1.0"]] {
        assert_eq!(scene.run(command).code, Some(0), "{command:?}");
    }

    let other = Scene::new();
    let worker = |scene: &Scene| scene.run(&["worker", "--until-idle"]).err;
    assert_eq!(worker(&other).matches("a new store begins ").count(), 1);
    assert!(!worker(&other).contains("a new store"));
    if other.database.is_none() {
        // A database that a process did not live to fill, and another name for the folder.
        std::fs::create_dir(other.folder.path().join("empty")).unwrap();
        std::fs::write(other.folder.path().join("empty/sigma.sqlite"), "").unwrap();
        for (name, why) in [("../empty", "its sigma.sqlite is empty"), ("../sotre", "it holds no sigma.sqlite")] {
            let ran = other.run(&["token", "list", "--store", name]);
            assert!(ran.code == Some(2) && ran.err.contains(why), "{}", ran.err);
        }
    }
}

#[test]
fn a_list_of_packages_is_not_of_a_day_to_come() {
    let scene = Scene::new();
    assert_eq!(scene.run(&["worker", "--until-idle"]).code, Some(0));
    scene.file("top.txt", (0..150).map(|number| format!("name-{number}\n")).collect::<String>());
    let refresh = |day| scene.run(&["stats", "refresh", "pypi", "top.txt", "--source", "ours", "--taken-on", day]);
    let made = refresh("2020-01-01");
    assert_eq!((made.code, made.out.as_str()), (Some(0), "PyPI: 150 names of 2020-01-01 (ours)\n"), "{}", made.err);
    let ran = refresh("9000-01-01");
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("9000-01-01 is still to come"), "{}", ran.err);
}

#[test]
fn distributions_are_put_into_the_bucket_that_is_configured() {
    let scene = Scene::new();
    scene.eco.pypi.add(pure("demo", "1.0").build());
    scene.file("requirements.txt", "demo==1.0\n");
    assert_eq!(scene.run(&["audit"]).code, Some(0));
    let none = scene.run(&["store", "upload"]);
    assert_eq!(none.code, Some(2));
    assert!(none.err.contains("no url in [blobs]"), "{}", none.err);

    scene.file("sigma.toml", "[blobs]\nurl = \"memory:///distributions\"\n");
    let put = scene.run(&["store", "upload", "--config", "sigma.toml"]);
    assert_eq!((put.code, put.err.as_str()), (Some(0), ""));
    assert!(put.out.contains("        1  put into the bucket\n"), "{}", put.out);

    // By variable, beside one that is no text.
    let mut command = scene.command(&["store", "upload"]);
    let odd = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"\xff");
    let put =
        Ran::from(command.env("SIGMA_BLOBS_URL", "memory:///distributions").env("AWS_PROFILE", odd).output().unwrap());
    assert_eq!((put.code, put.err.as_str()), (Some(0), ""));
    assert!(put.out.contains("        1  put into the bucket\n"), "{}", put.out);
}

/// Runs where there is a PostgreSQL to test with; `./test` starts one.
#[test]
fn a_store_moves_from_sqlite_to_postgresql_with_its_certificates() {
    let Some(url) = fresh_postgres() else {
        eprintln!("skipped: SIGMA_TEST_POSTGRES names no server");
        return;
    };
    let scene = Scene { database: None, ..Scene::new() };
    scene.eco.pypi.add(pure("demo", "1.0").build());
    scene.file("requirements.txt", "demo==1.0\n");
    assert_eq!(scene.run(&["audit"]).code, Some(0));

    let copied = scene.run(&["store", "copy", "--to", &url]);
    assert_eq!((copied.code, copied.err.as_str()), (Some(0), ""), "{}", copied.out);
    assert!(copied.out.contains("        1  certificate\n"), "{}", copied.out);

    let downloads = scene.eco.pypi.downloads();
    let moved = scene.run(&["audit", "--format", "json", "--database-url", &url]);
    assert_eq!(moved.json()["preview"]["packagesCertifiedFromCache"], 1, "{}", moved.out);
    assert_eq!(scene.eco.pypi.downloads(), downloads, "nothing is audited again");
}
