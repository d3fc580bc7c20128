//! A server on 127.0.0.1 that answers from a closure, misbehaves on demand, and remembers what it was asked.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures::StreamExt as _;
use tokio::sync::oneshot;

use crate::misbehaviour::{self, Fault, Misbehaviour, Rule};

/// One request as the server saw it.
#[derive(Debug, Clone)]
pub struct Asked {
    /// `GET`, `POST`, ...
    pub method: String,
    /// The path, percent-decoded: `/@scope/name`.
    pub path: String,
    /// The `Accept` header.
    pub accept: String,
    /// The `Range` header.
    pub range: Option<String>,
    /// The `Authorization` header.
    pub authorization: Option<String>,
    /// The `x-api-key` header.
    pub api_key: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// An ordinary answer, before misbehaviours and ranges are applied.
pub(crate) struct Reply {
    pub status: u16,
    pub content_type: &'static str,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn ok(content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, content_type, body: body.into() }
    }

    pub fn json(value: &serde_json::Value) -> Self {
        Self::ok("application/json", value.to_string())
    }

    pub fn status(status: u16) -> Self {
        Self { status, content_type: "text/plain", body: Vec::new() }
    }
}

type Answer = dyn Fn(&Asked) -> Reply + Send + Sync;

/// The server. It runs on a thread of its own, so that it serves synchronous and asynchronous tests alike, and stops
/// when this is dropped.
pub struct Loopback {
    address: SocketAddr,
    shared: Arc<Shared>,
    _stop: oneshot::Sender<()>,
}

struct Shared {
    answer: Box<Answer>,
    rules: Arc<Mutex<Vec<Rule>>>,
    log: Mutex<Vec<Asked>>,
    sent: Mutex<Vec<(String, u64)>>,
    busy: Mutex<Busy>,
}

#[derive(Default)]
struct Busy {
    now: usize,
    most: usize,
}

impl Loopback {
    pub(crate) fn start(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            answer: Box::new(answer),
            rules: Arc::default(),
            log: Mutex::default(),
            sent: Mutex::default(),
            busy: Mutex::default(),
        });
        let (stop, stopped) = oneshot::channel::<()>();
        let state = shared.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let app = axum::Router::new().route("/{*path}", axum::routing::any(serve)).with_state(state);
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                tokio::select! {
                    result = axum::serve(listener, app) => result.unwrap(),
                    _ = stopped => {}
                }
            });
        });
        Self { address, shared, _stop: stop }
    }

    /// `http://127.0.0.1:<port>`.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Misbehaves at one path (percent-decoded, with its leading `/`). The earliest rule that still applies wins.
    pub fn misbehave(&self, path: &str, what: Misbehaviour) -> Fault {
        self.rule(Some(path.to_owned()), what)
    }

    /// Misbehaves at every path.
    pub fn misbehave_everywhere(&self, what: Misbehaviour) -> Fault {
        self.rule(None, what)
    }

    /// Forgets every misbehaviour.
    pub fn behave(&self) {
        for rule in self.shared.rules.lock().unwrap().iter_mut() {
            rule.left = Some(0);
        }
    }

    fn rule(&self, path: Option<String>, what: Misbehaviour) -> Fault {
        let mut rules = self.shared.rules.lock().unwrap();
        rules.push(Rule { path, what, left: None });
        Fault { rules: self.shared.rules.clone(), index: rules.len() - 1 }
    }

    /// Every request so far, in order.
    pub fn log(&self) -> Vec<Asked> {
        self.shared.log.lock().unwrap().clone()
    }

    /// How many requests a path had.
    pub fn requests(&self, path: &str) -> usize {
        self.shared.log.lock().unwrap().iter().filter(|asked| asked.path == path).count()
    }

    /// How many requests there were.
    pub fn total_requests(&self) -> usize {
        self.shared.log.lock().unwrap().len()
    }

    /// Body bytes handed to the network for paths that begin so.
    pub fn bytes_sent(&self, prefix: &str) -> u64 {
        self.shared.sent.lock().unwrap().iter().filter(|(path, _)| path.starts_with(prefix)).map(|(_, n)| n).sum()
    }

    /// The most requests that were under way at once.
    pub fn most_at_once(&self) -> usize {
        self.shared.busy.lock().unwrap().most
    }
}

async fn serve(State(shared): State<Arc<Shared>>, Path(path): Path<String>, request: Request) -> Response {
    let under_way = UnderWay::new(shared.clone());
    let (parts, body) = request.into_parts();
    let text = |name| header_text(&parts.headers, name);
    let asked = Asked {
        method: parts.method.to_string(),
        path: format!("/{path}"),
        accept: text(header::ACCEPT).unwrap_or_default(),
        range: text(header::RANGE),
        authorization: text(header::AUTHORIZATION),
        api_key: text(header::HeaderName::from_static("x-api-key")),
        body: axum::body::to_bytes(body, 64 << 20).await.unwrap_or_default().to_vec(),
    };
    shared.log.lock().unwrap().push(asked.clone());
    let what = misbehaviour::next(&shared.rules, &asked.path);
    match &what {
        Some(Misbehaviour::Silent) => std::future::pending().await,
        Some(Misbehaviour::Status(status)) => return status_of(*status).into_response(),
        Some(Misbehaviour::Busy(status, seconds)) => {
            return (status_of(*status), [(header::RETRY_AFTER, seconds.to_string())]).into_response();
        }
        Some(Misbehaviour::Redirect(to)) => {
            return (StatusCode::FOUND, [(header::LOCATION, to.clone())]).into_response();
        }
        _ => {}
    }
    let mut reply = (shared.answer)(&asked);
    match &what {
        Some(Misbehaviour::Garbage) => {
            let body = b"\x00\xff{[<garbage\xfe".repeat(8);
            reply = Reply { status: 200, body, ..reply };
        }
        Some(Misbehaviour::WrongBytes) => reply.body.iter_mut().for_each(|byte| *byte ^= 0x55),
        Some(Misbehaviour::Longer(by)) => reply.body.extend(std::iter::repeat_n(b'+', *by)),
        Some(Misbehaviour::Shorter(to)) => reply.body.truncate(*to),
        _ => {}
    }
    let whole = reply.body.len();
    let wanted = match &what {
        Some(Misbehaviour::NoRange) => None,
        _ if asked.method != Method::GET.as_str() || reply.status != 200 => None,
        _ => asked.range.as_deref().and_then(first_byte),
    };
    let mut response = Response::builder().header(header::CONTENT_TYPE, reply.content_type);
    match wanted {
        Some(from) if from >= whole => {
            return (StatusCode::RANGE_NOT_SATISFIABLE, [(header::CONTENT_RANGE, format!("bytes */{whole}"))])
                .into_response();
        }
        Some(from) => {
            let from = if what == Some(Misbehaviour::WrongRange) { from / 2 } else { from };
            let range = format!("bytes {from}-{}/{whole}", whole - 1);
            response = response.status(StatusCode::PARTIAL_CONTENT).header(header::CONTENT_RANGE, range);
            reply.body.drain(..from);
        }
        None => response = response.status(status_of(reply.status)),
    }
    if let Some(Misbehaviour::Encoded(encoding)) = &what {
        response = response.header(header::CONTENT_ENCODING, *encoding);
    }
    response
        .header(header::CONTENT_LENGTH, reply.body.len())
        .body(body_of(shared, asked.path, reply.body, what, under_way))
        .unwrap()
}

fn status_of(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap()
}

fn header_text(headers: &HeaderMap, name: header::HeaderName) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// The `N` of `bytes=N-`.
fn first_byte(range: &str) -> Option<usize> {
    range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
}

/// A body in pieces that are counted as they leave, at the pace and up to the point that the misbehaviour wants.
fn body_of(shared: Arc<Shared>, path: String, bytes: Vec<u8>, what: Option<Misbehaviour>, under_way: UnderWay) -> Body {
    let (piece, pause) = match what {
        Some(Misbehaviour::Slow(rate)) => ((rate as usize / 20).max(1), Some(Duration::from_millis(50))),
        _ => (64 << 10, None),
    };
    let end = if what == Some(Misbehaviour::HalfBody) { bytes.len() / 2 } else { bytes.len() };
    let pieces: Vec<Option<Bytes>> = {
        let bytes = Bytes::from(bytes);
        let starts = (0..end).step_by(piece);
        let sent = starts.map(|start| Some(bytes.slice(start..end.min(start + piece))));
        sent.chain((what == Some(Misbehaviour::HalfBody)).then_some(None)).collect()
    };
    let under_way = Arc::new(under_way);
    Body::from_stream(futures::stream::iter(pieces).then(move |piece| {
        let (shared, path, under_way) = (shared.clone(), path.clone(), under_way.clone());
        async move {
            let _under_way = under_way;
            if let Some(pause) = pause {
                tokio::time::sleep(pause).await;
            }
            match piece {
                Some(piece) => {
                    shared.sent.lock().unwrap().push((path, piece.len() as u64));
                    Ok(piece)
                }
                None => {
                    // The first half has to leave the buffers before the connection breaks.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    Err(std::io::Error::other("the connection is closed in the middle of the body"))
                }
            }
        }
    }))
}

/// Counts the requests under way from their arrival to the end of their answers.
struct UnderWay(Arc<Shared>);

impl UnderWay {
    fn new(shared: Arc<Shared>) -> Self {
        {
            let mut busy = shared.busy.lock().unwrap();
            busy.now += 1;
            busy.most = busy.most.max(busy.now);
        }
        Self(shared)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.busy.lock().unwrap().now -= 1;
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;

    use super::*;

    /// Asks for a path and returns the status line and the body, as far as it came.
    fn ask(server: &Loopback, path: &str, headers: &str) -> (String, String) {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n").unwrap();
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_default();
        (head.lines().next().unwrap_or_default().to_owned(), body.to_owned())
    }

    fn start() -> Loopback {
        Loopback::start(|asked| match asked.path.as_str() {
            "/@s/digits" => Reply::ok("text/plain", "0123456789"),
            _ => Reply::status(404),
        })
    }

    #[test]
    fn requests_are_answered_and_counted() {
        let server = start();
        let answer = |status: &str, body: &str| (format!("HTTP/1.1 {status}"), body.to_owned());
        assert_eq!(ask(&server, "/@s%2Fdigits", ""), answer("200 OK", "0123456789"));
        assert_eq!(ask(&server, "/@s/digits", "range: bytes=7-\r\n"), answer("206 Partial Content", "789"));
        assert_eq!(ask(&server, "/@s/digits", "range: bytes=10-\r\n"), answer("416 Range Not Satisfiable", ""));
        assert_eq!(ask(&server, "/else", ""), answer("404 Not Found", ""));
        assert_eq!((server.requests("/@s/digits"), server.total_requests()), (3, 4));
        assert_eq!(server.bytes_sent("/@s/"), 13);
        assert_eq!(server.log()[1].range.as_deref(), Some("bytes=7-"));
        assert_eq!(server.most_at_once(), 1);
    }

    #[test]
    fn misbehaviours_are_seen_on_the_wire_and_end() {
        let server = start();
        let check = |what: Misbehaviour, headers: &str, status: &str, body: &str| {
            server.misbehave("/@s/digits", what.clone()).times(1);
            assert_eq!(ask(&server, "/@s/digits", headers), (status.to_owned(), body.to_owned()), "{what:?}");
        };
        check(Misbehaviour::Status(500), "", "HTTP/1.1 500 Internal Server Error", "");
        check(Misbehaviour::Busy(429, 7), "", "HTTP/1.1 429 Too Many Requests", "");
        check(Misbehaviour::HalfBody, "", "HTTP/1.1 200 OK", "01234");
        check(Misbehaviour::Redirect("https://x/".to_owned()), "", "HTTP/1.1 302 Found", "");
        check(Misbehaviour::Silent, "", "", "");
        check(Misbehaviour::WrongBytes, "", "HTTP/1.1 200 OK", "edgfa`cbml");
        check(Misbehaviour::Longer(2), "", "HTTP/1.1 200 OK", "0123456789++");
        check(Misbehaviour::Shorter(3), "", "HTTP/1.1 200 OK", "012");
        check(Misbehaviour::NoRange, "range: bytes=8-\r\n", "HTTP/1.1 200 OK", "0123456789");
        check(Misbehaviour::WrongRange, "range: bytes=8-\r\n", "HTTP/1.1 206 Partial Content", "456789");
        check(Misbehaviour::Slow(400), "", "HTTP/1.1 200 OK", "0123456789");
        assert_eq!(ask(&server, "/@s/digits", "").1, "0123456789");
        server.misbehave_everywhere(Misbehaviour::Status(503));
        assert_eq!(ask(&server, "/else", "").0, "HTTP/1.1 503 Service Unavailable");
        server.behave();
        assert_eq!(ask(&server, "/else", "").0, "HTTP/1.1 404 Not Found");
    }
}
