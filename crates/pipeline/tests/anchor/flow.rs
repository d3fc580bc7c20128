//! When nothing goes wrong.

use sigma_certificate::Action;
use sigma_chain::{B256, Commit};
use sigma_ledger::{Name, Policy, State, verify};
use sigma_pipeline::{AnchorConfig, AnchorMode, AnchorStep};
use sigma_store::NewDecision;

use crate::support::{HOUR, World, at, config, open, trusted_root};

#[tokio::test]
async fn a_root_of_the_log_is_put_on_the_chain() {
    let Some(world) = World::start().await else { return };
    let anchorer = world.anchorer(AnchorMode::Root);
    assert_eq!(anchorer.step(at(0)).await.unwrap(), AnchorStep::Idle, "the log is empty");
    let certificates = world.certify(&["demo", "leaf"]).await;
    let demo = &certificates[0];
    assert_eq!(world.on_chain(demo).await.reason.as_deref(), Some("it waits for its turn to be put on the chain"));
    assert!(open(&anchorer.step(at(1)).await.unwrap()).ends_with("is sent and in no block yet"));
    world.node.mine(1);
    assert!(open(&anchorer.step(at(2)).await.unwrap()).ends_with("is in a block that is not final yet"));
    let sent = world.on_chain(demo).await;
    assert!(!sent.committed && sent.transaction.is_none(), "{sent:?}");
    assert!(sent.reason.unwrap().ends_with("is in a block that is not final yet"));
    assert!(world.ledger.reader().unwrap().bundle(&world.store, demo.id()).await.unwrap().unwrap().anchor.is_none());
    world.node.mine(2);
    assert_eq!(anchorer.step(at(3)).await.unwrap(), AnchorStep::Final { seq: 1 });
    assert_eq!(anchorer.step(at(4)).await.unwrap(), AnchorStep::Idle);
    assert_eq!(world.told(), (1, 1));

    let view = world.on_chain(demo).await;
    assert_eq!((view.committed, view.reason, view.chain_id, view.block), (true, None, Some(143), Some(4)));
    assert_eq!(view.contract.unwrap(), world.registry.contract().to_string().to_lowercase());
    assert_eq!((view.log_size, view.transaction.unwrap().len()), (Some(3), 66));
    assert!(view.committed_at.is_some());

    // A stranger with the bundle, the trusted root and a node of the chain.
    let bundle = world.ledger.reader().unwrap().bundle(&world.store, demo.id()).await.unwrap().unwrap();
    let bytes = serde_json::to_vec(&bundle).unwrap();
    let report = verify(&bytes, &trusted_root(&world.ledger), None, &Policy::at(at(10)));
    assert_eq!((report.state(Name::Inclusion), report.state(Name::Anchor)), (State::Proven, State::NotProven));
    let claimed = report.anchor.unwrap().root.unwrap();
    let final_block = world.registry.final_block().await.unwrap();
    let there = world.registry.root(claimed.log_size, &final_block).await.unwrap().unwrap();
    assert_eq!((there.root, there.at.block), (B256::from(claimed.log_root.0), 4));
}

#[tokio::test]
async fn a_root_is_due_by_number_or_time() {
    let Some(world) = World::start().await else { return };
    let anchorer = world.process(&world.registry, AnchorConfig { batch: 3, ..config(AnchorMode::Root) });
    world.certify(&["one"]).await;
    assert_eq!(world.finish(&anchorer, 1).await, 1, "the first is due at once");
    world.certify(&["two", "three"]).await;
    assert_eq!(anchorer.step(at(60)).await.unwrap(), AnchorStep::Idle, "two more, and not long ago");
    world.certify(&["four"]).await;
    assert_eq!(world.finish(&anchorer, 61).await, 2, "three more");
    let last = world.certify(&["five"]).await;
    assert_eq!(anchorer.step(at(120)).await.unwrap(), AnchorStep::Idle);
    assert_eq!(world.finish(&anchorer, 61 + HOUR).await, 3, "an hour ago");
    assert_eq!(anchorer.step(at(62 + 3 * HOUR)).await.unwrap(), AnchorStep::Idle, "nothing is new");
    assert!(world.on_chain(&last[0]).await.committed);
    assert_eq!(world.told(), (3, 3));
}

/// One transaction for a thousand: its gas is a number of the chain's rules, the same on every machine.
#[tokio::test]
async fn a_root_for_a_thousand_certificates_costs_a_hundred_gas_each_at_most() {
    let Some(world) = World::start().await else { return };
    let names: Vec<_> = (0..1000).map(|n| format!("demo-{n}")).collect();
    let certificates = world.certify(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    world.finish(&world.anchorer(AnchorMode::Root), 1).await;
    for certificate in [&certificates[0], &certificates[500], &certificates[999]] {
        let view = world.on_chain(certificate).await;
        assert_eq!((view.committed, view.log_size), (true, Some(1001)));
        let hash = view.transaction.unwrap().parse().unwrap();
        let gas = world.registry.node().receipt(hash).await.unwrap().unwrap().gas_used;
        println!("one root for 1,000 certificates: {gas} gas");
        assert!(gas <= 100 * 1000, "{gas}");
    }
    assert_eq!(world.told(), (1, 1));
}

#[tokio::test]
async fn every_payload_hash_is_put_on_the_chain_and_so_are_revocations() {
    let Some(world) = World::start().await else { return };
    let limits = AnchorConfig { batch: 2, ..config(AnchorMode::Certificate) };
    let anchorer = world.process(&world.registry, limits);
    let certificates = world.certify(&["one", "two", "three"]).await;
    assert_eq!((world.finish(&anchorer, 1).await, world.finish(&anchorer, 2).await), (1, 2), "two, then one");
    assert_eq!(anchorer.step(at(9)).await.unwrap(), AnchorStep::Idle);
    assert_eq!(world.told(), (3, 2), "three hashes in two transactions");
    for certificate in &certificates {
        let view = world.on_chain(certificate).await;
        assert_eq!((view.committed, view.log_size), (true, None));
        assert!(view.transaction.is_some());
        let bundle = world.ledger.reader().unwrap().bundle(&world.store, certificate.id()).await.unwrap().unwrap();
        let bytes = serde_json::to_vec(&bundle).unwrap();
        let claim = verify(&bytes, &trusted_root(&world.ledger), None, &Policy::at(at(10))).anchor.unwrap();
        assert_eq!((claim.root, claim.payload_hash.to_string()), (None, certificate.payload_hash().to_owned()));
    }
    let decision = NewDecision {
        certificate: certificates[1].id().to_owned(),
        action: Action::Revoke,
        reason: "its author asked".to_owned(),
        operator: "ada".to_owned(),
        at: at(20),
    };
    world.store.decide(&decision).await.unwrap();
    world.finish(&anchorer, 21).await;
    assert_eq!(world.told(), (4, 3));
    let final_block = world.registry.final_block().await.unwrap();
    let revoked = |n: usize| Commit::Revoke(certificates[n].payload_hash().parse().unwrap());
    assert!(world.registry.find(&revoked(1), &final_block).await.unwrap().is_some());
    assert!(world.registry.find(&revoked(0), &final_block).await.unwrap().is_none());
    assert!(world.on_chain(&certificates[1]).await.committed, "what was committed stays");
    assert_eq!(anchorer.step(at(30)).await.unwrap(), AnchorStep::Idle);
}

/// What was put on another chain before this one stays true; the contract in use is the one that is named once it has it.
#[tokio::test]
async fn a_registry_may_move_to_another_contract() {
    let Some(world) = World::start().await else { return };
    let demo = world.certify(&["demo"]).await.remove(0);
    world.finish(&world.anchorer(AnchorMode::Root), 1).await;
    let first = world.on_chain(&demo).await.contract;
    let prepared =
        sigma_chain::deploy(world.registry.node(), 143, world.key.address(), crate::support::CAP).await.unwrap();
    world.registry.node().send(&prepared.sign(&world.key, 2, prepared.fees).raw).await.unwrap();
    world.node.mine(3);
    let moved = world.registry.at(world.key.address().create(2));
    let anchorer = world.process(&moved, config(AnchorMode::Root));
    assert_eq!(world.on_chain(&demo).await.contract, first);
    world.finish(&anchorer, 2).await;
    let view = world.on_chain(&demo).await;
    assert!(view.committed && view.contract != first, "{view:?}");
}
