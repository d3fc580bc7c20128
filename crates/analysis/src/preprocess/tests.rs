use sigma_core::{
    CodeLanguage, Declared, DependencyKind, Ecosystem, ExternalCall, Location, Manifest, ManifestSource, Origin,
    PackageName, Preprocess, Sha256, SkillManifest, SourceFile, SourceTree,
};

use super::{Submitted, is_exact};
use crate::{Analyser, Limits};

fn tree(files: &[(&str, &str)]) -> SourceTree {
    let mut files: Vec<SourceFile> = files
        .iter()
        .map(|(path, text)| SourceFile { path: (*path).to_owned(), bytes: text.as_bytes().to_vec() })
        .collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    SourceTree { origin: Origin::Folder, folder: String::new(), files }
}

fn manifest(ecosystem: Ecosystem, declared: &[(&str, &str)]) -> Manifest {
    let one = |(name, spec): &(&str, &str)| Declared {
        name: PackageName::new(ecosystem, name).unwrap(),
        spec: (*spec).to_owned(),
        kind: DependencyKind::Runtime,
        extras: vec![],
        marker: None,
        alias: None,
        pinned: vec![],
        at: Location { file: "m".to_owned(), line: 1 },
    };
    Manifest {
        ecosystem,
        path: "m".to_owned(),
        files: vec!["m".to_owned()],
        declared: declared.iter().map(one).collect(),
        refused: vec![],
        problems: vec![],
        source: ManifestSource::Ranges { constraints: vec![], overrides: None, pre_releases: false },
    }
}

fn skill(capabilities: &[&str], calls: &[&str]) -> SkillManifest {
    let call = |url: &&str| ExternalCall { url: (*url).to_owned(), method: "GET".to_owned(), auth: None, reason: None };
    SkillManifest {
        capabilities: capabilities.iter().map(|word| (*word).to_owned()).collect(),
        external_calls: calls.iter().map(call).collect(),
        ..SkillManifest::new("SKILL.md".to_owned(), Sha256::of(b""))
    }
}

fn preprocess(
    language: CodeLanguage,
    files: &[(&str, &str)],
    skill: Option<&SkillManifest>,
    manifests: &[Manifest],
) -> Preprocess {
    let tree = tree(files);
    let entry = Some(files[0].0);
    let submitted = Submitted { tree: &tree, language: Some(language), entry, skill, manifests };
    Analyser::new(Limits::default()).preprocess(submitted)
}

const WEATHER: &str = "import os, sys, subprocess\nimport requests, yaml\nfrom helpers import parse\n\
    def main():\n    answer = requests.get('https://api.weather.example/v1')\n    subprocess.run(['ls'])\n\
    if __name__ == '__main__':\n    main()\n";

#[test]
fn imports_and_manifests_are_compared_in_both_directions() {
    let manifests = [manifest(Ecosystem::Pypi, &[("requests", "==2.31.0"), ("python-dateutil", "==2.9.0")])];
    let files = [("src/main.py", WEATHER), ("src/helpers.py", "def parse(): pass\n")];
    let found = preprocess(CodeLanguage::Python, &files, None, &manifests);
    assert_eq!(found.undeclared_imports.iter().collect::<Vec<_>>(), ["yaml"]);
    assert_eq!(found.unused_packages.iter().collect::<Vec<_>>(), ["python-dateutil"]);
    assert_eq!(found.dependencies_pinned, Some(true));
    assert!(
        found.report.findings.iter().all(|finding| finding.file.starts_with("src/")),
        "{:?}",
        found.report.findings
    );
    assert!(found.report.findings.iter().any(|finding| finding.reached == Some(true)));

    let code = "import express from 'express'; import fs from 'node:fs'; import z from '@scope/z/deep';\n\
        const path = require('path'); const left = require('left-pad'); import './own.js';\n";
    let manifests = [manifest(Ecosystem::Npm, &[("express", "^4.0.0"), ("lodash", "4.17.21")])];
    let found = preprocess(CodeLanguage::Node, &[("index.js", code), ("own.js", "")], None, &manifests);
    assert_eq!(found.undeclared_imports.iter().collect::<Vec<_>>(), ["@scope/z", "left-pad"]);
    assert_eq!(found.unused_packages.iter().collect::<Vec<_>>(), ["lodash"]);
    assert_eq!(found.dependencies_pinned, Some(false));
}

#[test]
fn skill_and_code_are_compared_in_both_directions() {
    let declared =
        skill(&["network", "filesystem"], &["https://API.weather.example/v1", "https://maps.example:8443/x"]);
    let found = preprocess(CodeLanguage::Python, &[("main.py", WEATHER)], Some(&declared), &[]).delta;
    assert!(found.undeclared_hosts.is_empty(), "{found:?}");
    assert_eq!(found.unused_hosts.iter().collect::<Vec<_>>(), ["maps.example"]);
    let words: Vec<&str> = found.undeclared_capabilities.iter().map(|one| one.as_str()).collect();
    assert_eq!(words, ["process"]);
    assert_eq!(found.unused_capabilities.iter().collect::<Vec<_>>(), ["filesystem"]);

    let silent = skill(&[], &["*.weather.example"]);
    let found = preprocess(CodeLanguage::Python, &[("main.py", WEATHER)], Some(&silent), &[]).delta;
    assert!(found.undeclared_hosts.is_empty() && found.unused_hosts.is_empty(), "{found:?}");
    let found = preprocess(CodeLanguage::Python, &[("main.py", WEATHER)], Some(&skill(&[], &[])), &[]).delta;
    assert_eq!(found.undeclared_hosts.iter().collect::<Vec<_>>(), ["api.weather.example"]);
}

#[test]
fn tiers_follow_size_and_reach() {
    let check = |files: usize, text: &str, expect: &str| {
        let names: Vec<String> = (0..files).map(|index| format!("f{index}.py")).collect();
        let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), text)).collect();
        assert_eq!(preprocess(CodeLanguage::Python, &files, None, &[]).tier.to_string(), expect);
    };
    check(3, "x = 1\n", "standard");
    check(11, "x = 1\n", "complex");
    check(31, "x = 1\n", "high-complex");
    check(1, &"x = 1\n".repeat(12_000), "complex");
    check(1, &"x = 1\n".repeat(45_000), "high-complex");
    let reaching = "import requests, subprocess, pickle\nrequests.get('https://a.example')\n\
        subprocess.run(['ls'])\npickle.loads(b'')\n";
    check(1, reaching, "complex");
}

#[test]
fn only_one_version_is_exact() {
    for (spec, expect) in [("==1.2.3", true), ("===1.2", true), ("==1.*", false), (">=1,<2", false), ("", false)] {
        assert_eq!(is_exact(Ecosystem::Pypi, spec), expect, "{spec}");
    }
    for (spec, expect) in [("1.2.3", true), ("=1.2.3", true), ("^1.2.3", false), ("1.x", false), ("latest", false)] {
        assert_eq!(is_exact(Ecosystem::Npm, spec), expect, "{spec}");
    }
}
