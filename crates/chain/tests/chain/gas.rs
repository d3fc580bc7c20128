//! What transactions cost, and how close to that the gas is that they are allowed: some chains charge what is allowed.
//!
//! Monad's rules are applied to what a node of Ethereum's rules traces: its gas differs in what storage costs (cold access, MIP-8's
//! pages), and it gives nothing back. Everything else of the contract costs the same, but memory, which is a little cheaper there.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sigma_chain::{B256, ChainKey, Commit, HandOver, Prepared};

use crate::support::{CAP, World, hash};

/// Monad (MONAD_TEN; monad-revm 0.8, `page.rs`): any access of storage, the first one of a page of 128 slots, the first write to a page,
/// a slot that was empty before the transaction and is not after it.
const ACCESS: u64 = 100;
const COLD_PAGE: u64 = 8_000;
const PAGE_WRITE: u64 = 2_800;
const GROWTH: u64 = 17_000;

/// Gas of one transaction.
#[derive(Debug, Clone, Copy)]
struct Cost {
    /// What it was allowed.
    allowed: u64,
    /// What it used.
    used: u64,
    /// What it would use under Monad's rules.
    monad: u64,
}

async fn cost(world: &World, key: &ChainKey, prepared: &Prepared) -> Cost {
    let node = world.registry.node();
    let nonce = node.sent(key.address(), "latest").await.unwrap();
    let signed = prepared.sign(key, nonce, prepared.fees);
    node.send(&signed.raw).await.unwrap();
    world.node.mine(3);
    let receipt = node.receipt(signed.hash).await.unwrap().unwrap();
    assert!(receipt.succeeded, "{receipt:?}");
    let trace = world.node.ask("debug_traceTransaction", json!([signed.hash, {"disableMemory": true}]));
    let monad = under_monad(&trace, receipt.gas_used);
    Cost { allowed: prepared.gas, used: receipt.gas_used, monad }
}

/// What it costs where storage costs what it does on Monad.
fn under_monad(trace: &Value, used: u64) -> u64 {
    let steps = trace["structLogs"].as_array().filter(|steps| !steps.is_empty()).expect("a trace");
    let (mut storage, mut here, mut refund) = (0, 0, 0);
    let (mut read, mut written, mut filled) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for step in steps {
        refund = refund.max(step["refund"].as_u64().unwrap_or(0));
        let op = step["op"].as_str().unwrap();
        if op != "SLOAD" && op != "SSTORE" {
            continue;
        }
        storage += step["gasCost"].as_u64().unwrap();
        let stack = step["stack"].as_array().unwrap();
        let word = |from_top: usize| -> B256 {
            let text = stack[stack.len() - from_top].as_str().unwrap().trim_start_matches("0x");
            format!("0x{text:0>64}").parse().unwrap()
        };
        let slot = word(1);
        let mut page = slot;
        page.0[31] &= 0x80;
        here += ACCESS + if read.insert(page) { COLD_PAGE } else { 0 };
        if op == "SSTORE" {
            here += if written.insert(page) { PAGE_WRITE } else { 0 };
            // A slot costs 20,000 more than another under Ethereum's rules only where it was empty.
            let grows = step["gasCost"].as_u64().unwrap() >= 20_000 && filled.insert(slot);
            here += if grows { GROWTH } else { 0 };
        }
    }
    assert!(here > 0, "every one of these reads who the issuer is");
    // Nothing is given back there.
    used + refund - storage + here
}

fn tight(what: &str, cost: Cost) {
    println!("{what}: used {}, allowed {}, under Monad's rules {}", cost.used, cost.allowed, cost.monad);
    // A node searches for the least that is enough, and stops a little above it.
    assert!(cost.allowed >= cost.used && cost.allowed < cost.used + cost.used / 50, "{what}: {cost:?}");
}

/// The figures of docs/operations.md, with the dearest case of each.
#[tokio::test]
async fn what_is_allowed_is_what_is_needed() {
    let Some(world) = World::start().await else { return };
    let hashes = |from: u64, count: u64| -> Vec<B256> {
        (from..from + count)
            .map(|n| B256::with_last_byte(1) ^ B256::left_padding_from(&(n << 8).to_be_bytes()))
            .collect()
    };
    let of = async |commit: Commit| {
        let prepared = world.registry.prepare(&commit, world.key.address(), CAP).await.unwrap();
        cost(&world, &world.key, &prepared).await
    };
    let first = of(Commit::Root { root: hash(1), size: 1000 }).await;
    let root = of(Commit::Root { root: hash(2), size: u64::MAX >> 1 }).await;
    let one = of(Commit::Certificates(hashes(0, 1))).await;
    let many = of(Commit::Certificates(hashes(1, 500))).await;
    let revoked = of(Commit::Revoke(hashes(0, 1)[0])).await;
    let unseen = of(Commit::Revoke(hash(9))).await;
    for (what, cost, figures) in [
        ("the first root", first, (73_514, 80_514)),
        ("a root", root, (73_586, 80_586)),
        ("one hash", one, (47_208, 59_108)),
        ("500 hashes", many, (11_930_504, 14_886_504)),
        ("a revocation", revoked, (30_016, 42_016)),
        ("a revocation of what was not there", unseen, (47_488, 59_388)),
    ] {
        tight(what, cost);
        assert_eq!((cost.used, cost.monad), figures, "{what}");
    }
    // Of 1,000 certificates, at most 100 gas each, on either chain; and no transaction beyond what a chain allows one.
    for root in [first, root] {
        assert!(root.used <= 100_000 && root.monad <= 100_000, "{root:?}");
    }
    assert!(many.monad <= 30_000_000, "{many:?}");

    // Handing over: what is given back for the nomination is not known before, and on Monad never comes.
    let next = world.stranger();
    let nominate = world.registry.prepare_hand_over(HandOver::Nominate(next.address()), world.key.address(), CAP);
    let nominated = cost(&world, &world.key, &nominate.await.unwrap()).await;
    tight("a nomination", nominated);
    let accept = world.registry.prepare_hand_over(HandOver::Accept, next.address(), CAP).await.unwrap();
    let accepted = cost(&world, &next, &accept).await;
    // Every zero byte of the address that is nominated is twelve gas less.
    assert!(nominated.used <= 47_582 && nominated.used >= 47_582 - 20 * 12, "{nominated:?}");
    assert_eq!(nominated.monad - nominated.used, 3_900);
    assert_eq!((accepted.used, accepted.monad), (28_337, 34_337));
    assert!(accepted.allowed < accepted.used * 5 / 4, "{accepted:?}");
    let at = world.registry.final_block().await.unwrap();
    assert_eq!(world.registry.issuer(&at).await.unwrap(), next.address());
}

#[tokio::test]
async fn a_margin_is_allowed_beyond_that() {
    let Some(world) = World::start().await else { return };
    let commit = Commit::Root { root: hash(1), size: 1000 };
    let exact = world.registry.prepare(&commit, world.key.address(), CAP).await.unwrap().gas;
    let registry = world.registry.clone().with_margin(10);
    let wide = registry.prepare(&commit, world.key.address(), CAP).await.unwrap();
    assert_eq!(wide.gas, exact + exact / 10);
    assert!(cost(&world, &world.key, &wide).await.used <= exact);
}
