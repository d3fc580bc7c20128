//! What is asked of a node, in types: numbers have their width, hashes their length, lists their bound.

use alloy_primitives::{Address, B256, Bytes};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};
use url::Url;

use crate::rpc::{NodeError, Rpc};

/// An EVM node.
#[derive(Debug, Clone)]
pub struct Node {
    rpc: Rpc,
}

/// A block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Its place in the chain.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
    /// Its time, in seconds since 1970.
    pub time: u64,
    /// What it asks for gas, in wei; 0 on chains without a base fee.
    pub base_fee: u128,
}

/// What a node says became of a transaction. A hint, never a proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The block that it is in.
    pub block: u64,
    /// Whether it did what it should; false where it was reverted.
    pub succeeded: bool,
    /// Gas that it used.
    pub gas_used: u64,
}

/// A number as JSON-RPC writes it: `0x` and hexadecimal digits, at least one.
struct Quantity<T>(T);

impl<'de, T: TryFrom<u128>> Deserialize<'de> for Quantity<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text.strip_prefix("0x").filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let number = digits.and_then(|digits| u128::from_str_radix(digits, 16).ok());
        match number.and_then(|number| T::try_from(number).ok()) {
            Some(number) => Ok(Self(number)),
            None => Err(serde::de::Error::custom("expected a number as hexadecimal digits")),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawBlock {
    number: Quantity<u64>,
    hash: B256,
    timestamp: Quantity<u64>,
    #[serde(default)]
    base_fee_per_gas: Option<Quantity<u128>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawReceipt {
    transaction_hash: B256,
    // `null` while it is pending, at some nodes.
    #[serde(default)]
    block_number: Option<Quantity<u64>>,
    #[serde(default)]
    status: Option<Quantity<u64>>,
    #[serde(default)]
    gas_used: Option<Quantity<u64>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawLog {
    address: Address,
    block_number: Quantity<u64>,
    transaction_hash: B256,
    topics: Vec<B256>,
    #[serde(default)]
    removed: bool,
}

#[derive(Serialize)]
struct Call<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<Address>,
    data: &'a Bytes,
}

impl Node {
    /// A node at an address.
    ///
    /// # Errors
    /// When the address is none that can be asked.
    pub fn new(url: &Url) -> Result<Self, NodeError> {
        Ok(Self { rpc: Rpc::new(url)? })
    }

    /// Which chain it is a node of (EIP-155).
    ///
    /// # Errors
    /// As all of these: when the node gives no answer, or a wrong one.
    pub async fn chain_id(&self) -> Result<u64, NodeError> {
        Ok(self.rpc.need::<Quantity<u64>>("eth_chainId", json!([])).await?.0)
    }

    /// A block: `latest`, `finalized`, or a number as hexadecimal digits. None where the node has none.
    pub async fn block(&self, which: &str) -> Result<Option<Block>, NodeError> {
        let raw: Option<RawBlock> = self.rpc.ask("eth_getBlockByNumber", json!([which, false])).await?;
        Ok(raw.map(|raw| Block {
            number: raw.number.0,
            hash: raw.hash,
            time: raw.timestamp.0,
            base_fee: raw.base_fee_per_gas.map_or(0, |fee| fee.0),
        }))
    }

    /// How many transactions of an account are in the chain, up to a block.
    pub async fn sent(&self, account: Address, block: &str) -> Result<u64, NodeError> {
        Ok(self.rpc.need::<Quantity<u64>>("eth_getTransactionCount", json!([account, block])).await?.0)
    }

    /// What an account has, in wei; what is beyond 2^128 counts as wrong.
    pub async fn balance(&self, account: Address) -> Result<u128, NodeError> {
        Ok(self.rpc.need::<Quantity<u128>>("eth_getBalance", json!([account, "latest"])).await?.0)
    }

    /// The code at an address.
    pub async fn code(&self, account: Address, block: &str) -> Result<Bytes, NodeError> {
        self.rpc.need("eth_getCode", json!([account, block])).await
    }

    /// The usual tip, in wei per gas; 0 at nodes that know of none.
    pub async fn tip(&self) -> Result<u128, NodeError> {
        match self.rpc.need::<Quantity<u128>>("eth_maxPriorityFeePerGas", json!([])).await {
            Ok(tip) => Ok(tip.0),
            Err(NodeError::Refused { code: -32601, .. }) => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// How much gas a call needs, as of the newest block. Not of what is pending: that may be this very call, which a second time needs
    /// next to nothing.
    pub async fn estimate(&self, from: Address, to: Option<Address>, data: &Bytes) -> Result<u64, NodeError> {
        let call = Call { from: Some(from), to, data };
        Ok(self.rpc.need::<Quantity<u64>>("eth_estimateGas", json!([call, "latest"])).await?.0)
    }

    /// What a contract answers as of a block.
    pub async fn call(&self, to: Address, data: &Bytes, block: &str) -> Result<Bytes, NodeError> {
        self.rpc.need("eth_call", json!([Call { from: None, to: Some(to), data }, block])).await
    }

    /// Hands a signed transaction over.
    pub async fn send(&self, raw: &[u8]) -> Result<(), NodeError> {
        // What the node answers is the transaction's hash, which we know.
        let _: Option<Value> = self.rpc.ask("eth_sendRawTransaction", json!([Bytes::copy_from_slice(raw)])).await?;
        Ok(())
    }

    /// What became of a transaction; none where the node does not know of it, or it is pending.
    pub async fn receipt(&self, hash: B256) -> Result<Option<Receipt>, NodeError> {
        const METHOD: &str = "eth_getTransactionReceipt";
        let Some(raw) = self.rpc.ask::<RawReceipt>(METHOD, json!([hash])).await? else { return Ok(None) };
        if raw.transaction_hash != hash {
            return Err(self.rpc.wrong(METHOD, "it is about another transaction"));
        }
        let Some(block) = raw.block_number else { return Ok(None) };
        Ok(Some(Receipt {
            block: block.0,
            succeeded: raw.status.is_some_and(|status| status.0 == 1),
            gas_used: raw.gas_used.map_or(0, |gas| gas.0),
        }))
    }

    pub(crate) fn wrong(&self, method: &'static str, why: &str) -> NodeError {
        self.rpc.wrong(method, why)
    }

    /// The events of a kind that a contract wrote in a block: their topics, and the transaction. Asked of that block alone: nodes limit
    /// wider questions.
    pub(crate) async fn events(
        &self,
        contract: Address,
        block: u64,
        kind: B256,
    ) -> Result<Vec<(Vec<B256>, B256)>, NodeError> {
        let at = quantity(block);
        let filter = json!({"address": contract, "fromBlock": at, "toBlock": at, "topics": [kind]});
        let logs: Vec<RawLog> = self.rpc.need("eth_getLogs", json!([filter])).await?;
        let fits = |log: &RawLog| log.address == contract && log.block_number.0 == block && !log.removed;
        let fitting = logs.into_iter().filter(|log| fits(log) && log.topics.first() == Some(&kind));
        Ok(fitting.map(|log| (log.topics, log.transaction_hash)).collect())
    }
}

/// A number as JSON-RPC writes it.
pub(crate) fn quantity(number: u64) -> String {
    format!("0x{number:x}")
}
