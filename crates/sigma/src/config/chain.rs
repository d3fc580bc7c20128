//! `[chain]`: where certificates are put on a chain, by whom, and for how much.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};
use sigma_chain::{Address, ChainKey, Finality, Node, Registry};
use sigma_pipeline::{AnchorConfig, AnchorMode};
use url::Url;

/// `[chain]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ChainConfig {
    /// Whether certificates are put on a chain.
    pub enabled: bool,
    /// Which chain (EIP-155).
    pub chain_id: u64,
    /// The node that is asked. Its address may hold a key: `SIGMA_CHAIN_NODE` keeps it out of files.
    pub node: Option<Url>,
    /// The contract, as `sigma chain deploy` tells it.
    pub contract: Option<String>,
    /// The key that pays, relative to the configuration file; without it, this process only shows what is on the chain.
    pub key_file: Option<PathBuf>,
    /// What is put there.
    pub mode: ModeSetting,
    /// Seconds after which a root is due where there are less entries than `batch`; how often hashes are looked for.
    pub interval_seconds: u64,
    /// Entries of the log after which a root is due; most payload hashes of one transaction (500 at most).
    pub batch: u64,
    /// When a block counts as final: `finalized`, or a number of confirmations.
    pub finality: Finality,
    /// The most that is paid for gas, gwei.
    pub max_fee_gwei: u64,
    /// Percent of gas that a transaction is allowed beyond what the node says it needs.
    pub gas_margin_percent: u64,
    /// Whether revocations are put there, too.
    pub revocations: bool,
}

/// What is put on the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModeSetting {
    /// The root of the log.
    Root,
    /// Every payload's hash.
    Certificate,
}

impl Default for ChainConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            chain_id: 143,
            node: None,
            contract: None,
            key_file: None,
            mode: ModeSetting::Root,
            interval_seconds: 600,
            batch: 1000,
            finality: Finality::Finalized,
            max_fee_gwei: 300,
            gas_margin_percent: 0,
            revocations: false,
        }
    }
}

/// Wei in a gwei.
const GWEI: u128 = 1_000_000_000;
/// More than any chain ever asked for: beyond it, the setting is a mistake.
const MOST_GWEI: u64 = 1_000_000;

impl ChainConfig {
    /// Whether everything that is set can be used.
    ///
    /// # Errors
    /// When it cannot.
    pub fn check(&self) -> Result<()> {
        if self.enabled {
            self.registry().map(drop)?;
            self.anchor()?;
            if self.key_file.is_some() {
                self.key()?;
            }
        }
        Ok(())
    }

    /// The node.
    ///
    /// # Errors
    /// When none is named, or none that can be asked.
    pub fn node(&self) -> Result<Node> {
        let url = self.node.as_ref().context("[chain] node is not set: name a node of the chain")?;
        Node::new(url).context("[chain] node")
    }

    /// The contract's address.
    ///
    /// # Errors
    /// When none is named, or what is named is none.
    pub fn contract(&self) -> Result<Address> {
        let text = self.contract.as_deref().context("[chain] contract is not set: `sigma chain deploy` makes one")?;
        address(text).context("[chain] contract")
    }

    /// The contract, through the node.
    ///
    /// # Errors
    /// When either is not set.
    pub fn registry(&self) -> Result<Registry> {
        let margin = self.gas_margin_percent;
        ensure!(margin <= 100, "[chain] gas_margin_percent: got {margin}, expected at most 100");
        Ok(Registry::new(self.node()?, self.chain_id, self.contract()?, self.finality).with_margin(margin))
    }

    /// The key that pays.
    ///
    /// # Errors
    /// When none is named, or it cannot be read, or others can read it too.
    pub fn key(&self) -> Result<ChainKey> {
        let file = self.key_file.as_ref().context("[chain] key_file is not set: name the key that pays")?;
        Ok(ChainKey::from_file(file)?)
    }

    /// The most that is paid, wei per gas.
    pub fn cap(&self) -> u128 {
        u128::from(self.max_fee_gwei) * GWEI
    }

    /// How often and how much.
    ///
    /// # Errors
    /// When a number is none that can be used.
    pub fn anchor(&self) -> Result<AnchorConfig> {
        ensure!(self.batch > 0, "[chain] batch: got 0, expected at least 1");
        ensure!(self.interval_seconds > 0, "[chain] interval_seconds: got 0, expected at least 1");
        let fee = self.max_fee_gwei;
        ensure!((1..=MOST_GWEI).contains(&fee), "[chain] max_fee_gwei: got {fee}, expected 1 to {MOST_GWEI}");
        Ok(AnchorConfig {
            mode: match self.mode {
                ModeSetting::Root => AnchorMode::Root,
                ModeSetting::Certificate => AnchorMode::Certificate,
            },
            batch: self.batch,
            interval: Duration::from_secs(self.interval_seconds),
            max_fee: self.cap(),
            revocations: self.revocations,
        })
    }
}

/// Reads an address.
///
/// # Errors
/// When it is none, or has the mixed case of another one (EIP-55).
pub fn address(text: &str) -> Result<Address> {
    let wrong = || format!("got `{}`, expected 0x and 40 hexadecimal digits", sigma_core::printable(text, 60));
    let mixed =
        text.bytes().any(|byte| byte.is_ascii_uppercase()) && text.bytes().any(|byte| matches!(byte, b'a'..=b'f'));
    ensure!(text.starts_with("0x"), wrong());
    match mixed {
        true => Address::parse_checksummed(text, None).with_context(wrong),
        false => text.parse().with_context(wrong),
    }
}
