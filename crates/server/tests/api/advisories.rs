//! Advisories that certificates lack: asked for later, once, and remembered.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;
use sigma_core::{Advisory, AdvisorySeverity, AdvisorySnapshot, AdvisoryState, Timestamp};
use sigma_server::{AskAdvisories, ServerConfig};

use crate::support::{TestApp, config};

const TARGET: &str = "/api/v1/public/packages/pypi/demo/1.0";

/// An ecosystem that takes a moment, counts its questions, and answers with one advisory or not at all.
fn ecosystem(answers: bool) -> (AskAdvisories, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let ask: AskAdvisories = Arc::new(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let advisory = Advisory {
                id: "PYSEC-1".to_owned(),
                aliases: vec![],
                title: "bad".to_owned(),
                severity: AdvisorySeverity::High,
                url: None,
                vulnerable_versions: None,
                fixed_in: vec![],
            };
            let state = match answers {
                true => AdvisoryState::Listed { advisories: vec![advisory] },
                false => AdvisoryState::Unavailable { reason: "503".to_owned() },
            };
            AdvisorySnapshot { source: "PyPI".to_owned(), queried_at: Timestamp::from_millis(1_800_000_000_000), state }
        })
    });
    (ask, asked)
}

async fn without_snapshot(app: &TestApp) {
    app.certify_as("pypi:demo@1.0", |payload| {
        payload.registry_advisory_state = "unavailable".to_owned();
        payload.registry_advisory_count = None;
    })
    .await;
}

fn advisories(json: &Value) -> (Value, Value, Value) {
    let of = |field: &str| json[field].clone();
    (of("registryAdvisoryState"), of("registryAdvisoryCount"), of("registryAdvisoryResolution"))
}

#[tokio::test]
async fn they_are_asked_for_once_and_remembered() {
    let (ask, asked) = ecosystem(true);
    let app = TestApp::with(config(), Some(ask.clone())).await;
    without_snapshot(&app).await;
    let answers = futures::future::join_all((0..20).map(|_| app.get(TARGET))).await;
    for got in answers {
        assert_eq!(advisories(&got.json()), ("listed".into(), 1.into(), "live".into()), "{}", got.text());
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1, "twenty questions at once are one");
    let verify = app.get(&format!("{TARGET}/verify")).await.json();
    assert_eq!(verify["registryAdvisorySummary"]["bySeverity"]["high"], 1);
    assert_eq!(verify["payload"]["registryAdvisoryState"], "unavailable", "what was sealed stays");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    let package = "pypi:demo@1.0".parse().unwrap();
    let remembered = app.second().await;
    let reader = remembered.reader(&app.database(), Arc::new(|_| ())).await.unwrap();
    assert!(reader.package(&package).await.unwrap().unwrap().advisories.is_some(), "in the store");
}

#[tokio::test]
async fn unavailable_is_not_none_and_is_asked_again_later() {
    let (ask, asked) = ecosystem(false);
    let app = TestApp::with(config(), Some(ask)).await;
    without_snapshot(&app).await;
    for _ in 0..3 {
        let json = app.get(TARGET).await.json();
        assert_eq!(advisories(&json), ("unavailable".into(), Value::Null, "live".into()));
        assert!(json["registryAdvisorySummary"].as_str().unwrap().contains("nothing is known"));
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1, "a pause before the next question");
}

#[tokio::test]
async fn a_slow_ecosystem_does_not_keep_clients_waiting() {
    let ask: AskAdvisories = Arc::new(|_| Box::pin(std::future::pending()));
    let app = TestApp::with(ServerConfig { advisory_seconds: 0, ..config() }, Some(ask)).await;
    without_snapshot(&app).await;
    let json = app.get(TARGET).await.json();
    assert_eq!(advisories(&json), ("unavailable".into(), Value::Null, "live".into()));
    assert!(json["registryAdvisorySource"].as_str().unwrap().contains("no answer in time"));
}

#[tokio::test]
async fn without_an_ecosystem_to_ask_they_stay_unavailable() {
    let app = TestApp::new().await;
    without_snapshot(&app).await;
    assert_eq!(advisories(&app.get(TARGET).await.json()), ("unavailable".into(), Value::Null, "snapshot".into()));
}

/// A thousand packages must not become a thousand questions to an ecosystem.
#[tokio::test]
async fn a_batch_asks_no_ecosystem() {
    let (ask, asked) = ecosystem(true);
    let app = TestApp::with(config(), Some(ask)).await;
    without_snapshot(&app).await;
    let batch = serde_json::json!({"purls": ["pkg:pypi/demo@1.0"]});
    let of =
        async || app.post("/api/v1/public/packages/batch", &batch).await.json()["results"][0]["certificate"].clone();
    assert_eq!(advisories(&of().await), ("unavailable".into(), Value::Null, "snapshot".into()));
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    let alone = app.get(TARGET).await.json();
    assert_eq!((of().await, asked.load(Ordering::SeqCst)), (alone, 1), "what was asked for alone is remembered");
}
