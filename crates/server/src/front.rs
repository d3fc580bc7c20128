//! What every request passes, whatever it asks: an id, its limits, its figures, and the document of a problem.

use std::num::NonZeroU32;
use std::panic::AssertUnwindSafe;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures::FutureExt as _;
use sigma_core::{PackageId, PackageName};
use tower::ServiceExt as _;
use tracing::{Instrument as _, Span, field};

use crate::App;
use crate::limit::Peer;
use crate::problem::{Code, Problem};
use crate::public::{packages, verify};
use crate::ready::View;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Characters of a request id that a client or proxy chose.
const MAX_REQUEST_ID: usize = 64;

/// Endpoints that watch the server: they are neither counted nor limited.
const WATCHING: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// Answers a request: what is ready at once, everything else through the router.
pub(crate) async fn front(app: App, router: Router, request: Request) -> Response {
    let id = request_id(request.headers());
    // Below what is logged: it costs nothing unless a collector listens.
    let span = tracing::debug_span!(
        "request",
        otel.kind = "server",
        request.id = id.to_str().unwrap_or_default(),
        http.request.method = %request.method(),
        http.route = field::Empty,
        http.response.status_code = field::Empty,
    );
    answer(app, router, request, id).instrument(span).await
}

async fn answer(app: App, router: Router, request: Request, id: HeaderValue) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let mut answered = match admit(&app, &request) {
        Err(problem) => problem.into_response(),
        Ok(()) => match at_hand(&app, &request) {
            Some(response) => response,
            None => route(&app, router, request).await,
        },
    };
    let endpoint = answered.extensions_mut().remove::<Endpoint>();
    let endpoint = endpoint.as_ref().map_or("unknown", Endpoint::as_str);
    let mut response = finish(answered, &id);
    let took = began.elapsed();
    let span = Span::current();
    span.record("http.route", endpoint);
    span.record("http.response.status_code", response.status().as_u16());
    if !WATCHING.contains(&endpoint) {
        app.metrics.answered(endpoint, response.status().as_u16(), took);
    }
    tracing::debug!(
        request.id = id.to_str().unwrap_or_default(),
        http.method = %method,
        http.endpoint = endpoint,
        http.status = response.status().as_u16(),
        took.micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        "answered"
    );
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, id);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(POLICY);
    response
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

/// The answer about a package that is ready, for the plainest form of the question. A test compares it with the router's.
fn at_hand(app: &App, request: &Request) -> Option<Response> {
    let headers = request.headers();
    let plain = request.method() == Method::GET
        && request.uri().query().is_none()
        && !headers.contains_key(header::ACCEPT_ENCODING);
    let rest = request.uri().path().strip_prefix("/api/v1/public/packages/").filter(|_| plain)?;
    let mut segments = rest.split('/');
    let (registry, name, version) = (segments.next()?, segments.next()?, segments.next()?);
    let (view, endpoint) = match (segments.next(), segments.next()) {
        (None, _) => (View::Package, packages::PATH),
        (Some("verify"), None) => (View::Verify, verify::PATH),
        _ => return None,
    };
    // Whatever is percent-encoded, scoped or spelled otherwise is for the router to read.
    let known = PackageName::new(registry.parse().ok()?, name).ok().filter(|known| known.as_str() == name)?;
    let answer = app.answers.at_hand(PackageId::new(known, version).ok()?, view)?;
    let mut response = answer.respond(headers);
    response.extensions_mut().insert(Endpoint::Known(endpoint));
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    Some(response)
}

/// Headers that scripts of other origins may read.
pub(crate) const EXPOSED: &str = "etag,retry-after,x-request-id";

async fn route(app: &App, router: Router, request: Request) -> Response {
    let patience = Duration::from_secs(app.config.request_seconds);
    let answering = AssertUnwindSafe(router.oneshot(request)).catch_unwind();
    match tokio::time::timeout(patience, answering).await {
        Ok(Ok(Ok(response))) => response,
        Ok(Err(_)) => Problem::internal("a handler panicked").into_response(),
        Err(_) => {
            let problem = Problem::new(Code::Timeout, "The answer took longer than the server waits.");
            problem.retry_after(5).into_response()
        }
    }
}

/// What can be refused before anybody looks at it.
fn admit(app: &App, request: &Request) -> Result<(), Problem> {
    let uri = request.uri();
    let length = uri.path_and_query().map_or(0, |text| text.as_str().len());
    if length > app.config.max_uri_bytes {
        let max = app.config.max_uri_bytes;
        return Err(Problem::new(Code::UriTooLong, format!("got {length} bytes, expected at most {max}")));
    }
    if WATCHING.contains(&uri.path()) {
        return Ok(());
    }
    let Some(Peer(peer)) = request.extensions().get::<Peer>() else { return Ok(()) };
    let client = app.limiter.client(peer.ip(), request.headers());
    app.limiter.count(client, NonZeroU32::MIN).map_err(too_many)
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
