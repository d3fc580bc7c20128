//! The trusted root: whose keys are believed, and for what time. What a verifier pins.
//!
//! In: documents, pinned by whoever verifies. Out: keys by id. A key is checked against the time at which something was
//! logged, never against today: what was signed while a key was good stays good. No key ever leaves the document; it is
//! given an end, or revoked from a time on.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sigma_certificate::{admit, canonical_bytes};
use sigma_core::{Sha256, Timestamp, printable};

use crate::bytes::Base64;
use crate::keys::{Algorithm, PublicKey};
use crate::log::WitnessPolicy;
use crate::note::NoteKey;

/// `mediaType` of the document.
pub const ROOT_TYPE: &str = "application/vnd.sigma.trusted-root.v1+json";
/// A root has a few keys.
const MAX_ROOT: usize = 1 << 20;

/// Why a document is no trusted root, or not the next one.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    /// It is not JSON as it may be hashed.
    #[error(transparent)]
    Json(#[from] sigma_certificate::AdmitError),
    /// It is not of this shape.
    #[error("not a trusted root: {0}")]
    Shape(#[from] serde_json::Error),
    /// A key or name in it is none.
    #[error("not a trusted root: {0}")]
    Key(String),
    /// It cannot follow the one before it.
    #[error("not the next trusted root: {0}")]
    Succession(String),
}

/// From when on a key was used, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValidFor {
    /// The first moment.
    pub start: Timestamp,
    /// The first moment at which it no longer was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Timestamp>,
}

impl From<Timestamp> for ValidFor {
    /// From a moment on, without end. The log knows whole seconds, so the second counts in which a key came to be.
    fn from(start: Timestamp) -> Self {
        Self { start: Timestamp::from_millis(start.as_millis().div_euclid(1000) * 1000), end: None }
    }
}

/// That a key was lost or stolen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// What was logged from then on is not believed. The beginning of time, when nothing is.
    pub since: Timestamp,
    /// Why.
    pub reason: String,
}

/// The key of an issuer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IssuerKey {
    /// P-256, as SubjectPublicKeyInfo.
    pub public_key: Base64,
    /// When it was used.
    pub valid_for: ValidFor,
    /// Whether it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Revocation>,
}

/// The key of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogAuthority {
    /// The log's name.
    pub origin: String,
    /// Where it is served. It holds the name, as verifiers of sigstore bundles want it.
    pub base_url: String,
    /// Ed25519, as SubjectPublicKeyInfo.
    pub public_key: Base64,
    /// When it was used.
    pub valid_for: ValidFor,
    /// Whether it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Revocation>,
}

/// The document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Document {
    media_type: String,
    version: u64,
    issued_at: Timestamp,
    previous: Option<Sha256>,
    issuers: Vec<IssuerKey>,
    logs: Vec<LogAuthority>,
    witnesses: Vec<String>,
    witness_threshold: u64,
}

/// A trusted root: a document whose keys were read.
#[derive(Debug, Clone)]
pub struct TrustedRoot {
    document: Document,
    issuers: Vec<(String, PublicKey)>,
    logs: Vec<NoteKey>,
    witnesses: WitnessPolicy,
}

impl TrustedRoot {
    /// The first root of an issuer and its log.
    ///
    /// # Errors
    /// When the base URL does not hold the log's name, or a key is not of its kind.
    pub fn first(issuer: &PublicKey, log: &NoteKey, base_url: &str, now: Timestamp) -> Result<Self, RootError> {
        let valid_for = ValidFor::from(now);
        Self::read(Document {
            media_type: ROOT_TYPE.to_owned(),
            version: 1,
            issued_at: now,
            previous: None,
            issuers: vec![IssuerKey {
                public_key: Base64(issuer.spki().to_vec()),
                valid_for: valid_for.clone(),
                revoked: None,
            }],
            logs: vec![LogAuthority {
                origin: log.name().to_owned(),
                base_url: base_url.to_owned(),
                public_key: Base64(log.key().spki().to_vec()),
                valid_for,
                revoked: None,
            }],
            witnesses: Vec::new(),
            witness_threshold: 0,
        })
    }

    /// Reads a document that the caller has reason to trust.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(bytes: &[u8]) -> Result<Self, RootError> {
        Self::read(serde_json::from_value(admit(bytes, MAX_ROOT)?)?)
    }

    fn read(document: Document) -> Result<Self, RootError> {
        let wrong = |what: String| RootError::Key(what);
        if document.media_type != ROOT_TYPE {
            return Err(wrong(format!("got the type `{}`", printable(&document.media_type, 80))));
        }
        let mut issuers = Vec::new();
        for issuer in &document.issuers {
            let key = PublicKey::from_spki(&issuer.public_key.0).map_err(|error| wrong(error.to_string()))?;
            if key.algorithm() != Algorithm::P256 {
                return Err(wrong(format!("the issuer key {} is not on P-256", key.id())));
            }
            issuers.push((key.id(), key));
        }
        let mut logs = Vec::new();
        for log in &document.logs {
            let key = PublicKey::from_spki(&log.public_key.0).map_err(|error| wrong(error.to_string()))?;
            logs.push(NoteKey::log(&log.origin, key).map_err(|error| wrong(error.to_string()))?);
            if !log.base_url.contains(&log.origin) {
                return Err(wrong(format!(
                    "the address of the log {} does not hold its name",
                    printable(&log.origin, 80)
                )));
            }
        }
        let keys = document.witnesses.iter().map(|key| match NoteKey::parse(key) {
            Ok(key) if key.is_witness() => Ok(key),
            Ok(key) => Err(wrong(format!("`{}` is no witness's key", key.name()))),
            Err(error) => Err(wrong(error.to_string())),
        });
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        let threshold = usize::try_from(document.witness_threshold).unwrap_or(usize::MAX);
        if threshold > keys.len() {
            return Err(wrong(format!("{threshold} of {} witnesses", keys.len())));
        }
        Ok(Self { document, issuers, logs, witnesses: WitnessPolicy { keys, threshold } })
    }

    /// The document, as canonical JSON.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Texts and small numbers always have canonical bytes.
        canonical_bytes(&self.document).unwrap_or_default()
    }

    /// Its version, from 1.
    pub fn version(&self) -> u64 {
        self.document.version
    }

    /// The key of an id, and until when it is believed.
    pub fn issuer(&self, id: &str) -> Option<(&PublicKey, &IssuerKey)> {
        let position = self.issuers.iter().position(|(other, _)| other == id)?;
        Some((&self.issuers[position].1, &self.document.issuers[position]))
    }

    /// The key of a log by the hash of its name and key.
    pub fn log(&self, id: &[u8]) -> Option<(&NoteKey, &LogAuthority)> {
        let position = self.logs.iter().position(|log| log.hash() == id)?;
        Some((&self.logs[position], &self.document.logs[position]))
    }

    /// The logs with their keys, in the order in which they came.
    pub fn logs(&self) -> impl Iterator<Item = (&NoteKey, &LogAuthority)> {
        self.logs.iter().zip(&self.document.logs)
    }

    /// The keys of the issuers with their ids, in the order in which they came.
    pub fn issuers(&self) -> impl Iterator<Item = (&str, &IssuerKey)> {
        self.issuers.iter().zip(&self.document.issuers).map(|((id, _), key)| (id.as_str(), key))
    }

    /// The witnesses, and how many of them this root asks for.
    pub fn witnesses(&self) -> &WitnessPolicy {
        &self.witnesses
    }

    /// The next root, with changes.
    ///
    /// # Errors
    /// When the changes are not allowed: a key that goes, a window that opens again, a revocation that is taken back.
    pub fn next(&self, now: Timestamp, change: impl FnOnce(&mut RootChanges)) -> Result<Self, RootError> {
        let mut document = self.document.clone();
        document.version += 1;
        document.issued_at = now;
        document.previous = Some(Sha256::of(&self.to_bytes()));
        let mut changes = RootChanges { document };
        change(&mut changes);
        let next = Self::read(changes.document)?;
        next.check_follows(self)?;
        Ok(next)
    }

    /// Whether this root may follow another.
    ///
    /// # Errors
    /// Why it may not.
    pub fn check_follows(&self, previous: &Self) -> Result<(), RootError> {
        let (new, old) = (&self.document, &previous.document);
        let wrong = |why: String| Err(RootError::Succession(why));
        if new.version != old.version + 1 || new.previous != Some(Sha256::of(&previous.to_bytes())) {
            return wrong(format!(
                "got version {}, expected {} and the hash of the one before",
                new.version,
                old.version + 1
            ));
        }
        let issuers = old.issuers.iter().map(|key| {
            let now = new.issuers.iter().find(|other| other.public_key == key.public_key);
            (&key.valid_for, &key.revoked, now.map(|now| (&now.valid_for, &now.revoked)))
        });
        let logs = old.logs.iter().map(|log| {
            let same = |other: &&LogAuthority| (&other.origin, &other.public_key) == (&log.origin, &log.public_key);
            let now = new.logs.iter().find(same);
            (&log.valid_for, &log.revoked, now.map(|now| (&now.valid_for, &now.revoked)))
        });
        for (window, revoked, now) in issuers.chain(logs) {
            let Some((new_window, new_revoked)) = now else { return wrong("a key is gone".to_owned()) };
            if window.start != new_window.start || window.end.is_some() && window.end != new_window.end {
                return wrong("the time of a key was changed".to_owned());
            }
            if revoked.as_ref().is_some_and(|old| new_revoked.as_ref().is_none_or(|new| new.since > old.since)) {
                return wrong("a revocation was taken back".to_owned());
            }
        }
        Ok(())
    }

    /// The root as verifiers of sigstore bundles read it (`TrustedRoot` 0.1): the logs. Keys of issuers are no part of that
    /// format; such verifiers are given them by id.
    pub fn to_sigstore(&self) -> Value {
        let logs = self.document.logs.iter().zip(&self.logs).map(|(log, key)| {
            let end = [log.valid_for.end, log.revoked.as_ref().map(|revoked| revoked.since)];
            let mut valid_for = json!({"start": log.valid_for.start});
            if let Some(end) = end.into_iter().flatten().min() {
                valid_for["end"] = json!(end);
            }
            json!({
                "baseUrl": log.base_url,
                "hashAlgorithm": "SHA2_256",
                "publicKey": {"rawBytes": log.public_key, "keyDetails": "PKIX_ED25519", "validFor": valid_for},
                "logId": {"keyId": Base64(key.hash().to_vec())},
            })
        });
        json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": logs.collect::<Vec<_>>(),
            "certificateAuthorities": [],
            "ctlogs": [],
            "timestampAuthorities": [],
        })
    }
}

/// What may change from one root to the next.
#[derive(Debug)]
pub struct RootChanges {
    document: Document,
}

impl RootChanges {
    /// A further key of the issuer, from a time on. It may overlap with others.
    pub fn add_issuer(&mut self, key: &PublicKey, start: Timestamp) {
        let valid_for = ValidFor::from(start);
        self.document.issuers.push(IssuerKey { public_key: Base64(key.spki().to_vec()), valid_for, revoked: None });
    }

    /// A further log, or a further key of one.
    pub fn add_log(&mut self, log: &NoteKey, base_url: &str, start: Timestamp) {
        self.document.logs.push(LogAuthority {
            origin: log.name().to_owned(),
            base_url: base_url.to_owned(),
            public_key: Base64(log.key().spki().to_vec()),
            valid_for: ValidFor::from(start),
            revoked: None,
        });
    }

    /// Ends the time of a key that was used as planned.
    pub fn retire(&mut self, key: &PublicKey, end: Timestamp) {
        self.each(key, |window, _| window.end = Some(end));
    }

    /// Revokes a key: what was logged from then on is not believed.
    pub fn revoke(&mut self, key: &PublicKey, since: Timestamp, reason: &str) {
        self.each(key, |_, revoked| *revoked = Some(Revocation { since, reason: reason.to_owned() }));
    }

    /// The witnesses, and how many have to sign. Witnesses may leave: what they signed is checked by today's list.
    pub fn set_witnesses(&mut self, keys: &[NoteKey], threshold: u64) {
        self.document.witnesses = keys.iter().map(ToString::to_string).collect();
        self.document.witness_threshold = threshold;
    }

    fn each(&mut self, key: &PublicKey, mut change: impl FnMut(&mut ValidFor, &mut Option<Revocation>)) {
        for issuer in self.document.issuers.iter_mut().filter(|issuer| issuer.public_key.0 == key.spki()) {
            change(&mut issuer.valid_for, &mut issuer.revoked);
        }
        for log in self.document.logs.iter_mut().filter(|log| log.public_key.0 == key.spki()) {
            change(&mut log.valid_for, &mut log.revoked);
        }
    }
}
