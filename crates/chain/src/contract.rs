//! The contract as Rust sees it: its functions and errors from its own source, its code from the pinned compiler.

use alloy_primitives::{Bytes, hex};
use alloy_sol_types::SolInterface as _;

alloy_sol_types::sol!("../../contracts/src/ICertificateRegistry.sol");

pub(crate) use ICertificateRegistry as calls;

const CREATION: &str = include_str!("../../../contracts/out/CertificateRegistry.bin");
const RUNTIME: &str = include_str!("../../../contracts/out/CertificateRegistry.runtime.bin");

/// What is sent to deploy the contract. It takes no arguments.
pub fn creation_code() -> Vec<u8> {
    code(CREATION)
}

/// What lies at the contract's address once it is deployed.
pub fn runtime_code() -> Vec<u8> {
    code(RUNTIME)
}

fn code(text: &str) -> Vec<u8> {
    hex::decode(text.trim()).unwrap_or_default()
}

/// What the contract says in its own errors; none where it is none of them.
pub(crate) fn refusal(data: &Bytes) -> Option<String> {
    use calls::ICertificateRegistryErrors as Refused;
    Some(match Refused::abi_decode(data).ok()? {
        Refused::NotIssuer(error) => format!("{} is not its issuer", error.caller),
        Refused::NotNominee(error) => format!("{} was not nominated", error.caller),
        Refused::Empty(_) => "a hash, a root or a size is zero".to_owned(),
        Refused::BatchSize(error) => format!("got {} hashes, expected 1 to {}", error.got, error.most),
        Refused::RootConflict(error) => {
            format!("a log of {} entries has the root {} there, not {}", error.size, error.known, error.got)
        }
        Refused::SizeBehind(error) => {
            format!("a log of {} entries is there already, and {} come before that", error.newest, error.size)
        }
        Refused::UnknownSize(error) => format!("it has no root for a log of {} entries", error.size),
    })
}
