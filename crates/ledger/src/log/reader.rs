//! Reading a log: entries, proofs, and the bytes to serve.

use std::cell::RefCell;
use std::collections::HashMap;

use tlog_tiles::tile::Tile;
use tlog_tiles::tlog::{self, Hash, HashReader, split_stored_hash_index};

use super::{LogError, Resource, Storage, WIDTH, edge::hashes_of};
use crate::checkpoint::Checkpoint;
use crate::note::{Note, NoteError, NoteKey};

/// A log as one checkpoint describes it.
pub struct Reader<S> {
    storage: S,
    note: Note,
    checkpoint: Checkpoint,
}

impl<S: Storage> Reader<S> {
    /// The log at its newest checkpoint, whose signature is verified.
    ///
    /// # Errors
    /// When storage fails, or there is no checkpoint of this key.
    pub fn open(storage: S, key: NoteKey) -> Result<Self, LogError> {
        Self::at(storage, key, Resource::Checkpoint)
    }

    /// The log at its newest checkpoint that enough witnesses signed.
    ///
    /// # Errors
    /// As [`Reader::open`]; also when there is none yet.
    pub fn open_cosigned(storage: S, key: NoteKey) -> Result<Self, LogError> {
        Self::at(storage, key, Resource::Cosigned)
    }

    fn at(storage: S, key: NoteKey, which: Resource) -> Result<Self, LogError> {
        let bytes = storage.read(&which)?.ok_or_else(|| LogError::damaged(&which, "there is none"))?;
        let text = std::str::from_utf8(&bytes).map_err(|_| LogError::damaged(&which, "it is not UTF-8"))?;
        Self::open_at(storage, key, text)
    }

    /// The log at a checkpoint that the caller kept: the last one of a key that was replaced since.
    ///
    /// # Errors
    /// When it is none of this key.
    pub fn open_at(storage: S, key: NoteKey, text: &str) -> Result<Self, LogError> {
        let (note, checkpoint) = Checkpoint::of_note(text, key.name())?;
        if note.signed_by(&key)?.is_none() {
            return Err(NoteError::Signature(key.name().to_owned()).into());
        }
        Ok(Self { storage, note, checkpoint })
    }

    /// The checkpoint with its signatures.
    pub fn note(&self) -> &Note {
        &self.note
    }

    /// The checkpoint.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The bytes to answer a path with: only what this checkpoint covers.
    ///
    /// # Errors
    /// When storage fails.
    pub fn serve(&self, path: &str) -> Result<Option<(Resource, Vec<u8>)>, LogError> {
        let Some(resource) = Resource::parse(path).filter(|resource| resource.within(self.checkpoint.size)) else {
            return Ok(None);
        };
        if !resource.immutable() {
            return Ok(self.storage.read(&resource)?.map(|bytes| (resource, bytes)));
        }
        // Cut from what this log has, never read as it lies there: a writer that crashed may have left tiles of a size that
        // no checkpoint ever had.
        let (level, index) = match resource {
            Resource::Tile { level, index, .. } => (level, index),
            _ => (0, resource.index()),
        };
        let bytes = self.whole(&resource.widened(self.width(level, index)))?;
        Ok(Some((resource, cut(&resource, bytes)?)))
    }

    /// Proof that the entry at `index` is in this log (RFC 9162, section 2.1.3), lowest hash first.
    ///
    /// # Errors
    /// When there is no such entry, or storage fails.
    pub fn inclusion(&self, index: u64) -> Result<Vec<[u8; 32]>, LogError> {
        self.inclusion_at(index, self.checkpoint.size)
    }

    /// The same for the log as it was when it had `size` entries.
    ///
    /// # Errors
    /// When there is no such entry, the log has less entries, or storage fails.
    pub fn inclusion_at(&self, index: u64, size: u64) -> Result<Vec<[u8; 32]>, LogError> {
        if size > self.checkpoint.size {
            return Err(LogError::Beyond { got: size, size: self.checkpoint.size });
        }
        self.below(index, size)?;
        self.hashes(|hashes| tlog::prove_record(size, index, hashes))
    }

    /// Proof that a log of `old` entries is the beginning of this one (RFC 9162, section 2.1.4).
    ///
    /// # Errors
    /// When the log has less entries, or storage fails.
    pub fn consistency(&self, old: u64) -> Result<Vec<[u8; 32]>, LogError> {
        let size = self.checkpoint.size;
        if old > size {
            return Err(LogError::Beyond { got: old, size });
        }
        if old == 0 {
            return Ok(Vec::new());
        }
        self.hashes(|hashes| tlog::prove_tree(size, old, hashes))
    }

    /// The root of the first `size` entries.
    ///
    /// # Errors
    /// When the log has less entries, or storage fails.
    pub fn root(&self, size: u64) -> Result<[u8; 32], LogError> {
        if size > self.checkpoint.size {
            return Err(LogError::Beyond { got: size, size: self.checkpoint.size });
        }
        Ok(self.hashes(|hashes| Ok(vec![tlog::tree_hash(size, hashes)?]))?[0])
    }

    /// The bytes of an entry.
    ///
    /// # Errors
    /// When there is no such entry, or storage fails.
    pub fn entry(&self, index: u64) -> Result<Vec<u8>, LogError> {
        self.below(index, self.checkpoint.size)?;
        let (resource, bytes) = self.bundle(index / WIDTH)?;
        let mut entries = split_entries(&resource, &bytes)?;
        Ok(entries.swap_remove((index % WIDTH) as usize).to_vec())
    }

    /// When an entry was logged, in seconds since 1970.
    ///
    /// # Errors
    /// When there is no such entry, or storage fails.
    pub fn time(&self, index: u64) -> Result<u64, LogError> {
        self.below(index, self.checkpoint.size)?;
        Ok(self.times(index / WIDTH)?[(index % WIDTH) as usize])
    }

    fn below(&self, index: u64, size: u64) -> Result<(), LogError> {
        if index < size { Ok(()) } else { Err(LogError::Beyond { got: index, size }) }
    }

    /// How wide a tile is in this log.
    fn width(&self, level: u8, index: u64) -> u16 {
        let hashes = self.checkpoint.size >> (8 * u32::from(level));
        hashes.saturating_sub(index * WIDTH).min(WIDTH) as u16
    }

    /// The bytes of a resource that has to be there. A writer that filled a tile since may have removed its narrower
    /// version.
    pub(super) fn whole(&self, resource: &Resource) -> Result<Vec<u8>, LogError> {
        let bytes = match self.storage.read(resource)? {
            Some(bytes) => bytes,
            None => match self.storage.read(&resource.widened(WIDTH as u16))? {
                Some(bytes) => cut(resource, bytes)?,
                None => return Err(LogError::damaged(resource, "it is missing")),
            },
        };
        let expected = match resource {
            Resource::Tile { width, .. } => usize::from(*width) * 32,
            Resource::Times { width, .. } => usize::from(*width) * 8,
            _ => bytes.len(),
        };
        if bytes.len() != expected {
            return Err(LogError::damaged(resource, format!("got {} bytes, expected {expected}", bytes.len())));
        }
        Ok(bytes)
    }

    /// The leaf hashes of a bundle.
    pub(super) fn leaf_hashes(&self, index: u64) -> Result<Vec<[u8; 32]>, LogError> {
        let bytes = self.whole(&Resource::Tile { level: 0, index, width: self.width(0, index) })?;
        Ok(bytes.as_chunks::<32>().0.to_vec())
    }

    /// The times of a bundle.
    pub(super) fn times(&self, index: u64) -> Result<Vec<u64>, LogError> {
        let bytes = self.whole(&Resource::Times { index, width: self.width(0, index) })?;
        Ok(bytes.as_chunks::<8>().0.iter().map(|time| u64::from_be_bytes(*time)).collect())
    }

    /// A bundle of entries.
    pub(super) fn bundle(&self, index: u64) -> Result<(Resource, Vec<u8>), LogError> {
        let resource = Resource::Entries { index, width: self.width(0, index) };
        Ok((resource, self.whole(&resource)?))
    }

    /// The hashes of a tile as wide as this log has it.
    pub(super) fn tile(&self, level: u8, index: u64) -> Result<Vec<Hash>, LogError> {
        Ok(hashes_of(&self.whole(&Resource::Tile { level, index, width: self.width(level, index) })?))
    }

    /// Runs the arithmetic of a proof over the tiles of this log, each read once.
    fn hashes(
        &self,
        prove: impl FnOnce(&TileHashes<'_, S>) -> Result<Vec<Hash>, tlog::Error>,
    ) -> Result<Vec<[u8; 32]>, LogError> {
        let tiles = TileHashes { reader: self, read: RefCell::default(), failed: RefCell::default() };
        let proof = prove(&tiles);
        // The library's errors cannot carry ours; the first one says more.
        if let Some(error) = tiles.failed.into_inner() {
            return Err(error);
        }
        Ok(proof?.into_iter().map(|hash| hash.0).collect())
    }
}

/// The beginning of a wider version of a resource.
fn cut(resource: &Resource, mut bytes: Vec<u8>) -> Result<Vec<u8>, LogError> {
    let length = match resource {
        Resource::Tile { width, .. } => usize::from(*width) * 32,
        Resource::Times { width, .. } => usize::from(*width) * 8,
        Resource::Entries { width, .. } => {
            let mut end = 0;
            for _ in 0..*width {
                let length = bytes.get(end..end + 2).map_or(0, |two| u16::from_be_bytes([two[0], two[1]]));
                end += 2 + usize::from(length);
            }
            end
        }
        Resource::Checkpoint | Resource::Cosigned => bytes.len(),
    };
    if length > bytes.len() {
        return Err(LogError::damaged(resource, format!("got {} bytes, expected {length}", bytes.len())));
    }
    bytes.truncate(length);
    Ok(bytes)
}

/// Splits a bundle into its entries.
pub(super) fn split_entries<'a>(resource: &Resource, mut bytes: &'a [u8]) -> Result<Vec<&'a [u8]>, LogError> {
    let Resource::Entries { width, .. } = resource else { return Ok(Vec::new()) };
    let mut entries = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<2>() {
        let (entry, rest) = rest
            .split_at_checked(u16::from_be_bytes(*length).into())
            .ok_or_else(|| LogError::damaged(resource, "an entry ends beyond it"))?;
        entries.push(entry);
        bytes = rest;
    }
    if !bytes.is_empty() || entries.len() != usize::from(*width) {
        return Err(LogError::damaged(resource, format!("got {} entries, expected {width}", entries.len())));
    }
    Ok(entries)
}

struct TileHashes<'a, S> {
    reader: &'a Reader<S>,
    read: RefCell<HashMap<(u8, u64), Vec<Hash>>>,
    failed: RefCell<Option<LogError>>,
}

impl<S: Storage> HashReader for TileHashes<'_, S> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog::Error> {
        indexes.iter().map(|index| self.hash(*index)).collect()
    }
}

impl<S: Storage> TileHashes<'_, S> {
    /// The hash of a complete subtree: 2^(height mod 8) neighbours in one tile.
    fn hash(&self, stored: u64) -> Result<Hash, tlog::Error> {
        let (height, n) = split_stored_hash_index(stored);
        let (level, within) = (height / 8, height % 8);
        let first = n << within;
        let key = (level, first / WIDTH);
        let mut read = self.read.borrow_mut();
        let tile = match read.entry(key) {
            std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::hash_map::Entry::Vacant(place) => match self.reader.tile(key.0, key.1) {
                Ok(tile) => place.insert(tile),
                Err(error) => {
                    self.failed.borrow_mut().get_or_insert(error);
                    return Err(tlog::Error::BadMath);
                }
            },
        };
        let start = (first % WIDTH) as usize;
        let hashes = tile.get(start..start + (1 << within)).ok_or(tlog::Error::IndexesNotInTree)?;
        Ok(Tile::subtree_hash(&super::edge::bytes_of(hashes)))
    }
}
