//! A folder of bundles, and of lists of files beside them.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use sigma_certificate::{FILE_LISTS_TYPE, FileLists};
use sigma_core::{ExpectedDigest, printable};
use sigma_ledger::MAX_BUNDLE;
use walkdir::WalkDir;

use crate::peek::{Peek, peek};
use crate::prove::Candidate;
use crate::wanted::{Wanted, is_strong};

/// Files of a folder that are looked at. 200,000: a hundred large projects.
const MAX_FILES: usize = 200_000;
/// How deep folders may lie in each other.
const MAX_DEPTH: usize = 16;
/// Bundles of one package that are looked at: a release is certified anew now and then, not a thousand times.
pub(crate) const MAX_CANDIDATES: usize = 64;

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It cannot be read.
    #[error("{path}: {error}")]
    Io {
        /// Which.
        path: PathBuf,
        /// The cause.
        error: io::Error,
    },
    /// It is too large.
    #[error("{path} holds more than {MAX_FILES} files")]
    TooMany {
        /// Which.
        path: PathBuf,
    },
}

/// The bundles of a folder, by what they say they are about. Nothing is verified yet.
#[derive(Debug, Default)]
pub struct BundleFolder {
    bundles: Vec<(PathBuf, Peek)>,
    by_package: HashMap<String, Vec<usize>>,
    by_digest: HashMap<ExpectedDigest, Vec<usize>>,
    lists: HashMap<String, Vec<PathBuf>>,
}

/// What a file of the folder is.
enum Seen {
    Bundle(Peek),
    Lists(String),
    Other,
}

impl BundleFolder {
    /// Looks at every `*.json` of a folder. Links are not followed.
    ///
    /// # Errors
    /// When it cannot be read, or is too large. Files that are no bundles are passed over.
    pub fn open(root: &Path) -> Result<Self, FolderError> {
        let mut paths = Vec::new();
        for entry in WalkDir::new(root).max_depth(MAX_DEPTH).sort_by_file_name() {
            let entry = entry.map_err(|error| {
                let path = error.path().unwrap_or(root).to_owned();
                FolderError::Io { path, error: error.into() }
            })?;
            if entry.file_type().is_file() && entry.path().extension().is_some_and(|ending| ending == "json") {
                if paths.len() >= MAX_FILES {
                    return Err(FolderError::TooMany { path: root.to_owned() });
                }
                paths.push(entry.into_path());
            }
        }
        let seen: Vec<Seen> = paths.par_iter().map(|path| look(path)).collect();
        let mut folder = Self::default();
        for (path, seen) in paths.into_iter().zip(seen) {
            match seen {
                Seen::Bundle(peek) => {
                    let index = folder.bundles.len();
                    folder.by_package.entry(peek.package.clone()).or_default().push(index);
                    for digest in &peek.digests {
                        folder.by_digest.entry(digest.clone()).or_default().push(index);
                    }
                    folder.bundles.push((path, peek));
                }
                Seen::Lists(certificate) => folder.lists.entry(certificate).or_default().push(path),
                Seen::Other => {}
            }
        }
        Ok(folder)
    }

    /// How many bundles there are.
    pub fn len(&self) -> usize {
        self.bundles.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.bundles.is_empty()
    }

    /// The bundles that say they are about what is wanted: those of its bytes, and those of the same package.
    pub fn candidates(&self, wanted: &Wanted) -> Vec<Candidate> {
        let of_bytes = wanted.digests.iter().filter(|digest| is_strong(digest));
        let mut found: Vec<usize> =
            of_bytes.filter_map(|digest| self.by_digest.get(digest)).flatten().copied().collect();
        if let Some(package) = &wanted.package {
            found.extend(self.by_package.get(&package.to_string()).into_iter().flatten());
        }
        found.sort_unstable();
        found.dedup();
        found.truncate(MAX_CANDIDATES);
        let bundles = found.into_iter().map(|index| &self.bundles[index]);
        bundles.filter_map(|(path, peek)| Some(Candidate::seen(read(path)?, peek.clone()))).collect()
    }

    /// The same for many at once.
    pub fn candidates_of_all(&self, wanted: &[&Wanted]) -> Vec<Vec<Candidate>> {
        wanted.par_iter().map(|wanted| self.candidates(wanted)).collect()
    }

    /// The lists of files of a certificate that lie here, not believed yet.
    pub fn lists(&self, certificate: &str) -> Vec<FileLists> {
        let paths = self.lists.get(certificate).into_iter().flatten().take(4);
        paths.filter_map(|path| serde_json::from_slice(&read(path)?).ok()).collect()
    }
}

/// Lists of large packages are larger than bundles: 200,000 files of 200 bytes each.
const MAX_LISTS: u64 = 64 << 20;

fn read(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(MAX_LISTS + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= MAX_LISTS).then_some(bytes)
}

fn look(path: &Path) -> Seen {
    let Some(bytes) = read(path) else { return Seen::Other };
    if bytes.len() <= MAX_BUNDLE
        && let Some(peek) = peek(&bytes)
    {
        return Seen::Bundle(peek);
    }
    match serde_json::from_slice::<FileLists>(&bytes) {
        Ok(lists) if lists.media_type == FILE_LISTS_TYPE => Seen::Lists(printable(&lists.certificate_id, 80)),
        _ => Seen::Other,
    }
}
