//! `sigma chain nominate` and `accept`: another key becomes the contract's issuer.
//!
//! The key that signs may be the one that puts certificates on the chain: nothing is sent while another process does that, or while one
//! of its transactions is under way, so that each nonce has one use.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use sigma_chain::{Address, ChainKey, HandOver, Registry};
use sigma_store::Duty;

use super::POLL;
use crate::config::{Config, address};
use crate::{Outcome, wire};

/// The first step.
pub async fn nominate(config: &Config, next: &str, wait: Duration) -> Result<Outcome> {
    let next = address(next).context("the account to nominate")?;
    let (registry, key) = (config.chain.registry()?, config.chain.key()?);
    let done = async |registry: &Registry| -> Result<bool> {
        Ok(registry.nominee(&registry.final_block().await?).await? == next)
    };
    let said = match next.is_zero() {
        true => "nobody is nominated any more".to_owned(),
        false => format!("{next} may accept: `sigma chain accept`, with its key"),
    };
    take(config, &registry, &key, HandOver::Nominate(next), wait, done, &said).await
}

/// The second step.
pub async fn accept(config: &Config, wait: Duration) -> Result<Outcome> {
    let (registry, key) = (config.chain.registry()?, config.chain.key()?);
    let account = key.address();
    let done = async |registry: &Registry| -> Result<bool> {
        Ok(registry.issuer(&registry.final_block().await?).await? == account)
    };
    take(config, &registry, &key, HandOver::Accept, wait, done, &format!("{account} is the issuer")).await
}

async fn take(
    config: &Config,
    registry: &Registry,
    key: &ChainKey,
    step: HandOver,
    wait: Duration,
    done: impl AsyncFn(&Registry) -> Result<bool>,
    said: &str,
) -> Result<Outcome> {
    // Whether it is the contract that this program knows is looked at first: coins sent to another one are lost.
    registry.issuer(&registry.final_block().await?).await?;
    if !done(registry).await? {
        let store = wire::store(config).await?;
        let Some(_claim) = store.try_claim(Duty::Chain(registry.chain_id())).await? else {
            eprintln!(
                "another process puts certificates on the chain: stop it for the moment (sigma serve, sigma worker)"
            );
            return Ok(Outcome::Undecided);
        };
        if let Some(open) = store.open_anchor(registry.chain_id()).await? {
            eprintln!("anchor {} is under way: let it end first (sigma chain anchor)", open.seq);
            return Ok(Outcome::Undecided);
        }
        send(registry, key, step, config.chain.cap()).await?;
        let until = Instant::now() + wait;
        while !done(registry).await? {
            if Instant::now() >= until {
                eprintln!("it is not final yet; `sigma chain status` tells when it is");
                return Ok(Outcome::Undecided);
            }
            tokio::time::sleep(POLL).await;
        }
    }
    super::super::print(&format!("{said}\n"))?;
    Ok(Outcome::Pass)
}

/// Sends it at the next nonce. Given twice before it is final, the second is for nothing: the contract refuses it, or has it already.
async fn send(registry: &Registry, key: &ChainKey, step: HandOver, cap: u128) -> Result<()> {
    let account: Address = key.address();
    let prepared = registry.prepare_hand_over(step, account, cap).await?;
    let signed = prepared.sign(key, registry.node().sent(account, "latest").await?, prepared.fees);
    eprintln!("sent in transaction {}", signed.hash);
    registry.node().send(&signed.raw).await?;
    Ok(())
}
