//! Transactions of EIP-1559: their bytes, their signature, their hash.

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_rlp::{BufMut, Encodable as _, Header};

use crate::fees::Fees;
use crate::key::ChainKey;

/// The type of a transaction with a base fee (EIP-2718, EIP-1559).
const TYPE: u8 = 2;

/// A transaction that moves no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// Of which chain (EIP-155).
    pub chain_id: u64,
    /// How many the sender has sent before.
    pub nonce: u64,
    /// What is paid for gas.
    pub fees: Fees,
    /// Most gas.
    pub gas: u64,
    /// Whom it calls; none to deploy a contract.
    pub to: Option<Address>,
    /// With what.
    pub data: Bytes,
}

/// A signed transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// What is sent.
    pub raw: Vec<u8>,
    /// Its hash, which names it.
    pub hash: B256,
}

impl Transaction {
    /// Signs it.
    pub fn sign(&self, key: &ChainKey) -> Signed {
        let (r, s, odd) = key.sign(&keccak256(self.encode(None)));
        let raw = self.encode(Some((odd, U256::from_be_bytes(r), U256::from_be_bytes(s))));
        let hash = keccak256(&raw);
        Signed { raw, hash }
    }

    fn encode(&self, signature: Option<(bool, U256, U256)>) -> Vec<u8> {
        let mut fields = Vec::with_capacity(200 + self.data.len());
        self.chain_id.encode(&mut fields);
        self.nonce.encode(&mut fields);
        self.fees.tip.encode(&mut fields);
        self.fees.most.encode(&mut fields);
        self.gas.encode(&mut fields);
        match &self.to {
            Some(to) => to.encode(&mut fields),
            None => fields.put_u8(alloy_rlp::EMPTY_STRING_CODE),
        }
        U256::ZERO.encode(&mut fields);
        self.data.encode(&mut fields);
        // No list of accesses.
        fields.put_u8(alloy_rlp::EMPTY_LIST_CODE);
        if let Some((odd, r, s)) = signature {
            odd.encode(&mut fields);
            r.encode(&mut fields);
            s.encode(&mut fields);
        }
        let mut raw = vec![TYPE];
        Header { list: true, payload_length: fields.len() }.encode(&mut raw);
        raw.extend_from_slice(&fields);
        raw
    }
}
