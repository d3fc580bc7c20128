//! Signed statements, and where they are in the transparency log.
//!
//! In: envelopes, then their places. Out: what has none yet, and what a bundle is made of. An envelope is kept before it is logged:
//! what a crash interrupts is logged as it was signed, never signed twice.

use sigma_certificate::{Decision, PackageCertificate, SubmissionCertificate};
use sigma_core::Timestamp;
use sqlx::{AssertSqlSafe, Row as _};

use crate::announced::announce;
use crate::decisions::{COLUMNS, decision};
use crate::reader::committed;
use crate::walk::{OVER, step};
use crate::{Store, StoreError};

/// A signed statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attestation {
    /// A certificate's id, `decision/` or `root/` and a number, `reaudit/` and the id of the newer certificate, or `status`.
    pub subject: String,
    /// The envelope, as JSON.
    pub envelope: Vec<u8>,
    /// Where it is in the log; nothing before it is there.
    pub logged: Option<LoggedAt>,
}

/// A place in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedAt {
    /// From 0.
    pub index: u64,
    /// When.
    pub at: Timestamp,
    /// The log's signature over both.
    pub promise: Vec<u8>,
}

/// A certificate of either kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnyCertificate {
    /// Of a package.
    Package(Box<PackageCertificate>),
    /// Of a submission.
    Submission(Box<SubmissionCertificate>),
}

impl AnyCertificate {
    /// Its id.
    pub fn id(&self) -> &str {
        match self {
            Self::Package(one) => one.id(),
            Self::Submission(one) => one.id(),
        }
    }

    /// The bytes that were hashed.
    pub fn canonical(&self) -> &[u8] {
        match self {
            Self::Package(one) => one.canonical(),
            Self::Submission(one) => one.canonical(),
        }
    }
}

/// A decision about a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecidedCertificate {
    /// The certificate.
    pub certificate: AnyCertificate,
    /// The decision.
    pub decision: Decision,
}

/// How a decision is named among the subjects.
pub fn decision_subject(seq: u64) -> String {
    format!("decision/{seq}")
}

impl Store {
    /// Keeps envelopes that are not logged yet. Those that are there stay as they are.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn keep_envelopes(&self, envelopes: &[(String, Vec<u8>)]) -> Result<(), StoreError> {
        let mut transaction = self.database.write().await?;
        for (subject, envelope) in envelopes {
            sqlx::query(
                "INSERT INTO attestation (subject, envelope, log_index, logged_at, promise) VALUES ($1, $2, -1, 0, $3)
                 ON CONFLICT DO NOTHING",
            )
            .bind(subject)
            .bind(envelope.as_slice())
            .bind(&[][..])
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Notes where envelopes are in the log, and announces the certificates among them.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn note_logged(&self, places: &[(String, LoggedAt)]) -> Result<(), StoreError> {
        let mut transaction = self.database.write().await?;
        for (subject, logged) in places {
            sqlx::query("UPDATE attestation SET log_index = $2, logged_at = $3, promise = $4 WHERE subject = $1")
                .bind(subject)
                .bind(i64::try_from(logged.index).unwrap_or(i64::MAX))
                .bind(logged.at.as_millis())
                .bind(logged.promise.as_slice())
                .execute(&mut *transaction)
                .await?;
            announce(&mut transaction, subject).await?;
        }
        transaction.commit().await?;
        committed();
        Ok(())
    }

    /// Replaces the status list by a newer one, which is logged already.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn replace_status(&self, envelope: &[u8], logged: &LoggedAt) -> Result<(), StoreError> {
        let mut transaction = self.database.write().await?;
        sqlx::query("DELETE FROM attestation WHERE subject = $1").bind(STATUS).execute(&mut *transaction).await?;
        sqlx::query(
            "INSERT INTO attestation (subject, envelope, log_index, logged_at, promise) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(STATUS)
        .bind(envelope)
        .bind(i64::try_from(logged.index).unwrap_or(i64::MAX))
        .bind(logged.at.as_millis())
        .bind(logged.promise.as_slice())
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Envelopes that are kept and not logged.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn pending_attestations(&self, most: u32) -> Result<Vec<Attestation>, StoreError> {
        let rows = sqlx::query(
            "SELECT subject, envelope, log_index, logged_at, promise FROM attestation WHERE log_index < 0
             ORDER BY subject LIMIT $1",
        )
        .bind(i64::from(most))
        .fetch_all(&self.database.pool)
        .await?;
        rows.iter().map(read).collect()
    }

    /// What is noted of places in the log, and when they were taken, after a subject, in the order of the subjects: for whoever compares
    /// it with the log.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn logged_after(&self, subject: &str, most: u32) -> Result<Vec<(String, u64, Timestamp)>, StoreError> {
        let rows = sqlx::query(
            "SELECT subject, log_index, logged_at FROM attestation WHERE subject > $1 AND log_index >= 0
             ORDER BY subject LIMIT $2",
        )
        .bind(subject)
        .bind(i64::from(most))
        .fetch_all(&self.database.pool)
        .await?;
        let read = |row: &sqlx::any::AnyRow| -> Result<_, StoreError> {
            Ok((row.try_get(0)?, row.try_get::<i64, _>(1)?.unsigned_abs(), Timestamp::from_millis(row.try_get(2)?)))
        };
        rows.iter().map(read).collect()
    }

    /// The highest place in the log that is noted here.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn highest_logged(&self) -> Result<Option<u64>, StoreError> {
        let row = sqlx::query("SELECT MAX(log_index) FROM attestation").fetch_one(&self.database.pool).await?;
        Ok(row.try_get::<Option<i64>, _>(0)?.and_then(|index| u64::try_from(index).ok()))
    }

    /// The signed statement about a subject.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn attestation(&self, subject: &str) -> Result<Option<Attestation>, StoreError> {
        let row =
            sqlx::query("SELECT subject, envelope, log_index, logged_at, promise FROM attestation WHERE subject = $1")
                .bind(subject)
                .fetch_optional(&self.database.pool)
                .await?;
        row.as_ref().map(read).transpose()
    }

    /// Certificates that wait to be announced and have no statement, the oldest first of packages, then of submissions.
    ///
    /// # Errors
    /// When the database refuses, or a certificate is damaged.
    pub async fn unattested(&self, most: u32) -> Result<Vec<AnyCertificate>, StoreError> {
        let mut found = Vec::new();
        for (table, package) in [("certificate", true), ("submission_certificate", false)] {
            let sql = unattested_sql(table);
            let rows = sqlx::query(AssertSqlSafe(sql)).bind(i64::from(most)).fetch_all(&self.database.pool).await?;
            for row in rows {
                found.push(open(row.try_get(0)?, package)?);
            }
        }
        Ok(found)
    }

    /// The next certificates without a statement that are older than the store's log, in order of id, at most `most`. A step of a walk
    /// through all of them, which is done once: none of this step does not mean none of the next. Nothing when the walk is over.
    ///
    /// # Errors
    /// When the database refuses, or a certificate is damaged.
    pub async fn older_than_log(&self, most: u32) -> Result<Option<Vec<AnyCertificate>>, StoreError> {
        let row = sqlx::query("SELECT walked FROM ledger").fetch_optional(&self.database.pool).await?;
        let Some(row) = row else { return Ok(None) };
        let walked: String = row.try_get(0)?;
        if walked == OVER {
            return Ok(None);
        }
        let step = step(&self.database.pool, &walked, ATTESTED, None, most as usize).await?;
        if step.walked != walked {
            sqlx::query("UPDATE ledger SET walked = $1").bind(&step.walked).execute(&self.database.pool).await?;
        }
        let mut found = Vec::with_capacity(step.missing.len());
        for id in &step.missing {
            found.extend(self.any_certificate(id).await?);
        }
        Ok(Some(found))
    }

    /// A certificate of either kind by its id.
    ///
    /// # Errors
    /// When the database refuses, or the certificate is damaged.
    pub async fn any_certificate(&self, id: &str) -> Result<Option<AnyCertificate>, StoreError> {
        let package = id.starts_with("pkg_");
        let table = if package { "certificate" } else { "submission_certificate" };
        let sql = format!("SELECT payload FROM {table} WHERE id = $1");
        let row = sqlx::query(AssertSqlSafe(sql)).bind(id).fetch_optional(&self.database.pool).await?;
        row.map(|row| open(row.try_get(0)?, package)).transpose()
    }

    /// The number of the newest line of the operators' log; 0 while it is empty.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn newest_entry(&self) -> Result<u64, StoreError> {
        let row = sqlx::query("SELECT COALESCE(MAX(seq), 0) FROM admin_event").fetch_one(&self.database.pool).await?;
        Ok(row.try_get::<i64, _>(0)?.unsigned_abs())
    }

    /// The newest decision about every certificate that one was taken about.
    ///
    /// # Errors
    /// When the database refuses, or a certificate is damaged.
    pub async fn decided_certificates(&self) -> Result<Vec<DecidedCertificate>, StoreError> {
        let mut found = Vec::new();
        for (table, package) in [("certificate", true), ("submission_certificate", false)] {
            for row in sqlx::query(AssertSqlSafe(decided_sql(table))).fetch_all(&self.database.pool).await? {
                if let Some(decision) = decision(&row, 0)? {
                    found.push(DecidedCertificate { certificate: open(row.try_get(5)?, package)?, decision });
                }
            }
        }
        Ok(found)
    }
}

/// The condition that certificate `c` has a statement.
pub(crate) const ATTESTED: &str = "EXISTS (SELECT 1 FROM attestation a WHERE a.subject = c.id)";

/// What waits to be announced, and has no statement. It begins with what waits, which is little: the order of a `CROSS JOIN` is kept by
/// SQLite's planner, and both databases find the certificate by its key.
pub(crate) fn unattested_sql(table: &str) -> String {
    format!(
        "SELECT c.payload FROM unannounced u CROSS JOIN {table} c WHERE c.id = u.id AND NOT {ATTESTED}
         ORDER BY c.certified_at, c.id LIMIT $1"
    )
}

/// The newest decisions, from the log of operators: certificates about which nothing was decided are not looked at.
pub(crate) fn decided_sql(table: &str) -> String {
    format!(
        "SELECT {COLUMNS}, c.payload FROM admin_event e CROSS JOIN {table} c
         WHERE c.id = e.subject AND NOT EXISTS (SELECT 1 FROM admin_event n WHERE n.subject = e.subject AND n.seq > e.seq)
         ORDER BY e.seq"
    )
}

/// The subject of the status list.
pub const STATUS: &str = "status";

fn open(payload: Vec<u8>, package: bool) -> Result<AnyCertificate, StoreError> {
    let damaged = |error: sigma_certificate::SealError| StoreError::Damaged {
        what: "certificate".to_owned(),
        why: error.to_string(),
    };
    Ok(match package {
        true => AnyCertificate::Package(Box::new(PackageCertificate::open(payload).map_err(damaged)?)),
        false => AnyCertificate::Submission(Box::new(SubmissionCertificate::open(payload).map_err(damaged)?)),
    })
}

fn read(row: &sqlx::any::AnyRow) -> Result<Attestation, StoreError> {
    let index: i64 = row.try_get(2)?;
    let logged = match u64::try_from(index) {
        Ok(index) => Some(LoggedAt { index, at: Timestamp::from_millis(row.try_get(3)?), promise: row.try_get(4)? }),
        Err(_) => None,
    };
    Ok(Attestation { subject: row.try_get(0)?, envelope: row.try_get(1)?, logged })
}
