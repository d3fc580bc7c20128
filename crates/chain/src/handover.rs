//! Handing the contract over in two steps: its issuer nominates a key, and that key accepts. A mistyped address therefore loses nothing.

use alloy_primitives::{Address, Bytes};
use alloy_sol_types::SolCall as _;

use crate::contract::calls;
use crate::node::Block;
use crate::registry::{ChainError, Prepared, Registry};

/// A step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandOver {
    /// The issuer names who may take its place; the zero address takes that back.
    Nominate(Address),
    /// Whoever was nominated takes it.
    Accept,
}

/// Two slots are written, and none of them is new to an account that ever nominated anybody.
const MOST_GAS: u64 = 150_000;

impl Registry {
    /// Who may become the issuer, as of a block; the zero address where nobody was nominated.
    ///
    /// # Errors
    /// When the node does not say.
    pub async fn nominee(&self, at: &Block) -> Result<Address, ChainError> {
        self.read(&calls::nomineeCall {}, at).await
    }

    /// Makes the transaction of a step ready: what the contract would refuse ends here.
    ///
    /// # Errors
    /// When the node does not say, the contract refuses, or it costs more than `cap`, in wei per gas.
    pub async fn prepare_hand_over(&self, step: HandOver, from: Address, cap: u128) -> Result<Prepared, ChainError> {
        let data: Bytes = match step {
            HandOver::Nominate(nominee) => calls::nominateIssuerCall { nominee }.abi_encode().into(),
            HandOver::Accept => calls::acceptIssuerCall {}.abi_encode().into(),
        };
        self.prepare_call(data, MOST_GAS, from, cap).await
    }
}
