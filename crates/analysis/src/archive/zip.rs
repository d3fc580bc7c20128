//! Zips: wheels, eggs, jars, office files.
//!
//! In: bytes with random access. Out: their members. It reads what Python's zipfile reads (the last end record, the central
//! directory), and then everything that another reader could find instead: local headers that say something else, and
//! members that the directory does not list, which a reader that streams would unpack.

mod gaps;
mod records;

use std::io::{BufReader, Read, SeekFrom};

use sigma_core::SkipReason;

use self::records::{CENTRAL, END_BYTES, End, EndError, Entry, LOCAL_BYTES, Local, find_end, read_at};
use super::OddityKind;
use super::decode;
use super::name::Seen;
use super::walker::{Halt, Layer, PACKED_CHUNK, Place, UNPACKED_CHUNK, Walker, Want, capacity};
use crate::Source;

/// Bytes of a central directory that are held. 32 MiB: the default limit of entries with 160 bytes each.
const DIRECTORY_BYTES: u64 = 32 << 20;
/// Bytes of a local extra block that are read with the header.
const EXTRA_BYTES: u64 = 256;

/// True when Python's zipfile would take it for a zip, and would find a directory.
pub(super) fn is_zip(source: &mut dyn Source, length: u64) -> bool {
    let Ok(end) = find_end(source, length) else { return false };
    end.directory_bytes > 0 && read_at(source, end.directory, 4).is_ok_and(|bytes| bytes == CENTRAL)
}

/// False for bytes in which no zip can end: quickly, since it is asked of every file.
pub(super) fn holds_end(bytes: &[u8]) -> bool {
    let tail = &bytes[bytes.len().saturating_sub(records::TAIL_BYTES as usize)..];
    memchr::memmem::find(tail, records::END).is_some()
}

/// The bytes of an archive that an entry takes.
#[derive(Debug, Clone, Copy)]
struct Claim {
    /// Offset of its record in the directory.
    record: usize,
    /// Offset of its local header.
    start: u64,
    /// Offset of its content; the same as `start` where there is no local header.
    data: u64,
    /// End of its content, without a data descriptor.
    end: u64,
    /// A data descriptor follows.
    descriptor: bool,
}

/// How far an entry is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// From the central directory.
    Listed,
    /// From its local header only.
    Unlisted {
        /// That tells the sizes.
        sizes: bool,
    },
}

impl Walker<'_> {
    /// Reads a zip.
    pub(super) fn zip(&mut self, place: &Place, source: &mut dyn Source, length: u64) -> Result<(), Halt> {
        let mut seen = Seen::default();
        let end = match find_end(source, length) {
            Ok(end) => end,
            Err(EndError::Io(error)) => return Err(error.into()),
            Err(error) => {
                self.oddity(OddityKind::Truncated, &place.own, error.to_string());
                self.skip(&place.own, SkipReason::Damaged, error.to_string());
                return self.zip_gap(place, source, &mut seen, 0..length, false);
            }
        };
        self.judge_end(place, &end, length);
        if end.directory_bytes > DIRECTORY_BYTES {
            let detail = format!("{} bytes of central directory, limit {DIRECTORY_BYTES}", end.directory_bytes);
            self.skip(&place.own, SkipReason::OverBudget, detail);
        }
        let directory = read_at(source, end.directory, end.directory_bytes.min(DIRECTORY_BYTES))?;
        let claims = self.claims(place, source, &directory, &end)?;
        if claims.is_empty() && !directory.is_empty() {
            return self.zip_gap(place, source, &mut seen, 0..length, false);
        }
        let order = self.overlaps(place, &directory, &claims, &end);
        for claim in &claims {
            self.enter()?;
            if let Some((entry, _)) = Entry::read(&directory[claim.record..]) {
                self.zip_entry(place, source, &mut seen, claim, &entry, Known::Listed)?;
            }
        }
        let mut at = 0;
        for claim in order.iter().map(|&index| &claims[index as usize]) {
            if claim.start > at {
                self.zip_gap(place, source, &mut seen, at..claim.start, true)?;
            }
            let end = if claim.descriptor { descriptor_end(source, claim)? } else { claim.end };
            at = at.max(end);
        }
        self.zip_gap(place, source, &mut seen, at..end.directory, true)
    }

    /// What the end record and the bytes after it tell.
    fn judge_end(&mut self, place: &Place, end: &End, length: u64) {
        if end.shift > 0 {
            self.oddity(OddityKind::LeadingBytes, &place.own, format!("{} bytes before the archive", end.shift));
        }
        if end.disagrees {
            self.oddity(OddityKind::HeaderMismatch, &place.own, "the end records contradict each other");
        }
        let after = end.at + END_BYTES;
        let behind = length - after;
        if end.comment > behind {
            let detail = format!("its comment should have {} bytes, and has {behind}", end.comment);
            self.oddity(OddityKind::Truncated, &place.own, detail);
        } else if end.comment < behind {
            let detail = format!("{} bytes after the end record and its comment", behind - end.comment);
            self.oddity(OddityKind::TrailingBytes, &place.own, detail);
        }
    }

    /// Reads the directory's records, and from each local header where the content is.
    fn claims(
        &mut self,
        place: &Place,
        source: &mut dyn Source,
        directory: &[u8],
        end: &End,
    ) -> Result<Vec<Claim>, Halt> {
        let mut claims = Vec::new();
        let mut rest = directory;
        // One more than allowed, so that the limit is met, and disclosed, while they are read.
        while !rest.is_empty() && claims.len() as u64 <= self.limits.entries {
            let record = directory.len() - rest.len();
            let Some((entry, next)) = Entry::read(rest) else {
                let detail = format!("the directory is not readable after {} entries", claims.len());
                self.skip(&place.own, SkipReason::Damaged, detail);
                return Ok(claims);
            };
            rest = next;
            let start = entry.offset.saturating_add(end.shift);
            let mut claim = Claim { record, start, data: start, end: start, descriptor: false };
            let local = if start < end.at { read_at(source, start, LOCAL_BYTES)? } else { Vec::new() };
            if let Some(local) = Local::read(&local) {
                claim.data = start + LOCAL_BYTES + local.name_bytes + local.extra_bytes;
                claim.end = claim.data.saturating_add(entry.packed);
                claim.descriptor = entry.has_descriptor() || local.flags & 8 != 0;
            }
            claims.push(claim);
        }
        let count = claims.len() as u64;
        // Without zip64 the field holds the lower 16 bits only.
        if rest.is_empty() && count != end.entries && count & 0xffff != end.entries {
            let detail = format!("the end record states {} entries, the directory holds {count}", end.entries);
            self.oddity(OddityKind::HeaderMismatch, &place.own, detail);
        }
        Ok(claims)
    }

    /// Finds entries that share bytes (D. Fifield, "A better zip bomb"), and gives the claims in file order.
    fn overlaps(&mut self, place: &Place, directory: &[u8], claims: &[Claim], end: &End) -> Vec<u32> {
        let mut order: Vec<u32> = (0u32..).take(claims.len()).collect();
        order.sort_by_key(|&index| claims[index as usize].start);
        let mut taken = 0;
        for claim in order.iter().map(|&index| &claims[index as usize]) {
            let into_directory = claim.end > end.directory;
            if claim.start < taken || into_directory {
                let what = if into_directory { "the central directory" } else { "another member" };
                let name = Entry::read(&directory[claim.record..]).map_or(&[][..], |(entry, _)| entry.name);
                let judged = super::name::judge(name, self.limits.path_bytes);
                let detail = format!("bytes {} to {} overlap {what}", claim.start, claim.end);
                self.oddity(OddityKind::OverlappingEntries, &format!("{}{}", place.prefix, judged.path), detail);
            }
            taken = taken.max(claim.end);
        }
        order
    }

    /// Reads one entry. Gives the offset behind what it took.
    fn zip_entry(
        &mut self,
        place: &Place,
        source: &mut dyn Source,
        seen: &mut Seen,
        claim: &Claim,
        entry: &Entry<'_>,
        known: Known,
    ) -> Result<u64, Halt> {
        let path = self.name(place, entry.name);
        if claim.data == claim.start {
            self.skip(&path, SkipReason::Damaged, format!("got no local header at offset {}", claim.start));
            return Ok(claim.end);
        }
        match known {
            Known::Listed => self.compare(source, claim, entry, &path)?,
            Known::Unlisted { .. } => {}
        }
        let executable = self.note_mode(entry.mode, &path);
        let kind = entry.mode & 0o170_000;
        if matches!(kind, 0o020_000 | 0o060_000 | 0o010_000 | 0o140_000) {
            self.oddity(OddityKind::Device, &path, format!("mode {:o}; its content is read", entry.mode));
        }
        let folder = entry.name.ends_with(b"/");
        // An empty deflate stream has two bytes.
        if folder && entry.size == 0 && entry.packed <= 2 {
            return Ok(claim.end);
        }
        if folder {
            self.oddity(OddityKind::HeaderMismatch, &path, format!("a folder with {} bytes of content", entry.size));
        }
        self.note_repeat(seen, entry.name, &path);
        if entry.encrypted() {
            self.oddity(OddityKind::Encrypted, &path, "its content cannot be read");
            self.skip(&path, SkipReason::Encrypted, format!("{} packed bytes", entry.packed));
            return Ok(claim.end);
        }
        if known == Known::Listed && self.passes_over(&path) {
            return Ok(claim.end);
        }
        self.request(entry.packed)?;
        source.seek(SeekFrom::Start(claim.data))?;
        let mut packed =
            BufReader::with_capacity(capacity(entry.packed, PACKED_CHUNK), Read::take(source, entry.packed));
        let decoder = match decode::zip_entry(entry.method, &mut packed, entry.size) {
            Ok(Some(decoder)) => decoder,
            Ok(None) => {
                let detail = format!("compression method {}, {} packed bytes", entry.method, entry.packed);
                self.skip(&path, SkipReason::Unsupported, detail);
                return Ok(claim.end);
            }
            Err(error) => {
                self.broken(&path, SkipReason::Damaged, error.into());
                return Ok(claim.end);
            }
        };
        let mut unpacked = BufReader::with_capacity(capacity(entry.size, UNPACKED_CHUNK), decoder);
        let want = Want { size: None, crc: true, said: entry.size };
        let mut taken = self.take(&mut unpacked, want, &mut Layer::new(entry.packed));
        drop(unpacked);
        let unread = packed.buffer().len() as u64 + packed.get_ref().limit();
        if taken.end.is_ok() {
            if entry.method == 0 && unread > 0 {
                taken.end = Err(Halt::truncated(format!("it ends {unread} bytes early")));
            } else if unread > 0 && known != (Known::Unlisted { sizes: false }) {
                self.oddity(OddityKind::TrailingBytes, &path, format!("{unread} packed bytes after its content"));
            }
            if known != (Known::Unlisted { sizes: false }) {
                if taken.size != entry.size {
                    let detail = format!("the directory says {} bytes, it has {}", entry.size, taken.size);
                    self.oddity(OddityKind::HeaderMismatch, &path, detail);
                }
                if taken.crc != entry.crc && taken.end.is_ok() {
                    let detail = format!("got CRC-32 {:08x}, expected {:08x}", taken.crc, entry.crc);
                    self.oddity(OddityKind::BadChecksum, &path, detail);
                }
            }
        }
        if kind == 0o120_000 {
            let text = String::from_utf8_lossy(&entry.name[..entry.name.len().min(self.limits.path_bytes)]);
            let base = text.rsplit_once('/').map_or("", |(base, _)| base);
            self.note_link(&path, base, taken.bytes());
        }
        self.emit(place, &path, executable, taken)?;
        Ok(claim.end.saturating_sub(unread).max(claim.data))
    }

    /// Compares an entry's local header with its record in the directory.
    fn compare(&mut self, source: &mut dyn Source, claim: &Claim, entry: &Entry<'_>, path: &str) -> Result<(), Halt> {
        let bytes = read_at(source, claim.start, LOCAL_BYTES + entry.name.len() as u64 + EXTRA_BYTES)?;
        let (fixed, rest) = bytes.split_at(bytes.len().min(LOCAL_BYTES as usize));
        let Some(mut local) = Local::read(fixed) else { return Ok(()) };
        let (name, extra) = rest.split_at(rest.len().min(local.name_bytes as usize));
        local.widen(&extra[..extra.len().min(local.extra_bytes as usize)]);
        let mut wrong = Vec::new();
        if name != entry.name {
            wrong.push(format!("the local header names `{}`", String::from_utf8_lossy(&name[..name.len().min(200)])));
        }
        if let Some(unicode) = entry.unicode_name
            && unicode != entry.name
        {
            let unicode = String::from_utf8_lossy(&unicode[..unicode.len().min(200)]);
            wrong.push(format!("its Unicode path field names `{unicode}`"));
        }
        let mut numbers = vec![("method", local.method.into(), entry.method.into())];
        numbers.push(("encryption", u64::from(local.flags & 1), u64::from(entry.flags & 1)));
        // With a data descriptor the local fields are zero, or say the same.
        let later = local.flags & 8 != 0;
        let sums = [
            ("CRC-32", local.crc.into(), entry.crc.into()),
            ("packed size", local.packed, entry.packed),
            ("size", local.size, entry.size),
        ];
        numbers.extend(sums.into_iter().filter(|&(_, local, _)| !later || (local != 0 && local != 0xffff_ffff)));
        for (what, local, central) in numbers {
            if local != central {
                wrong.push(format!("{what} {local} in the local header, {central} in the directory"));
            }
        }
        if !wrong.is_empty() {
            self.oddity(OddityKind::HeaderMismatch, path, wrong.join("; "));
        }
        Ok(())
    }
}

/// Where an entry with a data descriptor ends (APPNOTE 4.3.9): the signature is optional, and the sizes have eight bytes
/// each under zip64.
fn descriptor_end(source: &mut dyn Source, claim: &Claim) -> Result<u64, Halt> {
    let bytes = read_at(source, claim.end, 28)?;
    let signed = if bytes.starts_with(records::DESCRIPTOR) { 4 } else { 0 };
    let record = |at: usize| bytes.get(at..).is_none_or(|rest| rest.is_empty() || rest.starts_with(b"PK"));
    let length = [12, 20].map(|length| signed + length).into_iter().find(|&length| record(length));
    Ok(claim.end + length.unwrap_or(signed + if signed > 0 { 12 } else { 0 }) as u64)
}
