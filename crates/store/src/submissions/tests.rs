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
