//! What is put on a chain: one thing at a time, kept before it is sent, found again by what it covers.

use sigma_certificate::Action;
use sigma_core::Timestamp;

use super::{decide, sealed, store};
use crate::*;

fn target(contract: u8) -> AnchorTarget {
    AnchorTarget { chain_id: 143, contract: format!("0x{}", format!("{contract:02x}").repeat(20)) }
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn signed(nonce: u64, attempt: u64, hash: &str) -> AnchorTransaction {
    AnchorTransaction {
        sender: "0xme".to_owned(),
        nonce,
        attempt,
        hash: hash.to_owned(),
        raw: vec![2, 3],
        max_fee: 100,
        tip: 1,
        signed_at: at(5),
    }
}

#[tokio::test]
async fn one_anchor_of_a_chain_is_open_at_a_time() {
    let (place, store) = store().await;
    let other = place.open().await;
    assert!(store.begin_root(&target(1), 10, "0xaa", at(1)).await.unwrap());
    assert!(!other.begin_root(&target(1), 20, "0xbb", at(2)).await.unwrap(), "one is open");
    assert!(
        !other.begin_root(&target(2), 20, "0xbb", at(2)).await.unwrap(),
        "of another contract, too: the account is the same"
    );
    let elsewhere = AnchorTarget { chain_id: 1, ..target(1) };
    assert!(other.begin_root(&elsewhere, 20, "0xbb", at(2)).await.unwrap(), "another chain is another account");
    store.move_root(1, 15, "0xcc", at(3)).await.unwrap();
    store.move_root(1, 12, "0xdd", at(3)).await.unwrap();
    let open = other.open_anchor(143).await.unwrap().unwrap();
    assert_eq!((open.seq, &open.kind), (1, &AnchorKind::Root { size: 15, root: "0xcc".to_owned() }), "it only grows");

    assert!(store.keep_transaction(143, 1, &signed(4, 0, "0x01")).await.unwrap());
    assert!(!other.keep_transaction(143, 1, &signed(4, 0, "0x02")).await.unwrap(), "that nonce is taken");
    assert!(other.keep_transaction(143, 1, &signed(4, 1, "0x03")).await.unwrap(), "a replacement");
    store.move_root(1, 99, "0xdd", at(3)).await.unwrap();
    let open = store.open_anchor(143).await.unwrap().unwrap();
    assert_eq!((open.state, open.kind), (AnchorState::Sent, AnchorKind::Root { size: 15, root: "0xcc".to_owned() }));
    assert_eq!(store.transactions_of(1).await.unwrap(), [signed(4, 0, "0x01"), signed(4, 1, "0x03")]);
    assert_eq!(store.newest_transaction(143, "0xme", 4).await.unwrap(), Some(signed(4, 1, "0x03")));
    assert_eq!(store.next_nonce(143, "0xme").await.unwrap(), 0, "nothing is known to be used up");

    store.explain_anchor(1, "waits", at(6)).await.unwrap();
    assert_eq!(store.open_anchor(143).await.unwrap().unwrap().reason, "waits");
    store.finish_anchor(1, "0x03", 77, at(70), at(7)).await.unwrap();
    store.finish_anchor(1, "0x01", 78, at(71), at(8)).await.unwrap();
    store.explain_anchor(1, "too late", at(9)).await.unwrap();
    assert!(!store.keep_transaction(143, 1, &signed(5, 0, "0x04")).await.unwrap(), "it is final");
    assert_eq!(store.open_anchor(143).await.unwrap(), None);
    let done = store.newest_root(&target(1)).await.unwrap().unwrap();
    assert_eq!(
        (done.state, done.transaction.as_str(), done.block, done.block_at),
        (AnchorState::Final, "0x03", 77, at(70))
    );
    assert_eq!(done.reason, "");
    assert_eq!(store.next_nonce(143, "0xme").await.unwrap(), 5);
    assert!(!store.begin_root(&target(1), 15, "0xcc", at(9)).await.unwrap(), "that size is there");
    assert_eq!(store.anchors(10).await.unwrap().iter().map(|one| one.seq).collect::<Vec<_>>(), [2, 1]);
}

#[tokio::test]
async fn of_many_who_begin_at_once_one_does() {
    let (place, store) = store().await;
    let other = place.open().await;
    let beginning = (0..8_u64).map(|n| {
        let store = if n % 2 == 0 { store.clone() } else { other.clone() };
        async move { store.begin_root(&target(1), 10 + n, "0xaa", at(1)).await.unwrap() }
    });
    let begun = futures::future::join_all(beginning).await;
    assert_eq!(begun.iter().filter(|begun| **begun).count(), 1);
    let signing = (0..8_u64).map(|n| {
        let store = if n % 2 == 0 { store.clone() } else { other.clone() };
        async move { store.keep_transaction(143, 1, &signed(4, 0, &format!("0x{n}"))).await.unwrap() }
    });
    let kept = futures::future::join_all(signing).await;
    assert_eq!(kept.iter().filter(|kept| **kept).count(), 1);
    assert_eq!(store.transactions_of(1).await.unwrap().len(), 1);
}

#[tokio::test]
async fn certificates_are_committed_and_revoked_once() {
    let (_place, store) = store().await;
    let mut all: Vec<_> = (1..=3).map(|n| sealed(&format!("pypi:demo{n}@1.0"), &[n as u8], "r1", n)).collect();
    // What was there before the contract was known comes in order of id.
    all.sort_by(|a, b| a.certificate.id().cmp(b.certificate.id()));
    for one in &all {
        store.insert(one).await.unwrap();
    }
    let ids = |found: &[Uncommitted]| found.iter().map(|one| one.certificate_id.clone()).collect::<Vec<_>>();
    let expect = |of: &[usize]| of.iter().map(|n| all[*n].certificate.id().to_owned()).collect::<Vec<_>>();
    let found = store.uncommitted(&target(1), 2).await.unwrap();
    assert_eq!(ids(&found), expect(&[0, 1]));
    assert_eq!(found[0].payload_hash, all[0].certificate.payload_hash());
    assert!(store.begin_certificates(&target(1), &AnchorKind::Commit, &found, at(1)).await.unwrap());
    let hashes = store.anchored_hashes(1).await.unwrap();
    assert_eq!(hashes.len(), 2);
    assert_eq!(ids(&store.uncommitted(&target(1), 9).await.unwrap()), expect(&[2]));
    assert_eq!(ids(&store.uncommitted(&target(2), 9).await.unwrap()), expect(&[0, 1, 2]), "another contract has none");
    assert_eq!(ids(&store.uncommitted(&target(1), 9).await.unwrap()), expect(&[2]), "and back again");
    let anchor = store.anchor_of(all[0].certificate.id()).await.unwrap().unwrap();
    assert_eq!((anchor.state, anchor.kind), (AnchorState::Waiting, AnchorKind::Commit));
    assert_eq!(store.anchor_of(all[2].certificate.id()).await.unwrap(), None);
    store.finish_anchor(1, "0x01", 7, at(70), at(2)).await.unwrap();
    assert!(
        !store.begin_certificates(&target(1), &AnchorKind::Commit, &found[..1], at(3)).await.unwrap(),
        "it is there"
    );

    assert_eq!(store.revoked_and_uncommitted(&target(1), 9).await.unwrap(), []);
    for (n, action) in [
        (0, Action::Revoke),
        (1, Action::Block),
        (2, Action::Revoke),
        (2, Action::Override(sigma_core::SecurityLevel::Caution)),
    ] {
        store.decide(&decide(all[n].certificate.id(), action, 9)).await.unwrap();
    }
    let revoked = store.revoked_and_uncommitted(&target(1), 9).await.unwrap();
    assert_eq!(ids(&revoked), expect(&[0]), "what stands revoked now");
    assert!(store.begin_certificates(&target(1), &AnchorKind::Revoke, &revoked, at(4)).await.unwrap());
    assert_eq!(store.revoked_and_uncommitted(&target(1), 9).await.unwrap(), []);
    let anchor = store.anchor_of(all[0].certificate.id()).await.unwrap().unwrap();
    assert_eq!((anchor.state, anchor.kind), (AnchorState::Final, AnchorKind::Commit), "its commit, not its revocation");
}

/// What is sealed once the contract is known waits for it, the oldest first; an anchor that was begun takes it from there.
#[tokio::test]
async fn what_is_sealed_later_waits_for_the_contract() {
    let (_place, store) = store().await;
    let certify = async |name: &str, at: i64| {
        let one = sealed(&format!("pypi:{name}@1.0"), name.as_bytes(), "r1", at);
        store.insert(&one).await.unwrap();
        one.certificate.id().to_owned()
    };
    let waiting = async || {
        let found = store.uncommitted(&target(1), 9).await.unwrap();
        found.into_iter().map(|one| one.certificate_id).collect::<Vec<_>>()
    };
    let queued = async || -> i64 {
        let row = sqlx::query_scalar("SELECT COUNT(*) FROM uncommitted");
        row.fetch_one(&store.database.pool).await.unwrap()
    };
    let first = certify("first", 5).await;
    assert_eq!(queued().await, 0, "no contract is known");
    assert_eq!(waiting().await, [first.as_str()]);
    let (newer, older) = (certify("newer", 9).await, certify("older", 1).await);
    assert_eq!(waiting().await, [older.as_str(), newer.as_str(), first.as_str()], "the walk comes last");
    assert_eq!(queued().await, 2);
    let all = store.uncommitted(&target(1), 9).await.unwrap();
    assert!(store.begin_certificates(&target(1), &AnchorKind::Commit, &all, at(1)).await.unwrap());
    assert_eq!((waiting().await, queued().await), (vec![], 0));
    // Looked through once: what is over is not looked at again, and what is sealed is there at once.
    let walked = async || -> String {
        sqlx::query_scalar("SELECT walked FROM contract").fetch_one(&store.database.pool).await.unwrap()
    };
    assert_eq!(walked().await, "~");
    let last = certify("last", 3).await;
    assert_eq!((waiting().await, walked().await), (vec![last], "~".to_owned()));
    // Another contract of the chain begins anew, and nothing is queued for the one before.
    assert_eq!(store.uncommitted(&target(2), 9).await.unwrap().len(), 4);
    certify("another", 4).await;
    assert_eq!(queued().await, 1);
}

/// Decisions are looked through once, and one that a later one replaced is dealt with.
#[tokio::test]
async fn revocations_are_found_after_the_place_that_was_looked_at() {
    let (_place, store) = store().await;
    let all: Vec<_> = (0..3).map(|n| sealed(&format!("pypi:demo{n}@1.0"), &[n as u8], "r1", n)).collect();
    for one in &all {
        store.insert(one).await.unwrap();
        store.decide(&decide(one.certificate.id(), Action::Revoke, 9)).await.unwrap();
    }
    let found = async || store.revoked_and_uncommitted(&target(1), 1).await.unwrap();
    let decided = async || -> i64 {
        sqlx::query_scalar("SELECT decided FROM contract").fetch_one(&store.database.pool).await.unwrap()
    };
    for (n, one) in all.iter().enumerate() {
        let next = found().await;
        assert_eq!((next[0].certificate_id.as_str(), decided().await), (one.certificate.id(), n as i64));
        assert!(store.begin_certificates(&target(1), &AnchorKind::Revoke, &next, at(1)).await.unwrap());
        store.finish_anchor(n as u64 + 1, "0x01", 7, at(70), at(2)).await.unwrap();
    }
    assert_eq!((found().await, decided().await), (vec![], 3));
    store.decide(&decide(all[0].certificate.id(), Action::Block, 10)).await.unwrap();
    assert_eq!((found().await, decided().await), (vec![], 4));
    assert_eq!(
        store.uncommitted(&target(1), 9).await.unwrap().len(),
        3,
        "the certificates were never asked for before"
    );
    assert_eq!(decided().await, 4, "which does not begin the decisions anew");
}

/// The root that covers a certificate: the first final one of the contract in use, before others, before one on its way.
#[tokio::test]
async fn a_certificate_is_found_under_the_root_that_covers_it() {
    let (place, store) = store().await;
    let told = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let listener = told.clone();
    let on_change: OnChange = std::sync::Arc::new(move |change| listener.lock().unwrap().push(change));
    let reader = store.reader(&place.database, on_change).await.unwrap();
    let one = sealed("pypi:demo@1.0", b"one", "r1", 1);
    store.insert(&one).await.unwrap();
    let id = one.certificate.id();
    let package: sigma_core::PackageId = "pypi:demo@1.0".parse().unwrap();
    // Whoever reads for the public sees the same.
    let found = async || {
        let anchor = store.anchor_of(id).await.unwrap();
        assert_eq!(reader.package(&package).await.unwrap().unwrap().anchor, anchor);
        anchor.map(|anchor| (anchor.seq, anchor.state))
    };
    let put = async |contract: u8, size: u64| {
        assert!(store.begin_root(&target(contract), size, "0xaa", at(1)).await.unwrap());
        store.open_anchor(143).await.unwrap().unwrap().seq
    };
    let finish = async |seq: u64| store.finish_anchor(seq, "0x01", 7, at(70), at(2)).await.unwrap();
    let first = put(1, 5).await;
    assert_eq!(found().await, None, "it is not logged");
    store.keep_envelopes(&[(id.to_owned(), vec![1])]).await.unwrap();
    assert_eq!(found().await, None, "nor now");
    store.note_logged(&[(id.to_owned(), LoggedAt { index: 5, at: at(1), promise: vec![] })]).await.unwrap();
    assert_eq!(found().await, None, "a log of 5 entries has no sixth");
    finish(first).await;
    let second = put(1, 6).await;
    assert_eq!(found().await, Some((second, AnchorState::Waiting)));
    finish(second).await;
    assert_eq!(found().await, Some((second, AnchorState::Final)));
    let third = put(1, 9).await;
    finish(third).await;
    assert_eq!(found().await, Some((second, AnchorState::Final)), "the first that covers it");
    let moved = put(2, 10).await;
    assert_eq!(found().await, Some((second, AnchorState::Final)), "what is final goes before what is not");
    finish(moved).await;
    assert_eq!(found().await, Some((moved, AnchorState::Final)), "the contract that is in use");

    // Every anchor is word about all packages.
    if reader.fresh() {
        assert!(told.lock().unwrap().contains(&Change::Everything));
    }
}
