//! One holder at a time, whatever processes, connections and machines do.

use std::time::Duration;

use sigma_core::PackageId;

use super::store;
use crate::{Claim, Database, Duty, Store};

/// A database server notices in its own time that a connection is gone.
async fn becomes(store: &Store, duty: Duty) -> Claim {
    for _ in 0..500 {
        if let Some(claim) = store.try_claim(duty).await.unwrap() {
            return claim;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the claim did not end with its holder");
}

#[tokio::test]
async fn a_duty_has_one_holder_until_it_ends() {
    let (place, store) = store().await;
    let other = place.open().await;
    let mut claim = store.try_claim(Duty::Log).await.unwrap().expect("it is free");
    assert!(other.try_claim(Duty::Log).await.unwrap().is_none());
    assert!(store.try_claim(Duty::Log).await.unwrap().is_none(), "not even for the same process");
    assert!(claim.is_held().await);
    drop(claim);
    let _other = becomes(&other, Duty::Log).await;
    assert!(store.try_claim(Duty::Log).await.unwrap().is_none(), "and has a new holder");
}

#[tokio::test]
async fn duties_are_apart() {
    let (place, store) = store().await;
    let other = place.open().await;
    let _held = (
        store.try_claim(Duty::Log).await.unwrap().unwrap(),
        other.try_claim(Duty::Chain(143)).await.unwrap().unwrap(),
        store.try_claim(Duty::Chain(1)).await.unwrap().unwrap(),
    );
    assert!(store.try_claim(Duty::Chain(143)).await.unwrap().is_none());
}

#[tokio::test]
async fn of_many_who_ask_at_once_one_gets_it() {
    let (place, store) = store().await;
    let other = place.open().await;
    let asking = (0..10).map(|number| {
        let store = if number % 2 == 0 { store.clone() } else { other.clone() };
        async move { store.try_claim(Duty::Chain(143)).await.unwrap() }
    });
    let got = futures::future::join_all(asking).await;
    assert_eq!(got.iter().filter(|got| got.is_some()).count(), 1);
}

/// Its machine is gone, or the server began anew: the holder knows, and another one is elected.
#[tokio::test]
async fn a_connection_that_is_lost_is_noticed() {
    let (place, store) = store().await;
    if place.database == Database::Embedded {
        // There, the lock is of a file, and ends with the process alone: `a_process_that_is_killed_anywhere_commits_once`.
        return;
    }
    let mut claim = store.try_claim(Duty::Log).await.unwrap().unwrap();
    // By its number: other locks of the database, such as that of migrations, are no matter here.
    let own = sqlx::query_scalar::<_, String>(
        "SELECT CAST(pg_terminate_backend(pid) AS TEXT) FROM pg_locks WHERE locktype = 'advisory' AND granted
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
         AND ((CAST(classid AS BIGINT) << 32) | CAST(objid AS BIGINT)) = $1",
    )
    .bind(crate::claims::number("log"));
    assert_eq!(own.fetch_all(&store.database.pool).await.unwrap(), ["true"]);
    assert!(!claim.is_held().await);
    drop(becomes(&store, Duty::Log).await);
}

/// Opening a connection for each claim is what would bound the audits of a second.
#[tokio::test]
async fn a_connection_serves_one_claim_after_the_other() {
    let (place, store) = store().await;
    if place.database == Database::Embedded {
        return;
    }
    let package: PackageId = "npm:demo@1.0.0".parse().unwrap();
    let server_process = || async {
        sqlx::query_scalar::<_, i32>(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = (SELECT oid
             FROM pg_database WHERE datname = current_database())",
        )
        .fetch_all(&store.database.pool)
        .await
        .unwrap()
    };
    // That of the migration comes back in its own time.
    waits(&store, 1).await;
    let claim = store.claim(&package).await.unwrap();
    let first = server_process().await;
    drop(claim);
    waits(&store, 1).await;
    assert_eq!(server_process().await, [0_i32; 0], "a connection that waits holds nothing");
    let claim = store.claim(&package).await.unwrap();
    assert_eq!(server_process().await, first);
    assert!(store.try_claim(Duty::Log).await.unwrap().is_some());
    drop(claim);
    waits(&store, 2).await;

    // The server closed them meanwhile: the next claim has one of its own.
    sqlx::query(
        "SELECT CAST(pg_terminate_backend(pid) AS TEXT) FROM pg_stat_activity WHERE datname = current_database()
         AND pid <> pg_backend_pid() AND query LIKE '%advisory_unlock%'",
    )
    .execute(&store.database.pool)
    .await
    .unwrap();
    let mut claim = store.claim(&package).await.unwrap();
    assert!(claim.is_held().await);
    assert_ne!(server_process().await, first);
}

async fn waits(store: &Store, connections: usize) {
    for _ in 0..500 {
        if store.database.waiting.len() == connections {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("got {} connections that wait, expected {connections}", store.database.waiting.len());
}
