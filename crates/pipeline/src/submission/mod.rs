//! Submissions: a project that somebody has audited by workers.
//!
//! In: a draft and an idempotency key. Out: a submission and the job that takes it from step to step
//! (`jobs/advance_submission.rs`). The same owner and key are the same submission, however often it is sent.

mod plan;
mod project;
mod result;

use serde_json::json;
use sigma_store::{Draft, JobId, StoreError, Submission};

pub(crate) use plan::{JobOutcome, StoredPlan, Todo};
pub use project::{Project, ProjectError, ProjectFiles, StoredCode};
pub(crate) use result::{certificates_of, ended, reviewed};

use crate::{Hall, jobs};

/// Why something cannot be submitted.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The idempotency key was used for another draft.
    #[error("the idempotency key was used for the draft {0}; send a new key with another draft")]
    KeyReused(String),
    /// More work is waiting than is accepted.
    #[error("more than {0} jobs are waiting; try again later")]
    Busy(u32),
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Hall {
    /// Submits a draft, durably. The answer is the submission, new or as it stands when it was submitted before. New ones
    /// are refused while more than `most_open` jobs are open.
    ///
    /// # Errors
    /// When the key belongs to another draft, there is too much to do, or the store refuses.
    pub async fn submit(&self, draft: &Draft, key: &str, most_open: u32) -> Result<Submission, SubmitError> {
        let now = self.now();
        let id = Submission::id_of(&draft.owner, key);
        if let Some(known) = self.known_submission(&id, draft).await? {
            return Ok(known);
        }
        if self.store.more_open_jobs_than(most_open).await? {
            return Err(SubmitError::Busy(most_open));
        }
        let job = jobs::advance_submission::job(&id, now);
        let new = Submission::new(&draft.owner, key, draft, JobId::of_key(&job.key), now);
        let mut writing = self.store.begin().await?;
        if !writing.add_submission(&new).await? {
            drop(writing);
            // Somebody sent the same a moment ago.
            let known = self.known_submission(&id, draft).await?;
            return known.ok_or_else(|| SubmitError::KeyReused(draft.id.clone()));
        }
        writing.enqueue(&[job], now).await?;
        let data = json!({"draftId": draft.id}).to_string().into_bytes();
        writing.tell(&id, &[("queued", data)], now).await?;
        writing.commit(now).await?;
        Ok(Submission { events: 1, ..new })
    }

    async fn known_submission(&self, id: &str, draft: &Draft) -> Result<Option<Submission>, SubmitError> {
        let Some(known) = self.store.submission_of(&draft.owner, id).await? else { return Ok(None) };
        if known.draft != draft.id {
            return Err(SubmitError::KeyReused(known.draft));
        }
        Ok(Some(known))
    }
}
