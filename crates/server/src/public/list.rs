//! `GET /packages`: certificates, newest first.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sigma_core::{Ecosystem, PackageName, SecurityLevel};
use sigma_store::{Cursor, Filter};
use utoipa::{IntoParams, ToSchema};

use crate::App;
use crate::conditional::{Tagged, Unchanged};
use crate::problem::{Code, Problem, Problems};
use crate::public::query::{Params, cut, limit, read_cursor, write_cursor};
use crate::public::summary::Summary;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParams {
    /// Only of one registry: `pypi` or `npm`.
    registry: Option<String>,
    /// Only of this exact name; needs `registry`.
    name: Option<String>,
    /// Only with this level now: CLEAR, MONITORED, CAUTION or BLOCKED. Revoked certificates count as BLOCKED.
    level: Option<String>,
    /// How many, 1 to 100; 20 unless given.
    pub(crate) limit: Option<u32>,
    /// `nextCursor` of the page before.
    pub(crate) cursor: Option<String>,
}

/// One page of certificates.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page {
    /// The certificates, newest first.
    items: Vec<Summary>,
    /// Where the next page begins; `null` on the last one.
    next_cursor: Option<String>,
}

/// Certificates, newest first
///
/// A walk through all pages sees every certificate that was there when it began, whatever is sealed meanwhile.
#[utoipa::path(
    get, path = "/packages", tag = "packages", params(ListParams),
    responses((status = 200, description = "A page", body = Page), Unchanged, Problems)
)]
pub(crate) async fn list(
    State(app): State<App>,
    Params(params): Params<ListParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let filter = filter(&params)?;
    let limit = limit(params.limit)?;
    let after = params.cursor.as_deref().map(read_cursor).transpose()?;
    let mut found = app.store.page(&filter, after.as_ref(), limit + 1).await?;
    let next_cursor = cut(&mut found, limit, |last| {
        write_cursor(&Cursor { certified_at: last.record.certified_at, id: last.record.id.clone() })
    });
    let items: Result<Vec<Summary>, _> =
        found.iter().map(|listed| Summary::of(listed, app.answers.endpoints())).collect();
    let page = Page { items: items?, next_cursor };
    Ok(Tagged::hashed(serde_json::to_vec(&page).map_err(Problem::internal)?).respond(&headers))
}

/// What a list is asked for.
pub(crate) fn filter(params: &ListParams) -> Result<Filter, Problem> {
    let ecosystem: Option<Ecosystem> = params
        .registry
        .as_deref()
        .map(|registry| registry.parse().map_err(|error| Problem::new(Code::InvalidRegistry, error)))
        .transpose()?;
    let name = match (&params.name, ecosystem) {
        (None, _) => None,
        (Some(_), None) => return Err(Problem::new(Code::InvalidQuery, "`name` needs `registry`")),
        (Some(name), Some(ecosystem)) => {
            let name = PackageName::new(ecosystem, name).map_err(|error| Problem::new(Code::InvalidName, error))?;
            Some(name.as_str().to_owned())
        }
    };
    let level: Option<SecurityLevel> = params
        .level
        .as_deref()
        .map(|level| level.parse().map_err(|error: String| Problem::new(Code::InvalidQuery, error)))
        .transpose()?;
    Ok(Filter { ecosystem, name, level })
}
