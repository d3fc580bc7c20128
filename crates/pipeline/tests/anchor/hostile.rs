//! A node that is down, lags, forks back, lies, or charges too much.

use serde_json::{Value, json};
use sigma_chain::Registry;
use sigma_pipeline::{AnchorConfig, AnchorError, AnchorMode, AnchorStep};
use sigma_testkit::{LyingNode, Misbehaviour};

use crate::support::{CAP, HOUR, World, at, config, open};

async fn start() -> Option<(World, LyingNode, Registry)> {
    let world = World::start().await?;
    let lying = LyingNode::before(&world.node);
    let registry = world.through(&lying);
    Some((world, lying, registry))
}

#[tokio::test]
async fn a_node_that_is_down_is_waited_for() {
    let Some((world, lying, registry)) = start().await else { return };
    let demo = world.certify(&["demo"]).await.remove(0);
    lying.server.misbehave_everywhere(Misbehaviour::Status(503));
    let anchorer = world.process(&registry, config(AnchorMode::Root));
    let error = anchorer.step(at(1)).await.unwrap_err().to_string();
    assert_eq!(error, "the node: got the status 503, expected 200");
    let view = world.on_chain(&demo).await;
    assert_eq!((view.committed, view.reason.as_deref()), (false, Some("the node gives no usable answer")));
    lying.server.behave();
    // It grew meanwhile: what is not signed becomes the newest root.
    let leaf = world.certify(&["leaf"]).await.remove(0);
    world.finish(&anchorer, 2).await;
    assert!(world.on_chain(&demo).await.committed && world.on_chain(&leaf).await.committed);
    assert_eq!(world.told(), (1, 1));
}

/// An old nonce, an old final block: as a node answers that has not caught up.
#[tokio::test]
async fn a_node_that_lags_is_waited_for() {
    let Some((world, lying, registry)) = start().await else { return };
    world.certify(&["demo"]).await;
    let anchorer = world.process(&registry, config(AnchorMode::Root));
    world.finish(&anchorer, 1).await;
    world.certify(&["leaf"]).await;
    // One transaction behind: the nonce that was used up.
    lying.lie(|method, _, answer| {
        if method == "eth_getTransactionCount" {
            answer["result"] = json!("0x1");
        }
    });
    let later = HOUR + 10;
    open(&anchorer.step(at(later)).await.unwrap());
    assert_eq!(world.store.transactions_of(2).await.unwrap()[0].nonce, 2, "the store knows better");
    // A final block from before anything was there, though the chain is further.
    world.node.mine(5);
    lying.lie(|method, params, answer| {
        if method == "eth_getBlockByNumber" && params[0] == "finalized" {
            answer["result"]["number"] = json!("0x2");
        }
    });
    open(&anchorer.step(at(later + 1)).await.unwrap());
    assert_eq!(world.told(), (2, 2));
    lying.lie(|_, _, _| ());
    assert_eq!(anchorer.step(at(later + 2)).await.unwrap(), AnchorStep::Final { seq: 2 });
    assert_eq!(world.told(), (2, 2));
}

/// It was in a block, and that block is no more: it is sent again, as it was signed.
#[tokio::test]
async fn a_chain_that_forks_back_gets_it_again() {
    let Some(world) = World::start().await else { return };
    let demo = world.certify(&["demo"]).await.remove(0);
    let anchorer = world.anchorer(AnchorMode::Root);
    anchorer.step(at(1)).await.unwrap();
    world.node.mine(2);
    assert!(open(&anchorer.step(at(2)).await.unwrap()).contains("not final yet"));
    assert_eq!(world.told(), (1, 1));
    world.node.fork_back(2);
    world.node.ask("anvil_dropAllTransactions", json!([]));
    assert_eq!(world.told(), (0, 0), "it is gone");
    assert!(!world.on_chain(&demo).await.committed);
    assert!(open(&anchorer.step(at(3)).await.unwrap()).ends_with("is sent and in no block yet"));
    world.finish(&anchorer, 4).await;
    assert_eq!(world.told(), (1, 1));
    assert_eq!(world.store.transactions_of(1).await.unwrap().len(), 1, "as it was signed");
    assert!(world.on_chain(&demo).await.committed);
}

/// It says that a transaction succeeded which it never passed on.
#[tokio::test]
async fn a_node_that_lies_about_a_receipt_is_not_believed() {
    let Some((world, lying, registry)) = start().await else { return };
    let demo = world.certify(&["demo"]).await.remove(0);
    let anchorer = world.process(&registry, config(AnchorMode::Root));
    lying.swallow(Some("eth_sendRawTransaction"));
    anchorer.step(at(1)).await.unwrap_err();
    world.node.mine(5);
    let block = format!("0x{:x}", world.node.height() - 3);
    lying.swallow(None);
    lying.lie(move |method, params, answer| match method {
        "eth_getTransactionReceipt" => {
            let (hash, gas) = (&params[0], "0x5208");
            answer["result"] = json!({"transactionHash": hash, "blockNumber": block, "status": "0x1", "gasUsed": gas});
        }
        // It also says that the nonce is used up.
        "eth_getTransactionCount" => answer["result"] = json!("0x2"),
        _ => {}
    });
    for second in 2..6 {
        let reason = open(&anchorer.step(at(second)).await.unwrap()).to_owned();
        assert!(reason.contains("was for nothing: the contract does not have it"), "{reason}");
        assert!(!world.on_chain(&demo).await.committed, "the contract does not have it");
    }
    assert_eq!(world.told(), (0, 0));
    lying.lie(|_, _, _| ());
    world.finish(&anchorer, 10).await;
    assert!(world.on_chain(&demo).await.committed);
    assert_eq!(world.told(), (1, 1));
}

/// The transaction that did it is found in the chain where receipts do not say, and stays unknown where nobody does.
#[tokio::test]
async fn what_counts_is_the_contract() {
    for (silent, expect) in [(1, true), (2, false)] {
        let Some((world, lying, registry)) = start().await else { return };
        let demo = world.certify(&["demo"]).await.remove(0);
        lying.lie(move |method, _, answer| {
            if method == "eth_getTransactionReceipt" {
                answer["result"] = Value::Null;
            }
            if silent == 2 && method == "eth_getLogs" {
                *answer = json!({"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": "no logs here"}});
            }
        });
        world.finish(&world.process(&registry, config(AnchorMode::Root)), 1).await;
        let view = world.on_chain(&demo).await;
        assert_eq!((view.committed, view.transaction.is_some()), (true, expect));
    }
}

#[tokio::test]
async fn nothing_is_paid_beyond_the_cap() {
    let Some(world) = World::start().await else { return };
    let demo = world.certify(&["demo"]).await.remove(0);
    let poor = world.process(&world.registry, AnchorConfig { max_fee: 20_000_000_000, ..config(AnchorMode::Root) });
    let error = poor.step(at(1)).await.unwrap_err().to_string();
    assert!(error.starts_with("gas costs too much: got ") && error.ends_with("expected at most 20 gwei"), "{error}");
    assert_eq!(world.on_chain(&demo).await.reason, Some(error), "certificates say why");
    assert_eq!(world.store.transactions_of(1).await.unwrap(), []);
    world.node.ask("anvil_setNextBlockBaseFeePerGas", json!(["0x3b9aca00"]));
    world.node.mine(1);
    world.finish(&poor, 2).await;
    assert_eq!(world.told(), (1, 1));
}

/// Gas became dearer than what was offered: replacements at the same nonce offer more, up to the cap.
#[tokio::test]
async fn what_waits_too_long_is_replaced_at_the_same_nonce() {
    let Some(world) = World::start().await else { return };
    let demo = world.certify(&["demo"]).await.remove(0);
    let anchorer = world.anchorer(AnchorMode::Root);
    anchorer.step(at(1)).await.unwrap();
    let first = world.store.transactions_of(1).await.unwrap().remove(0);
    let dear = u128::from(first.max_fee) + 50_000_000_000;
    let rise = || world.node.ask("anvil_setNextBlockBaseFeePerGas", json!([format!("0x{dear:x}")]));
    rise();
    world.node.mine(1);
    open(&anchorer.step(at(50)).await.unwrap());
    assert_eq!(world.store.transactions_of(1).await.unwrap().len(), 1, "patience");
    open(&anchorer.step(at(91)).await.unwrap());
    let all = world.store.transactions_of(1).await.unwrap();
    let attempts: Vec<_> = all.iter().map(|one| (one.nonce, one.attempt)).collect();
    assert_eq!(attempts, [(1, 0), (1, 1)], "the same nonce");
    assert!(u128::from(all[1].max_fee) > dear && all[1].tip > all[0].tip);
    world.finish(&anchorer, 92).await;
    assert_eq!(world.told(), (1, 1));
    assert_eq!(
        world.on_chain(&demo).await.transaction.as_deref(),
        Some(all[1].hash.as_str()),
        "the one that was taken"
    );
}

#[tokio::test]
async fn a_replacement_beyond_the_cap_is_not_sent() {
    let Some(world) = World::start().await else { return };
    let demo = world.certify(&["demo"]).await.remove(0);
    let cap = 260_000_000_000;
    let anchorer = world.process(&world.registry, AnchorConfig { max_fee: cap, ..config(AnchorMode::Root) });
    anchorer.step(at(1)).await.unwrap();
    world.node.ask("anvil_setNextBlockBaseFeePerGas", json!([format!("0x{:x}", CAP)]));
    world.node.mine(1);
    let reason = open(&anchorer.step(at(100)).await.unwrap()).to_owned();
    assert!(reason.contains("a replacement: gas costs too much") && reason.ends_with("260 gwei"), "{reason}");
    assert_eq!(world.store.transactions_of(1).await.unwrap().len(), 1);
    assert_eq!(world.on_chain(&demo).await.reason, Some(reason));
}

/// A transaction that the contract reverts: the next one waits, and says why it would be refused.
#[tokio::test]
async fn what_is_reverted_is_not_repeated_at_once() {
    let Some((world, lying, registry)) = start().await else { return };
    world.certify(&["demo"]).await;
    let folder = tempfile::tempdir().unwrap();
    let stranger = sigma_chain::ChainKey::generate(&folder.path().join("key")).unwrap();
    world.node.fund(&stranger.address().to_string());
    let anchorer = sigma_pipeline::Anchorer::new(
        world.store.clone(),
        world.ledger.clone(),
        registry,
        stranger.clone(),
        config(AnchorMode::Root),
    );
    let error = anchorer.step(at(1)).await.unwrap_err().to_string();
    assert!(error.ends_with("is not its issuer"), "{error}");
    // A node that says it would be fine.
    lying.lie(|method, _, answer| {
        if method == "eth_estimateGas" {
            *answer = json!({"jsonrpc": "2.0", "id": 1, "result": "0x13880"});
        }
    });
    open(&anchorer.step(at(2)).await.unwrap());
    world.node.mine(5);
    for second in [3, 30, 61] {
        assert!(open(&anchorer.step(at(second)).await.unwrap()).contains("was for nothing"));
    }
    assert_eq!(world.node.sent(&stranger.address().to_string()), 1);
    lying.lie(|_, _, _| ());
    let error = anchorer.step(at(63)).await.unwrap_err().to_string();
    assert!(error.ends_with("is not its issuer"), "{error}");
    assert_eq!(world.told().0, 0);
    // The issuer's key is back: the election ends with the process that had it.
    anchorer.resign().await;
    world.finish(&world.anchorer(AnchorMode::Root), 70).await;
    assert_eq!(world.told(), (1, 1));
}

/// The contract has the root of another history: nothing more is put there, and certificates say why.
#[tokio::test]
async fn another_log_is_noticed() {
    let Some(world) = World::start().await else { return };
    let demo = world.certify(&["demo"]).await.remove(0);
    let put = async |size: u64| {
        let commit = sigma_chain::Commit::Root { root: sigma_chain::B256::repeat_byte(9), size };
        let prepared = world.registry.prepare(&commit, world.key.address(), CAP).await.unwrap();
        let nonce = world.node.sent(&world.key.address().to_string());
        world.registry.node().send(&prepared.sign(&world.key, nonce, prepared.fees).raw).await.unwrap();
        world.node.mine(3);
    };
    put(1).await;
    let anchorer = world.anchorer(AnchorMode::Root);
    let error = anchorer.step(at(1)).await.unwrap_err();
    assert!(matches!(error, AnchorError::OtherLog { size: 1, .. }), "{error}");
    assert!(error.to_string().contains("this log had the root 0x"), "{error}");
    assert!(world.on_chain(&demo).await.reason.unwrap().contains("another one"));
    put(50).await;
    let error = anchorer.step(at(2)).await.unwrap_err().to_string();
    assert!(error.contains("for a log of 50 entries; this log has 2 entries"), "{error}");
    assert_eq!(world.told().0, 2, "nothing but what the test put there");
}
