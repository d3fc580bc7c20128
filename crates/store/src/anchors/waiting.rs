//! What a contract does not have yet: certificates, and that some of them were revoked.
//!
//! In: a contract. Out: what is to be put there, for what that costs: new certificates are queued by triggers, older ones are walked
//! through once, and so are decisions. A chain has one contract at a time, because one account sends to it: another one begins anew.

use sqlx::{AssertSqlSafe, Row as _};

use super::{AnchorTarget, Uncommitted, number};
use crate::database::Kind;
use crate::walk::{OVER, step};
use crate::{Store, StoreError};

/// What is known about a contract.
struct Contract {
    /// Whether every certificate is put there.
    takes: bool,
    /// Where the walk through older certificates is.
    walked: String,
    /// The place in the operators' log up to which revocations are dealt with.
    decided: i64,
}

/// The condition that certificate `c` is in contract `$4` of chain `$3`, or queued for it.
pub(crate) const COMMITTED_OR_QUEUED: &str =
    "(EXISTS (SELECT 1 FROM anchor_certificate x WHERE x.chain_id = $3 AND x.contract = $4
    AND x.kind = 'commit' AND x.certificate_id = c.id)
    OR EXISTS (SELECT 1 FROM uncommitted u WHERE u.chain_id = $3 AND u.certificate_id = c.id))";

/// What is queued for contract `$2` of chain `$1`.
pub(crate) const QUEUED: &str = "SELECT u.certificate_id FROM uncommitted u WHERE u.chain_id = $1
    AND NOT EXISTS (SELECT 1 FROM anchor_certificate x WHERE x.chain_id = $1 AND x.contract = $2 AND x.kind = 'commit'
        AND x.certificate_id = u.certificate_id)
    ORDER BY u.chain_id, u.certified_at, u.certificate_id LIMIT $3";

/// The next decisions: whether each revokes, is the newest about its certificate, and is in contract `$3` of chain `$2`.
pub(crate) const DECIDED: &str = "SELECT e.seq, e.subject, CAST(CASE WHEN e.action = 'revoke'
        AND NOT EXISTS (SELECT 1 FROM admin_event n WHERE n.subject = e.subject AND n.seq > e.seq)
        AND NOT EXISTS (SELECT 1 FROM anchor_certificate x WHERE x.chain_id = $2 AND x.contract = $3 AND x.kind = 'revoke'
            AND x.certificate_id = e.subject) THEN 1 ELSE 0 END AS BIGINT)
    FROM admin_event e WHERE e.seq > $1 ORDER BY e.seq LIMIT 1000";

impl Store {
    /// Certificates that were never to be put into a contract: those that were sealed since it was first asked for, the oldest first,
    /// then those from before. Less than `most` does not mean that there are no more, nothing does.
    pub async fn uncommitted(&self, target: &AnchorTarget, most: u32) -> Result<Vec<Uncommitted>, StoreError> {
        let mut contract = self.contract(target, true).await?;
        let rows = sqlx::query(QUEUED)
            .bind(number(target.chain_id))
            .bind(&target.contract)
            .bind(i64::from(most))
            .fetch_all(&self.database.pool)
            .await?;
        let mut ids = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<String>, _>>()?;
        let most = most as usize;
        while contract.walked != OVER && ids.len() < most {
            let rest = most - ids.len();
            let step = step(&self.database.pool, &contract.walked, COMMITTED_OR_QUEUED, Some(target), rest).await?;
            if step.walked != contract.walked {
                self.note_contract(target, "walked = $2", &step.walked).await?;
                contract.walked = step.walked;
            }
            if !step.missing.is_empty() {
                ids.extend(step.missing);
                break;
            }
        }
        self.hashes(ids).await
    }

    /// Certificates that operators revoked, and whose revocation was never to be put into a contract, in the order of the decisions.
    pub async fn revoked_and_uncommitted(
        &self,
        target: &AnchorTarget,
        most: u32,
    ) -> Result<Vec<Uncommitted>, StoreError> {
        let began = self.contract(target, false).await?.decided;
        let (mut decided, mut last, mut ids) = (began, began, Vec::new());
        loop {
            let rows = sqlx::query(DECIDED)
                .bind(last)
                .bind(number(target.chain_id))
                .bind(&target.contract)
                .fetch_all(&self.database.pool)
                .await?;
            for row in &rows {
                let waits: i64 = row.try_get(2)?;
                last = row.try_get(0)?;
                if waits == 1 && ids.len() < most as usize {
                    ids.push(row.try_get(1)?);
                } else if ids.is_empty() {
                    decided = last;
                }
            }
            if rows.is_empty() || ids.len() >= most as usize {
                break;
            }
        }
        if decided != began {
            self.note_contract(target, "decided = $2", decided).await?;
        }
        self.hashes(ids).await
    }

    /// What is known about a contract; from now on certificates are queued for it where it `takes` them.
    async fn contract(&self, target: &AnchorTarget, takes: bool) -> Result<Contract, StoreError> {
        let row = sqlx::query("SELECT takes, walked, decided FROM contract WHERE chain_id = $1 AND contract = $2")
            .bind(number(target.chain_id))
            .bind(&target.contract)
            .fetch_optional(&self.database.pool)
            .await?;
        if let Some(row) = row {
            let known =
                Contract { takes: row.try_get::<i64, _>(0)? == 1, walked: row.try_get(1)?, decided: row.try_get(2)? };
            if known.takes || !takes {
                return Ok(known);
            }
        }
        let mut transaction = self.database.write().await?;
        // Whoever seals reads this table until it commits: what is not queued is there when the walk begins.
        if self.database.kind() == Kind::Postgres {
            sqlx::query("LOCK TABLE contract IN ACCESS EXCLUSIVE MODE").execute(&mut *transaction).await?;
        }
        for sql in [
            "DELETE FROM uncommitted WHERE chain_id = $1 AND NOT EXISTS (
                 SELECT 1 FROM contract k WHERE k.chain_id = $1 AND k.contract = $2)",
            "DELETE FROM contract WHERE chain_id = $1 AND contract <> $2",
        ] {
            sqlx::query(sql).bind(number(target.chain_id)).bind(&target.contract).execute(&mut *transaction).await?;
        }
        let row = sqlx::query(
            "INSERT INTO contract (chain_id, contract, takes, walked, decided) VALUES ($1, $2, $3, '', 0)
             ON CONFLICT (chain_id) DO UPDATE SET takes = CASE WHEN contract.takes = 1 THEN 1 ELSE excluded.takes END
             RETURNING walked, decided",
        )
        .bind(number(target.chain_id))
        .bind(&target.contract)
        .bind(i64::from(takes))
        .fetch_one(&mut *transaction)
        .await?;
        let known = Contract { takes, walked: row.try_get(0)?, decided: row.try_get(1)? };
        transaction.commit().await?;
        Ok(known)
    }

    async fn note_contract<'a, T>(&self, target: &'a AnchorTarget, what: &str, value: T) -> Result<(), StoreError>
    where
        T: sqlx::Encode<'a, sqlx::Any> + sqlx::Type<sqlx::Any> + 'a,
    {
        let sql = format!("UPDATE contract SET {what} WHERE chain_id = $1 AND contract = $3");
        sqlx::query(AssertSqlSafe(sql))
            .bind(number(target.chain_id))
            .bind(value)
            .bind(&target.contract)
            .execute(&self.database.pool)
            .await?;
        Ok(())
    }

    /// The hashes that belong to ids, in their order. What is no certificate is left out.
    async fn hashes(&self, ids: Vec<String>) -> Result<Vec<Uncommitted>, StoreError> {
        let mut found = Vec::with_capacity(ids.len());
        for certificate_id in ids {
            let row = sqlx::query(
                "SELECT payload_hash FROM certificate WHERE id = $1
                 UNION ALL SELECT payload_hash FROM submission_certificate WHERE id = $1",
            )
            .bind(&certificate_id)
            .fetch_optional(&self.database.pool)
            .await?;
            if let Some(row) = row {
                found.push(Uncommitted { certificate_id, payload_hash: row.try_get(0)? });
            }
        }
        Ok(found)
    }
}
