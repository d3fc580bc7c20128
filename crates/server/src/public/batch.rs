//! `POST /packages/batch`: up to a thousand packages in one question.

use std::num::NonZeroU32;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use sigma_certificate::PackageView;
use sigma_core::PackageId;
use utoipa::ToSchema;

use crate::conditional::Tagged;
use crate::limit::Peer;
use crate::problem::{Code, Problem, Problems};
use crate::public::purl::package_of;
use crate::public::query::Body;
use crate::{App, front};

/// Packages of one question.
const MAX_PURLS: usize = 1000;
/// Packages that count as one request for the rate limit.
const PER_REQUEST: usize = 100;

/// Packages to look up.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BatchRequest {
    /// Package URLs with an exact version, at most 1,000.
    #[schema(example = json!(["pkg:pypi/requests@2.31.0", "pkg:npm/%40babel/core@7.24.0"]), max_items = 1000)]
    purls: Vec<String>,
}

/// What is known about them, in the same order.
#[derive(Serialize, ToSchema)]
#[allow(dead_code)] // Only its schema is used: the answer is put together from bodies that are ready.
pub(crate) struct BatchAnswer {
    results: Vec<BatchResult>,
}

/// What is known about one of them.
#[derive(Serialize, ToSchema)]
#[allow(dead_code)]
pub(crate) struct BatchResult {
    /// The package URL as it was sent.
    purl: String,
    /// CERTIFIED (a certificate answers, whatever it says), UNCERTIFIED or INVALID.
    result: &'static str,
    /// The certificate.
    certificate: Option<PackageView<'static>>,
    /// Why the package URL is none of an exact package.
    error: Option<String>,
}

/// Certificates of up to 1,000 packages
#[utoipa::path(
    post, path = "/packages/batch", tag = "packages", request_body = BatchRequest,
    responses((status = 200, description = "What is known, in the same order", body = BatchAnswer), Problems)
)]
pub(crate) async fn batch(
    State(app): State<App>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    Body(request): Body<BatchRequest>,
) -> Result<Response, Problem> {
    let count = request.purls.len();
    if count > MAX_PURLS {
        return Err(Problem::new(Code::InvalidBody, format!("got {count} package URLs, expected at most {MAX_PURLS}")));
    }
    weigh(&app, peer, &headers, count)?;
    let packages: Vec<Result<PackageId, String>> = request.purls.iter().map(|purl| package_of(purl)).collect();
    let known: Vec<PackageId> = packages.iter().filter_map(|package| package.as_ref().ok().cloned()).collect();
    let mut answers = app.answers.of_all(&known).await?.into_iter();
    let mut json = Vec::with_capacity(64 << 10);
    json.extend_from_slice(b"{\"results\":[");
    for (index, (purl, package)) in request.purls.iter().zip(packages).enumerate() {
        if index > 0 {
            json.push(b',');
        }
        let answer = match package {
            Ok(_) => Ok(answers.next().flatten()),
            Err(why) => Err(why),
        };
        write(&mut json, purl, answer).map_err(Problem::internal)?;
    }
    json.extend_from_slice(b"]}");
    let kind = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    Ok((kind, json).into_response())
}

/// Counts a question about many packages as more than one request.
pub(crate) fn weigh(
    app: &App,
    peer: Option<Extension<Peer>>,
    headers: &HeaderMap,
    packages: usize,
) -> Result<(), Problem> {
    // `front` has counted one.
    let more = u32::try_from(packages.saturating_sub(1) / PER_REQUEST).unwrap_or(u32::MAX);
    let (Some(Extension(Peer(peer))), Some(more)) = (peer, NonZeroU32::new(more)) else { return Ok(()) };
    app.limiter.count(app.limiter.client(peer.ip(), headers), more).map_err(front::too_many)
}

fn write(json: &mut Vec<u8>, purl: &str, answer: Result<Option<Tagged>, String>) -> serde_json::Result<()> {
    json.extend_from_slice(b"{\"purl\":");
    serde_json::to_writer(&mut *json, purl)?;
    match answer {
        Ok(Some(certificate)) => {
            json.extend_from_slice(b",\"result\":\"CERTIFIED\",\"certificate\":");
            json.extend_from_slice(&certificate.body);
            json.extend_from_slice(b",\"error\":null}");
        }
        Ok(None) => json.extend_from_slice(b",\"result\":\"UNCERTIFIED\",\"certificate\":null,\"error\":null}"),
        Err(why) => {
            json.extend_from_slice(b",\"result\":\"INVALID\",\"certificate\":null,\"error\":");
            serde_json::to_writer(&mut *json, &why)?;
            json.push(b'}');
        }
    }
    Ok(())
}
