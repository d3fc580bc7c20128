//! Changes of keys: each is a new version of the trusted root, which the key of the version before signs and the log keeps.
//!
//! In: what is to change. Out: the next root. It is done in steps that may be repeated: whoever was interrupted gives the command
//! again, and what was begun is finished.

use sigma_core::{Sha256, Timestamp};
use sigma_ledger::keys::{LogKey, PublicKey, generate_log_key};
use sigma_ledger::log::{Folder, Log, Reader};
use sigma_ledger::statement::RootChange;
use sigma_ledger::{NoteKey, TrustedRoot};
use sigma_store::{Duty, Store};

use super::folder::{ISSUER, ISSUER_PUBLIC, LOG, LOG_PUBLIC, RETIRED, ROOT, note_key, version, wrong};
use super::{Ledger, LedgerError, LedgerFolder};

/// What changes.
#[derive(Debug, Clone)]
pub enum KeyChange {
    /// The issuer signs with a new key from now on; what the old one signed until then is believed for good.
    Issuer {
        /// The public half of the key of a command that signs, as PEM; nothing where keys lie in files.
        public: Option<Vec<u8>>,
    },
    /// The log has a new key from now on.
    Log,
    /// A key was lost or stolen: what was logged from a time on is not believed.
    Revoke {
        /// The key's id.
        key: String,
        /// From when on.
        since: Timestamp,
        /// Why.
        reason: String,
    },
    /// Other witnesses.
    Witnesses {
        /// Their keys.
        keys: Vec<NoteKey>,
        /// How many have to sign.
        threshold: u64,
    },
}

/// A new version of the root.
#[derive(Debug)]
pub struct RootChanged {
    /// The root.
    pub root: TrustedRoot,
    /// Whether this finished a change that was interrupted, in the place of what was asked for.
    pub finished: bool,
}

/// How a version of the root is named among the subjects of statements.
pub(super) fn root_subject(number: u64) -> String {
    format!("root/{number}")
}

/// The keys that come next, until they have taken the places of those before.
const NEXT_ISSUER: &str = "issuer.next.pem";
const NEXT_ISSUER_PUBLIC: &str = "issuer.next.pub.pem";
const NEXT_LOG: &str = "log.next.pem";

impl LedgerFolder {
    /// Changes keys, or finishes a change that was interrupted.
    ///
    /// # Errors
    /// When another process writes the log, the change is not allowed, or a file, the store or the log fails: then the same command
    /// finishes it.
    pub async fn change(&self, store: &Store, change: KeyChange, now: Timestamp) -> Result<RootChanged, LedgerError> {
        let Some(_claim) = store.try_claim(Duty::Log).await? else { return Err(LedgerError::Busy) };
        let old = self.root()?;
        let number = old.version() + 1;
        let begun = self.read_if_there(&version(number))?;
        let finished = begun.is_some();
        let (root, reason) = match begun {
            Some(bytes) => (TrustedRoot::parse(&bytes)?, None),
            None => {
                // What the key of before signed is logged while it is good.
                self.alone().open()?.log_pending(store, now).await?;
                let (root, reason) = self.draw_up(&old, change, now)?;
                self.write(&version(number), &root.to_bytes())?;
                (root, Some(reason))
            }
        };
        root.check_follows(&old)?;
        self.announce(store, &root, reason.as_deref().unwrap_or("Keys were changed."), now).await?;
        self.exchange_log_key()?;
        self.exchange(NEXT_ISSUER, ISSUER, &format!("{RETIRED}/issuer-before-{number}.pem"))?;
        self.exchange(NEXT_ISSUER_PUBLIC, ISSUER_PUBLIC, &format!("{RETIRED}/issuer-before-{number}.pub.pem"))?;
        // The last step: from here on the change is done.
        self.write(ROOT, &root.to_bytes())?;
        Ok(RootChanged { root, finished })
    }

    /// The next root, and what changes in a sentence. New keys are made; they sign nothing yet.
    fn draw_up(
        &self,
        old: &TrustedRoot,
        change: KeyChange,
        now: Timestamp,
    ) -> Result<(TrustedRoot, String), LedgerError> {
        // The log knows whole seconds: the old key is good until the second after this one.
        let end = Timestamp::from_millis((now.as_millis().div_euclid(1000) + OVERLAP) * 1000);
        Ok(match change {
            KeyChange::Issuer { public } => {
                // Left over from a run that ended before it wrote its root: nobody knows that key.
                for file in [NEXT_ISSUER, NEXT_ISSUER_PUBLIC] {
                    self.remove(file)?;
                }
                let before = self.issuer()?.public().clone();
                let key = self.new_issuer(public.as_deref(), NEXT_ISSUER, NEXT_ISSUER_PUBLIC)?;
                let root = old.next(now, |root| {
                    root.add_issuer(&key, now);
                    root.retire(&before, end);
                })?;
                (root, format!("The issuer's key {} follows {}.", key.id(), before.id()))
            }
            KeyChange::Log => {
                self.remove(NEXT_LOG)?;
                let before = self.log_key()?;
                let key = generate_log_key(&self.file(NEXT_LOG), before.name())?;
                let root = old.next(now, |root| {
                    root.add_log(key.public(), &format!("https://{}", before.name()), now);
                    root.retire(before.key(), end);
                })?;
                (root, format!("The log's key {} follows {}.", key.public().key().id(), before.key().id()))
            }
            KeyChange::Revoke { key, since, reason } => {
                let known = self.key_of(old, &key)?;
                let root = old.next(now, |root| root.revoke(&known, since, &reason))?;
                (root, format!("The key {key} is revoked since {since}: {reason}"))
            }
            KeyChange::Witnesses { keys, threshold } => {
                let root = old.next(now, |root| root.set_witnesses(&keys, threshold))?;
                (root, format!("{threshold} of {} witnesses.", keys.len()))
            }
        })
    }

    /// Signs the change with the key of the version before, and logs it.
    async fn announce(
        &self,
        store: &Store,
        root: &TrustedRoot,
        reason: &str,
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        let subject = root_subject(root.version());
        if store.attestation(&subject).await?.is_some_and(|one| one.logged.is_some()) {
            return Ok(());
        }
        let log =
            Log::open(Folder::open(&self.file("log"))?, LogKey::from_file(&self.file(LOG), self.log_key()?.name())?)?;
        let ledger = Ledger::new(self.alone(), self.issuer()?, log);
        let change =
            RootChange { version: root.version(), sha256: Sha256::of(&root.to_bytes()), reason: reason.to_owned() };
        ledger.record(store, &subject, change.statement()?, now).await
    }

    /// Gives the log its new key, if there is one; what the old one signed last is kept for the proofs of what was logged until then.
    fn exchange_log_key(&self) -> Result<(), LedgerError> {
        if !self.file(NEXT_LOG).is_file() {
            return Ok(());
        }
        let old = self.log_key()?;
        let key = LogKey::from_file(&self.file(NEXT_LOG), old.name())?;
        let public = key.public().clone();
        let folder = Folder::open(&self.file("log"))?;
        if old != public
            && let Ok(log) = Reader::open(&folder, old.clone())
        {
            let mut number = 1;
            while self.file(&format!("{RETIRED}/{number}.vkey")).is_file()
                && note_key(&self.read(&format!("{RETIRED}/{number}.vkey"))?)? != old
            {
                number += 1;
            }
            // The key is written last: a checkpoint without its key is none.
            self.write(&format!("{RETIRED}/{number}.checkpoint"), log.note().to_string().as_bytes())?;
            self.write(&format!("{RETIRED}/{number}.vkey"), format!("{old}\n").as_bytes())?;
            Log::change_key(folder, &old, key)?;
        }
        self.write(LOG_PUBLIC, format!("{public}\n").as_bytes())?;
        self.exchange(NEXT_LOG, LOG, &format!("{RETIRED}/log-{}.pem", old.key().id()))
    }

    /// Puts a file in the place of another one, which is kept.
    fn exchange(&self, next: &str, place: &str, kept: &str) -> Result<(), LedgerError> {
        let (next, place, kept) = (self.file(next), self.file(place), self.file(kept));
        if !next.is_file() {
            return Ok(());
        }
        let folder = kept.parent().unwrap_or(&kept);
        std::fs::create_dir_all(folder).map_err(|error| wrong(folder, error))?;
        if place.is_file() && !kept.exists() {
            std::fs::hard_link(&place, &kept).map_err(|error| wrong(&kept, error))?;
        }
        std::fs::rename(&next, &place).map_err(|error| wrong(&place, error))
    }

    pub(super) fn remove(&self, name: &str) -> Result<(), LedgerError> {
        let path = self.file(name);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(wrong(&path, error)),
            _ => Ok(()),
        }
    }

    /// The issuer's or log's key of an id.
    fn key_of(&self, root: &TrustedRoot, id: &str) -> Result<PublicKey, LedgerError> {
        if let Some((key, _)) = root.issuer(id) {
            return Ok(key.clone());
        }
        let log = root.logs().find(|(key, _)| key.key().id() == id);
        log.map(|(key, _)| key.key().clone()).ok_or_else(|| LedgerError::UnknownKey(sigma_core::printable(id, 80)))
    }
}

/// Seconds for which the old key is believed after the change is drawn up: the change itself is signed with it.
const OVERLAP: i64 = 3_600;
