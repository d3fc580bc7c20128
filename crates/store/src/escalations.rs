//! Rounds that certified nothing: what an operator decides about, and the certificate that the decision seals.
//!
//! In: everything that a certificate would have been sealed from. Out: open escalations with their evidence. A decision and the
//! certificate that it seals are one transaction. One that was decided stays readable, and is never decided again.

use sigma_certificate::{Action, PackagePayload, canonical_bytes, content_id};
use sigma_core::{PackageId, SecurityLevel, Timestamp};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};

use crate::certificates::strong;
use crate::{NewDecision, NewEntry, Sealed, Store, StoreError, Wanted, Writing};

/// A round that certified nothing, before it is stored.
#[derive(Debug, Clone)]
pub struct NewEscalation<'a> {
    /// What would have been sealed, with the verdict ESCALATED.
    pub payload: &'a PackagePayload,
    /// The certificate of the same bytes and rules that a new audit was to replace.
    pub replaces: Option<&'a str>,
    /// Canonical bytes of the report.
    pub report: &'a [u8],
    /// Canonical bytes of the ruling.
    pub round: &'a [u8],
}

/// A round that certified nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escalation {
    /// `esc_` and 32 characters.
    pub id: String,
    /// When it was escalated.
    pub escalated_at: Timestamp,
    /// What would have been sealed, with the verdict ESCALATED.
    pub payload: PackagePayload,
    /// When it was decided, and the certificate that the decision sealed; `None` while it is open.
    pub decided: Option<(Timestamp, String)>,
}

/// What an operator says about an escalated package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is certified at this level, which is not BLOCKED.
    Certify(SecurityLevel),
    /// It is rejected.
    Block,
}

impl Verdict {
    /// The level that the package has from then on.
    pub fn level(self) -> SecurityLevel {
        self.action().level()
    }

    /// What it means for the certificate that it seals.
    pub fn action(self) -> Action {
        match self {
            Self::Certify(level) => Action::Override(level),
            Self::Block => Action::Block,
        }
    }
}

/// A decision with the certificate that it seals.
#[derive(Debug, Clone)]
pub struct EscalationDecision<'a> {
    /// The escalation's id.
    pub escalation: &'a str,
    /// What is decided.
    pub verdict: Verdict,
    /// The certificate.
    pub sealed: &'a Sealed,
    /// Why, for the public.
    pub reason: &'a str,
    /// Who decides. Not shown to the public.
    pub operator: &'a str,
    /// When.
    pub at: Timestamp,
}

const COLUMNS: &str = "e.id, e.escalated_at, e.payload, e.decided_at, e.certificate_id";

impl Store {
    /// Stores a round that certified nothing. Doing it again changes nothing, unless an older version left the evidence out.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn escalate(&self, new: &NewEscalation<'_>) -> Result<(), StoreError> {
        let payload = new.payload;
        let replaces = new.replaces.unwrap_or_default();
        let sha256 = payload.distribution_sha256.to_string();
        let damaged =
            |why: String| StoreError::Damaged { what: format!("escalation of {}", payload.package_name), why };
        let key = (payload.registry_source, &payload.package_name, &payload.package_version);
        let key = (key, &sha256, &payload.ruleset_version, replaces);
        let id = content_id("esc", "sigma-escalation/1", &canonical_bytes(&key).map_err(|e| damaged(e.to_string()))?);
        let bytes = serde_json::to_vec(payload).map_err(|error| damaged(error.to_string()))?;
        sqlx::query(
            "INSERT INTO escalation (id, ecosystem, name, version, distribution_sha256, ruleset, replaces, escalated_at,
                 payload, report, round, decided_at, certificate_id)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, '')
             ON CONFLICT (ecosystem, name, version, distribution_sha256, ruleset, replaces) DO UPDATE
             SET payload = excluded.payload, report = excluded.report, round = excluded.round
             WHERE length(escalation.payload) = 0",
        )
        .bind(id)
        .bind(payload.registry_source.as_str())
        .bind(&payload.package_name)
        .bind(&payload.package_version)
        .bind(sha256)
        .bind(&payload.ruleset_version)
        .bind(replaces)
        .bind(payload.certified_at.as_millis())
        .bind(bytes)
        .bind(new.report)
        .bind(new.round)
        .execute(&self.database.pool)
        .await?;
        Ok(())
    }

    /// The open escalation of exactly these bytes under this ruleset, if there is one.
    ///
    /// # Errors
    /// When the database refuses, or what it holds is damaged.
    pub async fn escalation_of(&self, wanted: &Wanted<'_>, ruleset: &str) -> Result<Option<Escalation>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS}, e.distribution_sha256, b.sha512 FROM escalation e
             LEFT JOIN blob b ON b.sha256 = e.distribution_sha256
             WHERE e.ecosystem = $1 AND e.name = $2 AND e.version = $3 AND e.ruleset = $4 AND e.decided_at = 0
                 AND length(e.payload) > 0 ORDER BY e.escalated_at DESC, e.id"
        );
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(wanted.package.ecosystem().as_str())
            .bind(wanted.package.name().as_str())
            .bind(wanted.package.version())
            .bind(ruleset)
            .fetch_all(&self.database.pool)
            .await?;
        for row in rows {
            let (sha256, sha512): (String, Option<String>) = (row.try_get(5)?, row.try_get(6)?);
            let known = [Some(format!("sha256:{sha256}")), sha512.map(|sha512| format!("sha512:{sha512}"))];
            if strong(wanted.digests).any(|digest| known.contains(&Some(digest.to_string()))) {
                return read(&row).map(Some);
            }
        }
        Ok(None)
    }

    /// Escalations that nobody decided yet, the oldest first, after a place. What an older version recorded without its
    /// evidence is not among them: its package is examined again when somebody needs it.
    ///
    /// # Errors
    /// When the database refuses, or what it holds is damaged.
    pub async fn open_escalations(
        &self,
        after: Option<(Timestamp, &str)>,
        limit: u32,
    ) -> Result<Vec<Escalation>, StoreError> {
        let (at, id) = after.map_or((i64::MIN, ""), |(at, id)| (at.as_millis(), id));
        let sql = format!(
            "SELECT {COLUMNS} FROM escalation e
             WHERE e.decided_at = 0 AND (e.escalated_at, e.id) > ($1, $2) AND length(e.payload) > 0
             ORDER BY e.escalated_at, e.id LIMIT $3"
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(at).bind(id).bind(i64::from(limit));
        query.fetch_all(&self.database.pool).await?.iter().map(read).collect()
    }

    /// How many nobody decided yet.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn count_open_escalations(&self) -> Result<u64, StoreError> {
        let sql = "SELECT COUNT(*) FROM escalation WHERE decided_at = 0 AND length(payload) > 0";
        let row = sqlx::query(sql).fetch_one(&self.database.pool).await?;
        Ok(row.try_get::<i64, _>(0)?.unsigned_abs())
    }

    /// The escalation with an id, with canonical bytes of its report and of its ruling.
    ///
    /// # Errors
    /// When the database refuses, or what it holds is damaged.
    pub async fn escalation(&self, id: &str) -> Result<Option<(Escalation, Vec<u8>, Vec<u8>)>, StoreError> {
        let sql =
            format!("SELECT {COLUMNS}, e.report, e.round FROM escalation e WHERE e.id = $1 AND length(e.payload) > 0");
        let row = sqlx::query(AssertSqlSafe(sql)).bind(id).fetch_optional(&self.database.pool).await?;
        row.map(|row| Ok((read(&row)?, row.try_get(5)?, row.try_get(6)?))).transpose()
    }

    /// Decides an escalation: its certificate, the two entries of the log and its end are one transaction. `false` when it
    /// was decided before, or there is none.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn decide_escalation(&self, decision: &EscalationDecision<'_>) -> Result<bool, StoreError> {
        let mut writing = self.begin().await?;
        let decided = writing.decide_escalation(decision).await?;
        if decided {
            writing.commit(decision.at).await?;
        }
        Ok(decided)
    }
}

impl Writing {
    async fn decide_escalation(&mut self, decision: &EscalationDecision<'_>) -> Result<bool, StoreError> {
        let certificate = decision.sealed.certificate.id();
        let (reason, operator, at) = (decision.reason, decision.operator, decision.at);
        // Also the lock under which the row below is looked at.
        let entry = NewEntry {
            action: "decide",
            subject: decision.escalation,
            level: decision.verdict.level().as_str(),
            detail: certificate,
            reason,
            operator,
            at,
        };
        self.record(&entry).await?;
        let ended = sqlx::query(
            "UPDATE escalation SET decided_at = $2, certificate_id = $3
             WHERE id = $1 AND decided_at = 0 AND length(payload) > 0",
        )
        .bind(decision.escalation)
        .bind(at.as_millis())
        .bind(certificate)
        .execute(&mut *self.transaction)
        .await?;
        // Dropped without a commit, the entry above is undone too.
        if ended.rows_affected() == 0 || self.insert(decision.sealed).await?.id() != certificate {
            return Ok(false);
        }
        let new = NewDecision {
            certificate: certificate.to_owned(),
            action: decision.verdict.action(),
            reason: reason.to_owned(),
            operator: operator.to_owned(),
            at,
        };
        self.decide(&new).await?;
        Ok(true)
    }
}

fn read(row: &AnyRow) -> Result<Escalation, StoreError> {
    let id: String = row.try_get(0)?;
    let payload: &[u8] = row.try_get(2)?;
    let payload: PackagePayload = serde_json::from_slice(payload)
        .map_err(|error| StoreError::Damaged { what: format!("escalation {id}"), why: error.to_string() })?;
    let decided_at: i64 = row.try_get(3)?;
    let decided = match decided_at {
        0 => None,
        at => Some((Timestamp::from_millis(at), row.try_get(4)?)),
    };
    Ok(Escalation { id, escalated_at: Timestamp::from_millis(row.try_get(1)?), payload, decided })
}

impl Escalation {
    /// Its package.
    ///
    /// # Errors
    /// When what is stored names none.
    pub fn package(&self) -> Result<PackageId, StoreError> {
        let damaged = |why: String| StoreError::Damaged { what: format!("escalation {}", self.id), why };
        self.payload.package().map_err(|error| damaged(error.to_string()))
    }
}
