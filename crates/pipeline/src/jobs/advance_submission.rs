//! `advance_submission`: takes a submission from step to step.
//!
//! First it resolves, looks up, and asks for an audit of every package that is not certified yet; then it waits, without
//! holding a worker, until all of them are settled; then it decides. Code is reviewed after that, once its packages stand in
//! nobody's way: a blocked direct or L1 package stops a submission before anything of it runs. Each step is one transaction
//! with what it writes.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use futures::{FutureExt as _, TryFutureExt as _};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sigma_core::{PackageId, Timestamp};
use sigma_store::{Booking, JobId, Leased, NewJob, Settle, StoreError, Submission, SubmissionState, Writing};

use super::{Applied, Effect, Failure, Kind, Only, Then, audit_package, work};
use crate::audit_project::Plan;
use crate::submission::{StoredPlan, Todo, certificates_of, ended, reviewed};
use crate::{Audit, Certified, Coordination, Hall, Next, Project, Silent};

pub(crate) const KIND: Kind = Kind {
    name: NAME,
    failures: FAILURES,
    // A resolution ends after three minutes by itself, a run after half a minute; runs wait for their turn.
    time_limit: Duration::from_secs(20 * 60),
    run: |hall, leased| run(hall, leased).map_err(|failure| unanswered(leased, failure)).boxed(),
    gave_up: |leased, why| {
        // Why is for operators, under the job's id: it may tell of our machines.
        let job = &leased.lease.job;
        let told =
            format!("the submission could not be worked on: submit it again later, or ask the operator about {job}");
        gave_up(leased, why, told)
    },
};

const NAME: &str = "advance_submission";

/// The class of these jobs.
pub(crate) const CLASS: &str = "submission";

/// Failures of our own: with pauses from two seconds on, about three minutes.
const FAILURES: u32 = 5;

/// When a waiting submission looks for itself, should nobody wake it.
const PATIENCE: i64 = 30_000;

#[derive(Debug, Serialize, Deserialize)]
struct Work {
    submission: String,
}

/// The job of a submission.
pub(crate) fn job(submission: &str, now: Timestamp) -> NewJob {
    NewJob {
        kind: NAME,
        class: CLASS.to_owned(),
        key: format!("{NAME}/{submission}"),
        priority: 0,
        payload: json!(Work { submission: submission.to_owned() }).to_string().into_bytes(),
        max_attempts: 2 * FAILURES,
        due_at: now,
    }
}

async fn run(hall: &Hall, leased: &Leased) -> Result<Box<dyn Effect>, Failure> {
    let Work { submission: id } = work(leased)?;
    let submission = hall.store.submission(&id).await?;
    let submission = submission.ok_or_else(|| Failure::for_good(format!("there is no submission {id}")))?;
    let job = &leased.lease.job;
    match submission.state {
        SubmissionState::Queued | SubmissionState::Failed => plan(hall, submission, job).await,
        SubmissionState::Auditing if hall.store.still_waits(job).await? => {
            let until = later(hall.now());
            Ok(Box::new(Only(Settle::Wait { until })) as Box<dyn Effect>)
        }
        SubmissionState::Auditing => end(hall, submission).await,
        SubmissionState::Reviewing => review(hall, submission).await,
        SubmissionState::Announcing => announce(submission),
        _ => Ok(Box::new(Only(Settle::Done { outcome: b"{}".to_vec() })) as Box<dyn Effect>),
    }
}

fn later(now: Timestamp) -> Timestamp {
    Timestamp::from_millis(now.as_millis() + PATIENCE)
}

pub(super) fn project(submission: &Submission) -> Result<Project, Failure> {
    serde_json::from_slice(&submission.project)
        .map_err(|error| Failure::for_good(format!("the submitted project cannot be read: {error}")))
}

/// Resolves, looks up, and says which audits are needed.
async fn plan(hall: &Hall, submission: Submission, job: &JobId) -> Result<Box<dyn Effect>, Failure> {
    let project = project(&submission)?;
    let drawn = hall.draw_up(project.manifests.clone(), &project.options(), &Silent).await?;
    let to_audit = drawn.to_audit();
    let predecessors = hall.predecessors(&to_audit).await?;
    let (now, cached, packages) = (hall.now(), drawn.cached(), drawn.packages.len());
    let mut audits = Vec::with_capacity(to_audit.len());
    let mut ids: BTreeMap<PackageId, JobId> = BTreeMap::new();
    for (package, plan) in &drawn.packages {
        if matches!(plan, Plan::Audit) {
            let predecessor = predecessors.get(&package.id).map(|certificate| certificate.id().to_owned());
            let audit = audit_package::job(package, predecessor, hall.analyser.ruleset(), now)?;
            ids.insert(package.id.clone(), JobId::of_key(&audit.key));
            audits.push(audit);
        }
    }
    let plan = StoredPlan::of(drawn, &ids);
    let told = json!({"packages": packages, "certifiedFromCache": cached, "toAudit": audits.len()});
    tracing::info!(submission.id, packages, cached, audits = audits.len(), "the submission is planned");
    Ok(Box::new(Planned { submission: submission.id, job: job.clone(), plan, audits, told }))
}

/// The audits of a submission, to be asked for.
struct Planned {
    submission: String,
    job: JobId,
    plan: StoredPlan,
    audits: Vec<NewJob>,
    told: serde_json::Value,
}

#[async_trait]
impl Effect for Planned {
    async fn apply(&self, writing: &mut Writing, now: Timestamp) -> Result<Applied, StoreError> {
        let enqueued = writing.enqueue(&self.audits, now).await?;
        let awaited: Vec<JobId> = enqueued.iter().map(|one| one.id.clone()).collect();
        let asked: BTreeMap<&str, Option<i64>> = enqueued.iter().map(|one| (one.id.as_str(), one.opened)).collect();
        let mut plan = self.plan.clone();
        for planned in &mut plan.packages {
            if let Todo::Audit { job, opened } = &mut planned.todo {
                *opened = asked.get(job.as_str()).copied().flatten();
            }
        }
        let bytes = serde_json::to_vec(&plan).map_err(|error| unwritable(&self.submission, &error))?;
        if !writing.plan_submission(&self.submission, &bytes, now).await? {
            return Ok(Applied { settle: Settle::Done { outcome: b"{}".to_vec() }, event: None });
        }
        writing.tell(&self.submission, &[("planned", self.told.to_string().into_bytes())], now).await?;
        writing.wait_for(&self.job, &awaited).await?;
        Ok(Applied { settle: Settle::Wait { until: later(now) }, event: None })
    }

    fn alone(&self) -> bool {
        true
    }
}

fn unwritable(submission: &str, error: &serde_json::Error) -> StoreError {
    StoreError::Damaged { what: format!("submission {submission}"), why: error.to_string() }
}

/// Decides about the packages, now that every audit is settled.
async fn end(hall: &Hall, submission: Submission) -> Result<Box<dyn Effect>, Failure> {
    let project = project(&submission)?;
    let audit = audited(hall, &submission, &project).await?;
    let coordination = Coordination::of(&audit);
    if let Some(code) = &project.code
        && (!code.category.has_packages() || coordination.next == Next::Proceed)
    {
        return Ok(Box::new(ToReview { submission: submission.id }));
    }
    let (state, result) = ended(&audit, &hall.config.prices);
    tracing::info!(submission.id, submission.state = state.as_str(), "the submission ends");
    let bookings = hall.bookings(&audit, &submission.id);
    Ok(Box::new(Ended { submission: submission.id, result, bookings, certified: Certified::DryRun }))
}

/// The packages of a submission as they stand.
pub(super) async fn audited(hall: &Hall, submission: &Submission, project: &Project) -> Result<Audit, Failure> {
    let plan: StoredPlan = serde_json::from_slice(&submission.plan)
        .map_err(|error| Failure::for_good(format!("the submission's plan cannot be read: {error}")))?;
    let mut audit = hall.assemble(project, plan).await?;
    // Of what stops nothing is run. What was run in an earlier step, or by a worker that did not live to tell, is not run again.
    if Coordination::of(&audit).next != Next::Stop {
        hall.run_entry_points(&mut audit, &Silent).await?;
    }
    Ok(audit)
}

/// Reviews the code, and ends the submission.
async fn review(hall: &Hall, submission: Submission) -> Result<Box<dyn Effect>, Failure> {
    let project = project(&submission)?;
    let code = project.code.as_ref().ok_or_else(|| Failure::for_good("the submission has no code"))?;
    let audit = audited(hall, &submission, &project).await?;
    let packages = code.category.has_packages().then_some(&audit);
    let intake = hall.kept_intake(code).await?;
    let examination = hall.examine_code(&intake, packages, &Silent).await?;
    let ruling = hall.rule_code(&examination, &Silent).await?;
    let certified = hall.certify(&submission.id, &examination, &ruling).await?;
    let advisories = packages.map(|audit| Coordination::of(audit).advisories).unwrap_or_default();
    let (state, result) = reviewed(&examination, &ruling, &certified, &advisories);
    tracing::info!(submission.id, submission.state = state.as_str(), "the submission ends");
    let bookings = hall.bookings(&audit, &submission.id);
    Ok(Box::new(Ended { submission: submission.id, result, bookings, certified }))
}

/// What was decided is told once the certificates that it tells of are in the log.
fn announce(submission: Submission) -> Result<Box<dyn Effect>, Failure> {
    let result = serde_json::from_slice(&submission.result)
        .map_err(|error| Failure::for_good(format!("the submission's result cannot be read: {error}")))?;
    Ok(Box::new(Announced { submission: submission.id, result }))
}

/// The packages stand in nobody's way: the code comes next.
struct ToReview {
    submission: String,
}

#[async_trait]
impl Effect for ToReview {
    async fn apply(&self, writing: &mut Writing, now: Timestamp) -> Result<Applied, StoreError> {
        if !writing.review_submission(&self.submission, now).await? {
            return Ok(Applied { settle: Settle::Done { outcome: b"{}".to_vec() }, event: None });
        }
        writing.tell(&self.submission, &[("reviewing", b"{}".to_vec())], now).await?;
        Ok(Applied { settle: Settle::Wait { until: now }, event: None })
    }
}

/// The end of a submission.
struct Ended {
    submission: String,
    result: serde_json::Value,
    bookings: Vec<Booking>,
    certified: Certified,
}

#[async_trait]
impl Effect for Ended {
    async fn apply(&self, writing: &mut Writing, now: Timestamp) -> Result<Applied, StoreError> {
        let result = self.result.to_string().into_bytes();
        if !writing.end_submission(&self.submission, SubmissionState::Announcing, &result, now).await? {
            return Ok(Applied { settle: Settle::Done { outcome: b"{}".to_vec() }, event: None });
        }
        crate::review::write(writing, &self.certified).await?;
        writing.book(&self.bookings).await?;
        end_or_wait(writing, &self.submission, &self.result, now).await
    }
}

/// A submission that is decided.
struct Announced {
    submission: String,
    result: serde_json::Value,
}

#[async_trait]
impl Effect for Announced {
    async fn apply(&self, writing: &mut Writing, now: Timestamp) -> Result<Applied, StoreError> {
        end_or_wait(writing, &self.submission, &self.result, now).await
    }
}

/// How often a decided submission looks whether its certificates are in the log.
const LOOK: i64 = 500;

async fn end_or_wait(
    writing: &mut Writing,
    submission: &str,
    result: &serde_json::Value,
    now: Timestamp,
) -> Result<Applied, StoreError> {
    let settle = match tell_end(writing, submission, result, now).await? {
        true => Settle::Done { outcome: b"{}".to_vec() },
        false => Settle::Wait { until: Timestamp::from_millis(now.as_millis() + LOOK) },
    };
    Ok(Applied { settle, event: None })
}

/// Ends a submission that is decided and tells its owner. `false`, and nothing is changed, while one of its certificates waits for
/// the log.
pub(crate) async fn tell_end(
    writing: &mut Writing,
    submission: &str,
    result: &serde_json::Value,
    now: Timestamp,
) -> Result<bool, StoreError> {
    if writing.waits_for_log(&certificates_of(result)).await? {
        return Ok(false);
    }
    let word = result["state"].as_str().unwrap_or_default();
    let state = word.parse().map_err(|_| StoreError::Damaged {
        what: format!("submission {submission}"),
        why: format!("its result has the state `{}`", sigma_core::printable(word, 40)),
    })?;
    if writing.announce_submission(submission, state, now).await? {
        let told = json!({"state": word, "reasons": result["reasons"], "certificateId": result["certificateId"]});
        writing.tell(submission, &[("ended", told.to_string().into_bytes())], now).await?;
    }
    Ok(true)
}

/// Where an ecosystem never answers, the submission ends with whose fault it was.
fn unanswered(leased: &Leased, failure: Failure) -> Failure {
    let told = match &failure.then {
        Then::Rest(outage) => format!("{}, for hours: submit it again later", outage.words),
        Then::Again | Then::End => return failure,
    };
    let at_last = gave_up(leased, &failure.why, told);
    failure.at_last(at_last)
}

fn gave_up(leased: &Leased, why: &str, told: String) -> Box<dyn Effect> {
    Box::new(GaveUp { work: work(leased).ok(), why: why.to_owned(), told })
}

/// The submission could not be worked on.
struct GaveUp {
    work: Option<Work>,
    /// For operators.
    why: String,
    /// For the submission's owner.
    told: String,
}

#[async_trait]
impl Effect for GaveUp {
    async fn apply(&self, writing: &mut Writing, now: Timestamp) -> Result<Applied, StoreError> {
        if let Some(work) = &self.work {
            let id = &work.submission;
            let state = SubmissionState::Failed.as_str();
            let result = json!({"state": state, "reasons": [self.told], "advisories": []});
            if writing.end_submission(id, SubmissionState::Failed, result.to_string().as_bytes(), now).await? {
                let told = json!({"state": state, "reasons": result["reasons"]});
                writing.tell(id, &[("ended", told.to_string().into_bytes())], now).await?;
            }
        }
        Ok(Applied { settle: Settle::Dead { error: self.why.clone() }, event: None })
    }
}
