//! The HTTP client for models: one request, one bounded answer, to the configured address and no other.
//!
//! In: a configured model and the body of a request. Out: the bytes of the answer. It must never follow a redirect, never
//! decode a body, never repeat a request by itself, and never show a key or an address in an error.

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::redirect;

use super::abstention::{Abstention, NO_CONNECTION};
use super::config::{ModelApi, ModelConfig, ModelError};

/// Longest answer in bytes. 32,768 tokens of text are about half of that.
pub(crate) const MAX_ANSWER: usize = 256 << 10;

/// A model that can be asked.
#[derive(Clone)]
pub(crate) struct Model {
    pub config: ModelConfig,
    client: reqwest::Client,
}

// Not derived: a client knows proxies of the environment, whose addresses may hold passwords.
impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.config.fmt(f)
    }
}

impl Model {
    /// Builds the client.
    pub fn new(config: ModelConfig) -> Result<Self, ModelError> {
        config.check()?;
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("sigma/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(config.timeout)
            .redirect(redirect::Policy::none())
            .referer(false)
            .gzip(false)
            .https_only(config.base_url.scheme() == "https");
        if config.on_loopback() {
            // What is on this machine is not asked through a proxy on another.
            builder = builder.no_proxy();
        }
        // The error may name addresses of proxies, which may hold credentials.
        let client = builder.build().map_err(|error| ModelError::Client(error.without_url().to_string()))?;
        Ok(Self { config, client })
    }

    /// Asks, and waits for the whole answer.
    pub async fn ask(&self, body: Vec<u8>) -> Result<Vec<u8>, Abstention> {
        let late = || Abstention::Late(self.config.timeout.as_secs());
        tokio::time::timeout(self.config.timeout, self.exchange(body)).await.map_err(|_| late())?
    }

    async fn exchange(&self, body: Vec<u8>) -> Result<Vec<u8>, Abstention> {
        let base = self.config.base_url.as_str().trim_end_matches('/');
        let mut request = self
            .client
            .post(format!("{base}/{}", self.config.api.path()))
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            .body(body);
        if self.config.api == ModelApi::Anthropic {
            request = request.header(HeaderName::from_static("anthropic-version"), "2023-06-01");
        }
        if let Some(key) = &self.config.key {
            request = match self.config.api {
                ModelApi::OpenAi => request.header(AUTHORIZATION, key.bearer()),
                ModelApi::Anthropic => request.header(HeaderName::from_static("x-api-key"), key.plain()),
            };
        }
        let mut response = request.send().await.map_err(|error| failure(&error))?;
        if !response.status().is_success() {
            return Err(Abstention::Status(response.status().as_u16()));
        }
        let mut answer = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| failure(&error))? {
            if answer.len() + piece.len() > MAX_ANSWER {
                return Err(Abstention::TooLong(MAX_ANSWER));
            }
            answer.extend_from_slice(&piece);
        }
        Ok(answer)
    }
}

/// The kind of failure in words of our own: an error of the client could hold what somebody else chose.
fn failure(error: &reqwest::Error) -> Abstention {
    Abstention::Unreachable(match error {
        _ if error.is_connect() => NO_CONNECTION,
        _ if error.is_timeout() => "the connection timed out",
        _ if error.is_body() || error.is_decode() => "the connection broke in the middle of the answer",
        _ => "the request failed",
    })
}
