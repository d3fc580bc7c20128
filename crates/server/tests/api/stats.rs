//! Statistics count what is there.

use serde_json::json;
use sigma_certificate::Action;
use sigma_core::{Ecosystem, SecurityLevel, Timestamp};
use sigma_store::{Booking, BookingKind, PopularList};

use crate::support::{TestApp, decision};

#[tokio::test]
async fn statistics_have_the_fields_of_the_specification() {
    let app = TestApp::new().await;
    let names = (0..100).map(|number| if number == 0 { "boto3".to_owned() } else { format!("name-{number}") });
    let list = PopularList {
        ecosystem: Ecosystem::Pypi,
        source: "a list".to_owned(),
        taken_on: "2026-11-01".to_owned(),
        names: names.collect(),
    };
    app.store.keep_popular(&list).await.unwrap();
    let boto = app.certify("pypi:boto3@1.0").await;
    app.certify("pypi:name-7@1.0").await;
    app.certify("pypi:name-7@1.1").await;
    app.certify_as("pypi:name-8@1.0", |payload| payload.security_level = SecurityLevel::Blocked).await;
    let reused = Booking {
        submission: "a".to_owned(),
        certificate: boto.clone(),
        kind: BookingKind::Reused,
        usd: 4,
        at: Timestamp::from_millis(1),
    };
    let audited = Booking { submission: "b".to_owned(), kind: BookingKind::Audited, ..reused.clone() };
    app.store.book(&[reused, audited]).await.unwrap();
    let json = app.get("/api/v1/public/packages/stats").await.json();
    insta::assert_json_snapshot!(json, @r#"
    {
      "benchmarks": [
        {
          "registrySource": "pypi",
          "source": "a list",
          "takenOn": "2026-11-01"
        },
        {
          "registrySource": "npm",
          "source": "npm-high-impact 1.13.0 (npmTopDownloads, MIT, Titus Wormer)",
          "takenOn": "2026-09-23"
        }
      ],
      "codeSubmissionsWithPackages": 2,
      "coverage": {
        "npm": {
          "top100": {
            "certified": 0,
            "percent": 0,
            "tracked": 100
          },
          "top1000": {
            "certified": 0,
            "percent": 0,
            "tracked": 1000
          },
          "top500": {
            "certified": 0,
            "percent": 0,
            "tracked": 500
          }
        },
        "pypi": {
          "top100": {
            "certified": 2,
            "percent": 2,
            "tracked": 100
          },
          "top1000": {
            "certified": 2,
            "percent": 2,
            "tracked": 100
          },
          "top500": {
            "certified": 2,
            "percent": 2,
            "tracked": 100
          }
        }
      },
      "totalCostSavedUsd": 4,
      "totalPackagesCertified": 3,
      "totalSubmissionsBenefitingFromCache": 1
    }
    "#);

    app.store.decide(&decision(&boto, Action::Revoke)).await.unwrap();
    let json = app.get("/api/v1/public/packages/stats").await.json();
    assert_eq!(json["totalPackagesCertified"], 2);
    assert_eq!(json["coverage"]["pypi"]["top100"], json!({"tracked": 100, "certified": 1, "percent": 1}));
}
