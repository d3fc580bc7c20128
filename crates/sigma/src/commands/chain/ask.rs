//! The chain's part of `sigma verify`: what a bundle says is on a chain, asked of a node that the verifier trusts.
//!
//! The contract is the one that the verifier pinned, never the one that the bundle names: anybody can deploy a contract and put into
//! it whatever he likes.

use anyhow::Result;
use sigma_chain::{B256, ChainError, Commit, Node, Registry};
use sigma_ledger::{AnchorAnswer, AnchorClaim, Name, Report, State};

use crate::args::AskChain;
use crate::config::{ChainConfig, address};

/// Asks the node, where one is given, and notes its answer in the report. False where one was given and nothing was proven.
pub async fn settle(config: &ChainConfig, ask: &AskChain, report: &mut Report) -> Result<bool> {
    let Some(url) = &ask.node else { return Ok(true) };
    if let Some(claim) = report.anchor.clone() {
        let pinned = ask.contract.as_deref().or(config.contract.as_deref());
        let answer = match pinned {
            None => AnchorAnswer::Unknown("no contract is pinned: name the issuer's with --contract".to_owned()),
            Some(pinned) => {
                let registry = Registry::new(Node::new(url)?, claim.chain_id, address(pinned)?, config.finality);
                // That nobody answers is not known to be false.
                answer(&registry, &claim).await.unwrap_or_else(|error| AnchorAnswer::Unknown(error.to_string()))
            }
        };
        report.settle_anchor(answer);
    }
    Ok(report.state(Name::Anchor) == State::Proven)
}

async fn answer(registry: &Registry, claim: &AnchorClaim) -> Result<AnchorAnswer, ChainError> {
    let at = registry.final_block().await?;
    let hash = B256::from(claim.payload_hash.0);
    let place = format!("the contract {} on chain {}", registry.contract(), claim.chain_id);
    if let Some(revoked) = registry.find(&Commit::Revoke(hash), &at).await? {
        return Ok(AnchorAnswer::Missing(format!(
            "{place} says that it was revoked at {} (seconds since 1970)",
            revoked.time
        )));
    }
    let found = match &claim.root {
        None => registry.find(&Commit::Certificates(vec![hash]), &at).await?,
        Some(root) => match registry.root(root.log_size, &at).await? {
            Some(there) if there.root != B256::from(root.log_root.0) => {
                let got = there.root;
                return Ok(AnchorAnswer::Missing(format!("{place} has the root {got} for {} entries", root.log_size)));
            }
            there => there.map(|there| there.at),
        },
    };
    Ok(match found {
        Some(found) => AnchorAnswer::There(format!(
            "{claim}: it is there since block {} ({}), as of the final block {}",
            found.block,
            sigma_core::Timestamp::from_millis(i64::try_from(found.time).unwrap_or_default().saturating_mul(1000)),
            at.number
        )),
        None => AnchorAnswer::Missing(format!("{place} has nothing of it, as of the final block {}", at.number)),
    })
}
