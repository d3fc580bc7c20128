//! `/submissions`: drafts that were submitted, how they stand, and one's own history.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use sigma_certificate::{CertificateStatus, effective_level, status};
use sigma_core::{SecurityLevel, Timestamp};
use sigma_pipeline::SubmitError;
use sigma_store::{JobId, Outage, StoreError, Submission, SubmissionState};
use utoipa::{IntoParams, ToSchema};

use super::caller::{Reader, Submitter};
use super::{drafts, plane};
use crate::App;
use crate::problem::{Code, Problem, Problems, Refusals};
use crate::public::query::{Params, cut, is_id, limit, read_place, write_place};

/// How a submission stands.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SubmissionView {
    /// Its id.
    submission_id: String,
    /// The draft that was submitted.
    draft_id: String,
    /// queued, auditing, reviewing, announcing (decided; its certificates wait for the transparency log), cleared (its dependencies
    /// stand in nobody's way), certified, rejected (a certificate that says BLOCKED), escalated (an operator decides), stopped (a
    /// dependency stops it), held (a direct one could not be judged) or failed (it could not be worked on).
    #[schema(example = "cleared")]
    state: &'static str,
    /// Whether nothing more happens to it.
    is_final: bool,
    /// How many events there are.
    events: u64,
    /// When it was submitted.
    created_at: Timestamp,
    /// When it changed last.
    updated_at: Timestamp,
    /// How its certificate stands now, also after what operators decided about it; `null` where it has none, and in lists.
    certificate: Option<CertificateStanding>,
    /// Who does not answer although the submission needs them, and when they are asked again; empty where nothing waits for that, and
    /// in lists. Nothing is to be done about it: it goes on by itself.
    waiting_for: Vec<WaitingFor>,
    /// The decision with its reasons and advisories, and every package's row; `null` before the end, and in lists.
    #[schema(value_type = Option<Object>)]
    result: Option<serde_json::Value>,
}

/// Somebody who does not answer, although the submission needs them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WaitingFor {
    /// Who, and how that shows.
    #[schema(example = "PyPI cannot be reached")]
    reason: String,
    /// How many of its packages wait for that; `null` where the submission itself does, to be resolved or reviewed.
    packages: Option<u64>,
    /// When they are asked again, for the first of what waits; `null` while they are being asked.
    next_attempt_at: Option<Timestamp>,
}

/// How the certificate of a submission stands.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CertificateStanding {
    /// Its id.
    certificate_id: String,
    /// ACTIVE, REVOKED, BLOCKED or OVERRIDDEN.
    status: CertificateStatus,
    /// The level that holds now.
    security_level: SecurityLevel,
    /// Why an operator decided so; `null` where nothing was decided since it was sealed.
    decision_reason: Option<String>,
    /// When that was decided.
    decided_at: Option<Timestamp>,
    /// Flags of the public that no operator has settled.
    active_flag_count: u64,
}

/// A page of submissions.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SubmissionPage {
    /// The newest first.
    items: Vec<SubmissionView>,
    /// Where the next page begins; `null` on the last one.
    next_cursor: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SubmissionParams {
    /// How many, 1 to 100; 20 unless given.
    limit: Option<u32>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

/// Seconds after which a submission that was turned away may be sent again.
const BUSY_SECONDS: u64 = 60;

/// Submit a draft
///
/// Sending the same `Idempotency-Key` again gives the same submission, however often it is sent.
#[utoipa::path(
    post, path = "/drafts/{draftId}/submit", tag = "developer",
    params(
        ("draftId" = String, Path, description = "The draft"),
        ("Idempotency-Key" = String, Header, description = "1 to 200 visible ASCII characters of your choice")
    ),
    security(("token" = ["submit"])),
    responses((status = 202, description = "Accepted, now or before", body = SubmissionView), Problems, Refusals)
)]
pub(crate) async fn submit(
    State(app): State<App>,
    Submitter(caller): Submitter,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let developer = &plane(&app)?.developer;
    let key = headers.get("idempotency-key").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !(1..=200).contains(&key.len()) || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Problem::new(
            Code::InvalidHeader,
            "expected an Idempotency-Key of 1 to 200 visible ASCII characters, such as a UUID",
        ));
    }
    let (draft, _) = drafts::find(&app, &caller.owner, &id).await?;
    let submission = developer.hall.submit(&draft, key, developer.most_open).await.map_err(|error| match error {
        SubmitError::KeyReused(_) => Problem::new(Code::Conflict, error),
        SubmitError::Busy(_) => {
            Problem::new(Code::Unavailable, "too much work is waiting; try again later").retry_after(BUSY_SECONDS)
        }
        SubmitError::Store(error) => error.into(),
    })?;
    if let Some(wake) = &developer.wake {
        wake.notify_one();
    }
    let address = format!("/api/v1/sigma/dev/submissions/{}", submission.id);
    let address = HeaderValue::from_str(&address).map_err(Problem::internal)?;
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, address)], Json(view(&submission)?)).into_response())
}

/// A submission of yours
#[utoipa::path(
    get, path = "/submissions/{submissionId}", tag = "developer",
    params(("submissionId" = String, Path, description = "The submission")), security(("token" = ["read"])),
    responses((status = 200, description = "How it stands", body = SubmissionView), Problems, Refusals)
)]
pub(crate) async fn show(
    State(app): State<App>,
    Reader(caller): Reader,
    Path(id): Path<String>,
) -> Result<Json<SubmissionView>, Problem> {
    let submission = find(&app, &caller.owner, &id).await?;
    let mut shown = view(&submission)?;
    shown.waiting_for = waiting_for(&app, &submission.job, submission.state).await?;
    if let Some(listed) = app.store.certificate_of_submission(&submission.id).await? {
        let (certificate, decision) = (&listed.certificate, listed.decision.as_ref());
        shown.certificate = Some(CertificateStanding {
            certificate_id: certificate.id().to_owned(),
            status: status(decision),
            security_level: effective_level(certificate.payload().review.security_level, decision),
            decision_reason: decision.map(|decision| decision.reason.clone()),
            decided_at: decision.map(|decision| decision.at),
            active_flag_count: app.store.open_flags_of_certificate(certificate.id()).await?,
        });
    }
    Ok(Json(shown))
}

/// Your submissions, the newest first
#[utoipa::path(
    get, path = "/submissions", tag = "developer", params(SubmissionParams), security(("token" = ["read"])),
    responses((status = 200, description = "A page", body = SubmissionPage), Problems, Refusals)
)]
pub(crate) async fn list(
    State(app): State<App>,
    Reader(caller): Reader,
    Params(params): Params<SubmissionParams>,
) -> Result<Json<SubmissionPage>, Problem> {
    let limit = limit(params.limit)?;
    let before = params.cursor.as_deref().map(|text| read_place(text, is_submission)).transpose()?;
    let before = before.as_ref().map(|(at, id)| (*at, id.as_str()));
    let mut found = app.store.submissions_of(&caller.owner, before, limit + 1).await?;
    let next_cursor = cut(&mut found, limit, |last| write_place(last.created_at, &last.id));
    Ok(Json(SubmissionPage { items: found.iter().map(view).collect::<Result<_, _>>()?, next_cursor }))
}

/// Who does not answer although the submission with this job needs them.
pub(crate) async fn waiting_for(app: &App, job: &JobId, state: SubmissionState) -> Result<Vec<WaitingFor>, StoreError> {
    if state.is_final() {
        return Ok(Vec::new());
    }
    let outages = app.store.outages(Some(job)).await?.into_iter();
    let waiting = |Outage { reason, jobs, next_at }| WaitingFor {
        reason,
        packages: (state == SubmissionState::Auditing).then_some(jobs),
        next_attempt_at: next_at,
    };
    Ok(outages.map(waiting).collect())
}

/// The caller's submission. Somebody else's is answered like one that never existed.
pub(crate) async fn find(app: &App, owner: &str, id: &str) -> Result<Submission, Problem> {
    let none = || Problem::new(Code::NotFound, "you have no such submission");
    match is_submission(id) {
        true => app.store.submission_of(owner, id).await?.ok_or_else(none),
        false => Err(none()),
    }
}

fn view(submission: &Submission) -> Result<SubmissionView, Problem> {
    let result = match submission.result.as_slice() {
        [] => None,
        // It tells of certificates that are not announced yet.
        _ if submission.state == SubmissionState::Announcing => None,
        bytes => Some(serde_json::from_slice(bytes).map_err(Problem::internal)?),
    };
    Ok(SubmissionView {
        submission_id: submission.id.clone(),
        draft_id: submission.draft.clone(),
        state: submission.state.as_str(),
        is_final: submission.state.is_final(),
        events: submission.events,
        created_at: submission.created_at,
        updated_at: submission.updated_at,
        certificate: None,
        waiting_for: Vec::new(),
        result,
    })
}

fn is_submission(id: &str) -> bool {
    is_id(id, "sub_")
}
