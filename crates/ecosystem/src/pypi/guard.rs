//! Every request of uv's client passes here: where it may go, what it may carry, how large and how deep the answer is.
//!
//! In: requests that uv made up from index pages, which strangers write. Out: bounded answers, or an [`HttpError`] that
//! travels through uv's errors and is found again by [`super::failure`]. It must never let credentials leave the
//! index's own origin.

use std::sync::Arc;

use async_trait::async_trait;
use futures::{StreamExt as _, TryStreamExt as _};
use http::{Extensions, HeaderMap, HeaderValue, StatusCode, header};
use percent_encoding::percent_decode_str;
use reqwest::{Body, Method, Request, Response, ResponseBuilderExt as _};
use reqwest_middleware::{Middleware, Next};
use url::Url;

use crate::http::shown;
use crate::{EcosystemConfig, HttpError};

/// Parentheses that may be open at once in a line of metadata. The deepest real markers have three or four; uv's marker
/// parser recurses, so that a line of 100,000 would overflow the stack and end the process.
const MAX_NESTING: usize = 64;

/// Largest `.metadata` file in bytes. The largest real ones are about 1 MB of long description.
const MAX_METADATA: u64 = 8 << 20;

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
}

impl Guard {
    pub fn new(config: Arc<EcosystemConfig>) -> Self {
        Self { config }
    }

    fn limit(&self, url: &Url) -> u64 {
        match url.path() {
            path if path.ends_with(".metadata") => MAX_METADATA,
            path if path.ends_with(".whl") => self.config.max_distribution_bytes,
            _ => self.config.max_metadata_bytes,
        }
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
        let head = request.method() == Method::HEAD;
        let mut response = next.run(request, extensions).await?;
        // uv reads both as "not found", and goes on; but nothing is known about the package then.
        if matches!(response.status().as_u16(), 401 | 403) {
            return Err(stopped(HttpError::Status { url: shown(&url), status: response.status().as_u16() }));
        }
        if response.status().is_success() {
            assume_lifetime(&url, response.headers_mut());
        }
        if head {
            return Ok(response);
        }
        if response.status().is_redirection() && response.status() != StatusCode::NOT_MODIFIED {
            // uv gives up on a redirect that never ends by reading the last answer as if it were the page.
            let mut parts = Parts::of(&response);
            parts.headers.remove(header::CONTENT_TYPE);
            return parts.with(url, Body::default());
        }
        let limit = self.limit(&url);
        match url.path().ends_with(".metadata") && response.status().is_success() {
            true => scanned(response, limit).await,
            false => bounded(response, limit),
        }
    }
}

/// Mirrors often say nothing about caching, and then every run would fetch everything again. What they leave out is
/// taken from PyPI: pages live for ten minutes; files never change (PyPI says for ever, a day is enough here).
fn assume_lifetime(url: &Url, headers: &mut HeaderMap) {
    let file = url.path().ends_with(".metadata") || url.path().ends_with(".whl");
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

/// The same answer, read completely and checked for nesting.
async fn scanned(response: Response, limit: u64) -> reqwest_middleware::Result<Response> {
    let url = response.url().clone();
    let parts = Parts::of(&response);
    let mut stream = response.bytes_stream();
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.try_next().await? {
        if bytes.len() as u64 + chunk.len() as u64 > limit {
            return Err(stopped(HttpError::TooLarge { url: shown(&url), limit }));
        }
        bytes.extend_from_slice(&chunk);
    }
    if nests_too_deep(&bytes) {
        let why = format!("a line nests parentheses deeper than {MAX_NESTING}");
        return Err(stopped(HttpError::Garbage { url: shown(&url), expected: "core metadata", why }));
    }
    parts.with(url, Body::from(bytes))
}

/// Whether any `Requires-...` header could make a recursive marker parser overflow. A line that begins with white space
/// continues the one before; the headers end at the first empty line.
pub(super) fn nests_too_deep(metadata: &[u8]) -> bool {
    let mut open = 0;
    let mut relevant = false;
    for line in metadata.split(|&byte| byte == b'\n') {
        match line.first() {
            None | Some(b'\r') => return false,
            Some(b' ' | b'\t') => {}
            Some(_) => {
                relevant = line.get(..8).is_some_and(|name| name.eq_ignore_ascii_case(b"requires"));
                open = 0;
            }
        }
        if relevant && opens_too_many(line, &mut open) {
            return true;
        }
    }
    false
}

/// Counts on from `open`; true as soon as more parentheses are open than any real marker has.
pub(super) fn opens_too_many(text: &[u8], open: &mut usize) -> bool {
    text.iter().any(|byte| {
        match byte {
            b'(' => *open += 1,
            b')' => *open = open.saturating_sub(1),
            _ => {}
        }
        *open > MAX_NESTING
    })
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
