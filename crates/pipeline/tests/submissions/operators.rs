//! What operators decide, and what submissions make of it.

use sigma_certificate::Action;
use sigma_store::{NewDecision, Verdict};

use super::*;

/// A package about which the panels do not agree: three serious signals of different kinds, each in a file of its own.
fn divided(version: &str) -> NpmTarball {
    let pushed = format!("module.exports = 1;{}require('child_process');\n", " ".repeat(400));
    let copied = "const client = require('postmark');\n\
                  client.sendEmail({ To: 'x', Bcc: 'archive@collect.example.org', Subject: 's' });\n";
    NpmTarball::new("divided", version)
        .file("index.js", "require('./a'); require('./b'); require('./c');\n")
        .file("a.js", "module.exports = {};\nfor (let i = 1; i < Infinity; i++) {\n  console.log('LIBERTY');\n}\n")
        .file("b.js", pushed)
        .file("c.js", copied)
}

async fn ends(hall: &Hall, draft: &Draft, key: &str) -> (SubmissionState, String) {
    let submission = submit(hall, draft, key).await;
    work(hall).await;
    (hall.store().submission(&submission.id).await.unwrap().unwrap().state, story(hall, &submission).await)
}

async fn newest(hall: &Hall, package: &str) -> sigma_certificate::PackageCertificate {
    hall.store().certificates_of(&package.parse().unwrap()).await.unwrap().remove(0)
}

fn decision(certificate: &str, action: Action) -> NewDecision {
    let (reason, operator) = ("reported".to_owned(), "ada".to_owned());
    NewDecision { certificate: certificate.to_owned(), action, reason, operator, at: Timestamp::from_millis(1) }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_revoked_is_audited_again() {
    let scene = Scene::new();
    scene.eco.pypi.add(pure("demo", "2.0").build());
    let hall = scene.hall().await;
    let draft = scene.draft(&hall, "ann", "demo==2.0\n").await;
    assert_eq!(ends(&hall, &draft, "k1").await.0, SubmissionState::Cleared);
    let first = newest(&hall, "pypi:demo@2.0").await;
    hall.store().decide(&decision(first.id(), Action::Revoke)).await.unwrap().unwrap();
    assert_eq!(ends(&hall, &draft, "k2").await.0, SubmissionState::Stopped);

    let job = hall.request_reaudit(first.id(), "the report was wrong", "ada").await.unwrap();
    assert_eq!(hall.request_reaudit(first.id(), "again", "bob").await.unwrap(), job, "one job");
    work(&hall).await;
    let second = newest(&hall, "pypi:demo@2.0").await;
    let (old, new) = (first.payload(), second.payload());
    assert_eq!(new.supersedes.as_deref(), Some(first.id()));
    assert_eq!((new.report_hash, &new.ruleset_version), (old.report_hash, &old.ruleset_version));
    assert!(new.certified_at > old.certified_at);
    assert_eq!(ends(&hall, &draft, "k3").await.0, SubmissionState::Cleared, "it is usable for everybody");
    assert_eq!(scene.downloads(), 1, "the bytes were kept");
    let error = hall.request_reaudit(first.id(), "r", "ada").await.unwrap_err();
    assert!(matches!(&error, ReauditError::Replaced(id) if id == second.id()), "{error}");

    // Once more, now that neither the ecosystem nor its bytes are there in the usual way.
    scene.eco.pypi.server.misbehave_everywhere(Misbehaviour::Status(404));
    hall.request_reaudit(second.id(), "r", "ada").await.unwrap();
    work(&hall).await;
    let third = newest(&hall, "pypi:demo@2.0").await;
    assert_eq!(third.payload().supersedes.as_deref(), Some(second.id()));
    assert_eq!(third.payload().report_hash, old.report_hash);
    assert!(third.payload().registry_advisory_count.is_none(), "nobody answered, and it says so");

    hall.store().decide(&decision(third.id(), Action::Block)).await.unwrap().unwrap();
    let error = hall.request_reaudit(third.id(), "r", "ada").await.unwrap_err();
    assert!(matches!(error, ReauditError::Blocked(_)), "{error}");
    let mut payload = first.payload().clone();
    payload.ruleset_version.push_str("+local.ab12cd34");
    let certificate = sigma_certificate::PackageCertificate::seal(payload).unwrap();
    let id = certificate.id().to_owned();
    let sealed = sigma_store::Sealed { certificate, report: b"{}".to_vec(), round: b"{}".to_vec() };
    hall.store().insert(&sealed).await.unwrap();
    assert!(matches!(hall.request_reaudit(&id, "r", "ada").await.unwrap_err(), ReauditError::OtherRules(_)));
    assert!(matches!(hall.request_reaudit("pkg_x", "r", "ada").await.unwrap_err(), ReauditError::Unknown(_)));
    let log = hall.store().log(None, Some("pypi:demo@2.0"), 9).await.unwrap();
    let told: Vec<_> = log.iter().map(|entry| (entry.action.as_str(), entry.operator.as_str())).collect();
    let second_time = [("reaudited", "ada"), ("reaudit", "ada")];
    assert_eq!(told, [&second_time[..], &[("reaudited", "ada"), ("reaudit", "bob"), ("reaudit", "ada")]].concat());
    let came_to = (log[2].level.as_str(), log[2].reason.as_str(), log[2].detail.as_str());
    assert_eq!(came_to, ("CLEAR", "the report was wrong", format!("{} {}", first.id(), second.id()).as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_escalated_is_decided_for_everybody() {
    let scene = Scene::new();
    scene.eco.npm.add(divided("1.0.0").build());
    scene.eco.npm.add(divided("1.0.1").build());
    let hall = scene.hall().await;
    let json = r#"{"dependencies": {"divided": "1.0.0"}}"#;
    let draft = scene.draft_of(&hall, "ann", "package.json", json, |p| p).await;
    let (state, told) = ends(&hall, &draft, "k1").await;
    assert_eq!(state, SubmissionState::Held, "{told}");
    assert!(told.contains(r#""status":"escalated""#), "{told}");
    assert!(hall.store().certificates_of(&"npm:divided@1.0.0".parse().unwrap()).await.unwrap().is_empty());
    let open = hall.store().open_escalations(None, 9).await.unwrap();
    assert_eq!(open.len(), 1);
    assert!(!open[0].payload.retained_warnings.is_empty() && !open[0].payload.ballots.is_empty());

    let now = Timestamp::from_millis(1);
    let ruling = |escalation: &str, verdict| OperatorRuling {
        escalation: escalation.to_owned(),
        verdict,
        reason: "read by two of us".to_owned(),
        operator: "ada".to_owned(),
    };
    let certify = ruling(&open[0].id, Verdict::Certify(SecurityLevel::Caution));
    let certificate = decide_escalation(hall.store(), &certify, now).await.unwrap().unwrap();
    assert!(decide_escalation(hall.store(), &certify, now).await.unwrap().is_none(), "once");
    let payload = certificate.payload();
    assert_eq!((payload.council_verdict, payload.security_level), (CouncilVerdict::Approved, SecurityLevel::Caution));
    assert_eq!(
        payload.disclosures.last().unwrap(),
        "The council's panels did not agree: an operator decided: read by two of us"
    );
    assert!(payload.council_rationale.contains("panels do not agree"), "{}", payload.council_rationale);
    assert!(payload.certified_at >= open[0].escalated_at, "whatever the clock says");
    let stored = hall.store().certificate(certificate.id()).await.unwrap().unwrap();
    assert_eq!(Sha256::of(&stored.report), payload.report_hash, "its evidence is where that of others is");
    assert_eq!(ends(&hall, &draft, "k2").await.0, SubmissionState::Cleared, "the next one may use it");

    let json = r#"{"dependencies": {"divided": "1.0.1"}}"#;
    let draft = scene.draft_of(&hall, "bob", "package.json", json, |p| p).await;
    assert_eq!(ends(&hall, &draft, "k1").await.0, SubmissionState::Held);
    let open = hall.store().open_escalations(None, 9).await.unwrap();
    decide_escalation(hall.store(), &ruling(&open[0].id, Verdict::Block), now).await.unwrap().unwrap();
    let (state, told) = ends(&hall, &draft, "k2").await;
    assert_eq!(state, SubmissionState::Stopped, "{told}");
    assert_eq!(hall.store().count_open_escalations().await.unwrap(), 0);
}

/// What an operator certified may be revoked and audited again: then it is for an operator again.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_audit_may_escalate_again() {
    let scene = Scene::new();
    scene.eco.npm.add(divided("1.0.0").build());
    let hall = scene.hall().await;
    let json = r#"{"dependencies": {"divided": "1.0.0"}}"#;
    let draft = scene.draft_of(&hall, "ann", "package.json", json, |p| p).await;
    ends(&hall, &draft, "k1").await;
    let decide = async |verdict| {
        let escalation = hall.store().open_escalations(None, 9).await.unwrap().remove(0).id;
        let (reason, operator) = ("r".to_owned(), "ada".to_owned());
        let ruling = OperatorRuling { escalation, verdict, reason, operator };
        decide_escalation(hall.store(), &ruling, Timestamp::from_millis(1)).await.unwrap().unwrap()
    };
    let first = decide(Verdict::Certify(SecurityLevel::Monitored)).await;
    hall.store().decide(&decision(first.id(), Action::Revoke)).await.unwrap().unwrap();
    hall.request_reaudit(first.id(), "r", "ada").await.unwrap();
    work(&hall).await;
    let told = hall.store().log(None, Some("npm:divided@1.0.0"), 1).await.unwrap().remove(0);
    assert!(told.action == "reaudited" && told.detail.starts_with(&format!("{} escalated: ", first.id())), "{told:?}");
    let second = decide(Verdict::Block).await;
    assert_eq!(second.payload().supersedes.as_deref(), Some(first.id()));
    assert_eq!(newest(&hall, "npm:divided@1.0.0").await.id(), second.id());
}
