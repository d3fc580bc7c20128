//! Evil tars.

use super::{bzip2, details, gzip, tar, tell, tell_within, xz, zstd};
use crate::Limits;

/// One entry: header, content, padding.
pub(super) fn entry(path: &str, kind: u8, content: &[u8]) -> Vec<u8> {
    let mut block = header(path.as_bytes(), kind, content.len() as u64);
    block.extend(content);
    block.resize(block.len().div_ceil(512) * 512, 0);
    block
}

fn header(path: &[u8], kind: u8, size: u64) -> Vec<u8> {
    changed(path, kind, size, |_| {})
}

fn changed(path: &[u8], kind: u8, size: u64, change: impl FnOnce(&mut [u8; 512])) -> Vec<u8> {
    let mut header = ::tar::Header::new_ustar();
    header.as_mut_bytes()[..path.len()].copy_from_slice(path);
    header.set_mode(0o644);
    header.set_size(size);
    header.as_mut_bytes()[156] = kind;
    change(header.as_mut_bytes());
    header.set_cksum();
    header.as_bytes().to_vec()
}

fn link(path: &str, kind: u8, target: &str) -> Vec<u8> {
    changed(path.as_bytes(), kind, 0, |block| block[157..157 + target.len()].copy_from_slice(target.as_bytes()))
}

fn pax(records: &[(&str, &str)]) -> Vec<u8> {
    let mut content = String::new();
    for (key, value) in records {
        let rest = key.len() + value.len() + 3;
        let length = (rest + 1..).find(|length| rest + length.to_string().len() == *length).unwrap();
        content.push_str(&format!("{length} {key}={value}\n"));
    }
    entry("PaxHeader", b'x', content.as_bytes())
}

fn check(entries: &[Vec<u8>], expect: &str) {
    let mut bytes = entries.concat();
    bytes.extend([0; 1024]);
    assert_eq!(tell("a.tar", &bytes), expect);
    assert_eq!(tell("a.tgz", &gzip(&bytes)), expect);
}

#[test]
fn paths_that_lie_are_read_and_told() {
    check(
        &[entry("../up", b'0', b"1"), entry("/etc/x", b'0', b"22"), entry("a\u{1b}b", b'0', b"3")],
        "../up:1, /etc/x:2, a\\u{1b}b:1\nPathTraversal ../up, AbsolutePath /etc/x, BadName a\\u{1b}b\ncomplete",
    );
    check(
        &[entry("a", b'0', b"1"), entry("./a", b'0', b"22"), entry("A", b'0', b"3")],
        "a:1, ./a:2, A:1\nDuplicateName ./a, CaseCollision A\ncomplete",
    );
}

#[test]
fn links_and_devices_are_told() {
    check(
        &[
            link("a/in", b'2', "../b"),
            link("a/out", b'2', "../../b"),
            link("hard", b'1', "a/b"),
            link("hard2", b'1', "../b"),
            entry("dev", b'3', b""),
            entry("pipe", b'6', b""),
            entry("dir", b'5', b""),
        ],
        "\nLink a/in, LinkOutside a/out, Link hard, LinkOutside hard2, Device dev, Device pipe\n\
         skipped NotAFile a/in, NotAFile a/out, NotAFile hard, NotAFile hard2, NotAFile dev, NotAFile pipe\ncomplete",
    );
}

#[test]
fn modes_are_told() {
    let setuid = changed(b"su", b'0', 0, |block| block[100..107].copy_from_slice(b"0004755"));
    check(&[setuid], "su:0*\nSetuidBit su\ncomplete");
}

#[test]
fn long_names_and_pax_headers_override() {
    let long = "d/".repeat(100) + "x.py";
    check(
        &[entry("L", b'L', format!("{long}\0").as_bytes()), entry("short", b'0', b"1")],
        &format!("{long}:1\ncomplete"),
    );
    check(&[pax(&[("path", "evil/setup.py")]), entry("README", b'0', b"1")], "evil/setup.py:1\ncomplete");
    check(&[pax(&[("path", "../x")]), entry("README", b'0', b"1")], "../x:1\nPathTraversal ../x\ncomplete");
    check(&[pax(&[("linkpath", "/etc")]), link("l", b'2', "in")], "\nLinkOutside l\nskipped NotAFile l\ncomplete");
    // What a global header says holds until the end.
    let mut global = pax(&[("path", "same")]);
    let fixed = changed(b"g", b'g', 13, |_| {});
    global[..512].copy_from_slice(&fixed);
    check(&[global, entry("a", b'0', b"1"), entry("b", b'0', b"2")], "same:1, same:1\nDuplicateName same\ncomplete");
    check(
        &[pax(&[("path", "p")]), entry("L", b'L', b"l\0"), entry("a", b'0', b"1")],
        "p:1\nHeaderMismatch p\ncomplete",
    );
    check(&[entry("x", b'x', b"garbage"), entry("a", b'0', b"1")], "a:1\nHeaderMismatch \ncomplete");
}

#[test]
fn a_pax_size_that_swallows_members_is_told() {
    // Readers that take the header's size see `hidden`; those that take the pax size do not.
    let hidden = entry("hidden", b'0', b"evil");
    let outer = header(b"outer", b'0', 8);
    let bytes = [pax(&[("size", "1536")]), outer, vec![b'x'; 512], hidden].concat();
    check(&[bytes], "outer:1536\nHeaderMismatch outer\ncomplete");
}

#[test]
fn long_paths_are_cut_and_told() {
    let long = "x".repeat(2000);
    let limits = Limits { path_bytes: 20, ..Limits::default() };
    let bytes = [pax(&[("path", &long)]), entry("a", b'0', b"1"), vec![0; 1024]].concat();
    let expect = "xxxxxxxxxxxxxxxxxxxx…:1\nLongPath xxxxxxxxxxxxxxxxxxxx…\ncomplete";
    assert_eq!(tell_within(&limits, "a.tar", &bytes), expect);
    let huge = entry("L", b'L', &vec![b'y'; 100_000]);
    check(
        &[huge, entry("a", b'0', b"1")],
        &format!("{0}…:1\nLongPath , LongPath {0}…\nskipped TooLarge \nnot complete", "y".repeat(1024)),
    );
}

#[test]
fn sparse_files_are_expanded() {
    let gnu = |size: u64, real: u64, pieces: &[(u64, u64)]| {
        let mut header = ::tar::Header::new_gnu();
        header.set_path("s").unwrap();
        header.set_mode(0o644);
        header.set_size(size);
        header.set_entry_type(::tar::EntryType::GNUSparse);
        let fields = header.as_gnu_mut().unwrap();
        fields.set_real_size(real);
        for (slot, (offset, length)) in fields.sparse.iter_mut().zip(pieces) {
            slot.set_offset(*offset);
            slot.set_length(*length);
        }
        header.set_cksum();
        let mut block = header.as_bytes().to_vec();
        block.extend([b'x'; 512]);
        block
    };
    check(&[gnu(5, 100, &[(10, 3), (50, 2), (100, 0)]), entry("a", b'0', b"1")], "s:100, a:1\ncomplete");
    check(&[gnu(5, 8, &[(10, 3), (50, 2)]), entry("a", b'0', b"1")], "s:5, a:1\nHeaderMismatch s\ncomplete");
    let listed = [("GNU.sparse.name", "real"), ("GNU.sparse.size", "9"), ("GNU.sparse.map", "1,2,6,1")];
    check(&[pax(&listed), entry("x", b'0', b"abc")], "real:9\ncomplete");
    let in_content = [("GNU.sparse.major", "1"), ("GNU.sparse.name", "real"), ("GNU.sparse.realsize", "9")];
    let mut content = b"2\n1\n2\n6\n1\n".to_vec();
    content.resize(512, 0);
    content.extend(b"abc");
    check(&[pax(&in_content), entry("x", b'0', &content), entry("a", b'0', b"1")], "real:9, a:1\ncomplete");
}

#[test]
fn a_sparse_bomb_is_stopped() {
    let records = [("GNU.sparse.size", "9000000000000"), ("GNU.sparse.map", "0,1")];
    let bytes = [pax(&records), entry("x", b'0', b"1"), vec![0; 1024]].concat();
    let told = tell("a.tar", &bytes);
    assert!(told.ends_with("^\nBomb \nskipped Ratio \nnot complete"), "{told}");
}

#[test]
fn types_that_state_content_are_told() {
    check(&[entry("dir", b'5', b""), header(b"d", b'5', 9), entry("a", b'0', b"1")], "a:1\nHeaderMismatch d\ncomplete");
    check(&[entry("odd", b'Q', b"1")], "odd:1\nHeaderMismatch odd\ncomplete");
    check(&[entry("old/", 0, b"")], "\ncomplete");
}

#[test]
fn damage_is_disclosed_and_read_past() {
    let mut broken = entry("b", b'0', b"22");
    broken[0] = b'c';
    check(
        &[entry("a", b'0', b"1"), broken, entry("c", b'0', b"333")],
        "a:1, c:3\nBadChecksum \nskipped Damaged \nnot complete",
    );
    assert_eq!(details("a.tar", &entry("a", b'0', b"1")), "it has no end mark");
}

#[test]
fn what_follows_the_end_is_told() {
    let good = tar(&[("a", b"1")]);
    let check = |more: &[u8], expect: &str| assert_eq!(tell("a.tar", &[&good[..], more].concat()), expect);
    check(&[0; 9216], "a:1\ncomplete");
    check(&[1; 512], "a:1\nTrailingBytes \ncomplete");
    check(&tar(&[("b", b"22")]), "a:1, b:2\nTrailingBytes \ncomplete");
    // A lone end mark, at which Python stops and npm does not.
    let lone = [entry("a", b'0', b"1"), vec![0; 512], tar(&[("b", b"22")])].concat();
    assert_eq!(tell("a.tar", &lone), "a:1, b:2\nTrailingBytes \ncomplete");
}

#[test]
fn compressed_streams_in_a_row_are_one() {
    let bytes = tar(&[("a", b"1"), ("b", b"22")]);
    let (first, second) = bytes.split_at(700);
    for (filename, pack) in
        [("a.tgz", gzip as fn(&[u8]) -> Vec<u8>), ("a.tbz2", bzip2), ("a.txz", xz), ("a.tzst", zstd)]
    {
        let packed = [pack(first), pack(second)].concat();
        assert_eq!(tell(filename, &packed), "a:1, b:2\ncomplete", "{filename}");
        let padded = [pack(&bytes), vec![0; 100]].concat();
        assert_eq!(tell(filename, &padded), "a:1, b:2\ncomplete", "{filename}");
        let garbage = [pack(&bytes), b"#!/bin/sh".to_vec()].concat();
        assert_eq!(tell(filename, &garbage), "a:1, b:2\nTrailingBytes \ncomplete", "{filename}");
    }
}

#[test]
fn a_wrong_gzip_checksum_is_disclosed() {
    let mut bytes = gzip(&tar(&[("a", b"1")]));
    let at = bytes.len() - 6;
    bytes[at] ^= 1;
    assert_eq!(tell("a.tgz", &bytes), "a:1\nskipped Damaged \nnot complete");
}

#[test]
fn every_truncation_is_disclosed() {
    let noise: Vec<u8> = (0..20_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let bytes = tar(&[("a", b"1"), ("b", &noise), ("c", b"3")]);
    for (filename, packed) in [
        ("a.tar", bytes.clone()),
        ("a.tgz", gzip(&bytes)),
        ("a.tbz2", bzip2(&bytes)),
        ("a.txz", xz(&bytes)),
        ("a.tzst", zstd(&bytes)),
    ] {
        for eighth in 0..8 {
            let told = tell(filename, &packed[..packed.len() * eighth / 8]);
            assert!(told.contains("Truncated") || told.contains("Unsupported"), "{filename} {eighth}/8: {told}");
            assert!(told.ends_with("\nnot complete"), "{filename} {eighth}/8: {told}");
        }
    }
}
