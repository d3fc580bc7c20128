//! What is trusted: Sigstore's roots and npm's keys, pinned as files with a source and a date (`data/README.md`).
//!
//! In: two JSON documents. Out: [`Roots`]. It must never fetch anything: newer roots come by a release or by configuration.

use data_encoding::BASE64;
use serde::Deserialize;
use sigma_core::Sha256;
use sigstore_verify::Verifier;
use sigstore_verify::trust_root::TrustedRoot;
use sigstore_verify::types::{DerPublicKey, LogKeyId};

const SIGSTORE: &str = include_str!("../data/sigstore_trusted_root.json");
const NPM_KEYS: &str = include_str!("../data/npm_keys.json");

/// Why documents are no roots.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    /// Not a trusted root of Sigstore, or one with material that cannot be used.
    #[error("not a Sigstore trusted root: {0}")]
    Sigstore(String),
    /// Not a list of npm's keys.
    #[error("not a list of npm keys: {0}")]
    NpmKeys(String),
}

/// Pinned roots.
pub struct Roots {
    pub(crate) verifier: Verifier,
    pub(crate) npm_keys: Vec<NpmKey>,
    logs: Vec<LogKeyId>,
    digest: Sha256,
}

/// A key with which the npm registry signs its publish attestations.
pub(crate) struct NpmKey {
    /// As bundles name it: `SHA256:` and the fingerprint that SSH would give the key.
    pub id: String,
    pub key: DerPublicKey,
    pub from: jiff::Timestamp,
    pub until: Option<jiff::Timestamp>,
}

impl Roots {
    /// Those that are shipped.
    pub fn pinned() -> Result<Self, RootError> {
        Self::new(SIGSTORE, NPM_KEYS)
    }

    /// Roots from a trusted root (`application/vnd.dev.sigstore.trustedroot+json`) and from npm's keys as Sigstore's TUF
    /// repository carries them (`registry.npmjs.org/keys.json`). What is `None` is the shipped one.
    pub fn with(trusted_root: Option<&str>, npm_keys: Option<&str>) -> Result<Self, RootError> {
        Self::new(trusted_root.unwrap_or(SIGSTORE), npm_keys.unwrap_or(NPM_KEYS))
    }

    fn new(trusted_root: &str, npm_keys: &str) -> Result<Self, RootError> {
        let failed = |error: &dyn std::fmt::Display| RootError::Sigstore(error.to_string());
        let root = TrustedRoot::from_json(trusted_root).map_err(|error| failed(&error))?;
        let verifier = Verifier::new(&root).map_err(|error| failed(&error))?;
        let logs = root.tlogs.iter().map(|log| log.log_id.key_id.clone()).collect();
        let digest = Sha256::of(format!("{trusted_root}\0{npm_keys}").as_bytes());
        Ok(Self { verifier, npm_keys: keys(npm_keys)?, logs, digest })
    }

    /// SHA-256 over the trusted root, a zero byte, and npm's keys, as they were given.
    pub fn digest(&self) -> Sha256 {
        self.digest
    }

    /// Whether a transparency log is among them.
    pub(crate) fn knows(&self, log: &LogKeyId) -> bool {
        self.logs.contains(log)
    }
}

impl std::fmt::Debug for Roots {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Roots({})", self.digest)
    }
}

#[derive(Deserialize)]
struct Keys {
    keys: Vec<Key>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Key {
    key_id: String,
    key_usage: String,
    public_key: PublicKey,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PublicKey {
    raw_bytes: String,
    valid_for: Window,
}

#[derive(Deserialize)]
struct Window {
    start: jiff::Timestamp,
    #[serde(default)]
    end: Option<jiff::Timestamp>,
}

/// The keys for attestations.
fn keys(text: &str) -> Result<Vec<NpmKey>, RootError> {
    let read: Keys = serde_json::from_str(text).map_err(|error| RootError::NpmKeys(error.to_string()))?;
    let wanted = read.keys.into_iter().filter(|key| key.key_usage == "npm:attestations");
    let keys: Vec<NpmKey> = wanted
        .map(|key| {
            let der = BASE64.decode(key.public_key.raw_bytes.as_bytes());
            let der = der.map_err(|error| RootError::NpmKeys(format!("{}: {error}", key.key_id)))?;
            let Window { start: from, end: until } = key.public_key.valid_for;
            Ok(NpmKey { id: key.key_id, key: DerPublicKey::new(der), from, until })
        })
        .collect::<Result<_, _>>()?;
    if keys.is_empty() {
        return Err(RootError::NpmKeys("no key with usage `npm:attestations`".to_owned()));
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pinned_roots_can_be_used_and_others_are_checked() {
        let roots = Roots::pinned().unwrap();
        assert_eq!(roots.npm_keys.len(), 2);
        assert!(roots.npm_keys.iter().any(|key| key.until.is_some()), "the first key was ended in 2025");
        assert!(matches!(Roots::with(Some("{}"), None), Err(RootError::Sigstore(_))));
        assert!(matches!(Roots::with(None, Some(r#"{"keys": []}"#)), Err(RootError::NpmKeys(_))));
    }
}
