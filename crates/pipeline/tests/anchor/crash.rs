//! Whatever ends in the middle: one commit, one nonce.

use sigma_chain::Registry;
use sigma_pipeline::{AnchorMode, AnchorStep, Anchorer};
use sigma_testkit::{LyingNode, Misbehaviour};

use crate::support::{World, at, config};

/// A process that ends: what it had in memory is gone, its election is not given back.
fn crashed(anchorer: Anchorer) {
    drop(anchorer);
}

/// The process that comes after it, when the election of the first has ended.
async fn goes_on(world: &World, after: i64) {
    let next = world.process("second", &world.registry, config(AnchorMode::Root));
    assert_eq!(next.step(at(after)).await.unwrap(), AnchorStep::NotElected, "the first may still be there");
    world.finish(&next, after + 400).await;
    assert_eq!(next.step(at(after + 500)).await.unwrap(), AnchorStep::Idle);
    assert_eq!(world.told(), (1, 1), "one commit, one transaction");
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
        let first = world.process("first", &registry, config(AnchorMode::Root));
        let error = first.step(at(1)).await.expect_err(method).to_string();
        assert!(error.contains("got the status 502"), "{method}: {error}");
        // What was signed is kept before it is sent, and only then.
        let kept = world.store.transactions_of(1).await.unwrap().len();
        assert_eq!(kept, usize::from(method == "eth_sendRawTransaction"), "{method}");
        crashed(first);
        goes_on(&world, 2).await;
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
    let first = world.process("first", &registry, config(AnchorMode::Root));
    first.step(at(1)).await.unwrap_err();
    crashed(first);
    goes_on(&world, 2).await;
}

#[tokio::test]
async fn an_end_between_block_and_finality_ends_in_one_commit() {
    for blocks in [1, 2, 3, 30] {
        let Some((world, _lying, registry)) = start().await else { return };
        let first = world.process("first", &registry, config(AnchorMode::Root));
        first.step(at(1)).await.unwrap();
        world.node.mine(blocks);
        crashed(first);
        goes_on(&world, 2).await;
    }
}

/// Final on the chain, and that it is could not be noted.
#[tokio::test]
async fn an_end_before_it_is_noted_ends_in_one_commit() {
    let Some((world, lying, registry)) = start().await else { return };
    let first = world.process("first", &registry, config(AnchorMode::Root));
    first.step(at(1)).await.unwrap();
    world.node.mine(5);
    lying.server.misbehave("/rpc", Misbehaviour::HalfBody).times(1);
    first.step(at(2)).await.unwrap_err();
    crashed(first);
    goes_on(&world, 3).await;
}

/// The same while hashes of certificates are committed.
#[tokio::test]
async fn hashes_of_certificates_are_committed_once() {
    for method in ["eth_call", "eth_sendRawTransaction"] {
        let Some((world, lying, registry)) = start().await else { return };
        world.certify(&["leaf"]).await;
        lying.swallow(Some(method));
        let first = world.process("first", &registry, config(AnchorMode::Certificate));
        first.step(at(1)).await.unwrap_err();
        crashed(first);
        let next = world.process("second", &world.registry, config(AnchorMode::Certificate));
        world.finish(&next, 400).await;
        assert_eq!(next.step(at(500)).await.unwrap(), AnchorStep::Idle);
        assert_eq!(world.told(), (2, 1), "two hashes, one transaction");
    }
}

/// Two at once, both elected: one slept through the end of its election. They share the key and the store.
#[tokio::test]
async fn two_processes_with_one_key_use_one_nonce() {
    let Some(world) = World::start().await else { return };
    world.certify(&["demo"]).await;
    // The same name is the same holder: the election keeps neither out.
    let process = || world.process("same", &world.registry, config(AnchorMode::Root));
    let (one, other) = (process(), process());
    for second in 0..8 {
        let (a, b) = tokio::join!(one.step(at(second)), other.step(at(second)));
        a.unwrap();
        b.unwrap();
        world.node.mine(1);
    }
    assert_eq!(world.told(), (1, 1));
    assert_eq!(world.store.transactions_of(1).await.unwrap().len(), 1);
    assert_eq!(one.step(at(9)).await.unwrap(), AnchorStep::Idle);
}

/// Elected properly, one of two does everything, and the other takes over when it is gone.
#[tokio::test]
async fn one_of_two_is_elected() {
    let Some(world) = World::start().await else { return };
    world.certify(&["demo"]).await;
    let one = world.process("one", &world.registry, config(AnchorMode::Root));
    let other = world.process("other", &world.registry, config(AnchorMode::Root));
    one.step(at(1)).await.unwrap();
    assert_eq!(other.step(at(2)).await.unwrap(), AnchorStep::NotElected);
    one.resign().await.unwrap();
    world.node.mine(3);
    assert_eq!(other.step(at(3)).await.unwrap(), AnchorStep::Final { seq: 1 });
    assert_eq!(world.told(), (1, 1));
}
