//! A store with many certificates, the server above it, and the floor beside it.

use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use axum::http::header;
use axum::routing::get;
use rustix::time::{ClockId, clock_gettime};
use sigma_certificate::PackageCertificate;
use sigma_core::Timestamp;
use sigma_server::{App, ServerConfig};
use sigma_store::{Database, Sealed, Store};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

#[path = "../../tests/api/sample.rs"]
mod sample;

/// Certificates stored in one transaction.
const CHUNK: usize = 2_000;

/// A server on a thread of its own.
pub struct Running {
    pub address: SocketAddr,
    pub cpu: UnboundedSender<mpsc::Sender<Duration>>,
}

pub struct Scene {
    pub floor: Running,
    pub app: Running,
    pub size: usize,
    certificates: usize,
    _folder: tempfile::TempDir,
}

impl Scene {
    pub fn new(certificates: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().to_owned();
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(fill(&root, certificates));
        let app = running(move |listener| async move {
            let store = Store::open(&root, &Database::Embedded).await.expect("a store");
            // A sixteenth of the answers fits: of a million certificates that is 256 MiB, the default.
            let ready_bytes = (certificates as u64 / 16).max(4_000) * 4_096;
            // The limit is counted, and never reached.
            let config =
                ServerConfig { requests_per_second: 50_000_000, burst: 50_000_000, ready_bytes, ..Default::default() };
            let clock: sigma_server::Clock = Arc::new(|| Timestamp::from_millis(1_800_000_000_000));
            let app = App::new(store, &Database::Embedded, "https://sigma.example", config, None, clock)
                .await
                .expect("an app");
            sigma_server::serve(listener, app, std::future::pending()).await.expect("served");
        });
        let mut scene = Self { floor: app.copy(), app, size: 0, certificates, _folder: folder };
        let body = get_body(scene.app.address, &scene.path(0));
        scene.size = body.len();
        scene.floor = running(move |listener| async move {
            let body = bytes::Bytes::from(body);
            let answer = move || {
                let body = body.clone();
                async move { ([(header::CONTENT_TYPE, "application/json")], body) }
            };
            let router = axum::Router::new().fallback(get(answer));
            axum::serve(listener, router).await.expect("served");
        });
        scene
    }

    pub fn path(&self, number: usize) -> String {
        format!("/api/v1/public/packages/npm/name-{number}/1.0.0")
    }

    /// A key from all over the store: a multiplication by a large prime visits them in no order.
    pub fn spread(&self, number: usize) -> usize {
        (number.wrapping_mul(2_654_435_761)) % self.certificates
    }

    pub fn batch(&self) -> Vec<u8> {
        let purls: Vec<String> = (0..1000).map(|number| format!("pkg:npm/name-{number}@1.0.0")).collect();
        let body = serde_json::json!({ "purls": purls }).to_string();
        format!(
            "POST /api/v1/public/packages/batch HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    }
}

impl Running {
    fn copy(&self) -> Self {
        Self { address: self.address, cpu: self.cpu.clone() }
    }
}

async fn fill(root: &std::path::Path, certificates: usize) {
    let store = Store::open(root, &Database::Embedded).await.expect("a store");
    let numbers: Vec<usize> = (0..certificates).collect();
    for chunk in numbers.chunks(CHUNK) {
        let sealed: Vec<Sealed> = chunk
            .iter()
            .map(|number| {
                let payload = sample::payload(&format!("npm:name-{number}@1.0.0"));
                let certificate = PackageCertificate::seal(payload).expect("sealed");
                Sealed { certificate, report: b"{}".to_vec(), round: b"{}".to_vec() }
            })
            .collect();
        store.insert_all(&sealed).await.expect("stored");
    }
}

/// Starts a server on a current-thread runtime of its own, whose CPU time is asked for over a channel.
fn running<F: Future<Output = ()>>(serve: impl FnOnce(TcpListener) -> F + Send + 'static) -> Running {
    let (tell, told) = mpsc::channel();
    let (ask, mut asked) = unbounded_channel::<mpsc::Sender<Duration>>();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            tell.send(listener.local_addr().expect("an address")).expect("told");
            tokio::spawn(async move {
                while let Some(answer) = asked.recv().await {
                    let now = clock_gettime(ClockId::ThreadCPUTime);
                    let (seconds, nanos) = (now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs());
                    let _ = answer.send(Duration::from_secs(seconds) + Duration::from_nanos(nanos));
                }
            });
            serve(listener).await;
        });
    });
    Running { address: told.recv().expect("an address"), cpu: ask }
}

/// The body of an answer.
fn get_body(address: SocketAddr, path: &str) -> Vec<u8> {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(address).expect("a connection");
    write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").expect("written");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("read");
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("an answer");
    answer.split_off(end + 4)
}
