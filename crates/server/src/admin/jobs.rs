//! `/jobs`: the queue, and dead letters that run again.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use sigma_core::Timestamp;
use sigma_store::{Job, JobId, JobState};
use utoipa::{IntoParams, ToSchema};

use super::certificates::Asked;
use super::{ReasonRequest, is_id, read_cursor, reason};
use crate::App;
use crate::developer::caller::Admin;
use crate::developer::plane;
use crate::problem::{Code, Problem, Problems, Refusals};
use crate::public::query::{Body, Params, cut, limit, write_place};

/// Jobs in a state, those that changed last first, and how many there are of each.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JobPage {
    /// Open and dead jobs by class and state.
    counts: Vec<CountView>,
    /// Open jobs that rest because somebody else does not answer.
    outages: Vec<OutageView>,
    items: Vec<JobView>,
    /// Where the next page begins; `null` on the last one.
    next_cursor: Option<String>,
}

/// How many jobs of a class are in a state.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CountView {
    /// An ecosystem, or `submission`.
    class: String,
    /// pending, leased or dead.
    state: &'static str,
    /// How many.
    jobs: u64,
    /// When the oldest of them became due, or died.
    oldest: Timestamp,
}

/// Somebody who does not answer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OutageView {
    /// Who, and how that shows.
    #[schema(example = "PyPI cannot be reached")]
    reason: String,
    /// How many jobs rest for that.
    jobs: u64,
    /// When the first of them runs again; `null` while all of them are running.
    next_attempt_at: Option<Timestamp>,
}

/// A job.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JobView {
    /// Its id.
    job_id: String,
    /// What it does.
    kind: String,
    /// An ecosystem, or `submission`.
    class: String,
    /// What it works on.
    key: String,
    /// pending, leased, done or dead.
    state: &'static str,
    /// Runs that failed or ended without a word, and the one under way. Those that met somebody who does not answer are not counted.
    attempts: u32,
    /// How many there may be where they end without a word, as a killed worker's do. A job that fails is given up after half as many,
    /// and one that is certain to fail at once.
    max_attempts: u32,
    /// When it may run, or its lease ends.
    due_at: Timestamp,
    /// What went wrong last; empty when nothing did.
    last_error: String,
    /// Who did not answer the last run; empty when nobody had to. It then rests until `dueAt`.
    outage: String,
    /// When it was asked for first.
    created_at: Timestamp,
    /// When it changed last.
    updated_at: Timestamp,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct JobParams {
    /// pending, leased, done or dead; dead unless given.
    state: Option<String>,
    /// How many, 1 to 100; 20 unless given.
    limit: Option<u32>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

/// Jobs, the dead ones unless another state is named
#[utoipa::path(
    get, path = "/jobs", tag = "admin", params(JobParams), security(("token" = ["admin"])),
    responses((status = 200, description = "A page", body = JobPage), Problems, Refusals)
)]
pub(crate) async fn list(
    State(app): State<App>,
    Admin(_): Admin,
    Params(params): Params<JobParams>,
) -> Result<Json<JobPage>, Problem> {
    let state = match params.state.as_deref() {
        None | Some("dead") => JobState::Dead,
        Some("pending") => JobState::Pending,
        Some("leased") => JobState::Leased,
        Some("done") => JobState::Done,
        Some(_) => return Err(Problem::new(Code::InvalidQuery, "expected the state pending, leased, done or dead")),
    };
    let limit = limit(params.limit)?;
    let before = params.cursor.as_deref().map(|text| read_cursor(text, "job_")).transpose()?;
    let before = before.as_ref().map(|(at, id)| (*at, id.as_str()));
    let mut found = app.store.jobs(state, before, limit + 1).await?;
    let next_cursor = cut(&mut found, limit, |last| write_place(last.updated_at, last.id.as_str()));
    let counts = app.store.job_counts().await?.into_iter().map(|count| CountView {
        class: count.class,
        state: count.state.as_str(),
        jobs: count.jobs,
        oldest: count.oldest,
    });
    let outages = app.store.outages(None).await?.into_iter().map(|outage| OutageView {
        reason: outage.reason,
        jobs: outage.jobs,
        next_attempt_at: outage.next_at,
    });
    let items = found.into_iter().map(view).collect();
    Ok(Json(JobPage { counts: counts.collect(), outages: outages.collect(), items, next_cursor }))
}

/// Run a dead job again, with all its attempts
#[utoipa::path(
    post, path = "/jobs/{id}/retry", tag = "admin", request_body = ReasonRequest,
    params(("id" = String, Path, description = "The job")), security(("token" = ["admin"])),
    responses((status = 202, description = "It runs again", body = Asked), Problems, Refusals)
)]
pub(crate) async fn retry(
    State(app): State<App>,
    Admin(caller): Admin,
    Path(id): Path<String>,
    Body(request): Body<ReasonRequest>,
) -> Result<(StatusCode, Json<Asked>), Problem> {
    let reason = reason(&request.reason)?;
    let none = || Problem::new(Code::NotFound, "no job with this id is dead");
    if !is_id(&id, "job_") || !app.store.retry_job(&JobId::named(&id), &caller.owner, &reason, app.now()).await? {
        return Err(none());
    }
    if let Some(wake) = &plane(&app)?.developer.wake {
        wake.notify_one();
    }
    Ok((StatusCode::ACCEPTED, Json(Asked { job_id: id })))
}

fn view(job: Job) -> JobView {
    JobView {
        job_id: job.id.to_string(),
        kind: job.kind,
        class: job.class,
        key: job.key,
        state: job.state.as_str(),
        attempts: job.attempts,
        max_attempts: job.max_attempts,
        due_at: job.due_at,
        last_error: job.last_error,
        outage: job.outage,
        created_at: job.created_at,
        updated_at: job.updated_at,
    }
}
