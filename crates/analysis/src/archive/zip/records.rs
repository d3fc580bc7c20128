//! Records of a zip file (PKWARE APPNOTE.TXT 6.3.10, section 4.3), read as Python's zipfile reads them.
//!
//! In: raw bytes. Out: plain numbers and borrowed names. No field is trusted: lengths are checked against what is there.

use std::io::{Read, SeekFrom};

use crate::Source;

pub(super) const LOCAL: &[u8; 4] = b"PK\x03\x04";
pub(super) const CENTRAL: &[u8; 4] = b"PK\x01\x02";
pub(super) const END: &[u8; 4] = b"PK\x05\x06";
pub(super) const DESCRIPTOR: &[u8; 4] = b"PK\x07\x08";
const END64: &[u8; 4] = b"PK\x06\x06";
const LOCATOR64: &[u8; 4] = b"PK\x06\x07";

pub(super) const LOCAL_BYTES: u64 = 30;
const CENTRAL_BYTES: usize = 46;
pub(super) const END_BYTES: u64 = 22;
const END64_BYTES: u64 = 56;
const LOCATOR64_BYTES: u64 = 20;
/// A comment has at most 65,535 bytes, so the end record starts in the last of these.
pub(super) const TAIL_BYTES: u64 = END_BYTES + 0xffff;

/// Where the central directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct End {
    /// Offset of the end record.
    pub at: u64,
    /// Offset of the directory in the file.
    pub directory: u64,
    /// Its length.
    pub directory_bytes: u64,
    /// Entries, as stated.
    pub entries: u64,
    /// Bytes before the archive: every offset in it is relative to them.
    pub shift: u64,
    /// Bytes of the comment, as stated.
    pub comment: u64,
    /// The zip64 and the plain end record contradict each other.
    pub disagrees: bool,
}

/// Why there is no directory.
#[derive(Debug, thiserror::Error)]
pub(super) enum EndError {
    #[error("got no end-of-central-directory record, expected one in the last 64 KiB")]
    None,
    #[error("the end record at {at} places {bytes} bytes of directory at {offset}, which is not before it")]
    Misplaced { at: u64, bytes: u64, offset: u64 },
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// Finds the directory: the last end record, and the directory right before it, as zipfile does.
pub(super) fn find_end(source: &mut dyn Source, length: u64) -> Result<End, EndError> {
    let tail = read_at(source, length.saturating_sub(TAIL_BYTES), TAIL_BYTES)?;
    let tail_at = length - tail.len() as u64;
    // zipfile first tries the very end with an empty comment; that record is also what a search from the end finds,
    // unless its own fields hold the signature.
    let last = tail.len().saturating_sub(END_BYTES as usize);
    let empty_comment = tail[last..].starts_with(END) && tail.ends_with(&[0, 0]);
    let found = if empty_comment { Some(last) } else { memchr::memmem::rfind(&tail, END) };
    let record = found.and_then(|at| tail.get(at..at + END_BYTES as usize).map(|record| (at, record)));
    let Some((found, record)) = record else { return Err(EndError::None) };
    let at = tail_at + found as u64;
    let mut entries = u64::from(u16_at(record, 10));
    let mut bytes = u64::from(u32_at(record, 12));
    let mut offset = u64::from(u32_at(record, 16));
    let mut disagrees = u16_at(record, 8) != u16_at(record, 10);
    let mut before = at;
    if let Some(end64) = find_end64(source, at)? {
        let wide =
            [(entries, 0xffff, end64.entries), (bytes, 0xffff_ffff, end64.bytes), (offset, 0xffff_ffff, end64.offset)];
        disagrees |= wide.iter().any(|&(plain, sentinel, wide)| plain != sentinel && plain != wide);
        (entries, bytes, offset, before) = (end64.entries, end64.bytes, end64.offset, end64.at);
    }
    let misplaced = EndError::Misplaced { at, bytes, offset };
    let Some(directory) = before.checked_sub(bytes) else { return Err(misplaced) };
    let Some(shift) = directory.checked_sub(offset) else { return Err(misplaced) };
    let comment = u64::from(u16_at(record, 20));
    Ok(End { at, directory, directory_bytes: bytes, entries, shift, comment, disagrees })
}

struct End64 {
    at: u64,
    entries: u64,
    bytes: u64,
    offset: u64,
}

/// The zip64 end record lies before its locator, which lies before the end record.
fn find_end64(source: &mut dyn Source, end: u64) -> Result<Option<End64>, EndError> {
    let Some(locator_at) = end.checked_sub(LOCATOR64_BYTES) else { return Ok(None) };
    let locator = read_at(source, locator_at, LOCATOR64_BYTES)?;
    if !locator.starts_with(LOCATOR64) {
        return Ok(None);
    }
    let places = [locator_at.checked_sub(END64_BYTES), Some(u64_at(&locator, 8))];
    for at in places.into_iter().flatten().filter(|&at| at < locator_at) {
        let record = read_at(source, at, END64_BYTES)?;
        if record.starts_with(END64) && record.len() as u64 == END64_BYTES {
            let field = |offset| u64_at(&record, offset);
            return Ok(Some(End64 { at, entries: field(32), bytes: field(40), offset: field(48) }));
        }
    }
    Ok(None)
}

/// One record of the central directory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'d> {
    pub name: &'d [u8],
    /// From the Unicode path field (APPNOTE 4.6.9), where there is one.
    pub unicode_name: Option<&'d [u8]>,
    pub flags: u16,
    pub method: u16,
    pub crc: u32,
    pub packed: u64,
    pub size: u64,
    /// Offset of the local header, as stated.
    pub offset: u64,
    /// Unix mode; 0 where the archive tells none.
    pub mode: u32,
}

impl<'d> Entry<'d> {
    /// Reads the first record of a directory; also gives what follows it.
    pub fn read(directory: &'d [u8]) -> Option<(Self, &'d [u8])> {
        let fixed = directory.get(..CENTRAL_BYTES)?;
        if !fixed.starts_with(CENTRAL) {
            return None;
        }
        let lengths = [28, 30, 32].map(|at| usize::from(u16_at(fixed, at)));
        let name = directory.get(CENTRAL_BYTES..)?.get(..lengths[0])?;
        let extra = directory.get(CENTRAL_BYTES + lengths[0]..)?.get(..lengths[1])?;
        let rest = directory.get(CENTRAL_BYTES + lengths.iter().sum::<usize>()..)?;
        let mut entry = Self {
            name,
            unicode_name: None,
            flags: u16_at(fixed, 8),
            method: u16_at(fixed, 10),
            crc: u32_at(fixed, 16),
            packed: u64::from(u32_at(fixed, 20)),
            size: u64::from(u32_at(fixed, 24)),
            offset: u64::from(u32_at(fixed, 42)),
            mode: u32_at(fixed, 38) >> 16,
        };
        for (id, field) in fields(extra) {
            match id {
                1 => widen(field, [&mut entry.size, &mut entry.packed, &mut entry.offset]),
                0x7075 => entry.unicode_name = field.get(5..),
                _ => {}
            }
        }
        Some((entry, rest))
    }

    pub fn encrypted(&self) -> bool {
        self.flags & 1 != 0 || self.method == 99
    }

    /// Sizes and checksum follow the content.
    pub fn has_descriptor(&self) -> bool {
        self.flags & 8 != 0
    }
}

/// A local header, without its name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Local {
    pub flags: u16,
    pub method: u16,
    pub crc: u32,
    pub packed: u64,
    pub size: u64,
    pub name_bytes: u64,
    pub extra_bytes: u64,
}

impl Local {
    /// Reads the fixed part of a local header.
    pub fn read(fixed: &[u8]) -> Option<Self> {
        if fixed.len() as u64 != LOCAL_BYTES || !fixed.starts_with(LOCAL) {
            return None;
        }
        Some(Self {
            flags: u16_at(fixed, 6),
            method: u16_at(fixed, 8),
            crc: u32_at(fixed, 14),
            packed: u64::from(u32_at(fixed, 18)),
            size: u64::from(u32_at(fixed, 22)),
            name_bytes: u64::from(u16_at(fixed, 26)),
            extra_bytes: u64::from(u16_at(fixed, 28)),
        })
    }

    /// Takes sizes from the zip64 field.
    pub fn widen(&mut self, extra: &[u8]) {
        for (id, field) in fields(extra) {
            if id == 1 {
                widen(field, [&mut self.size, &mut self.packed, &mut 0]);
            }
        }
    }
}

/// The fields of an extra block: id and content.
fn fields(mut extra: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let id = u16_at(extra.get(..4)?, 0);
        let field = extra.get(4..)?.get(..usize::from(u16_at(extra, 2)))?;
        extra = &extra[4 + field.len()..];
        Some((id, field))
    })
}

/// The zip64 field holds, in this order, only those values whose plain field is all ones (APPNOTE 4.5.3).
fn widen(mut field: &[u8], values: [&mut u64; 3]) {
    for value in values {
        if *value == 0xffff_ffff && field.len() >= 8 {
            *value = u64_at(field, 0);
            field = &field[8..];
        }
    }
}

/// Up to `bytes` bytes from an offset; fewer at the end. Memory grows with what is there, not with what is asked for.
pub(super) fn read_at(source: &mut dyn Source, at: u64, bytes: u64) -> std::io::Result<Vec<u8>> {
    source.seek(SeekFrom::Start(at))?;
    let mut read = Vec::new();
    source.take(bytes).read_to_end(&mut read)?;
    Ok(read)
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..).and_then(|bytes| bytes.first_chunk()).map_or(0, |&bytes| u16::from_le_bytes(bytes))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|bytes| bytes.first_chunk()).map_or(0, |&bytes| u32::from_le_bytes(bytes))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(|bytes| bytes.first_chunk()).map_or(0, |&bytes| u64::from_le_bytes(bytes))
}
