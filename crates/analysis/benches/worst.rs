//! The worst files that can be made by hand, at the largest size that is analysed: `just bench-worst [MB] [NAME]`.
//!
//! Each shape is read in a process of its own, so that one that hangs, overflows or swallows the memory is told like any
//! other. It ends with an error when a file costs more than two seconds of one core or more than a gigabyte of memory.

#[path = "../tests/hostile/mod.rs"]
mod hostile;

use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use hostile::SHAPES;
use sigma_analysis::{Analyser, Limits};
use sigma_core::{Digests, Sha1, Sha256, Sha512};

/// CPU time that one file may take.
const SECONDS: f64 = 2.0;
/// Memory that one file may take: 1 GiB. The tree of a file of 24 MiB that is all operators is the largest.
const MEMORY: u64 = 1 << 30;
/// When to give up on a process.
const PATIENCE: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if arguments.iter().any(|argument| argument == "--test") {
        return ExitCode::SUCCESS; // `cargo test --benches` only wants to know that it builds
    }
    if let [flag, index, size] = &arguments[..]
        && flag == "--one"
    {
        one(index.parse().expect("an index"), size.parse().expect("a size"));
        return ExitCode::SUCCESS;
    }
    let megabytes: f64 = arguments.first().map_or(24.0, |text| text.parse().expect("megabytes"));
    let size = (megabytes * f64::from(1 << 20)) as usize - 4096;
    let wanted = arguments.get(1).map_or("", String::as_str);
    let mut all: Vec<(f64, u64, String)> = Vec::new();
    for (index, shape) in SHAPES.iter().enumerate().filter(|(_, shape)| shape.name.contains(wanted)) {
        let (seconds, memory, how) = run(index, size);
        all.push((seconds, memory, format!("{} ({}){how}", shape.name, shape.path)));
    }
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    let bad = all.iter().filter(|(seconds, memory, _)| *seconds > SECONDS || *memory > MEMORY).count();
    println!("{:>8}{:>8}  shape, {megabytes} MiB each, {} of them", "seconds", "MB", all.len());
    for (rank, (seconds, memory, name)) in all.iter().enumerate() {
        if rank < 15 || *seconds > SECONDS || *memory > MEMORY {
            println!("{seconds:>8.2}{:>8}  {name}", memory >> 20);
        }
    }
    println!("{bad} of {} beyond {SECONDS} s or {} MB", all.len(), MEMORY >> 20);
    if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Reads one shape in a process of its own: seconds of CPU, bytes of memory, how it ended.
fn run(index: usize, size: usize) -> (f64, u64, String) {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--one", &index.to_string(), &size.to_string()])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("this program runs");
    let started = Instant::now();
    let mut peak = 0;
    loop {
        peak = peak.max(memory_of(&child.id().to_string()));
        if let Some(status) = child.try_wait().expect("a process can be waited for") {
            let output = child.wait_with_output().expect("its output").stdout;
            let text = String::from_utf8_lossy(&output);
            let mut words = text.split_whitespace();
            let seconds = words.next().and_then(|word| word.parse().ok());
            peak = words.next().and_then(|word| word.parse().ok()).unwrap_or(peak);
            let how = if status.success() { String::new() } else { format!(": {status}") };
            return (seconds.filter(|_| status.success()).unwrap_or(f64::INFINITY), peak, how);
        }
        if started.elapsed() > PATIENCE || peak > 8 * MEMORY {
            child.kill().expect("a process can be ended");
            child.wait().expect("a process can be waited for");
            return (f64::INFINITY, peak, ": given up".to_owned());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn one(index: usize, size: usize) {
    let shape = &SHAPES[index];
    let bytes = shape.bytes(size);
    let digests = Digests {
        sha256: Sha256::from_bytes([0; 32]),
        sha512: Sha512::from_bytes([0; 64]),
        sha1: Sha1::from_bytes([0; 20]),
        size: 0,
    };
    let analyser = Analyser::new(Limits::default());
    let warm = (shape.path, &b""[..]);
    analyser.analyse_files(None, shape.kind(), "a", digests.clone(), &[warm]);
    let before = cpu();
    std::hint::black_box(analyser.analyse_files(None, shape.kind(), "a", digests, &[(shape.path, &bytes)]));
    println!("{} {}", (cpu() - before).as_secs_f64(), memory_of("self"));
}

/// CPU time of this thread (Linux; elsewhere the time on the wall).
fn cpu() -> Duration {
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    std::thread::yield_now(); // Otherwise Linux shows what it was at the last tick.
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split_whitespace().next().and_then(|word| word.parse().ok());
    nanoseconds.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

/// Peak of resident memory in bytes (Linux; 0 elsewhere).
fn memory_of(process: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).map_or(0, |kib| kib << 10)
}
