//! What models of the council were asked and answered: what it takes to repeat a round.

use sigma_core::{Sha256, Timestamp};
use sqlx::Row as _;

use crate::{Store, StoreError};

/// One question and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredTranscript {
    /// SHA-256 of the question, as on the ballot.
    pub prompt_sha256: Sha256,
    /// The validator, as on the ballot.
    pub validator: String,
    /// The body of the request. It holds no key.
    pub request: Vec<u8>,
    /// What came back, as it came: hostile bytes. Empty where nothing did.
    pub answer: Vec<u8>,
}

impl Store {
    /// Keeps transcripts, durably.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn keep_transcripts(&self, transcripts: &[StoredTranscript], now: Timestamp) -> Result<(), StoreError> {
        if transcripts.is_empty() {
            return Ok(());
        }
        let mut transaction = self.database.write().await?;
        for one in transcripts {
            sqlx::query(
                "INSERT INTO transcript (prompt_sha256, validator, asked_at, request, answer) VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT DO NOTHING",
            )
            .bind(one.prompt_sha256.to_string())
            .bind(&one.validator)
            .bind(now.as_millis())
            .bind(one.request.as_slice())
            .bind(one.answer.as_slice())
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// What was asked and answered under a ballot's digest, the oldest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn transcripts(&self, prompt_sha256: Sha256) -> Result<Vec<StoredTranscript>, StoreError> {
        let rows = sqlx::query(
            "SELECT validator, request, answer FROM transcript WHERE prompt_sha256 = $1 ORDER BY asked_at, validator",
        )
        .bind(prompt_sha256.to_string())
        .fetch_all(&self.database.pool)
        .await?;
        let read = |row: &sqlx::any::AnyRow| {
            Ok(StoredTranscript {
                prompt_sha256,
                validator: row.try_get(0)?,
                request: row.try_get(1)?,
                answer: row.try_get(2)?,
            })
        };
        rows.iter().map(read).collect()
    }
}
