//! Where a certificate was put on a chain: what a bundle says of it, and what of that is proven without asking anybody.
//!
//! Nothing here is signed. Of a log, the proof shows that the entry is in the tree of the root that is named; whether that root, or the
//! payload's own hash, is in the contract says only a node of the chain, which is asked elsewhere: there is no network here.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tlog_tiles::tlog::{Hash, check_record, record_hash};

use crate::bundle::Int64;
use crate::bytes::Base64;

/// A path in a tree of 2^53 entries has no more hashes.
const MAX_PROOF: usize = 63;

/// Bytes as chains write them: `0x` and lower-case hexadecimal digits, one spelling for one value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hex<const N: usize>(pub [u8; N]);

impl<const N: usize> fmt::Display for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{}", data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl<const N: usize> fmt::Debug for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no such bytes.
#[derive(Debug, thiserror::Error)]
#[error("expected 0x and {0} lower-case hexadecimal digits")]
pub struct NotHex(usize);

impl<const N: usize> std::str::FromStr for Hex<N> {
    type Err = NotHex;

    fn from_str(text: &str) -> Result<Self, NotHex> {
        let digits = text.strip_prefix("0x").and_then(|text| data_encoding::HEXLOWER.decode(text.as_bytes()).ok());
        digits.and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or(NotHex(2 * N))
    }
}

impl<const N: usize> Serialize for Hex<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Where it was put.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Anchor {
    /// Which chain (EIP-155).
    pub chain_id: Int64,
    /// Which contract.
    pub contract: Hex<20>,
    /// By which transaction, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<Hex<32>>,
    /// In which block.
    pub block: Int64,
    /// The log whose root is there; without it, the payload's own hash is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<AnchoredLog>,
}

/// A log whose root is on a chain, and the proof that the bundle's entry is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AnchoredLog {
    /// Its entries.
    pub size: Int64,
    /// Its root.
    pub root_hash: Base64,
    /// The hashes from the leaf up (RFC 9162, section 2.1.3).
    #[serde(default)]
    pub hashes: Vec<Base64>,
}

/// What has to be in a contract, so that the certificate is on the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AnchorClaim {
    /// Which chain (EIP-155).
    pub chain_id: u64,
    /// Which contract.
    pub contract: Hex<20>,
    /// By which transaction, as the bundle says.
    pub transaction: Option<Hex<32>>,
    /// In which block, as the bundle says.
    pub block: u64,
    /// keccak256 of the payload: what is there where no root is, and what a revocation is about.
    pub payload_hash: Hex<32>,
    /// The root that is there. The bundle's entry is proven to be in its tree.
    #[serde(flatten)]
    pub root: Option<ClaimedRoot>,
}

/// A root of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClaimedRoot {
    /// Entries.
    pub log_size: u64,
    /// RFC 9162.
    pub log_root: Hex<32>,
}

impl fmt::Display for AnchorClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.root {
            Some(root) => write!(f, "the root of {} entries, this one among them", root.log_size)?,
            None => f.write_str("the payload's hash")?,
        }
        write!(f, ", in the contract {} on chain {}", self.contract, self.chain_id)
    }
}

impl Anchor {
    /// What has to be in the contract, once the proof holds for the entry at `index`.
    pub(crate) fn claim(&self, entry: &[u8], index: u64, payload_hash: &str) -> Result<AnchorClaim, String> {
        let payload_hash = payload_hash.parse().map_err(|error: NotHex| error.to_string())?;
        let root = match &self.log {
            None => None,
            Some(log) => {
                let root: [u8; 32] =
                    log.root_hash.0.as_slice().try_into().map_err(|_| "the root has not 32 bytes".to_owned())?;
                let hashes = log.hashes.iter().map(|hash| hash.0.as_slice().try_into().map(Hash));
                let hashes =
                    hashes.collect::<Result<Vec<_>, _>>().map_err(|_| "a hash of the proof has not 32 bytes")?;
                if hashes.len() > MAX_PROOF {
                    return Err(format!("got a proof of {} hashes, expected at most {MAX_PROOF}", hashes.len()));
                }
                check_record(&hashes, log.size.0, Hash(root), index, record_hash(entry))
                    .map_err(|_| format!("it does not lead from entry {index} to the root of {} entries", log.size))?;
                Some(ClaimedRoot { log_size: log.size.0, log_root: Hex(root) })
            }
        };
        Ok(AnchorClaim {
            chain_id: self.chain_id.0,
            contract: self.contract,
            transaction: self.transaction,
            block: self.block.0,
            payload_hash,
            root,
        })
    }
}
