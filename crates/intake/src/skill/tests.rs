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
