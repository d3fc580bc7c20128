//! Does four times the size cost four times the work? Instructions are counted, not time: `just bench-growth [NAME]`.
//!
//! Every hostile shape is read at a small and at four times the size, under callgrind (valgrind), which counts the same
//! instructions on every run of one program. Where the work grows more than [`LIMIT`] times it may still be bounded: by the
//! longest text that is folded, by a number of facts. So these shapes are read at [`LATER`] times both sizes too, and it ends
//! with an error when the work of one still grows like that. A toy that is quadratic on purpose has to be found among the
//! shapes, or the measurement itself is broken.

#[path = "../tests/hostile/mod.rs"]
mod hostile;

use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};

use hostile::SHAPES;
use sigma_analysis::{Analyser, Limits};
use sigma_core::{Digests, Sha1, Sha256, Sha512};

/// The small size; the large one is four times as much.
const SMALL: usize = 4 << 10;
/// How many times larger both sizes are where a bound must show itself.
const LATER: usize = 16;
/// How many times the work may grow. Four is linear; sorting, and tables that grow, take a little more.
const LIMIT: f64 = 6.0;
/// Work below this many instructions for each byte of the large size is noise: a constant that is paid at some size.
const FLOOR: f64 = 40.0;
/// The index of the toy.
const TOY: usize = usize::MAX;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if arguments.iter().any(|argument| argument == "--test") {
        return ExitCode::SUCCESS; // `cargo test --benches` only wants to know that it builds
    }
    if let [flag, small, indexes @ ..] = &arguments[..]
        && flag == "--measure"
    {
        measure(small.parse().expect("a size"), indexes.iter().map(|index| index.parse().expect("an index")));
        return ExitCode::SUCCESS;
    }
    let wanted = arguments.first().map_or("", String::as_str);
    let named = SHAPES.iter().enumerate().filter(|(_, shape)| shape.name.contains(wanted));
    let all: Vec<usize> = std::iter::once(TOY).chain(named.map(|(index, _)| index)).collect();
    let first = grown(&all, SMALL);
    report(&first, SMALL);
    let suspects: Vec<usize> = first.iter().filter(|shape| shape.is_too_much()).map(|shape| shape.index).collect();
    let later = grown(&suspects, SMALL * LATER);
    report(&later, SMALL * LATER);
    let bad: Vec<usize> = later.iter().filter(|shape| shape.is_too_much()).map(|shape| shape.index).collect();
    if !bad.contains(&TOY) {
        println!("the toy was not found: the measurement is broken");
        return ExitCode::FAILURE;
    }
    println!("{} of {} grow more than {LIMIT} times at both sizes", bad.len() - 1, all.len() - 1);
    if bad.len() == 1 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// How the work of a shape grew.
struct Grown {
    index: usize,
    /// How many times, for four times the size.
    times: f64,
    /// Instructions for each byte of the larger size.
    each: f64,
}

impl Grown {
    fn is_too_much(&self) -> bool {
        self.times > LIMIT && self.each > FLOOR
    }
}

/// Measures shapes at a size and at four times that size, on all cores; those that grow most come first.
fn grown(all: &[usize], small: usize) -> Vec<Grown> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let folder = std::env::temp_dir().join(format!("sigma-growth-{}", std::process::id()));
    let parts: Vec<Vec<usize>> =
        (0..cores).map(|part| all.iter().copied().skip(part).step_by(cores).collect()).collect();
    let running: Vec<Child> =
        parts.iter().enumerate().map(|(part, of)| start(&folder.join(part.to_string()), small, of)).collect();
    for mut child in running {
        assert!(child.wait().expect("valgrind ends").success(), "valgrind failed");
    }
    let mut found = Vec::new();
    for (part, of) in parts.iter().enumerate() {
        let counts = counts(&folder.join(part.to_string()), of.len() * 2);
        for (pair, index) in counts.chunks(2).zip(of) {
            found.push(Grown { index: *index, times: pair[1] / pair[0].max(1.0), each: pair[1] / (4 * small) as f64 });
        }
    }
    std::fs::remove_dir_all(&folder).expect("the folder can be removed");
    found.sort_by(|a, b| b.times.total_cmp(&a.times));
    found
}

/// Prints what grows too much, and what grows most.
fn report(found: &[Grown], small: usize) {
    println!(
        "{:>8}{:>16}  shape, {} and {} KiB, {} of them",
        "growth",
        "instructions/B",
        small >> 10,
        small >> 8,
        found.len()
    );
    for (rank, shape) in found.iter().enumerate() {
        if rank < 12 || shape.is_too_much() {
            let name = SHAPES
                .get(shape.index)
                .map_or("a toy that is quadratic".into(), |shape| format!("{} ({})", shape.name, shape.path));
            println!("{:>8.2}{:>16.0}  {name}", shape.times, shape.each);
        }
    }
}

/// Starts this program under callgrind, which writes a file after each call of [`work_of_one`].
fn start(folder: &Path, small: usize, indexes: &[usize]) -> Child {
    std::fs::create_dir_all(folder).expect("a folder");
    Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet", "--zero-before=growth::work_of_one", "--dump-after=growth::work_of_one"])
        .arg(format!("--callgrind-out-file={}", folder.join("out").display()))
        .arg(std::env::current_exe().expect("this program"))
        .arg("--measure")
        .arg(small.to_string())
        .args(indexes.iter().map(usize::to_string))
        .stdout(Stdio::null())
        .spawn()
        .expect("valgrind runs: it is a package of that name")
}

/// Instructions of each call of [`work_of_one`], in order.
fn counts(folder: &Path, calls: usize) -> Vec<f64> {
    let count = |number: usize| {
        let path = folder.join(format!("out.{number}"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let total = text.lines().find_map(|line| line.strip_prefix("summary: ").or(line.strip_prefix("totals: ")));
        total.and_then(|total| total.trim().parse().ok()).expect("callgrind says a total")
    };
    (1..=calls).map(count).collect()
}

fn measure(small: usize, indexes: impl Iterator<Item = usize>) {
    let analyser = Analyser::new(Limits::default());
    // What is made once, such as the tables of all rules.
    for path in ["a-1/a.py", "package/a.js", "package/a.ts", "a-1/a.txt"] {
        analyse(&analyser, path, b"import os\nfetch('https://a.test/')");
    }
    for index in indexes {
        for size in [small, 4 * small] {
            let (path, bytes) = match SHAPES.get(index) {
                Some(shape) => (shape.path, shape.bytes(shape.head() + size)),
                None => ("", vec![b'a'; size]),
            };
            // A new memory each time: nothing is known from before.
            work_of_one(&Analyser::new(Limits::default()), path, &bytes);
        }
    }
}

/// What is counted.
#[inline(never)]
fn work_of_one(analyser: &Analyser, path: &str, bytes: &[u8]) {
    if path.is_empty() {
        let equal =
            |at: usize| bytes[..at].iter().step_by(64).filter(|byte| **std::hint::black_box(byte) == b'b').count();
        std::hint::black_box((0..bytes.len()).step_by(8).map(equal).sum::<usize>());
        return;
    }
    analyse(analyser, path, bytes);
}

fn analyse(analyser: &Analyser, path: &str, bytes: &[u8]) {
    let shape = SHAPES.iter().find(|shape| shape.path == path);
    let kind = shape.map_or(sigma_core::DistributionKind::Sdist, hostile::Shape::kind);
    let digests = Digests {
        sha256: Sha256::from_bytes([0; 32]),
        sha512: Sha512::from_bytes([0; 64]),
        sha1: Sha1::from_bytes([0; 20]),
        size: 0,
    };
    std::hint::black_box(analyser.analyse_files(None, kind, "a", digests, &[(path, bytes)]));
}
