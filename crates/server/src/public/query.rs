//! Parameters and bodies, with problems instead of the framework's own words; and cursors.

use std::time::Duration;

use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Query, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use bytes::Bytes;
use data_encoding::BASE64URL_NOPAD;
use serde::de::DeserializeOwned;
use sigma_core::Timestamp;
use sigma_store::Cursor;
use tokio::time::timeout;

use crate::App;
use crate::problem::{Code, Problem};

/// Entries of a page, unless the client says how many.
pub(crate) const DEFAULT_LIMIT: u32 = 20;
/// Entries of a page at most.
pub(crate) const MAX_LIMIT: u32 = 100;

/// Parameters of the query.
pub(crate) struct Params<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(params)) => Ok(Self(params)),
            Err(QueryRejection::FailedToDeserializeQueryString(error)) => {
                // The framework's own words stand before those that help.
                let text = error.body_text();
                let why = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
                Err(Problem::new(Code::InvalidQuery, said_of_numbers(why)))
            }
            Err(error) => Err(Problem::new(Code::InvalidQuery, error)),
        }
    }
}

/// Words of the standard library about numbers, as somebody would say it who asks for a page.
fn said_of_numbers(why: &str) -> String {
    let words = [
        "invalid digit found in string",
        "cannot parse integer from empty string",
        "number too large to fit in target type",
    ];
    words
        .into_iter()
        .fold(why.to_owned(), |why, words| why.replace(words, "expected a whole number, and not that large"))
}

/// A JSON body, whatever its type is said to be: osv.dev's own examples send it as curl does, without naming one.
pub(crate) struct AnyBody<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for AnyBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let encoding = request.headers().get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap_or_default());
        if let Some(encoding) = encoding.filter(|encoding| !encoding.trim().eq_ignore_ascii_case("identity")) {
            let detail = format!("got the content encoding {encoding}, expected a body that is not compressed");
            return Err(Problem::new(Code::UnsupportedMediaType, detail));
        }
        // Before the answer itself is given up: that a client is slow is no fault of the server.
        let patience = Duration::from_secs(app.config.request_seconds).mul_f32(BODY);
        let slow = |_| Problem::new(Code::BodyTimeout, "the body did not arrive in time");
        let bytes = timeout(patience, Bytes::from_request(request, app)).await.map_err(slow)?;
        let bytes = bytes.map_err(|error| unread(&error))?;
        // A list would be taken for an object whose fields stand in order, which no document tells of.
        if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
            return Err(Problem::new(Code::InvalidBody, "expected a JSON object, in UTF-8"));
        }
        serde_json::from_slice(&bytes).map(Self).map_err(|error| Problem::new(Code::InvalidBody, error))
    }
}

/// A JSON body.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if essence != "application/json" && !essence.ends_with("+json") {
            let got = if essence.is_empty() { "none" } else { &essence };
            return Err(Problem::new(
                Code::UnsupportedMediaType,
                format!("got the content type {got}, expected application/json"),
            ));
        }
        AnyBody::from_request(request, app).await.map(|AnyBody(body)| Self(body))
    }
}

fn unread(error: &BytesRejection) -> Problem {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(Code::BodyTooLarge, "the body is larger than this server reads"),
        _ => Problem::new(Code::InvalidBody, "the body ended before it was complete"),
    }
}

/// The part of a request's time that its body may take to arrive.
const BODY: f32 = 0.8;

/// How many entries a page has.
pub(crate) fn limit(asked: Option<u32>) -> Result<u32, Problem> {
    match asked {
        None => Ok(DEFAULT_LIMIT),
        Some(limit) if (1..=MAX_LIMIT).contains(&limit) => Ok(limit),
        Some(limit) => Err(Problem::new(Code::InvalidQuery, format!("got limit {limit}, expected 1 to {MAX_LIMIT}"))),
    }
}

/// Cuts what was found down to a page. One more than the page was asked for: where it is there, `place` of the page's last entry is
/// the cursor of the next page.
pub(crate) fn cut<T>(found: &mut Vec<T>, limit: u32, place: impl FnOnce(&T) -> String) -> Option<String> {
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    found.last().filter(|_| more).map(place)
}

/// A cursor after something that has a time and an id: opaque, and harmless when clients change it.
pub(crate) fn write_place(at: Timestamp, id: &str) -> String {
    BASE64URL_NOPAD.encode(format!("{}/{id}", at.as_millis()).as_bytes())
}

/// Reads such a cursor back. `is_id` knows the ids of the list.
pub(crate) fn read_place(text: &str, is_id: impl Fn(&str) -> bool) -> Result<(Timestamp, String), Problem> {
    let wrong = || Problem::new(Code::InvalidQuery, "the cursor is none that this server gave out");
    let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| wrong())?;
    let text = String::from_utf8(bytes).map_err(|_| wrong())?;
    let (at, id) = text.split_once('/').ok_or_else(wrong)?;
    if !is_id(id) {
        return Err(wrong());
    }
    Ok((Timestamp::from_millis(at.parse().map_err(|_| wrong())?), id.to_owned()))
}

/// A cursor of the list of package certificates.
pub(crate) fn write_cursor(cursor: &Cursor) -> String {
    write_place(Timestamp::from_millis(cursor.certified_at), &cursor.id)
}

/// Reads it back.
pub(crate) fn read_cursor(text: &str) -> Result<Cursor, Problem> {
    let (at, id) = read_place(text, is_certificate_id)?;
    Ok(Cursor { certified_at: at.as_millis(), id })
}

/// What the path names, where it has one parameter.
pub(crate) fn named(params: &RawPathParams) -> &str {
    params.iter().map(|(_, value)| value).next().unwrap_or_default()
}

/// Refuses what is no id of a certificate, of a package or of a submission.
pub(crate) fn certificate_id(id: &str) -> Result<&str, Problem> {
    match is_certificate_id(id) || is_id(id, "sig_") {
        true => Ok(id),
        false => Err(Problem::new(Code::InvalidId, "expected `pkg_` or `sig_` and 32 characters of a-z and 2-7")),
    }
}

/// `pkg_` and 32 characters of lower-case base32.
pub(crate) fn is_certificate_id(text: &str) -> bool {
    is_id(text, "pkg_")
}

/// A prefix and 32 characters of lower-case base32.
pub(crate) fn is_id(text: &str, prefix: &str) -> bool {
    let rest = text.strip_prefix(prefix).unwrap_or_default();
    rest.len() == 32 && rest.bytes().all(|byte| byte.is_ascii_lowercase() || (b'2'..=b'7').contains(&byte))
}
