//! Audit throughput against the floor of the same work, in the same run: `just bench`.
//!
//! The floor is what nobody can leave out: SHA-256 of the archive, decompression, and parsing every Python and
//! JavaScript file with the same parsers. The engine does that and everything else. Both read the same files on one
//! thread, so that the ratio is one of work and not of cores. The packages are real; the first run downloads them.
//!
//! It ends with an error when one file costs more than ten times as much a megabyte as source does on average: such a
//! cliff is a bug whatever the machine, while all other figures are for reading.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use sha2::Digest as _;
use sigma_analysis::{Analyser, Input, Limits, Named};
use sigma_core::{Digests, DistributionKind, PackageId, Sha1, Sha256, Sha512};

// As in the program itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PACKAGES: &[&str] = &[
    "pypi:django@5.0.6",
    "pypi:sympy@1.12.1",
    "pypi:pandas@2.2.2",
    "pypi:numpy@1.26.4",
    "pypi:sqlalchemy@2.0.30",
    "pypi:botocore@1.34.120",
    "pypi:cryptography@42.0.8",
    "pypi:requests@2.31.0",
    "pypi:flask@3.0.3",
    "pypi:boto3@1.34.120",
    "npm:next@14.2.3",
    "npm:typescript@5.4.5",
    "npm:webpack@5.91.0",
    "npm:react-dom@18.3.1",
    "npm:lodash@4.17.21",
    "npm:eslint@8.57.0",
    "npm:axios@1.7.2",
    "npm:express@4.19.2",
    "npm:esbuild@0.21.5",
    "npm:is-number@7.0.0",
];

/// The package whose one distribution takes longest.
const LARGEST: &str = "npm:next@14.2.3";
/// The version after one of the packages: most of its files are the same.
const NEXT: &[(&str, &str)] = &[("pypi:django@5.0.6", "pypi:django@5.0.7"), ("npm:next@14.2.3", "npm:next@14.2.4")];

/// How much more a megabyte of one file may cost than the mean.
const CLIFF: f64 = 10.0;

/// Ten requirements that resolve to about fifty packages.
const FIFTY: &str = "requests==2.31.0\nflask>=3,<4\nboto3>=1.34,<1.35\npandas>=2.2,<3\nsqlalchemy>=2,<3\n\
                     httpx[http2]>=0.27,<1\npydantic>=2.7,<3\nrich>=13,<14\nfastapi[standard]>=0.111,<0.112\n\
                     cryptography>=42,<43\njinja2>=3.1,<4\ntenacity>=8,<9\n";

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "--test") {
        return ExitCode::SUCCESS; // `cargo test --benches` only wants to know that it builds
    }
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench");
    let store = root.join("store");
    std::fs::create_dir_all(&root).expect("a folder for the store");

    println!("packages are in {}", root.display());
    let mut peak = (0, "");
    let mut files = BTreeMap::new();
    let mut later = BTreeMap::new();
    for (_, package) in NEXT {
        audit(&store, &["--package", package, "--depth", "0"]);
        later.insert(*package, distributions(&store, package));
    }
    for package in PACKAGES {
        let memory = audit(&store, &["--package", package, "--depth", "0"]);
        if memory > peak.0 {
            peak = (memory, package);
        }
        files.insert(*package, distributions(&store, package));
    }

    println!("\n{:<28}{:>10}{:>10}{:>10}{:>8}", "package", "MB packed", "floor ms", "audit ms", "ratio");
    let (mut floors, mut audits, mut bytes, mut each) = (Duration::ZERO, Duration::ZERO, 0, Vec::new());
    let mut source = 0;
    for (package, files) in &files {
        let floor = best(|| {
            for file in files {
                std::hint::black_box(floor(file));
            }
        });
        let mut source_now = 0;
        let engine = best(|| {
            let analyser = Analyser::new(Limits::default());
            source_now = files.iter().map(|file| analyse(&analyser, package, file)).sum();
        });
        let packed: u64 = files.iter().map(|file| file.digests.size).sum();
        row(package, packed, floor, engine);
        (floors, audits, bytes) = (floors + floor, audits + engine, bytes + packed);
        source += source_now;
        each.push(engine);
    }
    row("all, one core", bytes, floors, audits);
    each.sort();
    println!(
        "\none core: median {:.1} ms a package, {:.1} MB of source a second ({:.0} MB; what a wheel and its sdist share \
         counts twice)",
        millis(each[each.len() / 2]),
        source as f64 / 1e6 / audits.as_secs_f64(),
        source as f64 / 1e6
    );
    for (first, second) in NEXT {
        let (old, new) = versions((first, &files[first]), (second, &later[second]));
        let ratio = new.as_secs_f64() / old.as_secs_f64();
        println!("{second} after {first}: {:.0} ms after {:.0} ms, {ratio:.2} times", millis(new), millis(old));
    }
    let cliffs = cliffs(&files);

    let all: Vec<(&str, &Distribution)> =
        files.iter().flat_map(|(package, files)| files.iter().map(move |file| (*package, file))).collect();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let single = parallel(&all, 1);
    let together = parallel(&all, cores);
    println!(
        "\n{cores} cores: {:.0} ms instead of {:.0} ms, {:.2} times as fast",
        millis(together),
        millis(single),
        single.as_secs_f64() / together.as_secs_f64()
    );
    let (package, file) = all.iter().find(|(package, _)| *package == LARGEST).expect("it is one of them");
    let alone = |threads: usize| {
        let analyser = Analyser::new(Limits::default()).on_threads(threads);
        let start = Instant::now();
        analyse(&analyser, package, file);
        start.elapsed()
    };
    let (single, together) = (alone(1).min(alone(1)), alone(cores).min(alone(cores)));
    println!(
        "{LARGEST} by itself on {cores} cores: {:.0} ms instead of {:.0} ms, {:.2} times as fast",
        millis(together),
        millis(single),
        single.as_secs_f64() / together.as_secs_f64()
    );
    println!("peak memory of one audit: {} MB ({}), 0 when the packages were cached already", peak.0 >> 20, peak.1);

    let project = root.join("fifty");
    std::fs::create_dir_all(&project).expect("a folder");
    std::fs::write(project.join("requirements.txt"), FIFTY).expect("a manifest");
    let path = project.to_string_lossy().into_owned();
    audit(&store, &[&path]);
    let mut runs: Vec<Duration> = (0..11)
        .map(|_| {
            let start = Instant::now();
            audit(&store, &[&path]);
            start.elapsed()
        })
        .collect();
    runs.sort();
    println!("warm audit of a project of fifty packages: median {:.0} ms", millis(runs[runs.len() / 2]));
    if cliffs == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What the first version costs, and what the second does in an engine that has seen the first.
fn versions(first: (&str, &[Distribution]), second: (&str, &[Distribution])) -> (Duration, Duration) {
    let analyser = Analyser::new(Limits::default());
    let run = |(package, files): (&str, &[Distribution])| {
        let start = cpu();
        files.iter().for_each(|file| {
            std::hint::black_box(analyse(&analyser, package, file));
        });
        cpu() - start
    };
    (run(first), run(second))
}

/// Analyses every file alone and prints the ten that cost most a megabyte; answers how many lie beyond [`CLIFF`].
fn cliffs(files: &BTreeMap<&str, Vec<Distribution>>) -> usize {
    // A small file costs what any file costs; below this size that is most of it.
    const SMALL: usize = 32 << 10;
    let nothing = Digests {
        sha256: Sha256::from_bytes([0; 32]),
        sha512: Sha512::from_bytes([0; 64]),
        sha1: Sha1::from_bytes([0; 20]),
        size: 0,
    };
    let alone = |path: &str, kind: DistributionKind, content: &[u8]| {
        best(|| {
            let analyser = Analyser::new(Limits::default());
            std::hint::black_box(analyser.analyse_files(None, kind, "a", nothing.clone(), &[(path, content)]));
        })
    };
    let mut rates: Vec<(f64, String)> = Vec::new();
    let (mut time, mut bytes) = (Duration::ZERO, 0);
    for file in files.values().flatten() {
        members(file, &mut |path, content| {
            let took = alone(path, file.kind, content);
            if is_source(path) {
                (time, bytes) = (time + took, bytes + content.len());
            }
            let rate = millis(took) / content.len().max(SMALL) as f64 * 1e6;
            rates.push((rate, format!("{path} in {}, {} KB", file.filename, content.len() >> 10)));
        });
    }
    let mean = millis(time) / bytes as f64 * 1e6;
    rates.sort_by(|a, b| b.0.total_cmp(&a.0));
    println!(
        "\n{} files alone; a megabyte of source costs {mean:.1} ms; the ten dearest files, in times of that:",
        rates.len()
    );
    for (rate, name) in rates.iter().take(10) {
        println!("{:>8.1}  {name}", rate / mean);
    }
    rates.iter().filter(|(rate, _)| rate / mean > CLIFF).count()
}

fn is_source(path: &str) -> bool {
    let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
    matches!(extension, "py" | "pyi" | "js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "cts" | "tsx")
}

/// CPU time of this thread (Linux; elsewhere the time on the wall).
fn cpu() -> Duration {
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    std::thread::yield_now(); // Otherwise Linux shows what it was at the last tick.
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split_whitespace().next().and_then(|word| word.parse().ok());
    nanoseconds.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

fn row(package: &str, packed: u64, floor: Duration, engine: Duration) {
    println!(
        "{package:<28}{:>10.2}{:>10.1}{:>10.1}{:>8.2}",
        packed as f64 / 1e6,
        millis(floor),
        millis(engine),
        engine.as_secs_f64() / floor.as_secs_f64()
    );
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// CPU time of the fastest of three runs: the others were disturbed.
fn best(mut run: impl FnMut()) -> Duration {
    (0..3)
        .map(|_| {
            let start = cpu();
            run();
            cpu() - start
        })
        .min()
        .unwrap_or_default()
}

/// Runs `sigma audit`, and returns the peak of its resident memory in bytes (Linux; 0 elsewhere).
fn audit(store: &Path, arguments: &[&str]) -> u64 {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sigma"))
        .arg("audit")
        .args(arguments)
        .args(["--format", "json", "--store"])
        .arg(store)
        .stdout(Stdio::null())
        .spawn()
        .expect("sigma runs");
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        if let Ok(text) = std::fs::read_to_string(&status) {
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
            peak = kib.map_or(peak, |kib| kib << 10);
        }
        if let Some(exit) = child.try_wait().expect("sigma can be waited for") {
            assert!(matches!(exit.code(), Some(0 | 1 | 3)), "sigma audit {arguments:?} ended with {exit}");
            return peak;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

struct Distribution {
    filename: String,
    kind: DistributionKind,
    digests: Digests,
    path: PathBuf,
}

/// The distributions that a certificate lists, in the blob folder.
fn distributions(store: &Path, package: &str) -> Vec<Distribution> {
    let output = Command::new(env!("CARGO_BIN_EXE_sigma"))
        .args(["show", package, "--format", "json", "--store"])
        .arg(store)
        .output()
        .expect("sigma runs");
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{package} is not certified"));
    let newest = if shown.is_array() { &shown[0] } else { &shown };
    let list = newest["distributions"].as_array().expect("distributions");
    list.iter()
        .map(|entry| {
            let field = |name: &str| entry[name].clone();
            let digests = serde_json::json!({
                "sha256": field("sha256"), "sha512": field("sha512"), "sha1": field("sha1"), "size": field("size"),
            });
            let name = field("sha256").as_str().expect("a digest").to_owned();
            Distribution {
                filename: field("filename").as_str().expect("a file name").to_owned(),
                kind: serde_json::from_value(field("kind")).expect("a kind"),
                digests: serde_json::from_value(digests).expect("digests"),
                path: store.join("blobs").join(&name[..2]).join(&name),
            }
        })
        .collect()
}

/// Analyses a distribution; answers how many bytes of source it holds.
fn analyse(analyser: &Analyser, package: &str, file: &Distribution) -> u64 {
    let package: PackageId = package.parse().expect("an id");
    let input = Input {
        package: Named::Published(&package),
        filename: &file.filename,
        kind: file.kind,
        digests: file.digests.clone(),
        bytes: &mut BufReader::new(File::open(&file.path).expect("the blob")),
    };
    std::hint::black_box(analyser.analyse(input)).report.coverage.source_bytes
}

fn parallel(all: &[(&str, &Distribution)], threads: usize) -> Duration {
    let analyser = Analyser::new(Limits::default());
    let next = std::sync::atomic::AtomicUsize::new(0);
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let work = || {
                while let Some((package, file)) = all.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                    analyse(&analyser, package, file);
                }
            };
            std::thread::Builder::new().stack_size(16 << 20).spawn_scoped(scope, work).expect("a thread");
        }
    });
    start.elapsed()
}

/// What cannot be left out.
fn floor(file: &Distribution) -> Sha256 {
    let mut allocator = oxc_allocator::Allocator::default();
    let digest = sha2::Sha256::digest(std::fs::read(&file.path).expect("the blob"));
    members(file, &mut |path, content| parse(path, content, &mut allocator));
    Sha256::from_bytes(digest.into())
}

/// Tells `visit` every file inside.
fn members(file: &Distribution, visit: &mut dyn FnMut(&str, &[u8])) {
    let bytes = std::fs::read(&file.path).expect("the blob");
    let mut content = Vec::new();
    match file.kind {
        DistributionKind::Wheel => {
            let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).expect("a wheel");
            for index in 0..archive.len() {
                let mut member = archive.by_index(index).expect("a member");
                content.clear();
                member.read_to_end(&mut content).expect("its content");
                let name = member.name().expect("a name").into_owned();
                visit(&name, &content);
            }
        }
        DistributionKind::Sdist | DistributionKind::NpmTarball => {
            let mut archive = tar::Archive::new(flate2::bufread::MultiGzDecoder::new(&bytes[..]));
            for member in archive.entries().expect("a tarball") {
                let mut member = member.expect("a member");
                content.clear();
                member.read_to_end(&mut content).expect("its content");
                let path = member.path().expect("a path").to_string_lossy().into_owned();
                visit(&path, &content);
            }
        }
    }
}

fn parse(path: &str, content: &[u8], allocator: &mut oxc_allocator::Allocator) {
    let Some((_, extension)) = path.rsplit_once('.') else { return };
    let text = String::from_utf8_lossy(content);
    match extension {
        "py" => {
            std::hint::black_box(ruff_python_parser::parse_unchecked(
                &text,
                ruff_python_parser::ParseOptions::from(ruff_python_parser::Mode::Module),
            ));
        }
        "js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "cts" | "tsx" => {
            let kind = oxc_span::SourceType::from_path(path).unwrap_or_default();
            std::hint::black_box(oxc_parser::Parser::new(allocator, &text, kind).parse().program.body.len());
            allocator.reset();
        }
        _ => {}
    }
}
