//! What operators decide about certificates: an append-only log, and how each certificate stands because of it.

use std::collections::HashMap;

use serde_json::json;
use sigma_certificate::{Action, Decision};
use sigma_core::{SecurityLevel, Timestamp};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};

use crate::database::{Cells, placeholders};
use crate::submissions::first_audit;
use crate::{NewEntry, Store, StoreError, Writing};

/// A decision about one certificate, before it is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDecision {
    /// The certificate's id.
    pub certificate: String,
    /// What is decided.
    pub action: Action,
    /// Why, for the public.
    pub reason: String,
    /// Who decides. Not shown to the public.
    pub operator: String,
    /// When.
    pub at: Timestamp,
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminEvent {
    /// Its place in the log, from 1 on.
    pub seq: u64,
    /// What was decided.
    pub decision: NewDecision,
}

/// Columns of a decision, for [`decision`]; the table is called `e`.
pub(crate) const COLUMNS: &str = "e.seq, e.action, e.level, e.reason, e.decided_at";

/// The number of the newest decision about certificate `c`.
pub(crate) const LAST: &str = "(SELECT MAX(n.seq) FROM admin_event n WHERE n.subject = c.id)";

/// The newest decision about certificate `c`, as a join condition.
pub(crate) const NEWEST: &str =
    "LEFT JOIN admin_event e ON e.seq = (SELECT MAX(n.seq) FROM admin_event n WHERE n.subject = c.id)";

impl Store {
    /// Records a decision for good, durable when it returns. `None` when there is no such certificate.
    pub async fn decide(&self, new: &NewDecision) -> Result<Option<AdminEvent>, StoreError> {
        let mut writing = self.begin().await?;
        let known = sqlx::query(
            "SELECT 1 FROM certificate WHERE id = $1 UNION ALL SELECT 1 FROM submission_certificate WHERE id = $1",
        )
        .bind(&new.certificate)
        .fetch_optional(&mut *writing.transaction)
        .await?;
        if known.is_none() {
            return Ok(None);
        }
        let seq = writing.decide(new).await?;
        writing.tell_owner(new).await?;
        writing.commit(new.at).await?;
        Ok(Some(AdminEvent { seq, decision: new.clone() }))
    }

    /// Everything that was ever decided about a certificate, oldest first.
    pub async fn admin_events(&self, certificate: &str) -> Result<Vec<AdminEvent>, StoreError> {
        let rows = sqlx::query(
            "SELECT seq, action, level, reason, decided_at, operator FROM admin_event WHERE subject = $1
             ORDER BY seq",
        )
        .bind(certificate)
        .fetch_all(&self.database.pool)
        .await?;
        let read = |row: &AnyRow| -> Result<AdminEvent, StoreError> {
            let one = decision(row, 0)?.ok_or_else(|| damaged("it has no action"))?;
            Ok(AdminEvent {
                seq: one.seq,
                decision: NewDecision {
                    certificate: certificate.to_owned(),
                    action: one.action,
                    reason: one.reason,
                    operator: row.try_get(5)?,
                    at: one.at,
                },
            })
        };
        rows.iter().map(read).collect()
    }

    /// How certificates stand: those about which something was decided, with what was decided last. Whoever blocks a
    /// package blocks it whichever of its certificates is looked at: a newer one, of other rules, does not lift it.
    pub async fn standings(&self, certificates: &[&str]) -> Result<HashMap<String, Decision>, StoreError> {
        let mut found = HashMap::new();
        for chunk in certificates.chunks(5_000) {
            let list = placeholders(1, chunk.len(), 1);
            let own = format!(
                "SELECT {COLUMNS}, c.id FROM certificate c {NEWEST} WHERE e.seq IS NOT NULL AND c.id IN (VALUES {list})"
            );
            let blocked = format!(
                "SELECT {COLUMNS}, m.id FROM certificate m
                 JOIN certificate c ON c.ecosystem = m.ecosystem AND c.name = m.name AND c.version = m.version
                     AND c.id <> m.id {NEWEST}
                 WHERE e.action = 'block' AND m.id IN (VALUES {list}) ORDER BY e.seq"
            );
            for sql in [own, blocked] {
                let query = chunk.iter().fold(sqlx::query(AssertSqlSafe(sql)), |query, id| query.bind(*id));
                for row in query.fetch_all(&self.database.pool).await? {
                    if let Some(decision) = decision(&row, 0)? {
                        found.insert(row.try_get(5)?, decision);
                    }
                }
            }
        }
        Ok(found)
    }

    /// How one certificate stands: the newest decision about it, if there is any.
    pub async fn standing(&self, certificate: &str) -> Result<Option<Decision>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM certificate c {NEWEST} WHERE c.id = $1");
        let row = sqlx::query(AssertSqlSafe(sql)).bind(certificate).fetch_optional(&self.database.pool).await?;
        row.map_or(Ok(None), |row| decision(&row, 0))
    }
}

impl Writing {
    /// Tells the submission that a certificate is of, and so its owner, what was decided about it. Certificates of packages, and
    /// of submissions that nobody queued, have no owner.
    async fn tell_owner(&mut self, new: &NewDecision) -> Result<(), StoreError> {
        let row = sqlx::query("SELECT submission FROM submission_certificate WHERE id = $1")
            .bind(&new.certificate)
            .fetch_optional(&mut *self.transaction)
            .await?;
        let Some(row) = row else { return Ok(()) };
        let submission: String = row.try_get(0)?;
        // The operator is not public, and so not the owner's to know.
        let told = json!({
            "certificateId": new.certificate,
            "status": new.action.status().as_str(),
            "securityLevel": new.action.level(),
            "reason": new.reason,
        });
        self.tell_afterwards(&submission, "certificate-decision", &told, new.at).await
    }

    /// Tells a submission that ended what came of its certificate, and changes nothing else of it. One that nobody queued has nobody
    /// to be told.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn tell_afterwards(
        &mut self,
        submission: &str,
        kind: &str,
        told: &serde_json::Value,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let submission = first_audit(submission);
        let row = sqlx::query(
            "UPDATE submission SET updated_at = CASE WHEN updated_at < $2 THEN $2 ELSE updated_at END
             WHERE id = $1 RETURNING id",
        )
        .bind(submission)
        .bind(at.as_millis())
        .fetch_optional(&mut *self.transaction)
        .await?;
        match row {
            Some(_) => self.tell(submission, &[(kind, told.to_string().into_bytes())], at).await,
            None => Ok(()),
        }
    }

    /// Records a decision about a certificate that is there. Its place in the log.
    pub(crate) async fn decide(&mut self, new: &NewDecision) -> Result<u64, StoreError> {
        let (action, level) = words(new.action);
        let entry = NewEntry {
            action,
            subject: &new.certificate,
            level,
            detail: "",
            reason: &new.reason,
            operator: &new.operator,
            at: new.at,
        };
        self.answers_change = true;
        self.record(&entry).await
    }
}

fn damaged(why: &str) -> StoreError {
    StoreError::Damaged { what: "admin event".to_owned(), why: why.to_owned() }
}

/// The words of the log.
fn words(action: Action) -> (&'static str, &'static str) {
    match action {
        Action::Revoke => ("revoke", ""),
        Action::Block => ("block", ""),
        Action::Override(level) => ("override", level.as_str()),
    }
}

/// Reads a decision from the columns of [`COLUMNS`], of which the first is `at`. None where the join found none.
pub(crate) fn decision(row: &impl Cells, at: usize) -> Result<Option<Decision>, StoreError> {
    let Some(seq) = row.number_or_null(at)? else { return Ok(None) };
    let (action, level) = (row.text(at + 1)?, row.text(at + 2)?);
    let action = match (action.as_str(), level.parse::<SecurityLevel>()) {
        ("revoke", _) => Action::Revoke,
        ("block", _) => Action::Block,
        ("override", Ok(level)) => Action::Override(level),
        // Whoever wrote a word that this version does not know had a reason: the certificate must not pass meanwhile.
        _ => return Err(damaged(&format!("got the action `{action}` with level `{level}`"))),
    };
    let (reason, at) = (row.text(at + 3)?, Timestamp::from_millis(row.number(at + 4)?));
    Ok(Some(Decision { seq: seq.unsigned_abs(), action, reason, at }))
}
