//! A server on loopback with a store of its own: on SQLite, or on PostgreSQL where there is one to test with.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::Value;
use sigma_certificate::{PackageCertificate, PackagePayload};
use sigma_core::Timestamp;
use sigma_server::{App, AskAdvisories, ServerConfig};
use sigma_store::{Database, NewDecision, Sealed, Store};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::sample::payload;

pub struct TestApp {
    pub store: Store,
    pub address: SocketAddr,
    pub clock: Arc<AtomicI64>,
    folder: tempfile::TempDir,
    database: Database,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    serving: Option<tokio::task::JoinHandle<()>>,
}

/// An answer.
pub struct Got {
    pub status: u16,
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

impl Got {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The stable code of a problem document.
    pub fn code(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{} {}", self.status, self.text());
        let json = self.json();
        assert_eq!(json["status"], self.status);
        assert!(!json["instance"].as_str().unwrap().is_empty());
        json["code"].as_str().unwrap().to_owned()
    }
}

/// No limit of requests: tests ask much.
pub fn config() -> ServerConfig {
    ServerConfig { requests_per_second: 0, token_requests_per_second: 0, stats_seconds: 0, ..ServerConfig::default() }
}

impl TestApp {
    pub async fn new() -> Self {
        Self::with(config(), None).await
    }

    pub async fn with(config: ServerConfig, ask: Option<AskAdvisories>) -> Self {
        Self::start(config, ask, |_, _, _, _| ()).await
    }

    /// Starts a server; `open` may open more of it.
    pub async fn start(
        config: ServerConfig,
        ask: Option<AskAdvisories>,
        open: impl FnOnce(&App, &Store, &std::path::Path, &sigma_server::Clock),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = sigma_testkit::fresh_postgres().map_or(Database::Embedded, |url| url.parse().unwrap());
        let store = Store::open(folder.path(), &database).await.unwrap();
        let clock = Arc::new(AtomicI64::new(1_800_000_000_000));
        let now = clock.clone();
        let clock_fn: sigma_server::Clock = Arc::new(move || Timestamp::from_millis(now.load(Ordering::SeqCst)));
        let app =
            App::new(store.clone(), &database, "https://sigma.example/", config, ask, clock_fn.clone()).await.unwrap();
        open(&app, &store, folder.path(), &clock_fn);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let serving = tokio::spawn(async move {
            let stopped = async { drop(stopped.await) };
            sigma_server::serve(listener, app, stopped).await.unwrap();
        });
        Self { store, address, clock, folder, database, stop: Some(stop), serving: Some(serving) }
    }

    /// The same store as another process would open it.
    pub async fn second(&self) -> Store {
        Store::open(self.folder.path(), &self.database).await.unwrap()
    }

    /// What the store is kept in.
    pub fn database(&self) -> Database {
        self.database.clone()
    }

    /// Stops the server, and waits until it has.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        self.serving.take().unwrap().await.unwrap();
    }

    pub async fn certify(&self, package: &str) -> String {
        self.certify_as(package, |_| ()).await
    }

    /// Stores a certificate, changed as the test needs it; its id.
    pub async fn certify_as(&self, package: &str, change: impl FnOnce(&mut PackagePayload)) -> String {
        let mut payload = payload(package);
        change(&mut payload);
        let certificate = PackageCertificate::seal(payload).unwrap();
        let id = certificate.id().to_owned();
        self.store.insert(&Sealed { certificate, report: b"{}".to_vec(), round: b"{}".to_vec() }).await.unwrap();
        id
    }

    pub async fn get(&self, target: &str) -> Got {
        self.send("GET", target, &[], b"").await
    }

    pub async fn post(&self, target: &str, body: &Value) -> Got {
        self.send("POST", target, &[("content-type", "application/json")], body.to_string().as_bytes()).await
    }

    pub async fn send(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Got {
        let mut request = format!("{method} {target} HTTP/1.1\r\nhost: sigma\r\nconnection: close\r\n").into_bytes();
        for (name, value) in headers {
            request.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        request.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
        request.extend_from_slice(body);
        self.raw(&request).await
    }

    /// Sends bytes as they are, and reads until the server closes.
    pub async fn raw(&self, request: &[u8]) -> Got {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // A server that refuses early may close before everything was written.
        let _ = stream.write_all(request).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        parse(&answer)
    }
}

fn parse(answer: &[u8]) -> Got {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("an HTTP answer");
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: HashMap<String, String> =
        lines.filter_map(|line| line.split_once(": ")).map(|(k, v)| (k.to_lowercase(), v.to_owned())).collect();
    let mut body = answer[end + 4..].to_vec();
    if headers.get("transfer-encoding").is_some_and(|value| value == "chunked") {
        body = dechunk(&body);
    }
    Got { status, headers, body }
}

fn dechunk(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|window| window == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        if size == 0 {
            break;
        }
        body.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 4 + size..];
    }
    body
}

pub fn decision(certificate: &str, action: sigma_certificate::Action) -> NewDecision {
    NewDecision {
        certificate: certificate.to_owned(),
        action,
        reason: "reported by three users".to_owned(),
        operator: "ada".to_owned(),
        at: Timestamp::from_millis(1_790_000_000_000),
    }
}
