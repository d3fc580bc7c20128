//! Moves everything that one database holds into another: a store that began on SQLite and grew.
//!
//! In: two open stores. Out: how many rows of each table were copied, once both sides were read back and are equal. It can be
//! repeated: rows that are there already are left as they are, and a run that was interrupted goes on.

mod compare;
mod tables;

use futures::TryStreamExt as _;
use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Row as _, Transaction};

use self::compare::fingerprint;
use self::tables::Column::{Bytes, Number, Text};
#[cfg(test)]
pub(crate) use self::tables::columns;
use self::tables::{TABLES, Table};
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
