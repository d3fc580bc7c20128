//! What makes certificates checkable by strangers: they are signed, logged, and handed out with their proofs.
//!
//! In: the store's certificates and operators' decisions, a folder with keys, trusted root and log. Out: their places in the log,
//! bundles, a status list. The store keeps an envelope before it is logged, and the log knows what it has: a crash at any point ends
//! in one entry.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sigma_certificate::{SCHEMA, SUBMISSION_SCHEMA, effective_level, status};
use sigma_core::{SecurityLevel, Timestamp};
use sigma_ledger::bundle::{Bundle, CertificateBundle};
use sigma_ledger::keys::{Issuer, KeyFileError, LogKey, generate_issuer_key, generate_log_key};
use sigma_ledger::log::{Folder, FsckReport, Log, LogError, Logged, Reader, StorageError, fsck};
use sigma_ledger::statement::{
    CertificateClaim, CertificatePredicate, Decision, Revoked, Statement, StatementError, StatusList, Subject, Verifier,
};
use sigma_ledger::{AttestError, Envelope, NoteError, NoteKey, RootError, TrustedRoot};
use sigma_store::{
    AnyCertificate, Attestation, DecidedCertificate, LoggedAt, STATUS, Store, StoreError, decision_subject,
};

/// Why something could not be signed, logged or proven.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// A file of the ledger's folder.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        error: std::io::Error,
    },
    /// The name of the log is none.
    #[error("got the log's name `{0}`, expected a host and a path such as `sigma.example.org/log`, without a scheme")]
    Origin(String),
    /// A key.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// The trusted root.
    #[error(transparent)]
    Root(#[from] RootError),
    /// A key of a log, as text.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Where the log lies.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A statement.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// The signature.
    #[error(transparent)]
    Attest(#[from] AttestError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log has less than the store knows of it: it is from an old backup, or another one.
    #[error("the log has {size} entries, and the store knows its entry {index}: it is an old copy, or another log")]
    Behind {
        /// Its entries.
        size: u64,
        /// The highest place that is known.
        index: u64,
    },
    /// What is stored is not what was stored.
    #[error("the stored statement about {0} cannot be read")]
    Damaged(String),
}

/// Where a ledger lies: `issuer.pem`, `log.pem`, `log.vkey`, `trusted_root.json` and the log itself.
#[derive(Debug, Clone)]
pub struct LedgerFolder(PathBuf);

/// What a run of [`Ledger::sync`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Synced {
    /// Certificates that were signed and logged.
    pub certificates: u64,
    /// Decisions of operators.
    pub decisions: u64,
    /// Whether a new status list was signed.
    pub status: bool,
    /// Entries of the log.
    pub size: u64,
}

/// How long a status list holds, in milliseconds: a day. Verifiers warn or refuse after that.
const STATUS_LIFETIME: i64 = 24 * 3_600_000;
/// Certificates that are signed at a time.
const BATCH: u32 = 500;

/// The one who signs and logs. One process at a time: the log's folder is locked.
pub struct Ledger {
    issuer: Issuer,
    log: Mutex<Log<Folder>>,
    verifier: Verifier,
}

/// Whoever only reads: no private key.
#[derive(Debug, Clone)]
pub struct LedgerReader {
    folder: LedgerFolder,
    root: TrustedRoot,
    root_bytes: Vec<u8>,
    key: NoteKey,
}

impl LedgerFolder {
    /// A ledger at a path.
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, LedgerError> {
        let path = self.file(name);
        std::fs::read(&path).map_err(|error| LedgerError::Io { path, error })
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), LedgerError> {
        let path = self.file(name);
        std::fs::write(&path, bytes).map_err(|error| LedgerError::Io { path, error })
    }

    /// Makes keys, the trusted root and an empty log. `origin` names the log for good: a host and a path, where it is served over
    /// https.
    ///
    /// # Errors
    /// When there is a ledger already, or the folder cannot be written.
    pub fn create(&self, origin: &str, now: Timestamp) -> Result<TrustedRoot, LedgerError> {
        let named = !origin.contains("://") && origin.contains('.') && !origin.ends_with('/') && origin.len() <= 200;
        if !named || origin.bytes().any(|byte| byte.is_ascii_whitespace() || byte == b'+') {
            return Err(LedgerError::Origin(sigma_core::printable(origin, 80)));
        }
        std::fs::create_dir_all(&self.0).map_err(|error| LedgerError::Io { path: self.0.clone(), error })?;
        let issuer = generate_issuer_key(&self.file("issuer.pem"))?;
        let key = generate_log_key(&self.file("log.pem"), origin)?;
        let root = TrustedRoot::first(issuer.public(), key.public(), &format!("https://{origin}"), now)?;
        self.write("log.vkey", format!("{}\n", key.public()).as_bytes())?;
        self.write("trusted_root.json", &root.to_bytes())?;
        Log::create(Folder::open(&self.file("log"))?, key)?;
        Ok(root)
    }

    /// Opens it to sign and log.
    ///
    /// # Errors
    /// When there is none, its keys cannot be read, or another process has it open.
    pub fn open(&self) -> Result<Ledger, LedgerError> {
        let issuer = Issuer::from_file(&self.file("issuer.pem"))?;
        let public = self.log_key()?;
        let key = LogKey::from_file(&self.file("log.pem"), public.name())?;
        let verifier = Verifier { id: format!("https://{}", public.name()), policies: Vec::new() };
        let log = Log::open(Folder::open(&self.file("log"))?, key)?;
        Ok(Ledger { issuer, log: Mutex::new(log), verifier })
    }

    /// Opens it to read, whoever writes it.
    ///
    /// # Errors
    /// When there is none.
    pub fn reader(&self) -> Result<LedgerReader, LedgerError> {
        let root_bytes = self.read("trusted_root.json")?;
        let root = TrustedRoot::parse(&root_bytes)?;
        Ok(LedgerReader { folder: self.clone(), root, root_bytes, key: self.log_key()? })
    }

    fn log_key(&self) -> Result<NoteKey, LedgerError> {
        let text = String::from_utf8(self.read("log.vkey")?).unwrap_or_default();
        Ok(NoteKey::parse(text.trim())?)
    }
}

impl Ledger {
    /// Signs and logs every certificate and every standing decision that is not logged yet, and renews the status list where a
    /// decision is new or half of its time is over. Doing it again changes nothing.
    ///
    /// # Errors
    /// When the store, the signer or the log fails. What was logged stays; the next run goes on.
    pub async fn sync(&self, store: &Store, now: Timestamp) -> Result<Synced, LedgerError> {
        let mut synced = Synced::default();
        let size = self.lock().size();
        // A log from an old backup would show another history than the one that was handed out.
        if let Some(index) = store.highest_logged().await?.filter(|index| *index >= size) {
            return Err(LedgerError::Behind { size, index });
        }
        // What an earlier run signed and did not log.
        self.log_pending(store, now).await?;
        loop {
            let certificates = store.unattested(BATCH).await?;
            if certificates.is_empty() {
                break;
            }
            let mut envelopes = Vec::with_capacity(certificates.len());
            for certificate in &certificates {
                let statement = self.certificate(certificate)?;
                envelopes.push((certificate.id().to_owned(), self.sign(&statement)?));
            }
            store.keep_envelopes(&envelopes).await?;
            synced.certificates += envelopes.len() as u64;
            self.log_pending(store, now).await?;
        }
        let decided = store.decided_certificates().await?;
        let mut envelopes = Vec::new();
        for one in &decided {
            let subject = decision_subject(one.decision.seq);
            if store.attestation(&subject).await?.is_none() {
                envelopes.push((subject, self.sign(&decision(one).statement()?)?));
            }
        }
        synced.decisions = envelopes.len() as u64;
        store.keep_envelopes(&envelopes).await?;
        self.log_pending(store, now).await?;
        synced.status = self.renew_status(store, &decided, !envelopes.is_empty(), now).await?;
        synced.size = self.lock().size();
        Ok(synced)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Log<Folder>> {
        // A log that failed in the middle says so itself at its next use.
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sign(&self, statement: &Statement) -> Result<Vec<u8>, LedgerError> {
        let envelope = Envelope::sign(statement, &self.issuer)?;
        serde_json::to_vec(&envelope).map_err(|error| LedgerError::Damaged(error.to_string()))
    }

    fn certificate(&self, certificate: &AnyCertificate) -> Result<Statement, LedgerError> {
        let verifier = self.verifier.clone();
        Ok(match certificate {
            AnyCertificate::Package(one) => CertificatePredicate::package(one, verifier)?,
            AnyCertificate::Submission(one) => {
                let payload = one.payload();
                let (name, commit) = (&payload.source.source_url, Some(payload.source.commit.as_str()));
                let mut subjects = Vec::new();
                if let Some(review) = &payload.code_review {
                    subjects.push(Subject::file_set(name, &review.source_integrity.code_files_hash, commit));
                } else if let Some(manifest) = &payload.manifest {
                    let mut subject = Subject::file("SKILL.md", &manifest.sha256);
                    subject.digest.extend(commit.map(|commit| ("gitCommit".to_owned(), commit.to_owned())));
                    subjects.push(subject);
                }
                CertificatePredicate::submission(one, subjects, verifier)?
            }
        })
    }

    async fn log_pending(&self, store: &Store, now: Timestamp) -> Result<(), LedgerError> {
        loop {
            let pending = store.pending_attestations(BATCH).await?;
            if pending.is_empty() {
                return Ok(());
            }
            let mut leaves = Vec::with_capacity(pending.len());
            for one in &pending {
                leaves.push(envelope(one)?.leaf(self.issuer.public()));
            }
            // Durable when it returns; an entry that is there already keeps its place.
            let places = self.lock().append(&leaves, now)?;
            let places: Vec<_> =
                pending.into_iter().zip(places).map(|(one, logged)| (one.subject, place(logged))).collect();
            store.note_logged(&places).await?;
        }
    }

    async fn renew_status(
        &self,
        store: &Store,
        decided: &[DecidedCertificate],
        changed: bool,
        now: Timestamp,
    ) -> Result<bool, LedgerError> {
        let newest = store.attestation(STATUS).await?.and_then(|one| one.logged);
        let half = now.as_millis() - STATUS_LIFETIME / 2;
        if !changed && newest.is_some_and(|logged| logged.at.as_millis() > half) {
            return Ok(false);
        }
        let mut revoked = Vec::with_capacity(decided.len());
        for one in decided {
            let logged = store.attestation(&decision_subject(one.decision.seq)).await?.and_then(|one| one.logged);
            let Some(logged) = logged else { continue };
            revoked.push(Revoked {
                certificate_id: one.certificate.id().to_owned(),
                status: status(Some(&one.decision)),
                at: one.decision.at,
                log_index: logged.index,
            });
        }
        let checkpoint = self.lock().reader()?.checkpoint().clone();
        let expires = Timestamp::from_millis(now.as_millis() + STATUS_LIFETIME);
        let list = StatusList::new(now, expires, &checkpoint, revoked);
        let bytes = self.sign(&list.statement(&checkpoint)?)?;
        let leaf = envelope(&Attestation { subject: STATUS.to_owned(), envelope: bytes.clone(), logged: None })?
            .leaf(self.issuer.public());
        let logged = self.lock().append(&[leaf], now)?.pop().ok_or_else(|| LedgerError::Damaged(STATUS.to_owned()))?;
        store.replace_status(&bytes, &place(logged)).await?;
        Ok(true)
    }
}

impl LedgerReader {
    /// The trusted root, as it is handed out.
    pub fn trusted_root(&self) -> &[u8] {
        &self.root_bytes
    }

    /// A path below the log's address, and whether the answer ever changes: checkpoint, tiles, entries.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn serve(&self, path: &str) -> Result<Option<(Vec<u8>, bool)>, LedgerError> {
        Ok(self.log()?.serve(path)?.map(|(resource, bytes)| (bytes, resource.immutable())))
    }

    /// Everything that a stranger needs to check a certificate offline. `None` where it is not logged yet, or not there.
    ///
    /// # Errors
    /// When the log or the store cannot be read.
    pub async fn bundle(&self, store: &Store, id: &str) -> Result<Option<CertificateBundle>, LedgerError> {
        let Some(certificate) = store.any_certificate(id).await? else { return Ok(None) };
        let Some(attestation) = store.attestation(id).await? else { return Ok(None) };
        let status = store.attestation(STATUS).await?;
        let log = self.log()?;
        let Some(bundle) = self.prove(&attestation, &log)? else { return Ok(None) };
        let status = status.map(|status| self.prove(&status, &log)).transpose()?.flatten();
        let bundle = CertificateBundle::new(bundle, certificate.canonical(), status)
            .map_err(|_| LedgerError::Damaged(id.to_owned()))?;
        let anchor = crate::anchor::proof(store, &log, id, attestation.logged.as_ref()).await?;
        Ok(Some(bundle.with_anchor(anchor)))
    }

    /// Hashes everything that the checkpoint covers again.
    ///
    /// # Errors
    /// When the log cannot be read. What is wrong with it is in the report.
    pub fn fsck(&self) -> Result<FsckReport, LedgerError> {
        Ok(fsck(&self.log()?, |_, _| Ok(()))?)
    }

    pub(crate) fn log(&self) -> Result<Reader<Folder>, LedgerError> {
        Ok(Reader::open(Folder::read_only(&self.folder.file("log")), self.key.clone())?)
    }

    fn prove(&self, attestation: &Attestation, log: &Reader<Folder>) -> Result<Option<Bundle>, LedgerError> {
        let Some(at) = &attestation.logged else { return Ok(None) };
        let envelope = envelope(attestation)?;
        let unknown = || LedgerError::Damaged(attestation.subject.clone());
        let (issuer, _) = self.root.issuer(&envelope.signatures[0].keyid).ok_or_else(unknown)?;
        let logged = Logged { index: at.index, time: at.at, promise: at.promise.clone(), existed: true };
        Ok(Some(Bundle::new(envelope, issuer, &self.key, &logged, log)?))
    }
}

fn envelope(attestation: &Attestation) -> Result<Envelope, LedgerError> {
    serde_json::from_slice(&attestation.envelope).map_err(|_| LedgerError::Damaged(attestation.subject.clone()))
}

fn place(logged: Logged) -> LoggedAt {
    LoggedAt { index: logged.index, at: logged.time, promise: logged.promise }
}

fn decision(one: &DecidedCertificate) -> Decision {
    let canonical = one.certificate.canonical();
    let (prefix, schema, sealed) = match &one.certificate {
        AnyCertificate::Package(one) => ("pkg", SCHEMA, one.payload().security_level),
        AnyCertificate::Submission(one) => ("sig", SUBMISSION_SCHEMA, one.payload().review.security_level),
    };
    let level: SecurityLevel = effective_level(sealed, Some(&one.decision));
    Decision {
        certificate: CertificateClaim::of(prefix, schema, canonical),
        status: status(Some(&one.decision)),
        security_level: level,
        reason: one.decision.reason.clone(),
        decided_at: one.decision.at,
    }
}
