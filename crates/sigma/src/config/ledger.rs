//! `[ledger]`: where certificates are signed and logged, by whom, and who witnesses it.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};
use sigma_ledger::NoteKey;
use sigma_pipeline::{WitnessAddress, WitnessConfig};
use url::Url;

/// `[ledger]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LedgerConfig {
    /// Folder with keys, trusted root and log; `ledger` in the store's folder unless named.
    pub folder: Option<PathBuf>,
    /// Program and arguments of a command that signs statements: reads the message, prints the signature (ECDSA P-256, DER). A key in
    /// a file of the folder unless there is one.
    pub signer: Vec<String>,
    /// How long it may take, in seconds. 10.
    pub signer_seconds: u64,
    /// Witnesses that are asked after each checkpoint that grew.
    pub witnesses: Vec<WitnessSetting>,
    /// How long one of them may take to answer, in seconds. 10.
    pub witness_seconds: u64,
    /// Whether certificates are announced only when as many of them signed as the trusted root asks for.
    pub witnesses_first: bool,
}

/// `[[ledger.witnesses]]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessSetting {
    /// Its submission prefix (C2SP tlog-witness): `add-checkpoint` is below it.
    pub url: Url,
    /// Its key, as C2SP tlog-cosignature writes it.
    pub key: String,
}

/// More would not fit under a checkpoint (100 signatures), and nobody has so many.
const MOST_WITNESSES: usize = 32;

impl Default for LedgerConfig {
    fn default() -> Self {
        Self {
            folder: None,
            signer: Vec::new(),
            signer_seconds: 10,
            witnesses: Vec::new(),
            witness_seconds: 10,
            witnesses_first: false,
        }
    }
}

impl LedgerConfig {
    /// The folder.
    pub fn folder(&self, store: &std::path::Path) -> PathBuf {
        self.folder.clone().unwrap_or_else(|| store.join("ledger"))
    }

    /// Who is asked; nothing where nobody is.
    ///
    /// # Errors
    /// When an address is none that can be asked, a key is no witness's, or two are the same.
    pub fn witnesses(&self) -> Result<Option<WitnessConfig>> {
        ensure!(self.witness_seconds > 0, "[ledger] witness_seconds: got 0, expected at least 1");
        let count = self.witnesses.len();
        ensure!(count <= MOST_WITNESSES, "[ledger] witnesses: got {count}, expected at most {MOST_WITNESSES}");
        let mut witnesses: Vec<WitnessAddress> = Vec::with_capacity(count);
        for one in &self.witnesses {
            let key = NoteKey::parse(&one.key).context("[ledger] witnesses")?;
            ensure!(
                key.is_witness(),
                "[ledger] witnesses: {} is a log's key, expected a witness's (type 4)",
                key.name()
            );
            let http = matches!(one.url.scheme(), "http" | "https") && one.url.host().is_some();
            ensure!(http, "[ledger] witnesses: the address of {}: expected http:// or https:// and a host", key.name());
            let bare = one.url.username().is_empty() && one.url.password().is_none();
            ensure!(bare, "[ledger] witnesses: the address of {} has a password: witnesses ask for none", key.name());
            let twice = witnesses.iter().any(|other| other.key.key() == key.key());
            ensure!(!twice, "[ledger] witnesses: the key of {} is there twice", key.name());
            witnesses.push(WitnessAddress { url: one.url.clone(), key });
        }
        let timeout = Duration::from_secs(self.witness_seconds);
        Ok((!witnesses.is_empty()).then_some(WitnessConfig { witnesses, timeout, first: self.witnesses_first }))
    }
}
