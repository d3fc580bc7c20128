//! `/certificates/{id}`: package certificates by their id, also those that a newer one replaced.

use axum::Json;
use axum::extract::{RawPathParams, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use sigma_certificate::{CertificateStatus, OperatorDecision, PackageView, Since, VerifyView, effective_level, status};
use sigma_core::{SecurityLevel, Timestamp};
use sigma_store::Listed;
use utoipa::ToSchema;

use crate::App;
use crate::conditional::Tagged;
use crate::problem::{Code, Problem, Problems};
use crate::public::query::is_certificate_id;
use crate::public::summary::{open, since};

/// A certificate by its id
#[utoipa::path(
    get, path = "/certificates/{id}", tag = "certificates",
    params(("id" = String, Path, description = "`pkg_` and 32 characters")),
    responses((status = 200, description = "The certificate", body = PackageView<'static>), Problems)
)]
pub(crate) async fn certificate(
    State(app): State<App>,
    params: RawPathParams,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let listed = find(&app, &params).await?;
    let certificate = open(&listed)?;
    let view = certificate.view(app.answers.endpoints(), since(&listed));
    respond(&view, &headers)
}

/// A certificate by its id, with its integrity details
#[utoipa::path(
    get, path = "/certificates/{id}/verify", tag = "certificates",
    params(("id" = String, Path, description = "`pkg_` and 32 characters")),
    responses((status = 200, description = "The certificate, verifiable", body = VerifyView<'static>), Problems)
)]
pub(crate) async fn verify(
    State(app): State<App>,
    params: RawPathParams,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let listed = find(&app, &params).await?;
    let certificate = open(&listed)?;
    let since = Since { flags: app.store.open_flags(&listed.package).await?, ..since(&listed) };
    let view = certificate.verify_view(app.answers.endpoints(), since);
    respond(&view, &headers)
}

/// A view as an answer that can be kept.
fn respond(view: &impl Serialize, headers: &HeaderMap) -> Result<Response, Problem> {
    Ok(Tagged::hashed(serde_json::to_vec(view).map_err(Problem::internal)?).respond(headers))
}

/// How a certificate stands now.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LiveStatus {
    /// The certificate's id.
    certificate_id: String,
    /// ACTIVE, REVOKED, BLOCKED or OVERRIDDEN.
    status: CertificateStatus,
    /// The level that holds now.
    security_level: SecurityLevel,
    /// What an operator decided.
    operator_decision: Option<OperatorDecision>,
    /// When it was sealed.
    certified_at: Timestamp,
    /// The certificate that answers for this exact package now, where that is another one.
    replaced_by: Option<String>,
}

/// How a certificate stands now
#[utoipa::path(
    get, path = "/certificates/{id}/live-status", tag = "certificates",
    params(("id" = String, Path, description = "`pkg_` and 32 characters")),
    responses((status = 200, description = "Its status", body = LiveStatus), Problems)
)]
pub(crate) async fn live_status(State(app): State<App>, params: RawPathParams) -> Result<Json<LiveStatus>, Problem> {
    let listed = find(&app, &params).await?;
    let certificate = open(&listed)?;
    let decision = listed.record.decision.as_ref();
    let answering = app.answers.reader().package(&listed.package).await?;
    Ok(Json(LiveStatus {
        certificate_id: certificate.id().to_owned(),
        status: status(decision),
        security_level: effective_level(certificate.payload().security_level, decision),
        operator_decision: certificate.view(app.answers.endpoints(), since(&listed)).operator_decision,
        certified_at: certificate.payload().certified_at,
        replaced_by: answering.map(|record| record.id).filter(|id| id != certificate.id()),
    }))
}

async fn find(app: &App, params: &RawPathParams) -> Result<Listed, Problem> {
    let id = params.iter().map(|(_, value)| value).next().unwrap_or_default();
    if !is_certificate_id(id) {
        return Err(Problem::new(Code::InvalidId, "expected `pkg_` and 32 characters of a-z and 2-7"));
    }
    let listed = app.store.stands(id).await?;
    listed.ok_or_else(|| Problem::new(Code::NotFound, format!("there is no certificate {id}")))
}
