//! `sigma chain`: the contract, the key that pays, and what is put on the chain.

mod ask;
mod handover;

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use sigma_chain::{ChainError, ChainKey, Registry, deploy};
use sigma_pipeline::AnchorStep;
use sigma_store::{Anchor, AnchorKind, AnchorState};

pub use ask::{settle, settle_all};

use crate::args::{Args, ChainArgs, ChainCommand};
use crate::config::{ChainConfig, Config};
use crate::{Outcome, wire};

/// How often what is under way is looked at.
const POLL: Duration = Duration::from_secs(1);
/// Anchors that the status lists.
const LISTED: u32 = 10;

/// Runs the command.
pub async fn run(args: &Args, command: &ChainArgs) -> Result<Outcome> {
    let config = wire::config(args)?;
    match command.command {
        ChainCommand::Key => key(&config.chain),
        ChainCommand::Deploy { wait_seconds } => make(&config.chain, Duration::from_secs(wait_seconds)).await,
        ChainCommand::Nominate { ref address, wait_seconds } => {
            handover::nominate(&config, address, Duration::from_secs(wait_seconds)).await
        }
        ChainCommand::Accept { wait_seconds } => handover::accept(&config, Duration::from_secs(wait_seconds)).await,
        ChainCommand::Status => status(&config).await,
        ChainCommand::Anchor { once, wait_seconds } => {
            anchor(&config, if once { Duration::ZERO } else { Duration::from_secs(wait_seconds) }).await
        }
    }
}

fn key(config: &ChainConfig) -> Result<Outcome> {
    let file = config.key_file.as_ref().context("[chain] key_file is not set: name the file for the key that pays")?;
    let key = if file.exists() { ChainKey::from_file(file)? } else { ChainKey::generate(file)? };
    super::print(&format!("{}\n", key.address()))?;
    Ok(Outcome::Pass)
}

async fn make(config: &ChainConfig, wait: Duration) -> Result<Outcome> {
    let (node, key) = (config.node()?, config.key()?);
    let account = key.address();
    let prepared = deploy(&node, config.chain_id, account, config.cap()).await?;
    let nonce = node.sent(account, "latest").await?;
    let signed = prepared.sign(&key, nonce, prepared.fees);
    let contract = account.create(nonce);
    // Said before it is sent: whatever happens now, it is known where to look.
    eprintln!("deploying to {contract} on chain {} in transaction {}", config.chain_id, signed.hash);
    node.send(&signed.raw).await?;
    let registry = Registry::new(node, config.chain_id, contract, config.finality);
    let until = Instant::now() + wait;
    loop {
        match registry.final_block().await {
            Ok(block) => match registry.issuer(&block).await {
                Ok(_) => break,
                Err(ChainError::NoContract(_)) => {}
                Err(error) => return Err(error.into()),
            },
            Err(ChainError::NothingFinal) => {}
            Err(error) => return Err(error.into()),
        }
        if Instant::now() >= until {
            eprintln!("it is not final yet; once it is, `sigma chain status` finds it");
            super::print(&format!("{contract}\n"))?;
            return Ok(Outcome::Undecided);
        }
        tokio::time::sleep(POLL).await;
    }
    super::print(&format!("{contract}\n"))?;
    Ok(Outcome::Pass)
}

async fn status(config: &Config) -> Result<Outcome> {
    let chain = &config.chain;
    let store = wire::store(config).await?;
    let mut text = format!("anchoring is {}\n", if chain.enabled { "on" } else { "off" });
    if chain.node.is_some() {
        let registry = chain.registry()?;
        let _ = writeln!(text, "chain {}, contract {}", chain.chain_id, registry.contract());
        let block = registry.final_block().await?;
        let (issuer, size) = (registry.issuer(&block).await?, registry.newest_size(&block).await?);
        let _ = writeln!(text, "final block {} ({}), issuer {issuer}", block.number, chain.finality);
        let nominee = registry.nominee(&block).await?;
        if !nominee.is_zero() {
            let _ = writeln!(text, "{nominee} was nominated, and may accept");
        }
        let _ = writeln!(text, "newest root: {size} entries");
        if chain.key_file.is_some() {
            let account = chain.key()?.address();
            let balance = registry.node().balance(account).await?;
            let may = if account == issuer { "is the issuer" } else { "is NOT the issuer: the contract refuses it" };
            let _ = writeln!(text, "account {account} {may}, and has {} gwei", balance / 1_000_000_000);
        }
    }
    for anchor in store.anchors(LISTED).await? {
        let _ = writeln!(text, "  {}", line(&anchor));
    }
    super::print(&text)?;
    Ok(Outcome::Pass)
}

fn line(anchor: &Anchor) -> String {
    let what = match &anchor.kind {
        AnchorKind::Root { size, .. } => format!("root of {size} entries"),
        AnchorKind::Commit => "payload hashes".to_owned(),
        AnchorKind::Revoke => "a revocation".to_owned(),
    };
    let state = match anchor.state {
        AnchorState::Waiting => "waiting".to_owned(),
        AnchorState::Sent => "sent".to_owned(),
        AnchorState::Final => format!("final in block {} ({})", anchor.block, anchor.block_at),
    };
    let more = [&anchor.transaction, &anchor.reason].into_iter().find(|text| !text.is_empty());
    let more = more.map_or_else(String::new, |text| format!(": {}", sigma_core::printable(text, 300)));
    format!("{:>4}  {what} on chain {}  {state}{more}", anchor.seq, anchor.target.chain_id)
}

async fn anchor(config: &Config, wait: Duration) -> Result<Outcome> {
    let store = wire::store(config).await?;
    let anchorer = wire::anchorer(config, store)?;
    let until = Instant::now() + wait;
    let outcome = loop {
        match anchorer.step(wire::now()).await {
            Ok(AnchorStep::Final { seq }) => {
                super::print(&format!("anchor {seq} is on the chain for good\n"))?;
                if !wait.is_zero() {
                    continue;
                }
                break Ok(Outcome::Pass);
            }
            Ok(AnchorStep::Idle) => {
                super::print("nothing is due\n")?;
                break Ok(Outcome::Pass);
            }
            Ok(AnchorStep::NotElected) => {
                eprintln!("another process puts certificates on the chain");
                break Ok(Outcome::Undecided);
            }
            Ok(AnchorStep::Open { seq, reason }) if Instant::now() >= until => {
                eprintln!("anchor {seq}: {reason}");
                break Ok(Outcome::Undecided);
            }
            Ok(AnchorStep::Open { .. }) => tokio::time::sleep(POLL).await,
            Err(error) => break Err(error.into()),
        }
    };
    anchorer.resign().await;
    outcome
}
