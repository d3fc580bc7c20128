//! `/log`: who did what, and why.

use axum::Json;
use axum::extract::State;
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use sigma_core::Timestamp;
use sigma_store::Entry;
use utoipa::{IntoParams, ToSchema};

use crate::App;
use crate::developer::caller::Admin;
use crate::problem::{Code, Problem, Problems, Refusals};
use crate::public::query::{Params, cut, limit};

/// Entries of the log, the newest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LogPage {
    items: Vec<EntryView>,
    /// Where the next page begins; `null` on the last one.
    next_cursor: Option<String>,
}

/// Something that an operator did. It is never changed or removed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EntryView {
    /// Its place, from 1 on without gaps.
    seq: u64,
    /// revoke, block, override, reaudit, reaudited (what came of it), decide, retry or settle.
    #[schema(example = "revoke")]
    action: String,
    /// What it is about: a certificate, package, escalation, job or flag.
    subject: String,
    /// The level that was given; empty where none was.
    level: String,
    /// What else belongs to it, such as the certificate that a decision sealed.
    detail: String,
    /// Why.
    reason: String,
    /// Who: the owner of the token, or the name given on the command line.
    operator: String,
    /// When.
    at: Timestamp,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LogParams {
    /// Only about this: an id, or a package such as `pypi:requests@2.31.0`.
    subject: Option<String>,
    /// How many, 1 to 100; 20 unless given.
    limit: Option<u32>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

/// Bytes of a subject: the longest is a package.
const MAX_SUBJECT: usize = 500;

/// What operators did
#[utoipa::path(
    get, path = "/log", tag = "admin", params(LogParams), security(("token" = ["admin"])),
    responses((status = 200, description = "A page", body = LogPage), Problems, Refusals)
)]
pub(crate) async fn list(
    State(app): State<App>,
    Admin(_): Admin,
    Params(params): Params<LogParams>,
) -> Result<Json<LogPage>, Problem> {
    let limit = limit(params.limit)?;
    let subject = params.subject.as_deref();
    // PostgreSQL has no text with a zero byte.
    if subject.is_some_and(|subject| subject.len() > MAX_SUBJECT || subject.contains('\0')) {
        return Err(Problem::new(Code::InvalidQuery, "nothing has such a subject"));
    }
    let before = params.cursor.as_deref().map(read_cursor).transpose()?;
    let mut found = app.store.log(before, subject, limit + 1).await?;
    let next_cursor = cut(&mut found, limit, |last| BASE64URL_NOPAD.encode(last.seq.to_string().as_bytes()));
    Ok(Json(LogPage { items: found.into_iter().map(view).collect(), next_cursor }))
}

fn read_cursor(text: &str) -> Result<u64, Problem> {
    let wrong = || Problem::new(Code::InvalidQuery, "the cursor is none that this server gave out");
    let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| wrong())?;
    String::from_utf8(bytes).ok().and_then(|text| text.parse().ok()).ok_or_else(wrong)
}

fn view(entry: Entry) -> EntryView {
    EntryView {
        seq: entry.seq,
        action: entry.action,
        subject: entry.subject,
        level: entry.level,
        detail: entry.detail,
        reason: entry.reason,
        operator: entry.operator,
        at: entry.at,
    }
}
