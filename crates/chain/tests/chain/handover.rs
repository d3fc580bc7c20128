//! The contract gets another issuer in two steps, and only so.

use sigma_chain::{Address, ChainError, Commit, HandOver};

use crate::support::{CAP, World, hash};

#[tokio::test]
async fn a_nominee_that_accepts_is_the_issuer() {
    let Some(world) = World::start().await else { return };
    let next = world.stranger();
    let take = async |key: &sigma_chain::ChainKey, step| {
        let prepared = world.registry.prepare_hand_over(step, key.address(), CAP).await?;
        let nonce = world.registry.node().sent(key.address(), "latest").await.unwrap();
        world.registry.node().send(&prepared.sign(key, nonce, prepared.fees).raw).await.unwrap();
        world.node.mine(3);
        Ok::<_, ChainError>(())
    };
    let why = async |key: &sigma_chain::ChainKey, step| match take(key, step).await {
        Err(ChainError::Refused { why, .. }) => why,
        other => panic!("{other:?}"),
    };
    let now = async || {
        let at = world.registry.final_block().await.unwrap();
        (world.registry.issuer(&at).await.unwrap(), world.registry.nominee(&at).await.unwrap())
    };
    let (old, new) = (world.key.address(), next.address());
    assert_eq!(now().await, (old, Address::ZERO));
    assert_eq!(why(&next, HandOver::Accept).await, format!("{new} was not nominated"));
    assert_eq!(why(&next, HandOver::Nominate(new)).await, format!("{new} is not its issuer"));
    take(&world.key, HandOver::Nominate(new)).await.unwrap();
    assert_eq!(now().await, (old, new), "nothing changes before it accepts");
    world.commit(&Commit::Root { root: hash(1), size: 10 }).await;
    // Taken back, and given again.
    take(&world.key, HandOver::Nominate(Address::ZERO)).await.unwrap();
    assert_eq!(why(&next, HandOver::Accept).await, format!("{new} was not nominated"));
    take(&world.key, HandOver::Nominate(new)).await.unwrap();
    take(&next, HandOver::Accept).await.unwrap();
    assert_eq!(now().await, (new, Address::ZERO));
    assert_eq!(why(&next, HandOver::Accept).await, format!("{new} was not nominated"), "once");
    let root = Commit::Root { root: hash(2), size: 20 };
    let refused = world.registry.prepare(&root, old, CAP).await.unwrap_err().to_string();
    assert!(refused.ends_with(&format!("{old} is not its issuer")), "{refused}");
    world.registry.prepare(&root, new, CAP).await.unwrap();
}
