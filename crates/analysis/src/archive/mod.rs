//! Archives: zip (wheels), tar with gzip, bzip2, xz or zstd, and archives inside archives.
//!
//! In: bytes. Out: each member's path, size, digest and (within [`Limits::file_bytes`]) content, one at a time, so that
//! memory does not grow with the archive; and a [`Walk`], which tells what was not read and what is odd. It never writes a
//! file, never trusts a length field, and never takes "could not read" for "nothing there": a member that an installer
//! would read, but whose path traverses, repeats or lies, is visited like any other and disclosed as an [`Oddity`].

// The rules read some of these fields only in their own module.
#![cfg_attr(not(test), allow(dead_code))]

mod decode;
mod format;
mod name;
mod pax;
mod sparse;
mod tar;
#[cfg(test)]
mod tests;
mod walker;
mod zip;

use std::collections::{BTreeMap, HashSet};

use sigma_core::{Sha256, SkipReason, Skipped};

use crate::{Limits, Source};

/// How many oddities of one kind are kept.
pub(crate) const ODDITIES_OF_A_KIND: u64 = 10;
/// How many skipped parts of one reason are kept: ten reasons make the 200 that a coverage holds.
pub(crate) const SKIPPED_OF_A_REASON: u64 = 20;

/// What stands between the path of an archive and that of a file in it.
const INSIDE: &str = "!/";

/// Walks a distribution: every file inside, archives inside it included, is handed to `visit` in the archive's order, a
/// container before its members. A member that breaks off (damage, a limit) is visited with what was read of it, and
/// has an entry of the same path in [`Walk::skipped`].
pub(crate) fn walk(
    filename: &str,
    source: &mut dyn Source,
    limits: &Limits,
    visit: &mut dyn FnMut(Member<'_>),
) -> Walk {
    walker::Walker::new(limits, visit).run(filename, source)
}

/// Walks it again for the files at some paths, as [`walk`] told them: others are passed over unread, where none of these lies in an
/// archive inside.
pub(crate) fn walk_for(
    paths: &HashSet<String>,
    filename: &str,
    source: &mut dyn Source,
    limits: &Limits,
    visit: &mut dyn FnMut(Member<'_>),
) {
    let mut walker = walker::Walker::new(limits, visit);
    if !paths.iter().any(|path| path.contains(INSIDE)) {
        walker.only = Some(paths);
    }
    walker.run(filename, source);
}

/// True for the beginning of an archive or of something packed: zip, gzip, bzip2, xz, zstd.
pub(crate) fn is_archive(bytes: &[u8]) -> bool {
    const BEGINNINGS: [&[u8]; 5] = [b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd"];
    BEGINNINGS.iter().any(|beginning| bytes.starts_with(beginning))
}

/// Walks an archive that lies in a folder at `path`, as one that lies in another archive. `left` is what the limits leave
/// for all of the folder's; it is charged.
pub(crate) fn walk_inside(
    path: &str,
    bytes: &[u8],
    left: &mut Limits,
    visit: &mut dyn FnMut(&str, Member<'_>),
) -> Walk {
    let inside = |inner: &str| if inner.is_empty() { path.to_owned() } else { format!("{path}{INSIDE}{inner}") };
    let name = path.rsplit('/').next().unwrap_or(path);
    let mut walk = walk(name, &mut std::io::Cursor::new(bytes), left, &mut |member| {
        let path = inside(member.path);
        visit(&path, member);
    });
    left.unpacked_bytes = left.unpacked_bytes.saturating_sub(walk.bytes);
    left.entries = left.entries.saturating_sub(walk.files);
    walk.skipped.iter_mut().for_each(|skipped| skipped.path = inside(&skipped.path));
    walk.oddities.iter_mut().for_each(|oddity| oddity.path = inside(&oddity.path));
    walk
}

/// One file inside an archive.
#[derive(Debug)]
pub(crate) struct Member<'a> {
    /// Forward slashes as in the archive, made printable and cut at [`Limits::path_bytes`]; a member of a nested
    /// archive is `outer.zip!/inner`. Not unique: see [`OddityKind::DuplicateName`].
    pub path: &'a str,
    /// Bytes that were read, which is the member's size unless it broke off.
    pub size: u64,
    /// Digest of those bytes.
    pub sha256: Sha256,
    /// The bytes, or the first of them.
    pub content: Content<'a>,
    /// An installer makes it executable.
    pub executable: bool,
    /// How many archives it lies in, beside the distribution itself.
    pub nested: u32,
}

/// The bytes of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content<'a> {
    /// All of them.
    Whole(&'a [u8]),
    /// The first 64 KiB of a file larger than [`Limits::file_bytes`]. Its digest covers the whole.
    Head(&'a [u8]),
}

impl<'a> Content<'a> {
    /// The bytes at hand.
    pub fn bytes(self) -> &'a [u8] {
        match self {
            Self::Whole(bytes) | Self::Head(bytes) => bytes,
        }
    }
}

/// What a walk tells beside the members.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Walk {
    /// What was not read, and why, in the archive's order; at most [`SKIPPED_OF_A_REASON`] of one reason.
    pub skipped: Vec<Skipped>,
    /// How many entries `skipped` would hold without its limit, by reason.
    pub skipped_totals: BTreeMap<SkipReason, u64>,
    /// What is odd, in the archive's order; at most [`ODDITIES_OF_A_KIND`] of one kind, so that a flood of harmless ones
    /// hides nothing.
    pub oddities: Vec<Oddity>,
    /// How many entries `oddities` would hold without its limit, by kind.
    pub oddity_totals: BTreeMap<OddityKind, u64>,
    /// Members visited.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Every byte that an installer could unpack was read. Links and devices do not count: they have none.
    pub complete: bool,
}

impl Walk {
    /// How many parts were skipped in all.
    pub fn skipped_total(&self) -> u64 {
        self.skipped_totals.values().sum()
    }
}

/// One thing that does not belong in an honest archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Oddity {
    /// Its kind.
    pub kind: OddityKind,
    /// The member, printable; empty for the archive itself.
    pub path: String,
    /// What exactly, printable.
    pub detail: String,
}

/// Kinds of [`Oddity`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum OddityKind {
    /// A path with `..`.
    PathTraversal,
    /// A path from the root of a file system.
    AbsolutePath,
    /// A link whose target lies outside the archive.
    LinkOutside,
    /// A link.
    Link,
    /// A device, a pipe, or another thing that is no file.
    Device,
    /// Two members with one path; installers differ in which one stays.
    DuplicateName,
    /// Two members whose paths differ in case only.
    CaseCollision,
    /// Two places in the archive that say different things, so that two readers unpack different files.
    HeaderMismatch,
    /// Two members, or a member and the directory, that share bytes.
    OverlappingEntries,
    /// Bytes after the end, or between members, that belong to nothing.
    TrailingBytes,
    /// Bytes before the beginning.
    LeadingBytes,
    /// More than one directory or end-of-directory record (zip).
    MultipleEndRecords,
    /// A path longer than the limit.
    LongPath,
    /// A path with control or invisible characters, backslashes, or a meaning of its own on Windows; or not UTF-8.
    BadName,
    /// Encrypted.
    Encrypted,
    /// A decompression bomb, or what looks like one.
    Bomb,
    /// It ends early.
    Truncated,
    /// A checksum inside the archive does not fit.
    BadChecksum,
    /// A set-user-id or set-group-id bit.
    SetuidBit,
}
