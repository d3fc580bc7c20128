//! Appending.

use std::collections::HashMap;

use data_encoding::{BASE64, HEXLOWER};
use sigma_core::Timestamp;
use tlog_tiles::tlog::record_hash;

use super::edge::Edge;
use super::{Batch, LogError, MAX_LEAF, Reader, Resource, Storage, WIDTH};
use crate::checkpoint::{Checkpoint, MAX_SIZE};
use crate::keys::LogKey;
use crate::note::{Note, NoteError, NoteKey};

/// How many of the newest entries are known by hash, so that who appends one again gets its position.
const RECENT: u64 = 1 << 16;

/// What is appended: the bytes of a leaf.
pub type Entry = Vec<u8>;

/// Where an entry is in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Its position, from 0.
    pub index: u64,
    /// When it was logged, in whole seconds.
    pub time: Timestamp,
    /// The log's signature over entry, time and position: sigstore's signed entry timestamp.
    pub promise: Vec<u8>,
    /// Whether it was there before.
    pub existed: bool,
}

/// What the log signs to say when an entry was logged: as Rekor's signed entry timestamp, so that verifiers of sigstore
/// bundles take it for a time.
pub fn promise_message(log: &NoteKey, entry: &[u8], time: u64, index: u64) -> Vec<u8> {
    // All four values are of characters that JSON does not escape, and the keys are in canonical order.
    let (body, id) = (BASE64.encode(entry), HEXLOWER.encode(&log.hash()));
    format!("{{\"body\":\"{body}\",\"integratedTime\":{time},\"logID\":\"{id}\",\"logIndex\":{index}}}").into_bytes()
}

/// The one writer of a log.
#[derive(Debug)]
pub struct Log<S> {
    storage: S,
    key: LogKey,
    checkpoint: String,
    edge: Edge,
    /// The bundle that is not full, and its times.
    entries: Vec<u8>,
    times: Vec<u8>,
    /// The time of the newest entry, in seconds. Times never go back.
    newest: u64,
    recent: HashMap<[u8; 32], (u64, u64)>,
    uncertain: bool,
}

impl<S: Storage> Log<S> {
    /// Begins a log where there is none.
    ///
    /// # Errors
    /// When there is a checkpoint or a tile: a log that lost its checkpoint must not begin again, because it would show
    /// another history than the one it signed.
    pub fn create(storage: S, key: LogKey) -> Result<Self, LogError> {
        for width in [1, WIDTH as u16] {
            let first = Resource::Tile { level: 0, index: 0, width };
            for resource in [Resource::Checkpoint, first] {
                if storage.read(&resource)?.is_some() {
                    return Err(LogError::damaged(&resource, "it is there, where a log should begin"));
                }
            }
        }
        storage.commit(&Batch { checkpoint: sign(&key, &Edge::default())?, ..Batch::default() })?;
        Self::open(storage, key)
    }

    /// Opens a log. What its checkpoint says is compared with the tiles at its edge.
    ///
    /// # Errors
    /// When storage fails, there is no log, the checkpoint is not this key's, or the tiles do not add up to it.
    pub fn open(storage: S, key: LogKey) -> Result<Self, LogError> {
        let reader = Reader::open(&storage, key.public().clone())?;
        let (note, size) = (reader.note().to_string(), reader.checkpoint().size);
        let edge = Edge::load(size, |resource| reader.whole(&resource))?;
        if edge.root()? != reader.checkpoint().root {
            return Err(LogError::damaged(&Resource::Checkpoint, "the tiles at its edge have another root"));
        }
        let (index, width) = (size / WIDTH, (size % WIDTH) as u16);
        let (mut entries, mut times) = (Vec::new(), Vec::new());
        if width > 0 {
            entries = reader.whole(&Resource::Entries { index, width })?;
            times = reader.whole(&Resource::Times { index, width })?;
        }
        let mut newest = 0;
        let mut recent = HashMap::new();
        for index in size.saturating_sub(RECENT) / WIDTH..size.div_ceil(WIDTH) {
            let start = index * WIDTH;
            let (hashes, times) = (reader.leaf_hashes(index)?, reader.times(index)?);
            for (offset, (hash, time)) in hashes.iter().zip(times).enumerate() {
                recent.insert(*hash, (start + offset as u64, time));
                newest = time;
            }
        }
        Ok(Self { storage, key, checkpoint: note, edge, entries, times, newest, recent, uncertain: false })
    }

    /// Gives a log another key, of the same origin: its checkpoint is signed anew. The trusted root has to know the new key
    /// before, so that whoever verifies knows it, too.
    ///
    /// # Errors
    /// When the log is not `old`'s, or the names differ.
    pub fn change_key(storage: S, old: &NoteKey, key: LogKey) -> Result<Self, LogError> {
        let reader = Reader::open(&storage, old.clone())?;
        if old.name() != key.origin() {
            let (got, expected) = (key.origin().to_owned(), old.name().to_owned());
            return Err(NoteError::Origin { got, expected }.into());
        }
        let edge = Edge::load(reader.checkpoint().size, |resource| reader.whole(&resource))?;
        if edge.root()? != reader.checkpoint().root {
            return Err(LogError::damaged(&Resource::Checkpoint, "the tiles at its edge have another root"));
        }
        storage.commit(&Batch { checkpoint: sign(&key, &edge)?, ..Batch::default() })?;
        Self::open(storage, key)
    }

    /// The newest checkpoint, signed.
    pub fn checkpoint(&self) -> &str {
        &self.checkpoint
    }

    /// How many entries there are.
    pub fn size(&self) -> u64 {
        self.edge.size()
    }

    /// The log's key.
    pub fn key(&self) -> &LogKey {
        &self.key
    }

    /// Where it is kept.
    pub fn storage(&self) -> &S {
        &self.storage
    }

    /// A reader of what is logged now.
    ///
    /// # Errors
    /// When storage fails.
    pub fn reader(&self) -> Result<Reader<&S>, LogError> {
        Reader::open(&self.storage, self.key.public().clone())
    }

    /// Appends entries. When it returns, they and a checkpoint that covers them are durable. An entry that is there
    /// already, among the newest 65,536 or in this batch, is not appended again: who does not know whether an earlier call
    /// came through asks again.
    ///
    /// # Errors
    /// When an entry is empty or too long (nothing was written), or storage fails (what was written is known after opening
    /// the log again; this value refuses everything from then on).
    pub fn append(&mut self, entries: &[Entry], now: Timestamp) -> Result<Vec<Logged>, LogError> {
        if self.uncertain {
            return Err(LogError::Uncertain);
        }
        if let Some(wrong) = entries.iter().find(|entry| entry.is_empty() || entry.len() > MAX_LEAF) {
            return Err(LogError::Leaf(wrong.len()));
        }
        if self.edge.size() + entries.len() as u64 > MAX_SIZE {
            return Err(LogError::Beyond { got: self.edge.size() + entries.len() as u64, size: MAX_SIZE });
        }
        let time = self.newest.max(u64::try_from(now.as_millis() / 1000).unwrap_or(0));
        let start = self.edge.size();
        let mut batch = Batch::default();
        let mut logged = Vec::with_capacity(entries.len());
        // Until it is durable, everything is done on what is thrown away by `uncertain`.
        self.uncertain = true;
        for entry in entries {
            let hash = record_hash(entry);
            if let Some((index, time)) = self.recent.get(&hash.0) {
                logged.push(self.logged(entry, *index, *time, *index < start));
                continue;
            }
            let index = self.edge.size();
            self.recent.insert(hash.0, (index, time));
            logged.push(self.logged(entry, index, time, false));
            self.entries.extend((entry.len() as u16).to_be_bytes());
            self.entries.extend(entry);
            self.times.extend(time.to_be_bytes());
            self.edge.push(hash, |tile, bytes| batch.resources.push((tile, bytes)));
            if (index + 1).is_multiple_of(WIDTH) {
                let (index, width) = (index / WIDTH, WIDTH as u16);
                batch.resources.push((Resource::Entries { index, width }, std::mem::take(&mut self.entries)));
                batch.resources.push((Resource::Times { index, width }, std::mem::take(&mut self.times)));
            }
        }
        if self.edge.size() > start {
            self.write(batch)?;
            self.newest = time;
            self.forget();
        }
        self.uncertain = false;
        Ok(logged)
    }

    fn logged(&self, entry: &[u8], index: u64, time: u64, existed: bool) -> Logged {
        let promise = self.key.sign(&promise_message(self.key.public(), entry, time, index));
        Logged { index, time: seconds(time), promise, existed }
    }

    fn write(&mut self, mut batch: Batch) -> Result<(), LogError> {
        batch.completed = batch.resources.iter().map(|(resource, _)| *resource).collect();
        batch.resources.extend(self.edge.partial());
        let (index, width) = (self.edge.size() / WIDTH, (self.edge.size() % WIDTH) as u16);
        if width > 0 {
            batch.resources.push((Resource::Entries { index, width }, self.entries.clone()));
            batch.resources.push((Resource::Times { index, width }, self.times.clone()));
        }
        batch.checkpoint = sign(&self.key, &self.edge)?;
        self.storage.commit(&batch)?;
        self.checkpoint = batch.checkpoint;
        Ok(())
    }

    /// Keeps the newest entries' hashes. Twice as many may be there for a while, so that this is not done every time.
    fn forget(&mut self) {
        if self.recent.len() as u64 > 2 * RECENT {
            let from = self.edge.size() - RECENT;
            self.recent.retain(|_, (index, _)| *index >= from);
        }
    }
}

fn sign(key: &LogKey, edge: &Edge) -> Result<String, LogError> {
    let checkpoint = Checkpoint { origin: key.origin().to_owned(), size: edge.size(), root: edge.root()? };
    let mut note = Note::new(checkpoint.to_string());
    note.sign(key.sign_note(note.text()));
    Ok(note.to_string())
}

fn seconds(time: u64) -> Timestamp {
    Timestamp::from_millis(i64::try_from(time).unwrap_or(i64::MAX / 1000).saturating_mul(1000))
}
