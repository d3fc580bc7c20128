use std::io::Cursor;

use sigma_core::SecurityLevel;

use super::*;
use crate::identify;

const HEADER: &str = "title: A demo\nlabel: benign\npackage: pypi:demo-one@1.0\nkind: wheel\nfamily: demo\n\
    technique: none\nmodelled-on: nothing\nshape: split\nexpect: MONITORED\n";

fn sample(kind: &str, package: &str) -> Sample {
    let header = HEADER.replace("kind: wheel", &format!("kind: {kind}")).replace("pypi:demo-one@1.0", package);
    let files =
        vec![("demo/z\n.py".to_owned(), b"x = 1\n".to_vec()), ("demo/__init__.py".to_owned(), vec![0, 159, 146, 150])];
    Sample::with_header(&header, files).unwrap()
}

#[test]
fn a_sample_survives_its_file() {
    let before = sample("wheel", "pypi:demo-one@1.0");
    let text = before.write().unwrap();
    assert!(text.lines().all(|line| line.len() <= 100));
    assert_eq!(Sample::read(&text).unwrap(), before);
    assert_eq!(Sample::read(&text.replace('\n', "\r\n")).unwrap(), before);
    assert_eq!(before.expect, SecurityLevel::Monitored);
    assert_eq!(before.header(), HEADER);
}

#[test]
fn archives_are_what_an_ecosystem_serves() {
    let check = |kind, package, expect: &str| {
        let sample = sample(kind, package);
        let (name, bytes) = sample.archive().unwrap();
        assert_eq!(sample.archive().unwrap().1, bytes);
        let identity = identify(std::path::Path::new(&name), &mut Cursor::new(bytes)).unwrap().unwrap();
        assert_eq!(format!("{name} {} {:?}", identity.package, identity.kind), expect);
    };
    check("wheel", "pypi:demo-one@1.0", "demo_one-1.0-py3-none-any.whl pypi:demo-one@1.0 Wheel");
    check("sdist", "pypi:demo-one@1.0", "demo-one-1.0.tar.gz pypi:demo-one@1.0 Sdist");
    check("npm", "npm:@demo/one@1.0.0", "@demo__one-1.0.0.tgz npm:@demo/one@1.0.0 NpmTarball");
}

#[test]
fn the_archive_itself_is_one_file() {
    let error = sample("archive", "pypi:demo-one@1.0").archive().unwrap_err();
    assert_eq!(error.to_string(), "the files: got 2 files, expected the archive alone");
}

#[test]
fn headers_are_strict() {
    let check = |header: &str, expect: &str| {
        assert_eq!(Sample::with_header(header, Vec::new()).unwrap_err().to_string(), format!("the header: {expect}"));
    };
    check(&HEADER.replace("title: A demo\n", ""), "expected title");
    check(&HEADER.replace("split", "odd"), r#"got "odd", expected one of plain, obfuscated, split"#);
    check("no colon", r#"got "no colon", expected `key: value`"#);
    let twice = format!("{HEADER}title: Again\n");
    check(
        &twice,
        r#"got "title", expected each of title, label, package, kind, family, technique, modelled-on, shape, expect once"#,
    );
    assert!(Sample::read("title: no tree\n").is_err());
    assert!(Sample::read(&format!("{HEADER}\nAAAA")).is_err());
}
