//! Declared endpoints on loopback: what is asked, how, and what is not.

use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sigma_core::{ExternalCall, ProbeOutcome};
use sigma_intake::{ProbeConfig, probe};
use sigma_testkit::GitHost;

fn call(method: &str, url: &str) -> ExternalCall {
    ExternalCall { url: url.to_owned(), method: method.to_owned(), auth: Some("bearer".to_owned()), reason: None }
}

fn local() -> ProbeConfig {
    ProbeConfig { allow_loopback: true, within: Duration::from_secs(30), ..ProbeConfig::default() }
}

async fn ask(config: &ProbeConfig, method: &str, url: &str) -> ProbeOutcome {
    probe::endpoints(config, &[call(method, url)]).await.remove(0).outcome
}

#[tokio::test]
async fn answers_are_heads_only() {
    let headers = Arc::new(Mutex::new(Vec::new()));
    let seen = headers.clone();
    let host = GitHost::start(move |request, stream| {
        seen.lock().unwrap().push(request.headers.clone());
        let answer: &[u8] = match request.target.as_str() {
            "/moved" => b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n",
            "/odd" => b"HTTP/1.1 200 OK\r\nContent-Type: text/\xe2\x80\xaehtml\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n",
            _ => b"HTTP/1.1 418 Teapot\r\nContent-Type: application/json\r\n\r\n",
        };
        stream.write_all(answer)?;
        // A body without an end: nobody reads it.
        match request.target.as_str() {
            "/endless" => loop {
                stream.write_all(&[b'x'; 4096])?;
            },
            _ => Ok(()),
        }
    });
    let url = |path: &str| format!("http://{}{path}", host.address);
    let answered = |code, content_type: Option<&str>, location: Option<&str>| ProbeOutcome::Answered {
        code,
        content_type: content_type.map(str::to_owned),
        location: location.map(str::to_owned),
    };
    for method in ["GET", "HEAD", "OPTIONS"] {
        let outcome = ask(&local(), method, &url("/endless#part")).await;
        assert_eq!(outcome, answered(418, Some("application/json"), None), "{method}");
    }
    assert_eq!(ask(&local(), "GET", &url("/moved")).await, answered(302, None, Some("http://169.254.169.254/")));
    assert_eq!(ask(&local(), "GET", &url("/odd")).await, answered(200, Some("text/\\u{202e}html"), None));
    assert_eq!(
        *host.seen.lock().unwrap(),
        ["GET /endless", "HEAD /endless", "OPTIONS /endless", "GET /moved", "GET /odd"]
    );
    for headers in headers.lock().unwrap().iter() {
        let names: Vec<_> = headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["user-agent", "accept", "accept-encoding", "host"]);
    }
}

#[tokio::test]
async fn what_is_not_asked_says_why() {
    let host = GitHost::always("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let here = format!("http://{}/", host.address);
    let config = ProbeConfig::default();
    let mut lines = Vec::new();
    for (method, url) in [
        ("POST", "https://example.org/"),
        ("DELETE", "https://example.org/"),
        ("get", "https://example.org/"),
        ("GET", "http://example.org/"),
        ("GET", "ftp://example.org/"),
        ("GET", "example.org"),
        ("GET", "https://example.org/cut…"),
        ("GET", "https://user:secret@example.org/"),
        ("GET", "https://example.org:22/"),
        ("GET", "https://example.org/{id}"),
        ("GET", "https://127.0.0.1/"),
        ("GET", "https://2130706433/"),
        ("GET", "https://[::1]/"),
        ("GET", "https://[::ffff:169.254.169.254]/"),
        ("GET", "https://[64:ff9b::a9fe:a9fe]/"),
        ("GET", "https://169.254.169.254/latest/meta-data/"),
        ("GET", "https://100.64.0.1/"),
        ("GET", "https://localhost/"),
        ("GET", here.as_str()),
    ] {
        match ask(&config, method, url).await {
            ProbeOutcome::NotProbed { reason } => lines.push(format!("{method} {url}: {reason}")),
            other => panic!("{method} {url}: {other:?}"),
        }
    }
    assert!(host.seen.lock().unwrap().is_empty());
    let text = lines.join("\n").replace(&host.address, "HOST");
    // A machine may prefer either of its own addresses.
    insta::assert_snapshot!(
        "not_probed",
        text.replace("leads to ::1", "leads to 127.0.0.1")
            .replace("`[::1]` leads to 127.0.0.1", "`[::1]` leads to ::1")
    );

    let off = ProbeConfig { enabled: false, ..local() };
    assert!(matches!(ask(&off, "GET", &here).await, ProbeOutcome::NotProbed { .. }));
    assert!(host.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn so_many_and_no_more() {
    let host = GitHost::always("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let mut calls = vec![call("POST", "https://example.org/")];
    calls.extend((0..12).map(|at| call("GET", &format!("http://{}/{at}", host.address))));
    let probes = probe::endpoints(&local(), &calls).await;
    let shown: Vec<_> = probes.iter().map(|probe| probe.url.as_str()).collect();
    assert_eq!(shown, calls.iter().map(|call| call.url.as_str()).collect::<Vec<_>>());
    let asked: Vec<_> = probes.iter().map(|probe| matches!(probe.outcome, ProbeOutcome::Answered { .. })).collect();
    let expect: Vec<_> = (0..13).map(|at| (1..=10).contains(&at)).collect();
    assert_eq!(asked, expect);
    assert_eq!(host.seen.lock().unwrap().len(), 10);
}

#[tokio::test]
async fn silence_and_nonsense_are_failures() {
    let silent = GitHost::start(|_, _| {
        std::thread::sleep(Duration::from_secs(60));
        Ok(())
    });
    let nonsense = GitHost::always("SSH-2.0-OpenSSH\r\n");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = ProbeConfig { within: Duration::from_millis(300), ..local() };
    for place in [silent.address.as_str(), &nonsense.address, &closed.to_string()] {
        let outcome = ask(&config, "GET", &format!("http://{place}/")).await;
        assert!(matches!(outcome, ProbeOutcome::Failed { .. }), "{outcome:?}");
    }
    let outcome = ask(&local(), "GET", "https://host.invalid/").await;
    assert!(matches!(outcome, ProbeOutcome::Failed { .. }), "{outcome:?}");
}
