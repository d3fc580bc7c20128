//! The one HTTP client: bounded answers, retries for what is worth retrying, redirects only where they may lead.

use std::sync::Arc;

use backon::{ExponentialBuilder, Retryable as _};
use futures::StreamExt as _;
use reqwest::{Method, Response, StatusCode, redirect};
use tokio::sync::Semaphore;
use url::Url;

use crate::EcosystemConfig;

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
    },
    /// A redirect to another scheme, or to a host that is not allowed.
    #[error("{url} redirects to {to}, which is not an allowed host; list it under `file_hosts` to allow it")]
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
    fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 429 | 500 | 502 | 503 | 504),
            _ => false,
        }
    }
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
    config: Arc<EcosystemConfig>,
    permits: Arc<Semaphore>,
}

impl Http {
    /// Builds the client.
    pub fn new(config: Arc<EcosystemConfig>) -> Result<Self, HttpError> {
        let rules = config.clone();
        let policy = redirect::Policy::custom(move |attempt| {
            let previous = attempt.previous().last().cloned();
            if attempt.previous().len() > 5 {
                attempt.error("too many redirects")
            } else if previous.is_some_and(|from| redirect_is_allowed(&rules, &from, attempt.url())) {
                attempt.follow()
            } else {
                attempt.stop()
            }
        });
        let client = reqwest::Client::builder()
            .user_agent(concat!("sigma/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(config.connect_timeout)
            .read_timeout(config.read_timeout)
            .redirect(policy)
            .build()
            .map_err(|error| HttpError::Unreachable { url: "HTTP client".to_owned(), why: chain(&error) })?;
        let permits = Arc::new(Semaphore::new(config.parallel_requests));
        Ok(Self { client, config, permits })
    }

    /// The configuration that the client was built with.
    pub fn config(&self) -> &EcosystemConfig {
        &self.config
    }

    /// Fetches a whole answer of at most `max_metadata_bytes`.
    pub async fn get(&self, url: &Url, accept: &str) -> Result<Vec<u8>, HttpError> {
        Ok(self.request(Method::GET, url, accept, None, None).await?.0)
    }

    /// Fetches a whole answer, unless it still carries the entity tag `known` (RFC 9110, If-None-Match).
    pub(crate) async fn get_conditional(
        &self,
        url: &Url,
        accept: &str,
        known: Option<&str>,
    ) -> Result<Conditional, HttpError> {
        match self.request(Method::GET, url, accept, None, known).await {
            Ok((body, etag)) => Ok(Conditional::Changed { body, etag }),
            Err(HttpError::Status { status: 304, .. }) if known.is_some() => Ok(Conditional::NotModified),
            Err(error) => Err(error),
        }
    }

    /// Posts JSON and fetches a whole answer of at most `max_metadata_bytes`.
    pub async fn post_json(&self, url: &Url, body: &serde_json::Value) -> Result<Vec<u8>, HttpError> {
        Ok(self.request(Method::POST, url, "application/json", Some(body), None).await?.0)
    }

    async fn request(
        &self,
        method: Method,
        url: &Url,
        accept: &str,
        body: Option<&serde_json::Value>,
        known: Option<&str>,
    ) -> Result<(Vec<u8>, Option<String>), HttpError> {
        if self.config.offline {
            return Err(HttpError::Offline { url: shown(url) });
        }
        let attempt = || async {
            let _permit = self.permits.acquire().await.expect("the semaphore is never closed");
            let mut request = self.client.request(method.clone(), url.clone()).header("accept", accept);
            if let Some(body) = body {
                request = request.json(body);
            }
            if let Some(known) = known {
                request = request.header("if-none-match", known);
            }
            let response = self.checked(url, request.send().await)?;
            let etag = response.headers().get("etag").and_then(|etag| etag.to_str().ok()).map(str::to_owned);
            Ok((self.collect(url, response).await?, etag))
        };
        attempt.retry(self.backoff()).when(HttpError::is_transient).await
    }

    /// The pauses between attempts.
    pub(crate) fn backoff(&self) -> ExponentialBuilder {
        ExponentialBuilder::default()
            .with_min_delay(self.config.first_pause)
            .with_max_times(self.config.attempts.saturating_sub(1))
            .with_jitter()
    }

    /// Turns a transport error, a stopped redirect or an unsuccessful status into its variant.
    pub(crate) fn checked(&self, url: &Url, sent: reqwest::Result<Response>) -> Result<Response, HttpError> {
        let response = sent.map_err(|error| HttpError::Unreachable { url: shown(url), why: chain(&error) })?;
        let status = response.status();
        if status.is_redirection() && status != StatusCode::NOT_MODIFIED {
            let location =
                response.headers().get("location").and_then(|value| value.to_str().ok()).unwrap_or("nowhere");
            let to =
                response.url().join(location).map_or_else(|_| sigma_core::printable(location, 120), |to| shown(&to));
            return Err(HttpError::Redirect { url: shown(url), to });
        }
        if !status.is_success() {
            return Err(HttpError::Status { url: shown(url), status: status.as_u16() });
        }
        Ok(response)
    }

    async fn collect(&self, url: &Url, response: Response) -> Result<Vec<u8>, HttpError> {
        let limit = self.config.max_metadata_bytes;
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

/// A redirect may not change the scheme, and may lead to the same host or to a listed one.
fn redirect_is_allowed(config: &EcosystemConfig, from: &Url, to: &Url) -> bool {
    to.scheme() == from.scheme()
        && (to.host_str() == from.host_str() && to.port_or_known_default() == from.port_or_known_default()
            || to.host_str().is_some_and(|host| config.file_hosts.iter().any(|allowed| allowed == host)))
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
