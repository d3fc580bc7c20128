//! Bundles: all that a stranger needs to check a statement offline.
//!
//! [`Bundle`] is a sigstore bundle v0.3, which other verifiers read. [`CertificateBundle`] is ours: the same for a
//! certificate, with its payload and a status list.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::anchor::Anchor;
use crate::bytes::Base64;
use crate::envelope::Envelope;
use crate::keys::PublicKey;
use crate::log::{LogError, Logged, Reader, Storage};
use crate::note::NoteKey;

/// `mediaType` of a sigstore bundle.
pub const BUNDLE_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
/// `mediaType` of a certificate with its proofs.
pub const CERTIFICATE_BUNDLE_TYPE: &str = "application/vnd.sigma.certificate-bundle.v1+json";

/// The one type of bundle that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum BundleType {
    /// [`BUNDLE_TYPE`].
    #[serde(rename = "application/vnd.dev.sigstore.bundle.v0.3+json")]
    V03,
}

/// The one type of certificate bundle that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CertificateBundleType {
    /// [`CERTIFICATE_BUNDLE_TYPE`].
    #[serde(rename = "application/vnd.sigma.certificate-bundle.v1+json")]
    V1,
}

/// A whole number that JSON carries as text, as Protocol Buffers write 64 bits. One spelling for one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Int64(pub u64);

impl fmt::Display for Int64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Int64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Int64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = text.parse::<i64>().ok().and_then(|number| u64::try_from(number).ok());
        match number.filter(|number| number.to_string() == text) {
            Some(number) => Ok(Self(number)),
            None => Err(serde::de::Error::custom("expected a whole number as text")),
        }
    }
}

/// A certificate, its proofs, and what is known of its status.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CertificateBundle {
    /// [`CERTIFICATE_BUNDLE_TYPE`].
    pub media_type: CertificateBundleType,
    /// The signed statement and its place in the log.
    pub attestation: Bundle,
    /// What was sealed, as JSON; the hash is over its canonical form.
    pub payload: Value,
    /// The newest status list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Bundle>,
    /// Where it was put on a chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor: Option<Anchor>,
}

impl CertificateBundle {
    /// Puts the parts together. The payload is the canonical bytes of the certificate.
    ///
    /// # Errors
    /// When the payload is not JSON.
    pub fn new(attestation: Bundle, canonical: &[u8], status: Option<Bundle>) -> Result<Self, serde_json::Error> {
        let payload = serde_json::from_slice(canonical)?;
        Ok(Self { media_type: CertificateBundleType::V1, attestation, payload, status, anchor: None })
    }

    /// The same with where it was put on a chain.
    #[must_use]
    pub fn with_anchor(self, anchor: Option<Anchor>) -> Self {
        Self { anchor, ..self }
    }
}

/// A sigstore bundle v0.3 of an envelope that was signed with a managed key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Bundle {
    /// [`BUNDLE_TYPE`].
    pub media_type: BundleType,
    /// Key and log.
    pub verification_material: VerificationMaterial,
    /// The statement.
    pub dsse_envelope: Envelope,
}

/// Key and log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VerificationMaterial {
    /// Which key.
    pub public_key: KeyHint,
    /// Exactly one.
    pub tlog_entries: [TlogEntry; 1],
}

/// Which key signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyHint {
    /// Its id.
    pub hint: String,
}

/// An entry of a log, and the proof that it is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TlogEntry {
    /// Its position.
    pub log_index: Int64,
    /// Which log.
    pub log_id: LogId,
    /// `hashedrekord` 0.0.2.
    pub kind_version: KindVersion,
    /// When it was logged, in seconds since 1970.
    pub integrated_time: Int64,
    /// The log's signature over that.
    pub inclusion_promise: InclusionPromise,
    /// The proof.
    pub inclusion_proof: InclusionProof,
    /// The leaf.
    pub canonicalized_body: Base64,
}

/// Which log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogId {
    /// The hash of its name and key.
    pub key_id: Base64,
}

/// What kind of leaf.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KindVersion {
    /// `hashedrekord`.
    pub kind: String,
    /// `0.0.2`.
    pub version: String,
}

/// The log's word for the time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InclusionPromise {
    /// Its signature.
    pub signed_entry_timestamp: Base64,
}

/// The proof that a leaf is in a tree, and whose tree that is. Position, size and root stand here because the format asks for
/// them; what counts is in the checkpoint, and they are compared with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InclusionProof {
    /// The position again.
    pub log_index: Int64,
    /// The root again.
    pub root_hash: Base64,
    /// The size again.
    pub tree_size: Int64,
    /// The hashes from the leaf up.
    #[serde(default)]
    pub hashes: Vec<Base64>,
    /// The signed checkpoint.
    pub checkpoint: CheckpointText,
}

/// A checkpoint as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointText {
    /// The note.
    pub envelope: String,
}

impl Bundle {
    /// The bundle of an envelope that was logged, with a proof for the reader's checkpoint.
    ///
    /// # Errors
    /// When the log does not have the entry there, or storage fails.
    pub fn new<S: Storage>(
        envelope: Envelope,
        issuer: &PublicKey,
        log: &NoteKey,
        logged: &Logged,
        reader: &Reader<S>,
    ) -> Result<Self, LogError> {
        let index = Int64(logged.index);
        let checkpoint = reader.checkpoint();
        let proof = InclusionProof {
            log_index: index,
            root_hash: Base64(checkpoint.root.to_vec()),
            tree_size: Int64(checkpoint.size),
            hashes: reader.inclusion(logged.index)?.into_iter().map(|hash| Base64(hash.to_vec())).collect(),
            checkpoint: CheckpointText { envelope: reader.note().to_string() },
        };
        let entry = TlogEntry {
            log_index: index,
            log_id: LogId { key_id: Base64(log.hash().to_vec()) },
            kind_version: KindVersion { kind: "hashedrekord".to_owned(), version: "0.0.2".to_owned() },
            integrated_time: Int64(u64::try_from(logged.time.as_millis() / 1000).unwrap_or(0)),
            inclusion_promise: InclusionPromise { signed_entry_timestamp: Base64(logged.promise.clone()) },
            inclusion_proof: proof,
            canonicalized_body: Base64(envelope.leaf(issuer)),
        };
        let material = VerificationMaterial { public_key: KeyHint { hint: issuer.id() }, tlog_entries: [entry] };
        Ok(Self { media_type: BundleType::V03, verification_material: material, dsse_envelope: envelope })
    }

    /// Its entry in the log.
    pub fn entry(&self) -> &TlogEntry {
        let [entry] = &self.verification_material.tlog_entries;
        entry
    }
}
