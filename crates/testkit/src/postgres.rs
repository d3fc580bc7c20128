//! Fresh PostgreSQL databases, for running a test on PostgreSQL that otherwise runs on SQLite.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// The URL of a new, empty database on the server that `SIGMA_TEST_POSTGRES` names (`postgres://user@host:port/postgres`), or
/// nothing where the variable is not set. The server is a temporary one: nobody drops the database again.
pub fn fresh_postgres() -> Option<String> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let server = std::env::var("SIGMA_TEST_POSTGRES").ok()?;
    let (base, _) = server.rsplit_once('/').expect("SIGMA_TEST_POSTGRES ends in a database's name");
    let name = format!("sigma_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let made = Command::new("createdb").args(["--maintenance-db", &server, &name]).output().expect("createdb runs");
    assert!(made.status.success(), "createdb {name}: {}", String::from_utf8_lossy(&made.stderr));
    Some(format!("{base}/{name}"))
}
