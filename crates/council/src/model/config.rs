//! What an operator says about a model that sits on the council.

use std::fmt;
use std::time::Duration;

use reqwest::header::HeaderValue;
use sigma_core::{Phase, printable};
use url::{Host, Url};

/// Why a configuration does not hold. The key is never part of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// The id is no id.
    #[error("got the model id `{0}`, expected 1 to 40 of a-z, 0-9 and -, each id once")]
    Id(String),
    /// The address may not be asked.
    #[error("model {id}: {why}")]
    Address {
        /// The model.
        id: String,
        /// What is wrong with the address.
        why: &'static str,
    },
    /// The key cannot be sent in a header.
    #[error("the key of a model holds characters that no header can carry, or none at all")]
    Key,
    /// A limit is out of its range.
    #[error("model {id}: got {name} = {got}, expected {expected}")]
    Limit {
        /// The model.
        id: String,
        /// The setting.
        name: &'static str,
        /// Its value.
        got: u64,
        /// Its range.
        expected: &'static str,
    },
    /// A name is missing or too long.
    #[error("model {id}: got an empty or overlong {name}, expected 1 to 200 printable characters")]
    Name {
        /// The model.
        id: String,
        /// The setting.
        name: &'static str,
    },
    /// Too many seats.
    #[error("got {0} models, expected at most 16")]
    TooMany(usize),
    /// The HTTP client cannot be built.
    #[error("no HTTP client: {0}")]
    Client(String),
}

/// The language that an endpoint speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelApi {
    /// Chat completions as OpenAI has them and many servers copy: `POST {base}/chat/completions`.
    OpenAi,
    /// Messages as Anthropic has them: `POST {base}/v1/messages`.
    Anthropic,
}

/// The panels on which a model may sit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Panels {
    /// The first.
    One,
    /// The second.
    Two,
    /// Either: it is seated so that the panels share no model family, where that can be.
    Either,
}

impl Panels {
    /// Whether it may sit on this panel.
    pub fn include(self, phase: Phase) -> bool {
        matches!((self, phase), (Self::Either, _) | (Self::One, Phase::One) | (Self::Two, Phase::Two))
    }
}

/// A key for an endpoint. It is shown nowhere.
#[derive(Clone)]
pub struct ApiKey(HeaderValue, HeaderValue);

impl ApiKey {
    /// A key as the vendor gave it, without the line break at the end of its file.
    ///
    /// # Errors
    /// When a header cannot carry it.
    pub fn new(key: &str) -> Result<Self, ModelError> {
        let key = key.trim_end_matches(['\r', '\n']);
        let hidden = |text: &str| {
            let mut value = HeaderValue::from_str(text).map_err(|_| ModelError::Key)?;
            value.set_sensitive(true);
            Ok(value)
        };
        if key.is_empty() {
            return Err(ModelError::Key);
        }
        Ok(Self(hidden(key)?, hidden(&format!("Bearer {key}"))?))
    }

    pub(super) fn plain(&self) -> HeaderValue {
        self.0.clone()
    }

    pub(super) fn bearer(&self) -> HeaderValue {
        self.1.clone()
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(hidden)")
    }
}

/// A model, and how to ask it.
#[derive(Debug, Clone)]
pub struct ModelConfig {
    /// Its name on ballots: 1 to 40 of a-z, 0-9 and -.
    pub id: String,
    /// The language of the endpoint.
    pub api: ModelApi,
    /// Where the endpoint is: https, or http on this machine where `allow_http_on_loopback` says so.
    pub base_url: Url,
    /// The model, as the vendor names it.
    pub model: String,
    /// Its family: models of one family are taken to err alike.
    pub family: String,
    /// The key, read by the caller; nothing for an endpoint that needs none.
    pub key: Option<ApiKey>,
    /// Where it may sit.
    pub panels: Panels,
    /// How long it may take from the connection to the last byte of the answer; 1 to 600 seconds.
    pub timeout: Duration,
    /// The most that one question may cost, in millionths of a US dollar.
    pub max_cost_micro_usd: u64,
    /// Price of a million tokens of the prompt, in millionths of a US dollar.
    pub input_price_micro_usd: u64,
    /// Price of a million tokens of the answer, in millionths of a US dollar.
    pub output_price_micro_usd: u64,
    /// Longest answer in tokens, 256 to 32,768. An answer that is cut off is no vote.
    pub max_tokens: u32,
    /// Whether plain http is allowed, on 127.0.0.0/8, ::1 and localhost only.
    pub allow_http_on_loopback: bool,
}

impl ModelConfig {
    /// Checks everything that can be checked without asking anybody.
    ///
    /// # Errors
    /// The first setting that does not hold.
    pub fn check(&self) -> Result<(), ModelError> {
        let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !(1..=40).contains(&self.id.len()) || !self.id.bytes().all(letters) {
            return Err(ModelError::Id(printable(&self.id, 60)));
        }
        let id = || self.id.clone();
        for (name, text) in [("model", &self.model), ("family", &self.family)] {
            if text.is_empty() || *text != printable(text, 200) {
                return Err(ModelError::Name { id: id(), name });
            }
        }
        self.check_address().map_err(|why| ModelError::Address { id: id(), why })?;
        let seconds = self.timeout.as_secs();
        if !(1..=600).contains(&seconds) {
            return Err(ModelError::Limit { id: id(), name: "timeout", got: seconds, expected: "1 to 600 seconds" });
        }
        if !(256..=32_768).contains(&self.max_tokens) {
            let got = self.max_tokens.into();
            return Err(ModelError::Limit { id: id(), name: "max_tokens", got, expected: "256 to 32768" });
        }
        Ok(())
    }

    fn check_address(&self) -> Result<(), &'static str> {
        let url = &self.base_url;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("its address holds a user or a password; give the key on its own");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("its address has a query or a fragment, expected a base address");
        }
        match url.scheme() {
            "https" => Ok(()),
            "http" if self.allow_http_on_loopback && self.on_loopback() => Ok(()),
            "http" => Err("got http, expected https; http is for this machine, and only where it is allowed"),
            _ => Err("got an address of another scheme, expected https"),
        }
    }

    /// Whether the endpoint is on this machine.
    pub(super) fn on_loopback(&self) -> bool {
        match self.base_url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        }
    }

    /// What so many tokens cost, rounded up, in millionths of a US dollar.
    pub(crate) fn cost(&self, input: u64, output: u64) -> u64 {
        let of = |tokens: u64, price: u64| u128::from(tokens) * u128::from(price);
        let millionths = of(input, self.input_price_micro_usd) + of(output, self.output_price_micro_usd);
        u64::try_from(millionths.div_ceil(1_000_000)).unwrap_or(u64::MAX)
    }
}
