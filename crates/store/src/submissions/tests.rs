//! Drafts and submissions belong to somebody, and change once.

use std::collections::BTreeMap;

use sigma_core::Timestamp;

use crate::tests::{Place, store};
use crate::*;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn draft(owner: &str) -> Draft {
    Draft { id: format!("drf_{owner}"), owner: owner.to_owned(), project: b"{}".to_vec(), created_at: at(1) }
}

fn submission(key: &str, now: i64) -> Submission {
    Submission::new("ann", key, &draft("ann"), JobId::of_key(key), at(now))
}

async fn add(store: &Store, new: &Submission) -> bool {
    let mut writing = store.begin().await.unwrap();
    let added = writing.add_submission(new).await.unwrap();
    writing.commit(at(0)).await.unwrap();
    added
}

#[tokio::test]
async fn nobody_else_can_see_that_it_exists() {
    let (_place, store) = store().await;
    assert!(store.add_draft(&draft("ann")).await.unwrap());
    assert!(!store.add_draft(&Draft { owner: "bob".to_owned(), ..draft("ann") }).await.unwrap());
    assert_eq!(store.draft_of("ann", "drf_ann").await.unwrap(), Some(draft("ann")));
    assert_eq!(store.draft_of("bob", "drf_ann").await.unwrap(), None);
    assert_eq!(store.draft_of("ann' OR '1'='1", "drf_ann").await.unwrap(), None);
    assert!(!store.remove_draft("bob", "drf_ann").await.unwrap());
    assert_eq!(store.count_drafts("ann").await.unwrap(), 1);

    let one = submission("k", 1);
    assert!(add(&store, &one).await);
    assert!(!add(&store, &submission("k", 2)).await, "the same key is the same submission");
    assert_eq!(store.submission_of("ann", &one.id).await.unwrap(), Some(one.clone()));
    assert_eq!(store.submission_of("bob", &one.id).await.unwrap(), None);
    assert!(store.remove_draft("ann", "drf_ann").await.unwrap());
}

#[tokio::test]
async fn lists_go_on_where_they_ended() {
    let (_place, store) = store().await;
    for (key, now) in [("a", 1), ("b", 2), ("c", 2), ("d", 3)] {
        add(&store, &submission(key, now)).await;
    }
    let first = store.submissions_of("ann", None, 2).await.unwrap();
    let last = first.last().unwrap();
    let second = store.submissions_of("ann", Some((last.created_at, &last.id)), 9).await.unwrap();
    let jobs: std::collections::BTreeSet<_> = first.iter().chain(&second).map(|one| one.job.clone()).collect();
    assert_eq!((first.len(), second.len(), jobs.len()), (2, 2, 4));
    assert!(store.submissions_of("bob", None, 9).await.unwrap().is_empty());
}

#[tokio::test]
async fn it_ends_once() {
    let (_place, store) = store().await;
    let one = submission("k", 1);
    add(&store, &one).await;
    let mut writing = store.begin().await.unwrap();
    assert!(writing.plan_submission(&one.id, b"plan", at(2)).await.unwrap());
    assert!(writing.end_submission(&one.id, SubmissionState::Cleared, b"first", at(3)).await.unwrap());
    assert!(!writing.end_submission(&one.id, SubmissionState::Stopped, b"second", at(4)).await.unwrap());
    assert!(!writing.plan_submission(&one.id, b"again", at(4)).await.unwrap());
    writing.commit(at(4)).await.unwrap();
    let read = store.submission(&one.id).await.unwrap().unwrap();
    assert_eq!(
        (read.state, read.plan.as_slice(), read.result.as_slice()),
        (SubmissionState::Cleared, &b"plan"[..], &b"first"[..])
    );
    assert!(read.state.is_final());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn events_are_counted_without_gaps_by_many_writers() {
    let place = Place::new();
    let store = place.open().await;
    let (one, other) = (submission("k", 1), submission("l", 1));
    add(&store, &one).await;
    add(&store, &other).await;
    let writers = (0..8).map(|writer| {
        let (store, one, other) = (store.clone(), one.clone(), other.clone());
        tokio::spawn(async move {
            for round in 0..5 {
                let mut writing = store.begin().await.unwrap();
                let awaited = JobId::named(&format!("job_{writer}"));
                let told = BTreeMap::from([(awaited.clone(), ("package", format!("{writer} {round}").into_bytes()))]);
                // Both submissions wait for it, named in either order.
                let mut waiters = vec![(one.job.clone(), awaited.clone()), (other.job.clone(), awaited)];
                if writer % 2 == 0 {
                    waiters.reverse();
                }
                writing.tell_waiters(&waiters, &told, at(5)).await.unwrap();
                writing.commit(at(5)).await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    for id in [&one.id, &other.id] {
        let events = store.events(id, 0, 100).await.unwrap();
        assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), (1..=40).collect::<Vec<_>>());
        assert_eq!(store.events(id, 38, 100).await.unwrap().len(), 2);
        assert_eq!(store.submission(id).await.unwrap().unwrap().events, 40);
    }
}

fn sealed(submission: &str, name: &str, at_millis: i64) -> SealedSubmission {
    sealed_as(submission, name, at_millis, |_| ())
}

fn sealed_as(
    submission: &str,
    name: &str,
    at_millis: i64,
    change: impl FnOnce(&mut sigma_certificate::SubmissionPayload),
) -> SealedSubmission {
    use sigma_certificate::{
        EndpointReview, ManifestBlock, Review, Safety, SourceBlock, SourceType, SubmissionPayload,
    };
    use sigma_core::{CouncilVerdict, SecurityLevel, Sha256, SubmissionCategory};
    let mut payload = SubmissionPayload {
        certificate_schema_version: 2,
        category: SubmissionCategory::SkillApi,
        skill_name: name.to_owned(),
        skill_version: None,
        council_verdict: CouncilVerdict::Approved,
        certified_at: at(at_millis),
        source: SourceBlock {
            source_type: SourceType::Git,
            source_url: "https://github.com/example/skills".to_owned(),
            source_ref: "main".to_owned(),
            commit: "0".repeat(40),
            folder: name.to_owned(),
            entry: None,
        },
        review: Review {
            security_level: SecurityLevel::Clear,
            retained_errors: vec![],
            retained_warnings: vec![],
            sandbox_risk_level: None,
            sandbox_analyzed_at: None,
        },
        manifest: Some(ManifestBlock {
            sha256: Sha256::of(b""),
            description: None,
            license: None,
            safety: Safety { network: true, filesystem: false },
            capabilities: vec![],
            external_calls: vec![],
            allowed_tools: vec![],
            problems: vec![],
        }),
        endpoint_review: Some(EndpointReview { declared_endpoints: vec![], observed_urls: vec![] }),
        code_review: None,
        package_analysis: None,
        advisory_note: None,
        round_id: "rnd_x".to_owned(),
        round_type: "two-phase".to_owned(),
        ballots: vec![],
        council_rationale: "both panels found no concern".to_owned(),
        ruleset_version: "test".to_owned(),
        report_hash: Sha256::of(b""),
        supersedes: None,
        disclosures: vec![],
    };
    change(&mut payload);
    SealedSubmission {
        submission: submission.to_owned(),
        certificate: sigma_certificate::SubmissionCertificate::seal(payload).unwrap(),
        dossier: b"{}".to_vec(),
        round: b"{}".to_vec(),
    }
}

async fn insert(store: &Store, one: &SealedSubmission) -> bool {
    let mut writing = store.begin().await.unwrap();
    let added = writing.insert_submission(one).await.unwrap();
    writing.commit(at(0)).await.unwrap();
    added
}

#[tokio::test]
async fn a_submission_has_one_certificate_and_operators_decide_about_it() {
    let (_place, store) = store().await;
    let (one, two) = (sealed("sub_1", "weather_50%", 5), sealed("sub_2", "weatherX50", 6));
    assert!(insert(&store, &one).await && insert(&store, &two).await);
    assert!(!insert(&store, &sealed("sub_1", "other", 7)).await, "the first one stays");
    let id = one.certificate.id();
    let found = store.submission_certificate(id).await.unwrap().unwrap();
    assert_eq!((found.certificate, found.decision), (one.certificate.clone(), None));
    let list = async |text: &str, before| {
        let filter = SubmissionFilter { text: Some(text.to_owned()), before, limit: 10 };
        let found = store.submission_certificates(&filter).await.unwrap();
        assert_eq!(found.searched_to, None, "all were looked at");
        found.items.into_iter().map(|one| one.certificate.payload().skill_name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(list("WEATHER", None).await, ["weatherX50", "weather_50%"]);
    assert_eq!(list("weather_50%", None).await, ["weather_50%"], "what a pattern means is text here");
    assert_eq!(list("skill+api", Some((at(6), two.certificate.id().to_owned()))).await, ["weather_50%"]);
    assert_eq!(list("' OR 1=1 --", None).await, [""; 0]);
    let newest = store.newest_of_source("https://github.com/example/skills", "weatherX50", "").await.unwrap();
    assert_eq!(newest.as_deref(), Some(two.certificate.id()));

    let decision = NewDecision {
        certificate: id.to_owned(),
        action: sigma_certificate::Action::Revoke,
        reason: "it changed its mind".to_owned(),
        operator: "op".to_owned(),
        at: at(9),
    };
    assert!(store.decide(&decision).await.unwrap().is_some());
    let found = store.certificate_of_submission("sub_1").await.unwrap().unwrap();
    assert_eq!(found.decision.unwrap().action, sigma_certificate::Action::Revoke);
}

/// What nothing is like is not looked for in everything: a search goes so far, says how far, and goes on there.
#[tokio::test]
async fn a_search_is_bounded_and_goes_on_where_it_stopped() {
    let (_place, store) = store().await;
    for number in 0..25 {
        let name = if number % 10 == 3 { format!("rare {number}") } else { format!("common {number}") };
        // Several of the same millisecond.
        assert!(insert(&store, &sealed(&format!("sub_{number}"), &name, number / 3)).await);
    }
    let search = async |text: &str, limit, searched| {
        let (mut before, mut found, mut pages) = (None, Vec::new(), 0);
        loop {
            let filter = SubmissionFilter { text: Some(text.to_owned()), before, limit };
            let page = store.submission_certificates_among(&filter, searched).await.unwrap();
            assert!(page.items.len() <= limit as usize);
            let full = page.items.len() == limit as usize;
            assert!(!full || page.searched_to.is_none());
            let last =
                page.items.last().map(|one| (one.certificate.payload().certified_at, one.certificate.id().to_owned()));
            found.extend(page.items.iter().map(|one| one.certificate.payload().skill_name.clone()));
            pages += 1;
            before = if full { last } else { page.searched_to };
            if before.is_none() {
                found.sort();
                return (found, pages);
            }
        }
    };
    let rare = ["rare 13", "rare 23", "rare 3"].map(str::to_owned).to_vec();
    assert_eq!(search("rare", 10, 100).await, (rare.clone(), 1));
    assert_eq!(search("rare", 10, 25).await, (rare.clone(), 1), "exactly all of them");
    assert_eq!(search("rare", 10, 7).await, (rare.clone(), 4));
    assert_eq!(search("rare", 1, 7).await.0, rare);
    assert_eq!(search("nothing", 10, 10).await, (Vec::new(), 3));
    assert_eq!(search("", 10, 10).await.0.len(), 25);
}

/// What else is certified, how much of it and under whichever name, takes no place from skills that stand.
#[tokio::test]
async fn the_newest_certificate_of_each_skill_stands_or_does_not() {
    use sigma_core::SecurityLevel;
    let (_place, store) = store().await;
    let blocked = |name: &str, at| {
        sealed_as(&format!("sub_{name}_{at}"), name, at, |payload| {
            payload.review.security_level = SecurityLevel::Blocked;
        })
    };
    let (old, new) = (sealed("sub_1", "weather", 1), sealed("sub_2", "weather", 2));
    for one in [&old, &new, &sealed("sub_3", "turned", 3), &blocked("turned", 4), &blocked("skill", 5)] {
        assert!(insert(&store, one).await);
    }
    let skills = async |most| {
        let found = store.certified_skills(most).await.unwrap();
        found.iter().map(|one| one.certificate.id().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(skills(1).await, [new.certificate.id()]);
    let decide = async |action| {
        let (reason, operator) = ("seen".to_owned(), "op".to_owned());
        let decision =
            NewDecision { certificate: new.certificate.id().to_owned(), action, reason, operator, at: at(9) };
        assert!(store.decide(&decision).await.unwrap().is_some());
    };
    decide(sigma_certificate::Action::Revoke).await;
    assert_eq!(skills(9).await, [""; 0], "the one that it replaced does not come back");
    decide(sigma_certificate::Action::Override(SecurityLevel::Caution)).await;
    assert_eq!(skills(9).await, [new.certificate.id()]);
}

#[tokio::test]
async fn an_escalated_submission_waits_for_an_operator() {
    let (_place, store) = store().await;
    let one = submission("k", 1);
    add(&store, &one).await;
    let mut writing = store.begin().await.unwrap();
    assert!(!writing.review_submission(&one.id, at(2)).await.unwrap(), "its packages come first");
    assert!(writing.plan_submission(&one.id, b"{}", at(2)).await.unwrap());
    assert!(writing.review_submission(&one.id, at(3)).await.unwrap());
    assert!(!writing.settle_submission(&one.id, b"{}", at(4)).await.unwrap());
    let round = SubmissionEscalation {
        submission: one.id.clone(),
        escalated_at: at(4),
        dossier: b"{\"a\":1}".to_vec(),
        round: b"{}".to_vec(),
    };
    writing.escalate_submission(&round).await.unwrap();
    assert!(writing.end_submission(&one.id, SubmissionState::Escalated, b"{}", at(4)).await.unwrap());
    writing.commit(at(4)).await.unwrap();
    assert_eq!(store.submission_escalation(&one.id).await.unwrap(), Some(round));
    let mut writing = store.begin().await.unwrap();
    assert!(writing.settle_submission(&one.id, b"{}", at(5)).await.unwrap());
    assert!(!writing.settle_submission(&one.id, b"{}", at(6)).await.unwrap());
    assert!(writing.announce_submission(&one.id, SubmissionState::Rejected, at(6)).await.unwrap());
    assert!(!writing.announce_submission(&one.id, SubmissionState::Certified, at(7)).await.unwrap());
    writing.commit(at(6)).await.unwrap();
    assert_eq!(store.submission(&one.id).await.unwrap().unwrap().state, SubmissionState::Rejected);
}
