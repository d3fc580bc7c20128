//! What is put on a chain next.

use sigma_core::Timestamp;
use sqlx::{Any, AssertSqlSafe, Row as _, Transaction};

use super::{AnchorKind, AnchorTarget, number};
use crate::database::placeholders;
use crate::{Store, StoreError};

/// A certificate that is to be put on a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uncommitted {
    /// Its id.
    pub certificate_id: String,
    /// keccak256 of its payload, `0x` and 64 hexadecimal digits.
    pub payload_hash: String,
}

impl Store {
    /// Begins an anchor of a root. False where another one is open on this chain, or there is one of that size in this contract:
    /// then nothing happened.
    ///
    /// # Errors
    /// As all of these: when the database refuses.
    pub async fn begin_root(
        &self,
        target: &AnchorTarget,
        size: u64,
        root: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let kind = AnchorKind::Root { size, root: root.to_owned() };
        self.begin_anchor(target, &kind, &[], now).await
    }

    /// Begins an anchor of certificates, or of the revocation of one. False where another one is open on this chain, or one of them was
    /// put there already.
    pub async fn begin_certificates(
        &self,
        target: &AnchorTarget,
        kind: &AnchorKind,
        certificates: &[Uncommitted],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.begin_anchor(target, kind, certificates, now).await
    }

    /// A root that waits becomes that of a log which has grown meanwhile. Nothing happens once something is signed.
    pub async fn move_root(&self, seq: u64, size: u64, root: &str, now: Timestamp) -> Result<(), StoreError> {
        let mut transaction = self.database.write().await?;
        sqlx::query(
            "UPDATE anchor SET log_size = $2, root = $3, updated_at = $4
             WHERE seq = $1 AND kind = 'root' AND state = 'waiting' AND log_size < $2",
        )
        .bind(number(seq))
        .bind(number(size))
        .bind(root)
        .bind(now.as_millis())
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The payload hashes of an anchor, in order.
    pub async fn anchored_hashes(&self, seq: u64) -> Result<Vec<String>, StoreError> {
        let rows = sqlx::query("SELECT payload_hash FROM anchor_certificate WHERE anchor = $1 ORDER BY payload_hash")
            .bind(number(seq))
            .fetch_all(&self.database.pool)
            .await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    async fn begin_anchor(
        &self,
        target: &AnchorTarget,
        kind: &AnchorKind,
        certificates: &[Uncommitted],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.database.write().await?;
        match insert(&mut transaction, target, kind, certificates, now).await {
            Ok(true) => {
                transaction.commit().await?;
                Ok(true)
            }
            Ok(false) => Ok(false),
            // Another process began one at the same moment.
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

async fn insert(
    transaction: &mut Transaction<'static, Any>,
    target: &AnchorTarget,
    kind: &AnchorKind,
    certificates: &[Uncommitted],
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    // Counted before it is looked whether one is open, because PostgreSQL shows each statement what was committed since the last one:
    // what another process begins after this has the same number, of which the key lets one in, and what it began before is seen.
    let row = sqlx::query("SELECT COALESCE(MAX(seq), 0) + 1 FROM anchor").fetch_one(&mut **transaction).await?;
    let seq: i64 = row.try_get(0)?;
    let open = sqlx::query("SELECT 1 FROM anchor WHERE state <> 'final' AND chain_id = $1 LIMIT 1")
        .bind(number(target.chain_id))
        .fetch_optional(&mut **transaction)
        .await?;
    if open.is_some() {
        return Ok(false);
    }
    let (size, root) = match kind {
        AnchorKind::Root { size, root } => (*size, root.as_str()),
        AnchorKind::Commit | AnchorKind::Revoke => (0, ""),
    };
    sqlx::query(
        "INSERT INTO anchor (seq, chain_id, contract, kind, log_size, root, state, reason, tx, block, block_at,
             created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, 'waiting', '', '', 0, 0, $7, $7)",
    )
    .bind(seq)
    .bind(number(target.chain_id))
    .bind(&target.contract)
    .bind(kind.word())
    .bind(number(size))
    .bind(root)
    .bind(now.as_millis())
    .execute(&mut **transaction)
    .await?;
    // Six values each, and SQLite's limit is 32,766.
    for chunk in certificates.chunks(1_000) {
        let sql = format!(
            "INSERT INTO anchor_certificate (chain_id, contract, kind, certificate_id, payload_hash, anchor) VALUES {}",
            placeholders(1, chunk.len(), 6)
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for one in chunk {
            query = query
                .bind(number(target.chain_id))
                .bind(&target.contract)
                .bind(kind.word())
                .bind(&one.certificate_id)
                .bind(&one.payload_hash)
                .bind(seq);
        }
        query.execute(&mut **transaction).await?;
        if *kind == AnchorKind::Commit {
            let sql = format!(
                "DELETE FROM uncommitted WHERE chain_id = $1 AND certificate_id IN (VALUES {})",
                placeholders(2, chunk.len(), 1)
            );
            let query = sqlx::query(AssertSqlSafe(sql)).bind(number(target.chain_id));
            let query = chunk.iter().fold(query, |query, one| query.bind(&one.certificate_id));
            query.execute(&mut **transaction).await?;
        }
    }
    Ok(true)
}
