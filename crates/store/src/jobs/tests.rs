//! What the queue promises, on a fresh database each.

use std::collections::BTreeSet;
use std::time::Duration;

use sigma_core::Timestamp;

use crate::tests::{Place, sealed, store};
use crate::*;

const LEASE: Duration = Duration::from_secs(60);

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_776_248_621_000 + millis)
}

fn job(key: &str) -> NewJob {
    NewJob {
        kind: "test",
        class: "pypi".to_owned(),
        key: key.to_owned(),
        priority: 0,
        payload: key.as_bytes().to_vec(),
        max_attempts: 3,
        due_at: at(0),
    }
}

fn class(name: &str, limit: Option<usize>) -> Class {
    Class { name: name.to_owned(), limit }
}

async fn claim(store: &Store, most: usize, now: Timestamp) -> Vec<Leased> {
    let classes = [class("pypi", None)];
    store.claim_jobs(&Claiming { worker: "w", classes: &classes, most, now, lease: LEASE }).await.unwrap()
}

async fn settle(store: &Store, leased: &Leased, settle: Settle, now: Timestamp) -> bool {
    let mut writing = store.begin().await.unwrap();
    let ack = Ack { lease: leased.lease.clone(), settle };
    let answer = writing.acknowledge(&[ack], now).await.unwrap();
    writing.commit(now).await.unwrap();
    answer.accepted.contains(&leased.lease.job)
}

fn done() -> Settle {
    Settle::Done { outcome: b"{}".to_vec() }
}

async fn state(store: &Store, key: &str) -> JobState {
    store.job(&JobId::of_key(key)).await.unwrap().unwrap().state
}

#[tokio::test]
async fn the_same_key_is_the_same_job() {
    let (_place, store) = store().await;
    let enqueued = store.enqueue(&[job("b"), job("a"), job("b")], at(0)).await.unwrap();
    assert_eq!(enqueued.iter().map(|one| one.opened.is_some()).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(enqueued[0].id, enqueued[2].id);
    assert!(store.enqueue(&[job("a")], at(1)).await.unwrap()[0].opened.is_none());

    let leased = claim(&store, 10, at(2)).await;
    let payloads: BTreeSet<_> = leased.iter().map(|one| one.payload.clone()).collect();
    assert_eq!(payloads, BTreeSet::from([b"a".to_vec(), b"b".to_vec()]));
    assert!(store.enqueue(&[job("a")], at(3)).await.unwrap()[0].opened.is_none(), "somebody works on it");
    for one in &leased {
        assert!(settle(&store, one, done(), at(4)).await);
    }
    assert!(claim(&store, 10, at(5)).await.is_empty());
    assert!(store.enqueue(&[job("a")], at(6)).await.unwrap()[0].opened.is_some(), "asked for again");
    assert_eq!(claim(&store, 10, at(7)).await.len(), 1);
}

#[tokio::test]
async fn too_large_a_payload_is_refused() {
    let (_place, store) = store().await;
    let large = NewJob { payload: vec![b' '; MAX_PAYLOAD + 1], ..job("a") };
    let error = store.enqueue(&[large], at(0)).await.unwrap_err().to_string();
    assert_eq!(error, "a job is too large: got 4194305 bytes, expected at most 4194304");
}

#[tokio::test]
async fn urgent_jobs_go_first_and_none_before_its_time() {
    let (_place, store) = store().await;
    let jobs = [
        NewJob { priority: 5, due_at: at(20), ..job("urgent, later") },
        NewJob { due_at: at(1), ..job("second") },
        NewJob { due_at: at(0), ..job("first") },
        NewJob { priority: 5, due_at: at(9), ..job("urgent") },
    ];
    store.enqueue(&jobs, at(0)).await.unwrap();
    let mut order = Vec::new();
    for _ in 0..3 {
        order.extend(claim(&store, 1, at(10)).await.into_iter().map(|one| String::from_utf8(one.payload).unwrap()));
    }
    assert_eq!(order, ["urgent", "first", "second"]);
    assert!(claim(&store, 1, at(10)).await.is_empty());
    assert_eq!(claim(&store, 1, at(20)).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_job_is_handed_to_two_workers() {
    let place = Place::new();
    let store = place.open().await;
    let jobs: Vec<NewJob> = (0..200).map(|index| job(&format!("job {index}"))).collect();
    store.enqueue(&jobs, at(0)).await.unwrap();
    let mut workers = Vec::new();
    for _ in 0..4 {
        // A store of its own: other connections, as in another process.
        let store = place.open().await;
        workers.push(tokio::spawn(async move {
            let mut mine = Vec::new();
            loop {
                let leased = claim(&store, 7, at(1)).await;
                if leased.is_empty() {
                    return mine;
                }
                let acks: Vec<Ack> =
                    leased.iter().map(|one| Ack { lease: one.lease.clone(), settle: done() }).collect();
                let mut writing = store.begin().await.unwrap();
                assert_eq!(writing.acknowledge(&acks, at(2)).await.unwrap().accepted.len(), leased.len());
                writing.commit(at(2)).await.unwrap();
                mine.extend(leased.into_iter().map(|one| one.lease.job));
            }
        }));
    }
    let mut all = Vec::new();
    for worker in workers {
        all.extend(worker.await.unwrap());
    }
    assert_eq!(all.len(), 200);
    assert_eq!(all.into_iter().collect::<BTreeSet<_>>().len(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_limit_holds_over_all_workers() {
    let place = Place::new();
    let store = place.open().await;
    let jobs: Vec<NewJob> = (0..40).map(|index| job(&format!("job {index}"))).collect();
    store.enqueue(&jobs, at(0)).await.unwrap();
    store.enqueue(&[NewJob { class: "npm".to_owned(), ..job("other") }], at(0)).await.unwrap();
    let mut workers = Vec::new();
    for number in 0..4 {
        let store = place.open().await;
        workers.push(tokio::spawn(async move {
            let mut classes = [class("pypi", Some(5)), class("npm", Some(5))];
            // Each in an order of its own.
            classes.rotate_left(number % 2);
            let claiming = Claiming { worker: "w", classes: &classes, most: 3, now: at(1), lease: LEASE };
            store.claim_jobs(&claiming).await.unwrap()
        }));
    }
    let mut leased = Vec::new();
    for worker in workers {
        leased.extend(worker.await.unwrap());
    }
    let of = |class: &str| leased.iter().filter(|one| one.class == class).count();
    assert_eq!((of("pypi"), of("npm")), (5, 1));
    assert!(settle(&store, leased.iter().find(|one| one.class == "pypi").unwrap(), done(), at(2)).await);
    let classes = [class("pypi", Some(5))];
    let claiming = Claiming { worker: "w", classes: &classes, most: 9, now: at(3), lease: LEASE };
    assert_eq!(store.claim_jobs(&claiming).await.unwrap().len(), 1, "one ended, one begins");
    let claiming = Claiming { now: at(90_000), ..claiming };
    assert_eq!(store.claim_jobs(&claiming).await.unwrap().len(), 5, "leases that ran out count no longer");
}

#[tokio::test]
async fn whoever_comes_late_changes_nothing() {
    let (_place, store) = store().await;
    store.enqueue(&[job("a")], at(0)).await.unwrap();
    let late = claim(&store, 1, at(0)).await.remove(0);
    assert!(claim(&store, 1, at(59_999)).await.is_empty(), "the lease holds");
    let kept = store.extend_leases(std::slice::from_ref(&late.lease), at(50_000), LEASE).await.unwrap();
    assert!(kept.contains(&late.lease));
    assert!(claim(&store, 1, at(60_001)).await.is_empty(), "a heartbeat kept it");

    let second = claim(&store, 1, at(110_000)).await.remove(0);
    assert_eq!((second.attempt, second.is_exhausted()), (2, false));
    assert!(store.extend_leases(std::slice::from_ref(&late.lease), at(110_001), LEASE).await.unwrap().is_empty());

    // The effect and the acknowledgement are one transaction: an effect whose acknowledgement does not count is not written.
    let effect = sealed("pypi:demo@1.0", b"bytes", "r1", 1);
    for (leased, counts) in [(&late, false), (&second, true), (&second, false)] {
        let mut writing = store.begin().await.unwrap();
        let ack = Ack { lease: leased.lease.clone(), settle: done() };
        let accepted = !writing.acknowledge(&[ack], at(110_002)).await.unwrap().accepted.is_empty();
        if accepted {
            writing.insert(&effect).await.unwrap();
        }
        writing.commit(at(110_002)).await.unwrap();
        assert_eq!(accepted, counts);
    }
    assert_eq!(state(&store, "a").await, JobState::Done);
}

#[tokio::test]
async fn an_effect_without_its_commit_is_not_there() {
    let (_place, store) = store().await;
    store.enqueue(&[job("a")], at(0)).await.unwrap();
    let leased = claim(&store, 1, at(0)).await.remove(0);
    let effect = sealed("pypi:demo@1.0", b"bytes", "r1", 1);
    let mut writing = store.begin().await.unwrap();
    writing.acknowledge(&[Ack { lease: leased.lease.clone(), settle: done() }], at(1)).await.unwrap();
    writing.insert(&effect).await.unwrap();
    drop(writing);
    assert!(store.certificate(effect.certificate.id()).await.unwrap().is_none());
    assert_eq!(state(&store, "a").await, JobState::Leased);
}

#[tokio::test]
async fn failures_back_off_and_end_as_dead_letters() {
    let (_place, store) = store().await;
    store.enqueue(&[job("a")], at(0)).await.unwrap();
    let mut now = at(0);
    for attempt in 1..=2 {
        let leased = claim(&store, 1, now).await.remove(0);
        assert_eq!(leased.attempt, attempt);
        let retry = Settle::Retry { at: at(i64::from(attempt) * 10_000), error: format!("error\u{7} {attempt}") };
        assert!(settle(&store, &leased, retry, now).await);
        now = at(i64::from(attempt) * 10_000);
        assert!(claim(&store, 1, Timestamp::from_millis(now.as_millis() - 1)).await.is_empty());
    }
    let leased = claim(&store, 1, now).await.remove(0);
    assert!(settle(&store, &leased, Settle::Dead { error: "the end".to_owned() }, now).await);
    assert!(claim(&store, 1, at(9_000_000)).await.is_empty());
    let dead = store.jobs(JobState::Dead, None, 10).await.unwrap();
    assert_eq!((dead.len(), dead[0].last_error.as_str(), dead[0].attempts), (1, "the end", 3));
    let counts: Vec<_> =
        store.job_counts().await.unwrap().into_iter().map(|one| (one.class, one.state, one.jobs)).collect();
    assert_eq!(counts, [("pypi".to_owned(), JobState::Dead, 1)]);
    assert!(store.enqueue(&[job("a")], now).await.unwrap()[0].opened.is_none(), "an operator's matter");

    let id = JobId::of_key("a");
    assert!(store.retry_job(&id, "ann", "the mirror is back", at(40_000)).await.unwrap());
    assert!(!store.retry_job(&id, "ann", "twice", at(40_000)).await.unwrap());
    let again = claim(&store, 1, at(40_000)).await.remove(0);
    assert_eq!(again.attempt, 1);
    assert!(!settle(&store, &leased, done(), at(40_001)).await, "a lease from before does not count");
}

#[tokio::test]
async fn a_job_whose_workers_die_without_a_word_is_given_up() {
    let (_place, store) = store().await;
    store.enqueue(&[job("a")], at(0)).await.unwrap();
    for attempt in 1..=4_u32 {
        let leased = claim(&store, 1, at(i64::from(attempt) * 100_000)).await.remove(0);
        assert_eq!(leased.is_exhausted(), attempt == 4);
    }
}

#[tokio::test]
async fn given_back_and_waiting_jobs_use_up_no_attempt() {
    let (_place, store) = store().await;
    store.enqueue(&[job("a")], at(0)).await.unwrap();
    for _ in 0..5 {
        let leased = claim(&store, 1, at(1)).await.remove(0);
        assert_eq!(leased.attempt, 1);
        assert!(settle(&store, &leased, Settle::GiveBack, at(1)).await);
    }
    let leased = claim(&store, 1, at(1)).await.remove(0);
    assert!(settle(&store, &leased, Settle::Wait { until: at(5_000) }, at(1)).await);
    assert!(claim(&store, 1, at(4_999)).await.is_empty());
    assert_eq!(claim(&store, 1, at(5_000)).await.remove(0).attempt, 1);
}

#[tokio::test]
async fn who_does_not_answer_uses_up_no_attempt_and_is_told() {
    let (_place, store) = store().await;
    store.enqueue(&[NewJob { priority: 9, ..job("waiter") }, job("a"), job("b")], at(0)).await.unwrap();
    let waiter = claim(&store, 1, at(0)).await.remove(0);
    let mut writing = store.begin().await.unwrap();
    let ack = Ack { lease: waiter.lease.clone(), settle: Settle::Wait { until: at(3_000_000) } };
    writing.acknowledge(&[ack], at(0)).await.unwrap();
    writing.wait_for(&waiter.lease.job, &[JobId::of_key("a"), JobId::of_key("b")]).await.unwrap();
    writing.commit(at(0)).await.unwrap();
    assert!(store.outages(None).await.unwrap().is_empty());
    let rest = |until: i64| Settle::Rest {
        at: at(until),
        error: "http://mirror.internal refuses".to_owned(),
        outage: "PyPI cannot be reached".to_owned(),
    };
    let told =
        |jobs, next: Option<i64>| Outage { reason: "PyPI cannot be reached".to_owned(), jobs, next_at: next.map(at) };
    for (leased, until) in claim(&store, 9, at(0)).await.iter().zip([4_000, 9_000_000]) {
        assert!(settle(&store, leased, rest(until), at(1_000)).await);
    }
    // No later than in an hour, whatever was asked for.
    assert_eq!(store.outages(None).await.unwrap(), [told(2, Some(4_000))]);
    assert_eq!(
        store.outages(Some(&waiter.lease.job)).await.unwrap(),
        [told(2, Some(4_000))],
        "those that it waits for"
    );
    let leased = claim(&store, 9, at(4_000)).await.remove(0);
    assert_eq!((leased.attempt, leased.rested), (1, 3_000));
    assert_eq!(store.outages(Some(&leased.lease.job)).await.unwrap(), [told(1, None)], "it is running");
    // A failure of its own uses an attempt up and lets the count of rests stand; getting on begins both anew.
    assert!(settle(&store, &leased, Settle::Retry { at: at(4_000), error: "x".to_owned() }, at(4_000)).await);
    assert_eq!(store.outages(Some(&leased.lease.job)).await.unwrap(), []);
    let leased = claim(&store, 1, at(4_000)).await.remove(0);
    assert_eq!((leased.attempt, leased.rested), (2, 3_000));
    assert!(settle(&store, &leased, Settle::Wait { until: at(4_000) }, at(4_000)).await);
    let leased = claim(&store, 1, at(4_000)).await.remove(0);
    assert_eq!((leased.attempt, leased.rested), (2, 0));
    let leased = claim(&store, 9, at(3_700_000)).await.into_iter().find(|one| one.rested > 0).unwrap();
    assert_eq!(leased.rested, MAX_DELAY);
}

#[tokio::test]
async fn whoever_waits_goes_on_when_the_last_one_is_settled() {
    let (_place, store) = store().await;
    store.enqueue(&[NewJob { priority: 9, ..job("waiter") }, job("a"), job("b")], at(0)).await.unwrap();
    let waiter = claim(&store, 1, at(0)).await.remove(0);
    let awaited = [JobId::of_key("a"), JobId::of_key("b"), JobId::of_key("unknown")];
    let mut writing = store.begin().await.unwrap();
    let ack = Ack { lease: waiter.lease.clone(), settle: Settle::Wait { until: at(3_000_000) } };
    writing.acknowledge(&[ack], at(1)).await.unwrap();
    assert_eq!(writing.wait_for(&waiter.lease.job, &awaited).await.unwrap(), 2);
    writing.commit(at(1)).await.unwrap();

    let leased = claim(&store, 9, at(2)).await;
    assert_eq!(leased.len(), 2);
    assert!(settle(&store, &leased[0], Settle::Dead { error: "x".to_owned() }, at(3)).await);
    assert!(claim(&store, 9, at(4)).await.is_empty(), "one is left");
    let mut writing = store.begin().await.unwrap();
    let ack = Ack { lease: leased[1].lease.clone(), settle: done() };
    let answer = writing.acknowledge(&[ack], at(5)).await.unwrap();
    assert_eq!(answer.waiters, [(waiter.lease.job.clone(), leased[1].lease.job.clone())]);
    writing.commit(at(5)).await.unwrap();
    let woken = claim(&store, 9, at(6)).await.remove(0);
    assert_eq!((&woken.lease.job, woken.attempt), (&waiter.lease.job, 1));

    let mut writing = store.begin().await.unwrap();
    let ack = Ack { lease: woken.lease.clone(), settle: Settle::Wait { until: at(3_000_000) } };
    writing.acknowledge(&[ack], at(7)).await.unwrap();
    assert_eq!(writing.wait_for(&woken.lease.job, &awaited).await.unwrap(), 0, "all are settled");
    writing.commit(at(7)).await.unwrap();
    assert_eq!(claim(&store, 9, at(8)).await.len(), 1, "at once");
}

#[tokio::test]
async fn a_clock_that_was_wrong_hides_no_job() {
    let (_place, store) = store().await;
    let year = 365 * 24 * 3_600_000;
    store.enqueue(&[NewJob { due_at: at(year), ..job("a") }, job("b")], at(year)).await.unwrap();
    assert_eq!(claim(&store, 9, at(year)).await.len(), 2, "leased by a worker whose clock is a year ahead");
    assert_eq!(claim(&store, 9, at(0)).await.len(), 2, "and by one whose clock is right");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_who_ask_at_once_get_one_job() {
    let place = Place::new();
    let store = place.open().await;
    let asking = (0..1000).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.enqueue(&[job("a"), job("b")], at(0)).await.unwrap() })
    });
    let mut new = 0;
    for one in asking.collect::<Vec<_>>() {
        new += one.await.unwrap().iter().filter(|one| one.opened.is_some()).count();
    }
    assert_eq!(new, 2);
    assert_eq!(claim(&store, 9, at(0)).await.len(), 2);
    assert!(store.more_open_jobs_than(1).await.unwrap());
    assert!(!store.more_open_jobs_than(2).await.unwrap());
}

#[tokio::test]
async fn done_jobs_are_forgotten_after_a_while() {
    let (_place, store) = store().await;
    store.enqueue(&[job("a"), job("b")], at(0)).await.unwrap();
    let leased = claim(&store, 1, at(1)).await.remove(0);
    assert!(settle(&store, &leased, done(), at(2)).await);
    assert_eq!(store.forget_done_jobs(at(2)).await.unwrap(), 0);
    assert_eq!(store.forget_done_jobs(at(3)).await.unwrap(), 1);
    assert_eq!(store.jobs(JobState::Pending, None, 10).await.unwrap().len(), 1);
}
