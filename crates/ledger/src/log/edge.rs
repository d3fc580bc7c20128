//! The right edge of a tree: for each level the hashes of the tile that is not full yet. It is all that appending needs.

use tlog_tiles::tile::Tile;
use tlog_tiles::tlog::{Error, Hash, HashReader, split_stored_hash_index, tree_hash};

use super::{LogError, Resource, WIDTH};

/// The edge of a tree of `size` entries.
#[derive(Debug, Clone, Default)]
pub struct Edge {
    size: u64,
    levels: Vec<Vec<Hash>>,
}

impl Edge {
    /// The edge that storage has for a size.
    pub fn load(size: u64, mut read: impl FnMut(Resource) -> Result<Vec<u8>, LogError>) -> Result<Self, LogError> {
        let mut levels = Vec::new();
        let mut count = size;
        while count > 0 {
            let (index, width) = (count / WIDTH, count % WIDTH);
            let mut hashes = Vec::new();
            if width > 0 {
                let level = u8::try_from(levels.len()).map_err(|_| LogError::Proof("too many levels".into()))?;
                hashes = hashes_of(&read(Resource::Tile { level, index, width: width as u16 })?);
            }
            levels.push(hashes);
            count = index;
        }
        Ok(Self { size, levels })
    }

    /// How many entries the tree has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf, and hands over every tile that it fills.
    pub fn push(&mut self, leaf: Hash, mut full: impl FnMut(Resource, Vec<u8>)) {
        let mut hash = leaf;
        let mut index = self.size;
        self.size += 1;
        for level in 0.. {
            if self.levels.len() == usize::from(level) {
                self.levels.push(Vec::new());
            }
            let hashes = &mut self.levels[usize::from(level)];
            hashes.push(hash);
            index /= WIDTH;
            if hashes.len() < WIDTH as usize {
                return;
            }
            let bytes = bytes_of(hashes);
            hash = Tile::subtree_hash(&bytes);
            hashes.clear();
            full(Resource::Tile { level, index, width: WIDTH as u16 }, bytes);
        }
    }

    /// The tiles that are not full.
    pub fn partial(&self) -> impl Iterator<Item = (Resource, Vec<u8>)> {
        self.levels.iter().enumerate().filter(|(_, hashes)| !hashes.is_empty()).map(|(level, hashes)| {
            let index = self.size >> (8 * (level + 1));
            (Resource::Tile { level: level as u8, index, width: hashes.len() as u16 }, bytes_of(hashes))
        })
    }

    /// The Merkle tree hash.
    pub fn root(&self) -> Result<[u8; 32], LogError> {
        Ok(tree_hash(self.size, self)?.0)
    }
}

/// The hash of a tree needs complete subtrees of the edge alone.
impl HashReader for Edge {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, Error> {
        indexes
            .iter()
            .map(|index| {
                let (height, n) = split_stored_hash_index(*index);
                let (level, within) = (height / 8, height % 8);
                let start = (n << within) % WIDTH;
                let end = start + (1 << within);
                let hashes = self.levels.get(usize::from(level)).ok_or(Error::IndexesNotInTree)?;
                let hashes = hashes.get(start as usize..end as usize).ok_or(Error::IndexesNotInTree)?;
                Ok(Tile::subtree_hash(&bytes_of(hashes)))
            })
            .collect()
    }
}

/// Hashes one after the other, as a tile has them.
pub fn bytes_of(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// The hashes of a tile.
pub fn hashes_of(bytes: &[u8]) -> Vec<Hash> {
    bytes.as_chunks::<32>().0.iter().map(|hash| Hash(*hash)).collect()
}
