//! SQLite, filled without a journal, and without the indexes that can be made afterwards.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, params};

use crate::compare::Content;
use crate::making::{AllDigests, each};
use crate::tell;

/// KiB of pages in memory while it is filled: the indexes of ten million certificates that stay are half of that.
const CACHE_KIB: i64 = 2 * 1024 * 1024;

/// Stores certificates in an empty store that nobody else has open.
pub fn fill(folder: &Path, certificates: usize, lean: bool) {
    let connection = open(folder);
    let set = |name: &str, value: &str| {
        connection.pragma_update_and_check(None, name, value, |_| Ok(())).expect("a setting");
    };
    // Connections that ended are closed by threads that may still be at it.
    set("busy_timeout", "30000");
    set("locking_mode", "EXCLUSIVE");
    set("journal_mode", "OFF");
    connection.execute_batch(&format!("PRAGMA synchronous = OFF; PRAGMA cache_size = -{CACHE_KIB}")).expect("settings");
    let indexes = without_indexes(&connection);
    connection.execute_batch("BEGIN").expect("begun");
    let (began, mut digests) = (Instant::now(), AllDigests::default());
    let mut insert = connection.prepare(CERTIFICATE).expect("a statement");
    each(certificates, |sealed| {
        let (certificate, payload) = (&sealed.certificate, sealed.certificate.payload());
        let row = params![
            certificate.id(),
            payload.registry_source.as_str(),
            payload.package_name,
            payload.package_version,
            payload.distribution_sha256.to_string(),
            payload.ruleset_version,
            payload.security_level.as_str(),
            payload.certified_at.as_millis(),
            certificate.payload_hash(),
            certificate.canonical(),
            sealed.report,
            sealed.round,
        ];
        insert.execute(row).expect("stored");
        if !lean {
            digests.add(sealed);
        }
    });
    tell("certificates", began);
    let mut insert = connection.prepare(DIGEST).expect("a statement");
    for (digest, certificate, preferred) in digests.in_order() {
        insert.execute(params![digest, certificate, preferred]).expect("stored");
    }
    tell("digests", began);
    connection.execute_batch("COMMIT").expect("committed");
    drop(digests);
    for index in indexes {
        connection.execute_batch(&index).expect("an index");
    }
    tell("indexes", began);
    set("journal_mode", "WAL");
}

const CERTIFICATE: &str =
    "INSERT INTO certificate (id, ecosystem, name, version, distribution_sha256, ruleset, replaces, level,
         certified_at, payload_hash, payload, report, round)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, '', ?7, ?8, ?9, ?10, ?11, ?12)";
const DIGEST: &str = "INSERT INTO certificate_digest (digest, certificate_id, preferred) VALUES (?1, ?2, ?3)";

fn open(folder: &Path) -> Connection {
    Connection::open(folder.join("sigma.sqlite")).expect("a store")
}

/// Takes away the indexes of certificates that are no constraints, and returns how they are made again.
fn without_indexes(connection: &Connection) -> Vec<String> {
    let mut statement = connection
        .prepare(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'certificate' AND sql IS NOT NULL",
        )
        .expect("a statement");
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let indexes: Vec<(String, String)> =
        statement.query_map([], read).and_then(Iterator::collect).expect("the indexes");
    for (name, _) in &indexes {
        connection.execute_batch(&format!("DROP INDEX {name}")).expect("dropped");
    }
    indexes.into_iter().map(|(_, sql)| sql).collect()
}

/// Everything in a store but when it was made.
pub fn content(folder: &Path) -> Content {
    let connection = open(folder);
    connection.busy_timeout(Duration::from_secs(30)).expect("a setting");
    let all = |sql: &str| -> Vec<String> {
        let mut statement = connection.prepare(sql).expect("a statement");
        let columns = statement.column_count();
        let read = |row: &rusqlite::Row<'_>| {
            let cells: Result<Vec<String>, _> = (0..columns).map(|index| row.get_ref(index).map(text)).collect();
            cells.map(|cells| cells.join(" | "))
        };
        statement.query_map([], read).and_then(Iterator::collect).expect("rows")
    };
    let schema = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name";
    let tables =
        all("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> '_sqlx_migrations' ORDER BY name");
    let rows = |table: String| {
        let mut rows = all(&format!("SELECT * FROM {table}"));
        rows.sort();
        (table, rows)
    };
    let mut content: Content = tables.into_iter().map(rows).collect();
    content.insert("sqlite_schema".to_owned(), all(schema));
    content.insert("journal".to_owned(), all("PRAGMA journal_mode"));
    assert_eq!(all("PRAGMA integrity_check"), ["ok"]);
    assert!(all("PRAGMA foreign_key_check").is_empty(), "a digest has no certificate");
    content
}

fn text(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        other => format!("{other:?}"),
    }
}
