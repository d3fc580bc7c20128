//! Witnesses: who else signs that the log shows everybody the same (C2SP tlog-witness).
//!
//! In: addresses and keys from the configuration, what witnesses answer. Out: cosigned checkpoints. Every witness is a stranger: its
//! answer is bounded, its signature is verified before it is kept, and one that is slow, down or wrong keeps nobody from anything but
//! its own signature. What each of them signed last is kept in a file: it is the size from which it is asked next.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use data_encoding::HEXLOWER;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use sigma_core::Timestamp;
use sigma_ecosystem::Poster;
use sigma_ledger::log::{
    Folder, Log, MAX_ANSWER, Reader, WitnessAnswer, WitnessError, WitnessPolicy, keep_cosigned, witness_request,
};
use sigma_ledger::{Checkpoint, Note, NoteKey, NoteSignature};
use url::Url;

use super::writer::{aside, lock};
use super::{LedgerError, LedgerFolder};
use crate::Clock;

/// A witness that is asked.
#[derive(Debug, Clone)]
pub struct WitnessAddress {
    /// Its submission prefix: `add-checkpoint` is below it.
    pub url: Url,
    /// Its key.
    pub key: NoteKey,
}

/// Who is asked, and how patiently.
#[derive(Debug, Clone)]
pub struct WitnessConfig {
    /// Who.
    pub witnesses: Vec<WitnessAddress>,
    /// How long an answer may take in all.
    pub timeout: Duration,
    /// Whether certificates are announced only when enough witnesses signed a checkpoint that covers them.
    pub first: bool,
}

/// What asking once around came to.
#[derive(Debug, Default)]
pub struct Asked {
    /// Entries of the checkpoint that they were asked about.
    pub size: u64,
    /// Witnesses whose signatures it has, of those that are asked.
    pub signed: usize,
    /// Who did not sign this time, and why.
    pub failed: Vec<(String, WitnessError)>,
}

/// The newest checkpoint of which signatures are being gathered.
const GATHERED: &str = "checkpoint.gathered";
/// What each witness signed last, by its key.
const WITNESSED: &str = "witnesses";
/// The first pause after a failure; it doubles with each further one, up to the longest.
const FIRST_PAUSE: i64 = 2_000;
const LONGEST_PAUSE: i64 = 600_000;
/// How often the log is looked at for what witnesses have not seen.
const LOOK: Duration = Duration::from_millis(500);

/// Those that are asked, and how it went.
#[derive(Debug)]
pub(super) struct Witnesses {
    config: WitnessConfig,
    poster: Poster,
    states: tokio::sync::Mutex<Vec<Known>>,
}

/// What is known of one.
#[derive(Debug, Clone, Default)]
struct Known {
    /// Entries of the checkpoint that it signed last, or said that it knows; nothing before the file was read.
    size: Option<u64>,
    /// Entries of the checkpoint whose signature is at hand.
    signed: Option<u64>,
    /// Failures in a row.
    failures: u32,
    /// Not before then, in milliseconds since 1970.
    next: i64,
    /// The last reason that was told.
    told: String,
}

impl Witnesses {
    pub(super) fn new(config: WitnessConfig) -> Result<Self, LedgerError> {
        let poster = Poster::new(config.timeout, MAX_ANSWER)?;
        let states = tokio::sync::Mutex::new(vec![Known::default(); config.witnesses.len()]);
        Ok(Self { config, poster, states })
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &NoteKey> {
        self.config.witnesses.iter().map(|witness| &witness.key)
    }
}

/// When signatures are enough: as many of the root's witnesses as the root asks for, and one at all.
pub(super) struct Quorum {
    /// What verifiers count.
    pub root: WitnessPolicy,
    /// Everybody whose signatures are kept: also those that are asked and that the root does not name.
    pub known: WitnessPolicy,
}

impl Quorum {
    pub(super) fn of(folder: &LedgerFolder) -> Result<Self, LedgerError> {
        let root = folder.root()?.witnesses().clone();
        let mut keys = root.keys.clone();
        keys.extend(
            folder.witnesses().into_iter().flat_map(Witnesses::keys).filter(|key| !root.keys.contains(key)).cloned(),
        );
        Ok(Self { root, known: WitnessPolicy { keys, threshold: 1 } })
    }

    pub(super) fn is_met(&self, note: &Note) -> Result<bool, LedgerError> {
        Ok(self.root.is_met(note)? && self.known.is_met(note)?)
    }
}

/// The checkpoint of which signatures were gathered, where it is one of the log's present key and somebody signed it.
pub(super) fn gathered(folder: &LedgerFolder) -> Result<Option<Note>, LedgerError> {
    let Some(bytes) = folder.read_if_there(GATHERED)? else { return Ok(None) };
    let Ok(note) = Note::parse(&String::from_utf8_lossy(&bytes)) else { return Ok(None) };
    let ours = note.signed_by(&folder.log_key()?)?.is_some();
    Ok((ours && Quorum::of(folder)?.known.is_met(&note)?).then_some(note))
}

/// Asks, beside the one who writes the log.
#[derive(Clone)]
pub struct Asking {
    folder: LedgerFolder,
    log: Arc<Mutex<Log<Folder>>>,
}

impl Asking {
    pub(super) fn new(folder: LedgerFolder, log: Arc<Mutex<Log<Folder>>>) -> Self {
        Self { folder, log }
    }

    /// Asks after each checkpoint that grew, for as long as it is not dropped; also takes what was carried to and from others.
    pub(super) async fn run(&self, clock: &Clock) -> std::convert::Infallible {
        let mut told = String::new();
        loop {
            if let Err(error) = self.look(clock).await {
                let why = error.to_string();
                if why != told {
                    tracing::warn!(%error, "witnesses are not asked until this passes");
                    told = why;
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn look(&self, clock: &Clock) -> Result<(), LedgerError> {
        let this = self.clone();
        aside(move || this.folder.take_carried(lock(&this.log).storage())).await?;
        let size = lock(&self.log).size();
        let Some(witnesses) = self.folder.witnesses() else { return Ok(()) };
        let now = clock();
        let due = |known: &Known| known.signed != Some(size) && known.next <= now.as_millis();
        if size > 0 && witnesses.states.lock().await.iter().any(due) {
            self.round(now).await?;
        }
        Ok(())
    }

    /// Asks everybody once who has not signed the newest checkpoint and is not to be left alone for a while.
    ///
    /// # Errors
    /// When the folder or the log fails; not when a witness does.
    pub async fn round(&self, now: Timestamp) -> Result<Asked, LedgerError> {
        let Some(witnesses) = self.folder.witnesses() else { return Ok(Asked::default()) };
        let mut states = witnesses.states.lock().await;
        let reader = Arc::new(self.folder.reader()?.log()?);
        let size = reader.checkpoint().size;
        let mut note = reader.note().clone();
        // What was signed before the process began anew.
        if let Some(before) = gathered(&self.folder)?.filter(|before| before.text() == note.text()) {
            note = before;
        }
        let mut asking = FuturesUnordered::new();
        for (witness, known) in witnesses.config.witnesses.iter().zip(states.iter_mut()) {
            if known.size.is_none() {
                known.size = Some(self.signed_last(&witness.key)?);
            }
            if note.signed_by(&witness.key)?.is_some() {
                (known.size, known.signed) = (Some(size), Some(size));
            } else if known.next <= now.as_millis() {
                let (reader, poster) = (reader.clone(), &witnesses.poster);
                asking.push(async move {
                    let answer = ask(witness, poster, &reader, known, now).await;
                    (witness, known, answer)
                });
            }
        }
        let mut asked = Asked { size, ..Asked::default() };
        // Each as it comes: a slow one does not keep what another signed from being handed out.
        while let Some((witness, known, answer)) = asking.next().await {
            match answer {
                Ok(signature) => {
                    *known = Known { size: Some(size), signed: Some(size), ..Known::default() };
                    note.sign(signature);
                    self.keep(&witness.key, &note).await?;
                }
                Err(error) => {
                    known.failed(&witness.key, &error, now);
                    asked.failed.push((witness.key.name().to_owned(), error));
                }
            }
        }
        for key in witnesses.keys() {
            asked.signed += usize::from(note.signed_by(key)?.is_some());
        }
        Ok(asked)
    }

    /// Makes sure that enough witnesses signed a checkpoint of at least `size` entries, where that is asked for before anything is
    /// announced.
    pub(super) async fn cover(&self, size: u64, now: Timestamp) -> Result<(), LedgerError> {
        if !self.folder.witnesses().is_some_and(|witnesses| witnesses.config.first) || self.cosigned()? >= size {
            return Ok(());
        }
        self.round(now).await?;
        match self.cosigned()? {
            covered if covered >= size => Ok(()),
            covered => Err(LedgerError::Unwitnessed { covered, size }),
        }
    }

    /// Entries of the newest checkpoint that enough have signed, by what the root asks for today.
    fn cosigned(&self) -> Result<u64, LedgerError> {
        let storage = Folder::read_only(&self.folder.file("log"));
        let Ok(reader) = Reader::open_cosigned(storage, self.folder.log_key()?) else { return Ok(0) };
        Ok(if Quorum::of(&self.folder)?.is_met(reader.note())? { reader.checkpoint().size } else { 0 })
    }

    /// Keeps a signature: what the witness knows now, what is gathered, and the checkpoint to hand out where that is enough.
    async fn keep(&self, key: &NoteKey, note: &Note) -> Result<(), LedgerError> {
        let (this, file, note) = (self.clone(), witnessed(key), note.clone());
        aside(move || {
            let text = note.to_string();
            this.folder.write(GATHERED, text.as_bytes())?;
            if Quorum::of(&this.folder)?.is_met(&note)? {
                keep_cosigned(lock(&this.log).storage(), &note)?;
            }
            this.folder.write(&file, text.as_bytes())
        })
        .await
    }

    fn signed_last(&self, key: &NoteKey) -> Result<u64, LedgerError> {
        Ok(self.folder.witnessed(key)?.map_or(0, |(size, _)| size))
    }
}

impl LedgerFolder {
    /// Entries of the checkpoint that a witness signed last, and when, in seconds since 1970.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn witnessed(&self, key: &NoteKey) -> Result<Option<(u64, u64)>, LedgerError> {
        let Some(bytes) = self.read_if_there(&witnessed(key))? else { return Ok(None) };
        // What is no checkpoint that it signed is as good as none: it is asked what it knows.
        let Ok(note) = Note::parse(&String::from_utf8_lossy(&bytes)) else { return Ok(None) };
        let (Ok(checkpoint), Ok(Some(time))) = (Checkpoint::parse(note.text()), note.signed_by(key)) else {
            return Ok(None);
        };
        Ok(Some((checkpoint.size, time)))
    }
}

impl Known {
    fn failed(&mut self, key: &NoteKey, error: &WitnessError, now: Timestamp) {
        let pause = FIRST_PAUSE.saturating_mul(1 << self.failures.min(20)).min(LONGEST_PAUSE);
        self.failures = self.failures.saturating_add(1);
        self.next = now.as_millis().saturating_add(pause);
        let why = error.to_string();
        // Once for each reason, not at every try.
        if why != self.told {
            tracing::warn!(witness = key.name(), error = %why, "a witness did not sign the checkpoint; it is asked again");
            self.told = why;
        }
    }
}

/// Asks one, from the size that it is known to know, and once more from the size that it says it knows.
async fn ask(
    witness: &WitnessAddress,
    poster: &Poster,
    reader: &Arc<Reader<Folder>>,
    known: &mut Known,
    now: Timestamp,
) -> Result<NoteSignature, WitnessError> {
    let size = reader.checkpoint().size;
    let seconds = u64::try_from(now.as_millis() / 1000).unwrap_or(0);
    let unreached = |error: String| WitnessError::Unreached(error);
    let url = add_checkpoint(&witness.url);
    let mut corrected = false;
    loop {
        let old = known.size.unwrap_or(0);
        if old > size {
            // The next time it is asked what it knows: it may have lost it, too.
            known.size = Some(0);
            return Err(WitnessError::Ahead { got: old, size });
        }
        let from = reader.clone();
        let body =
            aside(move || Ok(witness_request(&from, old)?)).await.map_err(|error| unreached(error.to_string()))?;
        let answer = poster.post(&url, "text/plain", body).await.map_err(|error| unreached(error.to_string()))?;
        match WitnessAnswer::read(&witness.key, reader.note(), answer.status, &answer.body, seconds)? {
            WitnessAnswer::Signed(signature) => return Ok(signature),
            WitnessAnswer::Knows(size) if corrected || size == old => return Err(WitnessError::Stuck(size)),
            WitnessAnswer::Knows(size) => (known.size, corrected) = (Some(size), true),
        }
    }
}

fn add_checkpoint(prefix: &Url) -> Url {
    let mut url = prefix.clone();
    url.set_path(&format!("{}/add-checkpoint", prefix.path().trim_end_matches('/')));
    url
}

fn witnessed(key: &NoteKey) -> String {
    format!("{WITNESSED}/{}.checkpoint", &HEXLOWER.encode(&key.hash())[..32])
}
