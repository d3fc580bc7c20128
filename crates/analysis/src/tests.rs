use std::io::Cursor;

use sigma_core::{
    AnalysisType, Digests, DistributionKind, Ecosystem, PackageId, PackageName, Sha1, Sha256, Sha512, SkipReason,
};

use super::*;

mod hiding;
mod threads;

fn package() -> PackageId {
    PackageId::new(PackageName::new(Ecosystem::Pypi, "demo").unwrap(), "1.0.0").unwrap()
}

fn digests(bytes: &[u8]) -> Digests {
    let (sha512, sha1) = (Sha512::from_bytes([0; 64]), Sha1::from_bytes([0; 20]));
    Digests { sha256: Sha256::of(bytes), sha512, sha1, size: bytes.len() as u64 }
}

fn wheel(analyser: &Analyser, files: &[(&str, &[u8])]) -> Analysis {
    analyser.analyse_files(Some(&package()), DistributionKind::Wheel, "demo.whl", digests(b""), files)
}

const FILES: &[(&str, &[u8])] = &[
    ("demo/__init__.py", b"import subprocess\nsubprocess.run(['id'])\n"),
    ("demo/tests/test_a.py", b"import os\nos.system('id')\n"),
    ("demo/broken.py", b"import os\ndef (:\nos.system('id')\n"),
    ("demo/types.pyi", b"import os\nos.system('id')\n"),
    ("demo/_fast.so", b"\x7fELF\x02\x01"),
];

#[test]
fn a_report_says_what_was_read() {
    let report = wheel(&Analyser::new(Limits::default()), FILES).report;
    let coverage = &report.coverage;
    assert_eq!((coverage.files, coverage.source_files, coverage.parsed, coverage.token_scanned), (5, 4, 3, 1));
    assert_eq!(coverage.binaries[0].format, "elf");
    assert_eq!(coverage.skipped[0].reason, SkipReason::NotParsed);
    assert!(!coverage.has_gaps());
    assert_eq!(report.imports.iter().map(String::as_str).collect::<Vec<_>>(), ["os", "subprocess"]);
    let lines: Vec<String> = report
        .findings
        .iter()
        .map(|f| format!("{} {:?} {:?} {:?} {}:{}", f.rule, f.severity, f.confidence, f.reach, f.file, f.line))
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    native-code Info High Import demo/_fast.so:0
    process-spawn Info Medium Import demo/broken.py:3
    process-spawn Info High Test demo/tests/test_a.py:2
    process-spawn Info High Import demo/__init__.py:2
    shell-command Info Medium Import demo/broken.py:3
    shell-command Info High Test demo/tests/test_a.py:2
    ");
}

#[test]
fn memory_changes_nothing() {
    let warm = Analyser::new(Limits::default());
    let first = wheel(&warm, FILES);
    assert_eq!(first, wheel(&warm, FILES));
    assert_eq!(first, wheel(&Analyser::new(Limits::default()), FILES));
    // The same bytes under another role are another matter.
    let setup: &[(&str, &[u8])] = &[("demo-1.0.0/setup.py", FILES[0].1)];
    let sdist = |analyser: &Analyser| {
        analyser.analyse_files(Some(&package()), DistributionKind::Sdist, "demo.tar", digests(b""), setup)
    };
    assert_eq!(sdist(&warm), sdist(&Analyser::new(Limits::default())));
    assert!(sdist(&warm).report.rule_hits.contains_key("setup-code"));
}

#[test]
fn one_engine_serves_many_threads() {
    let analyser = Analyser::new(Limits::default());
    let alone = wheel(&analyser, FILES);
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..4).map(|_| scope.spawn(|| wheel(&analyser, FILES))).collect();
        for run in runs {
            assert_eq!(run.join().unwrap(), alone);
        }
    });
}

#[test]
fn an_unreadable_archive_is_disclosed() {
    let package = package();
    let mut bytes = Cursor::new(b"this is no archive".to_vec());
    let kind = DistributionKind::Wheel;
    let input = Input {
        package: Named::Published(&package),
        filename: "demo-1.0.0-py3-none-any.whl",
        kind,
        digests: digests(b""),
        bytes: &mut bytes,
    };
    let report = Analyser::new(Limits::default()).analyse(input).report;
    assert!(report.coverage.has_gaps());
    assert_eq!(analysis_type(&[report]), AnalysisType::Partial);
}

#[test]
fn analysis_types() {
    let analyser = Analyser::new(Limits::default());
    let of = |files: &[(&str, &[u8])]| analysis_type(&[wheel(&analyser, files).report]);
    assert_eq!(of(&[("a.py", b"x = 1\n")]), AnalysisType::Full);
    assert_eq!(of(FILES), AnalysisType::Partial);
    assert_eq!(of(&[("a.so", b"\x7fELF\x02")]), AnalysisType::BinaryOnly);
    assert_eq!(analysis_type(&[]), AnalysisType::Partial);
    let limits = Limits { file_bytes: 4, ..Limits::default() };
    let large = wheel(&Analyser::new(limits), &[("a.py", b"x = 1\n")]).report;
    assert_eq!(large.coverage.skipped[0].reason, SkipReason::TooLarge);
    assert_eq!(analysis_type(&[large]), AnalysisType::Partial);
}

#[test]
fn a_flood_of_findings_is_counted_and_cut() {
    let source = "import os\n".to_owned() + &"os.system('id')\n".repeat(500);
    let report = wheel(&Analyser::new(Limits::default()), &[("a.py", source.as_bytes())]).report;
    assert_eq!(report.rule_hits["process-spawn"], 500);
    assert_eq!(report.findings.iter().filter(|finding| finding.rule == "process-spawn").count(), 40);
}
