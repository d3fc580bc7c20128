//! `sigma reproduce`: the same again, under other rules, with other bytes, and for the code of a repository.

use std::fs;

use serde_json::Value;
use sigma_certificate::{PackageCertificate, canonical_bytes};
use sigma_core::Sha256;
use sigma_testkit::{GitHost, GitRepository, Misbehaviour};

use super::scene::Scene;
use super::servers::Liar;

const RULE: &str = r#"
[[rule]]
id = "acme-value"
severity = "low"
category = "network"
message = "Imports what is retired."
match = { import = "acme_retired" }

[[rule.hit]]
path = "demo/a.py"
text = "import acme_retired\n"

[[rule.miss]]
path = "demo/a.py"
text = "x = 1\n"
"#;

#[test]
fn the_same_bytes_and_rules_give_the_same_report() {
    let scene = Scene::new();
    for package in ["pypi:demo@1.0", "pypi:bad@1.0", "pypi:built@1.0", "npm:left@1.0.0"] {
        let answer = scene.ask(&["reproduce", &scene.certificate(package), "--offline"]);
        assert_eq!((answer.code, &answer.json["outcome"]), (Some(0), &"same".into()), "{package}: {:#}", answer.json);
    }
    let id = scene.certificate("pypi:demo@1.0");
    let (code, out, _) = scene.run(&["reproduce", &id]);
    assert_eq!(code, Some(0));
    assert!(out.contains("what the council made of the report") && out.ends_with("REPRODUCED\n"), "{out}");
    // From the file of its bundle, in another store, with bytes from the ecosystem.
    let (_, bundle, _) = scene.run(&["ledger", "bundle", &id]);
    let path = scene.write("demo.json", &bundle);
    let root = scene.root();
    let elsewhere = ["reproduce", path.to_str().unwrap(), "--store", "elsewhere", "--root", root.to_str().unwrap()];
    assert_eq!(scene.ask(&elsewhere).json["outcome"], "same");
    assert_eq!(scene.ask(&["reproduce", "pkg_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]).code, Some(3));
    let offline = ["reproduce", path.to_str().unwrap(), "--store", "nowhere", "--offline"];
    let answer = scene.ask(&offline);
    assert_eq!((answer.code, &answer.json["outcome"]), (Some(3), &"unavailable".into()), "{:#}", answer.json);

    // A certificate that seals another report, as one of a changed engine would: unsigned, and so refused with a root.
    let hash = |text: &str| {
        let at = text.find("\"reportHash\":\"").unwrap() + 14;
        text[at..at + 64].to_owned()
    };
    let forged = bundle.replace(&hash(&bundle), &"0".repeat(64));
    let path = scene.write("forged.json", forged);
    let answer = scene.ask(&["reproduce", path.to_str().unwrap()]);
    assert_eq!((answer.code, &answer.json["outcome"]), (Some(1), &"different".into()), "{:#}", answer.json);
    assert_eq!(answer.json["differences"], serde_json::Value::Null, "there is no report with this hash");
    let with_root = ["reproduce", path.to_str().unwrap(), "--root", root.to_str().unwrap()];
    assert_eq!(scene.run(&with_root).0, Some(1), "it is signed by nobody");

    // The ecosystem gives other bytes today, and the store has none.
    fs::remove_dir_all(scene.path().join("store/blobs")).unwrap();
    scene.eco.pypi.server.misbehave("/files/demo-1.0-py3-none-any.whl", Misbehaviour::WrongBytes);
    let answer = scene.ask(&["reproduce", &id]);
    assert_eq!((answer.code, &answer.json["outcome"]), (Some(1), &"other-bytes".into()), "{:#}", answer.json);
}

#[test]
fn a_difference_is_explained_rule_by_rule() {
    let scene = Scene::new();
    let id = scene.certificate("pypi:bad@1.0");
    let server = scene.serve();
    let mut report: Value = serde_json::from_slice(&server.get(&format!("certificates/{id}/report"))).unwrap();
    drop(server);
    let (_, bundle, _) = scene.run(&["ledger", "bundle", &id]);
    let mut bundle: Value = serde_json::from_str(&bundle).unwrap();
    assert_eq!(bundle["payload"]["reportHash"], Sha256::of(&canonical_bytes(&report).unwrap()).to_string());
    // The report and the certificate of an engine that saw less and counted otherwise.
    let wheel = &mut report["distributions"][0];
    let gone = wheel["findings"].as_array_mut().unwrap().pop().unwrap();
    wheel["coverage"]["files"] = 77.into();
    let report = canonical_bytes(&report).unwrap();
    bundle["payload"]["reportHash"] = Sha256::of(&report).to_string().into();
    let other = PackageCertificate::open(canonical_bytes(&bundle["payload"]).unwrap()).unwrap();
    let liar = Liar::start();
    liar.say(&format!("certificates/{}/bundle", other.id()), bundle.to_string());
    liar.say(&format!("certificates/{}/report", other.id()), report);
    let answer = scene.ask(&["reproduce", other.id(), "--server", &liar.url]);
    assert_eq!((answer.code, &answer.json["outcome"]), (Some(1), &"different".into()), "{:#}", answer.json);
    let lines = answer.json["differences"].to_string();
    let rule = gone["rule"].as_str().unwrap();
    assert!(lines.contains(&format!("{rule}: only today: ")), "{lines}");
    assert!(lines.contains("coverage: files: 77 in the sealed report, 4 today"), "{lines}");
    // A report that is not the sealed one explains nothing; neither does another certificate under this id.
    liar.say(&format!("certificates/{}/report", other.id()), "{}");
    let answer = scene.ask(&["reproduce", other.id(), "--server", &liar.url]);
    assert_eq!((answer.code, &answer.json["differences"]), (Some(1), &Value::Null));
    liar.say(&format!("certificates/{id}/bundle"), bundle.to_string());
    assert_eq!(scene.ask(&["reproduce", &id, "--server", &liar.url]).code, Some(3));
}

#[test]
fn the_first_stage_of_a_submission_is_repeated() {
    let scene = Scene::new();
    let repositories = scene.path().join("repositories");
    fs::create_dir(&repositories).unwrap();
    let host = GitHost::git(&repositories);
    let repository = GitRepository::new(&repositories, "example/tool");
    let file: (&str, &[u8]) = ("main.py", b"import os\n\n\ndef main():\n    print(os.getcwd())\n\n\nmain()\n");
    let tree = repository.files(&[file]);
    repository.set("refs/heads/main", &tree);
    scene.write("config.toml", format!("[review]\nhosts = [\"{}\"]\nask_endpoints = false\n", host.address));
    let url = host.url("example/tool");
    let config = ["--config", "config.toml"];
    let submit = ["submit", "--repo", &url, "--commit", "main", "--category", "CODE", "--entry", "main.py", "--no-run"];
    let answer = scene.ask(&[&submit[..], &config[..]].concat());
    let id = answer.json["certificateId"].as_str().unwrap_or_else(|| panic!("{:#}", answer.json)).to_owned();
    let answer = scene.ask(&[&["reproduce", &id], &config[..]].concat());
    assert_eq!((answer.code, &answer.json["outcome"]), (Some(0), &"same".into()), "{:#}", answer.json);
    assert!(answer.json["notRepeated"].to_string().contains("the run in isolation"));
    fs::remove_dir_all(&repositories).unwrap();
    let answer = scene.ask(&[&["reproduce", &id], &config[..]].concat());
    assert_eq!((answer.code, &answer.json["outcome"]), (Some(3), &"unavailable".into()), "{:#}", answer.json);
}

#[test]
fn other_rules_are_named_and_not_guessed() {
    let scene = Scene::new();
    let id = scene.certificate("pypi:demo@1.0");
    scene.write("rules/acme.toml", RULE);
    let answer = scene.ask(&["reproduce", &id, "--rules", "rules"]);
    assert_eq!((answer.code, &answer.json["outcome"]), (Some(3), &"other-rules".into()), "{:#}", answer.json);
    assert!(answer.json["why"].as_str().unwrap().contains("leave --rules out"));
    let (_, own, _) = scene.run(&["rules", "--versions"]);
    let (_, local, _) = scene.run(&["rules", "--versions", "--rules", "rules"]);
    assert!(local.starts_with(&format!("{}+local.", own.trim())), "{local}");
    // The other way round: a certificate of local rules needs them.
    assert_eq!(scene.run(&["audit", "--package", "pypi:leaf@1.0", "--rules", "rules"]).0, Some(0));
    let (_, out, _) = scene.run(&["show", "pypi:leaf@1.0", "--format", "json"]);
    let shown: serde_json::Value = serde_json::from_str(&out).unwrap();
    let local =
        shown.as_array().unwrap().iter().find(|one| one["rulesetVersion"].as_str().unwrap().contains('+')).unwrap();
    let id = local["certificateId"].as_str().unwrap();
    let answer = scene.ask(&["reproduce", id]);
    assert_eq!((answer.code, &answer.json["outcome"]), (Some(3), &"other-rules".into()), "{:#}", answer.json);
    assert!(answer.json["why"].as_str().unwrap().contains("name their folder with --rules"));
    assert_eq!(scene.ask(&["reproduce", id, "--rules", "rules"]).json["outcome"], "same");
}
