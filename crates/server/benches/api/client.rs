//! A client that costs little: kept connections, requests written as they are, answers skipped by their length.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc::UnboundedSender;

/// A server and how to ask its thread for the CPU time that it used.
pub struct Target<'a> {
    pub address: SocketAddr,
    pub cpu: &'a UnboundedSender<mpsc::Sender<Duration>>,
}

/// Of one request: CPU time of the server's thread, wall time at full load, latencies.
#[derive(Clone, Copy)]
pub struct Figures {
    pub cpu: Duration,
    pub wall: Duration,
    pub p50: Duration,
    pub p99: Duration,
}

const CONNECTIONS: usize = 16;

impl Target<'_> {
    fn used(&self) -> Duration {
        let (tell, told) = mpsc::channel();
        self.cpu.send(tell).expect("the server runs");
        told.recv().expect("the server answers")
    }
}

/// What is asked: for which address, what is accepted, and the status that is the answer.
pub struct Question<'a> {
    pub path: &'a dyn Fn(usize) -> String,
    /// `Accept-Encoding`; none where it is empty.
    pub accept: &'static str,
    pub status: &'static str,
}

/// Sends requests over a few connections, and measures.
pub fn round(target: &Target<'_>, requests: usize, question: &Question<'_>) -> Figures {
    let each = requests / CONNECTIONS;
    let one = |number| get(&(question.path)(number), question.accept);
    let written: Vec<Vec<Vec<u8>>> = (0..CONNECTIONS)
        .map(|connection| (0..each).map(|number| one(number * CONNECTIONS + connection)).collect())
        .collect();
    let status = question.status;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (before, began) = (target.used(), Instant::now());
    let mut latencies: Vec<Duration> = runtime.block_on(async {
        let running: Vec<_> =
            written.into_iter().map(|all| tokio::spawn(connection(target.address, all, status))).collect();
        let mut latencies = Vec::with_capacity(requests);
        for one in running {
            latencies.extend(one.await.expect("a connection"));
        }
        latencies
    });
    let (wall, cpu) = (began.elapsed(), target.used() - before);
    let count = u32::try_from(latencies.len()).expect("a count");
    latencies.sort();
    let at = |percent: usize| latencies[latencies.len() * percent / 100];
    Figures { cpu: cpu / count, wall: wall / count, p50: at(50), p99: at(99) }
}

/// One request on a connection of its own.
pub fn once(address: SocketAddr, request: &[u8]) -> Duration {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async { connection(address, vec![request.to_vec()], "200").await[0] })
}

fn get(path: &str, accept: &str) -> Vec<u8> {
    let accept = if accept.is_empty() { String::new() } else { format!("accept-encoding: {accept}\r\n") };
    format!("GET {path} HTTP/1.1\r\nhost: sigma.example\r\n{accept}\r\n").into_bytes()
}

async fn connection(address: SocketAddr, requests: Vec<Vec<u8>>, status: &str) -> Vec<Duration> {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.set_nodelay(true).expect("no delay");
    let (mut latencies, mut buffer) = (Vec::with_capacity(requests.len()), Vec::with_capacity(1 << 16));
    for request in requests {
        let began = Instant::now();
        stream.write_all(&request).await.expect("written");
        answer(&mut stream, &mut buffer, status).await;
        latencies.push(began.elapsed());
    }
    latencies
}

/// Reads one answer, which must have a status, and a length or an end.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>, status: &str) {
    const LAST_CHUNK: &[u8] = b"\r\n0\r\n\r\n";
    buffer.clear();
    let end = loop {
        more(stream, buffer).await;
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let head = std::str::from_utf8(&buffer[..end]).expect("text");
    assert!(head.strip_prefix("HTTP/1.1 ").is_some_and(|rest| rest.starts_with(status)), "{head}");
    match head.lines().find_map(|line| line.strip_prefix("content-length: ")) {
        Some(length) => {
            let total = end + length.parse::<usize>().expect("a number");
            while buffer.len() < total {
                more(stream, buffer).await;
            }
        }
        None => {
            assert!(head.contains("transfer-encoding: chunked"), "{head}");
            while !buffer.ends_with(LAST_CHUNK) {
                more(stream, buffer).await;
            }
        }
    }
}

async fn more(stream: &mut TcpStream, buffer: &mut Vec<u8>) {
    assert!(stream.read_buf(buffer).await.expect("read") > 0, "the server closed");
}
