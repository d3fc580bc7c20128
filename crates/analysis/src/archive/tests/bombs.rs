//! Bombs, and the limits that stop them.

use std::io::{Cursor, Write as _};

use sigma_core::SkipReason;

use super::zips::{Raw, build, central, end, local, stored};
use super::{gzip, tar, tell_within, walk_with, zip};
use crate::Limits;

/// Small limits, so that the tests are quick.
fn limits() -> Limits {
    Limits { ratio_floor: 1 << 20, unpacked_bytes: 8 << 20, file_bytes: 1 << 20, entries: 100, ..Limits::default() }
}

fn stops(filename: &str, bytes: &[u8], reason: SkipReason) -> super::Walk {
    let walk = walk_with(&limits(), filename, bytes, &mut String::new());
    assert!(!walk.complete);
    assert!(walk.skipped.iter().any(|skipped| skipped.reason == reason), "{filename}: {:?}", walk.skipped);
    assert!(walk.oddity_totals.contains_key(&super::super::OddityKind::Bomb));
    assert!(walk.bytes <= 9 << 20, "{filename}: {} bytes", walk.bytes);
    walk
}

fn zeros(bytes: usize) -> Vec<u8> {
    vec![0; bytes]
}

#[test]
fn a_ratio_is_stopped_in_every_format() {
    let content = zeros(4 << 20);
    for (filename, bytes) in [
        ("a.gz", gzip(&content)),
        ("a.tgz", gzip(&content)),
        ("b.tgz", gzip(&tar(&[("a", &content)]))),
        ("a.tar.bz2", super::bzip2(&content)),
        ("a.tar.xz", super::xz(&content)),
        ("a.tar.zst", super::zstd(&content)),
        ("a.zip", zip(&[("a", &content)])),
    ] {
        let walk = stops(filename, &bytes, SkipReason::Ratio);
        assert!(walk.bytes < 2 << 20, "{filename}");
    }
}

#[test]
fn one_bomb_among_honest_files_stops_alone() {
    let noise: Vec<u8> = (0..200_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let bytes = zip(&[("noise", &noise), ("bomb", &zeros(3 << 20)), ("after.py", b"1")]);
    let told = tell_within(&limits(), "a.zip", &bytes);
    assert!(told.starts_with("noise:800000, bomb:"), "{told}");
    assert!(told.ends_with(", after.py:1\nBomb bomb\nskipped Ratio bomb\nnot complete"), "{told}");
    let nested = tar(&[("noise", &noise), ("bomb.gz", &gzip(&zeros(3 << 20))), ("after.py", b"1")]);
    let told = tell_within(&limits(), "a.tar", &nested);
    assert!(told.ends_with(", after.py:1\nBomb bomb.gz!/bomb\nskipped Ratio bomb.gz!/bomb\nnot complete"), "{told}");
}

#[test]
fn a_bomb_of_nested_zips_is_stopped() {
    // Like 42.zip: each level holds the next one 16 times.
    let mut bytes = zip(&[("zeros", &zeros(1 << 20))]);
    for _ in 0..4 {
        let names: Vec<String> = (0..16).map(|n| format!("lib {n}.zip")).collect();
        let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &bytes[..])).collect();
        bytes = zip(&files);
    }
    stops("42.zip", &bytes, SkipReason::Ratio);
}

#[test]
fn a_bomb_of_overlapping_members_is_told_and_stopped() {
    // Fifield's full overlap: many directory records, one content.
    let noise: Vec<u8> = (0..100_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let one = stored("a", &noise);
    let mut bytes = [local(&one), noise].concat();
    let offset = bytes.len() as u32;
    let records: Vec<u8> = (0..90).flat_map(|_| central(&one, 0)).collect();
    bytes.extend(&records);
    bytes.extend(end(90, records.len() as u32, offset));
    let walk = stops("a.zip", &bytes, SkipReason::OverBudget);
    assert_eq!(walk.oddity_totals[&super::super::OddityKind::OverlappingEntries], 89);

    // His quoted overlap: each member begins with a stored block that holds the next local header.
    let mut kernel = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    kernel.write_all(&zeros(1 << 20)).unwrap();
    let kernel = kernel.finish().unwrap();
    let mut tail = Vec::new();
    let mut members: Vec<(Raw, usize)> = Vec::new();
    for n in 0..40 {
        let quote = tail.len();
        let block = match n {
            0 => kernel.clone(),
            _ => {
                let header = local(&members[n - 1].0);
                let length = header.len() as u16;
                [&[0][..], &length.to_le_bytes(), &(!length).to_le_bytes(), &header].concat()
            }
        };
        // Members are built from the last to the first; a quoted header is already part of the tail.
        let content = match n {
            0 => block,
            _ => [&block[..5], &tail[..]].concat(),
        };
        let raw = Raw { method: 8, content, size: 1 << 20, ..stored(&format!("m{n}"), b"") };
        tail = [local(&raw), raw.content.clone()].concat();
        members.push((raw, tail.len() - quote));
    }
    let mut bytes = tail.clone();
    let mut records = Vec::new();
    for (raw, _) in members.iter().rev() {
        let at = tail.len() - local(raw).len() - raw.content.len();
        records.extend(central(raw, at as u32));
    }
    let offset = bytes.len() as u32;
    bytes.extend(&records);
    bytes.extend(end(members.len() as u16, records.len() as u32, offset));
    let walk = stops("a.zip", &bytes, SkipReason::Ratio);
    assert!(walk.oddity_totals[&super::super::OddityKind::OverlappingEntries] >= 39);
}

#[test]
fn packed_bytes_are_not_read_again_and_again() {
    // Empty stored blocks: megabytes of input, no output, asked for by many members.
    let nothing = [[0, 0, 0, 0xff, 0xff].repeat(50_000), vec![1, 0, 0, 0xff, 0xff]].concat();
    let one = Raw { method: 8, content: nothing, ..stored("a", b"") };
    let mut bytes = [local(&one), one.content.clone()].concat();
    let offset = bytes.len() as u32;
    let records: Vec<u8> = (0..90).flat_map(|_| central(&one, 0)).collect();
    bytes.extend(&records);
    bytes.extend(end(90, records.len() as u32, offset));
    let walk = stops("a.zip", &bytes, SkipReason::OverBudget);
    assert!(walk.files < 40);
}

#[test]
fn entries_are_counted() {
    let names: Vec<String> = (0..150).map(|n| format!("f{n}")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    for (filename, bytes) in [("a.zip", zip(&files)), ("a.tar", tar(&files)), ("a.tgz", gzip(&tar(&files)))] {
        assert_eq!(stops(filename, &bytes, SkipReason::OverBudget).files, 100, "{filename}");
    }
    // Across levels too.
    let half = tar(&files[..60]);
    let walk = stops("a.tar", &tar(&[("a", &half), ("b", &half)]), SkipReason::OverBudget);
    assert_eq!(walk.files, 100);
}

#[test]
fn unpacked_bytes_are_counted_across_levels() {
    let noise: Vec<u8> = (0..250_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let inner = tar(&[("x", &noise[..900_000])]);
    let files: Vec<(&str, &[u8])> = ["a", "b", "c", "d", "e"].map(|name| (name, &inner[..])).to_vec();
    stops("a.tar", &tar(&files), SkipReason::OverBudget);
}

#[test]
fn a_flood_of_oddities_hides_nothing() {
    let names: Vec<String> = (0..80).map(|n| format!("a\\{n}")).collect();
    let mut members: Vec<Raw> = names.iter().map(|name| stored(name, b"")).collect();
    members.push(stored("../x", b""));
    let walk = walk_with(&limits(), "a.zip", &build(&members), &mut String::new());
    assert_eq!(walk.oddity_totals.values().sum::<u64>(), 81);
    assert_eq!(walk.oddities.len(), 11);
    let members: Vec<Raw> = (0..50).map(|n| Raw { method: 77, ..stored(&n.to_string(), b"") }).collect();
    let walk = walk_with(&limits(), "a.zip", &build(&members), &mut String::new());
    assert_eq!((walk.skipped.len(), walk.skipped_total()), (20, 50));
}

#[test]
fn lengths_are_not_believed() {
    // A header that promises gigabytes over a few bytes: nothing is allocated for the promise.
    for (filename, bytes) in [
        ("a.tar", [super::tars::entry("a", b'0', b"1"), huge_entry()].concat()),
        ("a.zip", build(&[Raw { size: u32::MAX - 1, local_size: u32::MAX - 1, ..stored("a", b"1") }])),
    ] {
        let told = walk_with(&limits(), filename, &bytes, &mut String::new());
        assert!(told.bytes < 100 && !told.oddities.is_empty());
    }
}

fn huge_entry() -> Vec<u8> {
    let mut header = ::tar::Header::new_gnu();
    header.set_path("huge").unwrap();
    header.set_size(u64::MAX >> 1);
    header.set_cksum();
    header.as_bytes().to_vec()
}

#[test]
fn windows_and_dictionaries_are_capped() {
    // A zstd frame that asks for a window of 2 GiB, and an xz stream for a dictionary of 1.5 GiB.
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0x00, 0x00];
    let told = tell_within(&limits(), "a.zst", &frame);
    assert!(told.ends_with("not complete"), "{told}");
    let mut options = liblzma::stream::LzmaOptions::new_preset(0).unwrap();
    options.dict_size(100 << 20);
    let mut filters = liblzma::stream::Filters::new();
    filters.lzma2(&options);
    let stream = liblzma::stream::Stream::new_stream_encoder(&filters, liblzma::stream::Check::Crc32).unwrap();
    let mut encoder = liblzma::read::XzEncoder::new_stream(Cursor::new(b"hello"), stream);
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut encoder, &mut bytes).unwrap();
    let told = tell_within(&limits(), "a.xz", &bytes);
    assert!(told.ends_with("not complete"), "{told}");
}
