//! The state of one walk: budgets, buffers, what was visited and what was not.
//!
//! The formats ask it for everything that costs something: each byte that is unpacked and each entry is charged here,
//! and each member is handed to the visitor here, so that no format can forget a limit.

use std::collections::HashSet;
use std::io::{self, BufRead, BufReader, Cursor, Read, SeekFrom};

use sha2::{Digest as _, Sha256};
use sigma_core::{SkipReason, Skipped, printable};

use super::decode::Streams;
use super::format::{self, Codec, Format};
use super::name::{self, Seen};
use super::{Content, INSIDE, Member, ODDITIES_OF_A_KIND, Oddity, OddityKind, SKIPPED_OF_A_REASON, Walk};
use crate::{Limits, Source};

/// How much is read from a source at a time.
pub(super) const PACKED_CHUNK: usize = 64 << 10;
/// How much is unpacked at a time.
pub(super) const UNPACKED_CHUNK: usize = 128 << 10;
/// Bytes kept of a file that is too large to hold.
const HEAD_BYTES: usize = 64 << 10;
/// Archives inside archives, whatever the limits say: each level takes some stack.
const DEEPEST: u32 = 16;
/// Characters of a detail that quotes an archive.
const DETAIL_CHARS: usize = 400;

/// Why reading stopped.
#[derive(Debug)]
pub(super) enum Halt {
    /// A limit on the whole walk was reached, and is already recorded: everything stops.
    Walk,
    /// This archive or entry has the ratio of a bomb: it stops, its neighbours do not.
    Ratio(String),
    /// This archive or entry is not readable further.
    Broken {
        /// Because it ends early.
        truncated: bool,
        /// What exactly.
        detail: String,
    },
}

impl Halt {
    pub fn truncated(detail: impl Into<String>) -> Self {
        Self::Broken { truncated: true, detail: detail.into() }
    }
}

impl From<io::Error> for Halt {
    fn from(error: io::Error) -> Self {
        let truncated = error.kind() == io::ErrorKind::UnexpectedEof;
        Self::Broken { truncated, detail: printable(&error.to_string(), DETAIL_CHARS) }
    }
}

/// The archive being read, as its members' paths need it.
pub(super) struct Place {
    /// Path of the archive itself; empty for the distribution.
    pub own: String,
    /// What its members' paths start with.
    pub prefix: String,
    /// Level of its members.
    pub nested: u32,
}

/// Something packed, whose ratio is judged.
pub(super) struct Layer {
    packed: u64,
    unpacked: u64,
}

impl Layer {
    pub fn new(packed: u64) -> Self {
        Self { packed, unpacked: 0 }
    }
}

/// The size of a buffer for something that has so many bytes.
pub(super) fn capacity(size: u64, most: usize) -> usize {
    usize::try_from(size).unwrap_or(most).clamp(512, most)
}

/// What was read of a file.
pub(super) struct Taken {
    /// Bytes read.
    pub size: u64,
    /// CRC-32 of them.
    pub crc: u32,
    /// Whether it was read to its end.
    pub end: Result<(), Halt>,
    /// A buffer that begins with the bytes, or the first of them.
    bytes: Vec<u8>,
    filled: usize,
    sha256: sigma_core::Sha256,
    whole: bool,
}

impl Taken {
    /// The bytes, or the first of them.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }
}

/// How a file is read.
#[derive(Clone, Copy, Default)]
pub(super) struct Want {
    /// Exactly so many bytes; otherwise up to the end.
    pub size: Option<u64>,
    /// Sum up the CRC-32 too.
    pub crc: bool,
    /// Bytes that it is said to have: room for them is made at once, as far as they would be held.
    pub said: u64,
}

pub(super) struct Walker<'w> {
    pub limits: &'w Limits,
    visit: &'w mut dyn FnMut(Member<'_>),
    walk: Walk,
    /// Bytes of the distribution.
    packed: u64,
    /// Bytes unpacked so far, in all layers.
    unpacked: u64,
    /// Packed bytes of entries so far: overlapping ones can ask for the same bytes again and again.
    requested: u64,
    entries: u64,
    halted: bool,
    /// The paths that are visited; nothing for all.
    pub only: Option<&'w HashSet<String>>,
    /// Buffers to use again: one for each level at most.
    buffers: Vec<Vec<u8>>,
}

impl<'w> Walker<'w> {
    pub fn new(limits: &'w Limits, visit: &'w mut dyn FnMut(Member<'_>)) -> Self {
        let walk = Walk { complete: true, ..Walk::default() };
        Self {
            limits,
            visit,
            walk,
            packed: 0,
            unpacked: 0,
            requested: 0,
            entries: 0,
            halted: false,
            only: None,
            buffers: Vec::new(),
        }
    }

    pub fn run(mut self, filename: &str, source: &mut dyn Source) -> Walk {
        let place = Place { own: String::new(), prefix: String::new(), nested: 0 };
        match self.formats(filename, source) {
            Ok((formats, length)) => {
                self.packed = length;
                if formats.is_empty() {
                    let detail = "got neither zip nor tar nor a known compression, expected an archive";
                    self.skip("", SkipReason::Unsupported, detail);
                }
                // Everything was recorded on the way.
                let _ = self.open(&place, filename, source, length, &formats);
            }
            Err(halt) => self.broken("", SkipReason::Damaged, halt),
        }
        self.walk
    }

    /// The formats in which some installer may read the distribution, most likely first.
    fn formats(&mut self, filename: &str, source: &mut dyn Source) -> Result<(Vec<Format>, u64), Halt> {
        let length = source.seek(SeekFrom::End(0))?;
        source.seek(SeekFrom::Start(0))?;
        let mut head = Vec::with_capacity(512);
        source.take(512).read_to_end(&mut head)?;
        let (named, sniffed) = (format::named(filename), format::sniff(&head));
        let mut formats: Vec<Format> = sniffed.into_iter().collect();
        let mut also = |format| {
            if !formats.contains(&format) {
                formats.push(format);
            }
        };
        // Python's zipfile looks at the end of a file only, and pip asks it first whatever the name is.
        if super::zip::is_zip(source, length) {
            also(Format::Zip);
        }
        if let Some(named) = named
            && formats.is_empty()
        {
            formats.push(named);
        }
        if let [first, second, ..] = formats[..] {
            self.oddity(OddityKind::HeaderMismatch, "", format!("it can be read as {first:?} and as {second:?}"));
        } else if let (Some(named), Some(found)) = (named, formats.first())
            && named != *found
        {
            self.oddity(OddityKind::HeaderMismatch, "", format!("got {found:?}, expected {named:?} by its name"));
        }
        Ok((formats, length))
    }

    /// Reads an archive in each of its formats. Fails only when everything stops.
    fn open(
        &mut self,
        place: &Place,
        filename: &str,
        source: &mut dyn Source,
        length: u64,
        formats: &[Format],
    ) -> Result<(), Halt> {
        for &format in formats {
            let before = self.walk.files;
            let result = match format {
                Format::Zip => self.zip(place, source, length),
                Format::Tar => self.plain_tar(place, source, length),
                Format::Packed(codec) => self.packed(place, filename, source, length, codec),
                Format::Unread(kind) => {
                    self.skip(&place.own, SkipReason::Unsupported, format!("{kind} archives are not read"));
                    Ok(())
                }
            };
            let unread = place.nested > 0 && self.walk.files == before;
            let reason = if unread { SkipReason::NestedArchive } else { SkipReason::Damaged };
            match result {
                Ok(()) => {}
                Err(Halt::Walk) => return Err(Halt::Walk),
                Err(halt) => self.broken(&place.own, reason, halt),
            }
        }
        Ok(())
    }

    fn plain_tar(&mut self, place: &Place, source: &mut dyn Source, length: u64) -> Result<(), Halt> {
        source.seek(SeekFrom::Start(0))?;
        let mut input = BufReader::with_capacity(PACKED_CHUNK, source);
        self.tar(place, &mut input, &mut Layer::new(length))
    }

    /// A compressed tar, or a compressed single file.
    fn packed(
        &mut self,
        place: &Place,
        filename: &str,
        source: &mut dyn Source,
        length: u64,
        codec: Codec,
    ) -> Result<(), Halt> {
        source.seek(SeekFrom::Start(0))?;
        let streams = Streams::new(codec, BufReader::with_capacity(PACKED_CHUNK, source), self.limits.entries)?;
        let mut unpacked = BufReader::with_capacity(UNPACKED_CHUNK, streams);
        let mut head = Vec::with_capacity(512);
        let peeked = unpacked.by_ref().take(512).read_to_end(&mut head);
        let tar = format::is_tar(&head) || (format::names_tar(filename) && head.iter().all(|&byte| byte == 0));
        if !tar && format::names_tar(filename) {
            let detail = "got a compressed file without a tar header, expected a tar by its name";
            self.skip(&place.own, SkipReason::Damaged, detail);
        }
        let mut layer = Layer::new(length);
        let mut input = Cursor::new(head).chain(&mut unpacked);
        let result = match tar {
            true => self.tar(place, &mut input, &mut layer),
            false => {
                let want = Want { said: UNPACKED_CHUNK as u64, ..Want::default() };
                let taken = self.take(&mut input, want, &mut layer);
                let path = format!("{}{}", place.prefix, printable(format::unpacked_name(filename), 200));
                self.emit(place, &path, false, taken)
            }
        };
        let trailing = unpacked.get_ref().trailing();
        if trailing > 0 {
            self.oddity(OddityKind::TrailingBytes, &place.own, format!("{trailing} bytes after the {codec:?} data"));
        }
        match peeked {
            Err(error) if !matches!(result, Err(Halt::Walk)) => Err(error.into()),
            _ => result,
        }
    }

    /// Counts an entry of any kind.
    pub fn enter(&mut self) -> Result<(), Halt> {
        self.entries += 1;
        if self.entries > self.limits.entries {
            return Err(self.halt(SkipReason::OverBudget, format!("more than {} entries", self.limits.entries)));
        }
        Ok(())
    }

    /// Counts unpacked bytes.
    pub fn charge(&mut self, layer: &mut Layer, bytes: u64) -> Result<(), Halt> {
        self.unpacked = self.unpacked.saturating_add(bytes);
        layer.unpacked = layer.unpacked.saturating_add(bytes);
        let Limits { unpacked_bytes, ratio, ratio_floor, .. } = *self.limits;
        if self.unpacked > unpacked_bytes {
            return Err(self.halt(SkipReason::OverBudget, format!("more than {unpacked_bytes} unpacked bytes")));
        }
        let bomb = |packed: u64, unpacked: u64| unpacked > ratio_floor && unpacked / ratio.max(1) >= packed.max(1);
        let detail = |packed, unpacked| format!("{unpacked} bytes out of {packed}, limit {ratio} to one");
        if bomb(self.packed, self.unpacked) {
            return Err(self.halt(SkipReason::Ratio, detail(self.packed, self.unpacked)));
        }
        match bomb(layer.packed, layer.unpacked) {
            true => Err(Halt::Ratio(detail(layer.packed, layer.unpacked))),
            false => Ok(()),
        }
    }

    /// Counts packed bytes that an entry asks for.
    pub fn request(&mut self, bytes: u64) -> Result<(), Halt> {
        self.requested = self.requested.saturating_add(bytes);
        let limit = self.limits.unpacked_bytes;
        if self.requested > limit {
            return Err(self.halt(SkipReason::OverBudget, format!("entries ask for more than {limit} packed bytes")));
        }
        Ok(())
    }

    fn halt(&mut self, reason: SkipReason, detail: String) -> Halt {
        if !self.halted {
            self.halted = true;
            self.oddity(OddityKind::Bomb, "", detail.clone());
            self.skip("", reason, format!("stopped: {detail}"));
        }
        Halt::Walk
    }

    /// Records a part that broke off. Nothing for a halt of everything, which is recorded already.
    pub fn broken(&mut self, path: &str, reason: SkipReason, halt: Halt) {
        match halt {
            Halt::Walk => {}
            Halt::Ratio(detail) => {
                self.oddity(OddityKind::Bomb, path, detail.clone());
                self.skip(path, SkipReason::Ratio, detail);
            }
            Halt::Broken { truncated, detail } => {
                if truncated {
                    self.oddity(OddityKind::Truncated, path, detail.clone());
                }
                self.skip(path, reason, detail);
            }
        }
    }

    pub fn skip(&mut self, path: &str, reason: SkipReason, detail: impl Into<String>) {
        self.walk.complete &= reason == SkipReason::NotAFile;
        let total = self.walk.skipped_totals.entry(reason).or_default();
        *total += 1;
        if *total <= SKIPPED_OF_A_REASON {
            self.walk.skipped.push(Skipped { path: path.to_owned(), reason, detail: detail.into() });
        }
    }

    pub fn oddity(&mut self, kind: OddityKind, path: &str, detail: impl Into<String>) {
        let total = self.walk.oddity_totals.entry(kind).or_default();
        *total += 1;
        if *total <= ODDITIES_OF_A_KIND {
            let detail = printable(&detail.into(), DETAIL_CHARS);
            self.walk.oddities.push(Oddity { kind, path: path.to_owned(), detail });
        }
    }

    /// Judges a member's raw path, records what is wrong, and returns the path to report it under.
    pub fn name(&mut self, place: &Place, raw: &[u8]) -> String {
        let judged = name::judge(raw, self.limits.path_bytes);
        let path = if place.prefix.is_empty() { judged.path } else { place.prefix.clone() + &judged.path };
        for (kind, detail) in judged.wrong {
            self.oddity(kind, &path, detail);
        }
        path
    }

    /// Whether nobody asks for the file at this path.
    pub fn passes_over(&self, path: &str) -> bool {
        self.only.is_some_and(|paths| !paths.contains(path))
    }

    /// Records a file's path that repeats an earlier one of the same archive.
    pub fn note_repeat(&mut self, seen: &mut Seen, raw: &[u8], path: &str) {
        match seen.note(raw) {
            Some(kind @ OddityKind::CaseCollision) => self.oddity(kind, path, "another path differs in case only"),
            Some(kind) => self.oddity(kind, path, "an earlier member has the same path"),
            None => {}
        }
    }

    /// Records set-user-id and set-group-id bits, and returns whether an installer makes the file executable.
    pub fn note_mode(&mut self, mode: u32, path: &str) -> bool {
        if mode & 0o6000 != 0 {
            self.oddity(OddityKind::SetuidBit, path, format!("mode {:o}", mode & 0o7777));
        }
        mode & 0o111 != 0
    }

    /// Records a link.
    pub fn note_link(&mut self, path: &str, folder: &str, target: &[u8]) {
        let target = String::from_utf8_lossy(&target[..target.len().min(self.limits.path_bytes)]);
        let kind = if name::escapes(folder, &target) { OddityKind::LinkOutside } else { OddityKind::Link };
        self.oddity(kind, path, format!("to `{target}`"));
    }

    /// Reads a file: hashed in full, held as far as the limit for one file allows.
    pub fn take(&mut self, input: &mut dyn BufRead, want: Want, layer: &mut Layer) -> Taken {
        let held = usize::try_from(self.limits.file_bytes).unwrap_or(usize::MAX);
        let head = HEAD_BYTES.min(held);
        let mut bytes = self.buffers.pop().unwrap_or_default();
        // One more, to see the end.
        let room = usize::try_from(want.said).unwrap_or(held).min(held).saturating_add(1);
        if bytes.len() < room {
            bytes = vec![0; room.max(bytes.len().saturating_mul(2).min(held))];
        }
        // What is read at once is not copied through a buffer of this size.
        let at_once = capacity(want.said, UNPACKED_CHUNK);
        let (mut whole, mut filled) = (true, 0);
        let (mut size, mut sha256, mut crc) = (0u64, Sha256::new(), flate2::Crc::new());
        let end = loop {
            let left = want.size.map_or(u64::MAX, |want| want - size);
            if left == 0 {
                break Ok(());
            }
            if filled == bytes.len() {
                bytes.resize(filled + filled.max(UNPACKED_CHUNK), 0);
            }
            let most = at_once.min(usize::try_from(left).unwrap_or(usize::MAX)).min(bytes.len() - filled);
            let read = match input.read(&mut bytes[filled..filled + most]) {
                Ok(0) if want.size.is_some() => break Err(Halt::truncated(format!("it ends {left} bytes early"))),
                Ok(0) => break Ok(()),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => break Err(error.into()),
            };
            let chunk = &bytes[filled..filled + read];
            sha256.update(chunk);
            if want.crc {
                crc.update(chunk);
            }
            filled += read;
            whole &= filled <= held;
            if !whole {
                filled = filled.min(head);
            }
            size += read as u64;
            if let Err(halt) = self.charge(layer, read as u64) {
                break Err(halt);
            }
        };
        let sha256 = sigma_core::Sha256::from_bytes(sha256.finalize().into());
        Taken { size, crc: crc.sum(), end, sha256, bytes, filled, whole }
    }

    /// Hands a file to the visitor, records how it ended, and looks inside it. Fails only when everything stops.
    pub fn emit(&mut self, place: &Place, path: &str, executable: bool, taken: Taken) -> Result<(), Halt> {
        let Taken { size, sha256, bytes: buffer, filled, whole, end, .. } = taken;
        let bytes = &buffer[..filled];
        let content = if whole { Content::Whole(bytes) } else { Content::Head(bytes) };
        self.walk.files += 1;
        self.walk.bytes = self.walk.bytes.saturating_add(size);
        (self.visit)(Member { path, size, sha256, content, executable, nested: place.nested });
        let result = match end {
            Err(Halt::Walk) => Err(Halt::Walk),
            Err(halt) => {
                self.broken(path, SkipReason::Damaged, halt);
                self.look_inside(place, path, bytes, whole)
            }
            Ok(()) => self.look_inside(place, path, bytes, whole),
        };
        self.buffers.push(buffer);
        result
    }

    fn look_inside(&mut self, place: &Place, path: &str, bytes: &[u8], whole: bool) -> Result<(), Halt> {
        let sniffed = format::sniff(&bytes[..bytes.len().min(512)]);
        let mut source = Cursor::new(bytes);
        let length = bytes.len() as u64;
        // A tar may hold a zip as it is, which is then found as a member.
        let alone = !matches!(sniffed, Some(Format::Zip | Format::Tar));
        let ends_as_zip = alone && whole && super::zip::holds_end(bytes) && super::zip::is_zip(&mut source, length);
        let formats: Vec<Format> = sniffed.into_iter().chain(ends_as_zip.then_some(Format::Zip)).collect();
        if formats.is_empty() {
            return Ok(());
        }
        let deepest = self.limits.nesting.min(DEEPEST);
        if !whole {
            let detail = format!("larger than {} bytes, the limit for one file", self.limits.file_bytes);
            self.skip(path, SkipReason::NestedArchive, detail);
            return Ok(());
        }
        if place.nested >= deepest {
            self.skip(path, SkipReason::NestedArchive, format!("level {}, limit {deepest}", place.nested + 1));
            return Ok(());
        }
        let inner = Place { own: path.to_owned(), prefix: format!("{path}{INSIDE}"), nested: place.nested + 1 };
        self.open(&inner, path, &mut source, length, &formats)
    }
}
