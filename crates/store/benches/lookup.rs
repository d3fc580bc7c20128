//! What one look-up costs in the store alone, without a server: `just bench-lookup`.
//!
//! Arguments: `certificates=N` (default 100,000), `lookups=N`, `folder=PATH` (a store that has them already is measured as it is), and
//! a `postgres://` URL of an empty database. Keys are spread over the whole store. CPU is that of this thread; a database server's own
//! is not in it. Figures for a page, never assertions.

mod filling;

use std::sync::Arc;
use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};
use sigma_core::PackageId;
use sigma_store::{Database, Store};

fn main() {
    let (mut certificates, mut lookups, mut database, mut kept) = (100_000, 100_000, Database::Embedded, None);
    for argument in std::env::args().skip(1) {
        match argument.split_once('=') {
            Some(("certificates", number)) => certificates = number.parse().expect("a number"),
            Some(("lookups", number)) => lookups = number.parse().expect("a number"),
            Some(("folder", path)) => kept = Some(std::path::PathBuf::from(path)),
            _ if argument.starts_with("postgres") => database = argument.parse().expect("a database URL"),
            // `cargo bench` hands `--bench` over.
            _ => {}
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    let root = kept.unwrap_or_else(|| folder.path().to_owned());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let store = Store::open(&root, &database).await.expect("a store");
        filling::fill(&store, certificates).await;
        let reader = store.reader(&database, Arc::new(|_| ())).await.expect("a reader");
        let packages: Vec<PackageId> =
            (0..lookups).map(|number| filling::package(filling::spread(number, certificates))).collect();
        // The second time, what fits into the caches is there.
        for round in 1..=3 {
            let (cpu, began) = (cpu(), Instant::now());
            for package in &packages {
                assert!(reader.package(package).await.expect("a look-up").is_some());
            }
            let each = |seconds: f64| seconds * 1e6 / lookups as f64;
            println!(
                "{certificates} certificates, round {round}: {:.2} us CPU a look-up, {:.2} us in all",
                each(self::cpu() - cpu),
                each(began.elapsed().as_secs_f64())
            );
        }
    });
}

/// Seconds of CPU that this thread used.
fn cpu() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 * 1e-9
}
