//! A pack from a stranger: measured before gix unpacks it.
//!
//! In: the bytes of a pack. Out: its objects in a temporary folder that goes with them, each checked against its id. A delta
//! of a few bytes can stand for gigabytes, and a chain of them is held in memory while it is unpacked: so what everything
//! unfolds to is added up first, from what the headers say and the contents are checked against.

use std::io::Read as _;
use std::sync::atomic::{AtomicBool, Ordering};

use flate2::bufread::ZlibDecoder;
use gix_hash::Kind;
use gix_pack::bundle::write::Options;
use gix_pack::data::entry::Header;
use gix_utils::progress::Discard;
use sigma_core::printable;

use super::{Objects, RepositoryError};
use crate::config::RepositoryConfig;

pub(super) fn unpack(
    pack: &[u8],
    hash: Kind,
    config: &RepositoryConfig,
    interrupt: &AtomicBool,
) -> Result<Objects, RepositoryError> {
    measure(pack, hash, config, interrupt)?;
    let folder = tempfile::Builder::new().prefix("sigma-intake-").tempdir()?;
    // A bare store is all that is needed: there is no configuration in it for anybody to read.
    let most = usize::try_from(config.object).unwrap_or(usize::MAX);
    let options = Options { thread_limit: Some(1), alloc_limit_bytes: Some(most), ..Options::default() };
    let none: Option<gix_object::find::Never> = None; // a pack for somebody who has nothing stands alone
    let written = gix_pack::Bundle::write_to_directory(
        &mut &*pack,
        Some(folder.path()),
        &mut Discard,
        interrupt,
        none,
        hash,
        options,
    )
    .map_err(|error| match interrupt.load(Ordering::Relaxed) {
        true => RepositoryError::Late(config.within),
        false => damaged(&error),
    })?;
    let bundle = written.to_bundle().ok_or(RepositoryError::Empty)?.map_err(|error| damaged(&error))?;
    Ok(Objects::new(bundle, folder, most))
}

fn damaged(error: &dyn std::fmt::Display) -> RepositoryError {
    RepositoryError::Damaged(printable(&error.to_string(), 200))
}

/// Reads every header, and inflates every entry to the size that it claims and no further.
fn measure(pack: &[u8], hash: Kind, config: &RepositoryConfig, interrupt: &AtomicBool) -> Result<(), RepositoryError> {
    let head = pack.first_chunk::<12>().ok_or_else(|| damaged(&"it ends within its head"))?;
    let (_, objects) = gix_pack::data::header::decode(head).map_err(|error| damaged(&error))?;
    if objects > config.objects {
        return Err(RepositoryError::TooLarge { what: "objects", limit: config.objects.into() });
    }
    let mut rest = &pack[head.len()..];
    let mut unpacked = 0u64;
    for _ in 0..objects {
        if interrupt.load(Ordering::Relaxed) {
            return Err(RepositoryError::Late(config.within));
        }
        let offset = (pack.len() - rest.len()) as u64;
        let entry = gix_pack::data::Entry::from_read(&mut rest, offset, hash.len_in_bytes())
            .map_err(|error| damaged(&error))?;
        let mut sizes = vec![entry.decompressed_size];
        if entry.decompressed_size <= config.object {
            let mut content = ZlibDecoder::new(rest);
            let mut first = Vec::new();
            // A delta begins with the sizes of its base and of its result, at most ten bytes each.
            let mut read = (&mut content).take(20).read_to_end(&mut first).map_err(|error| damaged(&error))? as u64;
            read += std::io::copy(&mut (&mut content).take(config.object), &mut std::io::sink())
                .map_err(|error| damaged(&error))?;
            if read != entry.decompressed_size {
                return Err(damaged(&"an object does not have the size that it claims"));
            }
            if matches!(entry.header, Header::OfsDelta { .. } | Header::RefDelta { .. }) {
                let sizes_of = size(&first).and_then(|(_, rest)| size(rest));
                sizes.push(sizes_of.ok_or_else(|| damaged(&"a delta ends within its head"))?.0);
            }
            rest = content.into_inner();
        }
        for size in sizes {
            if size > config.object {
                return Err(RepositoryError::TooLarge { what: "bytes in one object", limit: config.object });
            }
            unpacked = unpacked.saturating_add(size);
        }
        if unpacked > config.unpacked {
            return Err(RepositoryError::TooLarge { what: "bytes, unpacked", limit: config.unpacked });
        }
    }
    Ok(())
}

/// A size as deltas begin with two of: seven bits a byte, lowest first, the highest bit saying that more follow (gitformat-pack).
fn size(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut size = 0u64;
    for (at, byte) in bytes.iter().enumerate() {
        let bits = u64::from(byte & 0x7f);
        size |= bits.checked_shl(u32::try_from(at).ok()? * 7).filter(|shifted| shifted >> (at * 7) == bits)?;
        if byte & 0x80 == 0 {
            return Some((size, &bytes[at + 1..]));
        }
    }
    None
}
