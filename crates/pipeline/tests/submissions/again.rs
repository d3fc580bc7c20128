//! Certificates of submissions that operators have audited again.

use sigma_certificate::{Action, SubmissionCertificate};
use sigma_pipeline::ReauditError;
use sigma_store::{NewDecision, SubmissionState, Verdict};
use sigma_testkit::{FakeModel, Manner};

use super::code::{Stage, certificate, council_with, state};
use super::*;

async fn decide(hall: &Hall, id: &str, action: Action) {
    let new = NewDecision {
        certificate: id.to_owned(),
        action,
        reason: "as it is".to_owned(),
        operator: "ada".to_owned(),
        at: hall.store().submissions_of("ann", None, 1).await.unwrap()[0].updated_at,
    };
    hall.store().decide(&new).await.unwrap().unwrap();
}

/// The last entry of the log: what is said, about what, and the rest.
async fn told(hall: &Hall) -> (String, String, String) {
    let entry = hall.store().log(None, None, 1).await.unwrap().remove(0);
    (entry.action, entry.subject, entry.detail)
}

/// A tool with a package, certified.
async fn with_a_package(stage: &Stage) -> (Hall, Submission, SubmissionCertificate) {
    stage.scene.eco.pypi.add(pure("demo", "2.0").build());
    stage.repository("example/tool", &[("main.py", "import demo\nprint(demo)\n"), ("requirements.txt", "demo==2.0\n")]);
    let hall = stage.hall().await;
    let submission = stage.submit(&hall, &stage.request("tool", "CODE+PACKAGES", Some("main.py"))).await;
    work(&hall).await;
    let first = certificate(&hall, &submission).await;
    (hall, submission, first)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_replaces_the_old_one() {
    let stage = Stage::new();
    let (hall, submission, first) = with_a_package(&stage).await;
    let (downloads, totals) = (stage.scene.downloads(), hall.store().totals().await.unwrap());

    // Asked for twice, done once: the same files, the same report, a newer certificate, and no cost.
    let job = hall.request_reaudit(first.id(), "the rules were wrong", "ada").await.unwrap();
    assert_eq!(hall.request_reaudit(first.id(), "again", "bob").await.unwrap(), job);
    work(&hall).await;
    let second = certificate(&hall, &submission).await;
    assert_eq!(second.payload().supersedes.as_deref(), Some(first.id()));
    assert_eq!(second.payload().report_hash, first.payload().report_hash);
    assert!(second.payload().certified_at > first.payload().certified_at);
    let came_to = format!("{} {}", first.id(), second.id());
    assert_eq!(told(&hall).await, ("reaudited".to_owned(), submission.id.clone(), came_to));
    assert_eq!((stage.scene.downloads(), hall.store().totals().await.unwrap()), (downloads, totals));
    // The old one stays readable, and is not audited again in the place of the new one.
    assert!(hall.store().submission_certificate(first.id()).await.unwrap().is_some());
    let error = hall.request_reaudit(first.id(), "r", "ada").await.unwrap_err();
    assert!(matches!(&error, ReauditError::Replaced(newer) if newer == second.id()), "{error}");
    // The submission ended once; its owner is told afterwards, though not by whom.
    assert_eq!(state(&hall, &submission).await, SubmissionState::Certified);
    let events = hall.store().events(&submission.id, 0, 100).await.unwrap();
    let kinds: Vec<&str> = events.iter().rev().take(2).map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["certificate-replaced", "ended"]);
    let last = String::from_utf8(events.last().unwrap().data.clone()).unwrap();
    assert!(last.contains(first.id()) && last.contains(second.id()) && !last.contains("ada"), "{last}");

    // Also a revoked one, and one after the other.
    decide(&hall, second.id(), Action::Revoke).await;
    hall.request_reaudit(second.id(), "it was not that bad", "ada").await.unwrap();
    work(&hall).await;
    let third = certificate(&hall, &submission).await;
    assert_eq!(third.payload().supersedes.as_deref(), Some(second.id()));
    // A decision about it reaches the owner of the submission.
    decide(&hall, third.id(), Action::Block).await;
    let events = hall.store().events(&submission.id, 0, 100).await.unwrap();
    assert_eq!(events.last().unwrap().kind, "certificate-decision");
    let error = hall.request_reaudit(third.id(), "r", "ada").await.unwrap_err();
    assert!(matches!(&error, ReauditError::Blocked(id) if id == third.id()), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_that_is_blocked_by_now_stops_it_and_the_old_certificate_stands() {
    let stage = Stage::new();
    let (hall, submission, first) = with_a_package(&stage).await;
    let demo = hall.store().certificates_of(&"pypi:demo@2.0".parse().unwrap()).await.unwrap().remove(0);
    decide(&hall, demo.id(), Action::Block).await;
    hall.request_reaudit(first.id(), "demo is malicious", "ada").await.unwrap();
    work(&hall).await;
    assert_eq!(certificate(&hall, &submission).await.id(), first.id());
    let (action, subject, detail) = told(&hall).await;
    assert_eq!((action.as_str(), subject.as_str()), ("reaudited", submission.id.as_str()));
    let expect = format!("{} its packages stand in the way: pypi:demo@2.0 (DIRECT) is BLOCKED", first.id());
    assert!(detail.starts_with(&expect), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_audit_without_agreement_waits_for_an_operator() {
    let stage = Stage::new();
    stage.repository("example/tool", &[("main.py", "print(1)\n")]);
    let hall = stage.hall().await;
    let submission = stage.submit(&hall, &stage.request("tool", "CODE", Some("main.py"))).await;
    work(&hall).await;
    let first = certificate(&hall, &submission).await;
    let fake = FakeModel::start(Manner::Votes { vote: "UNSAFE", level: "BLOCKED", facts: vec!["F1"] });
    let council = council_with(&fake);
    let strict = hall.clone().with_review(ReviewRooms { council, ..hall.review().clone() });
    strict.request_reaudit(first.id(), "with a model", "ada").await.unwrap();
    work(&strict).await;
    assert_eq!(certificate(&hall, &submission).await.id(), first.id(), "the old one stands");
    let open = hall.store().open_submission_escalations(None, 10).await.unwrap();
    assert_eq!(open.len(), 1);
    let escalation = open[0].submission.clone();
    assert_eq!(told(&hall).await.2, format!("{} escalated: {escalation}", first.id()));

    let ruling = OperatorRuling {
        escalation,
        verdict: Verdict::Certify(SecurityLevel::Caution),
        reason: "the model is wrong".to_owned(),
        operator: "ada".to_owned(),
    };
    let now = Timestamp::from_millis(1_900_000_000_000);
    assert!(decide_submission(hall.store(), &ruling, now).await.unwrap().is_some());
    let second = certificate(&hall, &submission).await;
    let payload = second.payload();
    assert_eq!((payload.supersedes.as_deref(), payload.round_type.as_str()), (Some(first.id()), "operator"));
    let events = hall.store().events(&submission.id, 0, 100).await.unwrap();
    assert_eq!(events.last().unwrap().kind, "certificate-replaced");
    assert_eq!(state(&hall, &submission).await, SubmissionState::Certified, "it is not ended a second time");
}
