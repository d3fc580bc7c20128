//! A store with many certificates, the server above it, and the floor beside it.

use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use axum::http::header;
use axum::routing::get;
use rustix::time::{ClockId, clock_gettime};
use sigma_core::Timestamp;
use sigma_server::{App, ServerConfig};
use sigma_store::{Database, Store};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

#[path = "../../../store/benches/filling/mod.rs"]
mod filling;

/// What is measured.
pub struct Options {
    pub certificates: usize,
    /// Bytes of answers that are kept ready.
    pub ready: u64,
    /// Where the store is; in a folder of its own, which goes afterwards, where none is named.
    pub folder: Option<std::path::PathBuf>,
    pub database: Database,
}

/// A server on a thread of its own.
pub struct Running {
    pub address: SocketAddr,
    pub cpu: UnboundedSender<mpsc::Sender<Duration>>,
}

pub struct Scene {
    pub floor: Running,
    /// The same with the framework's own layer of compression.
    pub compressing: Running,
    pub app: Running,
    pub size: usize,
    certificates: usize,
    _folder: Option<tempfile::TempDir>,
}

impl Scene {
    pub fn new(options: Options) -> Self {
        let Options { certificates, ready, folder: root, database } = options;
        let folder = root.is_none().then(|| tempfile::tempdir().expect("a folder"));
        let root = root.or_else(|| Some(folder.as_ref()?.path().to_owned())).expect("a folder");
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let store = Store::open(&root, &database).await.expect("a store");
            filling::fill(&store, certificates).await;
        });
        let app = running(move |listener| async move {
            let store = Store::open(&root, &database).await.expect("a store");
            // The limit is counted, and never reached.
            let limit = 50_000_000;
            let config =
                ServerConfig { requests_per_second: limit, burst: limit, ready_bytes: ready, ..Default::default() };
            let clock: sigma_server::Clock = Arc::new(|| Timestamp::from_millis(1_800_000_000_000));
            let app = App::new(store, &database, "https://sigma.example", config, None, clock).await.expect("an app");
            sigma_server::serve(listener, app, std::future::pending()).await.expect("served");
        });
        let (floor, compressing) = (app.copy(), app.copy());
        let mut scene = Self { floor, compressing, app, size: 0, certificates, _folder: folder };
        let body = bytes::Bytes::from(get_body(scene.app.address, &scene.path(0)));
        scene.size = body.len();
        scene.floor = bare(body.clone(), |router| router);
        scene.compressing = bare(body, |router| router.layer(tower_http::compression::CompressionLayer::new()));
        scene
    }

    pub fn path(&self, number: usize) -> String {
        format!("/api/v1/public/packages/npm/name-{number}/1.0.0")
    }

    /// That of a package that nobody certified.
    pub fn unknown(&self, number: usize) -> String {
        format!("/api/v1/public/packages/npm/other-{number}/1.0.0")
    }

    /// A key from all over the store, or of the first so many.
    pub fn spread(&self, number: usize, over: usize) -> usize {
        filling::spread(number, over.min(self.certificates))
    }

    /// Statements that look-ups took so far: of answers that are kept, none.
    pub fn statements(&self) -> u64 {
        let text = String::from_utf8(get_body(self.app.address, "/metrics")).expect("text");
        let figure = text.lines().find_map(|line| line.strip_prefix("sigma_lookup_statements_total "));
        figure.and_then(|figure| figure.parse().ok()).expect("a figure")
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

/// A bare server of the same framework with a constant body.
fn bare(body: bytes::Bytes, layered: impl FnOnce(axum::Router) -> axum::Router + Send + 'static) -> Running {
    running(move |listener| async move {
        let answer = move || {
            let body = body.clone();
            async move { ([(header::CONTENT_TYPE, "application/json")], body) }
        };
        axum::serve(listener, layered(axum::Router::new().fallback(get(answer)))).await.expect("served");
    })
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
