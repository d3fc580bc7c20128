//! What an ecosystem serves about where a distribution comes from: npm's attestations, PyPI's provenance objects (PEP 740).
//!
//! In: a release and its distributions. Out: for each of them the document as it is served, or that there is none, or why
//! nobody knows. It must never take "was not told" for "there is none": only an ecosystem that would announce attestations,
//! and announces none, has none.

use std::time::Duration;

use sigma_core::printable;
use url::Url;

use crate::http::Bounds;
use crate::{Http, HttpError};

/// Largest document that is fetched, in bytes. Real ones have 10 to 15 kB.
const MAX_BYTES: u64 = 1 << 20;
/// Time for one document, all attempts and pauses included. They are small, and a certificate can do without.
const MAX_TIME: Duration = Duration::from_secs(30);

/// What an ecosystem serves about where a distribution comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attestations {
    /// The document as it is served. It was not checked.
    Served(Vec<u8>),
    /// The ecosystem answered, and announces none.
    Absent,
    /// Nobody knows.
    Unavailable {
        /// Why, in a sentence.
        reason: String,
    },
}

impl Attestations {
    /// Nobody knows, for a reason.
    pub(crate) fn unavailable(reason: &str) -> Self {
        Self::Unavailable { reason: printable(reason, 300) }
    }

    /// Fetches what is announced at an address.
    pub(crate) async fn fetch(http: &Http, url: &Url, accept: &str) -> Self {
        match http.get_within(url, accept, Bounds { bytes: MAX_BYTES, time: MAX_TIME }).await {
            Ok(document) => Self::Served(document),
            Err(error) => Self::unavailable(&not_served(&error)),
        }
    }
}

fn not_served(error: &HttpError) -> String {
    format!("attestations are announced, and not served: {error}")
}
