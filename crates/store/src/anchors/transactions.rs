//! Signed transactions, kept before they are sent.

use sigma_core::Timestamp;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::number;
use crate::{Store, StoreError};

/// A signed transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnchorTransaction {
    /// The account that pays.
    pub sender: String,
    /// Its place among the account's transactions.
    pub nonce: u64,
    /// 0, then one more for each replacement at a higher fee, whatever it is for.
    pub attempt: u64,
    /// Its hash, `0x` and 64 hexadecimal digits.
    pub hash: String,
    /// What is sent.
    pub raw: Vec<u8>,
    /// The most that it pays, wei per gas.
    pub max_fee: u64,
    /// The tip in that, wei per gas.
    pub tip: u64,
    /// When it was signed.
    pub signed_at: Timestamp,
}

const COLUMNS: &str = "sender, nonce, attempt, hash, raw, max_fee, tip, signed_at";

impl Store {
    /// Keeps a signed transaction of an open anchor, before it is sent. False where another process signed for the same nonce and
    /// attempt, or the anchor is final: then this one must never be sent.
    ///
    /// # Errors
    /// As all of these: when the database refuses.
    pub async fn keep_transaction(
        &self,
        chain_id: u64,
        anchor: u64,
        signed: &AnchorTransaction,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.database.write().await?;
        let sent = sqlx::query(
            "UPDATE anchor SET state = 'sent', reason = '', updated_at = $2 WHERE seq = $1 AND state <> 'final'",
        )
        .bind(number(anchor))
        .bind(signed.signed_at.as_millis())
        .execute(&mut *transaction)
        .await?;
        if sent.rows_affected() == 0 {
            return Ok(false);
        }
        let kept = sqlx::query(
            "INSERT INTO anchor_transaction (chain_id, sender, nonce, attempt, anchor, hash, raw, max_fee, tip, signed_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING",
        )
        .bind(number(chain_id))
        .bind(&signed.sender)
        .bind(number(signed.nonce))
        .bind(number(signed.attempt))
        .bind(number(anchor))
        .bind(&signed.hash)
        .bind(signed.raw.as_slice())
        .bind(number(signed.max_fee))
        .bind(number(signed.tip))
        .bind(signed.signed_at.as_millis())
        .execute(&mut *transaction)
        .await?;
        if kept.rows_affected() == 0 {
            return Ok(false);
        }
        transaction.commit().await?;
        Ok(true)
    }

    /// All transactions that were signed for an anchor, in the order in which they were.
    pub async fn transactions_of(&self, anchor: u64) -> Result<Vec<AnchorTransaction>, StoreError> {
        let sql = select("anchor = $1 ORDER BY signed_at, nonce, attempt");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(number(anchor)).fetch_all(&self.database.pool).await?;
        rows.iter().map(read).collect()
    }

    /// The newest transaction that was signed for a nonce, for whatever anchor.
    pub async fn newest_transaction(
        &self,
        chain_id: u64,
        sender: &str,
        nonce: u64,
    ) -> Result<Option<AnchorTransaction>, StoreError> {
        let sql = select("chain_id = $1 AND sender = $2 AND nonce = $3 ORDER BY attempt DESC LIMIT 1");
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(number(chain_id)).bind(sender).bind(number(nonce));
        query.fetch_optional(&self.database.pool).await?.as_ref().map(read).transpose()
    }

    /// The first nonce of an account that no transaction of ours has used up, as far as the store knows: one more than the highest of
    /// those that put something on the chain. A node that lags may tell a lower one.
    pub async fn next_nonce(&self, chain_id: u64, sender: &str) -> Result<u64, StoreError> {
        let row = sqlx::query(
            "SELECT COALESCE(MAX(t.nonce) + 1, 0) FROM anchor_transaction t JOIN anchor a ON a.seq = t.anchor AND a.tx = t.hash
             WHERE t.chain_id = $1 AND t.sender = $2",
        )
        .bind(number(chain_id))
        .bind(sender)
        .fetch_one(&self.database.pool)
        .await?;
        Ok(row.try_get::<i64, _>(0)?.unsigned_abs())
    }
}

fn select(what: &str) -> String {
    format!("SELECT {COLUMNS} FROM anchor_transaction WHERE {what}")
}

fn read(row: &AnyRow) -> Result<AnchorTransaction, StoreError> {
    let unsigned = |index: usize| -> Result<u64, StoreError> { Ok(row.try_get::<i64, _>(index)?.unsigned_abs()) };
    Ok(AnchorTransaction {
        sender: row.try_get(0)?,
        nonce: unsigned(1)?,
        attempt: unsigned(2)?,
        hash: row.try_get(3)?,
        raw: row.try_get(4)?,
        max_fee: unsigned(5)?,
        tip: unsigned(6)?,
        signed_at: Timestamp::from_millis(row.try_get(7)?),
    })
}
