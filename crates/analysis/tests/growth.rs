//! Four times the input must not cost more than about four times the work, whatever the input.
//!
//! Work is counted in instructions, which do not depend on how busy the machine is. The processor's own counters are
//! closed to containers and to most virtual machines, so valgrind's callgrind counts: this test starts itself under it,
//! begins to count at [`work_begins`], and callgrind writes a total at [`work_ended`]. Where valgrind is missing,
//! CPU time is compared instead, with a wider bound: quadratic growth is sixteen times and cannot hide in it.

mod hostile;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use hostile::{SHAPES, Shape};
use sigma_analysis::{Analyser, Limits};
use sigma_core::{Digests, Sha1, Sha256, Sha512};

/// Bytes of the smaller input. Callgrind on an unoptimised build reads about 20 KB a second.
const SIZE: usize = 1536;
/// How many times larger the other one is.
const FACTOR: usize = 4;
/// How many times more instructions are allowed: what grows with n log n, and tables that are made once, stay below.
const ALLOWED: f64 = 5.2;
/// The same for CPU time.
const ALLOWED_TIME: f64 = 9.0;
/// What every file costs whatever its size, and what would hide or fake growth: instructions.
const BASE: f64 = 300_000.0;

/// Says which part of the shapes this process is to read, when it was started to be counted.
const PART: &str = "SIGMA_TEST_GROWTH_PART";
/// Processes at a time.
const PARTS: usize = 2;

#[test]
fn four_times_the_size_costs_four_times_the_work() {
    if let Ok(part) = std::env::var(PART) {
        let part: usize = part.parse().expect("a number");
        work(SHAPES.iter().skip(part).step_by(PARTS));
        return;
    }
    let growth = match Command::new("valgrind").arg("--version").output() {
        Ok(_) => counted(),
        Err(error) => {
            println!("valgrind: {error}; CPU time is compared instead");
            timed()
        }
    };
    assert_eq!(growth.len(), SHAPES.len());
    let bad: Vec<&String> = growth.iter().filter(|(grows, _)| *grows).map(|(_, line)| line).collect();
    assert!(bad.is_empty(), "{bad:#?}");
}

/// Growth of every shape in instructions: whether it is too much, and a line about it.
fn counted() -> Vec<(bool, String)> {
    std::thread::scope(|scope| {
        let parts: Vec<_> = (0..PARTS).map(|part| scope.spawn(move || counted_part(part))).collect();
        parts.into_iter().flat_map(|part| part.join().expect("a part")).collect()
    })
}

fn counted_part(part: usize) -> Vec<(bool, String)> {
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--zero-before=*work_begins*", "--dump-before=*work_ended*", "--dump-line=no"])
        .arg("--callgrind-out-file=out")
        .arg(std::env::current_exe().expect("this program"))
        .args(["--exact", "four_times_the_size_costs_four_times_the_work", "--test-threads=1"])
        .env(PART, part.to_string())
        .current_dir(folder.path())
        .output()
        .expect("valgrind runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let shapes: Vec<&Shape> = SHAPES.iter().skip(part).step_by(PARTS).collect();
    let growth = shapes.iter().enumerate().map(|(index, shape)| {
        // `out.N` is the N-th piece of work; two for each shape.
        let total = |size: usize| totals(&folder.path().join(format!("out.{}", 2 * index + size + 1)));
        let (small, large) = (total(0) as f64, total(1) as f64);
        line(shape, small, large, (large - BASE) / small.max(BASE), ALLOWED, "instructions")
    });
    growth.collect()
}

/// The `totals:` line of a callgrind file.
fn totals(path: &Path) -> u64 {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let line = text.lines().find_map(|line| line.strip_prefix("totals:").or(line.strip_prefix("summary:")));
    line.and_then(|line| line.trim().parse().ok()).expect("a total")
}

fn timed() -> Vec<(bool, String)> {
    let growth = SHAPES.iter().map(|shape| {
        let time = |size: usize| {
            let bytes = shape.bytes(size);
            let runs = (0..5).map(|_| {
                let before = cpu();
                analyse(shape, &bytes);
                cpu() - before
            });
            runs.min().expect("five runs").as_nanos() as f64
        };
        let (small, large) = (time(SIZE), time(SIZE * FACTOR));
        line(shape, small, large, large / small, ALLOWED_TIME, "nanoseconds")
    });
    growth.collect()
}

fn line(shape: &Shape, small: f64, large: f64, ratio: f64, allowed: f64, unit: &str) -> (bool, String) {
    let line = format!("{} ({}): {small} then {large} {unit}, {ratio:.2} times", shape.name, shape.path);
    (ratio > allowed, line)
}

/// Reads every shape in both sizes.
fn work<'s>(shapes: impl Iterator<Item = &'s Shape>) {
    // What is made once, such as the tables of texts, belongs to no shape.
    for shape in SHAPES.iter().step_by(20) {
        analyse(shape, &shape.bytes(200));
    }
    for shape in shapes {
        for size in [SIZE, SIZE * FACTOR] {
            let bytes = shape.bytes(size);
            work_begins();
            analyse(shape, &bytes);
            work_ended();
        }
    }
}

/// Where callgrind begins to count.
#[inline(never)]
fn work_begins() {
    std::hint::black_box(());
}

/// Where callgrind writes what was counted.
#[inline(never)]
fn work_ended() {
    std::hint::black_box(());
}

fn analyse(shape: &Shape, bytes: &[u8]) {
    let digests = Digests {
        sha256: Sha256::from_bytes([0; 32]),
        sha512: Sha512::from_bytes([0; 64]),
        sha1: Sha1::from_bytes([0; 20]),
        size: 0,
    };
    let analyser = Analyser::new(Limits::default());
    std::hint::black_box(analyser.analyse_files(None, shape.kind(), "a", digests, &[(shape.path, bytes)]));
}

/// CPU time of this thread (Linux; elsewhere the time on the wall).
fn cpu() -> Duration {
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split_whitespace().next().and_then(|word| word.parse().ok());
    nanoseconds.map_or_else(|| START.elapsed(), Duration::from_nanos)
}
