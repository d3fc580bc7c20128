//! Lists, search, batches and bytes.

use std::collections::BTreeSet;

use serde_json::json;
use sigma_certificate::Action;
use sigma_core::{SecurityLevel, Sha256};

use crate::support::{TestApp, decision};

#[tokio::test]
async fn a_walk_through_the_list_is_complete_under_inserts() {
    let app = TestApp::new().await;
    let mut expected = BTreeSet::new();
    for number in 0..13 {
        expected.insert(app.certify(&format!("pypi:demo@1.{number}")).await);
    }
    let (mut seen, mut target) = (Vec::new(), "/api/v1/public/packages?limit=4".to_owned());
    for round in 0.. {
        let json = app.get(&target).await.json();
        for item in json["items"].as_array().unwrap() {
            seen.push(item["certificateId"].as_str().unwrap().to_owned());
        }
        app.certify_as(&format!("npm:late@1.{round}"), |payload| {
            payload.certified_at = sigma_core::Timestamp::from_millis(1_795_000_000_000);
        })
        .await;
        let Some(cursor) = json["nextCursor"].as_str() else { break };
        target = format!("/api/v1/public/packages?limit=4&cursor={cursor}");
    }
    assert_eq!(seen.len(), 13);
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), expected);
}

#[tokio::test]
async fn lists_are_filtered_by_what_holds_now() {
    let app = TestApp::new().await;
    let one = app.certify("pypi:one@1.0").await;
    let two = app.certify_as("npm:two@1.0.0", |payload| payload.security_level = SecurityLevel::Caution).await;
    app.store.decide(&decision(&one, Action::Override(SecurityLevel::Caution))).await.unwrap();
    let list = async |query: &str| {
        let json = app.get(&format!("/api/v1/public/packages?{query}")).await.json();
        let ids =
            json["items"].as_array().unwrap().iter().map(|item| item["certificateId"].as_str().unwrap().to_owned());
        ids.collect::<BTreeSet<_>>()
    };
    assert_eq!(list("level=CAUTION").await, BTreeSet::from([one.clone(), two.clone()]));
    assert_eq!(list("level=caution&registry=npm").await, BTreeSet::from([two]));
    assert_eq!(list("level=CLEAR").await, BTreeSet::new());
    assert_eq!(list("registry=pypi&name=One").await, BTreeSet::from([one]));
    assert_eq!(list("registry=npm&name=one").await, BTreeSet::new());
}

#[tokio::test]
async fn names_are_searched_by_their_beginning() {
    let app = TestApp::new().await;
    for package in ["pypi:zope-interface@5.0", "pypi:zope-interface@5.1", "npm:zopfli@1.0.0", "npm:@zope/x@1.0.0"] {
        app.certify(package).await;
    }
    let search = async |query: &str| {
        let json = app.get(&format!("/api/v1/public/packages/search?{query}")).await.json();
        let items = json["items"].as_array().unwrap().clone();
        items
            .iter()
            .map(|item| format!("{} {}", item["packageName"].as_str().unwrap(), item["certificates"]))
            .collect::<Vec<_>>()
    };
    assert_eq!(search("q=zop").await, ["zope-interface 2", "zopfli 1"]);
    assert_eq!(search("q=Zope_I&registry=pypi").await, ["zope-interface 2"]);
    assert_eq!(search("q=@zope/").await, ["@zope/x 1"]);
    assert!(search("q=zop&registry=npm&after=zopfli").await.is_empty());
    assert!(search("q=%25").await.is_empty(), "no wildcard");
}

#[tokio::test]
async fn a_thousand_packages_are_one_question() {
    let app = TestApp::new().await;
    app.certify("pypi:demo@1.0").await;
    app.certify("npm:@s/tool@1.0.0").await;
    let mut purls: Vec<String> = (0..996).map(|number| format!("pkg:npm/none@1.0.{number}")).collect();
    purls.extend(
        ["pkg:pypi/Demo@1.0", "pkg:npm/%40s/tool@1.0.0", "pkg:cargo/serde@1", "rubbish\"\u{1}"].map(str::to_owned),
    );
    for _ in 0..2 {
        let got = app.post("/api/v1/public/packages/batch", &json!({"purls": purls})).await;
        assert_eq!(got.status, 200, "{}", got.text());
        let results = got.json()["results"].as_array().unwrap().clone();
        assert_eq!(results.len(), 1000);
        assert_eq!(results[0], json!({"purl": purls[0], "result": "UNCERTIFIED", "certificate": null, "error": null}));
        assert_eq!(results[996]["certificate"], app.get("/api/v1/public/packages/pypi/demo/1.0").await.json());
        assert_eq!(results[997]["certificate"]["packageName"], "@s/tool");
        assert_eq!(results[998]["result"], "INVALID");
        assert_eq!(results[999]["purl"], purls[999]);
        assert!(results[999]["error"].as_str().unwrap().contains("expected a package URL"));
    }
    assert_eq!(app.post("/api/v1/public/packages/batch", &json!({"purls": []})).await.json(), json!({"results": []}));
}

#[tokio::test]
async fn bytes_lead_to_their_certificates() {
    let app = TestApp::new().await;
    let id = app.certify("pypi:demo@1.0").await;
    let hash = Sha256::of(b"pypi:demo@1.0").to_string();
    for target in [hash.clone(), hash.to_uppercase()] {
        let json = app.get(&format!("/api/v1/public/packages/by-hash/{target}")).await.json();
        assert_eq!(json["items"][0]["certificateId"], id);
    }
    app.store.decide(&decision(&id, Action::Revoke)).await.unwrap();
    let json = app.get(&format!("/api/v1/public/packages/by-hash/{hash}")).await.json();
    assert_eq!(
        (&json["items"][0]["status"], &json["items"][0]["securityLevel"]),
        (&json!("REVOKED"), &json!("BLOCKED"))
    );
    let got = app.get(&format!("/api/v1/public/packages/by-hash/{}", Sha256::of(b"other"))).await;
    assert_eq!((got.status, got.code().as_str()), (404, "not-certified"));
}
