use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use sigma_core::{
    Digests, DistributionKind, DistributionReport, Ecosystem, PackageId, PackageName, Sha1, Sha256, Sha512,
};

use super::RULES;
use crate::{Analyser, Analysis, Input, Limits};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rules")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

/// The report on a fixture; a `.tar` goes through the archive's reader.
fn report(path: &Path) -> DistributionReport {
    if !name(path).ends_with(".tar") {
        let (kind, mut files) = fixture(path);
        let published = files.iter().position(|(path, _)| path.ends_with("published"));
        return match published.map(|at| String::from_utf8(files.remove(at).1).unwrap()) {
            Some(published) => analyse_as(published.trim().split_once(' ').unwrap(), kind, &files).report,
            None => analyse(kind, &files).report,
        };
    }
    let bytes = fs::read(path).unwrap();
    let (package, digests) = (demo(Ecosystem::Pypi), digests());
    let (filename, kind) = ("demo-1.0.0.tar", DistributionKind::Sdist);
    let mut bytes = std::io::Cursor::new(bytes);
    let input = Input { package: &package, filename, kind, digests, bytes: &mut bytes };
    Analyser::new(Limits::default()).analyse(input).report
}

fn demo(ecosystem: Ecosystem) -> PackageId {
    PackageId::new(PackageName::new(ecosystem, "demo").unwrap(), "1.0.0").unwrap()
}

fn digests() -> Digests {
    let sha256 = Sha256::of(b"");
    Digests { sha256, sha512: Sha512::from_bytes([0; 64]), sha1: Sha1::from_bytes([0; 20]), size: 0 }
}

/// Files and their bytes, as they stand in the archive.
type Files = Vec<(String, Vec<u8>)>;

/// A fixture is one file, `hit.py` or `hit@setup.py` where its path matters, or several in a `.txtar`: `-- path --` lines,
/// with `hex:` before a path whose bytes are in hexadecimal; `published` is no file, but the name and version under which
/// it was published. The ecosystem follows from the names.
fn fixture(path: &Path) -> (DistributionKind, Files) {
    let bytes = fs::read(path).unwrap();
    let file = name(path);
    let files: Vec<(String, Vec<u8>)> = if file.ends_with(".txtar") {
        let text = String::from_utf8(bytes).unwrap();
        let parts = text.split("-- ").skip(1).map(|part| part.split_once(" --\n").unwrap());
        let bytes = |path: &str, text: &str| match path.strip_prefix("hex:") {
            Some(path) => (path.into(), data_encoding::HEXLOWER.decode(text.trim().as_bytes()).unwrap()),
            None => (path.into(), text.as_bytes().to_vec()),
        };
        parts.map(|(path, text)| bytes(path, text)).collect()
    } else {
        vec![(file.split_once('@').map_or(file, |(_, path)| path).to_owned(), bytes)]
    };
    let any = |ends: &[&str]| files.iter().any(|(path, _)| ends.iter().any(|end| path.ends_with(end)));
    let kind = if any(&["package.json", ".js", ".ts", ".mjs", ".cjs", "binding.gyp"]) {
        DistributionKind::NpmTarball
    } else if any(&["setup.py", "pyproject.toml", "PKG-INFO"]) {
        DistributionKind::Sdist
    } else {
        DistributionKind::Wheel
    };
    let folder = match kind {
        DistributionKind::NpmTarball => "package/",
        DistributionKind::Sdist => "demo-1.0.0/",
        DistributionKind::Wheel => "",
    };
    (kind, files.into_iter().map(|(path, bytes)| (format!("{folder}{path}"), bytes)).collect())
}

fn analyse(kind: DistributionKind, files: &Files) -> Analysis {
    analyse_as(("demo", "1.0.0"), kind, files)
}

fn analyse_as((name, version): (&str, &str), kind: DistributionKind, files: &Files) -> Analysis {
    let ecosystem = match kind {
        DistributionKind::NpmTarball => Ecosystem::Npm,
        _ => Ecosystem::Pypi,
    };
    let package = PackageId::new(PackageName::new(ecosystem, name).unwrap(), version).unwrap();
    let digests = digests();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())).collect();
    Analyser::new(Limits::default()).analyse_files(Some(&package), kind, "demo", digests, &files)
}

/// Every rule file and its folder of fixtures, by id.
fn rule_files() -> BTreeMap<String, PathBuf> {
    let groups = entries(&root()).into_iter().filter(|path| path.is_dir());
    let files = groups.flat_map(|group| entries(&group)).filter(|path| path.extension().is_some_and(|e| e == "rs"));
    let rules = files.filter(|path| fs::read_to_string(path).unwrap().contains("const RULE: Rule"));
    rules.map(|path| (path.file_stem().unwrap().to_str().unwrap().replace('_', "-"), path.with_extension(""))).collect()
}

#[test]
fn every_rule_file_is_registered_under_its_name() {
    let registered: BTreeSet<String> = RULES.iter().map(|rule| rule.id.to_owned()).collect();
    assert_eq!(registered, rule_files().into_keys().collect());
    assert_eq!(registered.len(), RULES.len(), "a rule stands twice in the table");
    for rule in RULES {
        assert!(rule.message.ends_with('.'), "{}: a message is a sentence", rule.id);
    }
}

#[test]
fn every_rule_has_a_hit_and_a_miss() {
    for (id, folder) in rule_files() {
        let fixtures = if folder.is_dir() { entries(&folder) } else { Vec::new() };
        for kind in ["hit", "miss"] {
            assert!(
                fixtures.iter().any(|path| name(path).starts_with(kind)),
                "{id} has no {kind} in {}",
                folder.display()
            );
        }
        for path in fixtures {
            let report = report(&path);
            let hit = report.findings.iter().any(|finding| finding.rule == id);
            assert_eq!(hit, name(&path).starts_with("hit"), "{}: {:#?}", path.display(), report.findings);
        }
    }
}

/// Every rule over every fixture: a rule that grows too eager shows here.
#[test]
fn what_every_fixture_shows() {
    let mut lines = Vec::new();
    for (id, folder) in rule_files() {
        for path in entries(&folder) {
            let report = report(&path);
            let seen: BTreeSet<String> = report
                .findings
                .iter()
                .map(|finding| format!("{}:{:?}:{:?}", finding.rule, finding.severity, finding.reach))
                .collect();
            lines.push(format!("{id}/{} -> {}", name(&path), seen.into_iter().collect::<Vec<_>>().join(" ")));
        }
    }
    insta::assert_snapshot!(lines.join("\n"));
}

/// One-line variants of a decoded payload, by which scanners that read text are evaded.
#[test]
fn variants_of_a_decoded_payload_are_all_seen() {
    let variants: &[(&str, &str)] = &[
        ("a.py", "import base64\nexec(base64.b64decode('cGFzcw=='))\n"),
        ("a.py", "from base64 import b64decode\nexec(b64decode('cGFzcw=='))\n"),
        ("a.py", "from base64 import *\nexec(b64decode('cGFzcw=='))\n"),
        ("a.py", "x = '''\"'''\nimport base64\nexec(base64.b64decode('cGFzcw=='))\n"),
        ("a.py", "import base64, builtins\ngetattr(builtins, 'exec')(base64.b64decode('cGFzcw=='))\n"),
        ("a.py", "e = eval\nimport base64\np = base64.b64decode('cGFzcw==')\ne(p)\n"),
        ("a.py", "import base64\nexec(getattr(base64, 'b64' + 'decode')('cGFzcw=='))\n"),
        ("a.py", "import codecs\nexec(codecs.decode('cnff', 'rot13'))\n"),
        ("a.py", "exec(bytes([112, 97, 115, 115]))\n"),
        ("a.py", "exec('ssap'[::-1])\n"),
        ("a.mts", "const run: any = (0, eval); run(atob('MQ=='));\n"),
        ("a.cjs", "new Function(Buffer.from('31', 'hex').toString())();\n"),
        ("a.js", "require('vm').runInThisContext(Buffer.from('MQ==', 'base64').toString());\n"),
        ("a.js", "globalThis['e' + 'val'](String.fromCharCode(49));\n"),
        ("a.js", "const d = s => Buffer.from(s, 'base64').toString(); eval(d('MQ=='));\n"),
    ];
    for (path, source) in variants {
        let kind = if path.ends_with("py") { DistributionKind::Wheel } else { DistributionKind::NpmTarball };
        let files = vec![(format!("package/{path}"), source.as_bytes().to_vec())];
        let hits = analyse(kind, &files).report.rule_hits;
        assert!(hits.contains_key("decoded-execution"), "{source}{hits:?}");
    }
}
