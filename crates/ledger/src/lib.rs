//! Keys, signed statements, the transparency log, and the proof of a certificate that anyone can check offline.
//!
//! In: canonical bytes of certificates, decisions of operators. Out: signed statements, their positions in the log, proofs,
//! bundles, the list of what was revoked, and the verification of all that. Only this room holds private keys. It never
//! speaks over a network: what witnesses and clients are asked is text that others carry.
#![warn(missing_docs)]

mod anchor;
pub mod bundle;
mod bytes;
mod checkpoint;
mod envelope;
pub mod keys;
pub mod log;
mod note;
mod root;
pub mod statement;
mod verify;

pub use anchor::{Anchor, AnchorClaim, AnchoredLog, ClaimedRoot, Hex, NotHex};
pub use bytes::Base64;
pub use checkpoint::{Checkpoint, MAX_SIZE};
pub use envelope::{AttestError, Envelope, Signature, statement_digest};
pub use note::{Note, NoteError, NoteKey, NoteSignature};
pub use root::{IssuerKey, LogAuthority, ROOT_TYPE, Revocation, RootChanges, RootError, TrustedRoot, ValidFor};
pub use verify::{
    AnchorAnswer, Artifact, Attested, Check, MAX_BUNDLE, Name, NotAttested, Outcome, Policy, Report, Stale, State,
    Status, StatusError, UpdateError, update, verify, verify_statement,
};
