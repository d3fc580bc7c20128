//! One file: a wheel, an sdist, a tarball, good and tampered with.

use super::scene::{Scene, bad, built, demo, left, scoped};

#[test]
fn a_file_is_proven_by_the_certificate_that_covers_its_bytes() {
    let scene = Scene::new();
    for (file, package) in [(demo(), "pypi:demo@1.0"), (built(), "pypi:built@1.0"), (left(), "npm:left@1.0.0")] {
        let path = scene.write(&format!("files/{}", file.filename), &file.bytes);
        let answer = scene.ask(&["verify", path.to_str().unwrap()]);
        answer.check(0, package, "proven", "certified as");
        let checks = answer.package(package)["checks"].as_array().unwrap().clone();
        let proven = checks.iter().filter(|check| check["state"] == "proven").count();
        assert_eq!(proven, 10, "all but witnesses: {checks:#?}");
        assert_eq!(answer.json["outcome"], "proven");
        assert_eq!(answer.json["status"]["fresh"], true);
    }
    // A scope is not in the file's name: its bytes are enough.
    let path = scene.write("files/tool-2.0.0.tgz", &scoped().bytes);
    let answer = scene.ask(&["verify", path.to_str().unwrap()]);
    assert_eq!(answer.json["outcome"], "proven", "{:#}", answer.json);
    let path = scene.write("files/renamed", &demo().bytes);
    assert_eq!(scene.ask(&["verify", path.to_str().unwrap()]).code, Some(0));

    // One byte more is another file, and the certificate of the file of this name says so.
    let changed = scene.write("changed/demo-1.0-py3-none-any.whl", [&demo().bytes[..], b"x"].concat());
    scene.ask(&["verify", changed.to_str().unwrap()]).check(1, "pypi:demo@1.0", "failed", "these are other bytes");
    let unknown = scene.write("changed/other-1.0-py3-none-any.whl", b"PK");
    scene.ask(&["verify", unknown.to_str().unwrap()]).check(3, "pypi:other@1.0", "undecided", "not certified");
    let blocked = scene.write("changed/bad-1.0-py3-none-any.whl", &bad().bytes);
    scene.ask(&["verify", blocked.to_str().unwrap()]).check(1, "pypi:bad@1.0", "failed", "certified as BLOCKED");
    let strict = scene.ask(&["verify", path.to_str().unwrap(), "--fail-on", "clear"]);
    strict.check(1, "pypi:demo@1.0", "failed", "certified as CLEAR");

    scene.revoke("pypi:demo@1.0");
    let path = scene.write("files/demo-1.0-py3-none-any.whl", &demo().bytes);
    scene.ask(&["verify", path.to_str().unwrap()]).check(1, "pypi:demo@1.0", "failed", "REVOKED");
    // An operator's block holds for the package, whichever of its files is asked about.
    let id = scene.certificate("npm:left@1.0.0");
    assert_eq!(scene.run(&["certificate", "block", &id, "--reason", "stolen", "--by", "ada"]).0, Some(0));
    scene.sync();
    let path = scene.write("files/left-1.0.0.tgz", [&left().bytes[..], b"x"].concat());
    scene.ask(&["verify", path.to_str().unwrap()]).check(1, "npm:left@1.0.0", "failed", "BLOCKED");
}

#[test]
fn the_screen_says_what_was_proven_by_what_and_what_was_not() {
    let scene = Scene::new();
    let path = scene.write("demo-1.0-py3-none-any.whl", &demo().bytes);
    let (code, out, _) = scene.run(&["verify", path.to_str().unwrap()]);
    assert_eq!(code, Some(0));
    for expected in [
        "(pinned)",
        "none of it is believed",
        "proven      signature",
        "proven      inclusion",
        "not proven  witnesses",
        "not proven by any of this",
        "That no newer certificate speaks otherwise",
        "\nPROVEN\n",
    ] {
        assert!(out.contains(expected), "{expected}: {out}");
    }
    assert!(out.lines().count() <= 25, "one screen: {out}");
}

/// The implementation in Python says the same of bundles and of lists of files.
#[test]
fn python_agrees() {
    let found =
        std::env::var_os("SIGMA_TEST_VERIFIERS").map(|folder| std::path::Path::new(&folder).join("python/bin/python"));
    let Some(python) = found.filter(|python| python.exists()) else {
        println!("skipped: run crates/ledger/tests/install-verifiers and set SIGMA_TEST_VERIFIERS");
        return;
    };
    let scene = Scene::new();
    let folder = scene.bundles();
    let id = scene.certificate("pypi:demo@1.0");
    let (_, bundle, _) = scene.run(&["ledger", "bundle", &id]);
    let lists = std::fs::read_to_string(folder.join(format!("{id}.files.json"))).unwrap();
    let wheel = scene.write("demo-1.0-py3-none-any.whl", &demo().bytes);
    let twin = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/verify/verify.py");
    let ask = |bundle: &str, lists: &str| {
        let (bundle, lists) = (scene.write("twin/b.json", bundle), scene.write("twin/l.files.json", lists));
        let mut command = std::process::Command::new(&python);
        command
            .arg(twin)
            .arg("--root")
            .arg(scene.root())
            .arg("--file")
            .arg(&wheel)
            .arg("--files")
            .arg(lists)
            .arg(bundle);
        let output = command.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let answer: serde_json::Value =
            serde_json::from_str(&text).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        (output.status.code(), answer["outcome"].clone(), answer["files"].as_str().unwrap_or_default().to_owned())
    };
    let ours = |lists: &str| {
        scene.write("twin/l.files.json", lists);
        let root = scene.root();
        scene.venv("twin-app/.venv", &[demo()]);
        let offline = ["verify", "twin-app", "--bundles", "twin", "--root", root.to_str().unwrap()];
        scene.ask(&offline).package("pypi:demo@1.0")["files"]["by"] == "signed-list"
    };
    assert_eq!(ask(&bundle, &lists), (Some(0), "valid".into(), "proven".to_owned()));
    assert!(ours(&lists));
    let digest = sigma_core::Sha256::of(b"VALUE = 1\n").to_string();
    let changes = [
        lists.replacen(&digest, &"0".repeat(64), 1),
        lists.replacen("demo/cli.py", "demo/CLI.py", 1),
        lists.replacen("\"files\":[", &format!("\"files\":[{{\"path\":\"x\",\"sha256\":\"{digest}\",\"size\":1}},"), 1),
    ];
    for changed in changes {
        assert_ne!(changed, lists);
        let (code, outcome, files) = ask(&bundle, &changed);
        assert_eq!((code, outcome), (Some(1), "invalid".into()), "{files}");
        assert!(files.starts_with("failed: "), "{files}");
        assert!(!ours(&changed));
    }
    let (code, _, files) = ask(&bundle.replacen("\"CLEAR\"", "\"BLOCKED\"", 1), &lists);
    assert_eq!((code, files.as_str()), (Some(1), ""));
}
