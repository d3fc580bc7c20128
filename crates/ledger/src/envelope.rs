//! Envelopes: bytes, their type, and a signature over both (DSSE 1.0); and the leaf that stands for one in the log.

use serde::{Deserialize, Serialize};
use sha2::Digest as _;
use sigma_certificate::canonical_bytes;

use crate::bytes::Base64;
use crate::keys::{Issuer, PublicKey, SignError};
use crate::statement::{PAYLOAD_TYPE, Statement, StatementError};

/// A DSSE envelope with one signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Envelope {
    /// The statement.
    pub payload: Base64,
    /// `application/vnd.in-toto+json`.
    pub payload_type: String,
    /// Exactly one.
    pub signatures: [Signature; 1],
}

/// A signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// In DER.
    pub sig: Base64,
    /// The id of the key.
    pub keyid: String,
}

/// Why a statement could not be signed.
#[derive(Debug, thiserror::Error)]
pub enum AttestError {
    /// The statement.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// The signer.
    #[error(transparent)]
    Sign(#[from] SignError),
}

impl Envelope {
    /// Signs a statement.
    ///
    /// # Errors
    /// When it has no bytes, or the issuer does not sign.
    pub fn sign(statement: &Statement, issuer: &Issuer) -> Result<Self, AttestError> {
        let payload = statement.to_bytes()?;
        let sig = Base64(issuer.sign(&pae(PAYLOAD_TYPE, &payload))?);
        let signatures = [Signature { sig, keyid: issuer.public().id() }];
        Ok(Self { payload: Base64(payload), payload_type: PAYLOAD_TYPE.to_owned(), signatures })
    }

    /// The bytes that are signed.
    pub fn signed_bytes(&self) -> Vec<u8> {
        pae(&self.payload_type, &self.payload.0)
    }

    /// SHA-256 of the bytes that are signed: what names this statement in the log.
    pub fn digest(&self) -> [u8; 32] {
        sha2::Sha256::digest(self.signed_bytes()).into()
    }

    /// Whether a key signed it.
    pub fn verify(&self, key: &PublicKey) -> bool {
        let [signature] = &self.signatures;
        signature.keyid == key.id() && key.verify(&self.signed_bytes(), &signature.sig.0)
    }

    /// The leaf that stands for it: a `hashedrekord` 0.0.2 over the digest of the signed bytes, as canonical JSON. It is the
    /// one form that all verifiers of sigstore bundles take for an envelope.
    pub fn leaf(&self, key: &PublicKey) -> Vec<u8> {
        let [signature] = &self.signatures;
        let leaf = serde_json::json!({
            "apiVersion": "0.0.2",
            "kind": "hashedrekord",
            "spec": {"hashedRekordV002": {
                "data": {"algorithm": "SHA2_256", "digest": Base64(self.digest().to_vec())},
                "signature": {
                    "content": signature.sig,
                    "verifier": {
                        "keyDetails": key.algorithm().key_details(),
                        "publicKey": {"rawBytes": Base64(key.spki().to_vec())},
                    },
                },
            }},
        });
        // It holds texts alone, which always have canonical bytes; an empty leaf would be refused by every log.
        canonical_bytes(&leaf).unwrap_or_default()
    }
}

/// Which statement a leaf stands for: SHA-256 of the bytes that are signed. `None` for what is no leaf of ours.
pub fn statement_digest(leaf: &[u8]) -> Option<[u8; 32]> {
    let leaf = sigma_certificate::admit(leaf, crate::log::MAX_LEAF).ok()?;
    let digest = leaf.pointer("/spec/hashedRekordV002/data/digest")?;
    Base64::deserialize(digest).ok()?.0.try_into().ok()
}

/// DSSE's pre-authentication encoding.
fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    bytes.extend(payload);
    bytes
}
