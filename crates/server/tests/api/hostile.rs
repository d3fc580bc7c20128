//! Requests that nobody should send: every one is answered with a 4xx and a stable code, never with a 5xx.

use serde_json::json;
use sigma_server::ServerConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{TestApp, config};

#[tokio::test]
async fn wrong_addresses_have_their_code() {
    let app = TestApp::new().await;
    let check = async |target: &str, status: u16, code: &str| {
        let got = app.get(target).await;
        assert_eq!((got.status, got.code().as_str()), (status, code), "{target}: {}", got.text());
    };
    let base = "/api/v1/public/packages";
    check(&format!("{base}/cargo/serde/1.0.0"), 400, "invalid-registry").await;
    check(&format!("{base}/PYPI/requests/1.0"), 400, "invalid-registry").await;
    check(&format!("{base}/pypi/-bad/1.0"), 400, "invalid-name").await;
    check(&format!("{base}/npm/@scope%2F..%2F..%2Fetc/1.0.0"), 400, "invalid-name").await;
    check(&format!("{base}/npm/a/b/1.0.0"), 400, "invalid-name").await;
    check(&format!("{base}/pypi/x'%20OR%201=1--/1.0"), 400, "invalid-name").await;
    check(&format!("{base}/pypi/x/1.0'%3BDROP%20TABLE%20certificate"), 400, "invalid-version").await;
    check(&format!("{base}/pypi/x/%00"), 400, "invalid-version").await;
    check(&format!("{base}/pypi/x/%FF"), 400, "invalid-path").await;
    check(&format!("{base}/pypi/x/%0d%0aset-cookie:a=b"), 400, "invalid-version").await;
    check(&format!("{base}/pypi/{}/1", "a".repeat(215)), 400, "invalid-name").await;
    check(&format!("{base}/pypi/x/{}", "1".repeat(300)), 400, "invalid-version").await;
    check(&format!("{base}/pypi/x/{}", "1".repeat(5000)), 414, "uri-too-long").await;
    check(&format!("{base}?limit=0"), 400, "invalid-query").await;
    check(&format!("{base}?limit=101"), 400, "invalid-query").await;
    check(&format!("{base}?limit=-1"), 400, "invalid-query").await;
    check(&format!("{base}?level=nice"), 400, "invalid-query").await;
    check(&format!("{base}?cursor=%27%3B--"), 400, "invalid-query").await;
    check(&format!("{base}?cursor=AAAA"), 400, "invalid-query").await;
    check(&format!("{base}?name=x"), 400, "invalid-query").await;
    check(&format!("{base}?unknown=x"), 400, "invalid-query").await;
    check(&format!("{base}/search"), 400, "invalid-query").await;
    check(&format!("{base}/search?q=%00"), 400, "invalid-query").await;
    check(&format!("{base}/search?q=a&registry=x"), 400, "invalid-registry").await;
    check(&format!("{base}/by-hash/xyz"), 400, "invalid-hash").await;
    check("/api/v1/public/certificates/pkg_..%2F..%2F", 400, "invalid-id").await;
    check("/v1/vulns/SIGMA-1'--", 400, "invalid-id").await;
    check("/../../etc/passwd", 404, "not-found").await;
    check("/reference/..%2f..%2fetc%2fpasswd", 404, "not-found").await;
    let got = app.send("DELETE", &format!("{base}/pypi/requests/1.0"), &[], b"").await;
    assert_eq!((got.status, got.code().as_str()), (405, "method-not-allowed"));
    assert!(got.header("allow").contains("GET"), "{:?}", got.headers);
    for limit in ["x", "", "99999999999"] {
        let got = app.get(&format!("{base}?limit={limit}")).await;
        let detail = got.json()["detail"].as_str().unwrap().to_owned();
        assert_eq!((got.status, detail.as_str()), (400, "limit: expected a whole number, and not that large"));
    }
}

/// Whoever accepts nothing is told so in the shape of every problem, and keeps nothing.
#[tokio::test]
async fn who_accepts_no_encoding_is_told_so() {
    let app = TestApp::new().await;
    app.certify("pypi:demo@1.0").await;
    for target in ["/api/v1/public/packages/pypi/demo/1.0", "/api/v1/public/packages"] {
        let got = app.send("GET", target, &[("accept-encoding", "gzip;q=0, *;q=0")], b"").await;
        assert_eq!((got.status, got.code().as_str()), (406, "not-acceptable"), "{target}");
        assert_eq!((got.header("etag"), got.header("cache-control")), ("", "no-store"), "{target}");
    }
}

#[tokio::test]
async fn wrong_bodies_have_their_code() {
    let app = TestApp::with(ServerConfig { max_body_bytes: 10_000, ..config() }, None).await;
    let batch = "/api/v1/public/packages/batch";
    let check = async |target: &str, kind: &str, body: &[u8], status: u16, code: &str| {
        let got = app.send("POST", target, &[("content-type", kind)], body).await;
        assert_eq!((got.status, got.code().as_str()), (status, code), "{target}: {}", got.text());
    };
    for target in [batch, "/v1/query", "/v1/querybatch"] {
        check(target, "application/json", b"{", 400, "invalid-body").await;
        check(target, "application/json", b"\xff\xfe", 400, "invalid-body").await;
        check(target, "application/json", &[b'['; 9_000], 400, "invalid-body").await;
        check(target, "application/json", &[b' '; 10_001], 413, "body-too-large").await;
    }
    check(batch, "text/plain", b"{}", 415, "unsupported-media-type").await;
    // A list is no object, though its entries might stand where the fields would.
    check(batch, "application/json", br#"[["pkg:pypi/demo@1.0"]]"#, 400, "invalid-body").await;
    check("/v1/querybatch", "application/json", b"[[]]", 400, "invalid-body").await;
    check(batch, "application/json", b"", 400, "invalid-body").await;
    for target in [batch, "/v1/query"] {
        let headers = [("content-type", "application/json"), ("content-encoding", "gzip")];
        let got = app.send("POST", target, &headers, b"\x1f\x8b").await;
        assert_eq!((got.status, got.code().as_str()), (415, "unsupported-media-type"));
        assert!(got.json()["detail"].as_str().unwrap().contains("gzip"), "{}", got.text());
    }
    let many = json!({"purls": vec!["x"; 1001]}).to_string();
    check(batch, "application/json", many.as_bytes(), 400, "invalid-body").await;
    check("/v1/query", "application/json", br#"{"commit":"abc"}"#, 400, "invalid-body").await;
    check("/v1/query", "application/json", br#"{"package":{"purl":"pkg:pypi/../x@1"}}"#, 400, "invalid-body").await;
    check("/v1/query", "application/json", br#"{"package":{"name":"x'--","ecosystem":"PyPI"}}"#, 400, "invalid-body")
        .await;
}

#[tokio::test]
async fn the_wire_itself_is_bounded() {
    let app = TestApp::new().await;
    let head = "GET /api/v1/public/packages/pypi/a/1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";
    let many: String = (0..200).map(|number| format!("x-{number}: y\r\n")).collect();
    assert_eq!(app.raw(format!("{head}{many}\r\n").as_bytes()).await.status, 431);
    let long = format!("{head}x: {}\r\n\r\n", "y".repeat(100_000));
    assert_eq!(app.raw(long.as_bytes()).await.status, 431);
    // 32 KiB to the byte, however it arrives: at once, or a piece at a time.
    for (bytes, status) in [(32 << 10, 404), ((32 << 10) + 1, 431), (40_000, 431), (60_000, 431)] {
        let filled = bytes - head.len() - "x: \r\n\r\n".len();
        let request = format!("{head}x: {}\r\n\r\n", "y".repeat(filled));
        assert_eq!(request.len(), bytes);
        let got = app.raw(request.as_bytes()).await;
        assert_eq!(got.status, status, "{bytes}");
        let mut stream = TcpStream::connect(app.address).await.unwrap();
        for piece in request.as_bytes().chunks(8_000) {
            // A server that refuses early may close before everything was written.
            let _ = stream.write_all(piece).await;
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let line = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(line.as_bytes()), "{bytes}: {}", String::from_utf8_lossy(&answer));
    }
    let just = format!("{head}x: {}\r\n\r\n", "y".repeat(33_000));
    let got = app.raw(just.as_bytes()).await;
    assert_eq!(got.code(), "head-too-large");
    // Two lengths, or a length and chunks: what request smuggling is made of.
    let twice = "POST /v1/query HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}x";
    assert_eq!(app.raw(twice.as_bytes()).await.status, 400);
    for hosts in ["", "host: a\r\nhost: b\r\n"] {
        let got = app.raw(format!("GET /nowhere HTTP/1.1\r\n{hosts}connection: close\r\n\r\n").as_bytes()).await;
        assert_eq!((got.status, got.code().as_str()), (400, "invalid-header"), "{hosts}");
    }
    assert_eq!(app.raw(b"GET /nowhere HTTP/1.0\r\n\r\n").await.status, 404, "which knew no hosts");
    let got = app.raw(b"GET http://169.254.169.254/latest HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert_eq!((got.status, got.code().as_str()), (404, "not-found"));
    let got = app.send("GET", "/nowhere", &[("x-request-id", "a b<script>")], b"").await;
    assert!(!got.text().contains("script"), "{}", got.text());
    let got = app.send("GET", "/nowhere", &[("x-request-id", "trace-1")], b"").await;
    assert_eq!(
        (got.header("x-request-id"), got.json()["instance"].as_str().unwrap()),
        ("trace-1", "urn:sigma:request:trace-1")
    );
}

/// A client that stops in the middle is told so; it makes no failure of the server.
#[tokio::test]
async fn a_body_that_does_not_arrive_is_its_senders_fault() {
    let app = TestApp::with(ServerConfig { request_seconds: 1, ..config() }, None).await;
    let begun = "POST /v1/query HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 100\r\n\r\n{";
    let got = app.raw(begun.as_bytes()).await;
    assert_eq!((got.status, got.code().as_str()), (408, "body-timeout"));
}

#[tokio::test]
async fn whoever_asks_too_often_waits() {
    let app = TestApp::with(ServerConfig { requests_per_second: 1, burst: 3, ..config() }, None).await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(app.get("/api/v1/public/packages/pypi/a/1").await.status);
    }
    assert_eq!(statuses, [404, 404, 404, 429]);
    let got = app.get("/api/v1/public/packages/pypi/a/1").await;
    assert_eq!(got.code(), "rate-limited");
    assert!(got.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert_eq!(app.get("/healthz").await.status, 200, "watching is free");
}
