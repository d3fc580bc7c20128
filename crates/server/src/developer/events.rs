//! `/submissions/{id}/events`: what happens to a submission, live; and `/history`: what happened.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::sse::{self, KeepAlive, Sse};
use futures::{Stream, stream};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sigma_core::Timestamp;
use sigma_store::{Event, JobId};
use tokio::time::Instant;
use utoipa::{IntoParams, ToSchema};

use super::caller::{Caller, Reader};
use super::places::Place;
use super::submissions::WaitingFor;
use super::{plane, submissions};
use crate::App;
use crate::problem::{Problem, Problems, Refusals};
use crate::public::query::Params;

/// Something that happened to a submission.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EventView {
    /// Its place, from 1 on without gaps.
    seq: u64,
    /// queued, planned, package, reviewing, decided (an operator did), ended; then certificate-decision and certificate-replaced.
    #[schema(example = "package")]
    kind: String,
    /// When.
    at: Timestamp,
    /// What exactly, depending on the kind.
    #[schema(value_type = Object)]
    data: serde_json::Value,
}

/// An event as the stream has it.
#[derive(ToSchema)]
#[allow(dead_code)] // Only its schema is used.
pub(crate) struct LiveEvent {
    /// Its place: what `Last-Event-ID` goes on after. `waiting` has none, because it is no part of the history.
    id: String,
    /// queued, planned, package, reviewing, decided (an operator did), ended; then certificate-decision and certificate-replaced. And
    /// `waiting`, whenever that changes: `waitingFor` of the submission.
    event: String,
    /// JSON: what exactly, depending on the kind.
    data: String,
}

/// A page of history.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct History {
    /// In order.
    items: Vec<EventView>,
    /// `after` of the next page; `null` when there is no more at the moment.
    next_after: Option<u64>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct After {
    /// Only what came after this place.
    after: Option<u64>,
}

/// Events of a page.
const PAGE: u32 = 200;
/// How often a live view looks for news.
const PAUSE: Duration = Duration::from_secs(1);
/// How often it looks whether the submission waits for somebody who does not answer.
const LOOK: Duration = Duration::from_secs(5);
/// How often a live view makes sure that its token still counts.
const CHECK: Duration = Duration::from_secs(15);
/// How long a live view lasts; then the client connects again and goes on where it was.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// What happened to a submission of yours
#[utoipa::path(
    get, path = "/submissions/{submissionId}/history", tag = "developer",
    params(("submissionId" = String, Path, description = "The submission"), After), security(("token" = ["read"])),
    responses((status = 200, description = "Events in order", body = History), Problems, Refusals)
)]
pub(crate) async fn history(
    State(app): State<App>,
    Reader(caller): Reader,
    Path(id): Path<String>,
    Params(params): Params<After>,
) -> Result<Json<History>, Problem> {
    let submission = submissions::find(&app, &caller.owner, &id).await?;
    let events = app.store.events(&submission.id, params.after.unwrap_or(0), PAGE).await?;
    let more = events.len() == PAGE as usize;
    let next_after = events.last().filter(|_| more).map(|event| event.seq);
    Ok(Json(History { items: events.iter().map(view).collect::<Result<_, _>>()?, next_after }))
}

/// What happens to a submission of yours, live
///
/// Server-sent events: `event` is the kind, `id` the place, `data` JSON. Whoever connects again with `Last-Event-ID` goes on
/// there. The stream ends with the submission. `waiting` tells for whom it waits, and is no part of the history.
#[utoipa::path(
    get, path = "/submissions/{submissionId}/events", tag = "developer",
    params(("submissionId" = String, Path, description = "The submission"), After), security(("token" = ["read"])),
    responses((status = 200, description = "Events as they happen", body = LiveEvent, content_type = "text/event-stream"), Problems, Refusals)
)]
pub(crate) async fn events(
    State(app): State<App>,
    Reader(caller): Reader,
    Path(id): Path<String>,
    Params(params): Params<After>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<sse::Event, axum::Error>>>, Problem> {
    let submission = submissions::find(&app, &caller.owner, &id).await?;
    let place = plane(&app)?.live(&caller.owner)?;
    let last = headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse().ok());
    let live = Live {
        app,
        caller,
        submission: submission.id,
        job: submission.job,
        told: Vec::new(),
        looked: None,
        after: last.or(params.after).unwrap_or(0),
        waiting: VecDeque::new(),
        began: Instant::now(),
        checked: Instant::now(),
        _place: place,
    };
    Ok(Sse::new(stream::unfold(live, next)).keep_alive(KeepAlive::default()))
}

struct Live {
    app: App,
    caller: Caller,
    submission: String,
    job: JobId,
    /// What was told last of whom it waits for, and when that was looked up.
    told: Vec<WaitingFor>,
    looked: Option<Instant>,
    after: u64,
    waiting: VecDeque<Event>,
    began: Instant,
    checked: Instant,
    _place: Place,
}

/// The next event, as soon as there is one; nothing when the view is over.
async fn next(mut live: Live) -> Option<(Result<sse::Event, axum::Error>, Live)> {
    loop {
        if let Some(event) = live.waiting.pop_front() {
            live.after = event.seq;
            let data = String::from_utf8_lossy(&event.data).into_owned();
            let sent = sse::Event::default().event(&event.kind).id(event.seq.to_string()).data(data);
            return Some((Ok(sent), live));
        }
        if live.began.elapsed() > LONGEST || live.app.stopping.load(Ordering::SeqCst) {
            return None;
        }
        if live.checked.elapsed() > CHECK {
            live.checked = Instant::now();
            let token = live.app.store.authenticate(&live.caller.secret, live.app.now()).await.ok().flatten();
            token.filter(|token| token.owner == live.caller.owner)?;
        }
        // Whether it has ended is asked before the last events are: none can be missed between the two.
        let progress = live.app.store.submission_progress(&live.caller.owner, &live.submission).await;
        let (state, events) = progress.ok().flatten()?;
        live.waiting = live.app.store.events(&live.submission, live.after, PAGE).await.ok()?.into();
        if live.waiting.is_empty() {
            if state.is_final() && events <= live.after {
                return None;
            }
            if live.looked.is_none_or(|looked| looked.elapsed() >= LOOK) {
                live.looked = Some(Instant::now());
                let waiting = submissions::waiting_for(&live.app, &live.job, state).await.ok()?;
                if waiting != live.told {
                    live.told = waiting;
                    let data = json!({"waitingFor": live.told}).to_string();
                    return Some((Ok(sse::Event::default().event("waiting").data(data)), live));
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

fn view(event: &Event) -> Result<EventView, Problem> {
    Ok(EventView {
        seq: event.seq,
        kind: event.kind.clone(),
        at: event.at,
        data: serde_json::from_slice(&event.data).map_err(Problem::internal)?,
    })
}
