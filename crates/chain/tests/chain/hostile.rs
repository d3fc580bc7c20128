//! A node is a stranger: it may be silent, endless, wrong, expensive, or lie.

use serde_json::{Value, json};
use sigma_chain::{ChainError, Commit, Finality, NodeError, Registry};
use sigma_testkit::{LyingNode, Misbehaviour};

use crate::support::{CAP, CHAIN, World, client, hash};

fn through(world: &World, lying: &LyingNode) -> Registry {
    Registry::new(client(&lying.url()), CHAIN, world.registry.contract(), Finality::Finalized)
}

#[tokio::test]
async fn a_node_that_is_down_or_answers_nonsense_is_named() {
    let Some(world) = World::start().await else { return };
    let lying = LyingNode::before(&world.node);
    let registry = through(&world, &lying);
    let check = async |what: Misbehaviour, expect: &str| {
        lying.server.misbehave("/rpc", what.clone()).times(1);
        // A client of its own: what one broke, the next would find closed.
        let error = through(&world, &lying).final_block().await.unwrap_err().to_string();
        assert!(error.contains(expect) && !error.contains("/rpc"), "{what:?}: {error}");
    };
    check(Misbehaviour::Status(502), "got the status 502").await;
    check(Misbehaviour::Garbage, "its answer to eth_chainId is not what it should be").await;
    check(Misbehaviour::HalfBody, "the connection broke in the middle of the answer").await;
    check(Misbehaviour::Redirect("http://127.0.0.1:9/".to_owned()), "got the status 302").await;
    check(Misbehaviour::Longer(5 << 20), "has more than 4194304 bytes").await;
    registry.final_block().await.unwrap();
    drop(lying);
    let error = registry.final_block().await.unwrap_err();
    assert!(matches!(error, ChainError::Node(NodeError::Unreachable(_))), "{error}");
}

#[tokio::test]
async fn an_address_that_holds_a_key_is_not_shown() {
    let node = client("http://user:secret@127.0.0.1:9/v2/secret?key=secret");
    let error = node.chain_id().await.unwrap_err();
    for text in [format!("{node:?}"), error.to_string(), format!("{error:?}")] {
        assert!(!text.contains("secret"), "{text}");
    }
    assert_eq!(sigma_chain::Node::new(&"ftp://host/".parse().unwrap()).unwrap_err(), NodeError::Address);
}

/// Answers of wrong types and sizes, each of them, for every question that is asked.
#[tokio::test]
async fn answers_of_wrong_types_are_refused() {
    let Some(world) = World::start().await else { return };
    let commit = Commit::Root { root: hash(1), size: 5 };
    let wrong = [
        json!(null),
        json!({}),
        json!([]),
        json!(""),
        json!("0x"),
        json!("0xzz"),
        json!(-1),
        json!(1.5),
        json!(format!("0x{}", "f".repeat(80))),
        json!({"number": "0x1", "hash": "0x00", "timestamp": "0x1"}),
        json!("\u{1b}[31m"),
    ];
    for method in ["eth_chainId", "eth_getBlockByNumber", "eth_call", "eth_estimateGas", "eth_maxPriorityFeePerGas"] {
        for answer in &wrong {
            let lying = LyingNode::before(&world.node);
            let (at, what) = (method.to_owned(), answer.clone());
            lying.lie(move |method, _, answer| {
                if method == at {
                    *answer = json!({"jsonrpc": "2.0", "id": 1, "result": what});
                }
            });
            let registry = through(&world, &lying);
            let all = async {
                let at = registry.final_block().await?;
                registry.find(&commit, &at).await?;
                registry.prepare(&commit, world.key.address(), CAP).await
            };
            let error = all.await.expect_err(method).to_string();
            assert!(!error.contains('\u{1b}') && error.len() < 600, "{method} {answer}: {error}");
        }
    }
}

#[tokio::test]
async fn what_costs_too_much_is_not_signed() {
    let Some(world) = World::start().await else { return };
    let commit = Commit::Root { root: hash(1), size: 5 };
    let error = world.registry.prepare(&commit, world.key.address(), 50_000_000_000).await.unwrap_err().to_string();
    assert!(error.starts_with("gas costs too much: got ") && error.ends_with("expected at most 50 gwei"), "{error}");
    let lying = LyingNode::before(&world.node);
    let registry = through(&world, &lying);
    let check = async |method: &'static str, result: Value, expect: &str| {
        lying.lie(move |asked, _, answer| {
            if asked == method {
                answer["result"] = result.clone();
            }
        });
        let error = registry.prepare(&commit, world.key.address(), CAP).await.unwrap_err().to_string();
        assert!(error.contains(expect), "{error}");
    };
    check("eth_estimateGas", json!("0x1"), "the node asks for 1 gas").await;
    check("eth_maxPriorityFeePerGas", json!("0xde0b6b3a7640000"), "gas costs too much: got 1000000").await;
    check("eth_estimateGas", json!("0x1c9c380"), "the node asks for 30000000 gas, expected 21000 to 200000").await;
}

/// A receipt for another transaction, of a block that is none, for one that never was.
#[tokio::test]
async fn a_receipt_is_a_hint() {
    let Some(world) = World::start().await else { return };
    let commit = Commit::Root { root: hash(1), size: 5 };
    let lying = LyingNode::before(&world.node);
    let registry = through(&world, &lying);
    lying.lie(|method, params, answer| {
        if method == "eth_getTransactionReceipt" {
            let receipt =
                json!({"transactionHash": params[0], "blockNumber": "0x1", "status": "0x1", "gasUsed": "0x1"});
            answer["result"] = receipt;
        }
    });
    assert!(registry.node().receipt(hash(5)).await.unwrap().unwrap().succeeded, "so it says");
    let at = registry.final_block().await.unwrap();
    assert_eq!(registry.find(&commit, &at).await.unwrap(), None, "the contract knows better");
    lying.lie(|method, _, answer| {
        if method == "eth_getTransactionReceipt" {
            answer["result"] = json!({"transactionHash": hash(6).to_string(), "blockNumber": "0x1", "status": "0x1"});
        }
    });
    assert!(registry.node().receipt(hash(5)).await.is_err(), "it is about another transaction");
}
