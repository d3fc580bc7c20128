//! The objects of one fetch, on disk until nobody needs them.

use gix_hash::ObjectId;
use gix_object::Kind;
use gix_zlib::Inflate;
use sigma_core::printable;
use tempfile::TempDir;

use super::RepositoryError;
use crate::listing::Unread;

/// The objects of one fetch.
pub(crate) struct Objects {
    pack: gix_pack::data::File,
    index: gix_pack::index::File,
    /// Goes last: the files above lie in it.
    _folder: TempDir,
}

impl Objects {
    pub(super) fn new(bundle: gix_pack::Bundle, folder: TempDir, most: usize) -> Self {
        // Bases and results of a delta count together.
        let pack = bundle.pack.with_alloc_limit_bytes(Some(most.saturating_mul(4)));
        Self { pack, index: bundle.index, _folder: folder }
    }

    /// Whether an object was received.
    pub(super) fn has(&self, id: ObjectId) -> bool {
        self.index.lookup(id).is_some()
    }

    /// An object, where it was received.
    pub(super) fn find(&self, id: ObjectId) -> Result<Option<(Kind, Vec<u8>)>, RepositoryError> {
        let damaged = |error: gix_error::Error| RepositoryError::Damaged(printable(&error.to_string(), 200));
        let entry = |at: u32| self.pack.entry(self.index.pack_offset_at_index(at));
        let Some(at) = self.index.lookup(id) else { return Ok(None) };
        let mut out = Vec::new();
        let base = |id: &gix_hash::oid, _: &mut Vec<u8>| {
            let found =
                self.index.lookup(id).map(|at| entry(at).map(gix_pack::data::decode::entry::ResolvedBase::InPack));
            found.transpose()
        };
        let outcome = self
            .pack
            .decode_entry(
                entry(at).map_err(damaged)?,
                &mut out,
                &mut Inflate::default(),
                &base,
                &mut gix_pack::cache::Never,
            )
            .map_err(damaged)?;
        Ok(Some((outcome.kind, out)))
    }

    /// A file.
    pub(crate) fn blob(&self, id: ObjectId, most: u64) -> Result<Vec<u8>, Unread> {
        match self.find(id) {
            Ok(Some((Kind::Blob, bytes))) if bytes.len() as u64 <= most => Ok(bytes),
            Ok(Some((Kind::Blob, bytes))) => Err(Unread::TooLarge(Some(bytes.len() as u64))),
            // The server was asked to leave out what is too large.
            Ok(None) => Err(Unread::TooLarge(None)),
            Ok(Some(_)) => Err(Unread::Failed("the object is no file".to_owned())),
            Err(error) => Err(Unread::Failed(error.to_string())),
        }
    }
}
