//! What a certificate's hashes are over: the files inside its distributions, and the report of their analysis. Neither is signed
//! itself; whoever gets them compares their hashes with the signed ones.

use axum::extract::{RawPathParams, State};
use axum::http::HeaderMap;
use axum::response::Response;
use sigma_certificate::FileLists;
use sigma_store::Sealed;

use crate::App;
use crate::conditional::{Tagged, Unchanged};
use crate::problem::{Code, Problem, Problems};
use crate::public::query::{is_certificate_id, named};

/// The files inside what a certificate covers
///
/// A list for each distribution whose bytes are kept here. `sha256-sorted-files-v1` over a list is the `fileSetHash` that the
/// certificate signs, and its number of files is the certificate's `coverage.files`: compare both before you believe it.
#[utoipa::path(
    get, path = "/certificates/{id}/files", tag = "certificates",
    params(("id" = String, Path, description = "`pkg_` and 32 characters")),
    responses((status = 200, description = "The lists", body = FileLists), Unchanged, Problems)
)]
pub(crate) async fn files(
    State(app): State<App>,
    params: RawPathParams,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let sealed = sealed(&app, &params).await?;
    let listing = app.files.get().ok_or_else(|| Problem::new(Code::NotFound, "this server keeps no distributions"))?;
    let lists = listing.of(&sealed.certificate).await?;
    if lists.distributions.is_empty() {
        return Err(Problem::new(Code::NotFound, "the bytes of its distributions are not kept here"));
    }
    Ok(Tagged::hashed(serde_json::to_vec(&lists).map_err(Problem::internal)?).respond(&headers))
}

/// The report that a certificate was sealed from
///
/// Its canonical bytes as they are: their SHA-256 is the certificate's `reportHash`. `sigma reproduce` compares it with what the same
/// bytes give today.
#[utoipa::path(
    get, path = "/certificates/{id}/report", tag = "certificates",
    params(("id" = String, Path, description = "`pkg_` and 32 characters")),
    responses((status = 200, description = "The report", body = serde_json::Value), Unchanged, Problems)
)]
pub(crate) async fn report(
    State(app): State<App>,
    params: RawPathParams,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    Ok(Tagged::hashed(sealed(&app, &params).await?.report).respond(&headers))
}

async fn sealed(app: &App, params: &RawPathParams) -> Result<Sealed, Problem> {
    let id = named(params);
    if !is_certificate_id(id) {
        return Err(Problem::new(Code::InvalidId, "expected `pkg_` and 32 characters of a-z and 2-7"));
    }
    let unknown = || Problem::new(Code::NotFound, format!("there is no certificate {id}"));
    // What the public is not told of yet has no evidence either.
    app.store.stands(id).await?.ok_or_else(unknown)?;
    app.store.certificate(id).await?.ok_or_else(unknown)
}
