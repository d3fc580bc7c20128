//! Whether two databases have the same rows: a table as a number and a hash.

use futures::TryStreamExt as _;
use sha2::{Digest as _, Sha256};
use sqlx::{Any, AssertSqlSafe, Row as _, Transaction};

use super::CopyError;
use super::tables::Column::{Bytes, Number, Text};
use super::tables::Table;

/// The number of rows, and a hash over all of them in the order of the key.
pub(super) async fn fingerprint(from: &mut Transaction<'_, Any>, table: &Table) -> Result<(u64, [u8; 32]), CopyError> {
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
