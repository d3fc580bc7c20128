//! One question to one configured address: the body goes there, and the answer comes back, whatever its status.
//!
//! In: an address that the operator configured, a body. Out: status and body, bounded in size and time. It must never follow a
//! redirect, repeat a request by itself, or show the address's credentials.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use url::Url;

use crate::http::{HttpError, chain, shown};

/// Who asks.
#[derive(Debug, Clone)]
pub struct Poster {
    client: reqwest::Client,
    most: u64,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// The status code; a redirect's, too.
    pub status: u16,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Poster {
    /// Answers may take so long in all, and have so many bytes.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn new(within: Duration, most: u64) -> Result<Self, HttpError> {
        let client = reqwest::Client::builder()
            .user_agent(concat!("sigma/", env!("CARGO_PKG_VERSION")))
            .timeout(within)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            // What is larger once it is unpacked than it is on the way would escape the limit of what is read.
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .build();
        let client =
            client.map_err(|error| HttpError::Unreachable { url: "HTTP client".to_owned(), why: chain(&error) })?;
        Ok(Self { client, most })
    }

    /// Asks.
    ///
    /// # Errors
    /// When there is no whole answer in time, or it is too long.
    pub async fn post(&self, url: &Url, kind: &'static str, body: String) -> Result<Posted, HttpError> {
        let failed = |error: reqwest::Error| HttpError::Unreachable { url: shown(url), why: chain(&error) };
        let request = self.client.post(url.clone()).header(CONTENT_TYPE, kind).body(body);
        let mut response = request.send().await.map_err(failed)?;
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(failed)? {
            if body.len() as u64 + piece.len() as u64 > self.most {
                return Err(HttpError::TooLarge { url: shown(url), limit: self.most });
            }
            body.extend_from_slice(&piece);
        }
        Ok(Posted { status, body })
    }
}
