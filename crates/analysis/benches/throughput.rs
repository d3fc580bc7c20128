//! What the engine costs above the floor, on the archives of a folder: `just bench-throughput FOLDER [WORD] [--engine]`.
//!
//! The floor is what nobody can leave out: SHA-256 of the archive, decompression, and parsing every Python, JavaScript
//! and TypeScript file with the same parsers. Both read the same bytes from memory on one thread, in turns, and CPU time
//! is counted. The last line is a digest of all reports: it must not change when only the speed does. WORD chooses
//! archives by name; `--engine` leaves the floor out, for a profiler; `--together` has one engine read all of them once, in the order of their names, so that what a second version costs
//! after the first is seen; `--files` lists the dearest files instead.

use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sigma_analysis::{Analyser, Input, Limits, Named};
use sigma_core::{Digests, DistributionKind, PackageId, Sha1, Sha256, Sha512};

// As in the program itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs of each; the fastest counts.
const RUNS: usize = 3;
/// A smaller file costs what any file costs.
const SMALL: usize = 20 << 10;

struct Archive {
    name: String,
    package: PackageId,
    kind: DistributionKind,
    digests: Digests,
    bytes: Vec<u8>,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if arguments.iter().any(|argument| argument == "--test") {
        return; // `cargo test --benches` only wants to know that it builds
    }
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let words: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with("--")).collect();
    let [folder, rest @ ..] = &words[..] else {
        println!("a folder of archives is needed");
        return;
    };
    let word = rest.first().map_or("", |word| word.as_str());
    let mut paths = Vec::new();
    gather(Path::new(folder), &mut paths);
    paths.sort();
    let archives: Vec<Archive> = paths.iter().filter_map(|path| read(path)).filter(|a| a.name.contains(word)).collect();
    if has("--files") {
        return dearest(&archives);
    }
    let runs = if has("--once") || has("--together") { 1 } else { RUNS };
    let together = has("--together").then(|| Analyser::new(Limits::default()));
    let (mut floors, mut audits, mut source, mut all, mut each) = (0.0, 0.0, 0, Vec::new(), Vec::new());
    for archive in &archives {
        let (mut floor, mut audit, mut report) = (f64::MAX, f64::MAX, Vec::new());
        for _ in 0..runs {
            if !has("--engine") {
                floor = floor.min(seconds(|| floor_of(archive)));
            }
            audit = audit.min(seconds(|| {
                let (bytes, text) = match &together {
                    Some(analyser) => analyse(analyser, archive),
                    None => analyse(&Analyser::new(Limits::default()), archive),
                };
                (source, report) = (source + bytes, text);
            }));
        }
        println!("{:<56}{:>9.1}{:>9.1}{:>7.2}", archive.name, floor * 1e3, audit * 1e3, audit / floor);
        (floors, audits) = (floors + floor, audits + audit);
        all.extend(report);
        each.push(audit);
    }
    each.sort_by(f64::total_cmp);
    let source = source as f64 / 1e6 / runs as f64;
    println!(
        "all {}: floor {:.0} ms, engine {:.0} ms, {:.3} times; median {:.1} ms; {:.1} MB of source a second; reports {}",
        archives.len(),
        floors * 1e3,
        audits * 1e3,
        audits / floors,
        each.get(each.len() / 2).unwrap_or(&0.0) * 1e3,
        source / audits,
        &Sha256::of(&all).to_string()[..16]
    );
}

/// Every file alone: those that cost most a megabyte, against what a megabyte of source costs on average.
fn dearest(archives: &[Archive]) {
    let nothing = &archives[0].digests;
    let (mut time, mut bytes, mut rates) = (0.0, 0, Vec::new());
    for archive in archives {
        members(archive, &mut |path, content| {
            if content.len() < SMALL {
                return;
            }
            let run = || {
                seconds(|| {
                    let analyser = Analyser::new(Limits::default());
                    let files = [(path, content)];
                    std::hint::black_box(analyser.analyse_files(None, archive.kind, "a", nothing.clone(), &files));
                })
            };
            let took = run().min(run());
            if is_source(path) {
                (time, bytes) = (time + took, bytes + content.len());
            }
            let rate = took * 1e9 / content.len() as f64;
            rates.push((rate, format!("{path} in {}, {} kB", archive.name, content.len() / 1000)));
        });
    }
    let mean = time * 1e9 / bytes as f64;
    rates.sort_by(|a, b| b.0.total_cmp(&a.0));
    println!("{} files; a megabyte of source costs {mean:.1} ms; the dearest, in times of that:", rates.len());
    for (rate, name) in rates.iter().take(25) {
        println!("{:>8.1}  {name}", rate / mean);
    }
}

fn analyse(analyser: &Analyser, archive: &Archive) -> (u64, Vec<u8>) {
    let analysis = analyser.analyse(Input {
        package: Named::Published(&archive.package),
        filename: &archive.name,
        kind: archive.kind,
        digests: archive.digests.clone(),
        bytes: &mut Cursor::new(&archive.bytes[..]),
    });
    (analysis.report.coverage.source_bytes, serde_json::to_vec(&analysis.report).expect("a report"))
}

fn gather(folder: &Path, paths: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return paths.push(folder.to_owned()) };
    for entry in entries.filter_map(Result::ok) {
        let path = entry.path();
        if path.is_dir() { gather(&path, paths) } else { paths.push(path) }
    }
}

fn read(path: &Path) -> Option<Archive> {
    let name = path.file_name()?.to_string_lossy().into_owned();
    let kind = match path.extension()?.to_str()? {
        "whl" => DistributionKind::Wheel,
        "tgz" => DistributionKind::NpmTarball,
        "gz" => DistributionKind::Sdist,
        _ => return None,
    };
    let bytes = std::fs::read(path).ok()?;
    let ecosystem = kind.ecosystem();
    // The version begins at the first hyphen that a digit follows.
    let plain = name.trim_end_matches(".tgz").trim_end_matches(".tar.gz").replace("__", "/");
    let at = plain.match_indices('-').find(|(at, _)| plain[at + 1..].starts_with(|c: char| c.is_ascii_digit()))?.0;
    let version = plain[at + 1..].split(if kind == DistributionKind::Wheel { '-' } else { '\0' }).next()?;
    let package = format!("{ecosystem}:{}@{version}", &plain[..at]).parse().ok()?;
    let digests = Digests {
        sha256: Sha256::of(&bytes),
        sha512: Sha512::from_bytes([0; 64]),
        sha1: Sha1::from_bytes([0; 20]),
        size: bytes.len() as u64,
    };
    Some(Archive { name, package, kind, digests, bytes })
}

fn floor_of(archive: &Archive) {
    std::hint::black_box(Sha256::of(&archive.bytes));
    let mut allocator = oxc_allocator::Allocator::default();
    members(archive, &mut |path, content| parse(path, content, &mut allocator));
}

/// Tells `visit` every file inside.
fn members(archive: &Archive, visit: &mut dyn FnMut(&str, &[u8])) {
    let mut content = Vec::new();
    if archive.kind == DistributionKind::Wheel {
        let mut zip = zip::ZipArchive::new(Cursor::new(&archive.bytes[..])).expect("a wheel");
        for index in 0..zip.len() {
            let mut member = zip.by_index(index).expect("a member");
            content.clear();
            member.read_to_end(&mut content).expect("its content");
            let name = member.name().expect("a name").into_owned();
            visit(&name, &content);
        }
        return;
    }
    let mut tar = tar::Archive::new(flate2::bufread::MultiGzDecoder::new(&archive.bytes[..]));
    for member in tar.entries().expect("a tarball") {
        let mut member = member.expect("a member");
        content.clear();
        member.read_to_end(&mut content).expect("its content");
        let path = member.path().expect("a path").to_string_lossy().into_owned();
        visit(&path, &content);
    }
}

fn is_source(path: &str) -> bool {
    let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
    matches!(extension, "py" | "pyi" | "js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "cts" | "tsx")
}

fn parse(path: &str, content: &[u8], allocator: &mut oxc_allocator::Allocator) {
    if !is_source(path) || path.ends_with(".pyi") {
        return;
    }
    let text = String::from_utf8_lossy(content);
    if path.ends_with(".py") {
        let options = ruff_python_parser::ParseOptions::from(ruff_python_parser::Mode::Module);
        std::hint::black_box(ruff_python_parser::parse_unchecked(&text, options));
        return;
    }
    let kind = oxc_span::SourceType::from_path(path).unwrap_or_default();
    std::hint::black_box(oxc_parser::Parser::new(allocator, &text, kind).parse().program.body.len());
    allocator.reset();
}

fn seconds(run: impl FnOnce()) -> f64 {
    let before = cpu();
    run();
    (cpu() - before).as_secs_f64()
}

/// CPU time of this thread (Linux; elsewhere the time on the wall).
fn cpu() -> Duration {
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    std::thread::yield_now(); // Otherwise Linux shows what it was at the last tick.
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split_whitespace().next().and_then(|word| word.parse().ok());
    nanoseconds.map_or_else(|| START.elapsed(), Duration::from_nanos)
}
