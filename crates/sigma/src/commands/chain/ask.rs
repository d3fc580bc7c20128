//! The chain's part of `sigma verify`: what bundles say is on a chain, asked of a node that the verifier trusts.
//!
//! The contract is the one that the verifier pinned, never the one that a bundle names: anybody can deploy a contract and put into it
//! whatever he likes. A root that many bundles name is asked about once, and revocations are asked about many at a time.

use std::collections::BTreeMap;

use anyhow::Result;
use sigma_chain::{B256, Block, ChainError, Found, FoundCertificate, FoundRoot, MAX_BATCH, Node, Registry};
use sigma_core::Timestamp;
use sigma_ledger::{AnchorAnswer, AnchorClaim, Name, Report, State};
use sigma_verify::{ChainFacts, Section, claims};

use crate::args::AskChain;
use crate::config::{ChainConfig, address};

/// Sizes of the log that one run asks about. A log that gets a root every ten minutes has as many in a week.
const MAX_ROOTS: usize = 1000;

/// Asks the node about a bundle, where one is given, and notes its answer in the report. False where one was given and nothing was
/// proven.
pub async fn settle(config: &ChainConfig, ask: &AskChain, report: &mut Report) -> Result<bool> {
    if ask.node.is_none() {
        return Ok(true);
    }
    if let Some(claim) = report.anchor.clone() {
        let (_, answers) = answers(config, ask, &[Some(claim)]).await?;
        answers.into_iter().for_each(|answer| report.settle_anchor(answer));
    }
    Ok(report.state(Name::Anchor) == State::Proven)
}

/// Asks the node about everything that a verification rests on, where one is given.
pub async fn settle_all(config: &ChainConfig, ask: &AskChain, sections: &mut [Section]) -> Result<Option<ChainFacts>> {
    if ask.node.is_none() {
        return Ok(None);
    }
    let (contract, answers) = answers(config, ask, &claims(sections)).await?;
    Ok(Some(sigma_verify::settle(sections, contract, answers)))
}

/// An answer to every claim, in order; and the contract that was asked.
async fn answers(
    config: &ChainConfig,
    ask: &AskChain,
    claims: &[Option<AnchorClaim>],
) -> Result<(Option<String>, Vec<AnchorAnswer>)> {
    let unknown = |why: &str| AnchorAnswer::Unknown(why.to_owned());
    let mut answers = vec![unknown("its bundle names nothing on a chain"); claims.len()];
    let pinned = ask.contract.as_deref().or(config.contract.as_deref());
    let (Some(url), Some(pinned)) = (&ask.node, pinned) else {
        let why = unknown("no contract is pinned: name the issuer's with --contract");
        return Ok((None, vec![why; claims.len()]));
    };
    let (node, contract) = (Node::new(url)?, address(pinned)?);
    let mut chains: BTreeMap<u64, Vec<(usize, &AnchorClaim)>> = BTreeMap::new();
    for (index, claim) in claims.iter().enumerate().filter_map(|(index, claim)| Some((index, claim.as_ref()?))) {
        chains.entry(claim.chain_id).or_default().push((index, claim));
    }
    for (chain_id, claims) in chains {
        let registry = Registry::new(node.clone(), chain_id, contract, config.finality);
        let asked: Vec<&AnchorClaim> = claims.iter().map(|(_, claim)| *claim).collect();
        // That nobody answers is not known to be false.
        let got =
            of_chain(&registry, &asked).await.unwrap_or_else(|error| vec![unknown(&error.to_string()); asked.len()]);
        for ((index, _), answer) in claims.iter().zip(got) {
            answers[*index] = answer;
        }
    }
    Ok((Some(contract.to_string()), answers))
}

/// The answers about claims of one chain.
async fn of_chain(registry: &Registry, claims: &[&AnchorClaim]) -> Result<Vec<AnchorAnswer>, ChainError> {
    let at = registry.final_block().await?;
    let hashes: Vec<B256> = claims.iter().map(|claim| B256::from(claim.payload_hash.0)).collect();
    let mut known = Vec::with_capacity(hashes.len());
    for batch in hashes.chunks(MAX_BATCH) {
        known.extend(registry.certificates(batch, &at).await?);
    }
    let mut roots: BTreeMap<u64, Option<FoundRoot>> = BTreeMap::new();
    let mut answers = Vec::with_capacity(claims.len());
    for (claim, known) in claims.iter().zip(known) {
        if let Some(size) = claim.root.map(|root| root.log_size)
            && !roots.contains_key(&size)
        {
            if roots.len() >= MAX_ROOTS {
                let why = format!("more than {MAX_ROOTS} roots are named, and it is none of the first");
                answers.push(AnchorAnswer::Unknown(why));
                continue;
            }
            roots.insert(size, registry.root(size, &at).await?);
        }
        let root = claim.root.and_then(|root| roots.get(&root.log_size).copied().flatten());
        answers.push(answer(registry, claim, &known, root, &at));
    }
    Ok(answers)
}

fn answer(
    registry: &Registry,
    claim: &AnchorClaim,
    known: &FoundCertificate,
    root: Option<FoundRoot>,
    at: &Block,
) -> AnchorAnswer {
    let place = format!("the contract {} on chain {}", registry.contract(), claim.chain_id);
    if let Some(revoked) = known.revoked {
        return AnchorAnswer::Missing(format!("{place} says that it was revoked at {revoked} (seconds since 1970)"));
    }
    let found: Option<Found> = match (&claim.root, root) {
        (None, _) => known.committed,
        (Some(claimed), Some(there)) if there.root != B256::from(claimed.log_root.0) => {
            let got = there.root;
            return AnchorAnswer::Missing(format!("{place} has the root {got} for {} entries", claimed.log_size));
        }
        (Some(_), there) => there.map(|there| there.at),
    };
    match found {
        Some(found) => AnchorAnswer::There(format!(
            "{claim}: it is there since block {} ({}), as of the final block {}",
            found.block,
            Timestamp::from_millis(i64::try_from(found.time).unwrap_or_default().saturating_mul(1000)),
            at.number
        )),
        None => AnchorAnswer::Missing(format!("{place} has nothing of it, as of the final block {}", at.number)),
    }
}
