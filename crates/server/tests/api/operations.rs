//! What keeps a server running: health, figures, documents, browsers, compression, and its end.

use std::sync::atomic::Ordering;

use sigma_server::ServerConfig;

use crate::support::{TestApp, config};

#[tokio::test]
async fn health_and_figures() {
    let app = TestApp::new().await;
    app.certify("pypi:demo@1.0").await;
    assert_eq!(app.get("/healthz").await.json()["status"], "live");
    assert_eq!(app.get("/readyz").await.json()["status"], "ready");
    app.get("/api/v1/public/packages/pypi/demo/1.0").await;
    app.get("/api/v1/public/packages/pypi/demo/2.0").await;
    let text = app.get("/metrics").await.text();
    let endpoint = "/api/v1/public/packages/{registry}/{name}/{version}";
    for status in [200, 404] {
        let line = format!("sigma_http_requests_total{{endpoint=\"{endpoint}\",status=\"{status}\"}} 1");
        assert!(text.contains(&line), "{text}");
    }
    assert!(!text.contains("demo"), "nothing that clients send becomes a label");
    let closed = TestApp::with(ServerConfig { metrics_for: vec![], ..config() }, None).await;
    let got = closed.get("/metrics").await;
    assert_eq!((got.status, got.code().as_str()), (403, "forbidden"));
}

#[tokio::test]
async fn the_document_is_the_one_that_is_locked() {
    let app = TestApp::new().await;
    let served = app.get("/openapi.json").await.json();
    assert_eq!(served, serde_json::to_value(sigma_server::document()).unwrap());
    assert!(served["openapi"].as_str().unwrap().starts_with("3.1"));
    let text = served.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(served.pointer(reference).is_some(), "{reference} leads nowhere");
    }
    insta::assert_json_snapshot!("openapi", served);
}

#[tokio::test]
async fn the_reference_needs_no_other_host() {
    let app = TestApp::new().await;
    let page = app.get("/reference/").await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-security-policy").contains("script-src 'self'"));
    let text = page.text();
    assert!(!text.contains("https://") && !text.contains("//unpkg"), "{text}");
    assert!(!text.contains("<style") && !text.contains("style="), "the policy allows no inline style: {text}");
    // Whatever the page loads is here.
    let links = text
        .split(['"', '\''])
        .filter(|part| part.starts_with("./") || part.ends_with(".js") || part.ends_with(".css"));
    let mut loaded = 0;
    for link in links {
        let target = format!("/reference/{}", link.trim_start_matches("./"));
        assert_eq!(app.get(&target).await.status, 200, "{target}");
        loaded += 1;
    }
    assert!(loaded >= 4, "{text}");
    assert!(app.get("/reference/swagger-initializer.js").await.text().contains("/openapi.json"));
    let explained = app.get("/problems/not-certified").await.text();
    assert!(explained.contains("404") && explained.contains("says nothing about whether it is safe"), "{explained}");
    assert_eq!(app.get("/problems/none").await.status, 404);
    let api = app.get("/api/v1/public/packages").await;
    assert_eq!(api.header("content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
}

#[tokio::test]
async fn browsers_may_read_and_bodies_are_compressed() {
    let app = TestApp::new().await;
    app.certify("pypi:demo@1.0").await;
    let target = "/api/v1/public/packages/pypi/demo/1.0";
    let plain = app.send("GET", target, &[("origin", "https://elsewhere.example")], b"").await;
    assert_eq!(plain.header("access-control-allow-origin"), "*");
    assert!(plain.header("access-control-expose-headers").contains("etag"));
    let asks = [("origin", "https://elsewhere.example"), ("access-control-request-method", "POST")];
    let preflight = app.send("OPTIONS", "/v1/query", &asks, b"").await;
    assert_eq!(preflight.status, 200);
    assert!(preflight.header("access-control-allow-methods").contains("POST"));
    // What takes a token is no business of other origins.
    for owned in ["/api/v1/sigma/dev/drafts", "/api/v1/sigma/admin/log"] {
        for method in ["OPTIONS", "GET"] {
            let got = app.send(method, owned, &asks, b"").await;
            let told = got.headers.keys().filter(|name| name.starts_with("access-control-")).count();
            assert_eq!(told, 0, "{method} {owned}");
        }
    }
    for encoding in ["gzip", "br", "zstd"] {
        let got = app.send("GET", target, &[("accept-encoding", encoding)], b"").await;
        assert_eq!(got.header("content-encoding"), encoding);
        assert_eq!(got.header("etag"), plain.header("etag"));
        assert!(got.body.len() < plain.body.len());
        let tag = [("accept-encoding", encoding), ("if-none-match", plain.header("etag"))];
        let again = app.send("GET", target, &tag, b"").await;
        assert_eq!(
            (again.status, again.header("vary")),
            (304, "accept-encoding"),
            "what a cache tells answers apart by"
        );
    }
    let root = app.get("/").await;
    assert_eq!((root.status, root.header("location")), (307, "/reference/"));
}

/// Told to stop, the server answers what it has begun and takes nothing new.
#[tokio::test]
async fn it_stops_when_it_is_told_to() {
    let app = TestApp::new().await;
    let address = app.address;
    app.clock.fetch_add(1, Ordering::SeqCst);
    assert_eq!(app.get("/readyz").await.status, 200);
    app.stop().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
