//! Installed environments, laid out as pip and npm would: good, changed, added to, lied about, and with tricks in their paths.

use std::fs;

use super::scene::{Scene, bad, built, demo, leaf, left, line, scoped, site, write};

#[test]
fn a_virtual_environment_is_proven_file_by_file() {
    let scene = Scene::new();
    let prefix = scene.venv("app/.venv", &[demo(), leaf()]);
    let site = site(&prefix);
    let verify = || scene.ask(&["verify", "app"]);
    let answer = verify();
    answer.check(0, "pypi:demo@1.0", "proven", "certified as CLEAR");
    let files = &answer.package("pypi:demo@1.0")["files"];
    assert_eq!(files["by"], "signed-list");
    // Two modules, a script, a data file, METADATA, WHEEL, entry points; a start script; INSTALLER and RECORD's own line.
    assert_eq!((files["same"].as_u64(), files["launchers"].as_u64()), (Some(7), Some(1)), "{files:#}");
    assert_eq!((files["notes"].as_u64(), files["byteCode"].as_u64()), (Some(1), Some(2)), "{files:#}");
    assert!(answer.json.to_string().contains("Byte code in __pycache__"));

    let changed = |path: &str, bytes: &[u8], code: i32, outcome: &str, reason: &str, kind: &str, name: &str| {
        let place = prefix.join(path);
        let before = fs::read(&place).ok();
        write(&place, bytes);
        let answer = verify();
        answer.check(code, "pypi:demo@1.0", outcome, reason);
        assert_eq!(answer.package("pypi:demo@1.0")["files"][kind][0], name, "{path}");
        match before {
            Some(before) => drop(write(&place, before)),
            None => fs::remove_file(&place).unwrap(),
        }
    };
    let in_site = "lib/python3.12/site-packages";
    let wrong = "1 of its files are not those of demo-1.0-py3-none-any.whl";
    changed(&format!("{in_site}/demo/__init__.py"), b"VALUE = 2\n", 1, "failed", wrong, "changed", "demo/__init__.py");
    changed(
        &format!("{in_site}/demo-1.0.dist-info/METADATA"),
        b"Metadata-Version: 2.2\nName: demo\nVersion: 1.0\n",
        1,
        "failed",
        wrong,
        "changed",
        "demo-1.0.dist-info/METADATA",
    );
    let script = "demo-1.0.data/scripts/demo-run";
    changed("bin/demo-run", b"#!/usr/bin/python3\nimport demo\n", 1, "failed", wrong, "changed", script);
    changed(
        "share/demo/notes.txt",
        b"other\n",
        1,
        "failed",
        wrong,
        "changed",
        "demo-1.0.data/data/share/demo/notes.txt",
    );
    let added = "1 files are not of demo-1.0-py3-none-any.whl";
    changed("bin/demo", b"#!/bin/sh\nevil\n", 3, "undecided", added, "added", "bin/demo");

    // What RECORD says of a file proves nothing: it names the new bytes, and another file.
    let record = site.join("demo-1.0.dist-info/RECORD");
    let honest = fs::read_to_string(&record).unwrap();
    write(&site.join("demo/extra.py"), "evil\n");
    let answer = verify();
    assert_eq!((answer.code, &answer.json["outcome"]), (Some(3), &"undecided".into()));
    assert_eq!(answer.json["sections"][0]["added"], serde_json::json!(["demo/extra.py"]), "{:#}", answer.json);
    write(&record, format!("{honest}{}", line("demo/extra.py", b"evil\n")));
    let answer = verify();
    answer.check(3, "pypi:demo@1.0", "undecided", added);
    assert_eq!(answer.package("pypi:demo@1.0")["files"]["added"], serde_json::json!(["demo/extra.py"]));
    fs::remove_file(site.join("demo/extra.py")).unwrap();
    write(&site.join("demo/__init__.py"), "VALUE = 7\n");
    let lying = honest.replace(&line("demo/__init__.py", b"VALUE = 1\n"), &line("demo/__init__.py", b"VALUE = 7\n"));
    assert_ne!(lying, honest);
    write(&record, lying);
    verify().check(1, "pypi:demo@1.0", "failed", wrong);
    write(&site.join("demo/__init__.py"), "VALUE = 1\n");
    write(&record, &honest);

    // Missing, and replaced by a link to the very same bytes.
    fs::rename(site.join("demo/cli.py"), scene.path().join("cli.py")).unwrap();
    let answer = verify();
    answer.check(1, "pypi:demo@1.0", "failed", wrong);
    assert_eq!(answer.package("pypi:demo@1.0")["files"]["missing"], serde_json::json!(["demo/cli.py"]));
    std::os::unix::fs::symlink(scene.path().join("cli.py"), site.join("demo/cli.py")).unwrap();
    let answer = verify();
    answer.check(1, "pypi:demo@1.0", "failed", wrong);
    assert_eq!(answer.package("pypi:demo@1.0")["files"]["changed"], serde_json::json!(["demo/cli.py (a link)"]));
}

#[test]
fn versions_are_compared_with_the_lockfile() {
    let scene = Scene::new();
    scene.venv("app/.venv", &[leaf()]);
    let hash = leaf().sha256();
    scene.write("app/requirements.txt", format!("leaf==1.0 --hash=sha256:{hash}\n"));
    let answer = scene.ask(&["verify", "app"]);
    answer.check(0, "pypi:leaf@1.0", "proven", "certified as CLEAR");
    assert_eq!(answer.json["sections"][1]["comparedWithLockfile"], true);
    scene.write(
        "app/requirements.txt",
        format!("leaf==2.0 --hash=sha256:{hash}\ndemo==1.0 --hash=sha256:{}\n", demo().sha256()),
    );
    let answer = scene.ask(&["verify", "app"]);
    assert_eq!(answer.code, Some(3));
    let section = &answer.json["sections"][1];
    assert_eq!((&section["outcome"], &section["packages"][0]["outcome"]), (&"undecided".into(), &"proven".into()));
    let problems =
        ["pypi:leaf@1.0 is installed, the lockfile names 2.0", "1 packages of the lockfile are not installed here"];
    assert_eq!(section["problems"], serde_json::json!(problems));
}

#[test]
fn paths_of_a_record_do_not_lead_out_of_the_environment() {
    let scene = Scene::new();
    let prefix = scene.venv("app/.venv", &[leaf()]);
    let record = site(&prefix).join("leaf-1.0.dist-info/RECORD");
    let honest = fs::read_to_string(&record).unwrap();
    let secret = scene.write("secret.txt", "secret\n");
    std::os::unix::fs::symlink(scene.path(), prefix.join("share")).unwrap();
    for path in ["../../../../../secret.txt", secret.to_str().unwrap(), "a/../../../../../../secret.txt"] {
        write(&record, format!("{honest}{}", line(path, b"secret\n")));
        let answer = scene.ask(&["verify", "app"]);
        answer.check(3, "pypi:leaf@1.0", "undecided", "1 files are not of leaf");
        let added = answer.package("pypi:leaf@1.0")["files"]["added"][0].as_str().unwrap().to_owned();
        assert!(added.ends_with("(leads out of the environment; it was not opened)"), "{added}");
    }
    // Through a link that lies inside: nothing is read there either, whatever RECORD says of it.
    write(&record, format!("{honest}{}", line("../../../share/secret.txt", b"secret\n")));
    let answer = scene.ask(&["verify", "app"]);
    answer.check(3, "pypi:leaf@1.0", "undecided", "1 files are not of leaf");
    assert_eq!(answer.package("pypi:leaf@1.0")["files"]["added"], serde_json::json!(["share/secret.txt"]));
    // An uncertified package is compared with its RECORD, within the environment alone.
    let other = sigma_testkit::Wheel::new("other", "1.0").file("other/__init__.py", "x = 1\n").build();
    let prefix = scene.venv("uncertified/.venv", &[other]);
    let record = site(&prefix).join("other-1.0.dist-info/RECORD");
    let honest = fs::read_to_string(&record).unwrap();
    write(&record, format!("{honest}{}", line("../../../../../secret.txt", b"secret\n")));
    scene.ask(&["verify", "uncertified"]).check(3, "pypi:other@1.0", "undecided", "not certified");
    std::os::unix::fs::symlink(scene.path(), prefix.join("share")).unwrap();
    write(&record, format!("{honest}{}", line("../../../share/secret.txt", b"secret\n")));
    let answer = scene.ask(&["verify", "uncertified"]);
    answer.check(1, "pypi:other@1.0", "failed", "1 files are not what its own RECORD says");
    assert_eq!(answer.package("pypi:other@1.0")["files"]["changed"][0], "../../../share/secret.txt (a link)");
    fs::write(site(&prefix).join("other/__init__.py"), "x = 2\n").unwrap();
    write(&record, &honest);
    scene.ask(&["verify", "uncertified"]).check(
        1,
        "pypi:other@1.0",
        "failed",
        "1 files are not what its own RECORD says",
    );
    fs::remove_file(&record).unwrap();
    scene.ask(&["verify", "uncertified"]).check(3, "pypi:other@1.0", "undecided", "it has no RECORD");
}

#[test]
fn what_is_blocked_revoked_built_here_or_from_another_file() {
    let scene = Scene::new();
    scene.venv("blocked/.venv", &[bad()]);
    scene.ask(&["verify", "blocked"]).check(1, "pypi:bad@1.0", "failed", "certified as BLOCKED");
    // Built from a certified source distribution: a module and METADATA (PKG-INFO there) are known by their bytes.
    let local = sigma_testkit::Wheel::new("built", "1.0")
        .file("built/__init__.py", "VALUE = 3\n")
        .file("built/generated.py", "VERSION = 'today'\n")
        .build();
    scene.venv("source/.venv", &[local]);
    let answer = scene.ask(&["verify", "source"]);
    answer.check(3, "pypi:built@1.0", "undecided", "built here from source: 2 of 4 files are in the certified source");
    assert_eq!(answer.package("pypi:built@1.0")["files"]["by"], "source-list");
    assert!(built().filename.ends_with(".tar.gz"));
    // Another wheel of the same release.
    let other = sigma_testkit::Wheel::new("leaf", "1.0")
        .tag("cp312-cp312-macosx_11_0_arm64")
        .file("leaf/__init__.py", "VALUE = 9\n")
        .build();
    scene.venv("other/.venv", &[other]);
    let answer = scene.ask(&["verify", "other"]);
    answer.check(3, "pypi:leaf@1.0", "undecided", "installed from another file of the release");
    // Without the kept bytes there is no list.
    scene.venv("app/.venv", &[leaf()]);
    fs::remove_dir_all(scene.path().join("store/blobs")).unwrap();
    fs::remove_dir_all(scene.path().join("store/lists")).unwrap();
    let answer = scene.ask(&["verify", "app"]);
    answer.check(3, "pypi:leaf@1.0", "undecided", "the list of its files is not at hand, so only RECORD was compared");
    assert_eq!(answer.package("pypi:leaf@1.0")["files"]["by"], "record");
    scene.revoke("pypi:leaf@1.0");
    scene.ask(&["verify", "app"]).check(1, "pypi:leaf@1.0", "failed", "REVOKED");
}

#[test]
fn node_modules_are_proven_file_by_file() {
    let scene = Scene::new();
    let root = scene.node_modules("app/node_modules", &[left(), scoped()]);
    fs::create_dir(root.join(".bin")).unwrap();
    std::os::unix::fs::symlink("../left/bin.js", root.join(".bin/left")).unwrap();
    let verify = || scene.ask(&["verify", "app"]);
    let answer = verify();
    answer.check(0, "npm:left@1.0.0", "proven", "certified as CLEAR");
    answer.check(0, "npm:@acme/tool@2.0.0", "proven", "certified as CLEAR");
    assert_eq!(answer.package("npm:left@1.0.0")["files"]["same"], 4);

    write(&root.join("left/index.js"), "evil();\n");
    let answer = verify();
    answer.check(1, "npm:left@1.0.0", "failed", "1 of its files are not those of left-1.0.0.tgz");
    assert_eq!(answer.package("npm:left@1.0.0")["files"]["changed"], serde_json::json!(["index.js"]));
    write(&root.join("left/index.js"), "module.exports = 1;\n");
    write(&root.join("left/lib/added.js"), "evil();\n");
    let answer = verify();
    answer.check(3, "npm:left@1.0.0", "undecided", "1 files are not of left-1.0.0.tgz");
    assert_eq!(answer.package("npm:left@1.0.0")["files"]["added"], serde_json::json!(["lib/added.js"]));
    fs::remove_file(root.join("left/lib/added.js")).unwrap();

    // Files beside the packages, a command that leads elsewhere, a folder that is a link.
    write(&root.join("stray.js"), "evil();\n");
    std::os::unix::fs::symlink("/usr/bin/env", root.join(".bin/env")).unwrap();
    fs::rename(root.join("@acme/tool"), scene.path().join("tool")).unwrap();
    std::os::unix::fs::symlink(scene.path().join("tool"), root.join("@acme/tool")).unwrap();
    let answer = verify();
    assert_eq!((answer.code, &answer.json["outcome"]), (Some(3), &"undecided".into()));
    let added = [".bin/env (a link that leads elsewhere)", "@acme/tool (a link that leads elsewhere)", "stray.js"];
    assert_eq!(answer.json["sections"][0]["added"], serde_json::json!(added), "{:#}", answer.json);
    assert!(answer.json.to_string().contains("@acme/tool is not there, though .package-lock.json names it"));
    fs::remove_file(root.join("@acme/tool")).unwrap();
    fs::rename(scene.path().join("tool"), root.join("@acme/tool")).unwrap();
    fs::remove_file(root.join("stray.js")).unwrap();
    fs::remove_file(root.join(".bin/env")).unwrap();

    // The hidden lockfile may lie: the files decide, and the name is that of the certificate.
    let lock = fs::read_to_string(root.join(".package-lock.json")).unwrap();
    write(&root.join(".package-lock.json"), lock.replace(&left().integrity(), &scoped().integrity()));
    verify().check(0, "npm:left@1.0.0", "proven", "certified as CLEAR");
    fs::rename(root.join("left"), root.join("right")).unwrap();
    let answer = verify();
    assert!(answer.json.to_string().contains("npm:left@1.0.0 lies under the name right"), "{:#}", answer.json);
    scene.revoke("npm:left@1.0.0");
    verify().check(1, "npm:left@1.0.0", "failed", "REVOKED");
}
