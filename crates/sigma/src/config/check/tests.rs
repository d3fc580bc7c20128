use super::*;

fn problems(text: &str) -> Vec<String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let name = file.path().display().to_string();
    let checked = check(Some(file.path()), &[]).unwrap();
    let of = |line: &String| line.strip_prefix(&name).map(|rest| rest.trim_start_matches(':').to_owned());
    checked.problems.iter().filter_map(of).collect()
}

#[test]
fn every_mistake_has_its_line() {
    let text = "api_base = \"not a url\"\nfile_host = []\n\n[server]\nburts = 5\nburst = \"many\"\n\
                metrics_for = [\"10.0.0.0/99\"]\nmax_connections = 0\n[serve]\nx = 1\n[worker]\njobs = -1\n";
    insta::assert_snapshot!(problems(text).join("\n"), @r#"
    1: api_base: got "not a url": relative URL without a base; the default is "https://api.soulbyte.tech/"
    2: unknown key `file_host`; did you mean `file_hosts`?
    5: unknown key `server.burts`; did you mean `server.burst`?
    6: server.burst: got "many", expected a whole number from 0 to 4294967295; the default is 500
    7: server.metrics_for: got ["10.0.0.0/99"]: invalid IP address syntax; the default is ["127.0.0.0/8","::1/128"]
    8: server.max_connections: got 0, expected at least 1; the default is 4096
    9: unknown key `serve`
    12: worker.jobs: got -1, expected a whole number from 0 on; the default is 8
    "#);
    assert_eq!(problems("[server]\nburst = 5\nburst = 6\n").len(), 1);
    insta::assert_snapshot!(problems("a = 1\nb = \n").join("\n"), @"2: string values must be quoted, expected literal string");
    assert_eq!(problems("server = 5\n"), ["1: server: expected a table, `[server]`"]);
    let secret = problems("[chain]\nnode = \"rpc.example.com/SECRET\"\n").join("\n");
    assert!(secret.contains("chain.node: got a value that is not shown") && !secret.contains("SECRET"), "{secret}");
}

#[test]
fn sources_and_secrets() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = "database_url = \"postgres://ada:hunter2@db.example/sigma\"\n[server]\nburst = 7\n";
    std::fs::write(file.path(), text).unwrap();
    let flags = [("store", "--store", Some("/srv/sigma".to_owned())), ("analysis.rules", "--rules", None)];
    let checked = check(Some(file.path()), &flags).unwrap();
    let text = checked.text();
    let name = file.path().display();
    for line in [
        format!("database_url = \"postgres://ada:***@db.example/sigma\"  # {name}:1"),
        format!("burst = 7  # {name}:3"),
        "store = \"/srv/sigma\"  # --store".to_owned(),
        "max_connections = 4096  # default".to_owned(),
        "# rules  # not set".to_owned(),
    ] {
        assert!(text.contains(&format!("{line}\n")), "{line}\n{text}");
    }
    assert!(!text.contains("hunter2"));
    let parsed: toml_edit::DocumentMut = text.parse().unwrap();
    assert_eq!(parsed["server"]["burst"].as_integer(), Some(7), "what is printed is a configuration file");
}

/// The printed defaults are the ones that hold, all of them.
#[test]
fn the_printed_defaults_are_true() {
    let known = leaves(&serde_json::to_value(Config::defaults().unwrap()).unwrap());
    let mut problems = Vec::new();
    let read = read(super::super::DEFAULTS, "defaults", &known, &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    let mut said = std::collections::BTreeSet::new();
    for (key, value, line) in read {
        assert_eq!(known[&key], value, "{key}, line {line}");
        said.insert(key);
    }
    // What has no default, or one that depends on the machine, stands there as a comment.
    let mut table = String::new();
    for line in super::super::DEFAULTS.lines() {
        if let Some(name) = line.strip_prefix('[') {
            table = name.trim_end_matches(']').to_owned();
        }
        if let Some((key, _)) = line.strip_prefix("# ").and_then(|line| line.split_once(" = ")) {
            said.insert(join(&table, key));
        }
    }
    let missing: Vec<_> = known.keys().filter(|key| !said.contains(*key)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
