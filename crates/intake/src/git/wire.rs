//! The HTTP that git is spoken over: one host at addresses that were screened, bounded in bytes and time.
//!
//! In: the requests of gix's transport, each one a GET or a POST to the repository's own address. Out: bodies, read piece by
//! piece. It must never follow a redirect, send a credential or a cookie, answer a challenge, or wait past the deadline.

use std::any::Any;
use std::io::{self, BufRead, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use gix_error::ErrorExt as _;
use gix_transport::client::blocking_io::http::{GetResponse, Http, PostBodyDataKind, PostResponse};
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use sigma_core::printable;
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::RepositoryError;
use crate::address::last_cause;
use crate::config::RepositoryConfig;

/// Largest request in bytes: a want has at most 80, and there are at most some thousand.
const REQUEST: usize = 512 << 10;

/// What one fetch may still use, and what went wrong. gix passes errors through several layers of its own; the cause is kept
/// here, as it was.
pub(crate) struct Budget {
    deadline: Instant,
    within: Duration,
    limit: u64,
    state: Mutex<State>,
}

struct State {
    received: u64,
    cause: Option<RepositoryError>,
}

impl Budget {
    pub(crate) fn new(config: &RepositoryConfig, deadline: Instant) -> Arc<Self> {
        let state = Mutex::new(State { received: 0, cause: None });
        Arc::new(Self { deadline, within: config.within, limit: config.received, state })
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the cause, and gives an error for the layers above.
    fn fail(&self, cause: RepositoryError) -> io::Error {
        let error = io::Error::other(cause.to_string());
        self.state().cause.get_or_insert(cause);
        error
    }

    /// Why it failed: the cause that was kept, or else what gix says.
    pub(crate) fn explain(&self, otherwise: impl FnOnce() -> RepositoryError) -> RepositoryError {
        self.state().cause.take().unwrap_or_else(otherwise)
    }

    /// An error once the time is over.
    pub(crate) fn check(&self) -> Result<(), RepositoryError> {
        match Instant::now() < self.deadline {
            true => Ok(()),
            false => Err(RepositoryError::Late(self.within)),
        }
    }

    fn count(&self, bytes: usize) -> io::Result<()> {
        let mut state = self.state();
        state.received += bytes as u64;
        let over = state.received > self.limit;
        drop(state);
        match over {
            true => Err(self.fail(RepositoryError::TooLarge { what: "bytes to fetch", limit: self.limit })),
            false => Ok(()),
        }
    }

    /// Waits for the network, up to the deadline.
    fn wait<T>(&self, runtime: &Handle, future: impl Future<Output = reqwest::Result<T>>) -> io::Result<T> {
        match runtime.block_on(tokio::time::timeout_at(self.deadline, future)) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => {
                let last = last_cause(&error);
                Err(self.fail(match refuses_certificate(&error) {
                    true => RepositoryError::Certificate(last),
                    false => RepositoryError::Protocol(last),
                }))
            }
            Err(_) => Err(self.fail(RepositoryError::Late(self.within))),
        }
    }
}

/// Whether it was the server's certificate that ended it. Below the HTTP client errors of TLS are wrapped as those of a socket.
fn refuses_certificate(error: &reqwest::Error) -> bool {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        if matches!(error.downcast_ref(), Some(rustls::Error::InvalidCertificate(_))) {
            return true;
        }
        // What an error of a socket was made of is not its source.
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    false
}

/// gix's way to the network.
pub(crate) struct Wire {
    pub(crate) client: reqwest::Client,
    pub(crate) runtime: Handle,
    pub(crate) budget: Arc<Budget>,
}

impl Wire {
    fn exchange(&self, method: Method, url: &str, headers: impl IntoIterator<Item = impl AsRef<str>>) -> Shared {
        let mut request = self.client.request(method, url);
        for header in headers {
            // gix hands over whole lines. Nothing in them is a stranger's.
            if let Some((name, value)) = header.as_ref().split_once(": ")
                && let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value))
            {
                request = request.header(name, value);
            }
        }
        Shared(Arc::new(Mutex::new(Exchange {
            runtime: self.runtime.clone(),
            budget: self.budget.clone(),
            request: Some(request),
            sent: Vec::new(),
            response: None,
        })))
    }
}

impl Http for Wire {
    type Headers = Headers;
    type ResponseBody = Body;
    type PostBody = Shared;

    fn get(
        &mut self,
        url: &str,
        _base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> gix_error::Result<GetResponse<Headers, Body>> {
        let exchange = self.exchange(Method::GET, url, headers);
        exchange.with(Exchange::start).map_err(|error| error.raise())?;
        Ok(GetResponse { headers: Headers::of(&exchange), body: Body::of(&exchange) })
    }

    fn post(
        &mut self,
        url: &str,
        _base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
        _kind: PostBodyDataKind,
    ) -> gix_error::Result<PostResponse<Headers, Body, Shared>> {
        let exchange = self.exchange(Method::POST, url, headers);
        Ok(PostResponse { headers: Headers::of(&exchange), body: Body::of(&exchange), post_body: exchange })
    }

    fn configure(&mut self, _config: &dyn Any) -> gix_error::Result {
        Ok(())
    }
}

/// One request, which is sent when somebody asks for the answer.
struct Exchange {
    runtime: Handle,
    budget: Arc<Budget>,
    request: Option<reqwest::RequestBuilder>,
    sent: Vec<u8>,
    response: Option<reqwest::Response>,
}

impl Exchange {
    fn start(&mut self) -> io::Result<()> {
        let Some(request) = self.request.take() else { return Ok(()) };
        let request = request.body(std::mem::take(&mut self.sent));
        let response = self.budget.wait(&self.runtime, request.send())?;
        let status = response.status();
        let location = response.headers().get(reqwest::header::LOCATION).map(|value| value.as_bytes());
        let cause = match status {
            StatusCode::OK => {
                self.response = Some(response);
                return Ok(());
            }
            _ if status.is_redirection() => {
                let location = location.map(String::from_utf8_lossy).unwrap_or_default();
                RepositoryError::Moved(printable(location.split("/info/refs").next().unwrap_or_default(), 200))
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::GONE => {
                RepositoryError::NotPublic(status.as_u16())
            }
            _ => RepositoryError::Status(status.as_u16()),
        };
        Err(self.budget.fail(cause))
    }

    fn chunk(&mut self) -> io::Result<Bytes> {
        self.start()?;
        let Some(response) = &mut self.response else { return Ok(Bytes::new()) };
        // An empty piece would read as the end.
        while let Some(chunk) = self.budget.wait(&self.runtime, response.chunk())? {
            if !chunk.is_empty() {
                self.budget.count(chunk.len())?;
                return Ok(chunk);
            }
        }
        Ok(Bytes::new())
    }
}

/// One exchange, seen by whoever writes its request and whoever reads its answer, one after the other.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Mutex<Exchange>>);

impl Shared {
    fn with<T>(&self, what: impl FnOnce(&mut Exchange) -> T) -> T {
        what(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.with(|exchange| match exchange.sent.len() + bytes.len() <= REQUEST {
            true => exchange.sent.write(bytes),
            false => Err(io::Error::other("the request is too large")),
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The head of the answer. All that gix looks for is the media type.
pub(crate) struct Headers {
    exchange: Shared,
    lines: Option<io::Cursor<Vec<u8>>>,
}

impl Headers {
    fn of(exchange: &Shared) -> Self {
        Self { exchange: exchange.clone(), lines: None }
    }

    fn lines(&mut self) -> io::Result<&mut io::Cursor<Vec<u8>>> {
        if self.lines.is_none() {
            let media = self.exchange.with(|exchange| {
                exchange.start()?;
                let headers = exchange.response.as_ref().map(reqwest::Response::headers);
                let media = headers.and_then(|headers| headers.get(reqwest::header::CONTENT_TYPE));
                io::Result::Ok(media.map(|value| value.as_bytes().to_vec()).unwrap_or_default())
            })?;
            self.lines = Some(io::Cursor::new([b"content-type: ", media.as_slice(), b"\n"].concat()));
        }
        Ok(self.lines.get_or_insert_default())
    }
}

impl Read for Headers {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.lines()?.read(out)
    }
}

impl BufRead for Headers {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.lines()?.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        if let Some(lines) = &mut self.lines {
            lines.consume(amount);
        }
    }
}

/// The body of the answer.
pub(crate) struct Body {
    exchange: Shared,
    chunk: Bytes,
}

impl Body {
    fn of(exchange: &Shared) -> Self {
        Self { exchange: exchange.clone(), chunk: Bytes::new() }
    }
}

impl Read for Body {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let amount = self.fill_buf()?.read(out)?;
        self.consume(amount);
        Ok(amount)
    }
}

impl BufRead for Body {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.chunk.is_empty() {
            self.chunk = self.exchange.with(Exchange::chunk)?;
        }
        Ok(&self.chunk)
    }

    fn consume(&mut self, amount: usize) {
        let _ = self.chunk.split_to(amount.min(self.chunk.len()));
    }
}
