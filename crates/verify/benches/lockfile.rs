//! How long a lockfile of a thousand packages takes when all bundles are at hand: `cargo bench -p sigma-verify`.
//!
//! From a folder of bundles to the answer: every bundle is read, looked at, and verified with all checks. Prints a ratio to a
//! floor, which is one signature check a certificate, and the same for two threads: what the busiest of them does is what it takes
//! where each has a processor. Reading the lockfile itself is not in it.

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use sigma_core::{Depth, FileSet, PackageId, SecurityLevel};
use sigma_ledger::{Envelope, Policy, TrustedRoot};
use sigma_verify::{BundleFolder, Outcome, Prover, Wanted, lockfile};
use support::{Registry, at, digest, payload};

const PACKAGES: usize = 1000;
const ROUNDS: usize = 7;

fn main() {
    if std::env::args().any(|argument| argument == "--test") {
        return; // `cargo test --benches` only wants to know that it builds
    }
    let base = std::env::var_os("SIGMA_BENCH_DIR").map_or_else(std::env::temp_dir, Into::into);
    let folder = tempfile::tempdir_in(base).expect("a folder");
    let mut registry = Registry::new(folder.path(), 200_000);
    let names: Vec<String> = (0..PACKAGES).map(|number| format!("package-{number}")).collect();
    let payloads: Vec<_> = names.iter().map(|name| payload("pypi", name, &FileSet::default())).collect();
    let bundles = registry.certify(&payloads);
    let place = folder.path().join("bundles");
    std::fs::create_dir(&place).expect("a folder");
    for (name, bundle) in names.iter().zip(&bundles) {
        std::fs::write(place.join(format!("{name}.json")), bundle).expect("it is written");
    }
    let wanted: Vec<Wanted> = names
        .iter()
        .map(|name| Wanted {
            package: Some(format!("pypi:{name}@1.0.0").parse::<PackageId>().expect("a package")),
            subject: name.clone(),
            digests: vec![digest(name).into()],
            depth: Some(Depth::Direct),
            filename: None,
        })
        .collect();
    println!("{PACKAGES} packages, {} bytes a bundle", bundles[0].len());
    let (floor, cpu) = fastest(|| signatures(&bundles, &registry));
    println!("floor: one signature a certificate       {floor:>10.1?}  CPU {cpu:.1?}");
    let floor = cpu;
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        let each = || pool.broadcast(|_| time_of(rustix::time::ClockId::ThreadCPUTime));
        let mut busiest = Duration::MAX;
        let (took, cpu) = fastest(|| {
            let before = each();
            pool.install(|| verify(&place, &registry.root, &wanted));
            let spent = each().into_iter().zip(before).map(|(after, before)| after - before);
            busiest = busiest.min(spent.max().unwrap_or_default());
        });
        println!(
            "verify, {threads} thread(s)                       {took:>10.1?}  CPU {cpu:.1?}, busiest thread {busiest:.1?}: {:.2} times the floor",
            cpu.as_secs_f64() / floor.as_secs_f64(),
        );
    }
}

/// The fastest of a few rounds by the clock, and the least CPU time of one: the second does not depend on what else runs.
fn fastest(mut work: impl FnMut()) -> (Duration, Duration) {
    let rounds = (0..ROUNDS).map(|_| {
        let (started, cpu) = (Instant::now(), process_time());
        work();
        (started.elapsed(), process_time() - cpu)
    });
    let rounds: Vec<_> = rounds.collect();
    (
        rounds.iter().map(|round| round.0).min().unwrap_or_default(),
        rounds.iter().map(|round| round.1).min().unwrap_or_default(),
    )
}

fn process_time() -> Duration {
    time_of(rustix::time::ClockId::ProcessCPUTime)
}

fn time_of(clock: rustix::time::ClockId) -> Duration {
    let time = rustix::time::clock_gettime(clock);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or_default(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

fn signatures(bundles: &[Vec<u8>], registry: &Registry) {
    for bundle in bundles {
        let bundle: serde_json::Value = serde_json::from_slice(bundle).expect("JSON");
        let envelope: Envelope =
            serde_json::from_value(bundle["attestation"]["dsseEnvelope"].clone()).expect("an envelope");
        assert!(envelope.verify(registry.issuer.public()));
    }
}

fn verify(place: &std::path::Path, root: &TrustedRoot, wanted: &[Wanted]) {
    let mut prover = Prover::new(root.clone(), Policy::at(at(100)), SecurityLevel::Blocked, false);
    let folder = BundleFolder::open(place).expect("a folder of bundles");
    let candidates = folder.candidates_of_all(&wanted.iter().collect::<Vec<_>>());
    prover.learn_status(&candidates);
    let section = lockfile(&prover, "requirements.txt".to_owned(), wanted, &candidates, Vec::new(), Vec::new());
    assert_eq!((section.outcome, section.packages.len()), (Outcome::Proven, wanted.len()));
}
