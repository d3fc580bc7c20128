//! From what was chosen to what is final.
//!
//! The nonce is what makes it safe. A transaction is kept before it is sent; as long as its nonce is not used up for good, only
//! replacements of it are signed, at the same nonce, of which the chain takes one. Once the nonce is used up at a final block and the
//! contract still does not have what was to be put there, none of them can do it any more, and the next nonce is taken. A node that lies
//! about nonces can make us pay twice; it cannot make the contract keep anything twice.

use sigma_chain::{Address, Block, ChainError, Commit, Fees, Found, NodeError, Prepared, Registry};
use sigma_core::Timestamp;
use sigma_store::{Anchor, AnchorKind, AnchorState, AnchorTransaction};

use super::{AnchorError, Anchorer, commit, hex};

/// How long a transaction may wait for its block before one at a higher fee replaces it, in milliseconds.
const PATIENCE: i64 = 90_000;
/// How long after a transaction that was for nothing the next one is signed: as long for the second, twice as long for every further
/// one, an hour at most. Each costs something.
const FIRST_PAUSE: i64 = 60_000;
const LONGEST_PAUSE: i64 = 3_600_000;

impl Anchorer {
    /// What it waits for; none where it is final.
    pub(super) async fn advance(&self, mut anchor: Anchor, now: Timestamp) -> Result<Option<String>, AnchorError> {
        let contract: Address = anchor.target.contract.parse().map_err(|_| AnchorError::Damaged(anchor.seq))?;
        let registry = self.registry.at(contract);
        let at = registry.final_block().await?;
        if anchor.state == AnchorState::Waiting {
            self.move_on(&mut anchor, &registry, &at, now).await?;
        }
        let commit = commit(&self.store, &anchor).await?;
        let transactions = self.store.transactions_of(anchor.seq).await?;
        if let Some(found) = registry.find(&commit, &at).await? {
            self.finish(&anchor, &registry, &commit, &transactions, found, now).await?;
            return Ok(None);
        }
        // Those of another key are none that we could replace. Should one be done, the next is for nothing.
        let sender = hex(self.key.address());
        let ours: Vec<_> = transactions.into_iter().filter(|one| one.sender == sender).collect();
        let Some(newest) = ours.last() else { return self.sign_anew(&anchor, &registry, &commit, now).await.map(Some) };
        let node = registry.node();
        let account = self.key.address();
        if node.sent(account, &format!("0x{:x}", at.number)).await.map_err(ChainError::from)? > newest.nonce {
            return self.after_failure(&anchor, &registry, &commit, &ours, now).await.map(Some);
        }
        if node.sent(account, "latest").await.map_err(ChainError::from)? > newest.nonce {
            return Ok(Some(format!("transaction {} is in a block that is not final yet", newest.hash)));
        }
        if now.as_millis() >= newest.signed_at.as_millis().saturating_add(PATIENCE) {
            return self.replace(&anchor, &registry, &commit, newest, now).await.map(Some);
        }
        // Again, whether or not it was sent before: the same transaction is the same.
        send(&registry, newest).await.map(Some)
    }

    /// A root that is not signed yet becomes the newest one, if the contract knows no other history.
    async fn move_on(
        &self,
        anchor: &mut Anchor,
        registry: &Registry,
        at: &Block,
        now: Timestamp,
    ) -> Result<(), AnchorError> {
        let AnchorKind::Root { size, root } = &mut anchor.kind else { return Ok(()) };
        let log = self.ledger.reader()?.log()?;
        let checkpoint = log.checkpoint();
        let known = registry.newest_size(at).await?;
        if known > 0 {
            let there = registry.root(known, at).await?.map_or_else(String::new, |found| hex(found.root));
            let other = |why: String| AnchorError::OtherLog { size: known, known: there.clone(), why };
            if known > checkpoint.size {
                return Err(other(format!("this log has {} entries", checkpoint.size)));
            }
            let ours = hex(log.root(known).map_err(crate::LedgerError::from)?);
            if ours != there {
                return Err(other(format!("this log had the root {ours} then")));
            }
        }
        if checkpoint.size > *size {
            (*size, *root) = (checkpoint.size, hex(checkpoint.root));
            self.store.move_root(anchor.seq, *size, root, now).await?;
        }
        Ok(())
    }

    /// Signs the first transaction for this, or the next one after some were for nothing.
    async fn sign_anew(
        &self,
        anchor: &Anchor,
        registry: &Registry,
        commit: &Commit,
        now: Timestamp,
    ) -> Result<String, AnchorError> {
        let account = self.key.address();
        let prepared = registry.prepare(commit, account, self.config.max_fee).await?;
        let latest = registry.node().sent(account, "latest").await.map_err(ChainError::from)?;
        // A node that lags tells a nonce that was used up long ago.
        let nonce = latest.max(self.store.next_nonce(registry.chain_id(), &hex(account)).await?);
        // What was signed for that nonce and never got anywhere may still be around.
        let before = self.store.newest_transaction(registry.chain_id(), &hex(account), nonce).await?;
        self.sign(anchor, registry, &prepared, nonce, before.as_ref(), now).await
    }

    /// The nonce is used up, and nothing came of it.
    async fn after_failure(
        &self,
        anchor: &Anchor,
        registry: &Registry,
        commit: &Commit,
        ours: &[AnchorTransaction],
        now: Timestamp,
    ) -> Result<String, AnchorError> {
        let newest = ours.iter().max_by_key(|one| one.nonce).ok_or(AnchorError::Damaged(anchor.seq))?;
        let mut nonces: Vec<_> = ours.iter().map(|one| one.nonce).collect();
        nonces.sort_unstable();
        nonces.dedup();
        let pause = FIRST_PAUSE.saturating_mul(1 << (nonces.len() - 1).min(10)).min(LONGEST_PAUSE);
        if now.as_millis() < newest.signed_at.as_millis().saturating_add(pause) {
            return Ok(format!(
                "transaction {} was for nothing: the contract does not have it; it is tried again",
                newest.hash
            ));
        }
        self.sign_anew(anchor, registry, commit, now).await
    }

    async fn replace(
        &self,
        anchor: &Anchor,
        registry: &Registry,
        commit: &Commit,
        newest: &AnchorTransaction,
        now: Timestamp,
    ) -> Result<String, AnchorError> {
        let sent = send(registry, newest).await?;
        match registry.prepare(commit, self.key.address(), self.config.max_fee).await {
            Ok(prepared) => match self.sign(anchor, registry, &prepared, newest.nonce, Some(newest), now).await {
                Err(AnchorError::Chain(ChainError::TooExpensive(why))) => Ok(format!("{sent}; a replacement: {why}")),
                other => other,
            },
            // What is on its way may still be taken.
            Err(ChainError::TooExpensive(why)) => Ok(format!("{sent}; a replacement: {why}")),
            Err(error) => Err(error.into()),
        }
    }

    /// Signs, keeps, sends: in this order.
    async fn sign(
        &self,
        anchor: &Anchor,
        registry: &Registry,
        prepared: &Prepared,
        nonce: u64,
        before: Option<&AnchorTransaction>,
        now: Timestamp,
    ) -> Result<String, AnchorError> {
        let (fees, attempt) = match before {
            None => (prepared.fees, 0),
            Some(before) => {
                let offered = Fees { most: before.max_fee.into(), tip: before.tip.into() };
                let fees = prepared.fees.replacing(offered, self.config.max_fee).map_err(ChainError::from)?;
                (fees, before.attempt + 1)
            }
        };
        let signed = prepared.sign(&self.key, nonce, fees);
        let signed = AnchorTransaction {
            sender: hex(self.key.address()),
            nonce,
            attempt,
            hash: hex(signed.hash),
            raw: signed.raw,
            max_fee: u64::try_from(fees.most).unwrap_or(u64::MAX),
            tip: u64::try_from(fees.tip).unwrap_or(u64::MAX),
            signed_at: now,
        };
        if !self.store.keep_transaction(registry.chain_id(), anchor.seq, &signed).await? {
            return Ok("another process signs for it".to_owned());
        }
        send(registry, &signed).await
    }

    /// The contract has it, at a final block. Receipts only tell which transaction it was.
    async fn finish(
        &self,
        anchor: &Anchor,
        registry: &Registry,
        commit: &Commit,
        transactions: &[AnchorTransaction],
        found: Found,
        now: Timestamp,
    ) -> Result<(), AnchorError> {
        let (mut by, mut block) = (String::new(), found.block);
        for one in transactions.iter().rev() {
            let Ok(hash) = one.hash.parse() else { continue };
            // A node that does not say is no reason to wait: what counts is known.
            let Ok(Some(receipt)) = registry.node().receipt(hash).await else { continue };
            let fits =
                receipt.block == found.block || anchor.kind == AnchorKind::Revoke && receipt.block <= found.block;
            if receipt.succeeded && fits {
                (by, block) = (one.hash.clone(), receipt.block);
                break;
            }
        }
        if by.is_empty() {
            by = registry.author(commit, &found).await.ok().flatten().map(hex).unwrap_or_default();
        }
        let block_at = i64::try_from(found.time).ok().and_then(|time| time.checked_mul(1000)).unwrap_or(i64::MAX);
        self.store.finish_anchor(anchor.seq, &by, block, Timestamp::from_millis(block_at), now).await?;
        Ok(())
    }
}

/// Hands a kept transaction over. That the node knows it already is no error; what else it says is told.
async fn send(registry: &Registry, kept: &AnchorTransaction) -> Result<String, AnchorError> {
    let sent = format!("transaction {} is sent and in no block yet", kept.hash);
    match registry.node().send(&kept.raw).await {
        Ok(()) => Ok(sent),
        Err(NodeError::Refused { message, .. }) if is_known(&message) => Ok(sent),
        Err(NodeError::Refused { message, .. }) => {
            tracing::warn!(transaction.hash = kept.hash, "the node does not take the transaction: {message}");
            Ok(format!("transaction {} is not taken by the node; it is sent again", kept.hash))
        }
        Err(error) => Err(ChainError::from(error).into()),
    }
}

/// How nodes say that they have a transaction already.
fn is_known(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    ["already known", "already imported", "known transaction", "already in mempool"]
        .iter()
        .any(|text| message.contains(text))
}
