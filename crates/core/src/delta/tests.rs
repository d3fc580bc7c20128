//! What two reports differ in.

use std::collections::BTreeMap;

use super::compare::{MAX_ENTRIES, REPORT_HOSTS};
use super::*;
use crate::{
    AnalysisType, BinaryFile, Confidence, Coverage, Digests, DistributionReport, Finding, Sha1, Sha256, Sha512,
};

/// A report of one wheel, changed by `set`.
fn report(version: &str, set: impl FnOnce(&mut DistributionReport)) -> Report {
    let digests = Digests {
        sha256: Sha256::of(b""),
        sha512: Sha512::from_bytes([0; 64]),
        sha1: Sha1::from_bytes([0; 20]),
        size: 0,
    };
    let mut distribution = DistributionReport {
        filename: format!("demo-{version}-py3-none-any.whl"),
        kind: DistributionKind::Wheel,
        digests,
        coverage: Coverage::default(),
        capabilities: BTreeSet::new(),
        hosts: BTreeSet::new(),
        imports: BTreeSet::new(),
        install_hooks: BTreeSet::new(),
        entry_points: BTreeSet::new(),
        findings: Vec::new(),
        rule_hits: BTreeMap::new(),
    };
    set(&mut distribution);
    Report {
        package: format!("pypi:demo@{version}").parse().unwrap(),
        ruleset: "r".to_owned(),
        analysis_type: AnalysisType::Full,
        distributions: vec![distribution],
    }
}

fn finding(rule: &str, capability: Capability, reach: Reach, file: &str, evidence: &str) -> Finding {
    Finding {
        rule: rule.to_owned(),
        category: Category::Process,
        capability: Some(capability),
        severity: Severity::Info,
        confidence: Confidence::High,
        reach,
        file: file.to_owned(),
        line: 3,
        evidence: evidence.to_owned(),
        message: String::new(),
        reached: None,
    }
}

fn compare(old: &Report, new: &Report) -> Delta {
    Delta::between((old, &People::default()), (new, &People::default()))
}

fn texts(all: &[&str]) -> BTreeSet<String> {
    all.iter().map(|one| (*one).to_owned()).collect()
}

#[test]
fn what_is_new_is_told_and_what_was_there_is_not() {
    let spawn = |reach, file: &str| finding("process-spawn", Capability::Process, reach, file, "run(x)");
    let old = report("1.2.3", |one| {
        one.findings = vec![spawn(Reach::Call, "demo/a.py")];
        one.hosts = texts(&["a.example.org"]);
        one.install_hooks = texts(&["demo-1.2.3.data/x.pth"]);
        one.entry_points = texts(&["demo.cli"]);
    });
    let new = report("1.2.4", |one| {
        one.findings = vec![
            spawn(Reach::Import, "demo/a.py"),
            spawn(Reach::Import, "demo/b.py"),
            finding("network-client", Capability::NetworkClient, Reach::Test, "tests/t.py", "get(x)"),
        ];
        one.hosts = texts(&["a.example.org", "b.example.org"]);
        one.install_hooks = texts(&["demo-1.2.4.data/x.pth"]);
        one.entry_points = texts(&["demo.cli", "demo.other"]);
    });
    let delta = compare(&old, &new);
    let one = &delta.distributions[0];
    assert_eq!(delta.step, Step::Patch);
    let earlier = Gain { capability: Capability::Process, reach: Reach::Import, before: Some(Reach::Call) };
    assert_eq!(one.capabilities, [earlier], "tests do not count, running earlier does");
    assert_eq!((one.hosts.clone(), one.first_hosts), (texts(&["b.example.org"]), false));
    assert_eq!(one.install_hooks, texts(&[]), "only the version in its path changed");
    assert_eq!(one.entry_points, texts(&["demo.other"]));
    assert_eq!(one.rules, [], "the rule hit before");
    assert_eq!(one.files.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(), ["demo/b.py"]);
    assert_eq!(
        delta.summary(),
        "new since 1.2.3 (patch step): able to: process; hosts: b.example.org; commands: demo.other"
    );
    let same = compare(&old, &old);
    assert!(same.is_empty());
    assert_eq!(same.summary(), "nothing new since 1.2.3 (other step)");
}

#[test]
fn a_command_of_a_hook_that_was_there_is_new() {
    let hook = |command: &str| Finding {
        category: Category::InstallHook,
        ..finding("npm-script", Capability::InstallHook, Reach::Install, "package/package.json", command)
    };
    let with = |version: &str, command: &str| {
        report(version, |one| {
            one.install_hooks = texts(&["package.json#scripts.postinstall"]);
            one.findings = vec![hook(command)];
        })
    };
    let (old, new) = (with("1.0", "postinstall: node a.js"), with("1.1", "postinstall: node b.js"));
    assert_eq!(compare(&old, &new).distributions[0].install_hooks, texts(&["postinstall: node b.js"]));
    assert!(compare(&old, &old).is_empty());
}

#[test]
fn reports_of_two_rulesets_are_compared_only_where_rules_do_not_matter() {
    let old = report("1.0", |_| ());
    let mut new = report("1.1", |one| {
        one.findings = vec![finding("process-spawn", Capability::Process, Reach::Import, "demo/a.py", "run(x)")];
        one.hosts = texts(&["a.example.org"]);
        one.install_hooks = texts(&["demo.pth"]);
    });
    new.ruleset = "r2".to_owned();
    let delta = compare(&old, &new);
    let one = &delta.distributions[0];
    assert!(one.capabilities.is_empty() && one.hosts.is_empty() && one.rules.is_empty() && one.files.is_empty());
    assert_eq!(one.install_hooks, texts(&["demo.pth"]));
    assert_eq!(delta.uncompared.len(), 1);
}

#[test]
fn lists_that_were_cut_are_not_compared_and_lists_that_are_long_are_cut() {
    let hosts = |count: usize| (0..count).map(|n| format!("h{n}.example.org")).collect();
    let old = report("1.0", |one| one.hosts = hosts(REPORT_HOSTS));
    let new = report("1.1", |one| one.hosts = texts(&["new.example.org"]));
    let cut = compare(&old, &new);
    assert_eq!((cut.distributions[0].hosts.len(), cut.uncompared.len()), (0, 1));
    let long = compare(&new, &report("1.2", |one| one.hosts = hosts(100)));
    assert_eq!((long.distributions[0].hosts.len(), long.distributions[0].cut), (MAX_ENTRIES, 100 - MAX_ENTRIES as u64));
}

#[test]
fn a_distribution_without_counterpart_is_named() {
    let new = report("1.1", |one| one.kind = DistributionKind::Sdist);
    let delta = compare(&report("1.0", |_| ()), &new);
    assert!(delta.distributions.is_empty() && delta.is_empty());
    assert_eq!(delta.uncompared, ["demo-1.1-py3-none-any.whl: the earlier release has no file of its kind"]);
    assert_eq!(delta.summary(), "nothing new since 1.0 (minor step) in what could be compared");
}

#[test]
fn binaries_are_known_by_their_names_without_platform_and_hash() {
    let binary = |path: &str| BinaryFile {
        path: path.to_owned(),
        format: "elf".to_owned(),
        size: 1,
        sha256: Sha256::of(b""),
        imports: Default::default(),
    };
    let with = |version: &str, paths: &[&str]| {
        report(version, |one| one.coverage.binaries = paths.iter().map(|path| binary(path)).collect())
    };
    let old = with("1.0", &["demo/_fast.cpython-311-x86_64-linux-gnu.so", "demo.libs/libz-5f1a2b3c.so.1"]);
    let new = with("1.1", &["demo/_fast.cpython-312-darwin.so", "demo.libs/libz-99aa00bb.so.1", "demo/run.exe"]);
    let got = compare(&old, &new);
    let paths: Vec<&str> = got.distributions[0].binaries.iter().map(|binary| binary.path.as_str()).collect();
    assert_eq!((paths, got.distributions[0].first_binaries), (vec!["demo/run.exe"], false));
    let mut beside = with("1.1", &["demo/_fast.cpython-311-x86_64-linux-gnu.so", "demo/_fast.exe"]);
    beside.distributions[0].coverage.binaries[1].format = "pe".to_owned();
    assert_eq!(compare(&old, &beside).distributions[0].binaries.len(), 1, "the same name in another format is new");
}

#[test]
fn who_published_is_new_only_where_the_ecosystem_says_so() {
    let people = |publisher: Option<&str>, maintainers: Option<&[&str]>| People {
        publisher: publisher.map(str::to_owned),
        maintainers: maintainers.map(texts),
    };
    let check = |old: People, new: People, expect: Option<&str>| {
        let (a, b) = (report("1.0", |_| ()), report("1.1", |_| ()));
        assert_eq!(Delta::between((&a, &old), (&b, &new)).newcomer(), expect);
    };
    let ann = || people(Some("ann"), Some(&["ann", "bob"]));
    check(ann(), people(Some("bob"), Some(&["ann", "bob"])), None);
    check(ann(), people(Some("eve"), Some(&["eve", "bob"])), Some("eve"));
    check(ann(), people(Some("eve"), None), Some("eve"));
    check(people(None, None), people(Some("eve"), Some(&["eve"])), None);
    check(ann(), people(None, None), None);
}
