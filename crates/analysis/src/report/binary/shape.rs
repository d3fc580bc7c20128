//! Native files that hide what they hold: packed, protected, or with a program appended.
//!
//! In: the bytes of a native file. Out: what hides there, by the marks that packers leave. A mark is proof of the tool,
//! not of ill will; the rules weigh it.

use memchr::memmem;
use object::LittleEndian;
use object::pe::IMAGE_DIRECTORY_ENTRY_SECURITY;
use object::read::pe::{ImageNtHeaders, ImageOptionalHeader, PeFile, PeFile32, PeFile64};

/// What hides in a native file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Its code is compressed or encrypted by this tool, and appears only when it runs.
    Packed(&'static str),
    /// It is an interpreter with a script appended: this tool made a program of one.
    Bundle(&'static str),
    /// So many bytes that look encrypted stand behind what the loader reads.
    Overlay(u64),
}

/// Bytes at the end of a file in which an appended program has its mark.
const TAIL: usize = 64 << 10;
/// Bytes of an overlay below which it is not judged: 128 KiB.
const MIN_OVERLAY: usize = 128 << 10;

/// What hides in it, if anything does.
pub(super) fn shape(format: &str, bytes: &[u8]) -> Option<Shape> {
    let tail = &bytes[bytes.len().saturating_sub(TAIL)..];
    let head = &bytes[..bytes.len().min(1024)];
    let has = |bytes: &[u8], needle: &[u8]| memmem::find(bytes, needle).is_some();
    match format {
        "elf" | "pe" | "mach-o" if has(tail, b"MEI\x0c\x0b\x0a\x0b\x0e") => Some(Shape::Bundle("PyInstaller")),
        "elf" | "pe" | "mach-o" if has(tail, b"<nexe~~sentinel>") => Some(Shape::Bundle("nexe")),
        // An entry of its header, right behind the program headers.
        "elf" if has(head, b"UPX!") => Some(Shape::Packed("UPX")),
        "pe" => PeFile64::parse(bytes)
            .map(|file| of_pe(&file, bytes))
            .or_else(|_| PeFile32::parse(bytes).map(|file| of_pe(&file, bytes)))
            .unwrap_or(None),
        _ => None,
    }
}

/// Names of sections that packers leave.
const SECTIONS: [(&[u8], &str); 10] = [
    (b"UPX0", "UPX"),
    (b"UPX1", "UPX"),
    (b".themida", "Themida"),
    (b".vmp0", "VMProtect"),
    (b".vmp1", "VMProtect"),
    (b".aspack", "ASPack"),
    (b".MPRESS1", "MPRESS"),
    (b".enigma1", "Enigma"),
    (b".petite", "Petite"),
    (b".nsp0", "NsPack"),
];

fn of_pe<Pe: ImageNtHeaders>(file: &PeFile<'_, Pe>, bytes: &[u8]) -> Option<Shape> {
    let mut end = 0;
    let mut packed = None;
    for section in file.section_table().iter() {
        let name = section.name.split(|byte| *byte == 0).next().unwrap_or_default();
        packed = packed.or_else(|| SECTIONS.iter().find(|(mark, _)| *mark == name).map(|(_, tool)| *tool));
        let last = u64::from(section.pointer_to_raw_data.get(LittleEndian))
            + u64::from(section.size_of_raw_data.get(LittleEndian));
        end = end.max(last);
    }
    let end = usize::try_from(end.max(u64::from(file.nt_headers().optional_header().size_of_headers()))).ok()?;
    // A signature stands behind the sections too, and is no overlay.
    let signature = file.data_directory(IMAGE_DIRECTORY_ENTRY_SECURITY).map(|directory| directory.virtual_address);
    let signature = signature.map(|address| address.get(LittleEndian) as usize).filter(|address| *address > end);
    let overlay = bytes.get(end..signature.unwrap_or(bytes.len()).min(bytes.len())).unwrap_or_default();
    let start = &overlay[..overlay.len().min(4096)];
    let has = |needle: &[u8]| memmem::find(start, needle).is_some();
    match packed {
        Some(tool) => Some(Shape::Packed(tool)),
        None if start.starts_with(b"KAY\x28\xb5\x2f\xfd") => Some(Shape::Bundle("Nuitka")),
        None if has(b"AU3!EA06") => Some(Shape::Bundle("AutoIt")),
        None if memmem::find(bytes, b"ConfusedByAttribute").is_some() => Some(Shape::Packed("ConfuserEx")),
        // Installers append what they install, and say who they are.
        None if has(b"NullsoftInst") || has(b"Inno Setup") || has(b"MSCF") || start.starts_with(b"PK\x03\x04") => None,
        None if overlay.len() >= MIN_OVERLAY && is_dense(overlay) => Some(Shape::Overlay(overlay.len() as u64)),
        None => None,
    }
}

/// True for bytes that are spread as in an encrypted or compressed text, judged on their first 64 KiB.
fn is_dense(bytes: &[u8]) -> bool {
    let sample = &bytes[..bytes.len().min(64 << 10)];
    let mut counts = [0_u32; 256];
    sample.iter().for_each(|byte| counts[usize::from(*byte)] += 1);
    let length = sample.len() as f64;
    let shares = counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count) / length);
    -shares.map(|share| share * share.log2()).sum::<f64>() > 7.8
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A little-endian number of so many bytes.
    fn le(value: u64, bytes: usize) -> Vec<u8> {
        let mut field = value.to_le_bytes().to_vec();
        field.resize(bytes, 0);
        field
    }

    /// A small 64-bit ELF library that imports these symbols.
    pub fn elf(symbols: &[&str]) -> Vec<u8> {
        let mut strings = vec![0];
        let mut table = vec![0; 24];
        for symbol in symbols {
            let entry = [le(strings.len() as u64, 4), vec![0x12, 0], le(0, 2), le(0, 16)].concat();
            table.extend(entry);
            strings.extend(symbol.as_bytes());
            strings.push(0);
        }
        let table_at = 64_u64;
        let strings_at = table_at + table.len() as u64;
        let sections_at = strings_at + strings.len() as u64;
        let section = |kind: u64, at: u64, size: u64, link: u64, entry: u64| {
            let (info, align) = (1, 8);
            let words = [le(0, 4), le(kind, 4), le(0, 8), le(0, 8), le(at, 8), le(size, 8), le(link, 4), le(info, 4)];
            [words.concat(), le(align, 8), le(entry, 8)].concat()
        };
        let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
        let fields = [(3, 2), (62, 2), (1, 4), (0, 8), (0, 8), (sections_at, 8), (0, 4), (64, 2), (0, 2), (0, 2)];
        file.extend(fields.iter().flat_map(|(value, bytes)| le(*value, *bytes)));
        file.extend([le(64, 2), le(3, 2), le(2, 2)].concat());
        file.extend(&table);
        file.extend(&strings);
        file.extend(section(0, 0, 0, 0, 0));
        file.extend(section(11, table_at, table.len() as u64, 2, 24));
        file.extend(section(3, strings_at, strings.len() as u64, 0, 0));
        file
    }

    /// A small 64-bit PE that imports these symbols from one library; `overlay` follows its sections.
    pub fn pe(library: &str, symbols: &[&str], overlay: &[u8]) -> Vec<u8> {
        const BASE: u64 = 0x1000;
        let mut names = Vec::new();
        let thunks_at = 40;
        let names_at = thunks_at + 8 * (symbols.len() as u64 + 1);
        let mut thunks = Vec::new();
        for symbol in symbols {
            thunks.extend(le(BASE + names_at + names.len() as u64, 8));
            names.extend([0, 0]);
            names.extend(symbol.as_bytes());
            names.push(0);
        }
        thunks.extend(le(0, 8));
        let library_at = BASE + names_at + names.len() as u64;
        names.extend(library.as_bytes());
        names.push(0);
        let descriptor = [BASE + thunks_at, 0, 0, library_at, BASE + thunks_at];
        let mut section: Vec<u8> = descriptor.iter().flat_map(|field| le(*field, 4)).collect();
        section.extend([0; 20]);
        section.extend(thunks);
        section.extend(names);
        section.resize(512, 0);
        let mut file = b"MZ".to_vec();
        file.resize(0x3c, 0);
        file.extend(le(0x40, 4));
        file.extend(b"PE\0\0");
        file.extend([le(0x8664, 2), le(1, 2), le(0, 12), le(240, 2), le(0x22, 2)].concat());
        let mut optional = [le(0x20b, 2), le(0, 14), le(0x1000, 4), le(0, 4)].concat();
        optional.extend([le(0x1_4000_0000, 8), le(0x1000, 4), le(0x200, 4), le(0, 16)].concat());
        optional.extend([le(0x2000, 4), le(0x200, 4), le(0, 4), le(3, 2), le(0, 2), le(0, 36), le(16, 4)].concat());
        optional.extend([le(0, 8), le(BASE, 4), le(40, 4)].concat());
        optional.resize(240, 0);
        file.extend(optional);
        file.extend(b".rdata\0\0");
        file.extend([le(512, 4), le(BASE, 4), le(512, 4), le(0x200, 4), le(0, 12), le(0x4000_0040, 4)].concat());
        file.resize(0x200, 0);
        file.extend(section);
        file.extend(overlay);
        file
    }

    fn noise(length: usize) -> Vec<u8> {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..length).map(|_| next()).collect()
    }

    #[test]
    fn what_hides_is_told() {
        let of = |overlay: &[u8]| shape("pe", &pe("KERNEL32.dll", &["Sleep"], overlay));
        assert_eq!(of(b""), None);
        assert_eq!(of(b"xMEI\x0c\x0b\x0a\x0b\x0ex"), Some(Shape::Bundle("PyInstaller")));
        assert_eq!(of(b"....AU3!EA06"), Some(Shape::Bundle("AutoIt")));
        assert_eq!(of(&noise(200 << 10)), Some(Shape::Overlay(200 << 10)));
        assert_eq!(of(&vec![b'a'; 200 << 10]), None);
        let mut upx = pe("KERNEL32.dll", &["Sleep"], b"");
        let at = memmem::find(&upx, b".rdata").unwrap();
        upx[at..at + 6].copy_from_slice(b"UPX0\0\0");
        assert_eq!(shape("pe", &upx), Some(Shape::Packed("UPX")));
        let mut packed = elf(&["connect"]);
        assert_eq!(shape("elf", &packed), None);
        packed.splice(64..64, *b"UPX!");
        assert_eq!(shape("elf", &packed), Some(Shape::Packed("UPX")));
        assert_eq!(shape("pe", b"MZ"), None);
    }
}
