//! Native and compiled files: their format by their first bytes, what they import, what hides in them.

mod imports;
pub(super) mod pickle;
mod pyc;
mod shape;

use std::collections::BTreeSet;

use sigma_core::{BinaryFile, Capability};

pub(crate) use pyc::Compiled;
pub(crate) use shape::Shape;

/// A native or compiled file.
pub(crate) struct Binary {
    /// As the report tells it.
    pub file: BinaryFile,
    /// What hides in it.
    pub shape: Option<Shape>,
}

impl std::ops::Deref for Binary {
    type Target = BinaryFile;

    fn deref(&self) -> &BinaryFile {
        &self.file
    }
}

/// What a native file imports and hides; `bytes` may be its beginning only.
pub(super) fn look_inside(format: &str, bytes: &[u8]) -> (BTreeSet<Capability>, Option<Shape>) {
    (imports::capabilities(format, bytes), shape::shape(format, bytes))
}

/// A compiled file of Python beside, or without, the source that it was made of.
pub(crate) struct Bytecode {
    /// Printable path.
    pub path: String,
    /// Path of the source that it would be compiled from, as the archive spells it.
    pub source: String,
    /// What it names.
    pub compiled: Compiled,
    /// What about it a rule would not take for ordinary.
    pub suspicion: Option<&'static str>,
    /// What it names and its source does not, and whether that does something.
    pub differs: Option<(String, bool)>,
    /// Whether its source is there.
    pub has_source: bool,
}

/// The source from which Python compiles the file at `path` (PEP 3147, or beside it as before).
pub(super) fn source_of(path: &str) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = name.split('.').next().unwrap_or(name);
    let folder = folder.strip_suffix("__pycache__").unwrap_or(folder).trim_end_matches('/');
    if folder.is_empty() { format!("{stem}.py") } else { format!("{folder}/{stem}.py") }
}

/// `elf`, `pe`, `mach-o`, `wasm` or `pyc`; nothing for any other file.
pub(super) fn format(bytes: &[u8], path: &str) -> Option<&'static str> {
    match bytes {
        [0x7f, b'E', b'L', b'F', ..] => Some("elf"),
        [b'M', b'Z', ..] if is_pe(bytes) => Some("pe"),
        [0xfe, 0xed, 0xfa, 0xce | 0xcf, ..] | [0xce | 0xcf, 0xfa, 0xed, 0xfe, ..] => Some("mach-o"),
        // A fat Mach-O counts its architectures; a Java class file with the same magic has a version above 40 there.
        [0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, count, ..] if *count < 40 => Some("mach-o"),
        [0, b'a', b's', b'm', ..] => Some("wasm"),
        // CPython: two bytes of version, then CR LF.
        [_, _, b'\r', b'\n', ..] if path.ends_with(".pyc") || path.ends_with(".pyo") => Some("pyc"),
        [low, 0x0a..=0x0e, b'\r', b'\n', rest @ ..] if *low >= 0x20 && rest.first().is_some_and(|byte| *byte < 8) => {
            Some("pyc")
        }
        _ => None,
    }
}

/// The DOS header points to `PE\0\0`. A file cut short or lying about that is still called by its extension elsewhere.
fn is_pe(bytes: &[u8]) -> bool {
    let Some(offset) = bytes.get(0x3c..0x40).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes) else {
        return false;
    };
    let start = offset as usize;
    bytes.get(start..start.saturating_add(4)) == Some(b"PE\0\0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compiled_files_lie_beside_their_source() {
        assert_eq!(source_of("a/b.pyc"), "a/b.py");
        assert_eq!(source_of("a/__pycache__/b.cpython-312.opt-1.pyc"), "a/b.py");
        assert_eq!(source_of("__pycache__/b.cpython-312.pyc"), "b.py");
    }

    #[test]
    fn formats_are_known_by_their_first_bytes() {
        let mut pe = vec![0; 0x44];
        pe[..2].copy_from_slice(b"MZ");
        pe[0x3c] = 0x40;
        pe[0x40..].copy_from_slice(b"PE\0\0");
        assert_eq!(format(&pe, "a.exe"), Some("pe"));
        pe[0x3f] = 0xff;
        assert_eq!(format(&pe, "a.exe"), None);
        assert_eq!(format(b"\x7fELF\x02", "lib.so"), Some("elf"));
        assert_eq!(format(b"\0asm\x01", "a.wasm"), Some("wasm"));
        assert_eq!(format(b"\xca\xfe\xba\xbe\0\0\0\x02", "a"), Some("mach-o"));
        assert_eq!(format(b"\xca\xfe\xba\xbe\0\0\0\x34", "A.class"), None);
        assert_eq!(format(b"\xcb\x0d\r\n\0\0\0\0", "hidden.png"), Some("pyc"));
        assert_eq!(format(b"MZ is how this text begins", "a.txt"), None);
    }
}
