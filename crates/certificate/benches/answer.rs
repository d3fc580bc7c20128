//! What an answer that is not ready takes to be written from canonical bytes, with its members in order and by name: `just bench-answer`.
//!
//! Figures for a page, never assertions but one: both say the same. Argument: `answers=N` (default 200,000); under callgrind, few.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Instant;

use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use sigma_certificate::{OnChain, PAYLOAD_HASH_ALGORITHM, PackageView, canonical_bytes};

const BUNDLE: &str = include_str!("../../../docs/verify/vectors/bundle/certificate_bundle.json");
const ID: &str = "pkg_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const HASH: &str = "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470";
const VERIFY: &str = "https://sigma.example/api/v1/public/packages/pypi/demo/1.0/verify";

fn main() {
    let answers = std::env::args().find_map(|argument| argument.strip_prefix("answers=")?.parse().ok());
    let answers: u32 = answers.unwrap_or(200_000);
    let bundle: Value = serde_json::from_str(BUNDLE).expect("JSON");
    let canonical = canonical_bytes(&bundle["payload"]).expect("a payload");
    let read = |json: Vec<u8>| serde_json::from_slice::<Value>(&json).expect("JSON");
    assert_eq!(read(by_name(&canonical)), read(in_order(&canonical)));
    println!("an answer of {} bytes", in_order(&canonical).len());
    for _ in 0..3 {
        for (what, write) in [("by name", by_name as fn(&[u8]) -> Vec<u8>), ("in order", in_order)] {
            let began = Instant::now();
            for _ in 0..answers {
                black_box(write(black_box(&canonical)));
            }
            println!("{what}: {:.0} ns", began.elapsed().as_secs_f64() * 1e9 / f64::from(answers));
        }
    }
}

/// As the server writes it.
#[inline(never)]
fn in_order(canonical: &[u8]) -> Vec<u8> {
    PackageView::splice(ID, &OnChain::off(), HASH, VERIFY, canonical).expect("an object")
}

/// The same members as they come out of the map.
#[inline(never)]
fn by_name(canonical: &[u8]) -> Vec<u8> {
    let mut members: BTreeMap<&str, &RawValue> = serde_json::from_slice(canonical).expect("an object");
    let raw = |value: &str| to_raw_value(value).expect("a text");
    let beside = [
        ("certificateId", raw(ID)),
        ("onChain", to_raw_value(&OnChain::off()).expect("an object")),
        ("operatorDecision", to_raw_value(&None::<()>).expect("null")),
        ("payloadHash", raw(HASH)),
        ("payloadHashAlgorithm", raw(PAYLOAD_HASH_ALGORITHM)),
        ("registryAdvisoryResolution", raw("snapshot")),
        ("status", raw("ACTIVE")),
        ("verifyEndpoint", raw(VERIFY)),
    ];
    members.extend(beside.iter().map(|(name, value)| (*name, value.as_ref())));
    let mut json = Vec::with_capacity(canonical.len() + 640);
    serde_json::to_writer(&mut json, &members).expect("written");
    json
}
