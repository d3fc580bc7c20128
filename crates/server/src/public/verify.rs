//! `GET /packages/{registry}/{name}/{version}/verify`: a certificate with what is needed to check it.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use sigma_certificate::VerifyView;

use crate::App;
use crate::conditional::Unchanged;
use crate::kept::View;
use crate::problem::{Problem, Problems};
use crate::public::packages::answer;
use crate::release::Release;

/// Where it is, as the router knows it.
pub(crate) const PATH: &str = "/api/v1/public/packages/{registry}/{name}/{version}/verify";
/// The same where the name has a scope.
pub(crate) const SCOPED_PATH: &str = "/api/v1/public/packages/{registry}/{scope}/{name}/{version}/verify";

/// The certificate with its integrity details
///
/// For programs that confirm a package's status before they use it: compare `distributionSha256` with the SHA-256 of the file at
/// hand (or find it in `distributions`), and recompute `payloadHash` as keccak256 over the canonical JSON (RFC 8785) of `payload`.
#[utoipa::path(
    get, path = "/packages/{registry}/{name}/{version}/verify", tag = "packages",
    params(
        ("registry" = String, Path, description = "`pypi` or `npm`", example = "pypi"),
        ("name" = String, Path, description = "Exact package name", example = "requests"),
        ("version" = String, Path, description = "Exact version", example = "2.31.0"),
    ),
    responses(
        (status = 200, description = "The certificate, verifiable", body = VerifyView<'static>),
        (status = 308, description = "The same package under its normalised name"),
        Unchanged,
        Problems
    )
)]
pub(crate) async fn verify(
    State(app): State<App>,
    Release(package): Release,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    answer(&app, package, View::Verify, &headers).await
}

/// The certificate of a scoped npm package with its integrity details
#[utoipa::path(
    get, path = "/packages/{registry}/{scope}/{name}/{version}/verify", tag = "packages",
    params(
        ("registry" = String, Path, description = "`npm`", example = "npm"),
        ("scope" = String, Path, description = "The scope, with its `@`", example = "@babel"),
        ("name" = String, Path, description = "The name within the scope", example = "core"),
        ("version" = String, Path, description = "Exact version", example = "7.24.0"),
    ),
    responses(
        (status = 200, description = "The certificate, verifiable", body = VerifyView<'static>),
        Unchanged,
        Problems
    )
)]
pub(crate) async fn scoped_verify(
    State(app): State<App>,
    Release(package): Release,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    answer(&app, package, View::Verify, &headers).await
}
