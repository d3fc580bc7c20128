//! `/certificates/{id}`: certificates by their id, those of packages (`pkg_`) and those of submissions (`sig_`), also those that
//! a newer one replaced.

use axum::extract::{RawPathParams, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use sigma_certificate::{
    CertificateStatus, OnChain, OperatorDecision, PackageView, Since, SubmissionVerifyView, SubmissionView, VerifyView,
    effective_level, status,
};
use sigma_core::{SecurityLevel, Timestamp};
use sigma_store::{Listed, ListedSubmission};
use utoipa::ToSchema;

use crate::App;
use crate::conditional::{Tagged, Unchanged};
use crate::problem::{Code, Problem, Problems};
use crate::public::query::{certificate_id, is_certificate_id, named};
use crate::public::submissions::on_chain;
use crate::public::summary::{open, since};

/// A certificate of either kind.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only the OpenAPI document is made of it")]
pub(crate) enum AnyCertificate {
    /// Of a package.
    Package(Box<PackageView<'static>>),
    /// Of a submission.
    Submission(Box<SubmissionView<'static>>),
}

/// A certificate of either kind with its integrity details.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only the OpenAPI document is made of it")]
pub(crate) enum AnyVerifiable {
    /// Of a package.
    Package(Box<VerifyView<'static>>),
    /// Of a submission.
    Submission(Box<SubmissionVerifyView<'static>>),
}

/// What an id names.
pub(crate) enum Found {
    Package(Box<Listed>),
    Submission(Box<ListedSubmission>),
}

/// A certificate by its id
#[utoipa::path(
    get, path = "/certificates/{id}", tag = "certificates",
    params(("id" = String, Path, description = "`pkg_` or `sig_` and 32 characters")),
    responses((status = 200, description = "The certificate", body = AnyCertificate), Unchanged, Problems)
)]
pub(crate) async fn certificate(
    State(app): State<App>,
    params: RawPathParams,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    match find(&app, &params).await? {
        Found::Package(listed) => {
            let certificate = open(&listed)?;
            let there = on_chain(&app, certificate.id()).await?;
            let since = Since { on_chain: Some(&there), ..since(&listed) };
            respond(&certificate.view(app.answers.endpoints(), since), &headers)
        }
        Found::Submission(listed) => {
            let (certificate, decision) = (&listed.certificate, listed.decision.as_ref());
            let there = on_chain(&app, certificate.id()).await?;
            respond(&certificate.view(app.answers.endpoints(), decision, there), &headers)
        }
    }
}

/// A certificate by its id, with its integrity details
#[utoipa::path(
    get, path = "/certificates/{id}/verify", tag = "certificates",
    params(("id" = String, Path, description = "`pkg_` or `sig_` and 32 characters")),
    responses((status = 200, description = "The certificate, verifiable", body = AnyVerifiable), Unchanged, Problems)
)]
pub(crate) async fn verify(
    State(app): State<App>,
    params: RawPathParams,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    match find(&app, &params).await? {
        Found::Package(listed) => {
            let certificate = open(&listed)?;
            let there = on_chain(&app, certificate.id()).await?;
            let flags = app.store.open_flags(&listed.package).await?;
            let since = Since { flags, on_chain: Some(&there), ..since(&listed) };
            respond(&certificate.verify_view(app.answers.endpoints(), since), &headers)
        }
        Found::Submission(listed) => {
            let (certificate, decision) = (&listed.certificate, listed.decision.as_ref());
            let flags = app.store.open_flags_of_certificate(certificate.id()).await?;
            let there = on_chain(&app, certificate.id()).await?;
            let view = certificate.verify_view(app.answers.endpoints(), decision, there, Some(flags));
            respond(&view, &headers)
        }
    }
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
    /// The certificate that answers for this exact package or source now, where that is another one.
    replaced_by: Option<String>,
}

/// How a certificate stands now
#[utoipa::path(
    get, path = "/certificates/{id}/live-status", tag = "certificates",
    params(("id" = String, Path, description = "`pkg_` or `sig_` and 32 characters")),
    responses((status = 200, description = "Its status", body = LiveStatus), Unchanged, Problems)
)]
pub(crate) async fn live_status(
    State(app): State<App>,
    params: RawPathParams,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let listed = match find(&app, &params).await? {
        Found::Package(listed) => listed,
        Found::Submission(listed) => {
            let (certificate, decision) = (&listed.certificate, listed.decision.as_ref());
            let view = certificate.view(app.answers.endpoints(), decision, OnChain::off());
            let source = &certificate.payload().source;
            let entry = source.entry.as_deref().unwrap_or_default();
            // One that waits for the log is not told of yet.
            let newest = match app.store.newest_of_source(&source.source_url, &source.folder, entry).await? {
                Some(id) => app.store.submission_certificate(&id).await?.map(|_| id),
                None => None,
            };
            let standing = LiveStatus {
                certificate_id: certificate.id().to_owned(),
                status: view.status,
                security_level: view.payload.review.security_level,
                operator_decision: view.operator_decision,
                certified_at: certificate.payload().certified_at,
                replaced_by: newest.filter(|id| id != certificate.id()),
            };
            return respond(&standing, &headers);
        }
    };
    let certificate = open(&listed)?;
    let decision = listed.record.decision.as_ref();
    let answering = app.answers.reader().package(&listed.package).await?;
    let standing = LiveStatus {
        certificate_id: certificate.id().to_owned(),
        status: status(decision),
        security_level: effective_level(certificate.payload().security_level, decision),
        operator_decision: certificate.view(app.answers.endpoints(), since(&listed)).operator_decision,
        certified_at: certificate.payload().certified_at,
        replaced_by: answering.map(|record| record.id).filter(|id| id != certificate.id()),
    };
    respond(&standing, &headers)
}

/// The certificate that the address names.
pub(crate) async fn find(app: &App, params: &RawPathParams) -> Result<Found, Problem> {
    let id = certificate_id(named(params))?;
    let found = match is_certificate_id(id) {
        true => app.store.stands(id).await?.map(|listed| Found::Package(Box::new(listed))),
        false => {
            let found = app.store.submission_certificate(id).await?;
            found.map(|listed| Found::Submission(Box::new(listed)))
        }
    };
    found.ok_or_else(|| Problem::new(Code::NotFound, format!("there is no certificate {id}")))
}
