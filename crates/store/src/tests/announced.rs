//! Where a store has a log, nobody is told of a certificate before it is logged.

use std::sync::{Arc, Mutex};

use super::*;

#[tokio::test]
async fn what_waits_for_the_log_is_not_read() {
    let (place, store) = store().await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = told.clone();
    let reader =
        store.reader(&place.database, Arc::new(move |change| tell.lock().unwrap().push(change))).await.unwrap();
    let (before, after) = (sealed("pypi:before@1.0", b"before", "r1", 1), sealed("pypi:demo@1.0", b"demo", "r1", 2));
    store.insert(&before).await.unwrap();
    assert!(store.bind_log("sigma.example.org/log", Timestamp::from_millis(2)).await.unwrap());
    assert!(!store.bind_log("sigma.example.org/log", Timestamp::from_millis(3)).await.unwrap());
    let other = store.bind_log("other.example.org/log", Timestamp::from_millis(3)).await.unwrap_err();
    assert!(matches!(other, StoreError::OtherLog { .. }), "{other}");
    store.insert(&after).await.unwrap();
    store.insert(&after).await.unwrap();

    let id = after.certificate.id();
    let package: PackageId = "pypi:demo@1.0".parse().unwrap();
    let public = async || {
        let filter = |level| Filter { level, ..Filter::default() };
        let names: Vec<_> = ["demo".to_owned(), "before".to_owned()].into();
        [
            reader.package(&package).await.unwrap().is_some(),
            reader.packages(std::slice::from_ref(&package)).await.unwrap()[0].is_some(),
            store.page(&filter(None), None, 9).await.unwrap().len() == 2,
            store.page(&filter(Some(SecurityLevel::Blocked)), None, 9).await.unwrap().len() == 1,
            store.concerns(package.name(), "", 9).await.unwrap().len() == 1,
            store.covering(Sha256::of(b"demo"), 9).await.unwrap().len() == 1,
            store.stands(id).await.unwrap().is_some(),
            store.names(Ecosystem::Pypi, "d", "", 9).await.unwrap().len() == 1,
            store.certified_names(Ecosystem::Pypi, &names).await.unwrap().contains("before"),
        ]
    };
    // An operator's decision stands at once for whoever sees it; it announces nothing.
    store.decide(&decide(id, Action::Block, 3)).await.unwrap().unwrap();
    let only_the_older_one = [false, false, false, false, false, false, false, false, true];
    assert_eq!(public().await, only_the_older_one);
    assert_eq!((store.unannounced().await.unwrap(), store.certified_packages().await.unwrap()), (1, 1));
    // Audits use it, so that nothing is audited twice.
    assert_eq!(store.certificates_of(&package).await.unwrap().len(), 1);

    let ids = |found: &[AnyCertificate]| found.iter().map(|one| one.id().to_owned()).collect::<Vec<_>>();
    assert_eq!(ids(&store.unattested(9).await.unwrap()), [id], "what waits");
    let both = store.older_than_log(9).await.unwrap().unwrap();
    assert_eq!(both.len(), 2, "and what is older than the log: {both:?}");
    assert_eq!(store.older_than_log(1).await.unwrap().unwrap().len(), 1, "nothing was done about them");
    store.keep_envelopes(&[(id.to_owned(), b"{}".to_vec())]).await.unwrap();
    assert_eq!(public().await, only_the_older_one, "signed is not logged");
    assert_eq!(store.unattested(9).await.unwrap().len(), 0);
    assert_eq!(ids(&store.older_than_log(9).await.unwrap().unwrap()), [before.certificate.id()]);
    assert_eq!(store.pending_attestations(9).await.unwrap().len(), 1);
    reader.fresh();
    told.lock().unwrap().clear();
    let logged = LoggedAt { index: 0, at: Timestamp::from_millis(4), promise: vec![1] };
    store.note_logged(&[(id.to_owned(), logged)]).await.unwrap();
    assert_eq!(public().await, [true; 9]);
    assert_eq!(store.unannounced().await.unwrap(), 0);
    // Whoever keeps answers hears of it: on PostgreSQL within milliseconds, here asked for.
    for _ in 0..200 {
        reader.fresh();
        if !told.lock().unwrap().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(told.lock().unwrap().iter().all(|change| *change == Change::Package(package.clone())), "{told:?}");
    assert!(!told.lock().unwrap().is_empty());
}

/// What is older than the log is looked through once, a part at a time; what is sealed meanwhile waits for the log by itself.
#[tokio::test]
async fn what_is_older_than_the_log_is_looked_through_once() {
    let (_place, store) = store().await;
    assert_eq!(store.older_than_log(9).await.unwrap(), None, "there is no log");
    let mut older: Vec<String> = Vec::new();
    for number in 0..5_u8 {
        let one = sealed(&format!("pypi:older{number}@1.0"), &[number], "r1", i64::from(number));
        store.insert(&one).await.unwrap();
        older.push(one.certificate.id().to_owned());
    }
    older.sort();
    store.bind_log("sigma.example.org/log", Timestamp::from_millis(9)).await.unwrap();
    let attest = async |ids: &[String]| {
        let envelopes: Vec<_> = ids.iter().map(|id| (id.clone(), b"{}".to_vec())).collect();
        store.keep_envelopes(&envelopes).await.unwrap();
    };
    let (mut found, mut steps) = (Vec::new(), 0);
    while let Some(step) = store.older_than_log(2).await.unwrap() {
        let ids: Vec<String> = step.iter().map(|one| one.id().to_owned()).collect();
        assert!(ids.len() <= 2, "{ids:?}");
        attest(&ids).await;
        found.extend(ids);
        steps += 1;
        assert!(steps < 20, "it ends");
    }
    assert_eq!(found, older);
    let newer = sealed("pypi:newer@1.0", b"newer", "r1", 9);
    store.insert(&newer).await.unwrap();
    assert_eq!(store.older_than_log(9).await.unwrap(), None, "once");
    assert_eq!(store.unattested(9).await.unwrap()[0].id(), newer.certificate.id());
}
