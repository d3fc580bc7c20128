//! Places where a payload hides from readers that stop early, decode otherwise, or do not look: it is found or disclosed.

use std::io::Write as _;

use sigma_core::{FileState, SkipReason};

use super::*;

const PAYLOAD: &str = "import base64\nexec(base64.b64decode('cGFzcw=='))\n";

fn report(path: &str, bytes: &[u8]) -> sigma_core::DistributionReport {
    wheel(&Analyser::new(Limits::default()), &[(path, bytes)]).report
}

/// The line of the payload.
fn found(path: &str, bytes: &[u8]) -> Option<u32> {
    let report = report(path, bytes);
    assert_eq!(report.coverage.states.values().sum::<u64>(), report.coverage.files, "{path}");
    report.findings.iter().find(|finding| finding.rule == "decoded-execution").map(|finding| finding.line)
}

fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(unit).collect()
}

#[test]
fn nothing_before_a_payload_hides_it() {
    assert_eq!(found("a.py", ("\n".repeat(100_000) + PAYLOAD).as_bytes()), Some(100_002));
    assert_eq!(found("a.py", (" ".repeat(500_000) + "\n" + PAYLOAD).as_bytes()), Some(3));
    assert_eq!(found("a.py", format!("x = '{}'\n{PAYLOAD}", "a".repeat(3 << 20)).as_bytes()), Some(3));
    let line = format!("x = 1;{}import base64; exec(base64.b64decode('cGFzcw=='))\n", " ".repeat(200_000));
    assert_eq!(found("a.py", line.as_bytes()), Some(1));
    assert_eq!(found("a.py", format!("\0{PAYLOAD}").as_bytes()), Some(2));
    assert_eq!(found("a.py", format!("x = 1\0\n{PAYLOAD}").as_bytes()), Some(3));
    let deep = format!("x = {}{}\n{PAYLOAD}", "(".repeat(5_000), ")".repeat(5_000));
    assert!(report("a.py", deep.as_bytes()).rule_hits.contains_key("too-deep"));
    assert_eq!(found("a.js", format!("{}eval(atob('MQ=='));", "\n".repeat(100_000)).as_bytes()), Some(100_001));
    assert_eq!(found("a.js", format!("/*{}*/eval(atob('MQ=='));", "a".repeat(1 << 20)).as_bytes()), Some(1));
}

#[test]
fn line_ends_are_those_of_the_language() {
    assert!(found("a.py", PAYLOAD.replace('\n', "\r").as_bytes()).is_some());
    assert!(found("a.py", b"# a comment\rimport base64\rexec(base64.b64decode('cGFzcw=='))\r").is_some());
    assert!(found("a.py", b"def (\r# a comment\rimport base64\rexec(base64.b64decode('cGFzcw=='))\r").is_some());
    assert!(found("a.js", b"// a comment\reval(atob('MQ=='));\r").is_some());
    assert!(found("a.js", "// a comment\u{2028}eval(atob('MQ=='));".as_bytes()).is_some());
    let broken = report("a.js", "let = = // a comment\u{2028}require('child_process').exec('id');".as_bytes());
    assert!(broken.rule_hits.contains_key("process-spawn") && broken.coverage.token_scanned == 1);
}

#[test]
fn encodings_are_followed_or_told() {
    let marked = |mark: &[u8], bytes: Vec<u8>| [mark.to_vec(), bytes].concat();
    assert!(found("a.py", &marked(b"\xef\xbb\xbf", PAYLOAD.into())).is_some());
    assert!(found("a.py", &marked(b"\xff\xfe", utf16(PAYLOAD, u16::to_le_bytes))).is_some());
    assert!(found("a.py", &marked(b"\xfe\xff", utf16(PAYLOAD, u16::to_be_bytes))).is_some());
    assert!(found("a.py", &utf16(PAYLOAD, u16::to_le_bytes)).is_some());
    let wide: Vec<u8> = PAYLOAD.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
    assert!(found("a.py", &marked(b"\xff\xfe\0\0", wide)).is_some());
    assert!(found("a.py", format!("# coding: latin-1\n# \u{e9}\n{PAYLOAD}").as_bytes()).is_some());
    assert!(found("a.py", format!("# coding: utf-7\n{}", PAYLOAD.replace("exec", "+AGU-xec")).as_bytes()).is_some());
    let escaped = PAYLOAD.replace('\n', "\\x0a");
    assert!(found("a.py", format!("# coding: unicode_escape\n#\\x0a{escaped}").as_bytes()).is_some());
    // A text that ends in latin-1 only: what follows is code in one reading and text in the other.
    let hidden = [b"# coding: gbk\nx = '\xbf\x5c'\n".to_vec(), PAYLOAD.into()].concat();
    assert!(found("a.py", &hidden).is_some());
    let unknown = report("a.py", format!("# coding: cp037\n{PAYLOAD}").as_bytes());
    assert_eq!(unknown.coverage.skipped[0].reason, SkipReason::Encoding);
    assert_eq!(unknown.coverage.sources[0].reason, Some(SkipReason::Encoding));
    assert!(unknown.rule_hits.contains_key("source-encoding"));
    assert_eq!(analysis_type(&[unknown]), AnalysisType::Partial);
}

#[test]
fn what_is_too_large_is_told() {
    let limits = Limits { file_bytes: 1000, ..Limits::default() };
    let large = "\n".repeat(1000) + PAYLOAD;
    let report = wheel(&Analyser::new(limits), &[("a.py", large.as_bytes())]).report;
    assert_eq!(report.coverage.states[&FileState::OverLimit], 1);
    assert_eq!(report.coverage.sources[0].state, FileState::OverLimit);
    assert!(report.coverage.has_gaps());
}

#[test]
fn every_file_has_a_state() {
    let files: &[(&str, &[u8])] = &[
        ("a.py", b"x = 1\n"),
        ("b.py", b"def (:\n"),
        ("c.txt", b"text"),
        ("d.png", b"\x89PNG\0"),
        ("e.so", b"\x7fELF\x02"),
    ];
    let coverage = wheel(&Analyser::new(Limits::default()), files).report.coverage;
    let states: Vec<String> = coverage.states.iter().map(|(state, count)| format!("{state:?} {count}")).collect();
    assert_eq!(states, ["Parsed 1", "TokenScanned 1", "TextScanned 1", "Binary 1", "Hashed 1"]);
    let sources: Vec<&str> = coverage.sources.iter().map(|source| source.path.as_str()).collect();
    assert_eq!(sources, ["a.py", "b.py"]);
}

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (path, bytes) in files {
        writer.start_file(*path, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, path, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn archive(filename: &str, bytes: &[u8]) -> sigma_core::DistributionReport {
    let kind = if filename.ends_with(".whl") { DistributionKind::Wheel } else { DistributionKind::Sdist };
    let package = package();
    let mut source = Cursor::new(bytes.to_vec());
    let input =
        Input { package: Named::Published(&package), filename, kind, digests: digests(bytes), bytes: &mut source };
    Analyser::new(Limits::default()).analyse(input).report
}

/// Where the payload is found.
fn places(filename: &str, bytes: &[u8]) -> Vec<String> {
    let report = archive(filename, bytes);
    assert_eq!(report.coverage.states.values().sum::<u64>(), report.coverage.files);
    let hits = report.findings.into_iter().filter(|finding| finding.rule == "decoded-execution");
    hits.map(|finding| finding.file).collect()
}

#[test]
fn archives_in_archives_are_analysed_under_any_name() {
    let inner = zip(&[("b.py", PAYLOAD.as_bytes())]);
    let sdist = zip(&[("c.zip", &inner)]);
    assert_eq!(places("demo-1.0.0-py3-none-any.whl", &zip(&[("demo/a.zip", &inner)])), ["demo/a.zip!/b.py"]);
    assert_eq!(places("demo-1.0.0-py3-none-any.whl", &zip(&[("demo/a.dat", &sdist)])), ["demo/a.dat!/c.zip!/b.py"]);
    let tgz = gzip(&tar(&[("x/b.py", PAYLOAD.as_bytes())]));
    assert_eq!(places("demo-1.0.0-py3-none-any.whl", &zip(&[("demo/a.txt", &tgz)])), ["demo/a.txt!/x/b.py"]);
    let image = [b"\x89PNG\r\n\x1a\n\0\0\0\0IEND\xae\x42\x60\x82".to_vec(), inner.clone()].concat();
    assert_eq!(places("demo-1.0.0.tar.gz", &gzip(&tar(&[("demo-1.0.0/a.png", &image)]))), ["demo-1.0.0/a.png!/b.py"]);
    // Python runs a zip that is named as a script.
    let both = [b"#!/usr/bin/env python3\n".to_vec(), inner].concat();
    assert_eq!(places("demo-1.0.0.tar.gz", &gzip(&tar(&[("demo-1.0.0/a.py", &both)]))), ["demo-1.0.0/a.py!/b.py"]);
}

#[test]
fn odd_archives_are_read_and_told() {
    let plain = zip(&[("demo/a.py", PAYLOAD.as_bytes())]);
    let told = |filename: &str, bytes: &[u8]| archive(filename, bytes).rule_hits.contains_key("archive-oddity");
    // Two archives in a row, the wrong extension, and bytes behind the end.
    let twice = [plain.clone(), zip(&[("demo/b.py", PAYLOAD.as_bytes())])].concat();
    assert_eq!(places("demo-1.0.0-py3-none-any.whl", &twice), ["demo/a.py", "demo/b.py"]);
    assert!(told("demo-1.0.0-py3-none-any.whl", &twice));
    assert_eq!(places("demo-1.0.0.tar.gz", &plain), ["demo/a.py"]);
    assert!(told("demo-1.0.0.tar.gz", &plain));
    let first = tar(&[("demo-1.0.0/a.py", b"x = 1\n")]);
    let behind = [first.clone(), tar(&[("demo-1.0.0/b.py", PAYLOAD.as_bytes())])].concat();
    assert_eq!(places("demo-1.0.0.tar.gz", &gzip(&behind)), ["demo-1.0.0/b.py"]);
    assert!(told("demo-1.0.0.tar.gz", &gzip(&behind)));
    let trailing = [gzip(&first), plain].concat();
    assert_eq!(places("demo-1.0.0.tar.gz", &trailing), ["demo/a.py"]);
    let garbage = [gzip(&first), b"and more".to_vec()].concat();
    assert!(told("demo-1.0.0.tar.gz", &garbage));
}

#[test]
fn compiled_files_are_compared_with_their_source() {
    let hex = include_str!("../rules/binary/pyc_differs/hit.txtar").lines().last().unwrap();
    let compiled = data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap();
    let files: &[(&str, &[u8])] =
        &[("demo/core.py", b"VERSION = '1'\n"), ("demo/__pycache__/core.cpython-312.pyc", &compiled)];
    let report = archive("demo-1.0.0-py3-none-any.whl", &zip(files));
    assert_eq!(report.rule_hits.get("pyc-differs"), Some(&1));
    assert!(!report.rule_hits.contains_key("pyc-without-source"));
    let report = archive("demo-1.0.0-py3-none-any.whl", &zip(&files[1..]));
    assert_eq!(report.rule_hits.get("pyc-without-source"), Some(&1));
    // A second source of the same path, which names all of it, takes nothing back; files around them are passed over.
    let all: &[u8] = b"VERSION = '1'\nimport os\nos.system('id')\n";
    let other: (&str, &[u8]) = ("demo/other.py", b"x = 1\n");
    for twice in
        [[files[0], files[1], other, ("demo/core.py", all)], [("demo/core.py", all), other, files[1], files[0]]]
    {
        let within = twice.map(|(path, bytes)| (format!("demo-1.0.0/{path}"), bytes));
        let within: Vec<(&str, &[u8])> = within.iter().map(|(path, bytes)| (path.as_str(), *bytes)).collect();
        let report = archive("demo-1.0.0.tar.gz", &gzip(&tar(&within)));
        assert_eq!(report.rule_hits.get("pyc-differs"), Some(&1));
        assert_eq!(report.coverage.files, 4);
    }
}
