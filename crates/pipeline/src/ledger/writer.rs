//! Signing and logging what the store has.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sigma_certificate::{SCHEMA, SUBMISSION_SCHEMA, effective_level, status};
use sigma_core::{SecurityLevel, Timestamp};
use sigma_ledger::Envelope;
use sigma_ledger::keys::Issuer;
use sigma_ledger::log::{Folder, Log, Logged};
use sigma_ledger::statement::{
    CertificateClaim, CertificatePredicate, Decision, Revoked, Statement, StatusList, Subject, Verifier,
};
use sigma_store::{AnyCertificate, Attestation, DecidedCertificate, LoggedAt, STATUS, Store, decision_subject};

use super::reaudits::reaudit;
use super::{Asking, LedgerError, LedgerFolder, envelope};

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
    /// Whether there may be more that is older than the log: it is looked through in parts.
    pub more: bool,
}

/// How long a status list holds, in milliseconds: a day. Verifiers warn or refuse after that.
const STATUS_LIFETIME: i64 = 24 * 3_600_000;
/// Certificates that are signed at a time.
const BATCH: u32 = 500;
/// Steps of one run through what is older than the log: decisions wait no longer than that.
const STEPS: u32 = 20;

/// The one who signs and logs. One process at a time: the log's folder is locked.
pub struct Ledger {
    issuer: Arc<Issuer>,
    log: Arc<Mutex<Log<Folder>>>,
    verifier: Verifier,
    origin: String,
    /// The newest line of the operators' log for which the decisions were looked through.
    seen: Option<u64>,
    asking: Asking,
}

impl Ledger {
    pub(super) fn new(folder: LedgerFolder, issuer: Issuer, log: Log<Folder>) -> Self {
        let origin = log.key().origin().to_owned();
        let verifier = Verifier { id: format!("https://{origin}"), policies: Vec::new() };
        let log = Arc::new(Mutex::new(log));
        let asking = Asking::new(folder, log.clone());
        Self { issuer: Arc::new(issuer), log, verifier, origin, seen: None, asking }
    }

    /// Who asks the witnesses.
    pub fn asking(&self) -> &Asking {
        &self.asking
    }

    /// Signs and logs every certificate and every standing decision that waits for the log, and renews the status list where a
    /// decision is new or half of its time is over. What is logged is announced. Doing it again changes nothing. `everything`: where
    /// nothing waits, it goes on with what is older than the log, which is looked through once; done by itself when the store gets it.
    ///
    /// # Errors
    /// When the store's certificates go into another log, or the store, the signer or the log fails. What was logged stays; the next run
    /// goes on.
    pub async fn sync(&mut self, store: &Store, everything: bool, now: Timestamp) -> Result<Synced, LedgerError> {
        let everything = store.bind_log(&self.origin, now).await? || everything;
        let mut synced = Synced::default();
        let size = lock(&self.log).size();
        // A log from an old backup would show another history than the one that was handed out.
        if let Some(index) = store.highest_logged().await?.filter(|index| *index >= size) {
            return Err(LedgerError::Behind { size, index });
        }
        // What an earlier run signed and did not log.
        self.log_pending(store, now).await?;
        let mut steps = if everything { STEPS } else { 0 };
        loop {
            let mut certificates = store.unattested(BATCH).await?;
            if certificates.is_empty() {
                synced.more = everything && steps == 0;
                if steps == 0 {
                    break;
                }
                steps -= 1;
                match store.older_than_log(BATCH).await? {
                    Some(older) => certificates = older,
                    None => break,
                }
            }
            if certificates.is_empty() {
                continue;
            }
            let mut statements = Vec::with_capacity(certificates.len());
            for certificate in &certificates {
                statements.push((certificate.id().to_owned(), self.certificate(certificate)?));
                statements.extend(reaudit(store, certificate).await?);
            }
            let envelopes = self.sign(statements).await?;
            store.keep_envelopes(&envelopes).await?;
            synced.certificates += certificates.len() as u64;
            self.log_pending(store, now).await?;
        }
        let newest = store.newest_entry().await?;
        let stale = self.status_is_stale(store, now).await?;
        if self.seen != Some(newest) || stale {
            let decided = store.decided_certificates().await?;
            let mut statements = Vec::new();
            for one in &decided {
                let subject = decision_subject(one.decision.seq);
                if store.attestation(&subject).await?.is_none() {
                    statements.push((subject, decision(one).statement()?));
                }
            }
            let envelopes = self.sign(statements).await?;
            synced.decisions = envelopes.len() as u64;
            store.keep_envelopes(&envelopes).await?;
            self.log_pending(store, now).await?;
            if stale || synced.decisions > 0 {
                self.renew_status(store, &decided, now).await?;
                synced.status = true;
            }
        }
        self.seen = Some(newest);
        synced.size = lock(&self.log).size();
        Ok(synced)
    }

    /// Whether half of the time of the newest status list is over.
    async fn status_is_stale(&self, store: &Store, now: Timestamp) -> Result<bool, LedgerError> {
        let newest = store.attestation(STATUS).await?.and_then(|one| one.logged);
        let half = now.as_millis() - STATUS_LIFETIME / 2;
        Ok(newest.is_none_or(|logged| logged.at.as_millis() <= half))
    }

    /// Signs and logs one statement that is neither of a certificate nor of a decision, under a subject of its own.
    pub(super) async fn record(
        &self,
        store: &Store,
        subject: &str,
        statement: Statement,
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        if store.attestation(subject).await?.is_none() {
            store.keep_envelopes(&self.sign(vec![(subject.to_owned(), statement)]).await?).await?;
        }
        self.log_pending(store, now).await
    }

    /// Signs statements. A command may take its time, so that nothing else waits for it.
    async fn sign(&self, statements: Vec<(String, Statement)>) -> Result<Vec<(String, Vec<u8>)>, LedgerError> {
        let issuer = self.issuer.clone();
        aside(move || {
            let sign = |(subject, statement): (String, Statement)| -> Result<(String, Vec<u8>), LedgerError> {
                let envelope = Envelope::sign(&statement, &issuer)?;
                let bytes = serde_json::to_vec(&envelope).map_err(|error| LedgerError::Damaged(error.to_string()))?;
                Ok((subject, bytes))
            };
            statements.into_iter().map(sign).collect()
        })
        .await
    }

    /// Appends leaves; durable when it returns. An entry that is there already keeps its place.
    async fn append(&self, leaves: Vec<Vec<u8>>, now: Timestamp) -> Result<Vec<Logged>, LedgerError> {
        let log = self.log.clone();
        aside(move || Ok(lock(&log).append(&leaves, now)?)).await
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

    pub(super) async fn log_pending(&self, store: &Store, now: Timestamp) -> Result<(), LedgerError> {
        loop {
            let pending = store.pending_attestations(BATCH).await?;
            if pending.is_empty() {
                return Ok(());
            }
            let mut leaves = Vec::with_capacity(pending.len());
            for one in &pending {
                leaves.push(envelope(one)?.leaf(self.issuer.public()));
            }
            let places = self.append(leaves, now).await?;
            let size = places.iter().map(|logged| logged.index + 1).max().unwrap_or(0);
            self.asking.cover(size, now).await?;
            let places: Vec<_> =
                pending.into_iter().zip(places).map(|(one, logged)| (one.subject, place(logged))).collect();
            store.note_logged(&places).await?;
        }
    }

    async fn renew_status(
        &self,
        store: &Store,
        decided: &[DecidedCertificate],
        now: Timestamp,
    ) -> Result<(), LedgerError> {
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
        let checkpoint = lock(&self.log).reader()?.checkpoint().clone();
        let expires = Timestamp::from_millis(now.as_millis() + STATUS_LIFETIME);
        let list = StatusList::new(now, expires, &checkpoint, revoked);
        let missing = || LedgerError::Internal("a status list was not signed and logged".to_owned());
        let signed = self.sign(vec![(STATUS.to_owned(), list.statement(&checkpoint)?)]).await?;
        let (subject, bytes) = signed.into_iter().next().ok_or_else(missing)?;
        let attestation = Attestation { subject, envelope: bytes, logged: None };
        let leaf = envelope(&attestation)?.leaf(self.issuer.public());
        let logged = self.append(vec![leaf], now).await?.pop().ok_or_else(missing)?;
        store.replace_status(&attestation.envelope, &place(logged)).await?;
        Ok(())
    }
}

/// Work that waits for the disk or another process, on a thread where that is in nobody's way.
pub(super) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LedgerError> + Send + 'static,
) -> Result<T, LedgerError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| LedgerError::Internal(error.to_string()))?
}

pub(super) fn lock(log: &Mutex<Log<Folder>>) -> MutexGuard<'_, Log<Folder>> {
    // A log that failed in the middle says so itself at its next use.
    log.lock().unwrap_or_else(PoisonError::into_inner)
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
