//! Certificates of submissions, rounds that certified nothing, and the files that were reviewed.

use sigma_certificate::{Decision, SubmissionCertificate};
use sigma_core::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Row as _, Transaction};

use crate::announced::{self, ANNOUNCED};
use crate::decisions::{COLUMNS, NEWEST, decision};
use crate::listing::EFFECTIVE;
use crate::{Store, StoreError, Writing};

/// A submission's certificate with what it was sealed from, as canonical bytes.
#[derive(Debug, Clone)]
pub struct SealedSubmission {
    /// The submission: one certificate each. That of a new audit has [`audited_again`] here.
    pub submission: String,
    /// The certificate.
    pub certificate: SubmissionCertificate,
    /// Canonical bytes of all that the council saw.
    pub dossier: Vec<u8>,
    /// Canonical bytes of the ruling.
    pub round: Vec<u8>,
}

/// What stands between a submission and the certificate that was audited again.
const AGAIN: char = '.';

/// The name under which the new audit of a certificate is kept: as a submission of its own, so that there is one for each certificate,
/// decided by an operator where the panels do not agree.
pub fn audited_again(submission: &str, certificate: &str) -> String {
    format!("{}{AGAIN}{certificate}", first_audit(submission))
}

/// The submission that was audited first: what its owner knows.
pub fn first_audit(submission: &str) -> &str {
    submission.split_once(AGAIN).map_or(submission, |(first, _)| first)
}

/// A submission's certificate, and what an operator decided about it last.
#[derive(Debug, Clone)]
pub struct ListedSubmission {
    /// The certificate.
    pub certificate: SubmissionCertificate,
    /// The last decision.
    pub decision: Option<Decision>,
}

/// Certificates that one search looks through at most: some milliseconds. A text that nothing has would otherwise have all read.
pub const SEARCHED: i64 = 5_000;

/// What a search found.
#[derive(Debug, Clone)]
pub struct SubmissionPage {
    /// The certificates, newest first.
    pub items: Vec<ListedSubmission>,
    /// The last certificate that was looked at, where the page is not full and there may be more behind it.
    pub searched_to: Option<(Timestamp, String)>,
}

/// Skills that stand, of which an index of skills alone is read.
pub(crate) fn skills_sql() -> String {
    format!(
        "SELECT {COLUMNS}, c.payload, c.id FROM submission_certificate c {NEWEST}
         WHERE {ANNOUNCED} AND c.category LIKE 'SKILL%' AND {EFFECTIVE} <> 'BLOCKED'
             AND NOT EXISTS (SELECT 1 FROM submission_certificate n
                 WHERE n.repository = c.repository AND n.folder = c.folder AND n.entry = c.entry
                     AND (n.certified_at > c.certified_at OR (n.certified_at = c.certified_at AND n.id > c.id))
                     AND NOT EXISTS (SELECT 1 FROM unannounced u WHERE u.id = n.id))
         ORDER BY c.certified_at DESC, c.id DESC LIMIT $1"
    )
}

/// A page of all certificates before a place: read in order until it is full.
pub(crate) fn page_sql() -> String {
    format!(
        "SELECT {COLUMNS}, c.payload, c.id FROM submission_certificate c {NEWEST}
         WHERE (c.certified_at, c.id) < ($1, $2) AND {ANNOUNCED} ORDER BY c.certified_at DESC, c.id DESC LIMIT $3"
    )
}

/// A page of a search: of so many before a place, those that are announced and whose words are like a text. The walk is bounded
/// inside, and only what was found is read whole.
pub(crate) fn found_sql() -> String {
    format!(
        "SELECT {COLUMNS}, c.payload, c.id FROM submission_certificate c {NEWEST} WHERE c.id IN (
             SELECT c.id FROM (
                 SELECT id, certified_at, words FROM submission_certificate WHERE (certified_at, id) < ($1, $2)
                 ORDER BY certified_at DESC, id DESC LIMIT $5) c
             WHERE c.words LIKE $4 ESCAPE '!' AND {ANNOUNCED} ORDER BY c.certified_at DESC, c.id DESC LIMIT $3)
         ORDER BY c.certified_at DESC, c.id DESC"
    )
}

/// The last certificate that such a walk looks at and that anybody may know of; none where it comes to the end.
pub(crate) fn searched_to_sql() -> String {
    let before = "SELECT certified_at, id FROM submission_certificate WHERE (certified_at, id) < ($1, $2)
        ORDER BY certified_at DESC, id DESC";
    format!(
        "SELECT c.certified_at, c.id FROM ({before} LIMIT $3) c WHERE {ANNOUNCED} AND EXISTS ({before} LIMIT 1 OFFSET $3)
         ORDER BY c.certified_at, c.id LIMIT 1"
    )
}

/// A round over a submission that certified nothing, as canonical bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmissionEscalation {
    /// The submission.
    pub submission: String,
    /// When.
    pub escalated_at: Timestamp,
    /// All that the council saw.
    pub dossier: Vec<u8>,
    /// The ruling.
    pub round: Vec<u8>,
}

/// Certificates of submissions that a list wants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubmissionFilter {
    /// Whose name, repository or category contains this text; case does not matter.
    pub text: Option<String>,
    /// Older than the last one of the page before.
    pub before: Option<(Timestamp, String)>,
    /// How many at most.
    pub limit: u32,
}

impl Writing {
    /// Stores a submission's certificate. `false` when the submission has one already.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn insert_submission(&mut self, sealed: &SealedSubmission) -> Result<bool, StoreError> {
        insert(&mut self.transaction, sealed).await
    }

    /// Stores a round that certified nothing. Doing it again changes nothing.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn escalate_submission(&mut self, escalation: &SubmissionEscalation) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO submission_escalation (submission, escalated_at, dossier, round) VALUES ($1, $2, $3, $4)
             ON CONFLICT DO NOTHING",
        )
        .bind(&escalation.submission)
        .bind(escalation.escalated_at.as_millis())
        .bind(escalation.dossier.as_slice())
        .bind(escalation.round.as_slice())
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }
}

async fn insert(transaction: &mut Transaction<'_, Any>, sealed: &SealedSubmission) -> Result<bool, StoreError> {
    let (certificate, payload) = (&sealed.certificate, sealed.certificate.payload());
    let source = &payload.source;
    let words = format!("{} {} {}", payload.skill_name, source.source_url, payload.category).to_lowercase();
    let inserted = sqlx::query(
        "INSERT INTO submission_certificate (id, submission, category, repository, folder, entry, words, level,
             certified_at, payload_hash, payload, dossier, round)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING",
    )
    .bind(certificate.id())
    .bind(&sealed.submission)
    .bind(payload.category.as_str())
    .bind(&source.source_url)
    .bind(&source.folder)
    .bind(source.entry.as_deref().unwrap_or_default())
    .bind(words)
    .bind(payload.review.security_level.as_str())
    .bind(payload.certified_at.as_millis())
    .bind(certificate.payload_hash())
    .bind(certificate.canonical())
    .bind(sealed.dossier.as_slice())
    .bind(sealed.round.as_slice())
    .execute(&mut **transaction)
    .await?;
    if inserted.rows_affected() == 0 {
        return Ok(false);
    }
    announced::wait(transaction, certificate.id()).await?;
    Ok(true)
}

impl Store {
    /// A submission's announced certificate by its id, with what an operator decided about it last.
    ///
    /// # Errors
    /// When the database refuses, or the certificate is damaged.
    pub async fn submission_certificate(&self, id: &str) -> Result<Option<ListedSubmission>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS}, c.payload, c.id FROM submission_certificate c {NEWEST} WHERE c.id = $1 AND {ANNOUNCED}"
        );
        let row = sqlx::query(AssertSqlSafe(sql)).bind(id).fetch_optional(&self.database.pool).await?;
        row.as_ref().map(listed).transpose()
    }

    /// What the certificate with an id was sealed from, as canonical bytes.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn submission_dossier(&self, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let row = sqlx::query("SELECT dossier FROM submission_certificate WHERE id = $1")
            .bind(id)
            .fetch_optional(&self.database.pool)
            .await?;
        row.map(|row| Ok(row.try_get(0)?)).transpose()
    }

    /// The certificate of a submission; after new audits, the newest one.
    ///
    /// # Errors
    /// When the database refuses, or a certificate is damaged.
    pub async fn certificate_of_submission(&self, submission: &str) -> Result<Option<ListedSubmission>, StoreError> {
        let mut found = self.certificate_sealed_for(submission).await?;
        while let Some(listed) = &found {
            match self.certificate_sealed_for(&audited_again(submission, listed.certificate.id())).await? {
                Some(newer) => found = Some(newer),
                None => break,
            }
        }
        Ok(found)
    }

    /// The submission that a certificate was sealed for.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn submission_of_certificate(&self, id: &str) -> Result<Option<String>, StoreError> {
        let row = sqlx::query("SELECT submission FROM submission_certificate WHERE id = $1")
            .bind(id)
            .fetch_optional(&self.database.pool)
            .await?;
        row.map(|row| Ok(row.try_get(0)?)).transpose()
    }

    async fn certificate_sealed_for(&self, submission: &str) -> Result<Option<ListedSubmission>, StoreError> {
        let sql =
            format!("SELECT {COLUMNS}, c.payload, c.id FROM submission_certificate c {NEWEST} WHERE c.submission = $1");
        let row = sqlx::query(AssertSqlSafe(sql)).bind(submission).fetch_optional(&self.database.pool).await?;
        row.as_ref().map(listed).transpose()
    }

    /// Certificates of submissions, the newest first. A search looks through [`SEARCHED`] of them at most: where it stopped before
    /// the page was full, it says where to look on.
    ///
    /// # Errors
    /// When the database refuses, or a certificate is damaged.
    pub async fn submission_certificates(&self, filter: &SubmissionFilter) -> Result<SubmissionPage, StoreError> {
        self.submission_certificates_among(filter, SEARCHED).await
    }

    /// The same with another bound of the search.
    pub(crate) async fn submission_certificates_among(
        &self,
        filter: &SubmissionFilter,
        searched: i64,
    ) -> Result<SubmissionPage, StoreError> {
        let text = filter.text.as_deref().unwrap_or_default().to_lowercase();
        let escaped = text.replace('!', "!!").replace('%', "!%").replace('_', "!_");
        let (at, id) = filter.before.as_ref().map_or((i64::MAX, ""), |(at, id)| (at.as_millis(), id));
        let sql = if text.is_empty() { page_sql() } else { found_sql() };
        let query = sqlx::query(AssertSqlSafe(sql)).bind(at).bind(id).bind(i64::from(filter.limit));
        let query = if text.is_empty() { query } else { query.bind(format!("%{escaped}%")).bind(searched) };
        let rows = query.fetch_all(&self.database.pool).await?;
        let items: Vec<ListedSubmission> = rows.iter().map(listed).collect::<Result<_, _>>()?;
        let mut searched_to = None;
        if !text.is_empty() && items.len() < filter.limit as usize {
            let query = sqlx::query(AssertSqlSafe(searched_to_sql())).bind(at).bind(id).bind(searched);
            let row = query.fetch_optional(&self.database.pool).await?;
            let place = |row: AnyRow| -> Result<_, StoreError> {
                Ok((Timestamp::from_millis(row.try_get(0)?), row.try_get(1)?))
            };
            searched_to = row.map(place).transpose()?;
        }
        Ok(SubmissionPage { items, searched_to })
    }

    /// Skills whose certificate stands, the newest first: it is the newest of its source, and does not say BLOCKED now. However many
    /// others there are, they leave no place to none.
    ///
    /// # Errors
    /// When the database refuses, or a certificate is damaged.
    pub async fn certified_skills(&self, most: u32) -> Result<Vec<ListedSubmission>, StoreError> {
        let query = sqlx::query(AssertSqlSafe(skills_sql())).bind(i64::from(most));
        query.fetch_all(&self.database.pool).await?.iter().map(listed).collect()
    }

    /// The newest certificate of a source: what a new one of it replaces.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn newest_of_source(
        &self,
        repository: &str,
        folder: &str,
        entry: &str,
    ) -> Result<Option<String>, StoreError> {
        let row = sqlx::query(
            "SELECT c.id FROM submission_certificate c WHERE c.repository = $1 AND c.folder = $2 AND c.entry = $3
             ORDER BY c.certified_at DESC, c.id DESC LIMIT 1",
        )
        .bind(repository)
        .bind(folder)
        .bind(entry)
        .fetch_optional(&self.database.pool)
        .await?;
        row.map(|row| Ok(row.try_get(0)?)).transpose()
    }

    /// Rounds over submissions that wait for an operator, the oldest first. `after` is the last one of the page before.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn open_submission_escalations(
        &self,
        after: Option<(Timestamp, &str)>,
        most: u32,
    ) -> Result<Vec<SubmissionEscalation>, StoreError> {
        let rows = sqlx::query(
            "SELECT e.submission, e.escalated_at, e.dossier, e.round FROM submission_escalation e
             WHERE NOT EXISTS (SELECT 1 FROM submission_certificate c WHERE c.submission = e.submission)
                 AND (e.escalated_at > $1 OR (e.escalated_at = $1 AND e.submission > $2))
             ORDER BY e.escalated_at, e.submission LIMIT $3",
        )
        .bind(after.map_or(i64::MIN, |(at, _)| at.as_millis()))
        .bind(after.map_or("", |(_, submission)| submission))
        .bind(i64::from(most))
        .fetch_all(&self.database.pool)
        .await?;
        rows.iter().map(escalation).collect()
    }

    /// The round over a submission that certified nothing.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn submission_escalation(&self, submission: &str) -> Result<Option<SubmissionEscalation>, StoreError> {
        let row = sqlx::query(
            "SELECT submission, escalated_at, dossier, round FROM submission_escalation WHERE submission = $1",
        )
        .bind(submission)
        .fetch_optional(&self.database.pool)
        .await?;
        row.as_ref().map(escalation).transpose()
    }

    /// Keeps the files of a review under their digest. Doing it again changes nothing.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn keep_tree(&self, sha256: &str, files: &[u8], now: Timestamp) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO source_tree (sha256, files, added_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
            .bind(sha256)
            .bind(files)
            .bind(now.as_millis())
            .execute(&self.database.pool)
            .await?;
        Ok(())
    }

    /// The files of a review.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn tree(&self, sha256: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let row = sqlx::query("SELECT files FROM source_tree WHERE sha256 = $1")
            .bind(sha256)
            .fetch_optional(&self.database.pool)
            .await?;
        row.map(|row| Ok(row.try_get(0)?)).transpose()
    }
}

fn escalation(row: &AnyRow) -> Result<SubmissionEscalation, StoreError> {
    Ok(SubmissionEscalation {
        submission: row.try_get(0)?,
        escalated_at: Timestamp::from_millis(row.try_get(1)?),
        dossier: row.try_get(2)?,
        round: row.try_get(3)?,
    })
}

/// The id follows from the bytes, so it shows whether they are still the ones that were sealed.
fn listed(row: &AnyRow) -> Result<ListedSubmission, StoreError> {
    let (payload, id): (Vec<u8>, String) = (row.try_get(5)?, row.try_get(6)?);
    let damaged = |why: String| StoreError::Damaged { what: format!("certificate {id}"), why };
    let certificate = SubmissionCertificate::open(payload).map_err(|error| damaged(error.to_string()))?;
    if certificate.id() != id {
        return Err(damaged(format!("its bytes are those of {}", certificate.id())));
    }
    Ok(ListedSubmission { decision: decision(row, 0)?, certificate })
}
