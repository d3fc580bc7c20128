//! Whatever ends in the middle: one commit, one nonce.

use sigma_chain::Registry;
use sigma_pipeline::{AnchorMode, AnchorStep, Anchorer};
use sigma_testkit::{LyingNode, Misbehaviour};

use crate::support::{World, at, config};

/// A process ends: what it had in memory is gone, and so is its election. The one that waits for that goes on, `after` seconds later.
async fn goes_on(world: &World, first: Anchorer, after: i64) {
    let next = world.process(&world.registry, config(AnchorMode::Root));
    assert_eq!(next.step(at(after)).await.unwrap(), AnchorStep::NotElected, "the first is still there");
    drop(first);
    if !matches!(elected(&next, after).await, AnchorStep::Final { .. }) {
        world.finish(&next, after).await;
    }
    assert_eq!(next.step(at(after + 500)).await.unwrap(), AnchorStep::Idle);
    assert_eq!(world.told(), (1, 1), "one commit, one transaction");
}

/// A database server notices in its own time that a connection is gone.
async fn elected(next: &Anchorer, after: i64) -> AnchorStep {
    for _ in 0..500 {
        match next.step(at(after)).await.unwrap() {
            AnchorStep::NotElected => {}
            step => return step,
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the election of a process that is gone does not end");
}

async fn start() -> Option<(World, LyingNode, Registry)> {
    let world = World::start().await?;
    world.certify(&["demo"]).await;
    let lying = LyingNode::before(&world.node);
    let registry = world.through(&lying);
    Some((world, lying, registry))
}

/// Everything up to the moment at which a question is asked happened, and nothing after it: for every question there is.
#[tokio::test]
async fn an_end_before_any_question_to_the_node_ends_in_one_commit() {
    let methods = [
        "eth_chainId",
        "eth_getBlockByNumber",
        "eth_call",
        "eth_maxPriorityFeePerGas",
        "eth_estimateGas",
        "eth_getTransactionCount",
        "eth_sendRawTransaction",
    ];
    for method in methods {
        let Some((world, lying, registry)) = start().await else { return };
        lying.swallow(Some(method));
        let first = world.process(&registry, config(AnchorMode::Root));
        let error = first.step(at(1)).await.expect_err(method).to_string();
        assert!(error.contains("got the status 502"), "{method}: {error}");
        // What was signed is kept before it is sent, and only then.
        let kept = world.store.transactions_of(1).await.unwrap().len();
        assert_eq!(kept, usize::from(method == "eth_sendRawTransaction"), "{method}");
        goes_on(&world, first, 2).await;
    }
}

#[tokio::test]
async fn an_end_after_sending_ends_in_one_commit() {
    let Some((world, lying, registry)) = start().await else { return };
    // The node took it; nobody heard of that.
    lying.lie(|method, _, answer| {
        if method == "eth_sendRawTransaction" {
            *answer = serde_json::json!("?");
        }
    });
    let first = world.process(&registry, config(AnchorMode::Root));
    first.step(at(1)).await.unwrap_err();
    // So much later that it is sent again at a higher fee, too.
    goes_on(&world, first, 400).await;
}

#[tokio::test]
async fn an_end_between_block_and_finality_ends_in_one_commit() {
    for blocks in [1, 2, 3, 30] {
        let Some((world, _lying, registry)) = start().await else { return };
        let first = world.process(&registry, config(AnchorMode::Root));
        first.step(at(1)).await.unwrap();
        world.node.mine(blocks);
        goes_on(&world, first, 2).await;
    }
}

/// Final on the chain, and that it is could not be noted.
#[tokio::test]
async fn an_end_before_it_is_noted_ends_in_one_commit() {
    let Some((world, lying, registry)) = start().await else { return };
    let first = world.process(&registry, config(AnchorMode::Root));
    first.step(at(1)).await.unwrap();
    world.node.mine(5);
    lying.server.misbehave("/rpc", Misbehaviour::HalfBody).times(1);
    first.step(at(2)).await.unwrap_err();
    goes_on(&world, first, 3).await;
}

/// The same while hashes of certificates are committed.
#[tokio::test]
async fn hashes_of_certificates_are_committed_once() {
    for method in ["eth_call", "eth_sendRawTransaction"] {
        let Some((world, lying, registry)) = start().await else { return };
        world.certify(&["leaf"]).await;
        lying.swallow(Some(method));
        let first = world.process(&registry, config(AnchorMode::Certificate));
        first.step(at(1)).await.unwrap_err();
        drop(first);
        let next = world.process(&world.registry, config(AnchorMode::Certificate));
        assert!(matches!(elected(&next, 2).await, AnchorStep::Open { .. }));
        world.finish(&next, 3).await;
        assert_eq!(next.step(at(500)).await.unwrap(), AnchorStep::Idle);
        assert_eq!(world.told(), (2, 1), "two hashes, one transaction");
    }
}

/// Two at once: one slept through the end of its election, and does not know. They share the key and the store.
#[tokio::test]
async fn two_processes_with_one_key_use_one_nonce() {
    let Some(world) = World::start().await else { return };
    world.certify(&["demo"]).await;
    let process = || world.process(&world.registry, config(AnchorMode::Root));
    let (one, other) = (process(), process());
    for second in 0..8 {
        let (a, b) = tokio::join!(one.work(at(second)), other.work(at(second)));
        a.unwrap();
        b.unwrap();
        world.node.mine(1);
    }
    assert_eq!(world.told(), (1, 1));
    assert_eq!(world.store.transactions_of(1).await.unwrap().len(), 1);
    assert_eq!(one.work(at(9)).await.unwrap(), AnchorStep::Idle);
}

/// Elected properly, one of two does everything, and the other takes over when it is gone.
#[tokio::test]
async fn one_of_two_is_elected() {
    let Some(world) = World::start().await else { return };
    world.certify(&["demo"]).await;
    let one = world.process(&world.registry, config(AnchorMode::Root));
    let other = world.process(&world.registry, config(AnchorMode::Root));
    one.step(at(1)).await.unwrap();
    assert_eq!(other.step(at(2)).await.unwrap(), AnchorStep::NotElected);
    one.resign().await;
    world.node.mine(3);
    assert_eq!(elected(&other, 3).await, AnchorStep::Final { seq: 1 });
    assert_eq!(world.told(), (1, 1));
}
