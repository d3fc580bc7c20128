//! Files of the project: opened inside the root only, bounded, decoded, and able to say on which line a byte stands.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use sigma_core::{Location, printable};

use super::{ManifestError, ReadOptions};

/// One file, read and decoded.
pub(super) struct SourceFile {
    /// Canonical path.
    pub path: PathBuf,
    /// Path relative to the root, with forward slashes, printable.
    pub shown: String,
    /// The content, without a byte order mark.
    pub text: String,
    newlines: Vec<u32>,
}

impl SourceFile {
    fn new(path: PathBuf, shown: String, text: String) -> Self {
        // Files are far below 4 GiB, so that a u32 holds every offset.
        let newlines = memchr_newlines(&text);
        Self { path, shown, text, newlines }
    }

    /// A file that exists only in memory.
    #[cfg(test)]
    pub fn in_memory(shown: &str, text: &str) -> Self {
        Self::new(PathBuf::from("/in-memory").join(shown), shown.to_owned(), text.to_owned())
    }

    /// The line that holds the byte at `offset`, as a location.
    pub fn at(&self, offset: usize) -> Location {
        let line = self.newlines.partition_point(|&newline| (newline as usize) < offset) + 1;
        self.line(u32::try_from(line).unwrap_or(u32::MAX))
    }

    /// A line of the file, counted from 1, as a location.
    pub fn line(&self, line: u32) -> Location {
        Location { file: self.shown.clone(), line }
    }

    /// The error for a file that cannot be parsed.
    pub fn syntax(&self, line: u32, format: &'static str, message: &str) -> ManifestError {
        ManifestError::Syntax { at: self.line(line), format, message: printable(message, 400) }
    }
}

fn memchr_newlines(text: &str) -> Vec<u32> {
    text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at as u32).collect()
}

/// One manifest being read: the root, the limits, and the files read so far.
pub(super) struct Reading<'a> {
    /// Canonical root of the project.
    pub root: &'a Path,
    /// What to read and how much.
    pub options: &'a ReadOptions,
    /// Files read so far, in reading order, as shown.
    pub files: Vec<String>,
}

impl<'a> Reading<'a> {
    pub fn new(root: &'a Path, options: &'a ReadOptions) -> Self {
        Self { root, options, files: Vec::new() }
    }

    /// Opens a file of the project. `include` is the line that names it and the path as written there.
    pub fn open(
        &mut self,
        path: &Path,
        limit: u64,
        include: Option<(&Location, &str)>,
    ) -> Result<SourceFile, ManifestError> {
        let wanted = printable(&path.to_string_lossy(), 400);
        let unreadable = |source: io::Error| match include {
            Some((at, text)) => ManifestError::Include { at: at.clone(), include: printable(text, 200), source },
            None => ManifestError::Unreadable { file: wanted.clone(), source },
        };
        let path = path.canonicalize().map_err(unreadable)?;
        let Ok(relative) = path.strip_prefix(self.root) else {
            return Err(match include {
                Some((at, text)) => ManifestError::IncludeOutside { at: at.clone(), include: printable(text, 200) },
                None => ManifestError::OutsideRoot { file: wanted },
            });
        };
        let parts: Vec<_> = relative.components().map(|part| part.as_os_str().to_string_lossy()).collect();
        let shown = printable(&parts.join("/"), 300);
        // Asked before opening: opening a pipe would wait for a writer.
        if !fs::metadata(&path).map_err(unreadable)?.is_file() {
            return Err(match include {
                Some(_) => unreadable(io::Error::other("not a regular file")),
                None => ManifestError::NotAFile { file: shown },
            });
        }
        let file = File::open(&path).map_err(unreadable)?;
        let size = file.metadata().map_err(unreadable)?.len();
        let limit = limit.min(u64::from(u32::MAX) - 1);
        if size > limit {
            return Err(ManifestError::TooLarge { file: shown, size, limit });
        }
        let mut bytes = Vec::new();
        let read = file.take(limit + 1).read_to_end(&mut bytes).map_err(unreadable)? as u64;
        if read > limit {
            return Err(ManifestError::TooLarge { file: shown, size: read, limit });
        }
        let text = decode(bytes, &shown)?;
        self.files.push(shown.clone());
        Ok(SourceFile::new(path, shown, text))
    }

    /// Opens a file beside another one, when there is such a file.
    pub fn open_beside(&mut self, source: &SourceFile, name: &str) -> Result<Option<SourceFile>, ManifestError> {
        let path = source.path.with_file_name(name);
        match path.symlink_metadata() {
            Ok(_) => self.open(&path, self.options.max_file_bytes, None).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(ManifestError::Unreadable { file: printable(name, 80), source }),
        }
    }
}

/// UTF-8, with or without a byte order mark; everything else is an error that says what it looks like.
fn decode(mut bytes: Vec<u8>, shown: &str) -> Result<String, ManifestError> {
    let at = |line: usize| Location { file: shown.to_owned(), line: u32::try_from(line).unwrap_or(u32::MAX) };
    let marks: [(&[u8], &str); 4] = [
        (&[0xff, 0xfe, 0, 0], "UTF-32"),
        (&[0, 0, 0xfe, 0xff], "UTF-32"),
        (&[0xff, 0xfe], "UTF-16"),
        (&[0xfe, 0xff], "UTF-16"),
    ];
    if let Some((_, name)) = marks.iter().find(|(mark, _)| bytes.starts_with(mark)) {
        return Err(ManifestError::Encoding { at: at(1), got: format!("a {name} byte order mark") });
    }
    if bytes.starts_with(&[0xef, 0xbb, 0xbf]) {
        bytes.drain(..3);
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let bytes = error.as_bytes();
        let line = 1 + bytes[..valid].iter().filter(|byte| **byte == b'\n').count();
        ManifestError::Encoding { at: at(line), got: format!("the byte 0x{:02x}", bytes[valid]) }
    })
}
