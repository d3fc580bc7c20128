//! How long verifying takes, how fast the log grows durably, and how large it is: `cargo bench -p sigma-ledger`.
//!
//! The log is measured at a thousand and at a million entries, and at ten million with `SIGMA_BENCH_LOG=10000000`. It is
//! written below `SIGMA_BENCH_DIR`, or the system's folder for temporary files: what is durable there depends on the disk.

use std::path::Path;
use std::time::{Duration, Instant};

use sigma_core::{Sha256, Timestamp};
use sigma_ledger::bundle::{Bundle, CertificateBundle};
use sigma_ledger::keys::{generate_issuer_key, generate_log_key};
use sigma_ledger::log::{Folder, Log, Reader, fsck};
use sigma_ledger::statement::{CertificateClaim, CertificatePredicate, StatusList, Subject, Verifier};
use sigma_ledger::{Artifact, Envelope, Outcome, Policy, TrustedRoot, verify};

const ORIGIN: &str = "log.example.org/sigma";
/// As long as the leaf of a signed statement.
const LEAF: usize = 436;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis((1_790_000_000 + seconds) * 1000)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn main() {
    if std::env::args().any(|argument| argument == "--test") {
        return; // `cargo test --benches` only wants to know that it builds
    }
    let base = std::env::var_os("SIGMA_BENCH_DIR").map_or_else(std::env::temp_dir, Into::into);
    let largest = std::env::var("SIGMA_BENCH_LOG").map_or(1_000_000, |size| size.parse().expect("a number"));
    verification(&base);
    let mut size = 1000;
    while size <= largest {
        growth(&base, size);
        size = if size < 1_000_000 { 1_000_000 } else { size * 10 };
    }
}

/// Bundles of a thousand certificates, as a lockfile of a thousand packages has them.
fn verification(base: &Path) {
    let dir = tempfile::tempdir_in(base).expect("a folder");
    let issuer = generate_issuer_key(&dir.path().join("issuer.pem")).expect("a key");
    let key = generate_log_key(&dir.path().join("log.pem"), ORIGIN).expect("a key");
    let root =
        TrustedRoot::first(issuer.public(), key.public(), "https://log.example.org/sigma", at(0)).expect("a root");
    let mut log = Log::create(Folder::open(&dir.path().join("log")).expect("a folder"), key).expect("a log");
    let filler: Vec<_> = (0..200_000_u64).map(leaf).collect();
    log.append(&filler, at(1)).expect("it appends");

    let payloads: Vec<_> = (0..1000).map(payload).collect();
    let started = Instant::now();
    let envelopes: Vec<_> = payloads
        .iter()
        .map(|payload| {
            let predicate = CertificatePredicate {
                verifier: Verifier { id: "https://sigma.example.org/verifier/1".to_owned(), policies: Vec::new() },
                time_created: at(5),
                properties: vec!["SIGMA_AUDITED".to_owned()],
                sigma_certificate: CertificateClaim::of("pkg", "sigma-package-certificate/1", payload),
            };
            let subject = Subject::file("demo-1.0-py3-none-any.whl", &Sha256::of(payload));
            Envelope::sign(&predicate.statement(vec![subject]).expect("a statement"), &issuer).expect("a signature")
        })
        .collect();
    println!("sign one statement                       {:>10.1?}", started.elapsed() / 1000);
    let leaves: Vec<_> = envelopes.iter().map(|envelope| envelope.leaf(issuer.public())).collect();
    println!("its leaf                                 {:>8} bytes", leaves[0].len());
    let logged = log.append(&leaves, at(10)).expect("it appends");
    let checkpoint = log.reader().expect("a reader").checkpoint().clone();
    let list = StatusList::new(at(20), at(3620), &checkpoint, Vec::new());
    let list = Envelope::sign(&list.statement(&checkpoint).expect("a list"), &issuer).expect("a signature");
    let list_logged = log.append(&[list.leaf(issuer.public())], at(20)).expect("it appends").remove(0);
    let reader = log.reader().expect("a reader");
    let bundle = |envelope: Envelope, logged: &_| {
        Bundle::new(envelope, issuer.public(), log.key().public(), logged, &reader).expect("a bundle")
    };
    let list = bundle(list, &list_logged);
    let bundles: Vec<Vec<u8>> = envelopes
        .into_iter()
        .zip(&logged)
        .zip(&payloads)
        .map(|((envelope, logged), payload)| {
            let attestation = bundle(envelope, logged);
            let bundle = CertificateBundle::new(attestation, payload, Some(list.clone())).expect("JSON");
            serde_json::to_vec(&bundle).expect("JSON")
        })
        .collect();
    println!("a bundle with payload and status list    {:>8} bytes (payload {})", bundles[0].len(), payloads[0].len());
    let one = |index: usize| {
        let artifact = Artifact::File(Sha256::of(&payloads[index]));
        let report = verify(&bundles[index], &root, Some(artifact), &Policy::at(at(100)));
        assert_eq!(report.outcome, Outcome::Valid, "{report:#?}");
    };
    let times = (0..1000).map(|index| {
        let started = Instant::now();
        one(index);
        started.elapsed()
    });
    println!("verify one bundle, median                {:>10.1?}", median(times.collect()));
    for threads in [1, 2] {
        let started = Instant::now();
        std::thread::scope(|scope| {
            for thread in 0..threads {
                let one = &one;
                scope.spawn(move || (thread..1000).step_by(threads).for_each(one));
            }
        });
        println!("verify 1,000 bundles, {threads} thread(s)         {:>10.1?}", started.elapsed());
    }
}

/// Canonical bytes about as long as a certificate's.
fn payload(number: usize) -> Vec<u8> {
    let warnings: Vec<_> = (0..8)
        .map(|line| {
            serde_json::json!({"rule": "network-client", "severity": "INFO", "file": "package/module.py", "line": line,
                "evidence": "requests.get(url, timeout=5)", "reach": "CALL", "message": "It can speak over the network."})
        })
        .collect();
    let payload = serde_json::json!({
        "schema": "sigma-package-certificate/1", "packageName": format!("package-{number}"), "packageVersion": "1.0",
        "registrySource": "pypi", "securityLevel": "CLEAR", "councilVerdict": "APPROVED", "certifiedAt": at(5),
        "retainedWarnings": warnings, "disclosures": ["The analysis is static: the package was not executed."],
    });
    sigma_certificate::canonical_bytes(&payload).expect("canonical bytes")
}

fn leaf(number: u64) -> Vec<u8> {
    let mut leaf = number.to_be_bytes().to_vec();
    leaf.resize(LEAF, b'x');
    leaf
}

fn growth(base: &Path, size: u64) {
    let dir = tempfile::tempdir_in(base).expect("a folder");
    let key = generate_log_key(&dir.path().join("log.pem"), ORIGIN).expect("a key");
    let public = key.public().clone();
    let path = dir.path().join("log");
    let mut log = Log::create(Folder::open(&path).expect("a folder"), key).expect("a log");
    println!("\na log of {size} entries of {LEAF} bytes");
    let started = Instant::now();
    while log.size() < size {
        let count = (size - log.size()).min(1 << 16);
        let batch: Vec<_> = (log.size()..log.size() + count).map(leaf).collect();
        log.append(&batch, at(0)).expect("it appends");
    }
    println!("  filled in batches of 65,536            {:>10.0} entries/s", per_second(size, started.elapsed()));
    // What filling left to the disk (a gigabyte of new files and their folders) is not what is measured next.
    let _ = std::process::Command::new("sync").status();
    for batch in [100, 1000, 10_000] {
        let rounds = (20_000 / batch).clamp(5, 50);
        let started = Instant::now();
        for _ in 0..rounds {
            let entries: Vec<_> = (log.size()..log.size() + batch).map(leaf).collect();
            log.append(&entries, at(1)).expect("it appends");
        }
        let took = started.elapsed();
        let rate = per_second(batch * rounds, took);
        println!(
            "  append, durable batches of {batch:<12}{rate:>10.0} entries/s ({:.1?} a batch)",
            took / rounds as u32
        );
    }
    let reader = Reader::open(Folder::read_only(&path), public).expect("a reader");
    let now = reader.checkpoint().size;
    let proofs = (0..2000_u64).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % now);
    let times = proofs.clone().map(|index| {
        let started = Instant::now();
        reader.inclusion(index).expect("a proof");
        started.elapsed()
    });
    println!("  inclusion proof, median                {:>10.1?}", median(times.collect()));
    let times = proofs.take(500).map(|old| {
        let started = Instant::now();
        reader.consistency(old.max(1)).expect("a proof");
        started.elapsed()
    });
    println!("  consistency proof, median              {:>10.1?}", median(times.collect()));
    let (entries, tiles) = (disk(&path.join("tile/entries")), disk(&path.join("tile")));
    let other = tiles - entries - disk(&path.join("tile/times"));
    let each = |bytes: u64| bytes as f64 / now as f64;
    println!("  on disk, each entry                    {:>8.1} bytes, of them hashes {:.1}", each(tiles), each(other));
    let started = Instant::now();
    let report = fsck(&reader, |_, _| Ok(())).expect("a report");
    assert_eq!((report.entries, report.problems.len()), (now, 0));
    println!("  fsck                                   {:>10.1?}", started.elapsed());
    let started = Instant::now();
    drop(log);
    let key = sigma_ledger::keys::LogKey::from_file(&dir.path().join("log.pem"), ORIGIN).expect("a key");
    Log::open(Folder::open(&path).expect("a folder"), key).expect("a log");
    println!("  open to write                          {:>10.1?}", started.elapsed());
}

fn per_second(count: u64, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}

/// The space that a folder takes, in whole blocks.
fn disk(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    let Ok(folder) = std::fs::read_dir(path) else { return 0 };
    let sizes = folder.map(|entry| {
        let entry = entry.expect("an entry");
        let own = entry.metadata().expect("metadata").blocks() * 512;
        own + if entry.path().is_dir() { disk(&entry.path()) } else { 0 }
    });
    sizes.sum()
}
