//! `GET /packages/search`: certified names that begin with a text.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sigma_core::Ecosystem;
use utoipa::{IntoParams, ToSchema};

use crate::App;
use crate::conditional::{Tagged, Unchanged};
use crate::problem::{Code, Problem, Problems};
use crate::public::query::{Params, limit};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SearchParams {
    /// What names begin with: 1 to 214 characters. `-`, `_` and `.` are the same on PyPI.
    q: String,
    /// Only of one registry: `pypi` or `npm`.
    registry: Option<String>,
    /// How many of each registry, 1 to 100; 20 unless given.
    limit: Option<u32>,
    /// The last name of the page before; needs `registry`.
    after: Option<String>,
}

/// Names that begin with the text.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Found {
    /// In order of registry and name.
    items: Vec<Name>,
}

/// A certified name.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Name {
    /// `pypi` or `npm`.
    registry_source: Ecosystem,
    /// The name.
    package_name: String,
    /// How many certificates its versions have, whatever they say.
    certificates: u64,
}

/// Certified packages by the beginning of their name
#[utoipa::path(
    get, path = "/packages/search", tag = "packages", params(SearchParams),
    responses((status = 200, description = "The names", body = Found), Unchanged, Problems)
)]
pub(crate) async fn search(
    State(app): State<App>,
    Params(params): Params<SearchParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let limit = limit(params.limit)?;
    let ecosystems = match params.registry.as_deref() {
        Some(registry) => vec![registry.parse().map_err(|error| Problem::new(Code::InvalidRegistry, error))?],
        None if params.after.is_some() => return Err(Problem::new(Code::InvalidQuery, "`after` needs `registry`")),
        None => vec![Ecosystem::Pypi, Ecosystem::Npm],
    };
    let mut items = Vec::new();
    for ecosystem in ecosystems {
        let Some(prefix) = prefix(ecosystem, &params.q)? else { continue };
        let after = params.after.as_deref().unwrap_or_default();
        if after.len() > MAX_NAME || !after.is_ascii() {
            return Err(Problem::new(Code::InvalidQuery, "`after` is no name"));
        }
        let names = app.store.names(ecosystem, &prefix, after, limit).await?;
        items.extend(names.into_iter().map(|(package_name, certificates)| Name {
            registry_source: ecosystem,
            package_name,
            certificates,
        }));
    }
    Ok(Tagged::hashed(serde_json::to_vec(&Found { items }).map_err(Problem::internal)?).respond(&headers))
}

const MAX_NAME: usize = 214;

/// The text as names of the ecosystem have it; none where no name of it can begin so.
fn prefix(ecosystem: Ecosystem, text: &str) -> Result<Option<String>, Problem> {
    if text.is_empty() || text.len() > MAX_NAME || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Problem::new(
            Code::InvalidQuery,
            format!("`q`: expected 1 to {MAX_NAME} visible ASCII characters, got {} bytes", text.len()),
        ));
    }
    Ok(match ecosystem {
        Ecosystem::Npm => Some(text.to_owned()),
        Ecosystem::Pypi if text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) => {
            Some(text.to_ascii_lowercase().replace(['_', '.'], "-"))
        }
        Ecosystem::Pypi => None,
    })
}
