//! What an anchor is to the public: the block of a certificate, and the part of a bundle.

use sigma_certificate::OnChain;
use sigma_ledger::bundle::Int64;
use sigma_ledger::log::{Folder, Reader};
use sigma_ledger::{AnchoredLog, Base64};
use sigma_store::{Anchor, AnchorKind, AnchorState, LoggedAt, Store};

use crate::LedgerError;

/// Where a certificate is on a chain. `anchoring` says whether this registry puts certificates on one: what it did earlier stays true.
pub fn on_chain(anchor: Option<&Anchor>, anchoring: bool) -> OnChain {
    let Some(anchor) = anchor else {
        return match anchoring {
            true => OnChain::not_committed("it waits for its turn to be put on the chain"),
            false => OnChain::off(),
        };
    };
    let (log_size, log_root) = match &anchor.kind {
        AnchorKind::Root { size, root } => (Some(*size), Some(root.clone())),
        AnchorKind::Commit | AnchorKind::Revoke => (None, None),
    };
    let view = OnChain {
        chain_id: Some(anchor.target.chain_id),
        contract: Some(anchor.target.contract.clone()),
        log_size,
        log_root,
        ..OnChain::default()
    };
    let because = |otherwise: &str| {
        let reason = if anchor.reason.is_empty() { otherwise } else { &anchor.reason };
        OnChain { reason: Some(reason.to_owned()), ..view.clone() }
    };
    match anchor.state {
        AnchorState::Waiting => because("it is about to be put on the chain"),
        AnchorState::Sent => because("a transaction is sent and not final yet"),
        AnchorState::Final => OnChain {
            committed: true,
            transaction: Some(anchor.transaction.clone()).filter(|hash| !hash.is_empty()),
            block: Some(anchor.block),
            committed_at: Some(anchor.block_at),
            ..view
        },
    }
}

/// What a bundle says of the chain, with the proof that leads there. None before it is final.
pub(crate) async fn proof(
    store: &Store,
    log: &Reader<Folder>,
    certificate_id: &str,
    logged: Option<&LoggedAt>,
) -> Result<Option<sigma_ledger::Anchor>, LedgerError> {
    let found = store.anchor_of(certificate_id).await?.filter(|anchor| anchor.state == AnchorState::Final);
    let (Some(anchor), Some(logged)) = (found, logged) else { return Ok(None) };
    let damaged = || LedgerError::Damaged(certificate_id.to_owned());
    let log = match &anchor.kind {
        AnchorKind::Root { size, .. } if *size > log.checkpoint().size => return Ok(None),
        AnchorKind::Root { size, root } => {
            let root: sigma_ledger::Hex<32> = root.parse().map_err(|_| damaged())?;
            let hashes = log.inclusion_at(logged.index, *size)?;
            Some(AnchoredLog {
                size: Int64(*size),
                root_hash: Base64(root.0.to_vec()),
                hashes: hashes.into_iter().map(|hash| Base64(hash.to_vec())).collect(),
            })
        }
        AnchorKind::Commit | AnchorKind::Revoke => None,
    };
    Ok(Some(sigma_ledger::Anchor {
        chain_id: Int64(anchor.target.chain_id),
        contract: anchor.target.contract.parse().map_err(|_| damaged())?,
        transaction: anchor.transaction.parse().ok(),
        block: Int64(anchor.block),
        log,
    }))
}
