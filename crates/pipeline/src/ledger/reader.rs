//! Reading a ledger: what is handed out to strangers. No private key.

use sigma_ledger::bundle::{Bundle, CertificateBundle};
use sigma_ledger::log::{Folder, FsckReport, Logged, MAX_PROBLEMS, Reader, WIDTH, fsck};
use sigma_ledger::{NoteKey, TrustedRoot};
use sigma_store::{Attestation, STATUS, Store, decision_subject};

use super::folder::{RETIRED, ROOT, note_key, version};
use super::reaudits::reaudit_subject;
use super::roots::root_subject;
use super::{LedgerError, LedgerFolder, envelope};

/// Places that the store is asked for at a time.
const NOTED: u32 = 5_000;

/// Whoever only reads: no private key. Keys and roots are read when they are needed, because they may change meanwhile.
#[derive(Debug, Clone)]
pub struct LedgerReader {
    folder: LedgerFolder,
}

impl LedgerReader {
    pub(super) fn new(folder: LedgerFolder) -> Self {
        Self { folder }
    }

    /// The trusted root, as it is handed out.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn trusted_root(&self) -> Result<Vec<u8>, LedgerError> {
        self.folder.read(ROOT)
    }

    /// A version of the root, as it was handed out.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn root(&self, number: u64) -> Result<Option<Vec<u8>>, LedgerError> {
        if number > self.folder.root()?.version() {
            return Ok(None);
        }
        self.folder.read_if_there(&version(number))
    }

    /// The proof that a version of the root follows from the one before: its bundle. None for the first one, which is pinned.
    ///
    /// # Errors
    /// When the log or the store cannot be read.
    pub async fn root_proof(&self, store: &Store, number: u64) -> Result<Option<Bundle>, LedgerError> {
        self.statement(store, &root_subject(number)).await
    }

    /// The statement that a certificate took the place of another, and why, with its place in the log.
    ///
    /// # Errors
    /// When the log or the store cannot be read.
    pub async fn reaudit(&self, store: &Store, certificate: &str) -> Result<Option<Bundle>, LedgerError> {
        self.statement(store, &reaudit_subject(certificate)).await
    }

    /// The statement of an operator's decision, by its number in the operators' log, with its place in the log.
    ///
    /// # Errors
    /// When the log or the store cannot be read.
    pub async fn decision(&self, store: &Store, number: u64) -> Result<Option<Bundle>, LedgerError> {
        self.statement(store, &decision_subject(number)).await
    }

    async fn statement(&self, store: &Store, subject: &str) -> Result<Option<Bundle>, LedgerError> {
        let Some(attestation) = store.attestation(subject).await? else { return Ok(None) };
        self.prove(&attestation, &self.folder.root()?)
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
        let root = self.folder.root()?;
        let Some(bundle) = self.prove(&attestation, &root)? else { return Ok(None) };
        let status = status.map(|status| self.prove(&status, &root)).transpose()?.flatten();
        let bundle = CertificateBundle::new(bundle, certificate.canonical(), status)
            .map_err(|_| LedgerError::Damaged(id.to_owned()))?;
        let anchor = crate::anchor::proof(store, &self.log()?, id, attestation.logged.as_ref()).await?;
        Ok(Some(bundle.with_anchor(anchor)))
    }

    /// Hashes everything that the checkpoint covers again.
    ///
    /// # Errors
    /// When the log cannot be read. What is wrong with it is in the report.
    pub fn fsck(&self) -> Result<FsckReport, LedgerError> {
        Ok(fsck(&self.log()?, |_, _| Ok(()))?)
    }

    /// Compares the times of entries, which no hash covers, with those that the store noted when they were logged: what differs, in
    /// sentences, a thousand at most.
    ///
    /// # Errors
    /// When the log or the store cannot be read.
    pub async fn check_times(&self, store: &Store) -> Result<Vec<String>, LedgerError> {
        let log = self.log()?;
        let (mut problems, mut last) = (Vec::new(), String::new());
        loop {
            let noted = store.logged_after(&last, NOTED).await?;
            let Some((newest, ..)) = noted.last() else { return Ok(problems) };
            last.clone_from(newest);
            for (subject, index, at) in &noted {
                let got = log.time(*index)?;
                let expected = at.as_millis().div_euclid(1000);
                if i64::try_from(got) != Ok(expected) && problems.len() < MAX_PROBLEMS {
                    let tile = index / WIDTH;
                    problems.push(format!(
                        "tile/times: entry {index} of bundle {tile} ({subject}): got {got}, expected {expected}"
                    ));
                }
            }
        }
    }

    /// The log at its newest checkpoint.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn log(&self) -> Result<Reader<Folder>, LedgerError> {
        Ok(Reader::open(self.storage(), self.folder.log_key()?)?)
    }

    fn storage(&self) -> Folder {
        Folder::read_only(&self.folder.file("log"))
    }

    fn prove(&self, attestation: &Attestation, root: &TrustedRoot) -> Result<Option<Bundle>, LedgerError> {
        let Some(at) = &attestation.logged else { return Ok(None) };
        let envelope = envelope(attestation)?;
        let unknown = || LedgerError::Damaged(attestation.subject.clone());
        let (issuer, _) = root.issuer(&envelope.signatures[0].keyid).ok_or_else(unknown)?;
        let logged = Logged { index: at.index, time: at.at, promise: at.promise.clone(), existed: true };
        let Some((key, log)) = self.covering(at.index, root)? else { return Ok(None) };
        Ok(Some(Bundle::new(envelope, issuer, &key, &logged, &log)?))
    }

    /// The log at a checkpoint that covers an entry, of the key that was the log's when it was logged: one that witnesses signed, where
    /// there is one. Where the root asks for witnesses, there is no other.
    fn covering(&self, index: u64, root: &TrustedRoot) -> Result<Option<(NoteKey, Reader<Folder>)>, LedgerError> {
        for number in 1.. {
            let Some(key) = self.folder.read_if_there(&format!("{RETIRED}/{number}.vkey"))? else { break };
            let key = note_key(&key)?;
            let checkpoint = self.folder.read(&format!("{RETIRED}/{number}.checkpoint"))?;
            let log = Reader::open_at(self.storage(), key.clone(), &String::from_utf8_lossy(&checkpoint))?;
            if index < log.checkpoint().size {
                return Ok(Some((key, log)));
            }
        }
        let key = self.folder.log_key()?;
        if let Ok(log) = Reader::open_cosigned(self.storage(), key.clone())
            && index < log.checkpoint().size
            && root.witnesses().is_met(log.note())?
        {
            return Ok(Some((key, log)));
        }
        Ok(if root.witnesses().threshold == 0 { Some((key, self.log()?)) } else { None })
    }
}
