//! The transparency log over HTTP (C2SP tlog-tiles), the trusted root, and bundles.

use axum::extract::{Path, RawPathParams, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use sigma_pipeline::{LedgerError, LedgerReader};

use crate::App;
use crate::conditional::{Tagged, Unchanged};
use crate::problem::{Code, Problem, Problems};
use crate::public::query::{certificate_id, named};

/// Tiles never change: whoever has one need not ask again.
const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// A checkpoint is as old as its last entry: it is asked for again.
const NEWEST: HeaderValue = HeaderValue::from_static("public, no-cache");

/// `/log/{path}`: checkpoint, tiles, entries, and the trusted root.
pub(crate) async fn resource(State(app): State<App>, Path(path): Path<String>) -> Result<Response, Problem> {
    let ledger = ledger(&app)?;
    if path == "trusted_root.json" {
        return Ok(json(ledger.trusted_root().map_err(unreadable)?));
    }
    if let Some(name) = path.strip_prefix("roots/") {
        return root(&app, ledger, name).await;
    }
    if let Some(statement) = statement(&app, ledger, &path).await? {
        return Ok(json(statement));
    }
    let reader = ledger.clone();
    let found = tokio::task::spawn_blocking(move || reader.serve(&path)).await.map_err(Problem::internal)?;
    let Some((bytes, immutable)) = found.map_err(unreadable)? else {
        return Err(Problem::new(Code::NotFound, "the log has no such resource"));
    };
    let kind = if immutable { "application/octet-stream" } else { "text/plain; charset=utf-8" };
    let cache = if immutable { IMMUTABLE } else { NEWEST };
    let headers = [(header::CONTENT_TYPE, HeaderValue::from_static(kind)), (header::CACHE_CONTROL, cache)];
    Ok((headers, bytes).into_response())
}

/// `roots/{version}.json`, and `roots/{version}.proof.json`: that it follows from the version before.
async fn root(app: &App, ledger: &LedgerReader, name: &str) -> Result<Response, Problem> {
    let none = || Problem::new(Code::NotFound, "the trusted root has no such version");
    let (number, is_proof) = match name.strip_suffix(".proof.json") {
        Some(number) => (number, true),
        None => (name.strip_suffix(".json").ok_or_else(none)?, false),
    };
    let number: u64 = number.parse().map_err(|_| none())?;
    let bytes = match is_proof {
        true => {
            let proof = ledger.root_proof(&app.store, number).await.map_err(unreadable)?;
            proof.map(|proof| serde_json::to_vec(&proof)).transpose().map_err(Problem::internal)?
        }
        false => ledger.root(number).map_err(unreadable)?,
    };
    Ok(json(bytes.ok_or_else(none)?))
}

/// `reaudits/{certificate}.json` and `decisions/{number}.json`: what entries say that are about certificates, with their places.
async fn statement(app: &App, ledger: &LedgerReader, path: &str) -> Result<Option<Vec<u8>>, Problem> {
    let Some((kind, name)) = path.strip_suffix(".json").and_then(|path| path.split_once('/')) else { return Ok(None) };
    let found = match kind {
        "reaudits" if certificate_id(name).is_ok() => ledger.reaudit(&app.store, name).await,
        "decisions" => match name.parse() {
            Ok(number) => ledger.decision(&app.store, number).await,
            Err(_) => return Ok(None),
        },
        _ => return Ok(None),
    };
    found.map_err(unreadable)?.map(|bundle| serde_json::to_vec(&bundle)).transpose().map_err(Problem::internal)
}

fn json(bytes: Vec<u8>) -> Response {
    let kind = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, NEWEST)], bytes).into_response()
}

/// Everything that it takes to check a certificate offline
///
/// The signed statement (DSSE, in-toto), its place in the transparency log with the proof, what was sealed, and the newest status list.
/// `sigma verify` and `docs/verify/verify.py` check it against the trusted root at `/log/trusted_root.json`.
#[utoipa::path(
    get, path = "/certificates/{id}/bundle", tag = "certificates",
    params(("id" = String, Path, description = "`pkg_` or `sig_` and 32 characters")),
    responses((status = 200, description = "The bundle", body = serde_json::Value), Unchanged, Problems)
)]
pub(crate) async fn bundle(
    State(app): State<App>,
    params: RawPathParams,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = certificate_id(named(&params))?;
    let bundle = ledger(&app)?.bundle(&app.store, id).await.map_err(unreadable)?;
    let bundle = bundle.ok_or_else(|| Problem::new(Code::NotFound, format!("{id} is not in the log")))?;
    Ok(Tagged::hashed(serde_json::to_vec(&bundle).map_err(Problem::internal)?).respond(&headers))
}

fn ledger(app: &App) -> Result<&LedgerReader, Problem> {
    app.ledger.get().ok_or_else(|| Problem::new(Code::NotFound, "this server has no transparency log"))
}

fn unreadable(error: LedgerError) -> Problem {
    match error {
        LedgerError::Store(error) => error.into(),
        error => Problem::internal(error),
    }
}
