//! PostgreSQL, filled by `COPY` into tables that are emptied in the same transaction: that takes no log where `wal_level` is `minimal`,
//! and rows that nobody else has seen are frozen at once. Indexes that are no constraints are made afterwards.

use std::time::Instant;

use sigma_store::Sealed;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _};
use tokio::runtime::Runtime;
use url::Url;

use crate::compare::Content;
use crate::making::{AllDigests, each};
use crate::tell;

/// Bytes that are sent at once.
const PIECE: usize = 1 << 20;

/// Stores these certificates, and no others, in a database that nobody else has open.
pub fn fill(url: &Url, certificates: usize, lean: bool) {
    let mut database = Connected::to(url);
    // Who listens for changes has nothing to hear yet, and each digest is that of a certificate: triggers are for others.
    database.run("SET session_replication_role = replica; SET maintenance_work_mem = '1GB'");
    database.run("BEGIN; TRUNCATE certificate, certificate_digest");
    let indexes = database.without_indexes();
    let (began, mut digests) = (Instant::now(), AllDigests::default());
    let columns = "id, ecosystem, name, version, distribution_sha256, ruleset, replaces, level, certified_at, payload_hash, payload, \
                   report, round";
    database.copy(&format!("certificate ({columns})"), |copy| {
        each(certificates, |sealed| {
            copy.row(|row| certificate(row, sealed));
            if !lean {
                digests.add(sealed);
            }
        });
    });
    tell("certificates", began);
    database.copy("certificate_digest (digest, certificate_id, preferred)", |copy| {
        for (digest, certificate, preferred) in digests.in_order() {
            copy.row(|row| row.text(&digest).text(certificate).number(preferred));
        }
    });
    tell("digests", began);
    drop(digests);
    for index in indexes {
        database.run(&index);
    }
    database.run("COMMIT");
    tell("indexes", began);
    database.run("ANALYZE");
}

fn certificate<'a>(row: &'a mut Fields, sealed: &Sealed) -> &'a mut Fields {
    let (certificate, payload) = (&sealed.certificate, sealed.certificate.payload());
    row.text(certificate.id())
        .text(payload.registry_source.as_str())
        .text(&payload.package_name)
        .text(&payload.package_version)
        .text(&payload.distribution_sha256.to_string())
        .text(&payload.ruleset_version)
        .text("")
        .text(payload.security_level.as_str())
        .number(payload.certified_at.as_millis())
        .text(certificate.payload_hash())
        .bytes(certificate.canonical())
        .bytes(&sealed.report)
        .bytes(&sealed.round)
}

/// Everything in a database but when it was made.
pub fn content(url: &Url) -> Content {
    let mut database = Connected::to(url);
    let tables = database
        .texts("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' AND tablename <> '_sqlx_migrations' ORDER BY 1");
    let mut content = Content::new();
    for table in tables {
        let rows = database.texts(&format!("SELECT t::text FROM {table} t ORDER BY 1"));
        content.insert(table, rows);
    }
    let definitions = [
        ("indexes", "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"),
        (
            "constraints",
            "SELECT conrelid::regclass || ' ' || conname || ' ' || convalidated || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
             ORDER BY 1",
        ),
        ("triggers", "SELECT pg_get_triggerdef(oid) || ' ' || tgenabled::text FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1"),
    ];
    for (what, sql) in definitions {
        content.insert(what.to_owned(), database.texts(sql));
    }
    content
}

/// A connection, asked by whoever waits for the answer.
struct Connected {
    runtime: Runtime,
    connection: PgConnection,
}

impl Connected {
    fn to(url: &Url) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let connection = runtime.block_on(PgConnection::connect(url.as_str())).expect("a connection");
        Self { runtime, connection }
    }

    fn run(&mut self, sql: &str) {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        self.runtime.block_on(self.connection.execute(sql)).expect("done");
    }

    fn texts(&mut self, sql: &str) -> Vec<String> {
        let query = sqlx::query(AssertSqlSafe(sql.to_owned()));
        let rows = self.runtime.block_on(query.fetch_all(&mut self.connection)).expect("rows");
        rows.iter().map(|row| row.try_get(0).expect("a text")).collect()
    }

    /// Takes away the indexes of certificates that are no constraints, and returns how they are made again.
    fn without_indexes(&mut self) -> Vec<String> {
        let of = "FROM pg_index i WHERE i.indrelid = 'certificate'::regclass
             AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.indexrelid) ORDER BY i.indexrelid";
        let made = self.texts(&format!("SELECT pg_get_indexdef(i.indexrelid) {of}"));
        for name in self.texts(&format!("SELECT i.indexrelid::regclass::text {of}")) {
            self.run(&format!("DROP INDEX {name}"));
        }
        made
    }

    /// Sends the rows of a table.
    fn copy(&mut self, table: &str, rows: impl FnOnce(&mut Copying<'_>)) {
        let sql = format!("COPY {table} FROM STDIN (FORMAT binary, FREEZE)");
        let mut stream = self.runtime.block_on(self.connection.copy_in_raw(&sql)).expect("a copy");
        let mut send = |bytes: &[u8]| {
            self.runtime.block_on(stream.send(bytes)).expect("sent");
        };
        // Signature, no flags, no more of a header.
        let start = [b"PGCOPY\n\xff\r\n\0".as_slice(), &[0; 8]].concat();
        let mut copying = Copying { send: &mut send, fields: Fields { bytes: start, count: 0 } };
        rows(&mut copying);
        copying.fields.bytes.extend((-1_i16).to_be_bytes());
        (copying.send)(&copying.fields.bytes);
        self.runtime.block_on(stream.finish()).expect("copied");
    }
}

/// Rows on their way, in the binary format of `COPY`.
struct Copying<'a> {
    send: &'a mut dyn FnMut(&[u8]),
    fields: Fields,
}

impl Copying<'_> {
    fn row(&mut self, write: impl FnOnce(&mut Fields) -> &mut Fields) {
        let start = self.fields.bytes.len();
        self.fields.bytes.extend([0; 2]);
        self.fields.count = 0;
        write(&mut self.fields);
        let count = self.fields.count.to_be_bytes();
        self.fields.bytes[start..start + 2].copy_from_slice(&count);
        if self.fields.bytes.len() > PIECE {
            (self.send)(&self.fields.bytes);
            self.fields.bytes.clear();
        }
    }
}

struct Fields {
    bytes: Vec<u8>,
    /// Of the row that is being written.
    count: i16,
}

impl Fields {
    fn bytes(&mut self, value: &[u8]) -> &mut Self {
        let length = i32::try_from(value.len()).expect("a short value");
        self.bytes.extend(length.to_be_bytes());
        self.bytes.extend(value);
        self.count += 1;
        self
    }

    fn text(&mut self, value: &str) -> &mut Self {
        self.bytes(value.as_bytes())
    }

    fn number(&mut self, value: i64) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }
}
