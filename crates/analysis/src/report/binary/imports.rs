//! What a native file imports, as capabilities.
//!
//! In: the bytes of an ELF, PE, Mach-O or WebAssembly file. Out: the capabilities that its imported symbols and
//! libraries prove. Nothing is executed or disassembled; every table is walked at most once and at most so far, because
//! its author may let a thousand entries point to one.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use object::read::elf::{ElfFile32, ElfFile64};
use object::read::macho::{FatArch, MachOFatFile32, MachOFile32, MachOFile64};
use object::read::pe::{ImageNtHeaders, ImageThunkData, PeFile, PeFile32, PeFile64};
use object::{FileKind, LittleEndian, Object, ObjectSymbol};
use sigma_core::Capability;

/// Symbols of one file that are looked at: four times those of the largest common library.
const MAX_SYMBOLS: usize = 200_000;
/// Libraries of one file that are looked at.
const MAX_LIBRARIES: usize = 2_000;
/// Slices of a universal binary that are looked at.
const MAX_SLICES: usize = 8;
/// Bytes of a name that can be in the table.
const MAX_NAME: usize = 80;

/// What the file's imports make it able to do. Empty as well where they cannot be read.
pub(super) fn capabilities(format: &str, bytes: &[u8]) -> BTreeSet<Capability> {
    let mut seen = Seen::default();
    // An error ends the walk of a damaged table; what was seen before it stays.
    match format {
        "wasm" => _ = wasm(bytes, &mut seen),
        _ => _ = object(bytes, &mut seen, 0),
    }
    seen.capabilities
}

/// What was seen so far.
#[derive(Default)]
struct Seen {
    capabilities: BTreeSet<Capability>,
    symbols: usize,
}

impl Seen {
    /// Takes a symbol; false when there were enough.
    fn symbol(&mut self, name: &[u8]) -> bool {
        self.symbols += 1;
        self.look_up(name);
        self.symbols < MAX_SYMBOLS
    }

    fn look_up(&mut self, name: &[u8]) {
        if name.len() > MAX_NAME {
            return;
        }
        let Ok(name) = std::str::from_utf8(name) else { return };
        let found = TABLE.get(name).or_else(|| TABLE.get(name.strip_suffix(['A', 'W'])?));
        self.capabilities.extend(found);
    }

    fn library(&mut self, name: &[u8]) {
        let name = String::from_utf8_lossy(&name[..name.len().min(200)]).to_ascii_lowercase();
        let base = name.rsplit('/').next().unwrap_or_default();
        self.look_up(base.as_bytes());
        if base.starts_with("libcurl") {
            self.look_up(b"libcurl");
        }
    }
}

static TABLE: LazyLock<HashMap<&'static str, Capability>> = LazyLock::new(|| lines().filter_map(Result::ok).collect());

/// The lines of the table: a name and what it proves, or the line that is not understood.
fn lines() -> impl Iterator<Item = Result<(&'static str, Capability), &'static str>> {
    let text = include_str!("symbols.txt").lines().map(str::trim);
    text.filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| {
        let (word, name) = line.split_once(' ').ok_or(line)?;
        let capability = match word {
            "network-client" => Capability::NetworkClient,
            "network-server" => Capability::NetworkServer,
            "process" => Capability::Process,
            "shell" => Capability::Shell,
            "environment" => Capability::Environment,
            "credentials" => Capability::Credentials,
            _ => return Err(line),
        };
        Ok((name, capability))
    })
}

fn object(bytes: &[u8], seen: &mut Seen, depth: usize) -> object::Result<()> {
    match FileKind::parse(bytes)? {
        FileKind::Elf32 => dynamic(&ElfFile32::<object::Endianness>::parse(bytes)?, seen),
        FileKind::Elf64 => dynamic(&ElfFile64::<object::Endianness>::parse(bytes)?, seen),
        FileKind::MachO32 => all(&MachOFile32::<object::Endianness>::parse(bytes)?, seen),
        FileKind::MachO64 => all(&MachOFile64::<object::Endianness>::parse(bytes)?, seen),
        FileKind::Pe32 => pe(&PeFile32::parse(bytes)?, seen)?,
        FileKind::Pe64 => pe(&PeFile64::parse(bytes)?, seen)?,
        // Slices do not hold slices: one level is all there is.
        FileKind::MachOFat32 if depth == 0 => {
            for slice in MachOFatFile32::parse(bytes)?.arches().iter().take(MAX_SLICES) {
                object(slice.data(bytes)?, seen, 1)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// ELF: symbols of the dynamic table that are not defined here.
fn dynamic<'data>(file: &impl Object<'data>, seen: &mut Seen) {
    for symbol in file.dynamic_symbols().filter(|symbol| symbol.is_undefined()) {
        if !seen.symbol(symbol.name_bytes().unwrap_or_default()) {
            return;
        }
    }
}

/// Mach-O: undefined symbols, which C writes with an underscore.
fn all<'data>(file: &impl Object<'data>, seen: &mut Seen) {
    for symbol in file.symbols().filter(|symbol| symbol.is_undefined()) {
        let name = symbol.name_bytes().unwrap_or_default();
        if !seen.symbol(name.strip_prefix(b"_").unwrap_or(name)) {
            return;
        }
    }
}

/// PE: the import table, and the one that is loaded on first use.
fn pe<Pe: ImageNtHeaders>(file: &PeFile<'_, Pe>, seen: &mut Seen) -> object::Result<()> {
    if let Some(table) = file.import_table()? {
        let mut descriptors = table.descriptors()?;
        for _ in 0..MAX_LIBRARIES {
            let Some(descriptor) = descriptors.next()? else { break };
            seen.library(table.name(descriptor.name.get(LittleEndian)).unwrap_or_default());
            let first = descriptor.original_first_thunk.get(LittleEndian);
            let first = if first == 0 { descriptor.first_thunk.get(LittleEndian) } else { first };
            let Ok(mut thunks) = table.thunks(first) else { continue };
            while let Ok(Some(thunk)) = thunks.next::<Pe>() {
                let name = match thunk.is_ordinal() {
                    true => &[][..],
                    false => table.hint_name(thunk.address()).map_or(&[][..], |(_, name)| name),
                };
                if !seen.symbol(name) {
                    return Ok(());
                }
            }
        }
    }
    if let Some(table) = file.delay_load_import_table()? {
        let mut descriptors = table.descriptors()?;
        for _ in 0..MAX_LIBRARIES {
            let Some(descriptor) = descriptors.next()? else { break };
            seen.library(table.name(descriptor.dll_name_rva.get(LittleEndian)).unwrap_or_default());
        }
    }
    Ok(())
}

/// WebAssembly (core specification 5.5.5): the import section is a vector of module, name and description.
fn wasm(bytes: &[u8], seen: &mut Seen) -> Option<()> {
    let mut rest = bytes.get(8..)?;
    loop {
        let (&id, after) = rest.split_first()?;
        let (size, after) = leb128(after)?;
        let (section, next) = after.split_at_checked(size)?;
        rest = next;
        // Custom and type sections may stand before the imports.
        match id {
            0 | 1 => continue,
            2 => {}
            _ => return None,
        }
        let (count, mut section) = leb128(section)?;
        for _ in 0..count.min(MAX_SYMBOLS) {
            let (_, after) = text(section)?;
            let (name, after) = text(after)?;
            seen.symbol(name);
            section = description(after)?;
        }
        return Some(());
    }
}

fn text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = leb128(bytes)?;
    rest.split_at_checked(length)
}

/// Steps over what is imported: a function's type, a table's, a memory's or a global's.
fn description(bytes: &[u8]) -> Option<&[u8]> {
    let (&kind, rest) = bytes.split_first()?;
    let limits = |bytes| {
        let (&flags, rest): (&u8, &[u8]) = <[u8]>::split_first(bytes)?;
        let (_, rest) = leb128(rest)?;
        if flags & 1 == 1 { leb128(rest).map(|(_, rest)| rest) } else { Some(rest) }
    };
    match kind {
        0 => leb128(rest).map(|(_, rest)| rest),
        1 => limits(rest.get(1..)?),
        2 => limits(rest),
        3 => rest.get(2..),
        _ => None,
    }
}

fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0_u64;
    for (index, byte) in bytes.iter().enumerate().take(5) {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((usize::try_from(value).ok()?, &bytes[index + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_understood() {
        assert_eq!(lines().find_map(Result::err), None);
        assert_eq!(TABLE.len(), lines().count(), "a name stands twice");
    }

    #[test]
    fn webassembly_tells_its_imports() {
        let mut bytes = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0".to_vec();
        let imports = b"\x02\x04wasi\x0bsock_accept\0\0\x03env\x06memory\x02\0\x01";
        bytes.extend([2, imports.len() as u8]);
        bytes.extend(imports);
        assert_eq!(capabilities("wasm", &bytes), BTreeSet::from([Capability::NetworkServer]));
        for end in 0..bytes.len() {
            capabilities("wasm", &bytes[..end]);
        }
    }

    #[test]
    fn an_elf_tells_its_dynamic_symbols() {
        let elf = super::super::shape::tests::elf(&["connect", "memcpy", "system"]);
        let expect = BTreeSet::from([Capability::NetworkClient, Capability::Shell]);
        assert_eq!(capabilities("elf", &elf), expect);
        for end in 0..elf.len() {
            capabilities("elf", &elf[..end]);
        }
    }

    #[test]
    fn a_pe_tells_its_imports() {
        let pe = super::super::shape::tests::pe("KERNEL32.dll", &["CreateProcessW", "Sleep"], b"");
        assert_eq!(capabilities("pe", &pe), BTreeSet::from([Capability::Process]));
        let pe = super::super::shape::tests::pe("WININET.dll", &["Nothing"], b"");
        assert_eq!(capabilities("pe", &pe), BTreeSet::from([Capability::NetworkClient]));
        for end in 0..pe.len() {
            capabilities("pe", &pe[..end]);
        }
    }
}
