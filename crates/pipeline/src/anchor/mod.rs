//! Puts what was certified on a chain: one root of the log for many certificates, or each payload's hash.
//!
//! In: the log and the store, a contract, a key. Out: anchors that are final, and what stands in the way of others. Every run of
//! [`Anchorer::step`] goes as far as it can and may end anywhere: what was chosen and signed is in the store before it leaves this
//! machine, so the next run, of whatever process, goes on with it. Nothing counts as done before the contract says so at a final block.

mod advance;
mod choose;
mod run;
mod view;

pub use view::on_chain;
pub(crate) use view::proof;

use std::sync::Arc;
use std::time::Duration;

use sigma_chain::{ChainError, ChainKey, Commit, NodeError, Registry};
use sigma_core::Timestamp;
use sigma_store::{Anchor, AnchorTarget, Claim, Duty, Store, StoreError};
use tokio::sync::Mutex;

use crate::{LedgerError, LedgerFolder};

/// What is put on the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnchorMode {
    /// The root of the log: one transaction for all that it covers.
    Root,
    /// Every payload's hash.
    Certificate,
}

/// How often, how much, and for how much.
#[derive(Debug, Clone)]
pub struct AnchorConfig {
    /// What is put on the chain.
    pub mode: AnchorMode,
    /// Entries of the log after which a root is due; most payload hashes of one transaction.
    pub batch: u64,
    /// After how long a root is due where there are less; how often hashes are looked for.
    pub interval: Duration,
    /// The most that is paid, wei per gas.
    pub max_fee: u128,
    /// Whether revocations are put on the chain, too.
    pub revocations: bool,
}

/// Why a step ended early. What was begun stays, and the next step goes on.
#[derive(Debug, thiserror::Error)]
pub enum AnchorError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The chain.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The contract has a root that this log never had, or a larger log's.
    #[error(
        "the contract has the root {known} for a log of {size} entries; {why}: this is an old copy of the log, or another one"
    )]
    OtherLog {
        /// Entries.
        size: u64,
        /// Its root.
        known: String,
        /// What this log has.
        why: String,
    },
    /// What is stored is not what was stored.
    #[error("anchor {0}: what is stored of it cannot be read")]
    Damaged(u64),
}

/// How far a step came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnchorStep {
    /// Another process does this.
    NotElected,
    /// Nothing is due.
    Idle,
    /// Something is under way.
    Open {
        /// Which.
        seq: u64,
        /// What it waits for.
        reason: String,
    },
    /// Something is on the chain for good.
    Final {
        /// Which.
        seq: u64,
    },
}

/// The one who puts things on a chain. Several may exist; one at a time is elected through the store, and even two at once do no harm.
/// Copies are one and the same.
#[derive(Debug, Clone)]
pub struct Anchorer {
    store: Store,
    ledger: LedgerFolder,
    registry: Registry,
    key: ChainKey,
    config: AnchorConfig,
    /// Held from the first step until [`Anchorer::resign`], or until the process ends.
    elected: Arc<Mutex<Option<Claim>>>,
}

impl Anchorer {
    /// Puts it together.
    pub fn new(store: Store, ledger: LedgerFolder, registry: Registry, key: ChainKey, config: AnchorConfig) -> Self {
        Self { store, ledger, registry, key, config, elected: Arc::default() }
    }

    /// Goes as far as it can, where no other process does.
    ///
    /// # Errors
    /// When store, log or chain refuse. The reason is kept with what is under way.
    pub async fn step(&self, now: Timestamp) -> Result<AnchorStep, AnchorError> {
        let mut elected = self.elected.lock().await;
        let still = match elected.as_mut() {
            Some(claim) => claim.is_held().await,
            None => false,
        };
        if !still {
            *elected = None;
            *elected = self.store.try_claim(Duty::Chain(self.registry.chain_id())).await?;
        }
        if elected.is_none() { Ok(AnchorStep::NotElected) } else { self.work(now).await }
    }

    /// Goes as far as it can, elected or not: chooses what is due, signs, sends, looks whether it is final. Two that do this at once,
    /// because one was stopped and did not notice that the other took its place, do what one does.
    ///
    /// # Errors
    /// As [`Anchorer::step`].
    pub async fn work(&self, now: Timestamp) -> Result<AnchorStep, AnchorError> {
        let chain_id = self.registry.chain_id();
        let mut open = self.store.open_anchor(chain_id).await?;
        if open.is_none() && self.choose(now).await? {
            open = self.store.open_anchor(chain_id).await?;
        }
        let Some(anchor) = open else { return Ok(AnchorStep::Idle) };
        let seq = anchor.seq;
        let (step, reason) = match self.advance(anchor, now).await {
            Ok(Some(reason)) => (Ok(AnchorStep::Open { seq, reason: reason.clone() }), reason),
            Ok(None) => return Ok(AnchorStep::Final { seq }),
            Err(error) => {
                let reason = public(&error);
                (Err(error), reason)
            }
        };
        self.store.explain_anchor(seq, &reason, now).await?;
        step
    }

    /// Gives the election back.
    pub async fn resign(&self) {
        *self.elected.lock().await = None;
    }

    /// The contract.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The key.
    pub fn key(&self) -> &ChainKey {
        &self.key
    }

    fn target(&self) -> AnchorTarget {
        AnchorTarget { chain_id: self.registry.chain_id(), contract: hex(self.registry.contract()) }
    }
}

/// The reason that certificates show: what a node says is for the operator alone.
fn public(error: &AnchorError) -> String {
    match error {
        AnchorError::Store(_) | AnchorError::Ledger(_) | AnchorError::Damaged(_) => "an internal error".to_owned(),
        AnchorError::Chain(ChainError::Node(NodeError::Unreachable(why))) => {
            format!("the node cannot be reached: {why}")
        }
        AnchorError::Chain(ChainError::Node(NodeError::Refused { .. })) => "the node refuses".to_owned(),
        AnchorError::Chain(ChainError::Node(_)) => "the node gives no usable answer".to_owned(),
        AnchorError::Chain(_) | AnchorError::OtherLog { .. } => sigma_core::printable(&error.to_string(), 500),
    }
}

/// Addresses and hashes as the store has them.
fn hex(bytes: impl AsRef<[u8]>) -> String {
    format!("0x{}", data_encoding::HEXLOWER.encode(bytes.as_ref()))
}

/// The call of an anchor.
async fn commit(store: &Store, anchor: &Anchor) -> Result<Commit, AnchorError> {
    use sigma_store::AnchorKind;
    let damaged = |_| AnchorError::Damaged(anchor.seq);
    let hashes = async || {
        let hashes = store.anchored_hashes(anchor.seq).await?;
        hashes.iter().map(|hash| hash.parse().map_err(damaged)).collect::<Result<Vec<_>, _>>()
    };
    Ok(match &anchor.kind {
        AnchorKind::Root { size, root } => Commit::Root { root: root.parse().map_err(damaged)?, size: *size },
        AnchorKind::Commit => Commit::Certificates(hashes().await?),
        AnchorKind::Revoke => Commit::Revoke(hashes().await?.first().copied().ok_or(AnchorError::Damaged(anchor.seq))?),
    })
}
