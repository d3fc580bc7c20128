//! Where a ledger lies: keys, trusted roots, the log.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sigma_core::Timestamp;
use sigma_ledger::keys::{Issuer, LogKey, PublicKey, SignCommand, generate_issuer_key, generate_log_key};
use sigma_ledger::log::{Folder, Log};
use sigma_ledger::{NoteKey, TrustedRoot};

use super::witnesses::Witnesses;
use super::{Ledger, LedgerError, LedgerReader, WitnessConfig};

/// The issuer's private key, or the public one where a command signs; the log's private and public keys; the root that holds now.
pub(super) const ISSUER: &str = "issuer.pem";
pub(super) const ISSUER_PUBLIC: &str = "issuer.pub.pem";
pub(super) const LOG: &str = "log.pem";
pub(super) const LOG_PUBLIC: &str = "log.vkey";
pub(super) const ROOT: &str = "trusted_root.json";
/// Every root by its version.
pub(super) const ROOTS: &str = "roots";
/// Public keys that the log had before, each with the last checkpoint that it signed.
pub(super) const RETIRED: &str = "retired";

/// A command that signs statements in the place of a key in a file: a hardware module, a cloud service. It reads the message from
/// standard input and prints an ECDSA signature in DER.
#[derive(Debug, Clone)]
pub struct LedgerSigner {
    /// Program and arguments; no shell.
    pub argv: Vec<String>,
    /// How long it may take.
    pub timeout: Duration,
}

/// The folder of a ledger.
#[derive(Debug, Clone)]
pub struct LedgerFolder {
    root: PathBuf,
    signer: Option<LedgerSigner>,
    witnesses: Option<Arc<Witnesses>>,
}

impl LedgerFolder {
    /// A ledger at a path.
    pub fn new(path: &Path, signer: Option<LedgerSigner>) -> Self {
        Self { root: path.to_owned(), signer, witnesses: None }
    }

    /// The same, whose writer asks witnesses.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn with_witnesses(self, config: WitnessConfig) -> Result<Self, LedgerError> {
        let witnesses = (!config.witnesses.is_empty()).then(|| Witnesses::new(config)).transpose()?;
        Ok(Self { witnesses: witnesses.map(Arc::new), ..self })
    }

    pub(super) fn witnesses(&self) -> Option<&Witnesses> {
        self.witnesses.as_deref()
    }

    /// The same, which waits for nobody else: keys change in an emergency, too.
    pub(super) fn alone(&self) -> Self {
        Self { witnesses: None, ..self.clone() }
    }

    /// Whether a ledger was made here.
    pub fn exists(&self) -> bool {
        self.file(ROOT).is_file()
    }

    /// Whether this process could sign: whoever only serves a log has no key.
    pub fn can_sign(&self) -> bool {
        self.exists() && self.file(LOG).is_file() && (self.signer.is_some() || self.file(ISSUER).is_file())
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    pub(super) fn read(&self, name: &str) -> Result<Vec<u8>, LedgerError> {
        self.read_if_there(name)?.ok_or_else(|| wrong(&self.file(name), ErrorKind::NotFound.into()))
    }

    pub(super) fn read_if_there(&self, name: &str) -> Result<Option<Vec<u8>>, LedgerError> {
        let path = self.file(name);
        match std::fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(wrong(&path, error)),
        }
    }

    /// Writes a file as a whole: after a crash it is the old one or the new one.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), LedgerError> {
        let path = self.file(name);
        let folder = path.parent().unwrap_or(&self.root);
        let new = path.with_added_extension("new");
        let written = std::fs::create_dir_all(folder).and_then(|()| {
            let mut file = File::create(&new)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            std::fs::rename(&new, &path)?;
            File::open(folder)?.sync_all()
        });
        written.map_err(|error| wrong(&path, error))
    }

    /// Makes keys, the trusted root and an empty log. `origin` names the log for good: a host and a path, where it is served over
    /// https. Where a command signs, `issuer` is the public half of its key; nothing else is read of it.
    ///
    /// # Errors
    /// When there is a ledger already, or the folder cannot be written.
    pub fn create(&self, origin: &str, issuer: Option<&[u8]>, now: Timestamp) -> Result<TrustedRoot, LedgerError> {
        let named = !origin.contains("://") && origin.contains('.') && !origin.ends_with('/') && origin.len() <= 200;
        if !named || origin.bytes().any(|byte| byte.is_ascii_whitespace() || byte == b'+') {
            return Err(LedgerError::Origin(sigma_core::printable(origin, 80)));
        }
        if self.exists() {
            return Err(wrong(&self.file(ROOT), ErrorKind::AlreadyExists.into()));
        }
        std::fs::create_dir_all(&self.root).map_err(|error| wrong(&self.root, error))?;
        let public = self.new_issuer(issuer, ISSUER, ISSUER_PUBLIC)?;
        let key = generate_log_key(&self.file(LOG), origin)?;
        let root = TrustedRoot::first(&public, key.public(), &format!("https://{origin}"), now)?;
        self.write(LOG_PUBLIC, format!("{}\n", key.public()).as_bytes())?;
        Log::create(Folder::open(&self.file("log"))?, key)?;
        self.write(&version(1), &root.to_bytes())?;
        self.write(ROOT, &root.to_bytes())?;
        Ok(root)
    }

    /// The key of a new issuer: made here, or that of the command that signs.
    pub(super) fn new_issuer(
        &self,
        public: Option<&[u8]>,
        private_file: &str,
        public_file: &str,
    ) -> Result<PublicKey, LedgerError> {
        match (&self.signer, public) {
            (None, None) => Ok(generate_issuer_key(&self.file(private_file))?.public().clone()),
            (Some(_), Some(pem)) => {
                let public = PublicKey::from_pem(pem)?;
                self.write(public_file, public.to_pem().as_bytes())?;
                Ok(public)
            }
            (Some(_), None) => Err(LedgerError::Signer("a command signs: name the public half of its key")),
            (None, Some(_)) => {
                Err(LedgerError::Signer("a public key alone signs nothing: configure the command that signs with it"))
            }
        }
    }

    /// Opens it to sign and log.
    ///
    /// # Errors
    /// When there is none, its keys cannot be read, a change of keys was interrupted, or another process has it open.
    pub fn open(&self) -> Result<Ledger, LedgerError> {
        let root = self.root()?;
        if self.file(&version(root.version() + 1)).is_file() {
            return Err(LedgerError::Interrupted(root.version() + 1));
        }
        let public = self.log_key()?;
        let key = LogKey::from_file(&self.file(LOG), public.name())?;
        Ok(Ledger::new(self.clone(), self.issuer()?, Log::open(Folder::open(&self.file("log"))?, key)?))
    }

    pub(super) fn issuer(&self) -> Result<Issuer, LedgerError> {
        Ok(match &self.signer {
            None => Issuer::from_file(&self.file(ISSUER))?,
            Some(signer) => Issuer::from_command(SignCommand {
                argv: signer.argv.clone(),
                public: PublicKey::from_pem(&self.read(ISSUER_PUBLIC)?)?,
                timeout: signer.timeout,
            }),
        })
    }

    /// Opens it to read, whoever writes it.
    ///
    /// # Errors
    /// When there is none.
    pub fn reader(&self) -> Result<LedgerReader, LedgerError> {
        self.root()?;
        Ok(LedgerReader::new(self.clone()))
    }

    /// The root that holds now.
    ///
    /// # Errors
    /// When there is none.
    pub fn root(&self) -> Result<TrustedRoot, LedgerError> {
        Ok(TrustedRoot::parse(&self.read(ROOT)?)?)
    }

    pub(super) fn log_key(&self) -> Result<NoteKey, LedgerError> {
        note_key(&self.read(LOG_PUBLIC)?)
    }
}

/// The file of a version of the root.
pub(super) fn version(number: u64) -> String {
    format!("{ROOTS}/{number}.json")
}

pub(super) fn note_key(bytes: &[u8]) -> Result<NoteKey, LedgerError> {
    Ok(NoteKey::parse(String::from_utf8_lossy(bytes).trim())?)
}

pub(super) fn wrong(path: &Path, error: std::io::Error) -> LedgerError {
    LedgerError::Io { path: path.to_owned(), error }
}
