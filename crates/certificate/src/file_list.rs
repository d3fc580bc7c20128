//! The list of files behind a `sha256-sorted-files-v1` hash, and when a list from anybody is believed.

use serde::{Deserialize, Serialize};
use sigma_core::{FileEntry, FileSet, Sha256};

use crate::{DistributionEntry, files_hash};

/// `mediaType` of [`FileLists`].
pub const FILE_LISTS_TYPE: &str = "application/vnd.sigma.file-lists.v1+json";

/// The files inside the distributions that a certificate covers. Nothing in it is signed: each list is believed where
/// [`FileList::believe`] says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct FileLists {
    /// [`FILE_LISTS_TYPE`].
    pub media_type: String,
    /// The certificate.
    pub certificate_id: String,
    /// A list for each distribution whose bytes are at hand; not always all of them.
    pub distributions: Vec<FileList>,
}

/// The files inside one distribution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct FileList {
    /// SHA-256 of the distribution's own bytes.
    pub sha256: Sha256,
    /// Path, size in bytes and SHA-256 of every file, those inside archives in it too (`outer.zip!/inner`).
    #[cfg_attr(feature = "schema", schema(value_type = Vec<Object>))]
    pub files: Vec<FileEntry>,
}

/// Why a list is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileListError {
    /// It is of another distribution.
    #[error("the list is of a distribution with SHA-256 {got}, expected {expected}")]
    Distribution {
        /// Whose it is.
        got: Sha256,
        /// Whose it should be.
        expected: Sha256,
    },
    /// It has more or fewer files than were certified.
    #[error("the list has {got} files, expected {expected}")]
    Count {
        /// Its files.
        got: u64,
        /// The certificate's.
        expected: u64,
    },
    /// A path could be read as the end of one entry and the beginning of another.
    #[error("a path in the list holds 64 hexadecimal digits in a row, so the hash does not tell it from two files")]
    Ambiguous,
    /// It has another hash.
    #[error("the list has the file-set hash {got}, expected {expected}")]
    Hash {
        /// Its hash.
        got: Sha256,
        /// The certificate's.
        expected: Sha256,
    },
}

impl FileList {
    /// Whether this is the list of a distribution as its certificate signs it.
    ///
    /// The hash is over paths and digests without separators, so that two files can be disguised as one with a long name, and
    /// the other way round. Both change the number of files or need a path that holds a digest: the number is signed too, and
    /// such paths are refused.
    ///
    /// # Errors
    /// Why it is not.
    pub fn believe(self, entry: &DistributionEntry) -> Result<FileSet, FileListError> {
        if self.sha256 != entry.sha256 {
            return Err(FileListError::Distribution { got: self.sha256, expected: entry.sha256 });
        }
        let (got, expected) = (self.files.len() as u64, entry.coverage.files);
        if got != expected {
            return Err(FileListError::Count { got, expected });
        }
        if self.files.iter().any(|file| holds_digest(&file.path)) {
            return Err(FileListError::Ambiguous);
        }
        let set = FileSet { files: self.files };
        let got = files_hash(&set);
        if got != entry.file_set_hash {
            return Err(FileListError::Hash { got, expected: entry.file_set_hash });
        }
        Ok(set)
    }
}

/// 64 lower-case hexadecimal digits in a row.
fn holds_digest(path: &str) -> bool {
    let mut run = 0;
    path.bytes().any(|byte| {
        run = if matches!(byte, b'0'..=b'9' | b'a'..=b'f') { run + 1 } else { 0 };
        run >= 64
    })
}

#[cfg(test)]
mod tests {
    use sigma_core::{DistributionKind, Sha1, Sha512};

    use super::*;
    use crate::CoverageSummary;

    fn file(path: &str, content: &[u8]) -> FileEntry {
        FileEntry { path: path.to_owned(), size: content.len() as u64, sha256: Sha256::of(content) }
    }

    fn entry(files: &[FileEntry]) -> DistributionEntry {
        let coverage = CoverageSummary {
            files: files.len() as u64,
            bytes: 0,
            source_files: 0,
            source_bytes: 0,
            parsed: 0,
            token_scanned: 0,
            binaries: 0,
            gaps: 0,
        };
        DistributionEntry {
            filename: "demo-1.0-py3-none-any.whl".to_owned(),
            kind: DistributionKind::Wheel,
            size: 1,
            sha256: Sha256::of(b"wheel"),
            sha512: Sha512::from_bytes([0; 64]),
            sha1: Sha1::from_bytes([0; 20]),
            file_set_hash: files_hash(&FileSet { files: files.to_vec() }),
            coverage,
        }
    }

    #[test]
    fn only_the_very_list_is_believed() {
        let honest = [file("a.py", b"a"), file("b.py", b"b")];
        let entry = entry(&honest);
        let check = |files: Vec<FileEntry>, expect: &str| {
            let got = FileList { sha256: entry.sha256, files }.believe(&entry);
            let got = got.map_or_else(|error| error.to_string(), |set| format!("{} files", set.files.len()));
            assert!(got.starts_with(expect), "{got}");
        };
        check(honest.to_vec(), "2 files");
        check(honest.iter().rev().cloned().collect(), "2 files");
        check(vec![honest[0].clone()], "the list has 1 files, expected 2");
        check(vec![honest[0].clone(), file("b.py", b"c")], "the list has the file-set hash");
        check(vec![honest[0].clone(), file("c.py", b"b")], "the list has the file-set hash");
        // Both files under one long name have the same hash: it is the number and the name that give it away.
        let merged = FileEntry { path: format!("a.py{}b.py", Sha256::of(b"a")), ..honest[1].clone() };
        assert_eq!(files_hash(&FileSet { files: vec![merged.clone()] }), entry.file_set_hash);
        check(vec![merged.clone()], "the list has 1 files");
        check(vec![merged, file("z", b"")], "a path in the list holds 64");
        let other = FileList { sha256: Sha256::of(b"sdist"), files: honest.to_vec() };
        assert!(matches!(other.believe(&entry), Err(FileListError::Distribution { .. })));
    }
}
