//! Any bytes are opened as a certificate: refused, or sealed again to the same bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sigma_certificate::{PackageCertificate, canonical_bytes};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(certificate) = PackageCertificate::open(bytes.to_vec()) {
        assert_eq!(certificate.canonical(), bytes);
        assert_eq!(canonical_bytes(certificate.payload()).expect("what was sealed has bytes"), bytes);
    }
});
