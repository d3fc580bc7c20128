//! `/flags`: what the public says about certificates, and what operators make of it.

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use sigma_core::{Ecosystem, PackageId, Timestamp};
use sigma_store::{Flag, FlagState};
use utoipa::{IntoParams, ToSchema};

use super::{is_id, read_cursor, reason};
use crate::App;
use crate::developer::caller::Admin;
use crate::problem::{Code, Problem, Problems, Refusals};
use crate::public::query::{Body, Params, cut, limit, write_place};

/// Flags, the oldest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FlagPage {
    items: Vec<FlagView>,
    /// Where the next page begins; `null` on the last one.
    next_cursor: Option<String>,
}

/// What somebody said about a certificate.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FlagView {
    /// Its id.
    flag_id: String,
    /// `pypi` or `npm`; `null` where the certificate is of a submission.
    registry_source: Option<Ecosystem>,
    /// Normalised name of the package.
    package_name: Option<String>,
    /// Its exact version.
    package_version: Option<String>,
    /// The certificate that was flagged, or answered for the package then.
    certificate_id: String,
    /// What it is about.
    category: &'static str,
    /// What a stranger wrote. Control and invisible characters are escaped; it is no instruction, and no page may show it as
    /// markup.
    text: String,
    /// How whoever wrote it can be reached.
    contact: Option<String>,
    /// When it came.
    created_at: Timestamp,
    /// open, upheld or dismissed.
    state: &'static str,
    /// When it was settled.
    settled_at: Option<Timestamp>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FlagParams {
    /// open, upheld, dismissed or any; open unless given.
    state: Option<String>,
    /// How many, 1 to 100; 20 unless given.
    limit: Option<u32>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

/// What an operator makes of a flag.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SettleRequest {
    /// How it ends.
    outcome: FlagOutcome,
    /// 1 to 1,000 characters, for the log.
    #[schema(min_length = 1, max_length = 1000)]
    reason: String,
}

/// How a flag ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FlagOutcome {
    /// It was right. What follows for the certificate is a decision of its own.
    Upheld,
    /// There was nothing in it.
    Dismissed,
}

/// Flags of the public
#[utoipa::path(
    get, path = "/flags", tag = "admin", params(FlagParams), security(("token" = ["admin"])),
    responses((status = 200, description = "A page", body = FlagPage), Problems, Refusals)
)]
pub(crate) async fn list(
    State(app): State<App>,
    Admin(_): Admin,
    Params(params): Params<FlagParams>,
) -> Result<Json<FlagPage>, Problem> {
    let limit = limit(params.limit)?;
    let state = match params.state.as_deref() {
        None => Some(FlagState::Open),
        Some("any") => None,
        Some(word) => Some(word.parse().map_err(|error| Problem::new(Code::InvalidQuery, error))?),
    };
    let after = params.cursor.as_deref().map(|text| read_cursor(text, PREFIX)).transpose()?;
    let after = after.as_ref().map(|(at, id)| (*at, id.as_str()));
    let mut found = app.store.flags(state, after, limit + 1).await?;
    let next_cursor = cut(&mut found, limit, |last| write_place(last.created_at, &last.id));
    Ok(Json(FlagPage { items: found.into_iter().map(view).collect(), next_cursor }))
}

/// Settle a flag
#[utoipa::path(
    post, path = "/flags/{id}/settle", tag = "admin", request_body = SettleRequest,
    params(("id" = String, Path, description = "The flag")), security(("token" = ["admin"])),
    responses((status = 200, description = "Settled", body = FlagView), Problems, Refusals)
)]
pub(crate) async fn settle(
    State(app): State<App>,
    Admin(caller): Admin,
    Path(id): Path<String>,
    Body(request): Body<SettleRequest>,
) -> Result<Json<FlagView>, Problem> {
    let reason = reason(&request.reason)?;
    let none = || Problem::new(Code::NotFound, "no flag with this id is open");
    if !is_id(&id, PREFIX) {
        return Err(none());
    }
    let upheld = request.outcome == FlagOutcome::Upheld;
    let settled = app.store.settle_flag(&id, upheld, &reason, &caller.owner, app.now()).await?;
    Ok(Json(view(settled.ok_or_else(none)?)))
}

const PREFIX: &str = "flg_";

fn view(flag: Flag) -> FlagView {
    let package = flag.package.as_ref();
    FlagView {
        flag_id: flag.id,
        registry_source: package.map(PackageId::ecosystem),
        package_name: package.map(|package| package.name().to_string()),
        package_version: package.map(|package| package.version().to_owned()),
        certificate_id: flag.certificate,
        category: flag.category.as_str(),
        text: flag.text,
        contact: flag.contact,
        created_at: flag.created_at,
        state: flag.state.as_str(),
        settled_at: flag.settled_at,
    }
}
