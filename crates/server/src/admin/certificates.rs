//! `/certificates`: how they stand, what was decided about them, new decisions, and new audits.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use sigma_certificate::Action;
use sigma_core::{SecurityLevel, Timestamp, printable};
use sigma_pipeline::ReauditError;
use sigma_store::{Cursor, NewDecision};
use utoipa::ToSchema;

use super::{ReasonRequest, reason};
use crate::App;
use crate::developer::caller::Admin;
use crate::developer::plane;
use crate::problem::{Code, Problem, Problems, Refusals};
use crate::public::list::{ListParams, filter};
use crate::public::query::{Body, Params, certificate_id, cut, limit, read_cursor, write_cursor};
use crate::public::summary::Summary;

/// A page of certificates, as operators see them.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AdminPage {
    /// The newest first.
    items: Vec<AdminCertificate>,
    /// Where the next page begins; `null` on the last one.
    next_cursor: Option<String>,
}

/// A certificate, as operators see it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AdminCertificate {
    /// The level it was sealed with.
    sealed_security_level: SecurityLevel,
    /// Why it stands as it does; `null` where nothing was decided.
    decision_reason: Option<String>,
    /// When that was decided.
    decided_at: Option<Timestamp>,
    #[serde(flatten)]
    summary: Summary,
}

/// What was decided about a certificate, oldest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Decisions {
    items: Vec<DecisionView>,
}

/// A decision.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DecisionView {
    /// Its place in the log.
    seq: u64,
    /// REVOKED, BLOCKED or OVERRIDDEN.
    status: &'static str,
    /// The level that the package has because of it.
    security_level: SecurityLevel,
    /// Why; public.
    reason: String,
    /// Who; not public.
    operator: String,
    /// When.
    decided_at: Timestamp,
}

/// What an operator decides about a certificate.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct DecisionRequest {
    /// What is decided.
    action: DecisionAction,
    /// With `override`: CLEAR, MONITORED, CAUTION or BLOCKED.
    #[schema(example = "CAUTION")]
    level: Option<String>,
    /// 1 to 1,000 characters, shown to everybody who asks for the certificate.
    #[schema(min_length = 1, max_length = 1000)]
    reason: String,
}

/// What can be decided about a certificate.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DecisionAction {
    /// It vouches for nothing any more.
    Revoke,
    /// The package is rejected, whatever the council found.
    Block,
    /// The package has this level, whatever the council found.
    Override,
}

/// Work that was asked for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Asked {
    /// The job that does it.
    pub(super) job_id: String,
}

/// Certificates with how they stand
#[utoipa::path(
    get, path = "/certificates", tag = "admin", params(ListParams), security(("token" = ["admin"])),
    responses((status = 200, description = "A page", body = AdminPage), Problems, Refusals)
)]
pub(crate) async fn list(
    State(app): State<App>,
    Admin(_): Admin,
    Params(params): Params<ListParams>,
) -> Result<Json<AdminPage>, Problem> {
    let filter = filter(&params)?;
    let limit = limit(params.limit)?;
    let after = params.cursor.as_deref().map(read_cursor).transpose()?;
    let mut found = app.store.page(&filter, after.as_ref(), limit + 1).await?;
    let next_cursor = cut(&mut found, limit, |last| {
        write_cursor(&Cursor { certified_at: last.record.certified_at, id: last.record.id.clone() })
    });
    let mut items = Vec::with_capacity(found.len());
    for listed in &found {
        let decision = listed.record.decision.as_ref();
        items.push(AdminCertificate {
            sealed_security_level: listed.record.level,
            decision_reason: decision.map(|decision| decision.reason.clone()),
            decided_at: decision.map(|decision| decision.at),
            summary: Summary::of(listed, app.answers.endpoints())?,
        });
    }
    Ok(Json(AdminPage { items, next_cursor }))
}

/// What was decided about a certificate
#[utoipa::path(
    get, path = "/certificates/{id}/decisions", tag = "admin", params(("id" = String, Path, description = "The certificate")),
    security(("token" = ["admin"])), responses((status = 200, description = "All of it", body = Decisions), Problems, Refusals)
)]
pub(crate) async fn decisions(
    State(app): State<App>,
    Admin(_): Admin,
    Path(id): Path<String>,
) -> Result<Json<Decisions>, Problem> {
    known(&app, &id).await?;
    let items = app.store.admin_events(&id).await?.into_iter().map(|event| view(event.seq, event.decision)).collect();
    Ok(Json(Decisions { items }))
}

/// Revoke, block or override a certificate
///
/// It shows on every public read at once. The sealed bytes do not change, and every earlier decision stays.
#[utoipa::path(
    post, path = "/certificates/{id}/decisions", tag = "admin", request_body = DecisionRequest,
    params(("id" = String, Path, description = "The certificate")), security(("token" = ["admin"])),
    responses((status = 201, description = "Recorded", body = DecisionView), Problems, Refusals)
)]
pub(crate) async fn decide(
    State(app): State<App>,
    Admin(caller): Admin,
    Path(id): Path<String>,
    Body(request): Body<DecisionRequest>,
) -> Result<(StatusCode, Json<DecisionView>), Problem> {
    let level = request.level.as_deref().map(level).transpose()?;
    let action = match (request.action, level) {
        (DecisionAction::Revoke, None) => Action::Revoke,
        (DecisionAction::Block, None) => Action::Block,
        (DecisionAction::Override, Some(level)) => Action::Override(level),
        (DecisionAction::Override, None) => return Err(Problem::new(Code::InvalidBody, "`override` needs a `level`")),
        (_, Some(_)) => return Err(Problem::new(Code::InvalidBody, "only `override` has a `level`")),
    };
    let reason = reason(&request.reason)?;
    certificate_id(&id)?;
    let new = NewDecision { certificate: id, action, reason, operator: caller.owner, at: app.now() };
    let event = app.store.decide(&new).await?.ok_or_else(|| none(&new.certificate))?;
    Ok((StatusCode::CREATED, Json(view(event.seq, event.decision))))
}

/// Audit again what a certificate covers
///
/// Also one that was revoked. The new certificate replaces it; under the same rules its report is the same, and what differs is
/// what was known elsewhere. The bytes are those that were certified.
#[utoipa::path(
    post, path = "/certificates/{id}/reaudit", tag = "admin", request_body = ReasonRequest,
    params(("id" = String, Path, description = "The certificate")), security(("token" = ["admin"])),
    responses((status = 202, description = "Asked for, now or before", body = Asked), Problems, Refusals)
)]
pub(crate) async fn reaudit(
    State(app): State<App>,
    Admin(caller): Admin,
    Path(id): Path<String>,
    Body(request): Body<ReasonRequest>,
) -> Result<(StatusCode, Json<Asked>), Problem> {
    let reason = reason(&request.reason)?;
    certificate_id(&id)?;
    let developer = &plane(&app)?.developer;
    let job = developer.hall.request_reaudit(&id, &reason, &caller.owner).await.map_err(|error| match error {
        ReauditError::Unknown(id) => none(&id),
        ReauditError::Store(error) => error.into(),
        error => Problem::new(Code::Conflict, error),
    })?;
    if let Some(wake) = &developer.wake {
        wake.notify_one();
    }
    Ok((StatusCode::ACCEPTED, Json(Asked { job_id: job.to_string() })))
}

/// Reads a level of a request.
pub(super) fn level(text: &str) -> Result<SecurityLevel, Problem> {
    text.parse().map_err(|error: String| Problem::new(Code::InvalidBody, error))
}

async fn known(app: &App, id: &str) -> Result<(), Problem> {
    certificate_id(id)?;
    app.store.any_certificate(id).await?.map(|_| ()).ok_or_else(|| none(id))
}

fn none(id: &str) -> Problem {
    Problem::new(Code::NotFound, format!("there is no certificate {}", printable(id, 80)))
}

fn view(seq: u64, decision: NewDecision) -> DecisionView {
    DecisionView {
        seq,
        status: decision.action.status().as_str(),
        security_level: decision.action.level(),
        reason: decision.reason,
        operator: decision.operator,
        decided_at: decision.at,
    }
}
