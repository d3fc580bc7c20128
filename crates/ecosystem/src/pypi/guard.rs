//! Every request of uv's client passes here: where it may go, what it may carry, how large the answer is, and whether
//! uv can parse it without harm.
//!
//! In: requests that uv made up from index pages, which strangers write. Out: bounded answers, or an [`HttpError`] that
//! travels through uv's errors and is found again by [`super::failure`]. It must never let credentials leave the
//! index's own origin, and uv must never read a wheel itself: to uv every wheel has a metadata file (PEP 658), and where
//! the index has none, it is read out of the wheel here.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::{StreamExt as _, TryStreamExt as _};
use http::{Extensions, HeaderMap, HeaderValue, StatusCode, header};
use percent_encoding::percent_decode_str;
use reqwest::{Body, Method, Request, Response, ResponseBuilderExt as _};
use reqwest_middleware::{Middleware, Next};
use url::Url;

use super::metadata::{self, MAX_METADATA};
use super::remote_wheel::{self, Inside};
use crate::http::shown;
use crate::patience::retry_after;
use crate::{EcosystemConfig, Http, HttpError};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// An [`HttpError`] on its way through uv's errors. The HTTP library shows only the causes of what a middleware returns,
/// so the error has to be a cause.
#[derive(Debug, thiserror::Error)]
#[error("the request was stopped")]
struct Stopped(#[source] HttpError);

fn stopped(error: HttpError) -> reqwest_middleware::Error {
    reqwest_middleware::Error::middleware(Stopped(error))
}

/// The middleware.
pub(super) struct Guard {
    config: Arc<EcosystemConfig>,
    http: Http,
    pause: Pause,
}

/// How long the index asked to be left alone with the last answer that was a failure of its own: uv's errors do not tell.
#[derive(Clone, Default)]
pub(super) struct Pause(Arc<Mutex<Option<Duration>>>);

impl Pause {
    pub fn get(&self) -> Option<Duration> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, pause: Option<Duration>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = pause;
    }
}

impl Guard {
    pub fn new(config: Arc<EcosystemConfig>, http: Http, pause: Pause) -> Self {
        Self { config, http, pause }
    }

    /// The metadata file that the index does not have, read out of the wheel.
    async fn inside(&self, url: Url, wheel: &Url) -> reqwest_middleware::Result<Response> {
        let Inside { metadata, cache_control } = remote_wheel::read(&self.http, wheel).await.map_err(stopped)?;
        let mut headers = HeaderMap::new();
        if let Some(cache_control) = cache_control {
            headers.insert(header::CACHE_CONTROL, cache_control);
        }
        assume_lifetime(true, &mut headers);
        let parts =
            Parts { status: StatusCode::OK, version: http::Version::HTTP_11, headers, extensions: Extensions::new() };
        checked(parts, url, metadata)
    }
}

#[async_trait]
impl Middleware for Guard {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        let url = request.url().clone();
        if let Some(why) = refusal(&self.config, &url) {
            return Err(stopped(HttpError::Forbidden { url: shown(&url), why }));
        }
        if url.origin() == self.config.pypi_index.origin() {
            authorise(request.headers_mut(), &self.config.pypi_index);
        }
        // Only index pages are asked for by their media type. That holds across redirects, which a path does not.
        let page = request.headers().contains_key(header::ACCEPT);
        let wheel = if page { None } else { wheel_of(&url) };
        if !page && (request.method() != Method::GET || url.path().ends_with(".whl")) {
            let why = "only metadata files are asked for here".to_owned();
            return Err(stopped(HttpError::Forbidden { url: shown(&url), why }));
        }
        let mut response = next.run(request, extensions).await?;
        if let Some(wheel) = wheel
            && is_missing(&response)
        {
            return self.inside(url, &wheel).await;
        }
        // uv reads both as "not found", and goes on; but nothing is known about the package then.
        if matches!(response.status().as_u16(), 401 | 403) {
            let status = response.status().as_u16();
            return Err(stopped(HttpError::Status { url: shown(&url), status, retry_after: None }));
        }
        if response.status() == StatusCode::TOO_MANY_REQUESTS || response.status().is_server_error() {
            self.pause.set(retry_after(response.headers()));
        }
        if response.status().is_success() {
            assume_lifetime(!page, response.headers_mut());
        }
        if response.status().is_redirection() && response.status() != StatusCode::NOT_MODIFIED {
            // uv gives up on a redirect that never ends by reading the last answer as if it were the page.
            let mut parts = Parts::of(&response);
            parts.headers.remove(header::CONTENT_TYPE);
            return parts.with(url, Body::default());
        }
        match page {
            true => bounded(response, self.config.max_metadata_bytes),
            false => scanned(response).await,
        }
    }
}

/// The wheel that a metadata file is about: its address without `.metadata` (PEP 658).
fn wheel_of(url: &Url) -> Option<Url> {
    let path = url.path().strip_suffix(".metadata").filter(|path| path.ends_with(".whl"))?;
    let mut wheel = url.clone();
    wheel.set_path(path);
    Some(wheel)
}

/// Whether an index does not have a metadata file. Stores without a listing answer 403 for what they do not have, and
/// some servers send a page; if the wheel cannot be had either, it will say so.
fn is_missing(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let is_page =
        response.status().is_success() && kind.get(..9).is_some_and(|kind| kind.eq_ignore_ascii_case(b"text/html"));
    is_page || matches!(response.status().as_u16(), 401 | 403 | 404 | 410)
}

/// Mirrors often say nothing about caching, and then every run would fetch everything again. What they leave out is
/// taken from PyPI: pages live for ten minutes; files never change (PyPI says for ever, a day is enough here).
fn assume_lifetime(file: bool, headers: &mut HeaderMap) {
    if !headers.contains_key(header::CACHE_CONTROL) && !headers.contains_key(header::EXPIRES) {
        let lifetime = if file { "max-age=86400" } else { "max-age=600" };
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(lifetime));
    }
}

/// Why a URL may not be asked: another scheme than the index's (https is always right), or a host that is neither the
/// index's nor listed.
pub(super) fn refusal(config: &EcosystemConfig, url: &Url) -> Option<String> {
    let index = &config.pypi_index;
    if url.scheme() != "https" && url.scheme() != index.scheme() {
        return Some(format!("its scheme is `{}`, that of the index `{}`", url.scheme(), index.scheme()));
    }
    let host = url.host_str().unwrap_or_default();
    let same = Some(host) == index.host_str() && url.port_or_known_default() == index.port_or_known_default();
    let listed = config.file_hosts.iter().any(|allowed| allowed == host);
    (!same && !listed).then(|| format!("`{host}` is neither the index's host nor listed under `file_hosts`"))
}

/// Puts the index URL's credentials into the header, where uv does not log them.
fn authorise(headers: &mut HeaderMap, index: &Url) {
    if index.username().is_empty() && index.password().is_none() {
        return;
    }
    let mut pair: Vec<u8> = percent_decode_str(index.username()).collect();
    pair.push(b':');
    pair.extend(percent_decode_str(index.password().unwrap_or_default()));
    let value = format!("Basic {}", data_encoding::BASE64.encode(&pair));
    if let Ok(mut value) = HeaderValue::from_str(&value) {
        value.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, value);
    }
}

/// The same answer, with a body that ends in an error at the limit.
fn bounded(response: Response, limit: u64) -> reqwest_middleware::Result<Response> {
    let url = response.url().clone();
    let parts = Parts::of(&response);
    let shown = shown(&url);
    let mut got = 0u64;
    let stream = response.bytes_stream().map(move |chunk| {
        let chunk = chunk.map_err(|error| BoxError::from(error.without_url()))?;
        got += chunk.len() as u64;
        match got > limit {
            true => Err(BoxError::from(HttpError::TooLarge { url: shown.clone(), limit })),
            false => Ok(chunk),
        }
    });
    parts.with(url, Body::wrap_stream(stream))
}

/// The same answer, read completely and checked.
async fn scanned(response: Response) -> reqwest_middleware::Result<Response> {
    let url = response.url().clone();
    let parts = Parts::of(&response);
    let mut stream = response.bytes_stream();
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.try_next().await? {
        if bytes.len() as u64 + chunk.len() as u64 > MAX_METADATA {
            return Err(stopped(HttpError::TooLarge { url: shown(&url), limit: MAX_METADATA }));
        }
        bytes.extend_from_slice(&chunk);
    }
    checked(parts, url, bytes)
}

/// An answer with metadata that uv may parse.
fn checked(parts: Parts, url: Url, bytes: Vec<u8>) -> reqwest_middleware::Result<Response> {
    if let Err(why) = metadata::check(&bytes) {
        let why = why.to_string();
        return Err(stopped(HttpError::Garbage { url: shown(&url), expected: "core metadata", why }));
    }
    parts.with(url, Body::from(bytes))
}

/// What an answer is apart from its URL and body.
struct Parts {
    status: StatusCode,
    version: http::Version,
    headers: HeaderMap,
    extensions: Extensions,
}

impl Parts {
    fn of(response: &Response) -> Self {
        Self {
            status: response.status(),
            version: response.version(),
            headers: response.headers().clone(),
            extensions: response.extensions().clone(),
        }
    }

    fn with(self, url: Url, body: Body) -> reqwest_middleware::Result<Response> {
        let mut answer = http::Response::builder()
            .status(self.status)
            .version(self.version)
            .url(url)
            .body(body)
            .map_err(reqwest_middleware::Error::middleware)?;
        *answer.headers_mut() = self.headers;
        answer.extensions_mut().extend(self.extensions);
        Ok(Response::from(answer))
    }
}
