//! What the public may know of: where a store has a transparency log, a certificate is announced once a checkpoint covers it.
//!
//! In: the log's name, for good; certificates, as they are sealed and as they are logged. Out: which of them wait. Every public read
//! leaves those out; audits use them, so that nothing is done twice.

use sigma_core::Timestamp;
use sqlx::{Any, AssertSqlSafe, Row as _, Transaction};

use crate::database::{Kind, placeholders};
use crate::{Store, StoreError, Writing};

/// The condition that certificate `c` is announced.
pub(crate) const ANNOUNCED: &str = "NOT EXISTS (SELECT 1 FROM unannounced u WHERE u.id = c.id)";

impl Store {
    /// Binds the store to a log, for good: what is sealed from now on is announced when it is logged. Whether it is bound only now;
    /// doing it again changes nothing.
    ///
    /// # Errors
    /// [`StoreError::OtherLog`] when its certificates go into another one.
    pub async fn bind_log(&self, origin: &str, now: Timestamp) -> Result<bool, StoreError> {
        // Asked often, changed once.
        if self.log_origin().await?.as_deref() == Some(origin) {
            return Ok(false);
        }
        let mut transaction = self.database.write().await?;
        // Whoever seals reads this table until it commits: what does not wait for the log is there when what is older is looked through.
        if self.database.kind() == Kind::Postgres {
            sqlx::query("LOCK TABLE ledger IN ACCESS EXCLUSIVE MODE").execute(&mut *transaction).await?;
        }
        let row = sqlx::query("SELECT origin FROM ledger").fetch_optional(&mut *transaction).await?;
        match row.map(|row| row.try_get::<String, _>(0)).transpose()? {
            Some(bound) if bound == origin => return Ok(false),
            Some(bound) => return Err(StoreError::OtherLog { bound, got: origin.to_owned() }),
            None => {}
        }
        sqlx::query("INSERT INTO ledger (origin, since) VALUES ($1, $2)")
            .bind(origin)
            .bind(now.as_millis())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// The name of the log that certificates go into, if there is one.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn log_origin(&self) -> Result<Option<String>, StoreError> {
        let row = sqlx::query("SELECT origin FROM ledger").fetch_optional(&self.database.pool).await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    /// How many certificates wait for the log.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn unannounced(&self) -> Result<u64, StoreError> {
        let row = sqlx::query("SELECT COUNT(*) FROM unannounced").fetch_one(&self.database.pool).await?;
        Ok(row.try_get::<i64, _>(0)?.unsigned_abs())
    }
}

impl Writing {
    /// Whether one of these certificates waits for the log.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn waits_for_log(&mut self, certificates: &[&str]) -> Result<bool, StoreError> {
        for chunk in certificates.chunks(5_000) {
            let sql =
                format!("SELECT 1 FROM unannounced WHERE id IN (VALUES {}) LIMIT 1", placeholders(1, chunk.len(), 1));
            let query = chunk.iter().fold(sqlx::query(AssertSqlSafe(sql)), |query, id| query.bind(*id));
            if query.fetch_optional(&mut *self.transaction).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Notes that a new certificate waits for the log, where there is one.
pub(crate) async fn wait(transaction: &mut Transaction<'_, Any>, certificate: &str) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO unannounced (id) SELECT $1 FROM ledger")
        .bind(certificate)
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// Announces what is logged.
pub(crate) async fn announce(transaction: &mut Transaction<'_, Any>, subject: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM unannounced WHERE id = $1").bind(subject).execute(&mut **transaction).await?;
    Ok(())
}
