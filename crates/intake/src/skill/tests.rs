use super::*;

fn problems(manifest: &SkillManifest) -> Vec<String> {
    manifest.problems.iter().map(|problem| format!("{}: {}", problem.at, problem.message)).collect()
}

#[test]
fn a_whole_skill() {
    let text = "\
---
name: weather
description: >
  Says what the weather
  will be.
license: MIT
version: 1.2.0
author: {name: Somebody, mail: x}
homepage: https://example.org/
entry: scripts/weather.py
runtime: python3.12
compatibility: Needs network access
allowed-tools: Read, Bash(git status:*) Write
metadata:
  level: beginner
capabilities: [network]
external_calls:
  - url: https://api.example.org/v1/forecast
    method: get
    auth: bearer
    purpose: The forecast
  - https://example.org/status
---
# Weather

```yaml
capabilities:
  - network
  - filesystem: reads a cache
externalCalls:
  - url: https://api.example.org/v1/report
    method: POST
    reason: Reports
```

```yaml
other: [
```
";
    let manifest = read("SKILL.md", text.as_bytes(), "weather");
    insta::assert_json_snapshot!(manifest);
}

#[test]
fn line_ends_do_not_count() {
    let lf = read("SKILL.md", b"---\nname: a\n---\n", "").sha256_lf;
    // What `tr -d '\r' < SKILL.md | sha256sum` says.
    assert_eq!(lf.to_string(), "e8ddff65e8708ace6187010f8ab7df0568b1f09c25088bd92b36e921655388e5");
    assert_eq!(read("SKILL.md", b"---\r\nname: a\r\n---\r\n", "").sha256_lf, lf);
    assert_eq!(read("SKILL.md", b"---\rname: a\r---\r", "").sha256_lf, lf);
    assert_ne!(read("SKILL.md", b"---\n\nname: a\n---\n", "").sha256_lf, lf);
    assert_eq!(read("SKILL.md", b"", "").sha256_lf, Sha256::of(b""));
}

/// What is wrong with a SKILL.md, by line.
#[track_caller]
fn check(text: &str, folder: &str, expect: &[&str]) {
    assert_eq!(problems(&read("SKILL.md", text.as_bytes(), folder)), expect, "{text}");
}

#[test]
fn the_format_is_checked() {
    let front = |fields: &str| format!("---\n{fields}---\n");
    check(&front("name: a\ndescription: x\n"), "a", &[]);
    check(&front("name: a\ndescription: x\n"), "", &[]);
    check(&front("name: a\ndescription: x\n"), "b", &["SKILL.md:2: `name`: expected the name of its folder, `b`"]);
    let letters = "SKILL.md:2: `name`: expected a-z, 0-9 and single hyphens, neither first nor last";
    for name in ["A", "-a", "a-", "a--b", "a_b", "\"\u{202e}a\"", "a b"] {
        check(&front(&format!("name: {name}\ndescription: x\n")), "", &[letters]);
    }
    check(
        &front("name: []\n"),
        "",
        &["SKILL.md:2: `description` is missing", "SKILL.md:2: `name` is missing", "SKILL.md:2: `name`: expected text"],
    );
    check(
        &front(&format!(
            "name: {}\ndescription: {}\ncompatibility: {}\n",
            "a".repeat(65),
            "ü".repeat(1025),
            "c".repeat(501)
        )),
        "",
        &[
            "SKILL.md:2: `name` has 65 characters, expected at most 64",
            "SKILL.md:2: `name`: expected a-z, 0-9 and single hyphens, neither first nor last",
            "SKILL.md:3: `description` has 1025 characters, expected at most 1024",
            "SKILL.md:4: `compatibility` has 501 characters, expected at most 500",
        ],
    );
    check(
        &front(
            "name: a\ndescription: x\nmetadata: {a: [1]}\nexternalCalls:\n- {}\n- url: ftp://x\n  method: G T\n- []\nexternal_calls: x\n",
        ),
        "",
        &[
            "SKILL.md:4: `metadata`: expected text for `a`",
            "SKILL.md:6: an external call: `url` is missing",
            "SKILL.md:7: an external call: `method`: expected one HTTP method",
            "SKILL.md:7: an external call: `url`: expected https://HOST/...",
            "SKILL.md:9: an external call: expected an address, or keys and values",
            "SKILL.md:10: `externalCalls`: expected a list",
        ],
    );
}

#[test]
fn the_frontmatter_stands_at_the_beginning() {
    let missing = "SKILL.md:1: the frontmatter is missing: expected a first line `---`";
    check("", "", &[missing]);
    check("# Title\n---\nname: a\n---\n", "", &[missing]);
    check("---\nname: a\n", "", &["SKILL.md:1: the frontmatter has no end: expected a line `---`"]);
    check("\u{feff}---\nname: a\ndescription: x\n---", "", &[]);
    check("---\n---\n", "", &["SKILL.md:2: `description` is missing", "SKILL.md:2: `name` is missing"]);
    check(
        "---\n- a\n---\n",
        "",
        &[
            "SKILL.md:2: `description` is missing",
            "SKILL.md:2: `name` is missing",
            "SKILL.md:2: expected keys and values",
        ],
    );
    check(
        "---\nname: a\ndescription: \"x\n---\n",
        "",
        &[
            "SKILL.md:2: `description` is missing",
            "SKILL.md:3: this is not YAML: while scanning a quoted scalar, found unexpected end of stream",
        ],
    );
}

#[test]
fn a_hundred_thousand_lines_hide_nothing() {
    let lines = "\n".repeat(100_000);
    let text = format!(
        "{lines}---{lines}name: a\ndescription: x\ncapabilities: [one]\n---\n{lines}````yml\n{lines}capabilities: [two]\n```\n````\n{lines}"
    );
    let manifest = read("SKILL.md", text.as_bytes(), "");
    assert_eq!(manifest.name.as_deref(), Some("a"));
    assert_eq!(manifest.capabilities, ["one", "two"]);
    assert_eq!(
        problems(&manifest),
        [
            "SKILL.md:100001: the frontmatter stands after empty lines",
            "SKILL.md:400007: this is not YAML: unexpected character: ``'"
        ]
    );
}

#[test]
fn what_is_too_much_is_said() {
    let calls: String = (0..300).map(|at| format!("- https://example.org/{at}\n")).collect();
    let manifest =
        read("SKILL.md", format!("---\nname: a\ndescription: x\nexternalCalls:\n{calls}---\n").as_bytes(), "");
    assert_eq!(manifest.external_calls.len(), 100);
    assert_eq!(problems(&manifest), ["SKILL.md:2: 300 external calls, 100 are read"]);
    let wrong: String = (0..300).map(|_| "- {}\n".to_owned()).collect();
    let manifest =
        read("SKILL.md", format!("---\nname: a\ndescription: x\nexternalCalls:\n{wrong}---\n").as_bytes(), "");
    assert_eq!(manifest.problems.len(), 101);
    assert_eq!(manifest.problems[100].message, "and 200 more problems");
    let manifest = read("SKILL.md", b"---\nname: a\ndescription: \xff\n---\n", "");
    assert_eq!(problems(&manifest), ["SKILL.md:3: the file is not UTF-8"]);
}

proptest::proptest! {
    /// Whatever the bytes are: an answer, printable and bounded.
    #[test]
    fn nothing_breaks_it(text in "(---\n)?([a-c&*!?:,\\[\\]{}|>'\"#%@`~ \t\r\n-]|name|externalCalls|```yaml\n|capabilities){0,200}") {
        let manifest = read("SKILL.md", text.as_bytes(), "a");
        let shown = serde_json::to_string(&manifest).unwrap();
        proptest::prop_assert!(shown.len() < 100_000);
        proptest::prop_assert!(!shown.contains(|c: char| c.is_control()));
        let lines = text.matches(['\n', '\r']).count() as u32 + 2;
        proptest::prop_assert!(manifest.problems.iter().all(|problem| (1..=lines).contains(&problem.at.line)));
    }
}
