//! Evil archives, built here byte by byte or by the ordinary writers, and what a walk says of them.

mod bombs;
mod mutations;
mod tars;
mod zips;

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use super::{Content, Walk, walk};
use crate::Limits;

/// Walks and tells: members with sizes (`*` executable, `^` head only), oddities, skipped parts, completeness.
fn tell(filename: &str, bytes: &[u8]) -> String {
    tell_within(&Limits::default(), filename, bytes)
}

fn tell_within(limits: &Limits, filename: &str, bytes: &[u8]) -> String {
    let mut told = String::new();
    let walk = walk_with(limits, filename, bytes, &mut told);
    for (at, oddity) in walk.oddities.iter().enumerate() {
        let _ = write!(told, "{}{:?} {}", if at == 0 { "\n" } else { ", " }, oddity.kind, oddity.path);
    }
    for (at, skipped) in walk.skipped.iter().enumerate() {
        let _ = write!(told, "{}{:?} {}", if at == 0 { "\nskipped " } else { ", " }, skipped.reason, skipped.path);
    }
    let _ = write!(told, "\n{}", if walk.complete { "complete" } else { "not complete" });
    told
}

/// Walks, checks what must hold for every archive, and tells the members.
fn walk_with(limits: &Limits, filename: &str, bytes: &[u8], told: &mut String) -> Walk {
    let (mut files, mut sum) = (0, 0);
    let result = walk(filename, &mut Cursor::new(bytes), limits, &mut |member| {
        let held = member.content.bytes();
        assert!(held.len() as u64 <= limits.file_bytes);
        assert!(member.nested <= limits.nesting);
        match member.content {
            Content::Whole(whole) => assert_eq!(sigma_core::Sha256::of(whole), member.sha256),
            Content::Head(_) => assert!(member.size > limits.file_bytes),
        }
        let head = if matches!(member.content, Content::Head(_)) { "^" } else { "" };
        let executable = if member.executable { "*" } else { "" };
        let _ = write!(told, "{}{}:{}{executable}{head}", if files == 0 { "" } else { ", " }, member.path, member.size);
        files += 1;
        sum += member.size;
    });
    assert_eq!((result.files, result.bytes), (files, sum));
    assert!(result.skipped.len() <= 200 && result.oddities.len() <= 200);
    let gaps = result.skipped.iter().any(|skipped| skipped.reason != sigma_core::SkipReason::NotAFile);
    assert_eq!(result.complete, !gaps);
    result
}

/// The details of the oddities and skipped parts.
fn details(filename: &str, bytes: &[u8]) -> String {
    let walk = walk_with(&Limits::default(), filename, bytes, &mut String::new());
    let oddities = walk.oddities.into_iter().map(|oddity| oddity.detail);
    oddities.chain(walk.skipped.into_iter().map(|skipped| skipped.detail)).collect::<Vec<_>>().join("\n")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ::bzip2::write::BzEncoder::new(Vec::new(), ::bzip2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 6);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ::zstd::encode_all(bytes, 3).unwrap()
}

/// A tar of regular files.
fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (path, content) in files {
        out.extend(tars::entry(path, b'0', content));
    }
    out.extend([0; 1024]);
    out
}

/// A zip of deflated files.
fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    zip_by(::zip::CompressionMethod::Deflated, files)
}

fn zip_by(method: ::zip::CompressionMethod, files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ::zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (path, content) in files {
        let options = ::zip::write::SimpleFileOptions::default().compression_method(method).unix_permissions(0o644);
        writer.start_file(*path, options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn every_format_is_read() {
    let files: &[(&str, &[u8])] = &[("a/b.py", b"print(1)\n"), ("c.js", b"let x;\n")];
    let tarball = tar(files);
    let expect = "a/b.py:9, c.js:7\ncomplete";
    for (filename, bytes) in [
        ("a.tar", tarball.clone()),
        ("a.tgz", gzip(&tarball)),
        ("a.tar.bz2", bzip2(&tarball)),
        ("a.tar.xz", xz(&tarball)),
        ("a.tar.zst", zstd(&tarball)),
        ("a.whl", zip(files)),
        ("no extension", gzip(&tarball)),
    ] {
        assert_eq!(tell(filename, &bytes), expect, "{filename}");
    }
    assert_eq!(tell("notes.txt.gz", &gzip(b"hello")), "notes.txt:5\ncomplete");
    assert_eq!(tell("empty.tgz", &gzip(&[0; 1024])), "\ncomplete");
    assert_eq!(tell("empty.zip", &zip(&[])), "\ncomplete");
}

#[test]
fn what_is_no_archive_is_disclosed() {
    assert_eq!(tell("readme", b"hello"), "\nskipped Unsupported \nnot complete");
    assert_eq!(tell("a.whl", b"hello"), "\nTruncated , TrailingBytes \nskipped Damaged \nnot complete");
    assert_eq!(tell("a.whl", b""), "\nTruncated \nskipped Damaged \nnot complete");
    assert_eq!(tell("a.tgz", b""), "\nTruncated \nskipped Damaged \nnot complete");
    assert_eq!(tell("a.tgz", &gzip(b"hello")), "a:5\nskipped Damaged \nnot complete");
    assert_eq!(tell("a.7z", b"7z\xbc\xaf\x27\x1c"), "\nskipped Unsupported \nnot complete");
}

#[test]
fn archives_inside_archives_are_opened() {
    let inner = zip(&[("x.py", b"1")]);
    let tarball = gzip(&tar(&[("deep/in.docx", &inner), ("n.gz", &gzip(b"abc"))]));
    let outer = zip_by(::zip::CompressionMethod::Stored, &[("t.tgz", &tarball)]);
    let size = (tarball.len(), inner.len());
    let expect = format!(
        "t.tgz:{}, t.tgz!/deep/in.docx:{}, t.tgz!/deep/in.docx!/x.py:1, t.tgz!/n.gz:23, t.tgz!/n.gz!/n:3\ncomplete",
        size.0, size.1
    );
    assert_eq!(tell("a.zip", &outer), expect);
}

#[test]
fn nesting_ends_at_the_limit() {
    let mut bytes = b"print(1)".to_vec();
    for _ in 0..6 {
        bytes = tar(&[("a", &bytes)]);
    }
    let limits = Limits { nesting: 2, ..Limits::default() };
    let told = tell_within(&limits, "a.tar", &bytes);
    assert_eq!(told, "a:8192, a!/a:6656, a!/a!/a:5120\nskipped NestedArchive a!/a!/a\nnot complete");
    // Whatever the limit is, the stack is safe.
    for _ in 0..60 {
        bytes = tar(&[("a", &bytes)]);
    }
    let limits = Limits { nesting: u32::MAX, path_bytes: 4, ..Limits::default() };
    let walk = walk_with(&limits, "a.tar", &bytes, &mut String::new());
    assert_eq!((walk.files, walk.complete), (17, false));
}

#[test]
fn nested_archives_that_cannot_be_read_are_disclosed() {
    let damaged = &zip(&[("x", b"1")])[..40];
    let bytes = tar(&[("a.zip", damaged), ("b.rar", b"Rar!\x1a\x07\x01\x00"), ("c.gz", b"\x1f\x8b\x08junk")]);
    let told = tell("a.tar", &bytes);
    assert_eq!(
        told,
        "a.zip:40, a.zip!/x:1, b.rar:8, c.gz:7, c.gz!/c:0\nTruncated a.zip, TrailingBytes a.zip, Truncated c.gz\n\
         skipped Damaged a.zip, Unsupported b.rar, Damaged c.gz\nnot complete"
    );
    let limits = Limits { file_bytes: 30, ..Limits::default() };
    let told = tell_within(&limits, "a.tgz", &gzip(&tar(&[("a.zip", &zip(&[("x", b"1")]))])));
    assert_eq!(told, "a.zip:103^\nskipped NestedArchive a.zip\nnot complete");
}

#[test]
fn large_files_are_hashed_in_full() {
    let content = vec![7; 300_000];
    let limits = Limits { file_bytes: 100_000, ..Limits::default() };
    for (filename, bytes) in [("a.tgz", gzip(&tar(&[("x", &content)]))), ("a.zip", zip(&[("x", &content)]))] {
        let walk = walk(filename, &mut Cursor::new(bytes), &limits, &mut |member| {
            assert_eq!(member.sha256, sigma_core::Sha256::of(&content));
            assert_eq!(member.content, Content::Head(&content[..64 << 10]));
        });
        assert!(walk.complete && walk.files == 1);
    }
}

#[test]
fn a_file_that_is_two_archives_is_read_as_both() {
    let mut bytes = gzip(&tar(&[("shown.py", b"1")]));
    bytes.extend(zip(&[("hidden.py", b"22")]));
    let told = tell("a.tar.gz", &bytes);
    assert!(told.starts_with("shown.py:1, hidden.py:2\nHeaderMismatch , TrailingBytes , LeadingBytes "), "{told}");
    // Within another archive too.
    let mut script = b"#!/bin/sh\n".to_vec();
    script.extend(zip(&[("hidden.py", b"22")]));
    let told = tell("a.tgz", &gzip(&tar(&[("run", &script)])));
    assert!(told.starts_with("run:130, run!/hidden.py:2\nLeadingBytes run, LeadingBytes run\ncomplete"), "{told}");
}
