//! The files under review.

use serde::{Deserialize, Serialize};

use crate::{FileEntry, FileSet, Sha256};

/// Where files came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Origin {
    /// A public repository, locked to one commit.
    Repository {
        /// Its https address, without credentials.
        url: String,
        /// The branch, tag or commit as it was asked for.
        requested: String,
        /// The commit: 40 (SHA-1) or 64 (SHA-256) hexadecimal digits.
        commit: String,
    },
    /// A folder on this disk: a dry run, which nobody else can repeat.
    Folder,
}

/// One file.
#[derive(Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Path relative to the folder under review, with forward slashes.
    pub path: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for SourceFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({} bytes)", self.path, self.bytes.len())
    }
}

/// The files under review: all of them, whole, within the limits of a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceTree {
    /// Where they came from.
    pub origin: Origin,
    /// The folder under review, relative to the root of the repository; empty for the root itself.
    pub folder: String,
    /// The files, sorted by path (bytewise).
    pub files: Vec<SourceFile>,
}

impl SourceTree {
    /// The file at this path.
    pub fn file(&self, path: &str) -> Option<&SourceFile> {
        let at = self.files.binary_search_by(|file| file.path.as_bytes().cmp(path.as_bytes())).ok()?;
        self.files.get(at)
    }

    /// The files with their digests.
    pub fn file_set(&self) -> FileSet {
        let entry = |file: &SourceFile| FileEntry {
            path: file.path.clone(),
            size: file.bytes.len() as u64,
            sha256: Sha256::of(&file.bytes),
        };
        FileSet { files: self.files.iter().map(entry).collect() }
    }
}
