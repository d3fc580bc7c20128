//! One holder at a time, whatever clocks and processes do.

use std::time::Duration;

use sigma_core::Timestamp;

use super::store;

const LASTS: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_lease_has_one_holder_until_it_ends() {
    let (place, store) = store().await;
    let other = place.open().await;
    let take = async |holder: &str, at: i64| {
        let store = if holder == "a" { &store } else { &other };
        store.take_lease("log", holder, Timestamp::from_millis(at), LASTS).await.unwrap()
    };
    assert!(take("a", 0).await, "it is free");
    assert!(!take("b", 29_999).await, "it lasts");
    assert!(take("a", 20_000).await, "its holder extends it");
    assert!(!take("b", 30_000).await, "it was extended");
    assert!(take("b", 50_000).await, "it has ended");
    assert!(!take("a", 50_001).await, "and has a new holder");
    store.release_lease("log", "a").await.unwrap();
    assert!(!take("a", 50_002).await, "what others hold cannot be given back");
    other.release_lease("log", "b").await.unwrap();
    assert!(take("a", 50_003).await, "what was given back is free");
    assert!(store.take_lease("chain", "b", Timestamp::from_millis(50_003), LASTS).await.unwrap(), "names are apart");
}

#[tokio::test]
async fn a_clock_that_was_wrong_does_not_keep_everybody_out() {
    let (_place, store) = store().await;
    let year = 365 * 24 * 3_600_000;
    assert!(store.take_lease("log", "a", Timestamp::from_millis(year), LASTS).await.unwrap());
    assert!(store.take_lease("log", "b", Timestamp::from_millis(0), LASTS).await.unwrap());
    let long = Duration::from_secs(u64::MAX);
    assert!(store.take_lease("other", "a", Timestamp::from_millis(0), long).await.unwrap());
    assert!(store.take_lease("other", "b", Timestamp::from_millis(3_600_000), LASTS).await.unwrap(), "an hour at most");
}

#[tokio::test]
async fn of_many_who_ask_at_once_one_gets_it() {
    let (place, store) = store().await;
    let other = place.open().await;
    let asking = (0..10).map(|holder| {
        let store = if holder % 2 == 0 { store.clone() } else { other.clone() };
        async move { store.take_lease("log", &holder.to_string(), Timestamp::from_millis(0), LASTS).await.unwrap() }
    });
    let got = futures::future::join_all(asking).await;
    assert_eq!(got.iter().filter(|got| **got).count(), 1);
}
