//! What it costs to move a store: `just bench-copy from=FOLDER postgres://…`, or `to=FOLDER`.
//!
//! `from` holds a store on SQLite, made by `just bench-fill` or any other; the target is an empty database of its own. As `sigma store
//! copy` does, everything is copied, read back on both sides and compared. The figures are the time by the clock, the CPU of this process
//! and its memory at most.

use std::path::PathBuf;
use std::time::Instant;

use sigma_store::{Database, Store};

// The command's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let (mut from, mut to, mut database) = (None, None, Database::Embedded);
    for argument in std::env::args().skip(1) {
        match argument.split_once('=') {
            Some(("from", path)) => from = Some(PathBuf::from(path)),
            Some(("to", path)) => to = Some(PathBuf::from(path)),
            _ if argument.starts_with("postgres") => database = argument.parse().expect("a database URL"),
            // `cargo bench` hands `--bench` over.
            _ => {}
        }
    }
    let (Some(from), true) = (from, to.is_some() || database != Database::Embedded) else {
        println!("name a store with from=FOLDER, and where it goes to: a postgres:// URL, or to=FOLDER");
        return;
    };
    let temporary = tempfile::tempdir().expect("a folder");
    let to = to.unwrap_or_else(|| temporary.path().to_owned());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let source = Store::open(&from, &Database::Embedded).await.expect("a store to copy");
        let target = Store::open(&to, &database).await.expect("a store to copy to");
        for run in ["copied and compared", "again, with everything there"] {
            let (began, cpu) = (Instant::now(), cpu_seconds());
            let copied = source.copy_to(&target).await.expect("a copy");
            let rows: u64 = copied.iter().map(|(_, rows)| rows).sum();
            let (clock, cpu) = (began.elapsed().as_secs_f64(), cpu_seconds() - cpu);
            println!("{run}: {rows} rows, {clock:.0} s, {cpu:.0} s of CPU, {} MB at most so far", peak_mb());
        }
    });
}

fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The second field is a name in brackets, which may hold blanks.
    let fields: Vec<&str> = stat.rsplit_once(") ").map(|(_, rest)| rest.split(' ').collect()).unwrap_or_default();
    let ticks = |index: usize| fields.get(index).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok()).unwrap_or(0) / 1_024
}
