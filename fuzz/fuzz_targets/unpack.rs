//! Any bytes under any name are unpacked within the limits, and every gap is disclosed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sigma_analysis::Limits;

const NAMES: [&str; 10] =
    ["a.whl", "a.zip", "a.tar.gz", "a.tgz", "a.tar", "a.tar.bz2", "a.tar.xz", "a.tar.zst", "a.gz", "a"];

fuzz_target!(|input: &[u8]| {
    let Some((name, bytes)) = input.split_first() else { return };
    let name = NAMES[usize::from(*name) % NAMES.len()];
    // Small limits: what is looked for is a crash, not a bomb that the real limits allow.
    let limits = Limits {
        unpacked_bytes: 4 << 20,
        entries: 500,
        ratio_floor: 256 << 10,
        file_bytes: 64 << 10,
        ..Limits::default()
    };
    let (_, size) = sigma_analysis::fuzzing::unpack(name, bytes, &limits);
    assert!(size <= limits.unpacked_bytes + (1 << 20));
});
