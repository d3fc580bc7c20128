//! The exact package that an address names: `/{registry}/{name}/{version}`, with a scope as a segment of its own or
//! percent-encoded into the name.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use sigma_certificate::Endpoints;
use sigma_core::{Ecosystem, PackageId, PackageName};

use crate::problem::{Code, Problem};

/// A package from the path. A PyPI name in another spelling is answered with a redirect to the canonical one (PEP 503).
pub(crate) struct Release(pub(crate) PackageId);

impl<S: Send + Sync> FromRequestParts<S> for Release {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| {
            Problem::new(Code::InvalidPath, "the address is not UTF-8 once its percent-encoding is undone")
                .into_response()
        })?;
        let (mut registry, mut scope, mut name, mut version) = ("", None, "", "");
        for (key, value) in &params {
            match key {
                "registry" => registry = value,
                "scope" => scope = Some(value),
                "name" => name = value,
                "version" => version = value,
                _ => {}
            }
        }
        let scoped;
        if let Some(scope) = scope {
            scoped = format!("{scope}/{name}");
            name = &scoped;
        }
        let ecosystem: Ecosystem =
            registry.parse().map_err(|error| Problem::new(Code::InvalidRegistry, error).into_response())?;
        let normal = PackageName::new(ecosystem, name)
            .map_err(|error| Problem::new(Code::InvalidName, error).into_response())?;
        let renamed = normal.as_str() != name;
        let package = PackageId::new(normal, version)
            .map_err(|error| Problem::new(Code::InvalidVersion, error).into_response())?;
        if renamed {
            return Err(moved(&package, parts));
        }
        Ok(Self(package))
    }
}

/// A permanent redirect to the canonical address, to the same endpoint with the same query.
fn moved(package: &PackageId, parts: &Parts) -> Response {
    let mut to = Endpoints::path(package.ecosystem(), package.name().as_str(), package.version());
    let below = ["/verify", "/flags"].into_iter().find(|below| parts.uri.path().ends_with(below));
    to.push_str(below.unwrap_or_default());
    if let Some(query) = parts.uri.query() {
        to.push('?');
        to.push_str(query);
    }
    match HeaderValue::from_str(&to) {
        Ok(to) => (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, to)]).into_response(),
        Err(error) => Problem::internal(error).into_response(),
    }
}
