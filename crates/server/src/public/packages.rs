//! `GET /packages/{registry}/{name}/{version}`: the certificate of an exact package.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use sigma_certificate::PackageView;
use sigma_core::PackageId;
use sigma_store::StoreError;

use crate::App;
use crate::conditional::{Tagged, Unchanged};
use crate::kept::View;
use crate::problem::{Code, Problem, Problems};
use crate::release::Release;

/// Where it is, as the router knows it.
pub(crate) const PATH: &str = "/api/v1/public/packages/{registry}/{name}/{version}";
/// The same where the name has a scope.
pub(crate) const SCOPED_PATH: &str = "/api/v1/public/packages/{registry}/{scope}/{name}/{version}";

/// The certificate of an exact package version
///
/// Names are exact; a PyPI name in another spelling is redirected to its normalised form. A scoped npm name is written
/// `@scope%2Fname` here, or with its slash as it is. The newest certificate answers, also when it was revoked: `status` says so.
#[utoipa::path(
    get, path = "/packages/{registry}/{name}/{version}", tag = "packages",
    params(
        ("registry" = String, Path, description = "`pypi` or `npm`", example = "pypi"),
        ("name" = String, Path, description = "Exact package name", example = "requests"),
        ("version" = String, Path, description = "Exact version", example = "2.31.0"),
    ),
    responses(
        (status = 200, description = "The certificate", body = PackageView<'static>),
        (status = 308, description = "The same package under its normalised name"),
        Unchanged,
        Problems
    )
)]
pub(crate) async fn package(
    State(app): State<App>,
    Release(package): Release,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    answer(&app, package, View::Package, &headers).await
}

/// The certificate of an exact version of a scoped npm package
#[utoipa::path(
    get, path = "/packages/{registry}/{scope}/{name}/{version}", tag = "packages",
    params(
        ("registry" = String, Path, description = "`npm`", example = "npm"),
        ("scope" = String, Path, description = "The scope, with its `@`", example = "@babel"),
        ("name" = String, Path, description = "The name within the scope", example = "core"),
        ("version" = String, Path, description = "Exact version", example = "7.24.0"),
    ),
    responses(
        (status = 200, description = "The certificate", body = PackageView<'static>),
        Unchanged,
        Problems
    )
)]
pub(crate) async fn scoped_package(
    State(app): State<App>,
    Release(package): Release,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    answer(&app, package, View::Package, &headers).await
}

/// The kept answer about a package, or 404.
pub(crate) async fn answer(
    app: &App,
    package: PackageId,
    view: View,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    said(app.answers.of(&package, view).await, &package, headers)
}

/// What was found about a package as an answer, or 404.
pub(crate) fn said(
    found: Result<Option<Tagged>, StoreError>,
    package: &PackageId,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    found?.map(|answer| answer.respond(headers)).ok_or_else(|| not_certified(package))
}

/// The problem of a package that nobody certified, which says nothing about its safety.
pub(crate) fn not_certified(package: &PackageId) -> Problem {
    Problem::new(Code::NotCertified, format!("{package} has not been certified; nothing is known about it"))
}
