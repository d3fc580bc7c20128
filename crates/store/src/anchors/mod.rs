//! What is put on a chain: chosen, signed, sent, final. Everything is kept before it leaves this machine.
//!
//! In: a root of the log or certificates, then signed transactions, then what the chain says. Out: what is to be done next, and where a
//! certificate is on a chain. One anchor of a chain is open at a time: whoever comes second goes on with the first one's. Of two who sign
//! for the same nonce, the key of the table lets one in.

mod choose;
mod receipt;
mod transactions;
mod waiting;

pub use choose::Uncommitted;
pub(crate) use receipt::{ANCHOR, ANCHOR_COLUMNS, OWN, PLACE, chosen};
pub use transactions::AnchorTransaction;
#[cfg(test)]
pub(crate) use waiting::{COMMITTED_OR_QUEUED, DECIDED, QUEUED};

use sigma_core::Timestamp;
use sqlx::AssertSqlSafe;

use crate::database::Cells;
use crate::{Store, StoreError};

/// A contract on a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnchorTarget {
    /// EIP-155.
    pub chain_id: u64,
    /// Its address, `0x` and 40 lower-case hexadecimal digits.
    pub contract: String,
}

/// What is put there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnchorKind {
    /// The root of the log.
    Root {
        /// Entries that it covers.
        size: u64,
        /// `0x` and 64 hexadecimal digits.
        root: String,
    },
    /// Payload hashes of certificates; which ones is in [`Store::anchored_hashes`].
    Commit,
    /// That certificates no longer stand.
    Revoke,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnchorState {
    /// Nothing is signed.
    Waiting,
    /// A signed transaction may be on its way.
    Sent,
    /// It is on the chain for good.
    Final,
}

/// One thing that is put on a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// Its place in the order in which they were chosen, from 1 on.
    pub seq: u64,
    /// Where.
    pub target: AnchorTarget,
    /// What.
    pub kind: AnchorKind,
    /// How far it is.
    pub state: AnchorState,
    /// Why it is not further than that, where something is in its way; may be empty.
    pub reason: String,
    /// The transaction that did it; empty before it is final, and where nobody knows.
    pub transaction: String,
    /// Where it did it; 0 before.
    pub block: u64,
    /// That block's time.
    pub block_at: Timestamp,
    /// When it was chosen.
    pub created_at: Timestamp,
}

/// Columns of an anchor, for [`read`]; the table is called `a`.
const COLUMNS: &str = "a.seq, a.chain_id, a.contract, a.kind, a.log_size, a.root, a.state, a.reason, a.tx, a.block,
    a.block_at, a.created_at";

impl AnchorKind {
    fn word(&self) -> &'static str {
        match self {
            Self::Root { .. } => "root",
            Self::Commit => "commit",
            Self::Revoke => "revoke",
        }
    }
}

impl Store {
    /// What is open on a chain, whichever contract it is for.
    ///
    /// # Errors
    /// As all of these: when the database refuses, or a row is damaged.
    pub async fn open_anchor(&self, chain_id: u64) -> Result<Option<Anchor>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM anchor a WHERE a.state <> 'final' AND a.chain_id = $1 ORDER BY a.seq");
        let query = sqlx::query(AssertSqlSafe(sql)).bind(number(chain_id));
        query.fetch_optional(&self.database.pool).await?.as_ref().map(|row| read(row, 0)).transpose()
    }

    /// The largest root of a log that is or will be in a contract.
    pub async fn newest_root(&self, target: &AnchorTarget) -> Result<Option<Anchor>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM anchor a WHERE a.kind = 'root' AND a.chain_id = $1 AND a.contract = $2
             ORDER BY a.log_size DESC LIMIT 1"
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(number(target.chain_id)).bind(&target.contract);
        query.fetch_optional(&self.database.pool).await?.as_ref().map(|row| read(row, 0)).transpose()
    }

    /// The last anchors, newest first.
    pub async fn anchors(&self, most: u32) -> Result<Vec<Anchor>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM anchor a ORDER BY a.seq DESC LIMIT $1");
        let query = sqlx::query(AssertSqlSafe(sql)).bind(i64::from(most));
        query.fetch_all(&self.database.pool).await?.iter().map(|row| read(row, 0)).collect()
    }

    /// Says what is in an anchor's way. Saying it again changes nothing.
    pub async fn explain_anchor(&self, seq: u64, reason: &str, now: Timestamp) -> Result<(), StoreError> {
        let mut transaction = self.database.write().await?;
        sqlx::query(
            "UPDATE anchor SET reason = $2, updated_at = $3 WHERE seq = $1 AND state <> 'final' AND reason <> $2",
        )
        .bind(number(seq))
        .bind(reason)
        .bind(now.as_millis())
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Notes that it is on the chain for good: by which transaction (empty where nobody knows), in which block, when.
    pub async fn finish_anchor(
        &self,
        seq: u64,
        by: &str,
        block: u64,
        block_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut transaction = self.database.write().await?;
        sqlx::query(
            "UPDATE anchor SET state = 'final', reason = '', tx = $2, block = $3, block_at = $4, updated_at = $5
             WHERE seq = $1 AND state <> 'final'",
        )
        .bind(number(seq))
        .bind(by)
        .bind(number(block))
        .bind(block_at.as_millis())
        .bind(now.as_millis())
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }
}

/// What the database keeps as signed. Larger numbers are nowhere near.
pub(crate) fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Reads the columns of an anchor from a row, from `first` on.
pub(crate) fn read(row: &impl Cells, first: usize) -> Result<Anchor, StoreError> {
    let unsigned = |index: usize| -> Result<u64, StoreError> { Ok(row.number(first + index)?.unsigned_abs()) };
    let time =
        |index: usize| -> Result<Timestamp, StoreError> { Ok(Timestamp::from_millis(row.number(first + index)?)) };
    let seq = unsigned(0)?;
    let damaged = |why: &str| StoreError::Damaged { what: format!("anchor {seq}"), why: why.to_owned() };
    let kind = match row.text(first + 3)?.as_str() {
        "root" => AnchorKind::Root { size: unsigned(4)?, root: row.text(first + 5)? },
        "commit" => AnchorKind::Commit,
        "revoke" => AnchorKind::Revoke,
        _ => return Err(damaged("its kind is none")),
    };
    let state = match row.text(first + 6)?.as_str() {
        "waiting" => AnchorState::Waiting,
        "sent" => AnchorState::Sent,
        "final" => AnchorState::Final,
        _ => return Err(damaged("its state is none")),
    };
    Ok(Anchor {
        seq,
        target: AnchorTarget { chain_id: unsigned(1)?, contract: row.text(first + 2)? },
        kind,
        state,
        reason: row.text(first + 7)?,
        transaction: row.text(first + 8)?,
        block: unsigned(9)?,
        block_at: time(10)?,
        created_at: time(11)?,
    })
}
