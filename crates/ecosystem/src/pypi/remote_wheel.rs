//! METADATA out of a wheel that stays where it is, for indexes that serve no metadata files.
//!
//! In: the address of a wheel. Out: the text of its METADATA, bounded and not yet checked. A few pieces of the archive
//! are fetched: the front (a small wheel is complete by then), the end, and what the directory there points at.

use std::collections::HashMap;
use std::io::{self, Read, Seek, SeekFrom};
use std::str::FromStr as _;

use http::HeaderValue;
use percent_encoding::percent_decode_str;
use url::Url;
use uv_distribution_filename::WheelFilename;
use zip::{CompressionMethod, ZipArchive};

use super::failure;
use super::metadata::MAX_METADATA;
use crate::http::shown;
use crate::range::Piece;
use crate::{Http, HttpError};

/// Bytes of a chunk: many pure Python wheels are smaller, and so are most directories.
const CHUNK: usize = 32 << 10;

/// Bytes of one wheel that are fetched. The directories of the largest wheels have about 2 MB; where the server knows no
/// ranges, wheels up to this size are read whole.
const MAX_FETCHED: u64 = 32 << 20;

/// What a wheel says about itself.
pub(super) struct Inside {
    pub metadata: Vec<u8>,
    /// How long the server says that the wheel stays as it is.
    pub cache_control: Option<HeaderValue>,
}

/// Fetches the METADATA of one wheel. What is wrong with the wheel is [`HttpError::Garbage`].
pub(super) async fn read(http: &Http, url: &Url) -> Result<Inside, HttpError> {
    let garbage = |why: String| HttpError::Garbage { url: shown(url), expected: "a wheel", why };
    let last = url.path().rsplit('/').next().unwrap_or_default();
    let filename = percent_decode_str(last).decode_utf8_lossy();
    let filename = WheelFilename::from_str(&filename).map_err(|error| garbage(failure::causes(&error)))?;
    let mut length = CHUNK as u64;
    let first = http.piece(url, 0, length, MAX_FETCHED).await?;
    let cache_control = first.cache_control.clone();
    let mut parts = Parts::new(first);
    if parts.total > length {
        // The directory of an archive is at its end.
        let from = Parts::chunk_start(parts.total - length);
        parts.add(http.piece(url, from, parts.total - from, MAX_FETCHED).await?).map_err(&garbage)?;
    }
    loop {
        let found = metadata(&mut parts, &filename);
        // Whatever it found, it counts only if nothing was missing.
        let Some(from) = parts.missing.take() else {
            return found.map(|metadata| Inside { metadata, cache_control }).map_err(garbage);
        };
        if parts.held() + length > MAX_FETCHED {
            return Err(HttpError::TooLarge { url: shown(url), limit: MAX_FETCHED });
        }
        parts.add(http.piece(url, from, length.min(parts.total - from), MAX_FETCHED).await?).map_err(&garbage)?;
        length *= 2;
    }
}

/// Finds METADATA where uv finds it, in the chunks that are here.
fn metadata(parts: &mut Parts, filename: &WheelFilename) -> Result<Vec<u8>, String> {
    let wrong = |error: zip::result::ZipError| failure::causes(&error);
    let mut archive = ZipArchive::new(parts).map_err(wrong)?;
    let names: Vec<(usize, String)> =
        (0..archive.len()).filter_map(|at| Some((at, archive.name_for_index(at)?.ok()?.into_owned()))).collect();
    let names = names.iter().map(|(at, name)| (*at, name.as_str()));
    let (at, _) = uv_metadata::find_archive_dist_info(filename, names).map_err(|error| failure::causes(&error))?;
    let method = archive.by_index_raw(at).map_err(wrong)?.compression();
    // Other decoders take as much memory as the archive tells them to.
    if !matches!(method, CompressionMethod::Stored | CompressionMethod::Deflated) {
        return Err(format!("its METADATA is compressed with {method}, expected deflate"));
    }
    let mut text = Vec::new();
    let mut file = archive.by_index(at).map_err(wrong)?.take(MAX_METADATA + 1);
    file.read_to_end(&mut text).map_err(|error| failure::causes(&error))?;
    match text.len() as u64 > MAX_METADATA {
        true => Err(format!("its METADATA has more than {MAX_METADATA} bytes")),
        false => Ok(text),
    }
}

/// The chunks of a file that are here, as a file. Reading one that is not fails, and notes which one it was.
struct Parts {
    total: u64,
    at: u64,
    chunks: HashMap<u64, Vec<u8>>,
    missing: Option<u64>,
}

impl Parts {
    fn new(first: Piece) -> Self {
        let mut new = Self { total: first.total, at: 0, chunks: HashMap::new(), missing: None };
        new.keep(&first);
        new
    }

    /// Keeps a piece that begins where a chunk does.
    fn add(&mut self, piece: Piece) -> Result<(), String> {
        if piece.total != self.total {
            return Err(format!("it changed while it was read, from {} to {} bytes", self.total, piece.total));
        }
        self.keep(&piece);
        Ok(())
    }

    fn keep(&mut self, piece: &Piece) {
        for (at, chunk) in (piece.from / CHUNK as u64..).zip(piece.bytes.chunks(CHUNK)) {
            self.chunks.insert(at, chunk.to_owned());
        }
    }

    fn chunk_start(at: u64) -> u64 {
        at - at % CHUNK as u64
    }

    fn held(&self) -> u64 {
        (self.chunks.len() * CHUNK) as u64
    }
}

impl Read for Parts {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.total || out.is_empty() {
            return Ok(0);
        }
        let start = Self::chunk_start(self.at);
        // Smaller than a chunk, so that it fits any usize.
        let skip = (self.at - start) as usize;
        let Some(rest) = self.chunks.get(&(start / CHUNK as u64)).and_then(|chunk| chunk.get(skip..)) else {
            self.missing = Some(start);
            return Err(io::Error::other("this part was not fetched yet"));
        };
        let length = rest.len().min(out.len());
        out[..length].copy_from_slice(&rest[..length]);
        self.at += length as u64;
        Ok(length)
    }
}

impl Seek for Parts {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.total.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a position before the beginning"))?;
        Ok(self.at)
    }
}
