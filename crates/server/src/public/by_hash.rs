//! `GET /packages/by-hash/{sha256}`: what is certified about bytes at hand.

use axum::extract::{RawPathParams, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use sigma_core::Sha256;
use utoipa::ToSchema;

use crate::App;
use crate::conditional::{Tagged, Unchanged};
use crate::problem::{Code, Problem, Problems};
use crate::public::query::{MAX_LIMIT, named};
use crate::public::summary::Summary;

/// Certificates that cover some bytes.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Covering {
    /// The bytes' SHA-256.
    sha256: Sha256,
    /// The certificates, newest first, at most 100. The bytes are one of the files they cover, not always the preferred one.
    items: Vec<Summary>,
}

/// Certificates of a file, by its SHA-256
#[utoipa::path(
    get, path = "/packages/by-hash/{sha256}", tag = "packages",
    params(("sha256" = String, Path, description = "64 hexadecimal digits")),
    responses((status = 200, description = "Every certificate that covers it", body = Covering), Unchanged, Problems)
)]
pub(crate) async fn by_hash(
    State(app): State<App>,
    params: RawPathParams,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let text = named(&params);
    let sha256: Sha256 = text.parse().map_err(|error| Problem::new(Code::InvalidHash, error))?;
    let found = app.store.covering(sha256, MAX_LIMIT).await?;
    if found.is_empty() {
        return Err(Problem::new(Code::NotCertified, format!("no certificate covers a file with SHA-256 {sha256}")));
    }
    let items: Result<Vec<Summary>, _> =
        found.iter().map(|listed| Summary::of(listed, app.answers.endpoints())).collect();
    let body = Covering { sha256, items: items? };
    Ok(Tagged::hashed(serde_json::to_vec(&body).map_err(Problem::internal)?).respond(&headers))
}
