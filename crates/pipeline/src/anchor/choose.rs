//! What is due.

use sigma_chain::MAX_BATCH;
use sigma_core::Timestamp;
use sigma_store::AnchorKind;

use super::{AnchorError, AnchorMode, Anchorer, hex};

impl Anchorer {
    /// Begins what is due, if anything is. Revocations first: they are few, and somebody waits for them.
    pub(super) async fn choose(&self, now: Timestamp) -> Result<bool, AnchorError> {
        let target = self.target();
        if self.config.revocations {
            let revoked = self.store.revoked_and_uncommitted(&target, 1).await?;
            if !revoked.is_empty() {
                return Ok(self.store.begin_certificates(&target, &AnchorKind::Revoke, &revoked, now).await?);
            }
        }
        match self.config.mode {
            AnchorMode::Root => self.choose_root(now).await,
            AnchorMode::Certificate => {
                let most = self.config.batch.clamp(1, MAX_BATCH as u64);
                let found = self.store.uncommitted(&target, u32::try_from(most).unwrap_or(u32::MAX)).await?;
                Ok(!found.is_empty()
                    && self.store.begin_certificates(&target, &AnchorKind::Commit, &found, now).await?)
            }
        }
    }

    /// A root is due where the log has grown: by enough, or long enough ago, or for the first time.
    async fn choose_root(&self, now: Timestamp) -> Result<bool, AnchorError> {
        let target = self.target();
        let log = self.ledger.reader()?.log()?;
        let checkpoint = log.checkpoint();
        let due = match self.store.newest_root(&target).await? {
            None => checkpoint.size > 0,
            Some(newest) => {
                let AnchorKind::Root { size, .. } = newest.kind else { return Err(AnchorError::Damaged(newest.seq)) };
                let interval = i64::try_from(self.config.interval.as_millis()).unwrap_or(i64::MAX);
                let long_ago = now.as_millis() >= newest.created_at.as_millis().saturating_add(interval);
                checkpoint.size > size && (long_ago || checkpoint.size - size >= self.config.batch)
            }
        };
        Ok(due && self.store.begin_root(&target, checkpoint.size, &hex(checkpoint.root), now).await?)
    }
}
