//! `POST /packages/{registry}/{name}/{version}/flags` and `POST /certificates/{id}/flags`: what anybody has to say about a certificate.
//!
//! Text of strangers: bounded, made printable before it is stored, read by operators and published nowhere. What the public sees
//! is how many flags are open (`activeFlagCount`).

use axum::extract::{RawPathParams, State};
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use data_encoding::BASE32_NOPAD;
use serde::{Deserialize, Serialize};
use sigma_core::{PackageId, Timestamp, printable};
use sigma_store::{Flag, FlagState};
use utoipa::ToSchema;

use crate::App;
use crate::limit::Peer;
use crate::problem::{Code, Problem, Problems};
use crate::public::certificates::{Found, find};
use crate::public::packages::not_certified;
use crate::public::query::Body;
use crate::release::Release;

/// Characters of a text.
const MAX_TEXT: usize = 2_000;
/// Characters of a contact.
const MAX_CONTACT: usize = 200;
/// An hour, in milliseconds.
const HOUR: i64 = 3_600_000;

/// What somebody has to say about a certificate.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct FlagRequest {
    /// malicious-code, account-takeover, vulnerability, impersonation, false-alarm or other.
    #[schema(example = "malicious-code")]
    category: String,
    /// What is wrong and how to see it, 1 to 2,000 characters. For operators; never published.
    #[schema(min_length = 1, max_length = 2000)]
    text: String,
    /// How to reach you, at most 200 characters. For operators; never published.
    #[schema(max_length = 200)]
    contact: Option<String>,
}

/// A flag that was received.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FlagReceipt {
    /// Its id: name it when you write to the operators.
    flag_id: String,
    /// The certificate it is about.
    certificate_id: String,
    /// Always open: an operator looks at it.
    state: &'static str,
    /// When it was received.
    created_at: Timestamp,
}

/// Flag a certificate
///
/// An operator looks at it; nothing changes before that but `activeFlagCount`. A few an hour from one address.
#[utoipa::path(
    post, path = "/packages/{registry}/{name}/{version}/flags", tag = "packages", request_body = FlagRequest,
    params(
        ("registry" = String, Path, description = "`pypi` or `npm`", example = "pypi"),
        ("name" = String, Path, description = "Exact package name", example = "requests"),
        ("version" = String, Path, description = "Exact version", example = "2.31.0"),
    ),
    responses((status = 201, description = "Received", body = FlagReceipt), Problems)
)]
pub(crate) async fn flag(
    State(app): State<App>,
    Release(package): Release,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    Body(request): Body<FlagRequest>,
) -> Result<(StatusCode, Json<FlagReceipt>), Problem> {
    receive(&app, answering(&app, package).await?, peer, &headers, request).await
}

/// Flag the certificate of a scoped npm package
#[utoipa::path(
    post, path = "/packages/{registry}/{scope}/{name}/{version}/flags", tag = "packages", request_body = FlagRequest,
    params(
        ("registry" = String, Path, description = "`npm`", example = "npm"),
        ("scope" = String, Path, description = "The scope, with its `@`", example = "@babel"),
        ("name" = String, Path, description = "The name within the scope", example = "core"),
        ("version" = String, Path, description = "Exact version", example = "7.24.0"),
    ),
    responses((status = 201, description = "Received", body = FlagReceipt), Problems)
)]
pub(crate) async fn scoped_flag(
    State(app): State<App>,
    Release(package): Release,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    Body(request): Body<FlagRequest>,
) -> Result<(StatusCode, Json<FlagReceipt>), Problem> {
    receive(&app, answering(&app, package).await?, peer, &headers, request).await
}

/// Flag a certificate by its id
///
/// Of a package or of a submission. An operator looks at it; nothing changes before that but `activeFlagCount`. A few an hour from
/// one address.
#[utoipa::path(
    post, path = "/certificates/{id}/flags", tag = "certificates", request_body = FlagRequest,
    params(("id" = String, Path, description = "`pkg_` or `sig_` and 32 characters")),
    responses((status = 201, description = "Received", body = FlagReceipt), Problems)
)]
pub(crate) async fn flag_certificate(
    State(app): State<App>,
    params: RawPathParams,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    Body(request): Body<FlagRequest>,
) -> Result<(StatusCode, Json<FlagReceipt>), Problem> {
    let flagged = match find(&app, &params).await? {
        Found::Package(listed) => Flagged { certificate: listed.record.id.clone(), package: Some(listed.package) },
        Found::Submission(listed) => Flagged { certificate: listed.certificate.id().to_owned(), package: None },
    };
    receive(&app, flagged, peer, &headers, request).await
}

/// What is flagged.
struct Flagged {
    certificate: String,
    /// Nothing for a submission.
    package: Option<PackageId>,
}

/// The certificate that answers for a package.
async fn answering(app: &App, package: PackageId) -> Result<Flagged, Problem> {
    let record = app.answers.reader().package(&package).await?.ok_or_else(|| not_certified(&package))?;
    Ok(Flagged { certificate: record.id, package: Some(package) })
}

async fn receive(
    app: &App,
    flagged: Flagged,
    peer: Option<Extension<Peer>>,
    headers: &HeaderMap,
    request: FlagRequest,
) -> Result<(StatusCode, Json<FlagReceipt>), Problem> {
    let category = request.category.parse().map_err(|error| Problem::new(Code::InvalidBody, error))?;
    let text = bounded("text", &request.text, 1, MAX_TEXT)?;
    let contact = request.contact.as_deref().map(|contact| bounded("contact", contact, 0, MAX_CONTACT)).transpose()?;
    let now = app.now();
    let most = app.config.flags_per_hour_in_all;
    if most > 0 && app.store.flags_reach(most, Timestamp::from_millis(now.as_millis().saturating_sub(HOUR))).await? {
        return Err(too_many("too many flags were sent in the last hour", 600));
    }
    // Counted last: what was refused for another reason cost its sender nothing.
    if let Some(Extension(Peer(peer))) = peer {
        let client = app.limiter.client(peer.ip(), headers);
        app.limiter.flag(client).map_err(|seconds| too_many("too many flags from your address", seconds))?;
    }
    let mut random = [0; 20];
    getrandom::fill(&mut random).map_err(Problem::internal)?;
    let flag = Flag {
        id: format!("flg_{}", BASE32_NOPAD.encode(&random).to_ascii_lowercase()),
        package: flagged.package,
        certificate: flagged.certificate,
        category,
        text,
        contact: contact.filter(|contact| !contact.is_empty()),
        created_at: now,
        state: FlagState::Open,
        settled_at: None,
    };
    if !app.store.add_flag(&flag).await? {
        return Err(Problem::internal("a random flag id was taken"));
    }
    tracing::info!(
        flag.id,
        certificate.id = flag.certificate,
        flag.category = flag.category.as_str(),
        "somebody flagged a certificate"
    );
    let receipt = FlagReceipt {
        flag_id: flag.id,
        certificate_id: flag.certificate,
        state: flag.state.as_str(),
        created_at: flag.created_at,
    };
    Ok((StatusCode::CREATED, Json(receipt)))
}

fn too_many(why: &str, seconds: u64) -> Problem {
    Problem::new(Code::RateLimited, format!("{why}; try again in {seconds} s")).retry_after(seconds)
}

/// A text of a stranger: so many characters, and printable.
fn bounded(what: &str, text: &str, least: usize, most: usize) -> Result<String, Problem> {
    let (text, length) = (text.trim(), text.trim().chars().count());
    match (least..=most).contains(&length) {
        // Escaping may make it longer, by nine for a character.
        true => Ok(printable(text, 10 * most)),
        false => {
            let detail = format!("`{what}` has {length} characters, expected {least} to {most}");
            Err(Problem::new(Code::InvalidBody, detail))
        }
    }
}
