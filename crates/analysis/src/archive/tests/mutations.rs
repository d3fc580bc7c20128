//! Random damage: whatever the bytes are, a walk ends within its limits and does not panic.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::{bzip2, gzip, tar, walk_with, xz, zip, zip_by, zstd};
use crate::Limits;

/// One archive of each kind, each with another one inside.
static SEEDS: LazyLock<Vec<(&str, Vec<u8>)>> = LazyLock::new(|| {
    let noise: Vec<u8> = (0..300u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let small: &[(&str, &[u8])] = &[("a/b.py", b"print(1)\n"), ("c", &noise)];
    let (inner_zip, inner_tar) = (zip(small), gzip(&tar(small)));
    let files: &[(&str, &[u8])] = &[("in.whl", &inner_zip), ("in.tgz", &inner_tar), ("x.py", b"x = 1\n")];
    vec![
        ("a.whl", zip(files)),
        ("a.zip", zip_by(::zip::CompressionMethod::Stored, files)),
        ("a.zip", zip_by(::zip::CompressionMethod::Bzip2, files)),
        ("a.tar", tar(files)),
        ("a.tgz", gzip(&tar(files))),
        ("a.tar.bz2", bzip2(&tar(files))),
        ("a.tar.xz", xz(&tar(files))),
        ("a.tar.zst", zstd(&tar(files))),
    ]
});

fn limits() -> Limits {
    Limits { unpacked_bytes: 1 << 20, entries: 50, file_bytes: 4096, path_bytes: 64, ..Limits::default() }
}

fn check(filename: &str, bytes: &[u8]) {
    let walk = walk_with(&limits(), filename, bytes, &mut String::new());
    // One chunk may be read before a limit is noticed.
    assert!(walk.files <= 50 && walk.bytes <= (1 << 20) + (128 << 10));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changed_bytes(
        seed in 0..8usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        let (filename, mut bytes) = SEEDS[seed].clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        check(filename, &bytes);
    }

    #[test]
    fn moved_and_doubled_parts(
        seed in 0..8usize,
        parts in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..5),
    ) {
        let (filename, bytes) = &SEEDS[seed];
        let mut mixed = Vec::new();
        for (from, to) in parts {
            let (from, to) = (from.index(bytes.len()), to.index(bytes.len()));
            mixed.extend(&bytes[from.min(to)..=from.max(to)]);
        }
        check(filename, &mixed);
        mixed.extend(bytes);
        check(filename, &mixed);
    }

    #[test]
    fn headers_of_ones(seed in 0..8usize, at in any::<prop::sample::Index>(), length in 1..9usize) {
        let (filename, mut bytes) = SEEDS[seed].clone();
        let at = at.index(bytes.len());
        let end = bytes.len().min(at + length);
        bytes[at..end].fill(0xff);
        check(filename, &bytes);
    }

    #[test]
    fn noise(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        for filename in ["a.whl", "a.tar", "a.tgz", "a.tar.xz", "a.tar.zst", "a.tar.bz2"] {
            check(filename, &bytes);
        }
    }
}
