use std::collections::BTreeMap;

use sigma_core::{
    AnalysisType, Ballot, Category, Confidence, CouncilVerdict, Coverage, Digests, DistributionKind,
    DistributionReport, Finding, Phase, Reach, Severity, Sha1, Sha512, Vote,
};

use super::*;

/// 2026-11-22.
fn now() -> Timestamp {
    Timestamp::from_millis(1_795_305_600_000)
}

fn sha(text: &str) -> Sha256 {
    Sha256::of(text.as_bytes())
}

fn waiver(sha256: Sha256, more: &str) -> String {
    format!(
        "[[waiver]]\nrule = \"decoded-execution\"\npath = \"demo/a.py\"\nsha256 = \"{sha256}\"\nowner = \"sec@acme.test\"\n\
         reason = \"our own loader\"\n{more}\n"
    )
}

fn report(findings: usize) -> Report {
    let finding = |line| Finding {
        rule: "decoded-execution".into(),
        category: Category::Obfuscation,
        capability: None,
        severity: Severity::Critical,
        confidence: Confidence::High,
        reach: Reach::Import,
        file: "demo/a.py".into(),
        line,
        evidence: String::new(),
        message: String::new(),
        reached: None,
    };
    let coverage = Coverage { cited: BTreeMap::from([("demo/a.py".into(), sha("a"))]), ..Coverage::default() };
    let distribution = DistributionReport {
        filename: "demo-1.0.whl".into(),
        kind: DistributionKind::Wheel,
        digests: Digests {
            sha256: sha("wheel"),
            sha512: Sha512::from_bytes([0; 64]),
            sha1: Sha1::from_bytes([0; 20]),
            size: 1,
        },
        coverage,
        capabilities: Default::default(),
        hosts: Default::default(),
        imports: Default::default(),
        install_hooks: Default::default(),
        entry_points: Default::default(),
        findings: (1..=findings).map(|line| finding(line as u32)).collect(),
        rule_hits: Default::default(),
    };
    Report {
        package: "pypi:demo@1.0".parse().unwrap(),
        ruleset: "test".into(),
        analysis_type: AnalysisType::Full,
        distributions: vec![distribution],
    }
}

fn ruling(reasons: &[(SecurityLevel, &str, Option<&str>)]) -> Ruling {
    let reasons: Vec<Reason> = reasons
        .iter()
        .map(|(level, code, location)| Reason {
            level: *level,
            code: (*code).into(),
            message: String::new(),
            distribution: location.map(|_| "demo-1.0.whl".into()),
            location: location.map(str::to_owned),
            evidence: None,
        })
        .collect();
    let level = reasons.iter().map(|reason| reason.level).max().unwrap_or(SecurityLevel::Clear);
    let ballot = Ballot { validator: "v".into(), phase: Phase::One, vote: Vote::Safe, level, reasons, model: None };
    let verdict = CouncilVerdict::Approved;
    Ruling { verdict, level, warnings: Vec::new(), ballots: vec![ballot], rationale: String::new() }
}

/// The level that is left, and how the waiver fared.
fn judge(file: &str, at: Timestamp, report: &Report, ruling: &Ruling) -> (SecurityLevel, String) {
    let waivers = Waivers::read("w.toml", file, now()).unwrap();
    let mut judge = waivers.judge(at);
    let left = judge.package(report, ruling);
    let waived = judge.finish();
    assert_eq!(waived.levels.get(&report.package).copied().unwrap_or(ruling.level), left);
    (left, waived.uses[0].to_string())
}

#[test]
fn a_waiver_holds_for_one_rule_in_one_content_until_its_day() {
    use SecurityLevel::{Blocked, Caution, Clear, Monitored};
    let blocked = ruling(&[(Blocked, "decoded-execution", Some("demo/a.py:1")), (Monitored, "other", None)]);
    let day = 24 * 60 * 60 * 1000;
    let later = |days: i64| Timestamp::from_millis(now().as_millis() + days * day);
    let until = "expires = 2026-12-01";
    let check = |file: String, at, report: &Report, ruling: &Ruling, left, says: &str| {
        let (got, line) = judge(&file, at, report, ruling);
        assert!(line.contains(says), "{line:?} does not say {says:?}");
        assert_eq!(got, left, "{line}");
    };
    let allowed = format!("{until}\nallow-blocked = true");
    check(
        waiver(sha("a"), &allowed),
        now(),
        &report(1),
        &blocked,
        Monitored,
        "waived by sec@acme.test until 2026-12-01",
    );
    check(waiver(sha("a"), &allowed), later(9), &report(1), &blocked, Monitored, "waived");
    check(waiver(sha("a"), &allowed), later(10), &report(1), &blocked, Blocked, "expired");
    check(waiver(sha("b"), &allowed), now(), &report(1), &blocked, Blocked, "the file changed");
    check(waiver(sha("a"), until), now(), &report(1), &blocked, Blocked, "allow-blocked");
    check(waiver(sha("a"), &allowed), now(), &report(40), &blocked, Blocked, "40 times or more");
    let caution = ruling(&[(Caution, "decoded-execution", Some("demo/a.py"))]);
    check(waiver(sha("a"), until), now(), &report(1), &caution, Clear, "waived");
    let elsewhere = ruling(&[(Caution, "decoded-execution", Some("demo/b.py:1"))]);
    check(waiver(sha("a"), until), now(), &report(1), &elsewhere, Caution, "matches nothing");
    for (package, left) in
        [("pypi:demo", Clear), ("pypi:demo@1.0", Clear), ("pypi:demo@2.0", Caution), ("npm:demo", Caution)]
    {
        let named = waiver(sha("a"), &format!("{until}\npackage = \"{package}\""));
        assert_eq!(judge(&named, now(), &report(1), &caution).0, left, "{package}");
    }
    // What concerns the package as a whole is bound to the distribution.
    let whole = ruling(&[(Caution, "signals-combine", None)]);
    let named =
        |sha| waiver(sha, until).replace("decoded-execution", "signals-combine").replace("demo/a.py", "demo-1.0.whl");
    check(named(sha("wheel")), now(), &report(1), &whole, Clear, "waived");
    check(named(sha("a")), now(), &report(1), &whole, Caution, "the file changed");
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let check = |file: &str, says: &str| {
        let got = Waivers::read("w.toml", file, now()).unwrap_err().to_string();
        assert!(got.contains(says), "{got:?} does not say {says:?}");
    };
    check(&waiver(sha("a"), ""), "w.toml:1:1: missing field `expires`");
    check(&waiver(sha("a"), "expires = \"2027-12-01\""), "w.toml:7:11: expires: at most 366 days ahead");
    check(&waiver(sha("a"), "expires = \"soon\""), "w.toml:7:11: expires: expected a date such as 2027-01-31");
    check(&waiver(sha("a"), "expires = \"2027-01-01\"\nlevel = 1"), "w.toml:8:1: unknown field `level`");
    check(&waiver(sha("a"), "expires = \"2027-01-01\"\npackage = \"demo\""), "w.toml:8:11: package: got \"demo\"");
    let until = waiver(sha("a"), "expires = \"2027-01-01\"");
    check(&until.replace("our own loader", " "), "w.toml:6:10: reason is empty");
    check(&until.replace(&sha("a").to_string(), "abc"), "w.toml:4:10: sha256: expected 64 hexadecimal digits");
    check("[[waiver]\n", "w.toml:1:");
    assert!(Waivers::read("w.toml", "", now()).unwrap().is_empty());
    let expired = waiver(sha("a"), "expires = \"2020-01-01\"");
    assert!(!Waivers::read("w.toml", &expired, now()).unwrap().is_empty(), "an expired one is told, not refused");
}
