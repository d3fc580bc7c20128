//! Certificates of exact packages: the specification's examples, names in every spelling, and what operators decide.

use sigma_certificate::Action;
use sigma_core::{SecurityLevel, Sha256};

use crate::support::{Got, TestApp, decision};

#[tokio::test]
async fn the_answer_is_the_one_of_the_specification() {
    let app = TestApp::new().await;
    app.certify("pypi:requests@2.31.0").await;
    let got = app.get("/api/v1/public/packages/pypi/requests/2.31.0").await;
    assert_eq!(got.status, 200, "{}", got.text());
    assert_eq!(got.header("content-type"), "application/json");
    let mut json = got.json();
    let all = json.as_object_mut().unwrap();
    // Exactly the fields that the specification shows; more may stand beside them.
    let fields = [
        "registrySource",
        "packageName",
        "packageVersion",
        "distributionSha256",
        "councilVerdict",
        "securityLevel",
        "retainedWarnings",
        "analysisType",
        "certifiedAt",
        "certificateId",
        "verifyEndpoint",
        "registryAdvisoryCount",
        "registryAdvisoryHighestSeverity",
        "registryAdvisorySummary",
        "registryAdvisories",
    ];
    let shown: serde_json::Map<_, _> = fields
        .iter()
        .map(|field| ((*field).to_owned(), all.remove(*field).unwrap_or_else(|| panic!("{field}"))))
        .collect();
    insta::assert_json_snapshot!(shown, @r#"
    {
      "analysisType": "FULL",
      "certificateId": "pkg_5uhoa5o3tiiphhk7zkndwhpwd7z2wvjx",
      "certifiedAt": "2026-04-15T10:23:41.000Z",
      "councilVerdict": "APPROVED",
      "distributionSha256": "5df2487ccbd46a8a6abb6a25e31f7ba87305bebdcf75ddf207f42e999e6d6da3",
      "packageName": "requests",
      "packageVersion": "2.31.0",
      "registryAdvisories": [],
      "registryAdvisoryCount": 0,
      "registryAdvisoryHighestSeverity": null,
      "registryAdvisorySummary": "No known registry security advisories were listed for this exact package version at certification time.",
      "registrySource": "pypi",
      "retainedWarnings": [],
      "securityLevel": "CLEAR",
      "verifyEndpoint": "https://sigma.example/api/v1/public/packages/pypi/requests/2.31.0/verify"
    }
    "#);
    let got = app.get("/api/v1/public/packages/pypi/requests/2.31.1").await;
    assert_eq!((got.status, got.code().as_str()), (404, "not-certified"));
    assert_eq!(app.get("/api/v1/public/packages/npm/requests/2.31.0").await.status, 404);
}

#[tokio::test]
async fn the_verify_answer_can_be_verified() {
    let app = TestApp::new().await;
    let id = app.certify("npm:@scope/tool@1.0.0").await;
    let json = app.get("/api/v1/public/packages/npm/@scope%2Ftool/1.0.0/verify").await.json();
    assert_eq!(json["certificateId"], id);
    assert_eq!(json["valid"], true);
    for field in ["distributionSha256", "fileSetHash", "roundId", "registryAdvisories", "distributions"] {
        assert!(!json[field].is_null(), "{field}: {json:#}");
    }
    insta::assert_json_snapshot!(json["registryAdvisorySummary"], @r#"
    {
      "bySeverity": {
        "critical": 0,
        "high": 0,
        "low": 0,
        "moderate": 0,
        "unknown": 0
      },
      "count": 0,
      "highestSeverity": null,
      "queriedAt": "2026-04-15T10:23:41.000Z",
      "resolution": "snapshot",
      "source": "PyPI release JSON",
      "state": "listed",
      "text": "No known registry security advisories were listed for this exact package version at certification time."
    }
    "#);
    let bytes = sigma_certificate::canonical_bytes(&json["payload"]).unwrap();
    assert_eq!(json["payloadHash"], sigma_certificate::payload_hash(&bytes));
    assert_eq!(json["verifyEndpoint"], "https://sigma.example/api/v1/public/packages/npm/@scope%2Ftool/1.0.0/verify");
}

#[tokio::test]
async fn names_are_found_in_every_spelling() {
    let app = TestApp::new().await;
    for package in ["npm:@scope/tool@1.0.0", "npm:JSONStream@1.3.5", "pypi:zope-interface@5.0", "pypi:torch@2.0.0+cpu"]
    {
        app.certify(package).await;
    }
    let check = async |path: &str, expect: u16| {
        let got = app.get(&format!("/api/v1/public/packages/{path}")).await;
        assert_eq!(got.status, expect, "{path}: {}", got.text());
        got
    };
    check("npm/@scope/tool/1.0.0", 200).await;
    check("npm/%40scope/tool/1.0.0", 200).await;
    check("npm/@scope%2Ftool/1.0.0", 200).await;
    check("npm/@scope%2ftool/1.0.0/verify", 200).await;
    check("npm/%40scope%2Ftool/1.0.0/verify", 200).await;
    check("npm/@scope/tool/1.0.0/verify", 200).await;
    check("npm/JSONStream/1.3.5", 200).await;
    check("npm/jsonstream/1.3.5", 404).await;
    check("pypi/torch/2.0.0+cpu", 200).await;
    check("pypi/torch/2.0.0%2Bcpu", 200).await;
    check("pypi/torch/2.0.0", 404).await;
    check("pypi/zope-interface/5.0", 200).await;
    for other in ["Zope.Interface", "zope_interface", "zope--interface", "ZOPE-INTERFACE"] {
        let moved = check(&format!("pypi/{other}/5.0?a=b"), 308).await;
        assert_eq!(moved.header("location"), "/api/v1/public/packages/pypi/zope-interface/5.0?a=b");
        let moved = check(&format!("pypi/{other}/5.0/verify"), 308).await;
        assert_eq!(moved.header("location"), "/api/v1/public/packages/pypi/zope-interface/5.0/verify");
    }
}

#[tokio::test]
async fn answers_are_conditional_and_follow_a_revocation() {
    let app = TestApp::new().await;
    let id = app.certify("pypi:demo@1.0").await;
    let target = "/api/v1/public/packages/pypi/demo/1.0";
    let first = app.get(target).await;
    let tag = first.header("etag").to_owned();
    assert_eq!(first.header("cache-control"), "public, no-cache");
    let again = app.send("GET", target, &[("if-none-match", &tag)], b"").await;
    assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, tag.as_str()));
    let head = app.send("HEAD", target, &[], b"").await;
    assert_eq!((head.status, head.body.len(), head.header("etag")), (200, 0, tag.as_str()));
    assert_eq!(head.header("content-length"), first.body.len().to_string());

    app.store.decide(&decision(&id, Action::Revoke)).await.unwrap().unwrap();
    settle(&app, target, "REVOKED").await;
    let again = app.send("GET", target, &[("if-none-match", &tag)], b"").await;
    assert_eq!(again.status, 200);
    assert_eq!(again.json()["status"], "REVOKED");
}

/// Whoever keeps an answer of any public read asks with its tag, and is told of a revocation at the next question.
#[tokio::test]
async fn every_public_read_can_be_kept_and_follows_a_revocation() {
    let app = TestApp::new().await;
    let id = app.certify_as("pypi:demo@1.0", |payload| payload.security_level = SecurityLevel::Caution).await;
    let plain = "/api/v1/public/packages/pypi/demo/1.0";
    let said = [
        plain.to_owned(),
        format!("{plain}/verify"),
        format!("/api/v1/public/certificates/{id}"),
        format!("/api/v1/public/certificates/{id}/verify"),
        format!("/api/v1/public/certificates/{id}/live-status"),
        format!("/api/v1/public/certificates/{id}/source-integrity"),
        format!("/api/v1/public/packages/by-hash/{}", Sha256::of(b"pypi:demo@1.0")),
        "/api/v1/public/packages".to_owned(),
        "/api/v1/public/packages/stats".to_owned(),
        format!("/v1/vulns/SIGMA-{}", &id[4..]),
    ];
    // What does not change with what an operator decides.
    let same = [
        format!("/api/v1/public/certificates/{id}/report"),
        "/api/v1/public/packages/search?q=demo".to_owned(),
        "/api/v1/public/certificates".to_owned(),
        "/.well-known/skill-store".to_owned(),
    ];
    let tag = async |target: &str| {
        let first = app.get(target).await;
        assert_eq!((first.status, first.header("cache-control")), (200, "public, no-cache"), "{target}");
        first.header("etag").to_owned()
    };
    let ask = async |target: &str, tag: &str| app.send("GET", target, &[("if-none-match", tag)], b"").await.status;
    let mut kept = Vec::new();
    for target in said.iter().chain(&same) {
        let tag = tag(target).await;
        assert_eq!(ask(target, &tag).await, 304, "{target}");
        kept.push(tag);
    }
    app.store.decide(&decision(&id, Action::Revoke)).await.unwrap().unwrap();
    settle(&app, plain, "REVOKED").await;
    for (index, target) in said.iter().chain(&same).enumerate() {
        let expect = if index < said.len() { 200 } else { 304 };
        assert_eq!(ask(target, &kept[index]).await, expect, "{target}");
    }
}

/// Plain questions about packages are answered before the router sees them; nobody may notice.
#[tokio::test]
async fn an_answer_at_hand_is_the_one_that_the_router_gives() {
    let app = TestApp::new().await;
    let id = app.certify("pypi:demo@1.0").await;
    app.certify("npm:@scope/tool@1.0.0").await;
    for (target, status) in [
        ("pypi/demo/1.0", 200),
        ("pypi/demo/1.0/verify", 200),
        ("npm/@scope/tool/1.0.0", 200),
        ("npm/@scope/tool/1.0.0/verify", 200),
        ("pypi/unknown/1.0", 404),
        ("npm/@scope/unknown/1.0.0/verify", 404),
        ("pypi/Demo/1.0", 308),
        ("npm/@scope/verify", 400),
        ("pypi/demo", 404),
    ] {
        let target = format!("/api/v1/public/packages/{target}");
        let (cold, hot) = (app.get(&target).await, app.get(&target).await);
        let routed = app.get(&format!("{target}?")).await;
        assert_eq!(routed.status, status, "{target}: {}", routed.text());
        for mut got in [cold, hot] {
            assert_eq!((got.status, said(&got)), (routed.status, said(&routed)), "{target}");
            let mut expected = routed.headers.clone();
            for changing in ["x-request-id", "date"] {
                assert!(expected.remove(changing).is_some() && got.headers.remove(changing).is_some(), "{changing}");
            }
            // The query is part of where it is.
            expected.entry("location".to_owned()).and_modify(|to| *to = to.trim_end_matches('?').to_owned());
            // The document of a problem tells the request's id, which may grow in length.
            for headers in [&mut expected, &mut got.headers] {
                if status >= 400 {
                    assert!(headers.remove("content-length").is_some());
                }
            }
            assert_eq!(got.headers, expected, "{target}");
        }
    }
    app.store.decide(&decision(&id, Action::Block)).await.unwrap();
    settle(&app, "/api/v1/public/packages/pypi/demo/1.0", "BLOCKED").await;
    let text = app.get("/metrics").await.text();
    for (endpoint, status, count) in [
        ("{registry}/{name}/{version}/verify", 200, 3),
        ("{registry}/{scope}/{name}/{version}", 200, 3),
        ("{registry}/{scope}/{name}/{version}/verify", 200, 3),
        ("{registry}/{scope}/{name}/{version}/verify", 404, 3),
    ] {
        let line = format!(
            "sigma_http_requests_total{{endpoint=\"/api/v1/public/packages/{endpoint}\",status=\"{status}\"}} {count}\n"
        );
        assert!(text.contains(&line), "{line}: {text}");
    }
}

/// What an answer says, without what is different in each.
fn said(got: &Got) -> Vec<u8> {
    if got.status < 400 {
        return got.body.clone();
    }
    let mut json = got.json();
    assert!(json.as_object_mut().unwrap().remove("instance").is_some());
    json.to_string().into_bytes()
}

/// A second process decides; the next read of the first one shows it.
#[tokio::test]
async fn what_an_operator_decides_shows_at_once_everywhere() {
    let app = TestApp::new().await;
    let id = app.certify("pypi:demo@1.0").await;
    let second = app.second().await;
    let paths = [
        "/api/v1/public/packages/pypi/demo/1.0".to_owned(),
        "/api/v1/public/packages/pypi/demo/1.0/verify".to_owned(),
        format!("/api/v1/public/certificates/{id}"),
        format!("/api/v1/public/certificates/{id}/verify"),
        format!("/api/v1/public/certificates/{id}/live-status"),
    ];
    let expect = async |status: &str, level: &str| {
        for path in &paths {
            let json = app.get(path).await.json();
            assert_eq!((&json["status"], &json["securityLevel"]), (&status.into(), &level.into()), "{path}: {json:#}");
        }
    };
    expect("ACTIVE", "CLEAR").await;
    let decide = async |action: Action| {
        second.decide(&decision(&id, action)).await.unwrap().unwrap();
        settle(&app, &paths[0], action.status().as_str()).await;
    };
    decide(Action::Revoke).await;
    expect("REVOKED", "BLOCKED").await;
    decide(Action::Override(SecurityLevel::Caution)).await;
    expect("OVERRIDDEN", "CAUTION").await;
    decide(Action::Block).await;
    expect("BLOCKED", "BLOCKED").await;

    let verify = app.get(&paths[1]).await.json();
    assert_eq!(verify["payload"]["securityLevel"], "CLEAR", "what was sealed stays readable");
    assert_eq!(verify["operatorDecision"]["sealedSecurityLevel"], "CLEAR");
    assert_eq!(verify["operatorDecision"]["reason"], "reported by three users");
    assert!(!verify.to_string().contains("ada"), "who decided is in the log, not public");
    let log = second.admin_events(&id).await.unwrap();
    assert_eq!(log.iter().map(|event| event.seq).collect::<Vec<_>>(), [1, 2, 3]);
}

/// PostgreSQL tells of a change as soon as its notification arrives; SQLite is asked at each request.
async fn settle(app: &TestApp, path: &str, expect: &str) {
    if app.database() == sigma_store::Database::Embedded {
        return;
    }
    for _ in 0..400 {
        let json = app.get(path).await.json();
        if json["status"] == expect || json["certificateId"] == expect {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn the_newest_certificate_answers() {
    let app = TestApp::new().await;
    let old = app.certify_as("pypi:demo@1.0", |payload| payload.ruleset_version = "1".to_owned()).await;
    let target = "/api/v1/public/packages/pypi/demo/1.0";
    assert_eq!(app.get(target).await.json()["certificateId"], old);
    let new = app
        .certify_as("pypi:demo@1.0", |payload| {
            payload.certified_at = sigma_core::Timestamp::from_millis(payload.certified_at.as_millis() + 1);
        })
        .await;
    settle(&app, target, &new).await;
    assert_eq!(app.get(target).await.json()["certificateId"], new);
    let status = app.get(&format!("/api/v1/public/certificates/{old}/live-status")).await.json();
    assert_eq!(status["replacedBy"], new);
    app.store.decide(&decision(&new, Action::Revoke)).await.unwrap();
    settle(&app, target, "REVOKED").await;
    assert_eq!(app.get(target).await.json()["status"], "REVOKED", "an older one does not take its place");
}
