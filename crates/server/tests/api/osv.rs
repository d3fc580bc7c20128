//! The shape of osv.dev's API.

use serde_json::{Value, json};
use sigma_certificate::Action;
use sigma_core::{CouncilVerdict, SecurityLevel, Severity, Warning};

use crate::support::{TestApp, decision};

async fn scene() -> (TestApp, String) {
    let app = TestApp::new().await;
    app.certify("pypi:demo@1.0").await;
    let blocked = app
        .certify_as("pypi:demo@1.1", |payload| {
            payload.security_level = SecurityLevel::Blocked;
            payload.council_verdict = CouncilVerdict::Rejected;
            payload.retained_warnings = vec![Warning {
                severity: Severity::Critical,
                code: "environment-exfiltration".to_owned(),
                message: "sends the environment to a server".to_owned(),
                distribution: Some("demo-1.1.tar.gz".to_owned()),
                location: Some("demo/__init__.py:3".to_owned()),
                evidence: None,
            }];
        })
        .await;
    (app, blocked)
}

#[tokio::test]
async fn verdicts_are_vulnerabilities() {
    let (app, blocked) = scene().await;
    let sigma = format!("SIGMA-{}", &blocked[4..]);
    let query = async |body: Value| app.post("/v1/query", &body).await.json();
    let all = query(json!({"package": {"name": "demo", "ecosystem": "PyPI"}})).await;
    insta::assert_json_snapshot!(all, @r#"
    {
      "vulns": [
        {
          "affected": [
            {
              "package": {
                "ecosystem": "PyPI",
                "name": "demo",
                "purl": "pkg:pypi/demo"
              },
              "versions": [
                "1.1"
              ]
            }
          ],
          "database_specific": {
            "certificateId": "pkg_d6radxvqocy4xjecyb4rwwu3q7tymids",
            "distributionSha256": "6d1becaac9ea13d61d2c73e9c39676913dc2fc7fbed0100efe2502ec90016943",
            "securityLevel": "BLOCKED"
          },
          "details": "environment-exfiltration: sends the environment to a server (demo/__init__.py:3)",
          "id": "SIGMA-d6radxvqocy4xjecyb4rwwu3q7tymids",
          "modified": "2026-04-15T10:23:41.000Z",
          "published": "2026-04-15T10:23:41.000Z",
          "references": [
            {
              "type": "REPORT",
              "url": "https://sigma.example/api/v1/public/packages/pypi/demo/1.1/verify"
            }
          ],
          "schema_version": "1.7.3",
          "summary": "demo 1.1 is BLOCKED"
        }
      ]
    }
    "#);
    assert_eq!(query(json!({"package": {"name": "Demo", "ecosystem": "PyPI"}, "version": "1.1"})).await, all);
    assert_eq!(query(json!({"package": {"purl": "pkg:pypi/demo@1.1"}})).await, all);
    assert_eq!(query(json!({"package": {"purl": "pkg:pypi/demo"}, "version": "1.1"})).await, all);
    assert_eq!(query(json!({"package": {"purl": "pkg:pypi/demo@1.0"}})).await, json!({}));
    assert_eq!(query(json!({"package": {"name": "serde", "ecosystem": "crates.io"}})).await, json!({}));
    assert_eq!(query(json!({"package": {"name": "demo", "ecosystem": "pypi"}})).await, all, "nothing is overlooked");
    assert_eq!(query(json!({"package": {"purl": "pkg:cargo/serde@1.0.0"}})).await, json!({}));
    let batch = json!({"queries": [
        {"package": {"purl": "pkg:pypi/demo@1.0"}}, {"package": {"purl": "pkg:pypi/demo@1.1"}}]});
    let batch = app.post("/v1/querybatch", &batch).await.json();
    assert_eq!(batch, json!({"results": [{}, {"vulns": [{"id": sigma, "modified": "2026-04-15T10:23:41.000Z"}]}]}));
    assert_eq!(app.get(&format!("/v1/vulns/{sigma}")).await.json(), all["vulns"][0]);
}

#[tokio::test]
async fn verdicts_follow_operators() {
    let (app, blocked) = scene().await;
    let query = json!({"package": {"name": "demo", "ecosystem": "PyPI"}});
    app.store.decide(&decision(&blocked, Action::Revoke)).await.unwrap();
    assert_eq!(app.post("/v1/query", &query).await.json(), json!({}));
    let vulnerability = app.get(&format!("/v1/vulns/SIGMA-{}", &blocked[4..])).await.json();
    assert_eq!(vulnerability["withdrawn"], "2026-09-21T14:13:20.000Z");
    app.store.decide(&decision(&blocked, Action::Override(SecurityLevel::Clear))).await.unwrap();
    assert_eq!(app.get(&format!("/v1/vulns/SIGMA-{}", &blocked[4..])).await.status, 404);
    let clear = app.certify("npm:fine@1.0.0").await;
    app.store.decide(&decision(&clear, Action::Block)).await.unwrap();
    let query = json!({"package": {"purl": "pkg:npm/fine@1.0.0"}});
    let vulnerability = &app.post("/v1/query", &query).await.json()["vulns"][0];
    assert_eq!(vulnerability["database_specific"]["securityLevel"], "BLOCKED");
    assert!(vulnerability["details"].as_str().unwrap().contains("reported by three users"));
}

/// 150 verdicts on one name come in two pages, each once.
#[tokio::test]
async fn many_verdicts_come_in_pages() {
    let app = TestApp::new().await;
    for number in 0..150 {
        app.certify_as(&format!("npm:bad@1.0.{number}"), |payload| payload.security_level = SecurityLevel::Caution)
            .await;
    }
    let mut seen = std::collections::BTreeSet::new();
    let mut token = Value::Null;
    for pages in 1.. {
        let mut query = json!({"package": {"name": "bad", "ecosystem": "npm"}});
        if !token.is_null() {
            query["page_token"] = token;
        }
        let json = app.post("/v1/query", &query).await.json();
        seen.extend(json["vulns"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()));
        token = json["next_page_token"].clone();
        if token.is_null() {
            assert_eq!((pages, seen.len()), (2, 150));
            break;
        }
    }
}

/// The examples of osv.dev's documentation: curl, without a word about what it sends.
#[tokio::test]
async fn questions_need_no_content_type() {
    let (app, blocked) = scene().await;
    let body = br#"{"package": {"name": "demo", "ecosystem": "PyPI"}, "version": "1.1"}"#;
    for kind in [&[][..], &[("content-type", "application/x-www-form-urlencoded")]] {
        let got = app.send("POST", "/v1/query", kind, body).await;
        assert_eq!(got.json()["vulns"][0]["id"], format!("SIGMA-{}", &blocked[4..]));
        let got = app.send("POST", "/v1/querybatch", kind, br#"{"queries": []}"#).await;
        assert_eq!(got.json(), json!({"results": []}));
    }
}
