//! The members of the specification's examples stand where it shows them: what somebody gets looks like what was read.

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::json;
use serde_json::value::RawValue;
use sigma_certificate::Action;
use sigma_store::Scope;

use crate::developer::Scene;
use crate::support::{TestApp, decision};

const PACKAGE: &str = r#"{
  "registrySource": "pypi",
  "packageName": "requests",
  "packageVersion": "2.31.0",
  "distributionSha256": "58cd2187...",
  "councilVerdict": "APPROVED",
  "securityLevel": "CLEAR",
  "retainedWarnings": [],
  "analysisType": "FULL",
  "certifiedAt": "2026-04-15T10:23:41.000Z",
  "certificateId": "pkg_abc123",
  "verifyEndpoint": "https://api.soulbyte.tech/api/v1/public/packages/pypi/requests/2.31.0/verify",
  "registryAdvisoryCount": 0,
  "registryAdvisoryHighestSeverity": null,
  "registryAdvisorySummary": "No known registry security advisories were listed for this exact package version at certification time.",
  "registryAdvisories": []
}"#;

const STATS: &str = r#"{
  "totalPackagesCertified": 312,
  "totalSubmissionsBenefitingFromCache": 1840,
  "totalCostSavedUsd": 3620,
  "codeSubmissionsWithPackages": 417,
  "coverage": {
    "pypi": {
      "top100": { "tracked": 100, "certified": 67, "percent": 67 },
      "top500": { "tracked": 500, "certified": 189, "percent": 37 },
      "top1000": { "tracked": 1000, "certified": 231, "percent": 23 }
    },
    "npm": {
      "top100": { "tracked": 100, "certified": 41, "percent": 41 }
    }
  }
}"#;

const PREVIEW: &str = r#"{
  "enabled": true,
  "packagesTotal": 8,
  "packagesCertifiedFromCache": 6,
  "packagesToAudit": 1,
  "packagesRejected": 0,
  "packagesUncertified": 1,
  "transitiveDependenciesChecked": 14,
  "transitiveDependenciesUncertified": 3,
  "savingsUsd": 14.00,
  "uncachedCostUsd": 4.00,
  "items": [
    {
      "packageName": "requests",
      "packageVersion": "2.31.0",
      "registrySource": "pypi",
      "dependencyType": "DIRECT",
      "cached": true,
      "status": "CERTIFIED",
      "estimatedComplexityTier": "standard",
      "estimatedPriceUsd": 0,
      "warnings": []
    }
  ]
}"#;

/// The members of an object as they stand.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> serde::Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members;

            fn expecting(&self, text: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                text.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// The members of the example come behind so many others, in its order and with nothing in between; so do those of objects in it, and of
/// the first object of a list.
fn check(got: &str, example: &str, behind: usize) {
    let [Members(members), Members(shown)] = [got, example].map(|text| serde_json::from_str(text).unwrap());
    let stand: Vec<&String> = members.iter().map(|(name, _)| name).skip(behind).take(shown.len()).collect();
    assert_eq!(stand, shown.iter().map(|(name, _)| name).collect::<Vec<_>>(), "{got}");
    for ((_, got), (_, example)) in members[behind..].iter().zip(&shown) {
        let (got, example) = (got.get(), example.get());
        if example.starts_with('{') {
            check(got, example, 0);
        } else if example.starts_with('[') && example.contains('{') {
            let [got, example] = [got, example].map(|text| serde_json::from_str::<Vec<Box<RawValue>>>(text).unwrap());
            check(got[0].get(), example[0].get(), 0);
        }
    }
}

#[tokio::test]
async fn a_certificate_stands_as_the_specification_shows_it() {
    let app = TestApp::new().await;
    let id = app.certify("pypi:requests@2.31.0").await;
    let target = "/api/v1/public/packages/pypi/requests/2.31.0";
    let by_id = format!("/api/v1/public/certificates/{id}");
    let (first, named) = (app.get(target).await.text(), app.get(&by_id).await.text());
    assert_eq!(first, named, "whoever wrote it");
    check(&first, PACKAGE, 0);
    check(&app.get(&format!("{target}/verify")).await.text(), PACKAGE, 4);
    let batch = app.post("/api/v1/public/packages/batch", &json!({ "purls": ["pkg:pypi/requests@2.31.0"] })).await;
    assert!(batch.text().contains(&first), "{}", batch.text());
    // What was decided changes words, not their places.
    app.store.decide(&decision(&id, Action::Block)).await.unwrap();
    let decided = app.get(&by_id).await.text();
    assert_ne!(decided, first);
    check(&decided, PACKAGE, 0);
}

#[tokio::test]
async fn statistics_stand_as_the_specification_shows_them() {
    check(&TestApp::new().await.get("/api/v1/public/packages/stats").await.text(), STATS, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_stands_as_the_specification_shows_it() {
    let scene = Scene::new().await;
    scene.publish();
    let ann = scene.token("ann", &[Scope::Read, Scope::Submit]).await;
    let draft = scene.draft(&ann, "demo==1.0\n").await;
    let preview = scene.ask(&ann, "POST", &format!("/drafts/{draft}/package-preview"), None).await;
    check(&preview.text(), PREVIEW, 0);
}
