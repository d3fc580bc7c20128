//! How often, and after which pauses, a request is tried again.
//!
//! In: failed attempts, and what the server said about coming back. Out: a pause, or the error. It must never try again
//! what cannot succeed, nor wait for as long as a server likes.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

use crate::HttpError;

/// A failed attempt: whether another one may help, and when.
#[derive(Debug)]
pub(crate) struct Failure<E> {
    pub error: E,
    transient: bool,
    retry_after: Option<Duration>,
}

impl<E> Failure<E> {
    /// No further attempt can help.
    pub fn last(error: E) -> Self {
        Self { error, transient: false, retry_after: None }
    }

    /// The same failure as a wider error.
    pub fn widen<F: From<E>>(self) -> Failure<F> {
        Failure { error: self.error.into(), transient: self.transient, retry_after: self.retry_after }
    }
}

impl<E: From<HttpError>> From<HttpError> for Failure<E> {
    fn from(error: HttpError) -> Self {
        Self { transient: error.is_transient(), retry_after: error.retry_after(), error: error.into() }
    }
}

/// The attempts that are left, and the pauses between them.
pub(crate) struct Patience(ExponentialBackoff);

impl Patience {
    /// All attempts that the configuration allows.
    pub fn new(backoff: ExponentialBuilder) -> Self {
        Self(backoff.build())
    }

    /// Waits before the next attempt, or gives the error back where none is left or none would help.
    pub async fn pause<E>(&mut self, failure: Failure<E>) -> Result<(), E> {
        match self.next(&failure) {
            Some(pause) => {
                tokio::time::sleep(pause).await;
                Ok(())
            }
            None => Err(failure.error),
        }
    }

    /// The pause before the next attempt. A server that says when to come back is heard, for up to [`LONGEST_PAUSE`].
    fn next<E>(&mut self, failure: &Failure<E>) -> Option<Duration> {
        let pause = self.0.next().filter(|_| failure.transient)?;
        Some(pause.max(failure.retry_after.unwrap_or_default()).min(LONGEST_PAUSE))
    }
}

/// The longest pause between two attempts, whatever a server asks for.
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// `Retry-After` (RFC 9110, 10.2.3): seconds, or a date, which is compared with the server's own `Date`.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let wanted = text(RETRY_AFTER)?;
    if let Ok(seconds) = wanted.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let time = |text| jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok();
    time(wanted)?.duration_since(time(text(DATE)?)?).try_into().ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{EcosystemConfig, Http};

    #[test]
    fn a_wish_for_a_pause_is_read_in_both_notations() {
        let check = |wish: &str, date: &str, expect: Option<u64>| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, wish.parse().unwrap());
            headers.insert(DATE, date.parse().unwrap());
            assert_eq!(retry_after(&headers), expect.map(Duration::from_secs), "{wish}");
        };
        let now = "Sun, 06 Nov 1994 08:49:37 GMT";
        check("120", now, Some(120));
        check("Sun, 06 Nov 1994 08:50:00 GMT", now, Some(23));
        check("Sun, 06 Nov 1994 08:49:00 GMT", now, None);
        check("Sun, 06 Nov 1994 08:50:00 GMT", "yesterday", None);
        check("-1", now, None);
        check("99999999999999999999999", now, None);
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }

    #[test]
    fn pauses_grow_and_end() {
        let mut config = EcosystemConfig::official("cache".into());
        config.attempts = 4;
        let http = Http::new(Arc::new(config)).unwrap();
        let failure = |status, after: Option<u64>| {
            let retry_after = after.map(Duration::from_secs);
            Failure::<HttpError>::from(HttpError::Status { url: "x".to_owned(), status, retry_after })
        };
        let mut patience = http.patience();
        let between = |pause: Option<Duration>, low: u64, high: u64| {
            let millis = pause.unwrap().as_millis() as u64;
            assert!((low..=high).contains(&millis), "{millis} ms");
        };
        between(patience.next(&failure(500, None)), 200, 400);
        between(patience.next(&failure(429, Some(7))), 7_000, 7_000);
        between(patience.next(&failure(503, Some(3600))), 30_000, 30_000);
        assert_eq!(patience.next(&failure(500, None)), None);
        assert_eq!(http.patience().next(&failure(404, None)), None);
    }
}
