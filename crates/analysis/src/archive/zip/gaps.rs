//! Bytes of a zip that its directory does not account for.
//!
//! In: a range of the file. Out: the members that a streaming reader would find there, and an oddity for everything else.

use std::ops::Range;

use super::super::OddityKind;
use super::super::name::Seen;
use super::super::walker::{Halt, Place, Walker};
use super::records::{CENTRAL, DESCRIPTOR, END, END_BYTES, Entry, LOCAL, LOCAL_BYTES, Local, read_at};
use super::{Claim, Known};
use crate::Source;

/// Bytes of an unlisted member's name and extra fields that are read.
const HEADER_BYTES: u64 = 16 << 10;

impl Walker<'_> {
    /// Reads the members in a gap one after the other. `listed` tells that there is a directory they are missing from.
    pub(super) fn zip_gap(
        &mut self,
        place: &Place,
        source: &mut dyn Source,
        seen: &mut Seen,
        gap: Range<u64>,
        listed: bool,
    ) -> Result<(), Halt> {
        let mut at = gap.start;
        // Without a directory, the first end record is the one that there should be.
        let (mut directory, mut ends) = (false, u32::from(listed));
        while at < gap.end {
            let head = read_at(source, at, 46.min(gap.end - at))?;
            let length = |at: usize| head.get(at..at + 2).map_or(0, |two| u64::from(two[0]) | u64::from(two[1]) << 8);
            let taken = match head.first_chunk() {
                Some(LOCAL) => self.unlisted(place, source, seen, at..gap.end, listed)?,
                Some(DESCRIPTOR) => at + 16,
                Some(CENTRAL) if head.len() == 46 => {
                    directory = true;
                    at + 46 + length(28) + length(30) + length(32)
                }
                Some(END) => {
                    ends += 1;
                    if ends > 1 {
                        let detail = format!("one more end record at offset {at}");
                        self.oddity(OddityKind::MultipleEndRecords, &place.own, detail);
                    }
                    at + END_BYTES + length(20)
                }
                _ => at,
            };
            if taken <= at {
                let kind = if at == 0 && listed { OddityKind::LeadingBytes } else { OddityKind::TrailingBytes };
                let detail = format!("{} bytes at offset {at} belong to no member", gap.end - at);
                self.oddity(kind, &place.own, detail);
                break;
            }
            at = taken;
            self.enter()?;
        }
        if directory && listed {
            let detail = "there is a second central directory".to_owned();
            self.oddity(OddityKind::MultipleEndRecords, &place.own, detail);
        }
        Ok(())
    }

    /// Reads a member that only its local header tells of. Gives the offset behind it.
    fn unlisted(
        &mut self,
        place: &Place,
        source: &mut dyn Source,
        seen: &mut Seen,
        gap: Range<u64>,
        listed: bool,
    ) -> Result<u64, Halt> {
        let bytes = read_at(source, gap.start, (LOCAL_BYTES + HEADER_BYTES).min(gap.end - gap.start))?;
        let (fixed, rest) = bytes.split_at(bytes.len().min(LOCAL_BYTES as usize));
        let Some(mut local) = Local::read(fixed) else { return Ok(gap.start) };
        let (name, extra) = rest.split_at(rest.len().min(local.name_bytes as usize));
        local.widen(&extra[..extra.len().min(local.extra_bytes as usize)]);
        let data = gap.start + LOCAL_BYTES + local.name_bytes + local.extra_bytes;
        let room = gap.end.saturating_sub(data);
        let sizes = local.flags & 8 == 0 || local.packed != 0;
        let packed = if sizes { local.packed } else { room };
        let entry = Entry {
            name,
            unicode_name: None,
            flags: local.flags,
            method: local.method,
            crc: local.crc,
            packed,
            size: if sizes { local.size } else { u64::MAX },
            offset: gap.start,
            mode: 0,
        };
        if listed {
            let path = format!("{}{}", place.prefix, super::super::name::judge(name, self.limits.path_bytes).path);
            let detail = format!("a member at offset {} that the directory does not list", gap.start);
            self.oddity(OddityKind::HeaderMismatch, &path, detail);
        }
        let claim = Claim { record: 0, start: gap.start, data, end: data.saturating_add(packed), descriptor: false };
        self.zip_entry(place, source, seen, &claim, &entry, Known::Unlisted { sizes })
    }
}
