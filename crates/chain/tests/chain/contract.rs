//! What is put on a chain is found there, by whom it may, for what it costs.

use sigma_chain::{B256, ChainError, Commit, Fees, Finality, Registry, runtime_code};

use crate::support::{CAP, CHAIN, World, client, fees, hash, nobody};

#[tokio::test]
async fn a_root_is_there_once_it_is_final() {
    let Some(world) = World::start().await else { return };
    let commit = Commit::Root { root: hash(7), size: 1000 };
    assert_eq!(world.find(&commit).await, None);
    let prepared = world.registry.prepare(&commit, world.key.address(), CAP).await.unwrap();
    let signed = prepared.sign(&world.key, 1, prepared.fees);
    world.registry.node().send(&signed.raw).await.unwrap();
    world.node.mine(1);
    assert!(world.registry.node().receipt(signed.hash).await.unwrap().unwrap().succeeded);
    assert_eq!(world.find(&commit).await, None, "it is in a block, and that is not final");
    world.node.mine(2);
    let found = world.find(&commit).await.unwrap();
    assert_eq!((found.block, world.registry.author(&commit, &found).await.unwrap()), (4, Some(signed.hash)));
    let at = world.registry.final_block().await.unwrap();
    assert_eq!(world.registry.newest_size(&at).await.unwrap(), 1000);
    // Confirmations instead: so many blocks came after it.
    for (number, there) in [(2, true), (3, false)] {
        let counting =
            Registry::new(client(&world.node.url()), CHAIN, world.registry.contract(), Finality::Confirmations(number));
        let at = counting.final_block().await.unwrap();
        assert_eq!(counting.find(&commit, &at).await.unwrap().is_some(), there, "{number}");
    }
}

/// The figures of docs/operations.md. Gas is a number of the rules, not a measurement: it is the same on every machine.
#[tokio::test]
async fn it_costs_what_it_should() {
    let Some(world) = World::start().await else { return };
    let hashes = |from: u64, count: u64| -> Vec<B256> {
        (from..from + count)
            .map(|n| B256::with_last_byte(1) ^ B256::left_padding_from(&(n << 8).to_be_bytes()))
            .collect()
    };
    let (first, _) = world.commit(&Commit::Root { root: hash(1), size: 1000 }).await;
    let (root, allowed) = world.commit(&Commit::Root { root: hash(2), size: 2000 }).await;
    let (again, _) = world.commit(&Commit::Root { root: hash(2), size: 2000 }).await;
    let (one, _) = world.commit(&Commit::Certificates(hashes(0, 1))).await;
    let (many, _) = world.commit(&Commit::Certificates(hashes(1, 500))).await;
    let (revoked, _) = world.commit(&Commit::Revoke(hashes(0, 1)[0])).await;
    println!(
        "first root {first}, root {root} (allowed {allowed}), again {again}, one hash {one}, 500 hashes {many}, revoke {revoked}"
    );
    assert!(first <= 100 * 1000 && root <= 100 * 1000, "at most 100 gas for each of 1,000 certificates");
    assert!(allowed < root + root / 50, "some chains charge what is allowed");
    assert!(many <= 26_500 * 500, "a slot for each hash");
    assert!(one < 50_000 && again < 30_000 && revoked < 50_000);
}

#[tokio::test]
async fn what_is_there_already_stays_as_it_is() {
    let Some(world) = World::start().await else { return };
    let both = Commit::Certificates(vec![hash(1), hash(2)]);
    world.commit(&Commit::Certificates(vec![hash(1)])).await;
    assert_eq!(world.find(&both).await, None, "one of both is missing");
    world.commit(&both).await;
    let found = world.find(&both).await.unwrap();
    assert_eq!(found.block, 7, "where the last of them is");
    let first = world.find(&Commit::Certificates(vec![hash(1)])).await.unwrap();
    assert_eq!(first.block, 4);
    assert_eq!(world.find(&Commit::Revoke(hash(1))).await, None);
    world.commit(&Commit::Revoke(hash(1))).await;
    assert!(world.find(&Commit::Revoke(hash(1))).await.is_some());
    assert_eq!(world.find(&both).await.unwrap(), found);
}

#[tokio::test]
async fn the_contract_says_why_it_refuses() {
    let Some(world) = World::start().await else { return };
    world.commit(&Commit::Root { root: hash(1), size: 100 }).await;
    let why = async |commit: Commit, from| match world.registry.prepare(&commit, from, CAP).await {
        Err(ChainError::Refused { why, .. }) => why,
        other => panic!("{other:?}"),
    };
    let issuer = world.key.address();
    let stranger = world.stranger().address();
    assert_eq!(why(Commit::Certificates(vec![hash(1)]), stranger).await, format!("{stranger} is not its issuer"));
    let conflict = why(Commit::Root { root: hash(2), size: 100 }, issuer).await;
    assert!(
        conflict.starts_with("a log of 100 entries has the root 0x0101") && conflict.contains("not 0x0202"),
        "{conflict}"
    );
    let behind = why(Commit::Root { root: hash(2), size: 99 }, issuer).await;
    assert_eq!(behind, "a log of 100 entries is there already, and 99 come before that");
    assert_eq!(why(Commit::Root { root: B256::ZERO, size: 200 }, issuer).await, "a hash, a root or a size is zero");
    let many = why(Commit::Certificates(vec![hash(3); 501]), issuer).await;
    assert_eq!(many, "got 501 hashes, expected 1 to 500");
    let at = world.registry.final_block().await.unwrap();
    let other = world.registry.find(&Commit::Root { root: hash(2), size: 100 }, &at).await.unwrap_err();
    assert!(other.to_string().contains("has the root 0x0101"), "{other}");
}

#[tokio::test]
async fn an_address_without_the_contract_is_noticed() {
    let Some(world) = World::start().await else { return };
    let elsewhere = world.registry.at(nobody());
    let at = elsewhere.final_block().await.unwrap();
    assert!(matches!(elsewhere.find(&Commit::Revoke(hash(1)), &at).await, Err(ChainError::NoContract(_))));
    assert!(matches!(elsewhere.issuer(&at).await, Err(ChainError::NoContract(_))));
    let there = world.registry.node().code(world.registry.contract(), "latest").await.unwrap();
    assert_eq!(there, runtime_code());
    let stranger = Registry::new(client(&world.node.url()), 1, world.registry.contract(), Finality::Finalized);
    let error = stranger.final_block().await.unwrap_err().to_string();
    assert_eq!(error, "the node is of chain 143, expected 1");
}

/// A higher fee replaces what is waiting, at the same nonce: one of both is done.
#[tokio::test]
async fn a_replacement_takes_the_place_of_what_waits() {
    let Some(world) = World::start().await else { return };
    let (first, second) = (Commit::Certificates(vec![hash(1)]), Commit::Certificates(vec![hash(2)]));
    let market = Fees { most: 300_000_000_000, tip: 1_000_000_000 };
    for (commit, fees) in [(&first, market), (&second, market.replacing(market, CAP).unwrap())] {
        let prepared = world.registry.prepare(commit, world.key.address(), CAP).await.unwrap();
        world.registry.node().send(&prepared.sign(&world.key, 1, fees).raw).await.unwrap();
    }
    world.node.mine(3);
    assert_eq!((world.find(&first).await.is_some(), world.find(&second).await.is_some()), (false, true));
    assert!(fees().most >= market.most);
}
