//! Downloading a distribution: streamed to disk through the hashers, resumed where it broke off, verified at the end.
//!
//! In: a distribution as published, the project's pins, a staging folder. Out: an [`Artifact`] whose bytes are durable, or
//! why there is none. It must never retry wrong bytes into right ones, and never leave wrong bytes behind.

use std::io;
use std::path::Path;

use futures::StreamExt as _;
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_RANGE, HeaderMap, RANGE};
use reqwest::{Response, StatusCode};
use sigma_core::{Distribution, ExpectedDigest};
use tokio::sync::mpsc;
use url::Url;

use crate::artifact::{check_published, is_verifiable, wants_sha384};
use crate::http::{chain, shown};
use crate::patience::Failure;
use crate::staging::{Staged, stem};
use crate::{Artifact, FetchError, Hashed, Http, HttpError};

/// Pieces of a body that may wait for the disk before the network has to.
const PIECES_IN_FLIGHT: usize = 32;

/// What is fetched, and whereto.
struct Job<'a> {
    distribution: &'a Distribution,
    /// As errors name it.
    url: Url,
    /// As it is asked for.
    target: Url,
    /// More bytes than this are not read.
    limit: u64,
    stem: String,
    progress: &'a (dyn Fn(u64) + Sync),
}

impl Http {
    /// Streams a distribution through the hashers into `staging`, and verifies it.
    ///
    /// The artifact's file has a name of its own in `staging`, is durable, and belongs to the caller, who moves or removes
    /// it. `progress` hears of every piece that arrives, in bytes.
    ///
    /// Lost connections, 408, 429 and 5xx are tried again, and a download that broke off, now or in an earlier run,
    /// continues where it stopped. A mismatch is never tried again, with one exception: bytes from more than one answer
    /// may differ because the earlier part was stale, so one whole download, without resuming, decides.
    pub async fn fetch(
        &self,
        distribution: &Distribution,
        pinned: &[ExpectedDigest],
        staging: &Path,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Artifact, FetchError> {
        is_verifiable(distribution)?;
        let url = Url::parse(&distribution.url).map_err(|error| HttpError::Forbidden {
            url: sigma_core::printable(&distribution.url, 300),
            why: error.to_string(),
        })?;
        let target = self.target(&url)?;
        let most = self.config().max_distribution_bytes;
        if distribution.size.is_some_and(|size| size > most) {
            return Err(HttpError::TooLarge { url: shown(&url), limit: most }.into());
        }
        let limit = distribution.size.unwrap_or(most);
        let job = Job { distribution, url, target, limit, stem: stem(distribution), progress };
        let sha384 = wants_sha384(distribution, pinned);
        self.in_turn(&job.url, self.config().fetch_timeout, async {
            let (folder, name) = (staging.to_owned(), job.stem.clone());
            let opened = blocking(move || Staged::open(&folder, &name, sha384, limit)).await;
            let staged = opened.map_err(|source| FetchError::Io { path: staging.join(&job.stem), source })?;
            let (name, staged) = (job.stem.clone(), self.complete(&job, staged).await?);
            let (path, computed) = (staged.path().to_owned(), staged.computed());
            let kept = blocking(move || staged.keep(&name)).await.map_err(|source| FetchError::Io { path, source })?;
            let hashed = Hashed::new(kept.clone(), computed);
            // What was published holds by now. Wrong for the project is as wrong: nothing stays behind.
            let verified = Artifact::verified(distribution.clone(), pinned, hashed);
            if verified.is_err() {
                remove(&kept)?;
            }
            verified
        })
        .await
    }

    /// The whole file, as published.
    async fn complete(&self, job: &Job<'_>, mut staged: Staged) -> Result<Staged, FetchError> {
        let mut resume = true;
        // An earlier run may have fetched everything and ended before anybody took it.
        let mut outcome = check_published(job.distribution, &staged.computed());
        if outcome.is_err() {
            staged = self.fill(job, staged, resume).await?;
            outcome = check_published(job.distribution, &staged.computed());
        }
        while let Err(mismatch) = outcome {
            if !(resume && staged.pieced) {
                let path = staged.path().to_owned();
                staged.discard().map_err(|source| FetchError::Io { path, source })?;
                return Err(mismatch.into());
            }
            tracing::info!(distribution = %job.stem, "A resumed download is wrong; one whole download decides");
            resume = false;
            staged = self.fill(job, restarted(staged)?, resume).await?;
            outcome = check_published(job.distribution, &staged.computed());
        }
        Ok(staged)
    }

    /// Attempts until one body came to its end. Whether it is the right one is for the caller to find out.
    async fn fill(&self, job: &Job<'_>, mut staged: Staged, mut resume: bool) -> Result<Staged, FetchError> {
        let mut patience = self.patience();
        loop {
            if staged.len() > 0 && (!resume || staged.len() >= job.limit) {
                staged = restarted(staged)?;
            }
            let failure = match self.ask(job, staged.len()).await {
                Ok(Some(response)) => {
                    if response.status() != StatusCode::PARTIAL_CONTENT && staged.len() > 0 {
                        staged = restarted(staged)?;
                    }
                    let streamed;
                    (staged, streamed) = self.stream(job, staged, response).await?;
                    match streamed {
                        Ok(()) => return Ok(staged),
                        Err(failure) => failure,
                    }
                }
                Ok(None) => {
                    resume = false;
                    continue;
                }
                Err(failure) => failure.widen(),
            };
            if let Err(error) = patience.pause(failure).await {
                // Nothing to resume from, or nothing that should be.
                if staged.len() == 0 || matches!(error, FetchError::Http(HttpError::TooLarge { .. })) {
                    let path = staged.path().to_owned();
                    staged.discard().map_err(|source| FetchError::Io { path, source })?;
                }
                return Err(error);
            }
            staged.pieced |= staged.len() > 0;
        }
    }

    /// Asks for the file from byte `from` on. `None` where the server cannot continue there.
    async fn ask(&self, job: &Job<'_>, from: u64) -> Result<Option<Response>, Failure<HttpError>> {
        let mut request = self.files.get(job.target.clone()).header(ACCEPT, "*/*").header(ACCEPT_ENCODING, "identity");
        if from > 0 {
            request = request.header(RANGE, format!("bytes={from}-"));
        }
        let response = match self.send(&job.url, request).await {
            Err(Failure { error: HttpError::Status { status: 416, .. }, .. }) if from > 0 => return Ok(None),
            other => other?,
        };
        let garbage = |why: String| {
            Failure::last(HttpError::Garbage { url: shown(&job.url), expected: "the file's own bytes", why })
        };
        if let Some(encoding) = response.headers().get(CONTENT_ENCODING).filter(|value| *value != "identity") {
            let encoding = String::from_utf8_lossy(encoding.as_bytes());
            return Err(garbage(format!("they are encoded as {}", sigma_core::printable(&encoding, 40))));
        }
        match response.status() {
            StatusCode::OK => {}
            StatusCode::PARTIAL_CONTENT if from > 0 => {
                if !continues_at(response.headers(), from, job.distribution.size) {
                    return Ok(None);
                }
            }
            other => return Err(garbage(format!("the status is {}", other.as_u16()))),
        }
        Ok(Some(response))
    }

    /// Streams one body to its end or its failure; errors of our own disk end everything.
    async fn stream(
        &self,
        job: &Job<'_>,
        staged: Staged,
        response: Response,
    ) -> Result<(Staged, Result<(), Failure<FetchError>>), FetchError> {
        let too_large = || HttpError::TooLarge { url: shown(&job.url), limit: job.limit };
        let mut total = staged.len();
        let announced = response.content_length().unwrap_or(0);
        if job.distribution.size.is_none() && total.saturating_add(announced) > job.limit {
            return Ok((staged, Err(too_large().into())));
        }
        let path = staged.path().to_owned();
        // One blocking task hashes and writes for the whole body; it ends when the sender is gone, also when this
        // future is dropped.
        let (sender, receiver) = mpsc::channel(PIECES_IN_FLIGHT);
        let writing = tokio::task::spawn_blocking(move || write(staged, receiver));
        let mut body = response.bytes_stream();
        let mut result = Ok(());
        while let Some(piece) = body.next().await {
            let piece = match piece {
                Ok(piece) => piece,
                Err(error) => {
                    result = Err(HttpError::Unreachable { url: shown(&job.url), why: chain(&error) }.into());
                    break;
                }
            };
            total += piece.len() as u64;
            (job.progress)(piece.len() as u64);
            if total > job.limit && job.distribution.size.is_none() {
                result = Err(too_large().into());
                break;
            }
            // The receiver is gone only when the disk failed, which the task tells.
            if sender.send(piece).await.is_err() || total > job.limit {
                break;
            }
        }
        drop(sender);
        let written = writing.await.unwrap_or_else(|panic| Err(io::Error::other(panic)));
        Ok((written.map_err(|source| FetchError::Io { path, source })?, result))
    }
}

fn write<B: AsRef<[u8]>>(mut staged: Staged, mut pieces: mpsc::Receiver<B>) -> io::Result<Staged> {
    while let Some(piece) = pieces.blocking_recv() {
        staged.append(piece.as_ref())?;
    }
    staged.flush()?;
    Ok(staged)
}

/// `Content-Range: bytes <from>-<last>/<size>` (RFC 9110, 14.4) that continues at `from`, in a file of the published size.
fn continues_at(headers: &HeaderMap, from: u64, size: Option<u64>) -> bool {
    let value = headers.get(CONTENT_RANGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Some((range, total)) = value.strip_prefix("bytes ").and_then(|value| value.split_once('/')) else {
        return false;
    };
    let starts = range.split_once('-').and_then(|(first, _)| first.trim().parse().ok()) == Some(from);
    let fits = size.is_none() || total == "*" || total.trim().parse().ok() == size;
    starts && fits
}

fn restarted(mut staged: Staged) -> Result<Staged, FetchError> {
    match staged.restart() {
        Ok(()) => Ok(staged),
        Err(source) => Err(FetchError::Io { path: staged.path().to_owned(), source }),
    }
}

fn remove(path: &Path) -> Result<(), FetchError> {
    std::fs::remove_file(path).map_err(|source| FetchError::Io { path: path.to_owned(), source })
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|panic| Err(io::Error::other(panic)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_rest_of_the_same_file_continues_it() {
        let check = |value: &str, expect: bool| {
            let headers = HeaderMap::from_iter([(CONTENT_RANGE, value.parse().unwrap())]);
            assert_eq!(continues_at(&headers, 5, Some(10)), expect, "{value}");
        };
        check("bytes 5-9/10", true);
        check("bytes 5-9/*", true);
        check("bytes 4-9/10", false);
        check("bytes 5-9/11", false);
        check("bytes */10", false);
        check("bytes 5-9", false);
        check("lines 5-9/10", false);
        check("", false);
        assert!(!continues_at(&HeaderMap::new(), 5, None));
    }
}
