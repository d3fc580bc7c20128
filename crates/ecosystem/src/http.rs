//! The one HTTP client: bounded answers, retries for what is worth retrying, redirects only where they may lead.
//!
//! In: addresses from the configuration and from the ecosystems' answers. Out: bodies, bounded in size and time. It must
//! never ask a host that is not configured, never send credentials but the configured ones to their own origin, and
//! never show them in an error.

use std::sync::Arc;
use std::time::Duration;

use backon::ExponentialBuilder;
use futures::StreamExt as _;
use reqwest::header::{ACCEPT, ETAG, IF_NONE_MATCH, LOCATION};
use reqwest::{Method, RequestBuilder, Response, StatusCode, redirect};
use tokio::sync::Semaphore;
use url::Url;

use crate::EcosystemConfig;
use crate::patience::{Failure, LONGEST_PAUSE, Patience, retry_after};

/// Why a request did not give an answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum HttpError {
    /// The network is not to be touched.
    #[error("{url} is not cached, and the run is offline")]
    Offline {
        /// What was wanted.
        url: String,
    },
    /// Any status other than success.
    #[error("{url} answered {status}")]
    Status {
        /// What was wanted.
        url: String,
        /// The status code.
        status: u16,
        /// How long the server asked to be left alone.
        retry_after: Option<Duration>,
    },
    /// A redirect to another scheme, to a host that is not allowed, or one too many.
    #[error(
        "{url} redirects to {to}, which is not followed: expected the same scheme, a configured host and at most 5 \
         redirects; list the host under `file_hosts` to allow it"
    )]
    Redirect {
        /// What was wanted.
        url: String,
        /// Where it pointed, without credentials and query.
        to: String,
    },
    /// The URL itself may not be asked.
    #[error("{url} is not an allowed address: {why}")]
    Forbidden {
        /// What was wanted.
        url: String,
        /// Why not.
        why: String,
    },
    /// The answer is larger than the limit.
    #[error("{url} answered more than {limit} bytes")]
    TooLarge {
        /// What was wanted.
        url: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// No connection, no answer in time, or the connection broke.
    #[error("{url} cannot be reached: {why}")]
    Unreachable {
        /// What was wanted.
        url: String,
        /// The cause.
        why: String,
    },
    /// An answer that is not what was asked for.
    #[error("{url} answered something else than {expected}: {why}")]
    Garbage {
        /// What was wanted.
        url: String,
        /// What was expected.
        expected: &'static str,
        /// The parser's complaint.
        why: String,
    },
}

impl HttpError {
    /// True for 404 and 410: the thing does not exist, which is an answer.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Status { status: 404 | 410, .. })
    }

    /// Whether the same request may succeed when it is repeated.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            // 501: it never does what was asked for.
            Self::Status { status, .. } => matches!(status, 408 | 429 | 500 | 502..=599),
            _ => false,
        }
    }

    /// Whether the same request fails whenever it is repeated: what was asked for does not exist, or may not be had.
    pub fn is_definite(&self) -> bool {
        match self {
            Self::Status { .. } => !self.is_transient(),
            Self::Redirect { .. } | Self::Forbidden { .. } | Self::TooLarge { .. } => true,
            // What broke on the way may be whole the next time.
            Self::Offline { .. } | Self::Unreachable { .. } | Self::Garbage { .. } => false,
        }
    }

    /// How long the server asked to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// Redirects that are followed for one request.
const MOST_REDIRECTS: usize = 5;

/// Limits of one answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Its size in bytes.
    pub bytes: u64,
    /// All attempts and pauses.
    pub time: Duration,
}

/// The answer to a conditional request.
#[derive(Debug)]
pub(crate) enum Conditional {
    /// What the caller has is current.
    NotModified,
    /// A new answer.
    Changed {
        /// The whole body.
        body: Vec<u8>,
        /// Its entity tag, for the next time.
        etag: Option<String>,
    },
}

/// The client. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Http {
    client: reqwest::Client,
    /// Never decodes a body: the digests are over the bytes as they are published.
    pub(crate) files: reqwest::Client,
    config: Arc<EcosystemConfig>,
    permits: Arc<Semaphore>,
}

impl Http {
    /// Builds the client.
    pub fn new(config: Arc<EcosystemConfig>) -> Result<Self, HttpError> {
        let builder = || {
            let rules = config.clone();
            let policy = redirect::Policy::custom(move |attempt| {
                let scheme = attempt.previous().last().map(|from| from.scheme().to_owned());
                let follow = attempt.previous().len() <= MOST_REDIRECTS
                    && scheme.as_deref() == Some(attempt.url().scheme())
                    && allowed(&rules, attempt.url()).is_ok();
                if follow { attempt.follow() } else { attempt.stop() }
            });
            reqwest::Client::builder()
                .user_agent(concat!("sigma/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(config.connect_timeout)
                .read_timeout(config.read_timeout)
                .redirect(policy)
                .referer(false)
        };
        let built = |builder: reqwest::ClientBuilder| {
            let failed = |error| HttpError::Unreachable { url: "HTTP client".to_owned(), why: chain(&error) };
            builder.build().map_err(failed)
        };
        let client = built(builder())?;
        let files = built(builder().no_gzip().no_brotli().no_zstd().no_deflate())?;
        let permits = Arc::new(Semaphore::new(config.parallel_requests.max(1)));
        Ok(Self { client, files, config, permits })
    }

    /// The configuration that the client was built with.
    pub fn config(&self) -> &EcosystemConfig {
        &self.config
    }

    /// Fetches a whole answer of at most `max_metadata_bytes`.
    pub async fn get(&self, url: &Url, accept: &str) -> Result<Vec<u8>, HttpError> {
        Ok(self.request(Method::GET, url, accept, None, None, self.bounds()).await?.0)
    }

    /// Fetches a whole answer within limits of its own.
    pub(crate) async fn get_within(&self, url: &Url, accept: &str, bounds: Bounds) -> Result<Vec<u8>, HttpError> {
        Ok(self.request(Method::GET, url, accept, None, None, bounds).await?.0)
    }

    fn bounds(&self) -> Bounds {
        Bounds { bytes: self.config.max_metadata_bytes, time: self.config.total_timeout }
    }

    /// Fetches a whole answer, unless it still carries the entity tag `known` (RFC 9110, If-None-Match).
    pub(crate) async fn get_conditional(
        &self,
        url: &Url,
        accept: &str,
        known: Option<&str>,
    ) -> Result<Conditional, HttpError> {
        match self.request(Method::GET, url, accept, None, known, self.bounds()).await {
            Ok((body, etag)) => Ok(Conditional::Changed { body, etag }),
            Err(HttpError::Status { status: 304, .. }) if known.is_some() => Ok(Conditional::NotModified),
            Err(error) => Err(error),
        }
    }

    /// Posts JSON and fetches a whole answer of at most `max_metadata_bytes`.
    pub async fn post_json(&self, url: &Url, body: &serde_json::Value) -> Result<Vec<u8>, HttpError> {
        Ok(self.request(Method::POST, url, "application/json", Some(body), None, self.bounds()).await?.0)
    }

    async fn request(
        &self,
        method: Method,
        url: &Url,
        accept: &str,
        body: Option<&serde_json::Value>,
        known: Option<&str>,
        bounds: Bounds,
    ) -> Result<(Vec<u8>, Option<String>), HttpError> {
        let target = self.target(url)?;
        let attempts = async {
            let mut patience = self.patience();
            loop {
                let mut request = self.client.request(method.clone(), target.clone()).header(ACCEPT, accept);
                if let Some(body) = body {
                    request = request.json(body);
                }
                if let Some(known) = known {
                    request = request.header(IF_NONE_MATCH, known);
                }
                let answer = match self.send(url, request).await {
                    Ok(response) => {
                        let etag = response.headers().get(ETAG).and_then(|etag| etag.to_str().ok()).map(str::to_owned);
                        self.collect(url, response, bounds.bytes).await.map(|body| (body, etag)).map_err(Failure::from)
                    }
                    Err(failure) => Err(failure),
                };
                match answer {
                    Ok(answer) => return Ok(answer),
                    Err(failure) => patience.pause(failure).await?,
                }
            }
        };
        self.in_turn(url, bounds.time, attempts).await
    }

    /// Runs a request when its turn comes, and ends it after `limit`, which starts with its turn. The place is kept
    /// during pauses: an ecosystem that asks for a pause gets one.
    pub(crate) async fn in_turn<T, E: From<HttpError>>(
        &self,
        url: &Url,
        limit: Duration,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let _permit = self.permits.acquire().await.expect("the semaphore is never closed");
        let late = |_| HttpError::Unreachable { url: shown(url), why: format!("not done within {limit:?}") };
        tokio::time::timeout(limit, work).await.map_err(late)?
    }

    /// Where a request really goes: refused where it may not, and with the credentials that the operator configured
    /// for that origin. No other credentials are ever sent.
    pub(crate) fn target(&self, url: &Url) -> Result<Url, HttpError> {
        if self.config.offline {
            return Err(HttpError::Offline { url: shown(url) });
        }
        let configured = allowed(&self.config, url).map_err(|why| HttpError::Forbidden { url: shown(url), why })?;
        let mut target = url.clone();
        if let Some(origin) = configured {
            // Neither call fails for a URL with a host, and `allowed` lets only those through.
            let _ = target.set_username(origin.username());
            let _ = target.set_password(origin.password());
        }
        Ok(target)
    }

    /// The attempts for one request.
    pub(crate) fn patience(&self) -> Patience {
        Patience::new(self.backoff())
    }

    /// The pauses between attempts.
    pub(crate) fn backoff(&self) -> ExponentialBuilder {
        ExponentialBuilder::default()
            .with_min_delay(self.config.first_pause)
            .with_max_delay(LONGEST_PAUSE)
            .with_max_times(self.config.attempts.saturating_sub(1))
            .with_jitter()
    }

    /// Sends one request; `url` is what errors name.
    pub(crate) async fn send(&self, url: &Url, request: RequestBuilder) -> Result<Response, Failure<HttpError>> {
        let sent = request.send().await;
        self.checked(url, sent).map_err(Failure::from)
    }

    /// Turns a transport error, a stopped redirect or an unsuccessful status into its variant.
    pub(crate) fn checked(&self, url: &Url, sent: reqwest::Result<Response>) -> Result<Response, HttpError> {
        let response = sent.map_err(|error| HttpError::Unreachable { url: shown(url), why: chain(&error) })?;
        let status = response.status();
        if status.is_redirection() && status != StatusCode::NOT_MODIFIED {
            let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or("nowhere");
            let to =
                response.url().join(location).map_or_else(|_| sigma_core::printable(location, 120), |to| shown(&to));
            return Err(HttpError::Redirect { url: shown(url), to });
        }
        if !status.is_success() {
            let retry_after = retry_after(response.headers());
            return Err(HttpError::Status { url: shown(url), status: status.as_u16(), retry_after });
        }
        Ok(response)
    }

    /// Reads a body of at most `limit` bytes.
    pub(crate) async fn collect(&self, url: &Url, response: Response, limit: u64) -> Result<Vec<u8>, HttpError> {
        let mut bytes = Vec::new();
        let mut stream = response.bytes_stream();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|error| HttpError::Unreachable { url: shown(url), why: chain(&error) })?;
            if bytes.len() as u64 + chunk.len() as u64 > limit {
                return Err(HttpError::TooLarge { url: shown(url), limit });
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}

/// Whether an address may be asked, and which configured URL it shares its origin with. What ecosystems write into
/// their answers passes here too: it may neither leave the configured hosts, nor drop TLS, nor bring credentials.
fn allowed<'a>(config: &'a EcosystemConfig, url: &Url) -> Result<Option<&'a Url>, String> {
    let configured = [&config.pypi_index, &config.pypi_json, &config.npm_registry];
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("got scheme `{}`, expected https", sigma_core::printable(url.scheme(), 20)));
    }
    let own = configured.into_iter().filter(|own| own.origin() == url.origin());
    let own = own.max_by_key(|own| has_credentials(own));
    let brings_own = own.is_some_and(|own| (own.username(), own.password()) == (url.username(), url.password()));
    if has_credentials(url) && !brings_own {
        return Err("it brings credentials of its own".to_owned());
    }
    if own.is_some() {
        return Ok(own);
    }
    if url.scheme() == "http" && configured.iter().any(|own| own.scheme() == "https") {
        return Err("it is plain http, where the ecosystem is asked over https".to_owned());
    }
    let host = url.host_str().unwrap_or_default();
    let with_port = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    if config.file_hosts.contains(&with_port) {
        return Ok(None);
    }
    Err(format!("the host {} is not listed under `file_hosts`", sigma_core::printable(&with_port, 120)))
}

fn has_credentials(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// A URL for messages: no credentials, no query, printable.
pub(crate) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    sigma_core::printable(url.as_str(), 300)
}

/// An error with its causes, without the URL (which may hold credentials).
pub(crate) fn chain(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() { "timed out".to_owned() } else { String::new() };
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    if text.is_empty() {
        "error sending the request".clone_into(&mut text);
    }
    sigma_core::printable(&text, 300)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_configured_addresses_are_asked() {
        let url = |text: &str| Url::parse(text).unwrap();
        let mut config = EcosystemConfig::official("cache".into());
        config.npm_registry = url("https://me:pw@mirror.example/npm/");
        config.file_hosts.push("cdn.example:8443".to_owned());
        let check = |text: &str, expect: &str| {
            let got = match allowed(&config, &url(text)) {
                Ok(Some(own)) => format!("own {}", shown(own)),
                Ok(None) => "listed".to_owned(),
                Err(why) => why,
            };
            assert_eq!(got, expect, "{text}");
        };
        check("https://pypi.org/simple/x/", "own https://pypi.org/pypi/");
        check("https://PYPI.org:443/x", "own https://pypi.org/pypi/");
        check("https://files.pythonhosted.org/x", "listed");
        check("https://cdn.example:8443/x", "listed");
        check("https://mirror.example/x", "own https://mirror.example/npm/");
        check("https://me:pw@mirror.example/x", "own https://mirror.example/npm/");
        check("https://me:other@mirror.example/x", "it brings credentials of its own");
        check("https://x@files.pythonhosted.org/x", "it brings credentials of its own");
        check("https://cdn.example/x", "the host cdn.example is not listed under `file_hosts`");
        check(
            "https://files.pythonhosted.org:444/",
            "the host files.pythonhosted.org:444 is not listed under `file_hosts`",
        );
        check(
            "https://files.pythonhosted.org.evil.example/",
            "the host files.pythonhosted.org.evil.example is not listed under `file_hosts`",
        );
        check("http://pypi.org/simple/", "it is plain http, where the ecosystem is asked over https");
        check("file:///etc/passwd", "got scheme `file`, expected https");
        check("data:text/plain,x", "got scheme `data`, expected https");
    }

    #[test]
    fn shown_addresses_hold_no_secrets() {
        let check = |text: &str, expect: &str| assert_eq!(shown(&Url::parse(text).unwrap()), expect);
        check("https://me:pw@host:8443/a?token=x#y", "https://host:8443/a");
        check("https://host/\u{202e}a", "https://host/%E2%80%AEa");
        check(&format!("https://host/{}", "a".repeat(400)), &format!("https://host/{}…", "a".repeat(287)));
    }
}
