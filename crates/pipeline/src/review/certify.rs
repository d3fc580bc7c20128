//! From a ruling to what is stored: a certificate, or an escalation that waits for an operator.

use serde_json::json;
use sigma_certificate::{SubmissionCertificate, canonical_bytes};
use sigma_core::{CouncilVerdict, Origin, Ruling, SecurityLevel, Sha256, Timestamp};
use sigma_store::{NewEntry, SealedSubmission, Store, StoreError, SubmissionEscalation, Writing, first_audit};

use super::seal::{Round, seal};
use super::{Examination, Intake};
use crate::submission::reviewed;
use crate::{AuditError, Hall, OperatorRuling, jobs};

/// What became of a submission.
#[derive(Debug, Clone)]
pub enum Certified {
    /// A certificate was sealed.
    Sealed(Box<SealedSubmission>),
    /// The panels do not agree: nothing is certified before an operator decides.
    Escalated(Box<SubmissionEscalation>),
    /// A dry run: nothing is certified.
    DryRun,
}

impl Hall {
    /// The id of a submission that nobody queued: the same files under the same rules are the same submission.
    pub fn local_submission(&self, intake: &Intake) -> String {
        let (url, commit) = match &intake.tree.origin {
            Origin::Repository { url, commit, .. } => (url.as_str(), commit.as_str()),
            Origin::Folder => ("", ""),
        };
        let entry = intake.entry_in_repository().unwrap_or_default();
        let ruleset = self.analyser.ruleset();
        let text = format!("{url}\0{commit}\0{}\0{entry}\0{}\0{ruleset}", intake.tree.folder, intake.category);
        format!("local/{}", Sha256::of(text.as_bytes()))
    }

    /// Seals what a round decided; nothing is stored yet. The id of the submission is the caller's: the same submission never
    /// gets a second certificate.
    ///
    /// # Errors
    /// Our own faults.
    pub async fn certify(
        &self,
        submission: &str,
        examination: &Examination,
        ruling: &Ruling,
    ) -> Result<Certified, AuditError> {
        self.certify_after(submission, examination, ruling, None).await
    }

    /// The same; what is sealed is newer than `after`, whatever the clock says.
    pub(crate) async fn certify_after(
        &self,
        submission: &str,
        examination: &Examination,
        ruling: &Ruling,
        after: Option<Timestamp>,
    ) -> Result<Certified, AuditError> {
        let earliest = after.map(|after| Timestamp::from_millis(after.as_millis().saturating_add(1)));
        let at = earliest.map_or(self.now(), |earliest| self.now().max(earliest));
        let Some((url, _, _)) = examination.repository() else { return Ok(Certified::DryRun) };
        if ruling.verdict == CouncilVerdict::Escalated {
            return Ok(Certified::Escalated(Box::new(escalation(submission, examination, ruling, at)?)));
        }
        let entry = examination.entry.as_deref().unwrap_or_default();
        let supersedes = self.store.newest_of_source(url, &examination.folder, entry).await?;
        let round = Round { submission, ruling, kind: "two-phase", supersedes, at };
        let sealed = seal(examination, round)?;
        Ok(sealed.map_or(Certified::DryRun, |sealed| Certified::Sealed(Box::new(sealed))))
    }

    /// Stores what became of a submission that nobody queued, durably.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn keep(&self, certified: &Certified) -> Result<(), AuditError> {
        let now = self.now();
        let mut writing = self.store.begin().await?;
        write(&mut writing, certified).await?;
        writing.commit(now).await?;
        Ok(())
    }
}

/// Writes what became of a submission.
pub(crate) async fn write(writing: &mut Writing, certified: &Certified) -> Result<(), StoreError> {
    match certified {
        Certified::Sealed(sealed) => writing.insert_submission(sealed).await.map(|_| ()),
        Certified::Escalated(escalation) => writing.escalate_submission(escalation).await,
        Certified::DryRun => Ok(()),
    }
}

impl Certified {
    /// The certificate.
    pub fn certificate(&self) -> Option<&SubmissionCertificate> {
        match self {
            Self::Sealed(sealed) => Some(&sealed.certificate),
            Self::Escalated(_) | Self::DryRun => None,
        }
    }
}

fn escalation(
    submission: &str,
    examination: &Examination,
    ruling: &Ruling,
    at: Timestamp,
) -> Result<SubmissionEscalation, AuditError> {
    let internal = |error: sigma_certificate::CanonicalError| AuditError::Internal(error.to_string());
    Ok(SubmissionEscalation {
        submission: submission.to_owned(),
        escalated_at: at,
        dossier: canonical_bytes(examination).map_err(internal)?,
        round: canonical_bytes(&(submission, at, ruling)).map_err(internal)?,
    })
}

/// Seals what an operator decided about an escalated submission, and stores it with the decision: the ballots stay as they
/// were cast. `None` when there is nothing to decide.
///
/// # Errors
/// When the escalation cannot be read, or the store refuses.
pub async fn decide_submission(
    store: &Store,
    ruled: &OperatorRuling,
    now: Timestamp,
) -> Result<Option<SealedSubmission>, AuditError> {
    let OperatorRuling { escalation: submission, verdict, reason, operator } = ruled;
    let level = verdict.level();
    let Some(open) = store.submission_escalation(submission).await? else { return Ok(None) };
    let damaged = |error: serde_json::Error| {
        AuditError::Store(StoreError::Damaged {
            what: format!("the escalation of {submission}"),
            why: error.to_string(),
        })
    };
    let examination: Examination = serde_json::from_slice(&open.dossier).map_err(damaged)?;
    let (_, _, ruling): (String, Timestamp, Ruling) = serde_json::from_slice(&open.round).map_err(damaged)?;
    let verdict = match level {
        SecurityLevel::Blocked => CouncilVerdict::Rejected,
        _ => CouncilVerdict::Approved,
    };
    let rationale = format!("{}; an operator decided {level}: {reason}", ruling.rationale);
    let ruling = Ruling { verdict, level, rationale, ..ruling };
    let Some((url, _, _)) = examination.repository() else { return Ok(None) };
    let entry = examination.entry.as_deref().unwrap_or_default();
    let supersedes = store.newest_of_source(url, &examination.folder, entry).await?;
    // What is decided is newer than what it was decided about, whatever the clock says.
    let at = now.max(open.escalated_at);
    let round = Round { submission, ruling: &ruling, kind: "operator", supersedes, at };
    let Some(sealed) = seal(&examination, round)? else { return Ok(None) };
    let id = sealed.certificate.id().to_owned();
    let certified = Certified::Sealed(Box::new(sealed));
    let (_, result) = reviewed(&examination, &ruling, &certified, &[]);
    let mut writing = store.begin().await?;
    let level = level.as_str();
    writing
        .record(&NewEntry { action: "decide", subject: submission, level, detail: &id, reason, operator, at })
        .await?;
    // A submission that was queued is taken from its state; one of a command line has none.
    let queued = store.submission(submission).await?.is_some();
    let bytes = result.to_string().into_bytes();
    if queued && !writing.settle_submission(submission, &bytes, at).await? {
        return Ok(None);
    }
    let Certified::Sealed(sealed) = certified else { return Ok(None) };
    if !writing.insert_submission(&sealed).await? {
        return Ok(None);
    }
    if first_audit(submission) != submission {
        jobs::reaudit_submission::tell_replaced(&mut writing, submission, &sealed.certificate, at).await?;
    }
    if queued {
        let told = json!({"securityLevel": level, "reasons": [reason]});
        writing.tell(submission, &[("decided", told.to_string().into_bytes())], at).await?;
        // It ends as every submission does: when its certificate is announced.
        if !jobs::advance_submission::tell_end(&mut writing, submission, &result, at).await? {
            writing.enqueue(&[jobs::advance_submission::job(submission, at)], at).await?;
        }
    }
    writing.commit(at).await?;
    Ok(Some(*sealed))
}
