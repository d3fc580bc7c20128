//! Lockfiles of pip, uv and npm: good, with changed digests, uncertified, blocked, revoked; and stale status lists.

use super::scene::{Scene, bad, demo, leaf, left, scoped};

fn pip(package: &sigma_testkit::Built) -> String {
    format!("{}=={} --hash=sha256:{}\n", package.name, package.version, package.sha256())
}

#[test]
fn requirements_with_hashes() {
    let scene = Scene::new();
    let verify = |text: &str| {
        let path = scene.write("project/requirements.txt", text);
        scene.ask(&["verify", path.to_str().unwrap()])
    };
    let good = format!("{}{}", pip(&demo()), pip(&leaf()));
    verify(&good).check(0, "pypi:demo@1.0", "proven", "certified as CLEAR");
    let other = good.replace(&leaf().sha256().to_string(), &"0".repeat(64));
    verify(&other).check(3, "pypi:leaf@1.0", "undecided", "other files of pypi:leaf@1.0 are certified");
    // The bytes of another certified package are not those of this one.
    let swapped = good.replace(&leaf().sha256().to_string(), &demo().sha256().to_string());
    verify(&swapped).check(3, "pypi:leaf@1.0", "undecided", "other files of pypi:leaf@1.0 are certified");
    let several = good.replace("leaf==1.0", &format!("leaf==1.0 --hash=sha256:{}", "0".repeat(64)));
    verify(&several).check(0, "pypi:leaf@1.0", "proven", "of 2 pinned files 1 are covered");
    verify("demo==1.0\n").check(3, "pypi:demo@1.0", "undecided", "nothing pins which bytes are installed");
    let unknown = format!("{good}other==1.0 --hash=sha256:{}\n", "0".repeat(64));
    verify(&unknown).check(3, "pypi:other@1.0", "undecided", "not certified");
    verify(&format!("{good}{}", pip(&bad()))).check(1, "pypi:bad@1.0", "failed", "certified as BLOCKED");
    let answer = verify(&format!("{good}git+https://example.org/x.git\n"));
    assert_eq!(answer.code, Some(1), "what is refused fails, as in an audit: {:#}", answer.json);
    let answer = verify("# nothing\n");
    assert_eq!((answer.code, &answer.json["outcome"]), (Some(3), &"undecided".into()), "nothing is no pass");
    let accepted = scene.write("project/requirements.txt", unknown);
    let answer = scene.ask(&["verify", accepted.to_str().unwrap(), "--accept", "other"]);
    answer.check(0, "pypi:other@1.0", "advisory", "accepted");
    scene.revoke("pypi:demo@1.0");
    verify(&good).check(1, "pypi:demo@1.0", "failed", "REVOKED");
}

#[test]
fn uv_and_npm_lockfiles() {
    let scene = Scene::new();
    let lock = |hash: &str| {
        let leaf = leaf().sha256();
        let source = "source = { registry = \"https://pypi.org/simple\" }";
        format!(
            "version = 1\nrequires-python = \">=3.12\"\n\n\
             [[package]]\nname = \"app\"\nversion = \"0\"\nsource = {{ virtual = \".\" }}\n\
             dependencies = [{{ name = \"demo\" }}, {{ name = \"leaf\", marker = \"sys_platform == 'win32'\" }}]\n\n\
             [[package]]\nname = \"demo\"\nversion = \"1.0\"\n{source}\nwheels = [\
             {{ url = \"https://files.pythonhosted.org/d/demo-1.0-py3-none-any.whl\", hash = \"sha256:{hash}\", size = 1 }}]\n\n\
             [[package]]\nname = \"leaf\"\nversion = \"1.0\"\n{source}\nwheels = [\
             {{ url = \"https://files.pythonhosted.org/l/leaf-1.0-py3-none-any.whl\", hash = \"sha256:{leaf}\", size = 1 }}]\n"
        )
    };
    let verify = |name: &str, text: String, more: &[&str]| {
        let path = scene.write(&format!("project/{name}"), text);
        scene.ask(&[&["verify", path.to_str().unwrap()], more].concat())
    };
    let good = demo().sha256().to_string();
    let answer = verify("uv.lock", lock(&good), &[]);
    answer.check(0, "pypi:demo@1.0", "proven", "certified as CLEAR");
    assert!(answer.json.to_string().contains("1 packages are not installed for Python 3.12 on linux-x64"));
    let answer = verify("uv.lock", lock(&good), &["--platform", "windows-x64"]);
    answer.check(0, "pypi:leaf@1.0", "proven", "certified as CLEAR");
    verify("uv.lock", lock(&"0".repeat(64)), &[]).check(3, "pypi:demo@1.0", "undecided", "other files of");

    let npm = |integrity: &str| {
        let (left, scoped) = (left(), scoped());
        let url = |built: &sigma_testkit::Built| {
            format!("{}{}/-/{}", scene.eco.npm.registry_url(), built.name, built.filename)
        };
        serde_json::json!({"name": "app", "lockfileVersion": 3, "packages": {
            "": {"dependencies": {"left": "1.0.0", "@acme/tool": "2.0.0"}},
            "node_modules/left": {"version": "1.0.0", "resolved": url(&left), "integrity": integrity},
            "node_modules/@acme/tool": {"version": "2.0.0", "resolved": url(&scoped), "integrity": scoped.integrity()},
        }})
        .to_string()
    };
    verify("package-lock.json", npm(&left().integrity()), &[]).check(
        0,
        "npm:left@1.0.0",
        "proven",
        "certified as CLEAR",
    );
    // npm publishes one tarball for a version, once: another one is a contradiction.
    let answer = verify("package-lock.json", npm(&scoped().integrity()), &[]);
    answer.check(1, "npm:left@1.0.0", "failed", "with other bytes than the ones that are pinned");
    scene.revoke("npm:@acme/tool@2.0.0");
    let answer = verify("package-lock.json", npm(&left().integrity()), &[]);
    answer.check(1, "npm:@acme/tool@2.0.0", "failed", "REVOKED");
    // All of it at once, from the folder.
    let answer = scene.ask(&["verify", "project"]);
    assert_eq!(answer.code, Some(1));
    assert_eq!(answer.json["sections"].as_array().unwrap().len(), 2);
}

#[test]
fn a_folder_of_bundles_and_status_lists_that_are_gone() {
    let scene = Scene::new();
    let bundles = scene.bundles();
    let (bundles, root) = (bundles.to_str().unwrap(), scene.root());
    let offline = ["--bundles", bundles, "--root", root.to_str().unwrap()];
    let path = scene.write("project/requirements.txt", format!("{}{}", pip(&demo()), pip(&leaf())));
    std::fs::rename(scene.path().join("store"), scene.path().join("away")).unwrap();
    let root = scene.path().join("away/ledger/trusted_root.json");
    let offline = [offline[0], offline[1], offline[2], root.to_str().unwrap()];
    let verify = |more: &[&str]| scene.ask(&[&["verify", path.to_str().unwrap()], &offline[..], more].concat());
    verify(&[]).check(0, "pypi:demo@1.0", "proven", "certified as CLEAR");

    // One bundle with a list is enough for all of them.
    let mut files: Vec<_> = std::fs::read_dir(bundles).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let strip = |path: &std::path::PathBuf| {
        let mut bundle: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        bundle.as_object_mut().unwrap().remove("status");
        std::fs::write(path, bundle.to_string()).unwrap();
    };
    let is_bundle = |path: &std::path::PathBuf| !path.to_str().unwrap().ends_with(".files.json");
    let of = |name: &str| {
        let found = files
            .iter()
            .filter(|path| is_bundle(path))
            .find(|path| std::fs::read_to_string(path).unwrap().contains(&format!("\"packageName\":\"{name}\"")));
        found.unwrap().clone()
    };
    strip(&of("demo"));
    verify(&[]).check(0, "pypi:demo@1.0", "proven", "certified as CLEAR");
    strip(&of("leaf"));
    verify(&[]).check(4, "pypi:demo@1.0", "freshness-unknown", "whether it was revoked since is not known");
    verify(&["--require-fresh"]).check(1, "pypi:demo@1.0", "failed", "no status list");

    // Another root believes none of it; a bundle that was changed is none.
    let text = std::fs::read_to_string(of("leaf")).unwrap();
    std::fs::write(of("leaf"), text.replace("\"securityLevel\":\"CLEAR\"", "\"securityLevel\":\"MONITORED\"")).unwrap();
    verify(&[]).check(3, "pypi:leaf@1.0", "undecided", "no certificate that holds: the payload has the keccak256");
    let stranger = Scene::new();
    let strange = stranger.root();
    let answer =
        scene.ask(&["verify", path.to_str().unwrap(), offline[0], offline[1], "--root", strange.to_str().unwrap()]);
    answer.check(3, "pypi:demo@1.0", "undecided", "the root has no issuer key");
}
