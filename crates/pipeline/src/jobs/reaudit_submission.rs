//! `reaudit_submission`: reviews again what a certificate of a submission covers; the new certificate replaces it.
//!
//! The files are those that were certified, and so are the packages, which count as they stand now. Idempotent: the key is the
//! certificate, and what it comes to is kept under one name.

use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sigma_core::{SecurityLevel, Timestamp};
use sigma_store::{
    Leased, NewEntry, NewJob, Settle, StoreError, SubmissionEscalation, Writing, audited_again, first_audit,
};

use super::advance_submission::{CLASS, audited, project};
use super::{Applied, Effect, Failure, Kind, Only, work};
use crate::{Certified, Coordination, Hall, Next, Silent};

pub(crate) const KIND: Kind = Kind {
    name: NAME,
    failures: FAILURES,
    // A run ends after half a minute; runs wait for their turn.
    time_limit: Duration::from_secs(20 * 60),
    run: |hall, leased| run(hall, leased).boxed(),
    gave_up: |_, why| Box::new(Only(Settle::Dead { error: why.to_owned() })),
};

const NAME: &str = "reaudit_submission";

/// As for other submissions.
const FAILURES: u32 = 5;

/// Before what developers ask for: somebody decided that the old certificate is not good enough.
const PRIORITY: i64 = 4;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Work {
    certificate: String,
    /// Who asked for it, and why: what comes of it stands beside that in the log.
    operator: String,
    reason: String,
}

/// The job that reviews again what a certificate covers.
pub(crate) fn job(certificate: &str, reason: &str, operator: &str, now: Timestamp) -> NewJob {
    let work = Work { certificate: certificate.to_owned(), operator: operator.to_owned(), reason: reason.to_owned() };
    NewJob {
        kind: NAME,
        class: CLASS.to_owned(),
        key: format!("{NAME}/{certificate}"),
        priority: PRIORITY,
        payload: json!(work).to_string().into_bytes(),
        max_attempts: 2 * FAILURES,
        due_at: now,
    }
}

async fn run(hall: &Hall, leased: &Leased) -> Result<Box<dyn Effect>, Failure> {
    let work: Work = work(leased)?;
    let lost = |what: &str| Failure::for_good(format!("there is no {what} of {}", work.certificate));
    let sealed_for = hall.store.submission_of_certificate(&work.certificate).await?;
    let sealed_for = sealed_for.ok_or_else(|| lost("certificate"))?;
    let id = first_audit(&sealed_for).to_owned();
    let newest = hall.store.certificate_of_submission(&id).await?.ok_or_else(|| lost("certificate"))?.certificate;
    if newest.id() != work.certificate {
        // An earlier run of this job, or an operator who decided about what it came to.
        return Ok(Box::new(Only(Settle::Done { outcome: b"{}".to_vec() })));
    }
    let submission = hall.store.submission(&id).await?.ok_or_else(|| lost("submission"))?;
    let project = project(&submission)?;
    let code = project.code.as_ref().ok_or_else(|| lost("code"))?;
    let audit = audited(hall, &submission, &project).await?;
    let packages = code.category.has_packages().then_some(&audit);
    let coordination = packages.map(Coordination::of);
    if let Some(stopped) = coordination.filter(|coordination| coordination.next != Next::Proceed) {
        return Ok(Box::new(Again { submission: id, work, came_to: CameTo::Stopped(stopped.reasons) }));
    }
    let intake = hall.kept_intake(code).await?;
    let examination = hall.examine_code(&intake, packages, &Silent).await?;
    let ruling = hall.rule_code(&examination, &Silent).await?;
    let again = audited_again(&id, &work.certificate);
    let after = newest.payload().certified_at;
    let came_to = match hall.certify_after(&again, &examination, &ruling, Some(after)).await? {
        Certified::Escalated(escalation) => CameTo::Escalated(escalation),
        certified @ Certified::Sealed(_) => CameTo::Certified(certified),
        Certified::DryRun => return Err(lost("repository")),
    };
    Ok(Box::new(Again { submission: id, work, came_to }))
}

/// What a new audit came to.
enum CameTo {
    /// A certificate.
    Certified(Certified),
    /// An operator decides.
    Escalated(Box<SubmissionEscalation>),
    /// Its packages stand in the way now: nothing was run, and the old certificate is for operators to decide about.
    Stopped(Vec<String>),
}

struct Again {
    submission: String,
    work: Work,
    came_to: CameTo,
}

#[async_trait]
impl Effect for Again {
    async fn apply(&self, writing: &mut Writing, now: Timestamp) -> Result<Applied, StoreError> {
        let Work { certificate: old, operator, reason } = &self.work;
        let certified = match &self.came_to {
            CameTo::Certified(certified) => certified.certificate(),
            _ => None,
        };
        let (level, detail) = match &self.came_to {
            CameTo::Certified(_) => {
                let level = certified.map_or("", |new| SecurityLevel::as_str(new.payload().review.security_level));
                (level, certified.map_or(String::new(), |new| format!("{old} {}", new.id())))
            }
            CameTo::Escalated(escalation) => ("", format!("{old} escalated: {}", escalation.submission)),
            CameTo::Stopped(reasons) => ("", format!("{old} its packages stand in the way: {}", reasons.join("; "))),
        };
        let detail = sigma_core::printable(&detail, 1_000);
        // What the log says comes before everything else that is locked. About the submission: what is about a certificate decides
        // how it stands.
        let subject = self.submission.as_str();
        let entry = NewEntry { action: "reaudited", subject, level, detail: &detail, reason, operator, at: now };
        writing.record(&entry).await?;
        match &self.came_to {
            CameTo::Certified(certified) => crate::review::write(writing, certified).await?,
            CameTo::Escalated(escalation) => writing.escalate_submission(escalation).await?,
            CameTo::Stopped(_) => {}
        }
        if let Some(new) = certified {
            tell_replaced(writing, &self.submission, new, now).await?;
        }
        let outcome = json!({"certificateId": certified.map(|new| new.id()), "told": detail});
        Ok(Applied { settle: Settle::Done { outcome: outcome.to_string().into_bytes() }, event: None })
    }

    fn alone(&self) -> bool {
        true
    }
}

/// Tells the owner of a submission that another certificate stands in the place of the one before.
pub(crate) async fn tell_replaced(
    writing: &mut Writing,
    submission: &str,
    new: &sigma_certificate::SubmissionCertificate,
    now: Timestamp,
) -> Result<(), StoreError> {
    let told = json!({
        "certificateId": new.id(),
        "supersedes": new.payload().supersedes,
        "securityLevel": new.payload().review.security_level,
    });
    writing.tell_afterwards(submission, "certificate-replaced", &told, now).await
}
