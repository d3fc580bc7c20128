//! Moves everything that one database holds into another: a store that began on SQLite and grew.
//!
//! In: two open stores. Out: how many rows of each table were copied, once both sides were read back and are equal. It can be
//! repeated: rows that are there already are left as they are, and a run that was interrupted goes on.

use futures::TryStreamExt as _;
use sha2::{Digest as _, Sha256};
use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Row as _, Transaction};

use crate::database::placeholders;
use crate::{Store, StoreError};

/// How many rows each table has, in the order in which they were copied.
pub type Copied = Vec<(&'static str, u64)>;

/// Why a copy is not a copy.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// One of the stores refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The target holds other rows than the source.
    #[error("the table {table} differs after copying: the target held other rows before; copy into an empty database")]
    Differs {
        /// The table.
        table: &'static str,
    },
}

impl From<sqlx::Error> for CopyError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// A table: its columns with their kind, and how many of the first columns are its key.
struct Table {
    name: &'static str,
    columns: &'static [(&'static str, Column)],
    key: usize,
}

#[derive(Clone, Copy)]
enum Column {
    Text,
    Number,
    Bytes,
}

use Column::{Bytes, Number, Text};

/// Every table but `package_change`, which tells readers of one database what happened in it; those that others refer to first. A test
/// compares the list with the database's own.
const TABLES: &[Table] = &[
    Table {
        name: "certificate",
        columns: &[
            ("id", Text),
            ("ecosystem", Text),
            ("name", Text),
            ("version", Text),
            ("distribution_sha256", Text),
            ("ruleset", Text),
            ("replaces", Text),
            ("level", Text),
            ("certified_at", Number),
            ("payload_hash", Text),
            ("payload", Bytes),
            ("report", Bytes),
            ("round", Bytes),
        ],
        key: 1,
    },
    Table {
        name: "certificate_digest",
        columns: &[("digest", Text), ("certificate_id", Text), ("preferred", Number)],
        key: 2,
    },
    Table {
        name: "escalation",
        columns: &[
            ("id", Text),
            ("ecosystem", Text),
            ("name", Text),
            ("version", Text),
            ("distribution_sha256", Text),
            ("ruleset", Text),
            ("replaces", Text),
            ("escalated_at", Number),
            ("payload", Bytes),
            ("report", Bytes),
            ("round", Bytes),
            ("decided_at", Number),
            ("certificate_id", Text),
        ],
        key: 1,
    },
    Table {
        name: "flag",
        columns: &[
            ("id", Text),
            ("ecosystem", Text),
            ("name", Text),
            ("version", Text),
            ("certificate_id", Text),
            ("category", Text),
            ("text", Text),
            ("contact", Text),
            ("created_at", Number),
            ("state", Text),
            ("settled_at", Number),
        ],
        key: 1,
    },
    Table {
        name: "incident",
        columns: &[
            ("ecosystem", Text),
            ("name", Text),
            ("version", Text),
            ("filename", Text),
            ("expected", Text),
            ("got", Text),
            ("authority", Text),
            ("seen_at", Number),
        ],
        key: 6,
    },
    Table { name: "resolution", columns: &[("key", Text), ("resolved_at", Number), ("graph", Bytes)], key: 1 },
    Table {
        name: "admin_event",
        columns: &[
            ("seq", Number),
            ("action", Text),
            ("subject", Text),
            ("level", Text),
            ("detail", Text),
            ("reason", Text),
            ("operator", Text),
            ("decided_at", Number),
        ],
        key: 1,
    },
    Table {
        name: "advisory",
        columns: &[("ecosystem", Text), ("name", Text), ("version", Text), ("queried_at", Number), ("snapshot", Bytes)],
        key: 3,
    },
    Table {
        name: "booking",
        columns: &[
            ("submission", Text),
            ("certificate_id", Text),
            ("kind", Text),
            ("usd", Number),
            ("booked_at", Number),
        ],
        key: 2,
    },
    Table {
        name: "popular_list",
        columns: &[("ecosystem", Text), ("source", Text), ("taken_on", Text), ("names", Text)],
        key: 1,
    },
    Table {
        name: "job",
        columns: &[
            ("id", Text),
            ("kind", Text),
            ("class", Text),
            ("key", Text),
            ("priority", Number),
            ("payload", Bytes),
            ("outcome", Bytes),
            ("state", Text),
            ("attempts", Number),
            ("max_attempts", Number),
            ("due_at", Number),
            ("lease", Number),
            ("lease_owner", Text),
            ("last_error", Text),
            ("created_at", Number),
            ("updated_at", Number),
        ],
        key: 1,
    },
    Table { name: "job_wait", columns: &[("waiter", Text), ("awaited", Text)], key: 2 },
    Table {
        name: "job_retry",
        columns: &[
            ("job", Text),
            ("lease", Number),
            ("operator", Text),
            ("reason", Text),
            ("error", Text),
            ("at", Number),
        ],
        key: 2,
    },
    Table {
        name: "token",
        columns: &[
            ("prefix", Text),
            ("sha256", Text),
            ("scopes", Text),
            ("owner", Text),
            ("created_at", Number),
            ("expires_at", Number),
            ("revoked_at", Number),
            ("last_used_at", Number),
        ],
        key: 1,
    },
    Table {
        name: "draft",
        columns: &[("id", Text), ("owner", Text), ("project", Bytes), ("created_at", Number)],
        key: 1,
    },
    Table {
        name: "submission",
        columns: &[
            ("id", Text),
            ("owner", Text),
            ("draft", Text),
            ("job", Text),
            ("state", Text),
            ("project", Bytes),
            ("plan", Bytes),
            ("result", Bytes),
            ("events", Number),
            ("created_at", Number),
            ("updated_at", Number),
        ],
        key: 1,
    },
    Table {
        name: "submission_event",
        columns: &[("submission", Text), ("seq", Number), ("kind", Text), ("data", Bytes), ("at", Number)],
        key: 2,
    },
    Table {
        name: "submission_certificate",
        columns: &[
            ("id", Text),
            ("submission", Text),
            ("category", Text),
            ("repository", Text),
            ("folder", Text),
            ("entry", Text),
            ("words", Text),
            ("level", Text),
            ("certified_at", Number),
            ("payload_hash", Text),
            ("payload", Bytes),
            ("dossier", Bytes),
            ("round", Bytes),
        ],
        key: 1,
    },
    Table {
        name: "submission_escalation",
        columns: &[("submission", Text), ("escalated_at", Number), ("dossier", Bytes), ("round", Bytes)],
        key: 1,
    },
    Table {
        name: "transcript",
        columns: &[
            ("prompt_sha256", Text),
            ("validator", Text),
            ("asked_at", Number),
            ("request", Bytes),
            ("answer", Bytes),
        ],
        key: 3,
    },
    Table {
        name: "attestation",
        columns: &[
            ("subject", Text),
            ("envelope", Bytes),
            ("log_index", Number),
            ("logged_at", Number),
            ("promise", Bytes),
        ],
        key: 1,
    },
    Table { name: "ledger", columns: &[("origin", Text), ("since", Number)], key: 1 },
    Table { name: "unannounced", columns: &[("id", Text)], key: 1 },
    Table {
        name: "anchor",
        columns: &[
            ("seq", Number),
            ("chain_id", Number),
            ("contract", Text),
            ("kind", Text),
            ("log_size", Number),
            ("root", Text),
            ("state", Text),
            ("reason", Text),
            ("tx", Text),
            ("block", Number),
            ("block_at", Number),
            ("created_at", Number),
            ("updated_at", Number),
        ],
        key: 1,
    },
    Table {
        name: "anchor_certificate",
        columns: &[
            ("chain_id", Number),
            ("contract", Text),
            ("kind", Text),
            ("certificate_id", Text),
            ("payload_hash", Text),
            ("anchor", Number),
        ],
        key: 4,
    },
    Table {
        name: "anchor_transaction",
        columns: &[
            ("chain_id", Number),
            ("sender", Text),
            ("nonce", Number),
            ("attempt", Number),
            ("anchor", Number),
            ("hash", Text),
            ("raw", Bytes),
            ("max_fee", Number),
            ("tip", Number),
            ("signed_at", Number),
        ],
        key: 4,
    },
    Table { name: "source_tree", columns: &[("sha256", Text), ("files", Bytes), ("added_at", Number)], key: 1 },
    Table { name: "blob", columns: &[("sha256", Text), ("sha512", Text), ("sha1", Text), ("size", Number)], key: 1 },
];

/// Rows of one statement, and bytes of their values after which it has no more: reports may have megabytes.
const BATCH: usize = 200;
const BATCH_BYTES: usize = 4 << 20;
/// Statements of one transaction. Each transaction waits for the disk; a power failure costs the last one, to be copied again.
const STATEMENTS: usize = 25;

impl Store {
    /// Copies every row into `target` and compares both. The source is read as it was at one moment; it may be in use.
    pub async fn copy_to(&self, target: &Self) -> Result<Copied, CopyError> {
        let mut snapshot = self.database.snapshot().await?;
        let mut copied = Copied::new();
        for table in TABLES {
            copy(&mut snapshot, target, table).await?;
            let mut there = target.database.snapshot().await?;
            let (rows, digest) = fingerprint(&mut snapshot, table).await?;
            if fingerprint(&mut there, table).await? != (rows, digest) {
                return Err(CopyError::Differs { table: table.name });
            }
            copied.push((table.name, rows));
        }
        Ok(copied)
    }
}

impl Table {
    fn names(&self) -> String {
        self.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    /// All rows, in the order of the key.
    fn select(&self) -> String {
        let key: Vec<_> = self.columns.iter().take(self.key).map(|(name, _)| *name).collect();
        format!("SELECT {} FROM {} ORDER BY {}", self.names(), self.name, key.join(", "))
    }
}

async fn copy(from: &mut Transaction<'_, Any>, target: &Store, table: &Table) -> Result<(), CopyError> {
    let select = table.select();
    let mut rows = sqlx::query(AssertSqlSafe(select)).fetch(&mut **from);
    let (mut batch, mut bytes) = (Vec::with_capacity(BATCH), 0);
    let mut writing = target.database.write().await?;
    let mut statements = 0;
    while let Some(row) = rows.try_next().await? {
        bytes += size(&row, table)?;
        batch.push(row);
        if batch.len() == BATCH || bytes >= BATCH_BYTES {
            write(&mut writing, table, &batch).await?;
            batch.clear();
            bytes = 0;
            statements += 1;
        }
        if statements == STATEMENTS {
            writing.commit().await?;
            writing = target.database.write().await?;
            statements = 0;
        }
    }
    if !batch.is_empty() {
        write(&mut writing, table, &batch).await?;
    }
    writing.commit().await?;
    Ok(())
}

/// Bytes of a row's texts and blobs.
fn size(row: &AnyRow, table: &Table) -> Result<usize, CopyError> {
    let mut bytes = 0;
    for (index, (_, column)) in table.columns.iter().enumerate() {
        bytes += match column {
            Text => row.try_get::<&str, _>(index)?.len(),
            Number => size_of::<i64>(),
            Bytes => row.try_get::<&[u8], _>(index)?.len(),
        };
    }
    Ok(bytes)
}

async fn write(writing: &mut Transaction<'_, Any>, table: &Table, batch: &[AnyRow]) -> Result<(), CopyError> {
    let sql = format!(
        "INSERT INTO {} ({}) VALUES {} ON CONFLICT DO NOTHING",
        table.name,
        table.names(),
        placeholders(1, batch.len(), table.columns.len())
    );
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for row in batch {
        for (index, (_, column)) in table.columns.iter().enumerate() {
            query = match column {
                Text => query.bind(row.try_get::<String, _>(index)?),
                Number => query.bind(row.try_get::<i64, _>(index)?),
                Bytes => query.bind(row.try_get::<Vec<u8>, _>(index)?),
            };
        }
    }
    query.execute(&mut **writing).await?;
    Ok(())
}

/// The number of rows, and a hash over all of them in the order of the key.
async fn fingerprint(from: &mut Transaction<'_, Any>, table: &Table) -> Result<(u64, [u8; 32]), CopyError> {
    let mut rows = sqlx::query(AssertSqlSafe(table.select())).fetch(&mut **from);
    let mut hasher = Sha256::new();
    let mut count = 0;
    while let Some(row) = rows.try_next().await? {
        count += 1;
        for (index, (_, column)) in table.columns.iter().enumerate() {
            match column {
                Text => update(&mut hasher, row.try_get::<&str, _>(index)?.as_bytes()),
                Number => hasher.update(row.try_get::<i64, _>(index)?.to_be_bytes()),
                Bytes => update(&mut hasher, row.try_get::<&[u8], _>(index)?),
            }
        }
    }
    Ok((count, hasher.finalize().into()))
}

/// The length goes first, so that no two rows have the same bytes.
fn update(hasher: &mut Sha256, bytes: &[u8]) {
    hasher.update((bytes.len() as u64).to_be_bytes());
    hasher.update(bytes);
}

/// Every `table.column` that is copied.
#[cfg(test)]
pub(crate) fn columns() -> std::collections::BTreeSet<String> {
    let of =
        |table: &Table| table.columns.iter().map(|(column, _)| format!("{}.{column}", table.name)).collect::<Vec<_>>();
    TABLES.iter().flat_map(of).collect()
}
