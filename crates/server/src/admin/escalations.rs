//! `/escalations`: packages about which the council's panels did not agree, and what an operator says about them.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sigma_certificate::{Endpoints, PackagePayload};
use sigma_core::{Ecosystem, SecurityLevel, Sha256, Timestamp, Warning};
use sigma_pipeline::{OperatorRuling, decide_escalation};
use sigma_store::{Escalation, Verdict};
use utoipa::ToSchema;

use super::certificates::level;
use super::{PageParams, is_id, read_cursor, reason};
use crate::App;
use crate::developer::caller::Admin;
use crate::problem::{Code, Problem, Problems, Refusals};
use crate::public::query::{Body, Params, cut, limit, write_place};

/// The queue, the oldest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EscalationPage {
    items: Vec<EscalationView>,
    /// Where the next page begins; `null` on the last one.
    next_cursor: Option<String>,
}

/// An escalated package.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EscalationView {
    /// Its id.
    escalation_id: String,
    /// `pypi` or `npm`.
    registry_source: Ecosystem,
    /// Normalised name.
    package_name: String,
    /// Exact version.
    package_version: String,
    /// SHA-256 of the distribution that was judged.
    distribution_sha256: Sha256,
    /// Version of the static rules.
    ruleset_version: String,
    /// When.
    escalated_at: Timestamp,
    /// The level that the stricter panel asks for.
    proposed_security_level: SecurityLevel,
    /// How the votes fell.
    rationale: String,
    /// What the ballots hold against it.
    warnings: Vec<Warning>,
    /// When it was decided; `null` while it is open.
    decided_at: Option<Timestamp>,
    /// The certificate that the decision sealed.
    certificate_id: Option<String>,
}

/// An escalated package with all that was seen.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EscalationEvidence {
    #[serde(flatten)]
    escalation: EscalationView,
    /// What would have been sealed, ballots and advisories included.
    payload: PackagePayload,
    /// The report: every finding with its file and line.
    #[schema(value_type = Object)]
    report: Value,
    /// The ruling with every ballot and its reasons.
    #[schema(value_type = Object)]
    ruling: Value,
}

/// What an operator says about an escalated package.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct EscalationRequest {
    /// What is decided.
    action: EscalationAction,
    /// With `certify`: CLEAR, MONITORED or CAUTION.
    #[schema(example = "CAUTION")]
    level: Option<String>,
    /// 1 to 1,000 characters; part of the certificate, and public.
    #[schema(min_length = 1, max_length = 1000)]
    pub(super) reason: String,
}

/// What can be decided about an escalated package.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum EscalationAction {
    /// It is certified at a level.
    Certify,
    /// It is rejected.
    Block,
}

/// What a decision sealed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SealedView {
    /// The certificate, which answers for the package or submission from now on.
    pub(super) certificate_id: String,
    /// Its level.
    pub(super) security_level: SecurityLevel,
    /// Where everybody can verify it.
    pub(super) verify_endpoint: String,
}

/// Escalated packages that wait for a decision
#[utoipa::path(
    get, path = "/escalations", tag = "admin", params(PageParams), security(("token" = ["admin"])),
    responses((status = 200, description = "A page", body = EscalationPage), Problems, Refusals)
)]
pub(crate) async fn list(
    State(app): State<App>,
    Admin(_): Admin,
    Params(params): Params<PageParams>,
) -> Result<Json<EscalationPage>, Problem> {
    let limit = limit(params.limit)?;
    let after = params.cursor.as_deref().map(|text| read_cursor(text, PREFIX)).transpose()?;
    let after = after.as_ref().map(|(at, id)| (*at, id.as_str()));
    let mut found = app.store.open_escalations(after, limit + 1).await?;
    let next_cursor = cut(&mut found, limit, |last| write_place(last.escalated_at, &last.id));
    Ok(Json(EscalationPage { items: found.iter().map(view).collect(), next_cursor }))
}

/// An escalated package with its evidence
#[utoipa::path(
    get, path = "/escalations/{id}", tag = "admin", params(("id" = String, Path, description = "The escalation")),
    security(("token" = ["admin"])),
    responses((status = 200, description = "All that was seen", body = EscalationEvidence), Problems, Refusals)
)]
pub(crate) async fn show(
    State(app): State<App>,
    Admin(_): Admin,
    Path(id): Path<String>,
) -> Result<Json<EscalationEvidence>, Problem> {
    let none = || Problem::new(Code::NotFound, "there is no such escalation");
    let found = if is_id(&id, PREFIX) { app.store.escalation(&id).await? } else { None };
    let (escalation, report, round) = found.ok_or_else(none)?;
    let report = serde_json::from_slice(&report).map_err(Problem::internal)?;
    // What it is about and when are in the escalation.
    let (_, _, ruling): (Value, Value, Value) = serde_json::from_slice(&round).map_err(Problem::internal)?;
    Ok(Json(EscalationEvidence { escalation: view(&escalation), payload: escalation.payload, report, ruling }))
}

/// Decide about an escalated package
///
/// Seals a certificate that says that the panels did not agree and that an operator decided; it answers everybody from then on.
#[utoipa::path(
    post, path = "/escalations/{id}/decision", tag = "admin", request_body = EscalationRequest,
    params(("id" = String, Path, description = "The escalation")), security(("token" = ["admin"])),
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
    let known = if is_id(&id, PREFIX) { app.store.escalation(&id).await? } else { None };
    if known.is_none() {
        return Err(Problem::new(Code::NotFound, "there is no such escalation"));
    }
    let ruling = OperatorRuling { escalation: id, verdict, reason, operator: caller.owner };
    let decided = decide_escalation(&app.store, &ruling, app.now()).await.map_err(Problem::internal)?;
    let Some(certificate) = decided else {
        return Err(Problem::new(Code::Conflict, "this escalation was decided before"));
    };
    let payload = certificate.payload();
    let endpoints: &Endpoints = app.answers.endpoints();
    Ok((
        StatusCode::CREATED,
        Json(SealedView {
            certificate_id: certificate.id().to_owned(),
            security_level: payload.security_level,
            verify_endpoint: endpoints.verify(payload.registry_source, &payload.package_name, &payload.package_version),
        }),
    ))
}

/// What is decided.
pub(super) fn verdict(request: &EscalationRequest) -> Result<Verdict, Problem> {
    let level = request.level.as_deref().map(level).transpose()?;
    Ok(match (request.action, level) {
        (EscalationAction::Block, None) => Verdict::Block,
        (EscalationAction::Block, Some(_)) => {
            return Err(Problem::new(Code::InvalidBody, "only `certify` has a `level`"));
        }
        (EscalationAction::Certify, None | Some(SecurityLevel::Blocked)) => {
            return Err(Problem::new(Code::InvalidBody, "`certify` needs a `level`: CLEAR, MONITORED or CAUTION"));
        }
        (EscalationAction::Certify, Some(level)) => Verdict::Certify(level),
    })
}

const PREFIX: &str = "esc_";

fn view(escalation: &Escalation) -> EscalationView {
    let payload = &escalation.payload;
    let (decided_at, certificate_id) = escalation.decided.clone().unzip();
    EscalationView {
        escalation_id: escalation.id.clone(),
        registry_source: payload.registry_source,
        package_name: payload.package_name.clone(),
        package_version: payload.package_version.clone(),
        distribution_sha256: payload.distribution_sha256,
        ruleset_version: payload.ruleset_version.clone(),
        escalated_at: escalation.escalated_at,
        proposed_security_level: payload.security_level,
        rationale: payload.council_rationale.clone(),
        warnings: payload.retained_warnings.clone(),
        decided_at,
        certificate_id,
    }
}
