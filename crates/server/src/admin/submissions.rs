//! `/submissions/escalations`: submissions of code about which the council's panels did not agree, and what an operator says
//! about them.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Serialize;
use sigma_core::{SubmissionCategory, Timestamp, Warning};
use sigma_pipeline::{Examination, OperatorRuling, decide_submission};
use sigma_store::SubmissionEscalation;
use utoipa::ToSchema;

use super::escalations::{EscalationRequest, SealedView, verdict};
use super::{PageParams, is_id, reason};
use crate::App;
use crate::developer::caller::Admin;
use crate::problem::{Code, Problem, Problems, Refusals};
use crate::public::query::{Body, Params, cut, limit, read_place, write_place};

/// The queue, the oldest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SubmissionEscalationPage {
    items: Vec<SubmissionEscalationView>,
    /// Where the next page begins; `null` on the last one.
    next_cursor: Option<String>,
}

/// An escalated submission.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SubmissionEscalationView {
    /// The submission.
    submission_id: String,
    /// What was submitted.
    category: SubmissionCategory,
    /// What it is called, as claimed.
    skill_name: String,
    /// When.
    escalated_at: Timestamp,
    /// How the votes fell.
    rationale: String,
    /// What the ballots hold against it.
    warnings: Vec<Warning>,
    /// What it did when it was run, in plain language.
    execution: Option<String>,
}

/// An escalated submission with all that was seen.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SubmissionEvidence {
    #[serde(flatten)]
    escalation: SubmissionEscalationView,
    /// All that the council saw: every finding, the run, the packages, the endpoints.
    #[schema(value_type = Object)]
    examination: serde_json::Value,
    /// The ruling with every ballot and its reasons.
    #[schema(value_type = Object)]
    round: serde_json::Value,
}

/// Escalated submissions that wait for a decision
#[utoipa::path(
    get, path = "/submissions/escalations", tag = "admin", params(PageParams), security(("token" = ["admin"])),
    responses((status = 200, description = "A page", body = SubmissionEscalationPage), Problems, Refusals)
)]
pub(crate) async fn list(
    State(app): State<App>,
    Admin(_): Admin,
    Params(params): Params<PageParams>,
) -> Result<Json<SubmissionEscalationPage>, Problem> {
    let limit = limit(params.limit)?;
    let after = params.cursor.as_deref().map(|text| read_place(text, is_escalation)).transpose()?;
    let after = after.as_ref().map(|(at, id)| (*at, id.as_str()));
    let mut found = app.store.open_submission_escalations(after, limit + 1).await?;
    let next_cursor = cut(&mut found, limit, |last| write_place(last.escalated_at, &last.submission));
    Ok(Json(SubmissionEscalationPage { items: found.iter().map(view).collect::<Result<_, _>>()?, next_cursor }))
}

/// An escalated submission with its evidence
#[utoipa::path(
    get, path = "/submissions/{id}/escalation", tag = "admin",
    params(("id" = String, Path, description = "The submission")), security(("token" = ["admin"])),
    responses((status = 200, description = "All that was seen", body = SubmissionEvidence), Problems, Refusals)
)]
pub(crate) async fn show(
    State(app): State<App>,
    Admin(_): Admin,
    Path(id): Path<String>,
) -> Result<Json<SubmissionEvidence>, Problem> {
    let escalation = find(&app, &id).await?;
    let read = |bytes: &[u8]| serde_json::from_slice(bytes).map_err(Problem::internal);
    Ok(Json(SubmissionEvidence {
        escalation: view(&escalation)?,
        examination: read(&escalation.dossier)?,
        round: read(&escalation.round)?,
    }))
}

/// Decide about an escalated submission
///
/// Seals a certificate that says that the panels did not agree and that an operator decided.
#[utoipa::path(
    post, path = "/submissions/{id}/decision", tag = "admin", request_body = EscalationRequest,
    params(("id" = String, Path, description = "The submission")), security(("token" = ["admin"])),
    responses((status = 201, description = "Decided", body = SealedView), Problems, Refusals)
)]
pub(crate) async fn decide(
    State(app): State<App>,
    Admin(caller): Admin,
    Path(id): Path<String>,
    Body(request): Body<EscalationRequest>,
) -> Result<(StatusCode, Json<SealedView>), Problem> {
    let verdict = verdict(&request)?;
    let reason = reason(&request.reason)?;
    find(&app, &id).await?;
    let ruling = OperatorRuling { escalation: id, verdict, reason, operator: caller.owner };
    let decided = decide_submission(&app.store, &ruling, app.now()).await.map_err(Problem::internal)?;
    let Some(sealed) = decided else {
        return Err(Problem::new(Code::Conflict, "this submission was decided before"));
    };
    let certificate = &sealed.certificate;
    Ok((
        StatusCode::CREATED,
        Json(SealedView {
            certificate_id: certificate.id().to_owned(),
            security_level: certificate.payload().review.security_level,
            verify_endpoint: app.answers.endpoints().verify_submission(certificate.id()),
        }),
    ))
}

/// A submission's id; behind it, where a certificate was audited again, a dot and the certificate's.
fn is_escalation(id: &str) -> bool {
    match id.split_once('.') {
        Some((submission, certificate)) => is_id(submission, "sub_") && is_id(certificate, "sig_"),
        None => is_id(id, "sub_"),
    }
}

async fn find(app: &App, id: &str) -> Result<SubmissionEscalation, Problem> {
    let found = if is_escalation(id) { app.store.submission_escalation(id).await? } else { None };
    found.ok_or_else(|| Problem::new(Code::NotFound, "there is no such escalation"))
}

fn view(escalation: &SubmissionEscalation) -> Result<SubmissionEscalationView, Problem> {
    let examination: Examination = serde_json::from_slice(&escalation.dossier).map_err(Problem::internal)?;
    let (_, _, ruling): (String, Timestamp, sigma_core::Ruling) =
        serde_json::from_slice(&escalation.round).map_err(Problem::internal)?;
    Ok(SubmissionEscalationView {
        submission_id: escalation.submission.clone(),
        category: examination.dossier.category,
        skill_name: examination.name,
        escalated_at: escalation.escalated_at,
        rationale: ruling.rationale,
        warnings: ruling.warnings,
        execution: examination.dossier.execution.map(|execution| execution.description),
    })
}
