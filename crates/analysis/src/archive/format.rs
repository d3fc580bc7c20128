//! Which format some bytes are in: by their first bytes, by their last (zip has its directory there), by a name.

use ::tar::Header;

/// An archive or compression format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// PKWARE APPNOTE.TXT; wheels, eggs, jars, office files.
    Zip,
    /// POSIX ustar and pax, GNU, Unix v7.
    Tar,
    /// One compressed stream, of a tar or of a single file.
    Packed(Codec),
    /// Known, and not read.
    Unread(&'static str),
}

/// A compression format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Codec {
    /// RFC 1952.
    Gzip,
    /// bzip2.
    Bzip2,
    /// xz.
    Xz,
    /// RFC 8878.
    Zstd,
}

/// The format that the first bytes show. 512 of them are enough.
pub(super) fn sniff(head: &[u8]) -> Option<Format> {
    let starts = |magic: &[u8]| head.starts_with(magic);
    Some(match () {
        _ if starts(b"PK\x03\x04") || starts(b"PK\x05\x06") => Format::Zip,
        _ if starts(b"\x1f\x8b\x08") => Format::Packed(Codec::Gzip),
        _ if starts(b"BZh") && (is_block(head, b"1AY&SY") || is_block(head, b"\x17\x72\x45\x38\x50\x90")) => {
            Format::Packed(Codec::Bzip2)
        }
        _ if starts(b"\xfd7zXZ\0") => Format::Packed(Codec::Xz),
        _ if starts(b"\x28\xb5\x2f\xfd") => Format::Packed(Codec::Zstd),
        _ if starts(b"7z\xbc\xaf\x27\x1c") => Format::Unread("7z"),
        _ if starts(b"Rar!\x1a\x07") => Format::Unread("rar"),
        _ if starts(b"MSCF\0\0\0\0") => Format::Unread("cab"),
        _ if is_tar(head) => Format::Tar,
        _ => return None,
    })
}

/// True when the first block is a tar header: by its checksum (v7 has no magic), or by its magic.
pub(super) fn is_tar(head: &[u8]) -> bool {
    let Some(block) = head.first_chunk::<512>() else { return false };
    &block[257..262] == b"ustar" || (block[0] != 0 && checksum_fits(block))
}

/// True when a tar header's checksum fits, summed as unsigned (POSIX) or signed bytes (old tars).
pub(super) fn checksum_fits(block: &[u8; 512]) -> bool {
    // Nearly every file that is no tar: the library puts an error into words.
    if block[148..156].iter().take_while(|byte| **byte != 0).any(u8::is_ascii_alphabetic) {
        return false;
    }
    let Ok(stated) = Header::from_byte_slice(block).cksum() else { return false };
    // The field itself counts as spaces.
    let (before, after) = (&block[..148], &block[156..]);
    let sum = |bytes: &[u8]| bytes.iter().map(|&byte| u32::from(byte)).sum::<u32>();
    let above = |bytes: &[u8]| bytes.iter().map(|&byte| u32::from(byte >> 7)).sum::<u32>();
    let unsigned = 8 * 32 + sum(before) + sum(after);
    // Some old programs took bytes for signed numbers.
    let signed = i64::from(unsigned) - 256 * i64::from(above(before) + above(after));
    stated == unsigned || i64::from(stated) == signed
}

/// The format that a file name promises, and whether it promises a tar inside a compressed stream.
pub(super) fn named(filename: &str) -> Option<Format> {
    let name = filename.to_ascii_lowercase();
    let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| name.ends_with(suffix));
    Some(match () {
        _ if ends(&[".zip", ".whl", ".egg", ".jar"]) => Format::Zip,
        _ if ends(&[".tar"]) => Format::Tar,
        _ if ends(&[".gz", ".tgz"]) => Format::Packed(Codec::Gzip),
        _ if ends(&[".bz2", ".tbz", ".tbz2"]) => Format::Packed(Codec::Bzip2),
        _ if ends(&[".xz", ".txz"]) => Format::Packed(Codec::Xz),
        _ if ends(&[".zst", ".tzst"]) => Format::Packed(Codec::Zstd),
        _ => return None,
    })
}

/// True when a name promises a tar under its compression.
pub(super) fn names_tar(filename: &str) -> bool {
    let name = filename.to_ascii_lowercase();
    let (stem, extension) = name.rsplit_once('.').unwrap_or((&name, ""));
    stem.ends_with(".tar") || matches!(extension, "tar" | "tgz" | "tbz" | "tbz2" | "txz" | "tzst")
}

/// The name of the file inside a compressed one.
pub(super) fn unpacked_name(filename: &str) -> &str {
    let base = filename.rsplit('/').next().unwrap_or(filename);
    match base.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() && matches!(named(base), Some(Format::Packed(_))) => stem,
        _ => "content",
    }
}

fn is_block(head: &[u8], magic: &[u8]) -> bool {
    head.get(4..).is_some_and(|rest| rest.starts_with(magic))
}
