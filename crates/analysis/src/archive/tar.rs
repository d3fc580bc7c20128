//! Tars: POSIX ustar and pax, GNU (long names, sparse files), Unix v7.
//!
//! In: an unpacked stream. Out: its members. It reads what Python's tarfile and npm's node-tar would unpack between them,
//! where they differ: past blocks that are no headers, past a lone end mark, and members after the end.

use std::borrow::Cow;
use std::io::BufRead;

use ::tar::{GnuExtSparseHeader, Header};
use sigma_core::SkipReason;

use super::OddityKind;
use super::format::checksum_fits;
use super::name::Seen;
use super::pax::{Pax, SparseMap};
use super::sparse::{MOST_PIECES, Sparse};
use super::walker::{Halt, Layer, Place, Taken, Walker, Want};

/// Bytes of a GNU long name that are read.
const LONG_NAME_BYTES: u64 = 64 << 10;
/// Bytes of a pax header that are read. npm and setuptools write a few hundred.
const PAX_BYTES: u64 = 1 << 20;
const BLOCK: u64 = 512;

type Block = [u8; BLOCK as usize];

/// What earlier blocks say about later ones.
#[derive(Default)]
struct Tape {
    /// Global pax records.
    global: Pax,
    /// What holds for the next entry only.
    local: Option<Pax>,
    long_name: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
    seen: Seen,
}

impl Walker<'_> {
    /// Reads a tar to the end of its stream.
    pub(super) fn tar(&mut self, place: &Place, input: &mut dyn BufRead, layer: &mut Layer) -> Result<(), Halt> {
        let mut tape = Tape::default();
        let (mut zeros, mut ended, mut lost, mut garbage, mut empty) = (0u64, false, 0u64, 0u64, true);
        while let Some(block) = self.block(input, layer)? {
            empty = false;
            if block.iter().all(|&byte| byte == 0) {
                zeros += 1;
                ended |= zeros >= 2;
                continue;
            }
            if !checksum_fits(&block) || Header::from_byte_slice(&block).entry_size().is_err() {
                match zeros > 0 || ended {
                    true => garbage += 1,
                    false => lost += 1,
                }
                if lost == 1 && garbage == 0 {
                    self.oddity(OddityKind::BadChecksum, &place.own, "a block is no header, or its checksum is wrong");
                }
                continue;
            }
            if zeros > 0 {
                let detail = "members follow an end mark, where some readers stop";
                self.oddity(OddityKind::TrailingBytes, &place.own, detail);
            }
            zeros = 0;
            self.enter()?;
            if !self.tar_entry(place, input, layer, &mut tape, &block)? {
                return Ok(());
            }
        }
        if empty {
            return Err(Halt::truncated("it is empty"));
        }
        if lost > 0 {
            self.skip(&place.own, SkipReason::Damaged, format!("{} bytes belong to no member", lost * BLOCK));
        }
        if garbage > 0 {
            let detail = format!("about {} bytes after the end mark", garbage * BLOCK);
            self.oddity(OddityKind::TrailingBytes, &place.own, detail);
        }
        if zeros == 0 && !ended {
            self.oddity(OddityKind::Truncated, &place.own, "it has no end mark");
        }
        Ok(())
    }

    /// Reads one entry behind its header. False when the stream broke off inside it.
    fn tar_entry(
        &mut self,
        place: &Place,
        input: &mut dyn BufRead,
        layer: &mut Layer,
        tape: &mut Tape,
        block: &Block,
    ) -> Result<bool, Halt> {
        let header = Header::from_byte_slice(block);
        let kind = block[156];
        let stated = header.entry_size().unwrap_or(0);
        match kind {
            b'L' => tape.long_name = Some(self.small(place, input, layer, stated, LONG_NAME_BYTES)?),
            b'K' => tape.long_link = Some(self.small(place, input, layer, stated, LONG_NAME_BYTES)?),
            b'x' | b'X' | b'g' => {
                let records = self.small(place, input, layer, stated, PAX_BYTES)?;
                let pax = match kind {
                    b'g' => &mut tape.global,
                    _ => tape.local.get_or_insert_with(|| tape.global.clone()),
                };
                for wrong in pax.read(&records) {
                    self.oddity(OddityKind::HeaderMismatch, &place.own, wrong);
                }
            }
            _ => return self.tar_member(place, input, layer, tape, block),
        }
        Ok(true)
    }

    fn tar_member(
        &mut self,
        place: &Place,
        input: &mut dyn BufRead,
        layer: &mut Layer,
        tape: &mut Tape,
        block: &Block,
    ) -> Result<bool, Halt> {
        let header = Header::from_byte_slice(block);
        let kind = block[156];
        let pax = tape.local.take().unwrap_or_else(|| tape.global.clone());
        let (long_name, long_link) = (tape.long_name.take(), tape.long_link.take());
        let disagree = long_name.is_some() && pax.path.is_some() && long_name != pax.path;
        let named = pax.sparse_name.clone().or_else(|| pax.path.clone()).or(long_name);
        let raw = named.map_or_else(|| header.path_bytes(), Cow::Owned);
        let path = self.name(place, &raw);
        if disagree {
            self.oddity(OddityKind::HeaderMismatch, &path, "the GNU and the pax header name different paths");
        }
        let stated = header.entry_size().unwrap_or(0);
        let mut size = pax.size.unwrap_or(stated);
        if stated != 0 && size != stated {
            let detail = format!("the header says {stated} bytes, the pax header {size}");
            self.oddity(OddityKind::HeaderMismatch, &path, detail);
        }
        let executable = self.note_mode(header.mode().unwrap_or(0), &path);
        let folder = raw.ends_with(b"/");
        match kind {
            // Python's tarfile and node-tar both take these for empty, whatever the size field says.
            b'1'..=b'6' => {
                if size > 0 {
                    let detail = format!("an entry of type {} says it has {size} bytes", char::from(kind));
                    self.oddity(OddityKind::HeaderMismatch, &path, detail);
                }
                if matches!(kind, b'1' | b'2') {
                    let target = pax.link.or(long_link).or_else(|| header.link_name_bytes().map(|link| link.into()));
                    // A symbolic link is relative to its folder, a hard link to the archive.
                    let text = String::from_utf8_lossy(&raw[..raw.len().min(self.limits.path_bytes)]).into_owned();
                    let base = text.rsplit_once('/').map_or("", |(base, _)| base);
                    self.note_link(&path, if kind == b'2' { base } else { "" }, &target.unwrap_or_default());
                    self.skip(&path, SkipReason::NotAFile, "a link");
                } else if kind != b'5' {
                    self.oddity(OddityKind::Device, &path, format!("an entry of type {}", char::from(kind)));
                    self.skip(&path, SkipReason::NotAFile, "a device or pipe");
                }
                return Ok(true);
            }
            0 if folder && size == 0 => return Ok(true),
            0 | b'0' | b'7' | b'S' => {}
            // POSIX: read unknown types as regular files.
            other => {
                let detail = format!(
                    "unknown type {}, read as a file",
                    sigma_core::printable(&char::from(other).to_string(), 9)
                );
                self.oddity(OddityKind::HeaderMismatch, &path, detail);
            }
        }
        self.note_repeat(&mut tape.seen, &raw, &path);
        let mut map = None;
        let mut real_size = pax.sparse_size.unwrap_or(size);
        let padded = size.div_ceil(BLOCK).saturating_mul(BLOCK);
        let mut padding = padded - size.min(padded);
        match pax.sparse_map {
            Some(SparseMap::Listed(list)) => map = Some(list),
            Some(SparseMap::InContent) => {
                let (list, used) = self.map_in_content(input, layer, size)?;
                size -= used;
                map = Some(list);
            }
            None if kind == b'S' => {
                real_size = header.as_gnu().and_then(|gnu| gnu.real_size().ok()).unwrap_or(size);
                map = Some(self.map_in_header(input, layer, header)?);
            }
            None => {}
        }
        if map.is_none() && self.passes_over(&path) {
            self.pass(input, layer, padded)?;
            return Ok(true);
        }
        let taken = match map {
            None => self.take(input, Want { size: Some(size), crc: false, said: size }, layer),
            Some(map) => self.take_sparse(&path, input, layer, &map, real_size, size),
        };
        let whole = taken.end.is_ok();
        self.emit(place, &path, executable, taken)?;
        if whole {
            padding = padding.min(BLOCK);
            self.pass(input, layer, padding)?;
        }
        Ok(whole)
    }

    fn take_sparse(
        &mut self,
        path: &str,
        input: &mut dyn BufRead,
        layer: &mut Layer,
        map: &[u64],
        real_size: u64,
        stored: u64,
    ) -> Taken {
        match Sparse::new(input, map, real_size, stored) {
            Ok(mut sparse) => {
                self.take(&mut sparse, Want { size: Some(real_size), crc: false, said: real_size }, layer)
            }
            Err(wrong) => {
                self.oddity(
                    OddityKind::HeaderMismatch,
                    path,
                    format!("{wrong}: its stored bytes are read as they are"),
                );
                self.take(input, Want { size: Some(stored), crc: false, said: stored }, layer)
            }
        }
    }

    /// The map of an old GNU sparse file: four pieces in the header, 21 in each further block.
    fn map_in_header(&mut self, input: &mut dyn BufRead, layer: &mut Layer, header: &Header) -> Result<Vec<u64>, Halt> {
        let mut map = Vec::new();
        let Some(gnu) = header.as_gnu() else { return Ok(map) };
        let mut note = |pieces: &[::tar::GnuSparseHeader]| {
            for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
                map.extend([piece.offset().unwrap_or(u64::MAX), piece.length().unwrap_or(u64::MAX)]);
            }
            map.len()
        };
        let mut pieces = note(&gnu.sparse);
        let mut more = gnu.is_extended();
        while more && pieces < 2 * MOST_PIECES {
            let block = self.block(input, layer)?.ok_or_else(|| Halt::truncated("it ends in a sparse map"))?;
            let mut further = GnuExtSparseHeader::new();
            further.as_mut_bytes().copy_from_slice(&block);
            pieces = note(further.sparse());
            more = further.is_extended();
        }
        Ok(map)
    }

    /// The map of a sparse file in format 1.0, and the bytes it takes: decimal numbers on lines, padded to a block.
    fn map_in_content(
        &mut self,
        input: &mut dyn BufRead,
        layer: &mut Layer,
        size: u64,
    ) -> Result<(Vec<u64>, u64), Halt> {
        let (mut map, mut number, mut expect, mut used) = (Vec::new(), 0u64, None, 0);
        while expect.is_none_or(|expect| map.len() < expect) && used + BLOCK <= size && map.len() < 2 * MOST_PIECES {
            let block = self.block(input, layer)?.ok_or_else(|| Halt::truncated("it ends in a sparse map"))?;
            used += BLOCK;
            for byte in block {
                match byte {
                    b'0'..=b'9' => number = number.saturating_mul(10).saturating_add(u64::from(byte - b'0')),
                    b'\n' if expect.is_none() => {
                        expect = Some(usize::try_from(number).unwrap_or(usize::MAX).saturating_mul(2));
                        number = 0;
                    }
                    b'\n' if expect.is_some_and(|expect| map.len() < expect) => {
                        map.push(number);
                        number = 0;
                    }
                    _ => {}
                }
            }
        }
        Ok((map, used))
    }

    /// The next block, or `None` at the end. Zeros that do not fill a block are padding.
    fn block(&mut self, input: &mut dyn BufRead, layer: &mut Layer) -> Result<Option<Block>, Halt> {
        let mut block = [0; BLOCK as usize];
        let mut filled = 0;
        while filled < block.len() {
            match std::io::Read::read(&mut *input, &mut block[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.charge(layer, filled as u64)?;
        match filled {
            0 => Ok(None),
            512 => Ok(Some(block)),
            _ if block.iter().all(|&byte| byte == 0) => Ok(None),
            _ => Err(Halt::truncated(format!("it ends with {filled} bytes of a block"))),
        }
    }

    /// The content of a header entry, up to a limit, without the NUL that ends it.
    fn small(
        &mut self,
        place: &Place,
        input: &mut dyn BufRead,
        layer: &mut Layer,
        size: u64,
        limit: u64,
    ) -> Result<Vec<u8>, Halt> {
        let mut bytes = Vec::new();
        let held = size.min(limit);
        std::io::Read::read_to_end(&mut std::io::Read::take(&mut *input, held), &mut bytes)?;
        self.charge(layer, bytes.len() as u64)?;
        if (bytes.len() as u64) < held {
            return Err(Halt::truncated("it ends in a header"));
        }
        if size > limit {
            self.oddity(OddityKind::LongPath, &place.own, format!("a header of {size} bytes, limit {limit}"));
            self.skip(&place.own, SkipReason::TooLarge, format!("a header of {size} bytes, limit {limit}"));
        }
        self.pass(input, layer, size.div_ceil(BLOCK).saturating_mul(BLOCK).saturating_sub(held))?;
        if bytes.last() == Some(&0) {
            bytes.pop();
        }
        Ok(bytes)
    }

    /// Passes over bytes. An end among them is found by whoever reads next.
    fn pass(&mut self, input: &mut dyn BufRead, layer: &mut Layer, mut bytes: u64) -> Result<(), Halt> {
        while bytes > 0 {
            let chunk = input.fill_buf()?.len();
            let passed = usize::try_from(bytes).unwrap_or(chunk).min(chunk);
            if passed == 0 {
                break;
            }
            input.consume(passed);
            self.charge(layer, passed as u64)?;
            bytes -= passed as u64;
        }
        Ok(())
    }
}
