//! Leases: which process does what one process at a time does, over all machines that share a database.
//!
//! In: a name, a holder, the caller's clock. Out: whether the holder may go on. A lease ends by itself, so that nobody waits for a
//! process that is gone; a process that slept through its end must therefore not be able to do harm by going on. What a holder
//! writes has its own guard: a key that lets one in, or a position that has to match.

use std::time::Duration;

use sigma_core::Timestamp;

use crate::jobs::MAX_DELAY;
use crate::{Store, StoreError};

impl Store {
    /// Takes the lease of that name, or extends it: true where it was free, had ended, or is the holder's own already. It lasts for
    /// that long from now, an hour at most. One that would last for more than two hours was written by a clock that was wrong, and
    /// counts as ended.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn take_lease(
        &self,
        name: &str,
        holder: &str,
        now: Timestamp,
        lasts: Duration,
    ) -> Result<bool, StoreError> {
        let lasts = i64::try_from(lasts.as_millis()).unwrap_or(MAX_DELAY).min(MAX_DELAY);
        let now = now.as_millis();
        let mut transaction = self.database.write().await?;
        let taken = sqlx::query(
            "INSERT INTO lease (name, holder, until) VALUES ($1, $2, $3)
             ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
             WHERE lease.holder = excluded.holder OR lease.until <= $4 OR lease.until > $5",
        )
        .bind(name)
        .bind(holder)
        .bind(now.saturating_add(lasts))
        .bind(now)
        .bind(now.saturating_add(2 * MAX_DELAY))
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(taken.rows_affected() == 1)
    }

    /// Gives a lease back, so that another process need not wait for its end. Nothing happens where somebody else has it.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn release_lease(&self, name: &str, holder: &str) -> Result<(), StoreError> {
        let mut transaction = self.database.write().await?;
        sqlx::query("DELETE FROM lease WHERE name = $1 AND holder = $2")
            .bind(name)
            .bind(holder)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }
}
