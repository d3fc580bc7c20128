//! What a file is called says little about what it holds: the same archive is told and judged alike under every name.

use std::io::Cursor;
use std::path::Path;

use sigma_analysis::{Analyser, Limits};
use sigma_core::SecurityLevel;
use sigma_scan::scan_bytes;
use sigma_testkit::{NpmTarball, Sdist, Wheel};

fn check(bytes: &[u8], names: &[&str], expect: &str) {
    let analyser = Analyser::new(Limits::default());
    let mut first = None;
    for name in names {
        let scan = scan_bytes(&analyser, Path::new(name), Cursor::new(bytes)).unwrap();
        let rules: Vec<String> = scan.report.distributions[0].rule_hits.keys().cloned().collect();
        assert_eq!(scan.report.package.to_string(), expect, "{name}");
        assert!(scan.ruling.level <= SecurityLevel::Monitored, "{name}: {rules:?}");
        let ours = first.get_or_insert_with(|| (scan.ruling.level, rules.clone()));
        assert_eq!(*ours, (scan.ruling.level, rules), "{name}");
    }
}

#[test]
fn an_archive_is_what_its_manifest_says() {
    let tarball = NpmTarball::new("@acme-tools/left", "1.0.0").file("index.js", "module.exports = a => a;\n").build();
    // As `npm pack` names it, as the registry does, and as people keep it.
    let names = [
        "acme-tools-left-1.0.0.tgz",
        "left-1.0.0.tgz",
        "@acme-tools__left-1.0.0.tgz",
        "acme-tools-left-1.0.0.tar.gz",
        "left@1.0.0.tgz",
        "4f2a.tgz",
        "4f2a",
        "other-2.0.0.tgz",
    ];
    check(&tarball.bytes, &names, "npm:@acme-tools/left@1.0.0");

    let wheel = Wheel::new("Acme_Left", "1.0").file("acme_left/__init__.py", "def left(a):\n    return a\n").build();
    check(&wheel.bytes, &["Acme_Left-1.0-py3-none-any.whl", "download.whl", "4f2a.zip", "4f2a"], "pypi:acme-left@1.0");

    let sdist = Sdist::new("acme-left", "1.0").file("acme_left/__init__.py", "def left(a):\n    return a\n").build();
    check(&sdist.bytes, &["acme_left-1.0.tar.gz", "latest.tar.gz", "4f2a"], "pypi:acme-left@1.0");
}

#[test]
fn without_a_manifest_the_name_is_what_there_is() {
    let bytes = |path: &str| {
        let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
        let mut header = tar::Header::new_gnu();
        header.set_size(2);
        tar.append_data(&mut header, path, &b"1\n"[..]).unwrap();
        tar.into_inner().unwrap().finish().unwrap()
    };
    let check = |name: &str, path: &str, expect: &str| {
        let bytes = bytes(path);
        let scan = scan_bytes(&Analyser::new(Limits::default()), Path::new(name), Cursor::new(&bytes)).unwrap();
        assert_eq!(scan.report.package.to_string(), expect);
    };
    check("acme-1.0.tar.gz", "acme-1.0/acme.py", "pypi:acme@1.0");
    check("acme.tgz", "package/index.js", "npm:acme@0.0.0");
    check("a b.tgz", "package/index.js", "npm:archive@0.0.0");
}
