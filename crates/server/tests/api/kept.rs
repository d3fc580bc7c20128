//! Answers that are kept: what they cost, in which encoding they are, and that none is older than what it tells of.

use std::io::Read as _;
use std::time::{Duration, Instant};

use sigma_certificate::Action;
use sigma_store::Database;

use crate::support::{Got, TestApp, decision};

fn at(package: usize) -> String {
    format!("/api/v1/public/packages/npm/name-{package}/1.0.0")
}

/// The body of an answer as it was before it was compressed.
fn plain(got: &Got) -> Vec<u8> {
    match got.header("content-encoding") {
        "" => got.body.clone(),
        "zstd" => zstd::decode_all(&*got.body).unwrap(),
        "gzip" => {
            let mut body = Vec::new();
            flate2::read::GzDecoder::new(&*got.body).read_to_end(&mut body).unwrap();
            body
        }
        "br" => {
            let mut body = Vec::new();
            brotli::Decompressor::new(&*got.body, 4096).read_to_end(&mut body).unwrap();
            body
        }
        other => panic!("{other}"),
    }
}

async fn ask(app: &TestApp, target: &str, accept: &str) -> Got {
    app.send("GET", target, &[("accept-encoding", accept)], b"").await
}

async fn statements(app: &TestApp) -> u64 {
    let text = app.get("/metrics").await.text();
    let line = text.lines().find_map(|line| line.strip_prefix("sigma_lookup_statements_total "));
    line.unwrap().parse().unwrap()
}

/// Costs are counted: a look-up takes one statement, whether the package is known or not, and none when it was asked for before.
#[tokio::test]
async fn a_package_is_looked_up_once_by_one_statement() {
    const PACKAGES: usize = 20;
    let app = TestApp::new().await;
    for number in 0..PACKAGES / 2 {
        app.certify(&format!("npm:name-{number}@1.0.0")).await;
    }
    wait(&app).await;
    let before = statements(&app).await;
    for round in 1..=3 {
        for number in 0..PACKAGES {
            for accept in ["identity", "gzip", "br", "gzip, deflate, br, zstd"] {
                let got = ask(&app, &at(number), accept).await;
                assert_eq!(got.status, if number < PACKAGES / 2 { 200 } else { 404 });
            }
        }
        assert_eq!(statements(&app).await - before, PACKAGES as u64, "round {round}");
    }
    let purls: Vec<String> = (0..PACKAGES).map(|number| format!("pkg:npm/name-{number}@1.0.0")).collect();
    let body = serde_json::json!({ "purls": purls });
    let got = app.post("/api/v1/public/packages/batch", &body).await.json();
    let certified = got["results"].as_array().unwrap().iter().filter(|one| one["result"] == "CERTIFIED").count();
    assert_eq!((certified, statements(&app).await - before), (PACKAGES / 2, PACKAGES as u64), "all are kept");
}

/// Waits until what is kept is used: on PostgreSQL, until the server listens to changes, and has heard of what was done already.
async fn wait(app: &TestApp) {
    if matches!(app.database(), Database::Embedded) {
        return;
    }
    let end = Instant::now() + Duration::from_secs(30);
    let probe = "/api/v1/public/packages/npm/probe/1.0.0";
    loop {
        tokio::time::sleep(Duration::from_millis(300)).await;
        app.get(probe).await;
        let before = statements(app).await;
        app.get(probe).await;
        if statements(app).await == before {
            return;
        }
        assert!(Instant::now() < end, "nothing is kept");
    }
}

#[tokio::test]
async fn a_package_is_known_as_soon_as_it_is_certified() {
    let app = TestApp::new().await;
    wait(&app).await;
    let other = app.second().await;
    for number in 0..12 {
        let target = at(number);
        for _ in 0..3 {
            assert_eq!(ask(&app, &target, "gzip").await.code(), "not-certified");
            assert_eq!(app.get(&format!("{target}/verify")).await.status, 404);
        }
        let package = format!("npm:name-{number}@1.0.0");
        let here = number % 2 == 0;
        match here {
            true => drop(app.certify(&package).await),
            false => {
                let certificate =
                    sigma_certificate::PackageCertificate::seal(crate::sample::payload(&package)).unwrap();
                let sealed = sigma_store::Sealed { certificate, report: b"{}".to_vec(), round: b"{}".to_vec() };
                other.insert(&sealed).await.unwrap();
            }
        }
        // What this process stored in SQLite is known at once; everything else when the word of it arrives.
        if !(here && matches!(app.database(), Database::Embedded)) {
            let end = Instant::now() + Duration::from_secs(30);
            while app.get(&target).await.status == 404 {
                assert!(Instant::now() < end, "{target} stays unknown");
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
        for accept in ["identity", "gzip", "zstd", "br"] {
            assert_eq!(ask(&app, &target, accept).await.status, 200, "{target}");
            assert_eq!(ask(&app, &format!("{target}/verify"), accept).await.status, 200, "{target}");
        }
    }
}

#[tokio::test]
async fn an_answer_says_the_same_in_every_encoding() {
    let app = TestApp::new().await;
    let id = app.certify("npm:name-0@1.0.0").await;
    for target in [at(0), format!("{}/verify", at(0))] {
        let body = app.get(&target).await;
        for (accept, encoding) in [
            ("gzip", "gzip"),
            ("gzip, deflate", "gzip"),
            ("zstd", "zstd"),
            ("gzip, deflate, br, zstd", "zstd"),
            ("br", "br"),
            ("identity", ""),
            ("deflate", ""),
        ] {
            // Until it stands ready, and then from there.
            for _ in 0..20 {
                let mut got = ask(&app, &target, accept).await;
                assert_eq!((got.header("content-encoding"), plain(&got)), (encoding, body.body.clone()), "{accept}");
                assert_eq!(got.header("content-length"), got.body.len().to_string());
                // Whatever else is said is what an answer as it is says.
                let mut expected = body.headers.clone();
                for changing in ["x-request-id", "date", "content-length"] {
                    assert!(
                        expected.remove(changing).is_some() && got.headers.remove(changing).is_some(),
                        "{changing}"
                    );
                }
                got.headers.remove("content-encoding");
                assert_eq!(got.headers, expected, "{accept}");
                assert_eq!(got.header("vary"), "accept-encoding");
            }
            let headers = [("accept-encoding", accept), ("if-none-match", body.header("etag"))];
            let again = app.send("GET", &target, &headers, b"").await;
            assert_eq!((again.status, again.body.len(), again.header("content-encoding")), (304, 0, ""));
            assert_eq!((again.header("etag"), again.header("vary")), (body.header("etag"), "accept-encoding"));
            let head = app.send("HEAD", &target, &[("accept-encoding", accept)], b"").await;
            assert_eq!((head.status, head.body.len(), head.header("etag")), (200, 0, body.header("etag")));
            // Parts of answers are not served: whoever asks for one gets all of it (RFC 9110, section 14.2).
            let part = app.send("GET", &target, &[("accept-encoding", accept), ("range", "bytes=0-9")], b"").await;
            assert_eq!((part.status, plain(&part)), (200, body.body.clone()));
        }
        // What cannot be read is the router's.
        let routed = ask(&app, &target, "gzip;level=1, br").await;
        assert_eq!((routed.status, plain(&routed)), (200, body.body.clone()));
    }
    // A decision shows in every encoding, also where an answer stood ready in it.
    app.store.decide(&decision(&id, Action::Revoke)).await.unwrap().unwrap();
    for accept in ["identity", "gzip", "zstd", "br"] {
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            let json: serde_json::Value = serde_json::from_slice(&plain(&ask(&app, &at(0), accept).await)).unwrap();
            if json["status"] == "REVOKED" {
                break;
            }
            assert!(!matches!(app.database(), Database::Embedded) && Instant::now() < end, "{accept}: {json}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}
