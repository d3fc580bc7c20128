//! What every request passes, whatever it asks: an id, its limits, its figures, and the document of a problem.

use std::borrow::Cow;
use std::convert::Infallible;
use std::num::NonZeroU32;
use std::panic::AssertUnwindSafe;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures::FutureExt as _;
use futures::future::{BoxFuture, Either, Ready, ready};
use hyper::body::Incoming;
use tower::ServiceExt as _;
use tracing::{Instrument as _, Span, field};

use crate::App;
use crate::encoding::Encoding;
use crate::kept::{Known, VERIFY, named};
use crate::limit::Peer;
use crate::problem::{Code, Problem};
use crate::public::{packages, verify};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Characters of a request id that a client or proxy chose.
const MAX_REQUEST_ID: usize = 64;

/// Endpoints that watch the server: they are neither counted nor limited.
const WATCHING: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// Bytes of a request's head. 32 KiB: what common servers accept; nothing here needs more than two.
pub(crate) const MAX_HEAD: usize = 32 << 10;

/// Below which the packages are.
const PACKAGES: &str = "/api/v1/public/packages/";

/// An answer that is there at once, which costs no memory, or one that takes a while.
pub(crate) type Answering =
    Either<Ready<Result<Response, Infallible>>, BoxFuture<'static, Result<Response, Infallible>>>;

/// Answers a request: what is ready at once; plain questions about packages without the router; everything else through it.
pub(crate) fn front(app: &App, router: &Router, peer: Peer, request: hyper::Request<Incoming>) -> Answering {
    let passing = Passing::of(&request);
    if let Err(problem) = admit(app, peer, &request) {
        return Either::Left(ready(Ok(passing.end(app, None, problem.into_response()))));
    }
    let Some((address, encoding)) = plain(&request) else {
        return later(app, passing, through(router.clone(), peer, request));
    };
    let endpoint = Endpoint::Known(endpoint(address));
    let uncertified = match app.answers.at(address, encoding) {
        Some(Known::Answer(answer)) => {
            let response = with_open_headers(answer.respond(request.headers()));
            return Either::Left(ready(Ok(passing.end(app, Some(endpoint), response))));
        }
        Some(Known::Uncertified) => true,
        None => false,
    };
    match named(address) {
        Some((package, _)) if uncertified => {
            let response = with_open_headers(packages::not_certified(&package).into_response());
            Either::Left(ready(Ok(passing.end(app, Some(endpoint), response))))
        }
        Some((package, view)) => {
            let (of, headers) = (app.clone(), request.into_parts().0.headers);
            later(app, passing, async move {
                let found = of.answers.read(&package, view).await;
                let found = found.map(|answer| answer.map(|answer| answer.written(encoding)));
                let mut response = with_open_headers(packages::said(found, &package, &headers).into_response());
                response.extensions_mut().insert(endpoint);
                response
            })
        }
        None => later(app, passing, through(router.clone(), peer, request)),
    }
}

/// An answer that takes a while: so long and no longer, and a problem where a handler panics.
fn later(app: &App, passing: Passing, answering: impl Future<Output = Response> + Send + 'static) -> Answering {
    let (app, span) = (app.clone(), passing.span.clone());
    let answering = async move {
        let patience = Duration::from_secs(app.config.request_seconds);
        let answering = AssertUnwindSafe(answering).catch_unwind();
        let mut response = match tokio::time::timeout(patience, answering).await {
            Ok(Ok(response)) => response,
            Ok(Err(_)) => Problem::internal("a handler panicked").into_response(),
            Err(_) => {
                let problem = Problem::new(Code::Timeout, "The answer took longer than the server waits.");
                problem.retry_after(5).into_response()
            }
        };
        let endpoint = response.extensions_mut().remove();
        Ok(passing.end(&app, endpoint, response))
    };
    Either::Right(answering.instrument(span).boxed())
}

async fn through(router: Router, peer: Peer, request: hyper::Request<Incoming>) -> Response {
    let mut request: Request = request.map(Body::new);
    request.extensions_mut().insert(peer);
    router.oneshot(request).await.unwrap_or_else(|never| match never {})
}

/// The end of the address, of the plainest form of a question about a package, and how its answer is to be written.
fn plain(request: &hyper::Request<Incoming>) -> Option<(&str, Encoding)> {
    let plain = request.method() == Method::GET && request.uri().query().is_none();
    let address = request.uri().path().strip_prefix(PACKAGES).filter(|_| plain)?;
    Some((address, Encoding::wanted(request.headers())?))
}

/// The router's address for that question. Scopes are a segment of their own.
fn endpoint(address: &str) -> &'static str {
    match (address.starts_with("npm/@"), address.ends_with(VERIFY)) {
        (false, false) => packages::PATH,
        (true, false) => packages::SCOPED_PATH,
        (false, true) => verify::PATH,
        (true, true) => verify::SCOPED_PATH,
    }
}

/// What the layers of the router add to such an answer. A test compares both.
fn with_open_headers(mut response: Response) -> Response {
    let problem = response.extensions().get::<Problem>().is_some();
    let headers = response.headers_mut();
    // Problem documents are never compressed.
    if !problem {
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    response
}

/// Headers that scripts of other origins may read.
pub(crate) const EXPOSED: &str = "etag,retry-after,x-request-id";

/// The name of a request's span, as OpenTelemetry's conventions have it where the route is not known yet: the method, unless a
/// client made it up.
fn span_name(method: &Method) -> &str {
    let known = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];
    if known.contains(method) { method.as_str() } else { "HTTP" }
}

/// A request on its way.
struct Passing {
    id: HeaderValue,
    began: Instant,
    method: Method,
    span: Span,
}

impl Passing {
    fn of(request: &hyper::Request<Incoming>) -> Self {
        let id = request_id(request.headers());
        // Below what is logged: it costs nothing unless a collector listens.
        let span = tracing::debug_span!(
            "request",
            otel.kind = "server",
            otel.name = span_name(request.method()),
            otel.status_code = field::Empty,
            request.id = id.to_str().unwrap_or_default(),
            http.request.method = %request.method(),
            http.route = field::Empty,
            http.response.status_code = field::Empty,
        );
        Self { id, began: Instant::now(), method: request.method().clone(), span }
    }

    /// Counts it, and gives the answer what every answer has.
    fn end(self, app: &App, endpoint: Option<Endpoint>, answered: Response) -> Response {
        let endpoint = endpoint.unwrap_or(Endpoint::Known("unknown"));
        let mut response = finish(answered, &self.id);
        let (took, status) = (self.began.elapsed(), response.status().as_u16());
        // As OpenTelemetry's conventions for HTTP have it: what a client did wrong is no error of the server.
        if status >= 500 {
            self.span.record("otel.status_code", "ERROR");
        }
        self.span.record("http.route", endpoint.as_str());
        self.span.record("http.response.status_code", status);
        self.span.in_scope(|| {
            tracing::debug!(
                request.id = self.id.to_str().unwrap_or_default(),
                http.method = %self.method,
                http.endpoint = endpoint.as_str(),
                http.status = status,
                took.micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
                "answered"
            );
        });
        if !WATCHING.contains(&endpoint.as_str()) {
            app.metrics.answered(endpoint.label(), status, took);
        }
        let headers = response.headers_mut();
        headers.insert(REQUEST_ID, self.id);
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(POLICY);
        response
    }
}

/// Which address of the router answered: a label for figures.
#[derive(Debug, Clone)]
enum Endpoint {
    Known(&'static str),
    Matched(MatchedPath),
}

impl Endpoint {
    fn as_str(&self) -> &str {
        match self {
            Self::Known(path) => path,
            Self::Matched(path) => path.as_str(),
        }
    }

    fn label(&self) -> Cow<'static, str> {
        match self {
            Self::Known(path) => Cow::Borrowed(path),
            Self::Matched(path) => Cow::Owned(path.as_str().to_owned()),
        }
    }
}

/// Tells `front` which address answered. A layer of the router: only inside is that known.
pub(crate) async fn label(request: Request, next: Next) -> Response {
    let endpoint = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    if let Some(endpoint) = endpoint {
        response.extensions_mut().insert(Endpoint::Matched(endpoint));
    }
    response
}

/// What can be refused before anybody looks at it.
fn admit(app: &App, Peer(peer): Peer, request: &hyper::Request<Incoming>) -> Result<(), Problem> {
    let uri = request.uri();
    let length = uri.path_and_query().map_or(0, |text| text.as_str().len());
    if length > app.config.max_uri_bytes {
        let max = app.config.max_uri_bytes;
        return Err(Problem::new(Code::UriTooLong, format!("got {length} bytes, expected at most {max}")));
    }
    let head = head_bytes(request.method(), length, request.headers());
    if head > MAX_HEAD {
        return Err(Problem::new(Code::HeadTooLarge, format!("got {head} bytes, expected at most {MAX_HEAD}")));
    }
    if WATCHING.contains(&uri.path()) {
        return Ok(());
    }
    // A request that two servers on its way could take for two hosts' (RFC 9112, section 3.2).
    let hosts = request.headers().get_all(header::HOST).iter().count();
    if hosts > 1 || (hosts == 0 && request.version() == Version::HTTP_11) {
        return Err(Problem::new(Code::InvalidHeader, format!("got {hosts} headers `Host`, expected one")));
    }
    let client = app.limiter.client(peer.ip(), request.headers());
    app.limiter.count(client, NonZeroU32::MIN).map_err(too_many)
}

/// Bytes of a request's head as it is written without superfluous spaces: request line, headers, and the empty line.
fn head_bytes(method: &Method, target: usize, headers: &HeaderMap) -> usize {
    let line = method.as_str().len() + target + "  HTTP/1.1\r\n".len();
    let fields = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len());
    line + fields.sum::<usize>() + "\r\n".len()
}

/// The problem of an address that asks too often.
pub(crate) fn too_many(seconds: u64) -> Problem {
    let detail = format!("too many requests from your address; try again in {seconds} s");
    Problem::new(Code::RateLimited, detail).retry_after(seconds)
}

/// Writes the document of a problem that a handler, or the router itself, answered with.
fn finish(mut response: Response, id: &HeaderValue) -> Response {
    let status = response.status();
    let problem = response.extensions_mut().remove::<Problem>();
    let problem = match problem {
        Some(problem) => problem,
        None if status == axum::http::StatusCode::METHOD_NOT_ALLOWED => {
            Problem::new(Code::MethodNotAllowed, "this address does not take that method; see Allow")
        }
        None if status == axum::http::StatusCode::NOT_ACCEPTABLE => {
            // What was answered is not sent, so nobody may keep it.
            response.headers_mut().remove(header::ETAG);
            Problem::new(Code::NotAcceptable, "Accept-Encoding leaves no way to write the answer")
        }
        None => return response,
    };
    let id = id.to_str().unwrap_or_default();
    if let Some(cause) = problem.cause() {
        tracing::error!(request.id = id, cause, "a request failed");
    }
    let document = serde_json::to_vec(&problem.document(id)).unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, PROBLEM_JSON);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.remove(header::CONTENT_LENGTH);
    *response.body_mut() = Body::from(document);
    response
}

/// The id that the client or its proxy sent, where it is a harmless one; one of ours otherwise.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let sent = headers.get(&REQUEST_ID).filter(|value| {
        let text = value.as_bytes();
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
        !text.is_empty() && text.len() <= MAX_REQUEST_ID && text.iter().all(plain)
    });
    if let Some(sent) = sent {
        return sent.clone();
    }
    /// Tells the ids of two processes apart. They are names, not secrets.
    static PROCESS: LazyLock<u64> = LazyLock::new(|| {
        use std::hash::{BuildHasher as _, RandomState};
        RandomState::new().hash_one(std::process::id())
    });
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let id = format!("{:012x}-{:x}", *PROCESS >> 16, NEXT.fetch_add(1, Ordering::Relaxed));
    HeaderValue::from_str(&id).unwrap_or(HeaderValue::from_static("none"))
}
