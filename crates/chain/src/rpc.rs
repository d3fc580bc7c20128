//! JSON-RPC over HTTP: one question, one bounded answer, to the configured address and no other.
//!
//! In: a method and its parameters. Out: the result, of the type that was asked for. It must never follow a redirect, never repeat a
//! request by itself, and never show the address in full: it may hold a key.

use std::time::Duration;

use alloy_primitives::Bytes;
use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sigma_core::printable;
use url::{Host, Url};

/// Longest answer in bytes. The largest that is asked for is a block with the hashes of its transactions: 60,000 of them.
const MAX_ANSWER: usize = 4 << 20;
/// Longest answer to a question. A node that takes longer is as good as down; what was asked is asked again at the next look.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Longest text of a node that is shown.
const MAX_TEXT: usize = 200;

/// Why a node gave no answer. Which node is not said: there is one, and its address is the operator's business.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NodeError {
    /// Its address is none that can be asked.
    #[error("the node's address: expected http:// or https:// and a host")]
    Address,
    /// There is no connection, or it broke.
    #[error("the node cannot be reached: {0}")]
    Unreachable(&'static str),
    /// It answers with an HTTP error.
    #[error("the node: got the status {0}, expected 200")]
    Status(u16),
    /// Its answer is too long.
    #[error("the node: its answer to {0} has more than {MAX_ANSWER} bytes")]
    TooLong(&'static str),
    /// It answers something else.
    #[error("the node: its answer to {method} is not what it should be: {why}")]
    Wrong {
        /// What was asked.
        method: &'static str,
        /// Printable.
        why: String,
    },
    /// It says no.
    #[error("the node refuses {method}: {message} ({code})")]
    Refused {
        /// What was asked.
        method: &'static str,
        /// JSON-RPC's number.
        code: i64,
        /// Printable; of the node, and for the operator alone.
        message: String,
        /// What a contract said, where one reverted.
        data: Option<Bytes>,
    },
}

/// A node that can be asked.
#[derive(Clone)]
pub(crate) struct Rpc {
    client: reqwest::Client,
    url: Url,
    host: String,
}

// Not derived: the address may hold a key.
impl std::fmt::Debug for Rpc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rpc({})", self.host)
    }
}

#[derive(Deserialize)]
struct Answer<T> {
    // Not asked for a default: `null` is an answer, too.
    result: Option<T>,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    code: i64,
    #[serde(default)]
    message: String,
    #[serde(default)]
    data: Option<Value>,
}

impl Rpc {
    pub(crate) fn new(url: &Url) -> Result<Self, NodeError> {
        let host = url.host().ok_or(NodeError::Address)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(NodeError::Address);
        }
        let loopback = match &host {
            Host::Domain(name) => *name == "localhost",
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
        };
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("sigma/", env!("CARGO_PKG_VERSION")))
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .https_only(url.scheme() == "https");
        if loopback {
            // What is on this machine is not asked through a proxy on another.
            builder = builder.no_proxy();
        }
        let host = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_string(),
        };
        let client = builder.build().map_err(|_| NodeError::Unreachable("no client can be made"))?;
        Ok(Self { client, url: url.clone(), host })
    }

    /// Asks; none where the node knows of nothing.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: Value,
    ) -> Result<Option<T>, NodeError> {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
        let bytes = self.exchange(method, body).await?;
        let answer: Answer<T> =
            serde_json::from_slice(&bytes).map_err(|error| self.wrong(method, &error.to_string()))?;
        match answer.error {
            None => Ok(answer.result),
            Some(Refusal { code, message, data }) => Err(NodeError::Refused {
                method,
                code,
                message: printable(&message, MAX_TEXT),
                data: data.and_then(|data| data.as_str().and_then(|text| text.parse().ok())),
            }),
        }
    }

    /// Asks for what has to be there.
    pub(crate) async fn need<T: DeserializeOwned>(&self, method: &'static str, params: Value) -> Result<T, NodeError> {
        self.ask(method, params).await?.ok_or_else(|| self.wrong(method, "it is empty"))
    }

    pub(crate) fn wrong(&self, method: &'static str, why: &str) -> NodeError {
        NodeError::Wrong { method, why: printable(why, MAX_TEXT) }
    }

    async fn exchange(&self, method: &'static str, body: String) -> Result<Vec<u8>, NodeError> {
        let failed = |error: reqwest::Error| NodeError::Unreachable(failure(&error));
        let request = self.client.post(self.url.clone()).header(CONTENT_TYPE, "application/json").body(body);
        let mut response = request.send().await.map_err(failed)?;
        let mut bytes = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(failed)? {
            if bytes.len() + piece.len() > MAX_ANSWER {
                return Err(NodeError::TooLong(method));
            }
            bytes.extend_from_slice(&piece);
        }
        // Some nodes say why they refuse in the body of an HTTP error.
        if !response.status().is_success() && serde_json::from_slice::<Answer<Value>>(&bytes).is_err() {
            return Err(NodeError::Status(response.status().as_u16()));
        }
        Ok(bytes)
    }
}

/// The kind of failure in words of our own: an error of the client could hold the address.
fn failure(error: &reqwest::Error) -> &'static str {
    match error {
        _ if error.is_timeout() => "it does not answer in time",
        _ if error.is_connect() => "there is no connection",
        _ if error.is_body() || error.is_decode() => "the connection broke in the middle of the answer",
        _ => "the request failed",
    }
}
