//! A piece of a file, asked for by range (RFC 9110, 14), so that one text in a large archive does not cost the archive.
//!
//! In: an address, where to begin, how many bytes. Out: exactly those bytes, or the whole file from servers that know no
//! ranges. It must never hold more than it was told to.

use reqwest::StatusCode;
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_RANGE, HeaderValue, RANGE};
use url::Url;

use crate::http::shown;
use crate::patience::Failure;
use crate::{Http, HttpError};

/// Bytes of a file.
#[derive(Debug)]
pub(crate) struct Piece {
    /// Offset of the first byte; 0 where the server sent everything.
    pub from: u64,
    /// Size of the whole file in bytes.
    pub total: u64,
    /// The bytes: as many as were asked for, or up to the end of the file.
    pub bytes: Vec<u8>,
    /// How long the server says that this holds.
    pub cache_control: Option<HeaderValue>,
}

impl Http {
    /// Fetches `length` bytes from `from` on (at least one), less where the file ends. A server that sends the whole
    /// file instead may send at most `most` bytes.
    pub(crate) async fn piece(&self, url: &Url, from: u64, length: u64, most: u64) -> Result<Piece, HttpError> {
        let target = self.target(url)?;
        self.in_turn(url, self.config().total_timeout, async {
            let mut patience = self.patience();
            loop {
                match self.ask_piece(url, &target, from, length, most).await {
                    Ok(piece) => return Ok(piece),
                    Err(failure) => patience.pause(failure).await?,
                }
            }
        })
        .await
    }

    async fn ask_piece(
        &self,
        url: &Url,
        target: &Url,
        from: u64,
        length: u64,
        most: u64,
    ) -> Result<Piece, Failure<HttpError>> {
        let garbage = |why: String| HttpError::Garbage { url: shown(url), expected: "the file's own bytes", why };
        let last = from.saturating_add(length.max(1) - 1);
        let request = self
            .files
            .get(target.clone())
            .header(ACCEPT, "*/*")
            .header(ACCEPT_ENCODING, "identity")
            .header(RANGE, format!("bytes={from}-{last}"));
        let response = match self.send(url, request).await {
            Err(Failure { error: HttpError::Status { status: 416, .. }, .. }) => {
                return Err(garbage(format!("there is no byte {from}")).into());
            }
            other => other?,
        };
        let header = |name| response.headers().get(name).cloned();
        if let Some(encoding) = header(CONTENT_ENCODING).filter(|value| value != "identity") {
            let encoding = sigma_core::printable(&String::from_utf8_lossy(encoding.as_bytes()), 40);
            return Err(garbage(format!("they are encoded as {encoding}")).into());
        }
        let cache_control = header(CACHE_CONTROL);
        match response.status() {
            StatusCode::PARTIAL_CONTENT => {
                let stated = header(CONTENT_RANGE).and_then(|value| content_range(value.to_str().ok()?));
                let Some((first, end, total)) = stated.filter(|&(first, end, total)| {
                    first == from && end == last.min(total.saturating_sub(1)) && end < total
                }) else {
                    return Err(garbage(format!("they are not bytes {from} to {last}, which were asked for")).into());
                };
                let expected = end - first + 1;
                let bytes = self.collect(url, response, expected).await?;
                if bytes.len() as u64 != expected {
                    let why = format!("got {} bytes, expected {expected}", bytes.len());
                    return Err(HttpError::Unreachable { url: shown(url), why }.into());
                }
                Ok(Piece { from, total, bytes, cache_control })
            }
            StatusCode::OK => {
                let bytes = self.collect(url, response, most).await?;
                Ok(Piece { from: 0, total: bytes.len() as u64, bytes, cache_control })
            }
            other => Err(garbage(format!("the status is {}", other.as_u16())).into()),
        }
    }
}

/// `bytes <first>-<last>/<total>` (RFC 9110, 14.4); `None` for anything else.
fn content_range(value: &str) -> Option<(u64, u64, u64)> {
    let (range, total) = value.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    Some((first.trim().parse().ok()?, last.trim().parse().ok()?, total.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges() {
        assert_eq!(content_range("bytes 5-9/10"), Some((5, 9, 10)));
        for wrong in ["bytes 5-9/*", "bytes */10", "bytes 5-9", "lines 5-9/10", "bytes 5-x/10", ""] {
            assert_eq!(content_range(wrong), None, "{wrong}");
        }
    }
}
