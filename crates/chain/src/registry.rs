//! The issuer's contract on one chain: what it says at a block that is final, and transactions that change it.
//!
//! In: a node, a contract, how many blocks make one final. Out: what is there, or why it cannot be said. What this crate calls final is
//! read at one numbered block, so that two answers are about the same state.

use std::fmt;
use std::str::FromStr;

use alloy_primitives::{Address, B256, Bytes};
use alloy_sol_types::{SolCall, SolEvent as _};
use serde::{Deserialize, Serialize};

use crate::commit::Commit;
use crate::contract::{calls, creation_code, refusal, runtime_code};
use crate::fees::{Fees, TooExpensive};
use crate::key::ChainKey;
use crate::node::{Block, Node, quantity};
use crate::rpc::NodeError;
use crate::transaction::{Signed, Transaction};

/// Why something was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// The node.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// It is a node of another chain.
    #[error("the node is of chain {got}, expected {expected}")]
    Chain {
        /// Its chain.
        got: u64,
        /// The configured one.
        expected: u64,
    },
    /// Gas costs too much.
    #[error(transparent)]
    TooExpensive(#[from] TooExpensive),
    /// The gas that the node says a call needs is none that it can need.
    #[error("the node asks for {got} gas, expected 21000 to {most}: nothing is sent")]
    Gas {
        /// What it asks for.
        got: u64,
        /// What the call can need.
        most: u64,
    },
    /// The contract says no.
    #[error("the contract {contract} refuses: {why}")]
    Refused {
        /// Which.
        contract: Address,
        /// What it says.
        why: String,
    },
    /// There is no such contract.
    #[error("there is no certificate registry at {0} on this chain")]
    NoContract(Address),
    /// The node does not say what is final.
    #[error("the node knows no final block: wait, or have a number of confirmations count as final")]
    NothingFinal,
}

/// When a block counts as final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Finality {
    /// When the chain's consensus says so: the node's block `finalized`.
    Finalized,
    /// When so many blocks came after it.
    Confirmations(u64),
}

/// Neither `finalized` nor a number.
#[derive(Debug, thiserror::Error)]
#[error("got `{0}`, expected `finalized` or a number of confirmations, such as `12`")]
pub struct NoFinality(String);

impl FromStr for Finality {
    type Err = NoFinality;

    fn from_str(text: &str) -> Result<Self, NoFinality> {
        match text {
            "finalized" => Ok(Self::Finalized),
            number => {
                number.parse().map(Self::Confirmations).map_err(|_| NoFinality(sigma_core::printable(number, 40)))
            }
        }
    }
}

impl TryFrom<String> for Finality {
    type Error = NoFinality;

    fn try_from(text: String) -> Result<Self, NoFinality> {
        text.parse()
    }
}

impl fmt::Display for Finality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finalized => f.write_str("finalized"),
            Self::Confirmations(number) => number.fmt(f),
        }
    }
}

impl From<Finality> for String {
    fn from(finality: Finality) -> Self {
        finality.to_string()
    }
}

/// What the contract says of something that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// The block that put it there.
    pub block: u64,
    /// That block's time, in seconds since 1970.
    pub time: u64,
}

/// What the contract says of a payload hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoundCertificate {
    /// Where and when it was put there, if it was.
    pub committed: Option<Found>,
    /// When it was said that it no longer stands, in seconds since 1970, if it was.
    pub revoked: Option<u64>,
}

/// What the contract says of a size of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoundRoot {
    /// The root.
    pub root: B256,
    /// Where and when.
    pub at: Found,
}

/// A transaction that may be signed: everything but its nonce is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// As much gas as the node says it needs, and the margin: some chains charge what is allowed, not what is used.
    pub gas: u64,
    /// What the market asks.
    pub fees: Fees,
    data: Bytes,
    to: Option<Address>,
    chain_id: u64,
}

impl Prepared {
    /// The signed transaction, at a nonce and for a price.
    pub fn sign(&self, key: &ChainKey, nonce: u64, fees: Fees) -> Signed {
        let (chain_id, gas, to, data) = (self.chain_id, self.gas, self.to, self.data.clone());
        Transaction { chain_id, nonce, fees, gas, to, data }.sign(key)
    }
}

/// A contract on a chain.
#[derive(Debug, Clone)]
pub struct Registry {
    node: Node,
    chain_id: u64,
    contract: Address,
    finality: Finality,
    margin: u64,
}

impl Registry {
    /// A contract that a node is asked about.
    pub fn new(node: Node, chain_id: u64, contract: Address, finality: Finality) -> Self {
        Self { node, chain_id, contract, finality, margin: 0 }
    }

    /// Allows its transactions so many percent more gas than the node says they need.
    #[must_use]
    pub fn with_margin(self, percent: u64) -> Self {
        Self { margin: percent, ..self }
    }

    /// The node.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// Which chain.
    pub fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// Its address.
    pub fn contract(&self) -> Address {
        self.contract
    }

    /// The same chain, another contract.
    #[must_use]
    pub fn at(&self, contract: Address) -> Self {
        Self { contract, ..self.clone() }
    }

    /// The newest block that is final, of the right chain: every look begins with it.
    ///
    /// # Errors
    /// When the node is of another chain, or does not say.
    pub async fn final_block(&self) -> Result<Block, ChainError> {
        check_chain(&self.node, self.chain_id).await?;
        final_block(&self.node, self.finality).await
    }

    /// The root for a size of the log, as of a block.
    ///
    /// # Errors
    /// When the node does not say.
    pub async fn root(&self, size: u64, at: &Block) -> Result<Option<FoundRoot>, ChainError> {
        let found = self.read(&calls::rootOfCall { size }, at).await?;
        let place = Found { block: found.committedBlock, time: found.committedAt };
        Ok((!found.root.is_zero()).then_some(FoundRoot { root: found.root, at: place }))
    }

    /// Where a commit is, as of a block: of many hashes the last one. None where something of it is missing; a root other than the one
    /// that was to be put there is an error.
    ///
    /// # Errors
    /// When the node does not say, or the contract has another root.
    pub async fn find(&self, commit: &Commit, at: &Block) -> Result<Option<Found>, ChainError> {
        match commit {
            Commit::Root { root, size } => match self.root(*size, at).await? {
                None => Ok(None),
                Some(found) if found.root == *root => Ok(Some(found.at)),
                Some(found) => {
                    let why = format!("a log of {size} entries has the root {} there, not {root}", found.root);
                    Err(ChainError::Refused { contract: self.contract, why })
                }
            },
            Commit::Certificates(hashes) => {
                let all = self.certificates(hashes, at).await?;
                let there: Option<Vec<Found>> = all.into_iter().map(|one| one.committed).collect();
                Ok(there.and_then(|there| there.into_iter().max_by_key(|found| found.block)))
            }
            Commit::Revoke(hash) => {
                let one = self.read(&calls::certificateOfCall { payloadHash: *hash }, at).await?;
                // The contract keeps no block for it. The time is enough to say that it is there.
                Ok((one.revokedAt != 0).then_some(Found { block: at.number, time: one.revokedAt }))
            }
        }
    }

    /// What is there of payload hashes, in their order, as of a block: one question for up to [`MAX_BATCH`](crate::MAX_BATCH) of them.
    ///
    /// # Errors
    /// When the node does not say, or speaks of others.
    pub async fn certificates(&self, hashes: &[B256], at: &Block) -> Result<Vec<FoundCertificate>, ChainError> {
        let all = self.read(&calls::certificatesOfCall { payloadHashes: hashes.to_vec() }, at).await?;
        if all.len() != hashes.len() {
            let why = format!("got {} certificates, expected {}", all.len(), hashes.len());
            return Err(self.node.wrong("eth_call", &why).into());
        }
        let found = all.into_iter().map(|one| FoundCertificate {
            committed: (one.committedBlock != 0).then_some(Found { block: one.committedBlock, time: one.committedAt }),
            revoked: (one.revokedAt != 0).then_some(one.revokedAt),
        });
        Ok(found.collect())
    }

    /// Which transaction put it there, as far as the node says. Of a revocation the contract keeps no block, so nobody knows.
    ///
    /// # Errors
    /// When the node does not say.
    pub async fn author(&self, commit: &Commit, found: &Found) -> Result<Option<B256>, ChainError> {
        let (kind, wanted) = match commit {
            Commit::Root { size, .. } => {
                (calls::RootCommitted::SIGNATURE_HASH, vec![B256::left_padding_from(&size.to_be_bytes())])
            }
            Commit::Certificates(hashes) => (calls::Committed::SIGNATURE_HASH, hashes.clone()),
            Commit::Revoke(_) => return Ok(None),
        };
        let events = self.node.events(self.contract, found.block, kind).await?;
        let ours = |topics: &[B256]| topics.get(1).is_some_and(|topic| wanted.contains(topic));
        Ok(events.into_iter().find(|(topics, _)| ours(topics)).map(|(_, transaction)| transaction))
    }

    /// The issuer, as of a block, where the contract is the one that this crate knows.
    ///
    /// # Errors
    /// When the node does not say, or there is another contract or none.
    pub async fn issuer(&self, at: &Block) -> Result<Address, ChainError> {
        if self.node.code(self.contract, &quantity(at.number)).await? != runtime_code() {
            return Err(ChainError::NoContract(self.contract));
        }
        self.read(&calls::issuerCall {}, at).await
    }

    /// The largest size that there is a root for, as of a block.
    ///
    /// # Errors
    /// When the node does not say.
    pub async fn newest_size(&self, at: &Block) -> Result<u64, ChainError> {
        self.read(&calls::newestSizeCall {}, at).await
    }

    /// Makes a transaction ready: what the contract would refuse, or what costs too much, ends here.
    ///
    /// # Errors
    /// When the node does not say, the contract refuses, or it costs more than `cap`, in wei per gas.
    pub async fn prepare(&self, commit: &Commit, from: Address, cap: u128) -> Result<Prepared, ChainError> {
        self.prepare_call(commit.data(), commit.most_gas(), from, cap).await
    }

    pub(crate) async fn prepare_call(
        &self,
        data: Bytes,
        most: u64,
        from: Address,
        cap: u128,
    ) -> Result<Prepared, ChainError> {
        let fees = market(&self.node, cap).await?;
        let gas = match self.node.estimate(from, Some(self.contract), &data).await {
            Ok(gas) => gas,
            Err(NodeError::Refused { data: Some(data), .. }) if refusal(&data).is_some() => {
                return Err(ChainError::Refused { contract: self.contract, why: refusal(&data).unwrap_or_default() });
            }
            Err(error) => return Err(error.into()),
        };
        check_gas(gas, most)?;
        let gas = gas.saturating_add(gas.saturating_mul(self.margin) / 100);
        Ok(Prepared { gas, fees, data, to: Some(self.contract), chain_id: self.chain_id })
    }

    pub(crate) async fn read<C: SolCall>(&self, call: &C, at: &Block) -> Result<C::Return, ChainError> {
        let answer = self.node.call(self.contract, &call.abi_encode().into(), &quantity(at.number)).await?;
        // A call of an address without code succeeds, with nothing.
        if answer.is_empty() {
            return Err(ChainError::NoContract(self.contract));
        }
        C::abi_decode_returns(&answer).map_err(|error| {
            let why = format!("the contract's answer: {error}");
            ChainError::Node(self.node.wrong("eth_call", &why))
        })
    }
}

/// Makes the transaction that deploys the contract ready.
///
/// # Errors
/// When the node is of another chain, does not say, or it costs more than `cap`, in wei per gas.
pub async fn deploy(node: &Node, chain_id: u64, from: Address, cap: u128) -> Result<Prepared, ChainError> {
    /// A tenth more than five KB of code cost under Monad's rules.
    const MOST: u64 = 3_000_000;
    check_chain(node, chain_id).await?;
    let data = Bytes::from(creation_code());
    let fees = market(node, cap).await?;
    let gas = node.estimate(from, None, &data).await?;
    check_gas(gas, MOST)?;
    Ok(Prepared { gas, fees, data, to: None, chain_id })
}

/// No transaction needs less than 21,000.
fn check_gas(got: u64, most: u64) -> Result<(), ChainError> {
    if (21_000..=most).contains(&got) { Ok(()) } else { Err(ChainError::Gas { got, most }) }
}

async fn check_chain(node: &Node, expected: u64) -> Result<(), ChainError> {
    let got = node.chain_id().await?;
    if got == expected { Ok(()) } else { Err(ChainError::Chain { got, expected }) }
}

async fn final_block(node: &Node, finality: Finality) -> Result<Block, ChainError> {
    let found = match finality {
        Finality::Finalized => node.block("finalized").await?,
        Finality::Confirmations(number) => {
            let latest = node.block("latest").await?.ok_or(ChainError::NothingFinal)?;
            match latest.number.checked_sub(number) {
                Some(number) => node.block(&quantity(number)).await?,
                None => None,
            }
        }
    };
    found.ok_or(ChainError::NothingFinal)
}

async fn market(node: &Node, cap: u128) -> Result<Fees, ChainError> {
    let latest = node.block("latest").await?.ok_or(ChainError::NothingFinal)?;
    Ok(Fees::market(latest.base_fee, node.tip().await?, cap)?)
}
