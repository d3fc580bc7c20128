//! Drafts, submissions, and what happens to them.
//!
//! In: projects as JSON, whose meaning is the pipeline's. Out: the same, to their owner only: for anybody else they are not
//! there. A submission changes in the transaction of the job that takes it from step to step.

mod certificates;
mod drafts;
mod events;

use std::fmt;

use sigma_certificate::content_id;
use sigma_core::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};

use crate::{JobId, Store, StoreError, Writing};

pub use certificates::{
    ListedSubmission, SealedSubmission, SubmissionEscalation, SubmissionFilter, SubmissionPage, audited_again,
    first_audit,
};
#[cfg(test)]
pub(crate) use certificates::{found_sql, page_sql as submissions_sql, searched_to_sql, skills_sql};
pub use drafts::Draft;
pub use events::Event;

/// Where a submission stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SubmissionState {
    /// Accepted; nothing was done yet.
    Queued,
    /// Its packages are being audited.
    Auditing,
    /// Its dependencies stand in nobody's way, and its code is being reviewed.
    Reviewing,
    /// It is decided; its certificates wait for the transparency log.
    Announcing,
    /// Its dependencies stand in nobody's way, and there is nothing else to review.
    Cleared,
    /// It has a certificate.
    Certified,
    /// It has a certificate, which says BLOCKED.
    Rejected,
    /// The panels do not agree: an operator decides.
    Escalated,
    /// A dependency stops it.
    Stopped,
    /// A direct dependency could not be judged.
    Held,
    /// It could not be worked on.
    Failed,
}

impl SubmissionState {
    const ALL: [Self; 11] = [
        Self::Queued,
        Self::Auditing,
        Self::Reviewing,
        Self::Announcing,
        Self::Cleared,
        Self::Certified,
        Self::Rejected,
        Self::Escalated,
        Self::Stopped,
        Self::Held,
        Self::Failed,
    ];

    /// The word in the database and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Auditing => "auditing",
            Self::Reviewing => "reviewing",
            Self::Announcing => "announcing",
            Self::Cleared => "cleared",
            Self::Certified => "certified",
            Self::Rejected => "rejected",
            Self::Escalated => "escalated",
            Self::Stopped => "stopped",
            Self::Held => "held",
            Self::Failed => "failed",
        }
    }

    /// True when nothing more happens to it by itself.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Auditing | Self::Reviewing | Self::Announcing)
    }
}

/// A word that names no state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoState;

impl std::str::FromStr for SubmissionState {
    type Err = NoState;

    fn from_str(text: &str) -> Result<Self, NoState> {
        Self::ALL.into_iter().find(|one| one.as_str() == text).ok_or(NoState)
    }
}

impl fmt::Display for SubmissionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// Its id, `sub_` and 32 characters.
    pub id: String,
    /// Whose it is.
    pub owner: String,
    /// The draft that was submitted.
    pub draft: String,
    /// The job that takes it from step to step.
    pub job: JobId,
    /// Where it stands.
    pub state: SubmissionState,
    /// What was submitted, as JSON.
    pub project: Vec<u8>,
    /// The resolved graph and what is done about each package, as JSON; empty before it is known.
    pub plan: Vec<u8>,
    /// The decision and every package's row, as JSON; empty before the end.
    pub result: Vec<u8>,
    /// How many events there are.
    pub events: u64,
    /// When it was submitted.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
}

impl Submission {
    /// The id of what an owner submits under an idempotency key.
    pub fn id_of(owner: &str, key: &str) -> String {
        content_id("sub", "sigma-submission/1", format!("{owner}\0{key}").as_bytes())
    }

    /// A new one, queued.
    pub fn new(owner: &str, key: &str, draft: &Draft, job: JobId, now: Timestamp) -> Self {
        Self {
            id: Self::id_of(owner, key),
            owner: owner.to_owned(),
            draft: draft.id.clone(),
            job,
            state: SubmissionState::Queued,
            project: draft.project.clone(),
            plan: Vec::new(),
            result: Vec::new(),
            events: 0,
            created_at: now,
            updated_at: now,
        }
    }
}

const COLUMNS: &str = "id, owner, draft, job, state, project, plan, result, events, created_at, updated_at";

impl Writing {
    /// Stores a new submission. `false` when there is one with its id: the caller looks whether it is the same.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn add_submission(&mut self, new: &Submission) -> Result<bool, StoreError> {
        let sql = format!(
            "INSERT INTO submission ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
             ON CONFLICT DO NOTHING"
        );
        let added = sqlx::query(AssertSqlSafe(sql))
            .bind(&new.id)
            .bind(&new.owner)
            .bind(&new.draft)
            .bind(new.job.as_str())
            .bind(new.state.as_str())
            .bind(new.project.as_slice())
            .bind(new.plan.as_slice())
            .bind(new.result.as_slice())
            .bind(i64::try_from(new.events).unwrap_or(i64::MAX))
            .bind(new.created_at.as_millis())
            .bind(new.updated_at.as_millis())
            .execute(&mut *self.transaction)
            .await?;
        Ok(added.rows_affected() == 1)
    }

    /// Takes a submission to its audits. `false`, and nothing is changed, when it has ended meanwhile.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn plan_submission(&mut self, id: &str, plan: &[u8], now: Timestamp) -> Result<bool, StoreError> {
        let changed = sqlx::query(
            "UPDATE submission SET state = 'auditing', plan = $2, updated_at = $3
             WHERE id = $1 AND state IN ('queued', 'auditing', 'failed')",
        )
        .bind(id)
        .bind(plan)
        .bind(now.as_millis())
        .execute(&mut *self.transaction)
        .await?;
        Ok(changed.rows_affected() == 1)
    }

    /// Takes a submission from its audits to the review of its code. `false`, and nothing is changed, when it is not there.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn review_submission(&mut self, id: &str, now: Timestamp) -> Result<bool, StoreError> {
        let changed = sqlx::query(
            "UPDATE submission SET state = 'reviewing', updated_at = $2 WHERE id = $1 AND state = 'auditing'",
        )
        .bind(id)
        .bind(now.as_millis())
        .execute(&mut *self.transaction)
        .await?;
        Ok(changed.rows_affected() == 1)
    }

    /// Takes an escalated submission to its end, as an operator decided. `false`, and nothing is changed, when it is not escalated.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn settle_submission(&mut self, id: &str, result: &[u8], now: Timestamp) -> Result<bool, StoreError> {
        let changed = sqlx::query(
            "UPDATE submission SET state = 'announcing', result = $2, updated_at = $3
             WHERE id = $1 AND state = 'escalated'",
        )
        .bind(id)
        .bind(result)
        .bind(now.as_millis())
        .execute(&mut *self.transaction)
        .await?;
        Ok(changed.rows_affected() == 1)
    }

    /// Ends a submission whose certificates are announced now. `false`, and nothing is changed, when it does not wait for that.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn announce_submission(
        &mut self,
        id: &str,
        state: SubmissionState,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let changed =
            sqlx::query("UPDATE submission SET state = $2, updated_at = $3 WHERE id = $1 AND state = 'announcing'")
                .bind(id)
                .bind(state.as_str())
                .bind(now.as_millis())
                .execute(&mut *self.transaction)
                .await?;
        Ok(changed.rows_affected() == 1)
    }

    /// Ends a submission. `false`, and nothing is changed, when it has ended before.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn end_submission(
        &mut self,
        id: &str,
        state: SubmissionState,
        result: &[u8],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let changed = sqlx::query(
            "UPDATE submission SET state = $2, result = $3, updated_at = $4
             WHERE id = $1 AND state IN ('queued', 'auditing', 'reviewing')",
        )
        .bind(id)
        .bind(state.as_str())
        .bind(result)
        .bind(now.as_millis())
        .execute(&mut *self.transaction)
        .await?;
        Ok(changed.rows_affected() == 1)
    }
}

impl Store {
    /// A submission, by whoever works on it.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn submission(&self, id: &str) -> Result<Option<Submission>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM submission WHERE id = $1");
        let row = sqlx::query(AssertSqlSafe(sql)).bind(id).fetch_optional(&self.database.pool).await?;
        row.as_ref().map(read).transpose()
    }

    /// An owner's submission. `None` for anybody else's, as for one that is not there.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn submission_of(&self, owner: &str, id: &str) -> Result<Option<Submission>, StoreError> {
        Ok(self.submission(id).await?.filter(|submission| submission.owner == owner))
    }

    /// Where an owner's submission stands and how many events it has: what a live view asks again and again.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn submission_progress(
        &self,
        owner: &str,
        id: &str,
    ) -> Result<Option<(SubmissionState, u64)>, StoreError> {
        let row = sqlx::query("SELECT state, events FROM submission WHERE id = $1 AND owner = $2")
            .bind(id)
            .bind(owner)
            .fetch_optional(&self.database.pool)
            .await?;
        row.map(|row| Ok((state(&row, 0)?, row.try_get::<i64, _>(1)?.unsigned_abs()))).transpose()
    }

    /// An owner's submissions, the newest first, without project, plan and result. `before` is the last one of the page
    /// before.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn submissions_of(
        &self,
        owner: &str,
        before: Option<(Timestamp, &str)>,
        most: u32,
    ) -> Result<Vec<Submission>, StoreError> {
        // Empty bytes in the place of what is large and not asked for.
        let columns = COLUMNS.replace("project, plan, result", "$5, $5, $5");
        let sql = format!(
            "SELECT {columns} FROM submission WHERE owner = $1 AND (created_at < $2 OR (created_at = $2 AND id < $3))
             ORDER BY created_at DESC, id DESC LIMIT $4"
        );
        let (at, id) = before.map_or((i64::MAX, ""), |(at, id)| (at.as_millis(), id));
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(owner)
            .bind(at)
            .bind(id)
            .bind(i64::from(most))
            .bind(&[][..])
            .fetch_all(&self.database.pool)
            .await?;
        rows.iter().map(read).collect()
    }
}

fn state(row: &AnyRow, index: usize) -> Result<SubmissionState, StoreError> {
    let text: &str = row.try_get(index)?;
    text.parse().map_err(|NoState| StoreError::Damaged {
        what: "submission".to_owned(),
        why: format!("got the state `{text}`"),
    })
}

fn read(row: &AnyRow) -> Result<Submission, StoreError> {
    Ok(Submission {
        id: row.try_get(0)?,
        owner: row.try_get(1)?,
        draft: row.try_get(2)?,
        job: JobId::named(row.try_get(3)?),
        state: state(row, 4)?,
        project: row.try_get(5)?,
        plan: row.try_get(6)?,
        result: row.try_get(7)?,
        events: row.try_get::<i64, _>(8)?.unsigned_abs(),
        created_at: Timestamp::from_millis(row.try_get(9)?),
        updated_at: Timestamp::from_millis(row.try_get(10)?),
    })
}

#[cfg(test)]
mod tests;
