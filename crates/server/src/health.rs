//! Whether the server lives, whether it can answer, and its figures.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;
use axum::{Extension, Json};
use serde_json::{Value, json};

use crate::App;
use crate::limit::Peer;
use crate::problem::{Code, Problem};

/// The process lives. Asks nothing of anybody: a slow database is no reason to kill it.
pub(crate) async fn live() -> Json<Value> {
    Json(json!({"status": "live"}))
}

/// Requests can be answered: the database answers, and the server was not told to stop.
pub(crate) async fn ready(State(app): State<App>) -> Result<Json<Value>, Problem> {
    let not_ready = |why| Err(Problem::new(Code::Unavailable, why).retry_after(2));
    if app.stopping.load(Ordering::SeqCst) {
        return not_ready("the server is stopping");
    }
    match tokio::time::timeout(Duration::from_secs(2), app.store.ping()).await {
        Ok(Ok(())) => Ok(Json(json!({"status": "ready"}))),
        Ok(Err(error)) => {
            tracing::warn!(%error, "not ready");
            not_ready("the database does not answer")
        }
        Err(_) => not_ready("the database does not answer in time"),
    }
}

/// Figures for Prometheus, for the networks that may read them.
pub(crate) async fn metrics(
    State(app): State<App>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    let client = peer.map(|Extension(Peer(peer))| app.limiter.client(peer.ip(), &headers));
    if !client.is_some_and(|client| app.config.metrics_for.iter().any(|net| net.contains(&client))) {
        return Err(Problem::new(Code::Forbidden, "figures are not for your address; see metrics_for"));
    }
    app.metrics.look(&app.store, app.now()).await;
    app.metrics.looked_up(app.answers.reader().statements());
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], app.metrics.text()))
}
