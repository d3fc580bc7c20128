//! Keys: the P-256 key of the issuer, which signs statements, and the Ed25519 key of the log, which signs checkpoints.
//!
//! In: files that only their owner may read, or a command that signs. Out: signatures and public keys. A private key never
//! leaves this module: it is not printed, not serialised, not handed out.

mod file;
mod issuer;
mod log;
mod public;

pub use file::{KeyFileError, generate_issuer_key, generate_log_key};
pub use issuer::{Issuer, SignCommand, SignError};
pub use log::LogKey;
pub use public::{Algorithm, PublicKey, PublicKeyError};
