//! Archives with fixed bytes, ordinary and odd: names are written as given, also `../x`, `/x` and duplicates (tar).

use std::io::{Cursor, Write as _};

use flate2::{Compression, GzBuilder};
use zip::write::{SimpleFileOptions, ZipWriter};

/// One entry of an archive.
#[derive(Debug, Clone)]
pub struct Entry {
    path: String,
    mode: u32,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    File(Vec<u8>),
    Directory,
    Symlink(String),
    Hardlink(String),
    Device,
}

impl Entry {
    /// A regular file with mode 0644.
    pub fn file(path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self { path: path.to_owned(), mode: 0o644, kind: Kind::File(bytes.into()) }
    }

    /// A directory.
    pub fn directory(path: &str) -> Self {
        Self { path: path.to_owned(), mode: 0o755, kind: Kind::Directory }
    }

    /// A symbolic link.
    pub fn symlink(path: &str, target: &str) -> Self {
        Self { path: path.to_owned(), mode: 0o777, kind: Kind::Symlink(target.to_owned()) }
    }

    /// A hard link (tar only).
    pub fn hardlink(path: &str, target: &str) -> Self {
        Self { path: path.to_owned(), mode: 0o644, kind: Kind::Hardlink(target.to_owned()) }
    }

    /// A character device (tar only).
    pub fn device(path: &str) -> Self {
        Self { path: path.to_owned(), mode: 0o666, kind: Kind::Device }
    }

    /// Sets the permission bits.
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }
}

impl<B: Into<Vec<u8>>> From<(&str, B)> for Entry {
    fn from((path, bytes): (&str, B)) -> Self {
        Self::file(path, bytes)
    }
}

/// A zip archive. Entries: [`Entry`] or `(path, bytes)`. Duplicate names, hard links and devices panic.
pub fn zip_of<E: Into<Entry>>(entries: impl IntoIterator<Item = E>) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for entry in entries {
        let Entry { path, mode, kind } = entry.into();
        // The oldest time that zip can express, so that the bytes never change.
        let options = SimpleFileOptions::default().last_modified_time(zip::DateTime::default()).unix_permissions(mode);
        match kind {
            Kind::File(bytes) => {
                zip.start_file(path, options).unwrap();
                zip.write_all(&bytes).unwrap();
            }
            Kind::Directory => zip.add_directory(path, options).unwrap(),
            Kind::Symlink(target) => zip.add_symlink(path, target, options).unwrap(),
            Kind::Hardlink(_) | Kind::Device => panic!("zip has neither hard links nor devices: {path}"),
        }
    }
    zip.finish().unwrap().into_inner()
}

/// An uncompressed tar archive in the GNU format. Entries: [`Entry`] or `(path, bytes)`.
pub fn tar_of<E: Into<Entry>>(entries: impl IntoIterator<Item = E>) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for entry in entries {
        let Entry { path, mode, kind } = entry.into();
        let (kind, bytes, target) = match kind {
            Kind::File(bytes) => (tar::EntryType::Regular, bytes, None),
            Kind::Directory => (tar::EntryType::Directory, Vec::new(), None),
            Kind::Symlink(target) => (tar::EntryType::Symlink, Vec::new(), Some(target)),
            Kind::Hardlink(target) => (tar::EntryType::Link, Vec::new(), Some(target)),
            Kind::Device => (tar::EntryType::Char, Vec::new(), None),
        };
        let mut header = header(kind, mode, bytes.len());
        // `Header::set_path` refuses `..`; an attacker's tar does not.
        if path.len() > 100 {
            append_long(&mut tar, tar::EntryType::GNULongName, &path);
        }
        if let Some(target) = target {
            if target.len() > 100 {
                append_long(&mut tar, tar::EntryType::GNULongLink, &target);
            }
            copy_cut(&mut header.as_old_mut().linkname, &target);
        }
        copy_cut(&mut header.as_old_mut().name, &path);
        header.set_cksum();
        tar.append(&header, bytes.as_slice()).unwrap();
    }
    tar.into_inner().unwrap()
}

/// A gzipped tar archive. Entries: [`Entry`] or `(path, bytes)`.
pub fn tar_gz_of<E: Into<Entry>>(entries: impl IntoIterator<Item = E>) -> Vec<u8> {
    gzip(&tar_of(entries))
}

/// Gzips bytes, with no time and no name in the header.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzBuilder::new().mtime(0).write(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn header(kind: tar::EntryType, mode: u32, size: usize) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size as u64);
    header.set_mtime(0);
    header
}

/// GNU's extension for names over 100 bytes: an entry whose content is the name of the next one.
fn append_long(tar: &mut tar::Builder<Vec<u8>>, kind: tar::EntryType, name: &str) {
    let mut header = header(kind, 0o644, name.len() + 1);
    copy_cut(&mut header.as_old_mut().name, "././@LongLink");
    header.set_cksum();
    tar.append(&header, format!("{name}\0").as_bytes()).unwrap();
}

fn copy_cut(field: &mut [u8; 100], text: &str) {
    let len = text.len().min(field.len());
    field[..len].copy_from_slice(&text.as_bytes()[..len]);
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn zip_names_are_written_as_given() {
        let bytes = zip_of([Entry::file("../up", "x"), Entry::symlink("a", "/etc/passwd"), Entry::directory("d")]);
        let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        let names: Vec<_> = (0..zip.len()).map(|i| zip.by_index(i).unwrap().name().unwrap().into_owned()).collect();
        assert_eq!(names, ["../up", "a", "d/"]);
        let mut text = String::new();
        zip.by_index(0).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "x");
    }

    #[test]
    fn tar_names_are_written_as_given() {
        let long = "l".repeat(150);
        let bytes = tar_gz_of([
            Entry::file("../up", "x"),
            Entry::file("/root", "y").mode(0o755),
            Entry::file(&long, "z"),
            Entry::hardlink("h", &long),
            Entry::device("dev"),
        ]);
        let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(bytes.as_slice()));
        let seen: Vec<_> = tar
            .entries()
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let path = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
                (path, entry.header().entry_type(), entry.header().mode().unwrap())
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("../up".to_owned(), tar::EntryType::Regular, 0o644),
                ("/root".to_owned(), tar::EntryType::Regular, 0o755),
                (long, tar::EntryType::Regular, 0o644),
                ("h".to_owned(), tar::EntryType::Link, 0o644),
                ("dev".to_owned(), tar::EntryType::Char, 0o666),
            ]
        );
    }
}
