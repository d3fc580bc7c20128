//! Evil zips.

use std::io::{Cursor, Write as _};

use ::zip::CompressionMethod;

use super::{details, tell, zip, zip_by};

/// One member, with everything that can lie.
#[derive(Clone)]
pub(super) struct Raw {
    pub local_name: Vec<u8>,
    pub name: Vec<u8>,
    pub flags: u16,
    pub method: u16,
    pub crc: u32,
    pub content: Vec<u8>,
    pub local_size: u32,
    pub size: u32,
    pub mode: u32,
    pub listed: bool,
    pub extra: Vec<u8>,
    pub descriptor: Vec<u8>,
}

pub(super) fn stored(name: &str, content: &[u8]) -> Raw {
    let mut crc = flate2::Crc::new();
    crc.update(content);
    Raw {
        local_name: name.into(),
        name: name.into(),
        flags: 0,
        method: 0,
        crc: crc.sum(),
        content: content.to_vec(),
        local_size: content.len() as u32,
        size: content.len() as u32,
        mode: 0o100_644,
        listed: true,
        extra: Vec::new(),
        descriptor: Vec::new(),
    }
}

fn numbers(out: &mut Vec<u8>, two: &[u16], four: &[u32]) {
    two.iter().for_each(|number| out.extend(number.to_le_bytes()));
    four.iter().for_each(|number| out.extend(number.to_le_bytes()));
}

/// The record of the directory.
pub(super) fn central(raw: &Raw, offset: u32) -> Vec<u8> {
    let mut out = b"PK\x01\x02".to_vec();
    numbers(&mut out, &[0x0314, 20, raw.flags, raw.method, 0, 0], &[raw.crc, raw.content.len() as u32, raw.size]);
    numbers(&mut out, &[raw.name.len() as u16, raw.extra.len() as u16, 0, 0, 0], &[raw.mode << 16, offset]);
    out.extend(&raw.name);
    out.extend(&raw.extra);
    out
}

pub(super) fn local(raw: &Raw) -> Vec<u8> {
    let mut out = b"PK\x03\x04".to_vec();
    let sizes = if raw.flags & 8 == 0 { [raw.crc, raw.content.len() as u32, raw.local_size] } else { [0; 3] };
    numbers(&mut out, &[20, raw.flags, raw.method, 0, 0], &sizes);
    numbers(&mut out, &[raw.local_name.len() as u16, 0], &[]);
    out.extend(&raw.local_name);
    out
}

pub(super) fn end(count: u16, bytes: u32, offset: u32) -> Vec<u8> {
    let mut out = b"PK\x05\x06".to_vec();
    numbers(&mut out, &[0, 0, count, count], &[bytes, offset]);
    numbers(&mut out, &[0], &[]);
    out
}

pub(super) fn build(members: &[Raw]) -> Vec<u8> {
    let (mut out, mut directory, mut count) = (Vec::new(), Vec::new(), 0);
    for raw in members {
        let offset = out.len() as u32;
        out.extend(local(raw));
        out.extend(&raw.content);
        out.extend(&raw.descriptor);
        if raw.listed {
            directory.extend(central(raw, offset));
            count += 1;
        }
    }
    let ending = end(count, directory.len() as u32, out.len() as u32);
    out.extend(directory);
    out.extend(ending);
    out
}

fn check(members: &[Raw], expect: &str) {
    assert_eq!(tell("a.whl", &build(members)), expect);
}

fn with(change: impl FnOnce(&mut Raw)) -> Raw {
    let mut raw = stored("a.py", b"print(1)");
    change(&mut raw);
    raw
}

#[test]
fn every_method_is_read() {
    let content = b"some text, some text, some text".repeat(20);
    for method in [
        CompressionMethod::Stored,
        CompressionMethod::Deflated,
        CompressionMethod::Bzip2,
        CompressionMethod::Xz,
        CompressionMethod::Zstd,
    ] {
        let bytes = zip_by(method, &[("a.py", &content), ("d/b.py", b"")]);
        assert_eq!(tell("a.whl", &bytes), "a.py:620, d/b.py:0\ncomplete", "{method:?}");
    }
    // LZMA as Python's zipfile writes it: version, length of the properties, the properties, the stream.
    let options = liblzma::stream::LzmaOptions::new_preset(6).unwrap();
    let stream = liblzma::stream::Stream::new_lzma_encoder(&options).unwrap();
    let mut encoder = liblzma::write::XzEncoder::new_stream(Vec::new(), stream);
    encoder.write_all(b"print(1)").unwrap();
    let alone = encoder.finish().unwrap();
    let packed = [&[9, 4, 5, 0], &alone[..5], &alone[13..]].concat();
    for flags in [0, 2] {
        let raw = with(|raw| (raw.method, raw.flags, raw.content) = (14, flags, packed.clone()));
        check(&[raw], "a.py:8\ncomplete");
    }
}

#[test]
fn unreadable_members_are_disclosed() {
    check(&[with(|raw| raw.method = 98)], "\nskipped Unsupported a.py\nnot complete");
    check(&[with(|raw| raw.flags = 1)], "\nEncrypted a.py\nskipped Encrypted a.py\nnot complete");
    check(&[with(|raw| raw.method = 99)], "\nEncrypted a.py\nskipped Encrypted a.py\nnot complete");
    let broken = with(|raw| (raw.method, raw.content) = (8, b"\xff\xff\xff".to_vec()));
    check(&[broken, stored("b", b"2")], "a.py:0, b:1\nskipped Damaged a.py\nnot complete");
    let mut bytes = build(&[stored("a", b"1"), stored("b", b"2")]);
    bytes[0] = b'X';
    let told = tell("a.whl", &bytes);
    assert!(told.contains("\nskipped Damaged a\n") && told.contains("b:1\n"), "{told}");
}

#[test]
fn names_and_modes_are_told() {
    check(&[stored("../up", b"1")], "../up:1\nPathTraversal ../up\ncomplete");
    check(&[stored("/abs", b"1")], "/abs:1\nAbsolutePath /abs\ncomplete");
    check(&[stored("a\\b", b"1")], "a\\b:1\nBadName a\\b\ncomplete");
    check(&[stored("a", b"1"), stored("a", b"22")], "a:1, a:2\nDuplicateName a\ncomplete");
    check(&[stored("a", b"1"), stored("A", b"22")], "a:1, A:2\nCaseCollision A\ncomplete");
    check(&[stored("setup.py\0.txt", b"1")], "setup.py:1\nBadName setup.py\ncomplete");
    check(&[stored("d/", b"")], "\ncomplete");
    check(&[stored("d/", b"evil")], "d/:4\nHeaderMismatch d/\ncomplete");
    check(&[with(|raw| raw.mode = 0o104_755)], "a.py:8*\nSetuidBit a.py\ncomplete");
    check(&[with(|raw| raw.mode = 0o020_644)], "a.py:8\nDevice a.py\ncomplete");
    let link = |target: &[u8]| Raw { mode: 0o120_777, ..stored("d/l", target) };
    check(&[link(b"../x")], "d/l:4*\nLink d/l\ncomplete");
    check(&[link(b"../../x")], "d/l:7*\nLinkOutside d/l\ncomplete");
}

#[test]
fn local_and_central_headers_are_compared() {
    let check = |raw: Raw, expect: &str| assert_eq!(details("a.whl", &build(&[raw])), expect);
    check(with(|_| {}), "");
    check(with(|raw| raw.local_name = b"b.py".to_vec()), "the local header names `b.py`");
    check(with(|raw| raw.local_size = 5), "size 5 in the local header, 8 in the directory");
    check(with(|raw| (raw.size, raw.local_size) = (5, 5)), "the directory says 5 bytes, it has 8");
    check(with(|raw| raw.crc = 1), "got CRC-32 ed90a708, expected 00000001");
    let unicode = [&[0x75, 0x70, 9, 0, 1, 0, 0, 0, 0][..], b"x.py"].concat();
    check(with(|raw| raw.extra = unicode), "its Unicode path field names `x.py`");
}

#[test]
fn data_descriptors_are_followed() {
    for descriptor in [12usize, 16, 20, 24] {
        let mut bytes = if descriptor % 8 == 0 { b"PK\x07\x08".to_vec() } else { Vec::new() };
        bytes.resize(descriptor, 7);
        let raw = with(|raw| (raw.flags, raw.descriptor) = (8, bytes));
        check(&[raw, stored("b", b"2")], "a.py:8, b:1\ncomplete");
    }
}

#[test]
fn zip64_is_read() {
    let mut writer = ::zip::ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("a.py", ::zip::write::SimpleFileOptions::default().large_file(true)).unwrap();
    writer.write_all(b"print(1)").unwrap();
    assert_eq!(tell("a.whl", &writer.finish().unwrap().into_inner()), "a.py:8\ncomplete");
    // With the end records too.
    let mut bytes = build(&[stored("a.py", b"print(1)")]);
    let at = bytes.len() - 22;
    let tail = bytes.split_off(at);
    let mut end64 = b"PK\x06\x06".to_vec();
    end64.extend(44u64.to_le_bytes());
    end64.resize(32, 0);
    let directory = [u64::from(tail[10]), u64::from(tail[12]), u64::from(tail[16])];
    directory.iter().for_each(|number| end64.extend(number.to_le_bytes()));
    end64.extend(b"PK\x06\x07\0\0\0\0");
    end64.extend((at as u64).to_le_bytes());
    end64.extend([1, 0, 0, 0]);
    let ones = [&tail[..8], &[0xff; 12], &[0, 0]].concat();
    assert_eq!(tell("a.whl", &[&bytes[..], &end64, &ones].concat()), "a.py:8\ncomplete");
    let mut other = tail.clone();
    other[10] = 9;
    other[8] = 9;
    assert_eq!(tell("a.whl", &[&bytes[..], &end64, &other].concat()), "a.py:8\nHeaderMismatch \ncomplete");
}

#[test]
fn bytes_that_belong_to_nothing_are_told() {
    let good = build(&[stored("a", b"1"), stored("b", b"2")]);
    let check = |bytes: &[u8], expect: &str| assert_eq!(tell("a.whl", bytes), format!("a:1, b:1\n{expect}complete"));
    check(&good, "");
    check(&[b"#!/usr/bin/env python\n", &good[..]].concat(), "LeadingBytes , LeadingBytes \n");
    check(&[&good[..], b"tail"].concat(), "TrailingBytes \n");
    let middle = [stored("a", b"1"), Raw { descriptor: b"between".to_vec(), ..stored("b", b"2") }];
    check(&build(&middle), "TrailingBytes \n");
    let commented = |comment: &[u8]| {
        let mut bytes = [&good[..], comment].concat();
        bytes[good.len() - 2] = comment.len() as u8;
        bytes
    };
    check(&commented(b"a comment"), "");
    // Python's zipfile takes the last end record, even one in a comment; others take the first that fits.
    let told = tell("a.whl", &commented(&build(&[stored("c", b"3")])));
    assert_eq!(
        told,
        "c:1, a:1, b:1\nLeadingBytes , HeaderMismatch a, HeaderMismatch b, MultipleEndRecords , MultipleEndRecords \ncomplete"
    );
    let two = tell("a.whl", &[&good[..], &end(2, 94, 62)].concat());
    assert_eq!(two, "a:1, b:1\nLeadingBytes , MultipleEndRecords \nskipped Damaged \nnot complete");
    let packed = Raw { method: 8, content: [&raw_deflate(b"1")[..], b"junk"].concat(), ..stored("a", b"1") };
    check(&build(&[packed, stored("b", b"2")]), "TrailingBytes a\n");
}

fn raw_deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn members_that_only_a_streaming_reader_sees_are_read() {
    let hidden = Raw { listed: false, ..stored("hidden.py", b"evil") };
    let expect = "a:1, b:1, hidden.py:4\nHeaderMismatch hidden.py\ncomplete";
    check(&[stored("a", b"1"), hidden.clone(), stored("b", b"2")], expect);
    check(&[hidden.clone(), stored("a", b"1"), stored("b", b"2")], expect);
    check(&[stored("a", b"1"), stored("b", b"2"), hidden.clone()], expect);
    let streamed = Raw {
        flags: 8,
        method: 8,
        content: raw_deflate(b"evil"),
        descriptor: [&b"PK\x07\x08"[..], &[0; 12]].concat(),
        ..hidden
    };
    check(&[stored("a", b"1"), streamed, stored("b", b"2")], expect);
    let two = [build(&[stored("hidden.py", b"evil")]), build(&[stored("a", b"1")])].concat();
    assert_eq!(
        tell("a.whl", &two),
        "a:1, hidden.py:4\nLeadingBytes , HeaderMismatch hidden.py, MultipleEndRecords , MultipleEndRecords \ncomplete"
    );
}

#[test]
fn the_directory_is_checked() {
    let good = build(&[stored("a", b"1"), stored("b", b"2")]);
    let at = good.len() - 22;
    let changed = |offset: usize, value: u8| {
        let mut bytes = good.clone();
        bytes[at + offset] = value;
        bytes
    };
    let mut count = changed(10, 9);
    count[at + 8] = 9;
    assert_eq!(tell("a.whl", &count), "a:1, b:1\nHeaderMismatch \ncomplete");
    assert_eq!(tell("a.whl", &changed(20, 9)), "a:1, b:1\nTruncated \ncomplete");
    let misplaced = tell("a.whl", &changed(13, 9));
    assert!(misplaced.starts_with("a:1, b:1\nTruncated ") && misplaced.ends_with("not complete"), "{misplaced}");
    let mut broken = good.clone();
    broken[at - 47] = b'X';
    let told = tell("a.whl", &broken);
    assert!(told.starts_with("a:1, b:1\n") && told.ends_with("skipped Damaged \nnot complete"), "{told}");
}

#[test]
fn every_truncation_is_disclosed() {
    let noise: Vec<u8> = (0..2000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let bytes = zip(&[("a", b"1"), ("b", &noise), ("c", b"3")]);
    for eighth in 0..8 {
        let told = tell("a.whl", &bytes[..bytes.len() * eighth / 8]);
        assert!(told.contains("Truncated ") && told.ends_with("\nnot complete"), "{eighth}/8: {told}");
        assert!(eighth == 0 || told.starts_with("a:1, b:"), "{eighth}/8: {told}");
    }
}
