//! Fills a fresh store with very many certificates, for `just bench-api` and `just bench-lookup`: `just bench-fill`.
//!
//! Arguments: `certificates=N` (default a million), `folder=PATH` (must hold no store yet), a `postgres://` URL of an empty database
//! of a superuser, and `lean` to leave the table of digests empty, which look-ups by name do not read. Without that, what it makes is what
//! [`Store::insert_all`] makes, only sooner: each time, a few thousand are first stored both ways and compared, rows, indexes and triggers.
//! It writes without waiting for the disk: what is interrupted is to be thrown away.

mod compare;
#[path = "../filling/mod.rs"]
mod filling;
mod making;
mod postgres;
mod sqlite;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use sigma_store::{Database, Store};

/// Certificates that are stored both ways and compared.
const COMPARED: usize = 11_000;

// A quarter of the time without it: to make a certificate is to write JSON.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let (mut certificates, mut folder, mut database, mut lean) = (1_000_000, None, Database::Embedded, false);
    for argument in std::env::args().skip(1) {
        match argument.split_once('=') {
            Some(("certificates", number)) => certificates = number.parse().expect("a number"),
            Some(("folder", path)) => folder = Some(PathBuf::from(path)),
            _ if argument == "lean" => lean = true,
            _ if argument.starts_with("postgres") => database = argument.parse().expect("a database URL"),
            // `cargo bench` hands `--bench` over.
            _ => {}
        }
    }
    let temporary = tempfile::tempdir().expect("a folder");
    let folder = folder.unwrap_or_else(|| temporary.path().join("filled"));
    let is_new = matches!(database, Database::Postgres(_)) || !folder.join("sigma.sqlite").exists();
    assert!(is_new, "got a folder with a store in it, expected a new one");
    match &database {
        Database::Embedded => {
            let [one_by_one, at_once] = ["one-by-one", "at-once"].map(|name| temporary.path().join(name));
            one_by_one_into(&one_by_one, &database, COMPARED);
            open(&at_once, &database);
            sqlite::fill(&at_once, COMPARED, false);
            compare::equal(&sqlite::content(&one_by_one), &sqlite::content(&at_once));
        }
        Database::Postgres(url) => {
            one_by_one_into(&folder, &database, COMPARED);
            let expected = postgres::content(url);
            postgres::fill(url, COMPARED, false);
            compare::equal(&expected, &postgres::content(url));
        }
    }
    println!("{COMPARED} certificates are the same stored one by one and at once");
    let began = Instant::now();
    match &database {
        Database::Embedded => {
            open(&folder, &database);
            sqlite::fill(&folder, certificates, lean);
        }
        Database::Postgres(url) => postgres::fill(url, certificates, lean),
    }
    println!("{certificates} certificates in {:.0} s", began.elapsed().as_secs_f64());
    find(&folder, &database, certificates);
}

/// Certificates from all over the store are found as the server finds them.
fn find(folder: &Path, database: &Database, certificates: usize) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let store = Store::open(folder, database).await.expect("a store");
        let reader = store.reader(database, Arc::new(|_| ())).await.expect("a reader");
        for number in 0..1_000 {
            let package = filling::package(filling::spread(number, certificates));
            assert!(reader.package(&package).await.expect("a look-up").is_some(), "{package} is stored");
        }
    });
}

/// Makes an empty store.
fn open(folder: &Path, database: &Database) {
    one_by_one_into(folder, database, 0);
}

/// A store that was filled as any other is.
fn one_by_one_into(folder: &Path, database: &Database, certificates: usize) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let store = Store::open(folder, database).await.expect("a store");
        if certificates > 0 {
            filling::fill(&store, certificates).await;
        }
    });
}

/// Tells how far it is and how long that took.
fn tell(what: &str, began: Instant) {
    println!("{what}: {:.0} s", began.elapsed().as_secs_f64());
}
