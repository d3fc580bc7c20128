//! A folder on this disk: for a dry run, which certifies nothing.
//!
//! In: a path that the user chose. Out: a [`Listing`] of it. It must never follow a link, open what is no regular file, or read
//! an ignore file: what git ignores is part of what runs. Folders of tools are left out, and it is said.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use sigma_core::{Origin, printable};

use crate::listing::{Contents, Entry, Kind, Listing, Unread};
use crate::path;
use crate::problem::{IntakeProblem, ProblemCode, SHOWN};

/// Folders that hold no source of the submission: git's own, and what package managers and interpreters put there.
const SKIPPED: &[&str] = &[".git", "node_modules", "__pycache__", ".venv", "venv"];

/// Files, folders and links that are looked at. What is reviewed has at most 50 files; this only ends a mistake like `/`.
const MOST: usize = 50_000;

/// Why a folder was not read.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It is not there, or no folder.
    #[error("`{path}` cannot be read as a folder: {error}")]
    Unreadable {
        /// The path, printable.
        path: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// It has more in it than is looked at.
    #[error("`{path}` has more than {limit} files and folders")]
    TooLarge {
        /// The path, printable.
        path: String,
        /// How many are looked at.
        limit: usize,
    },
}

/// Lists a folder. Blocks while it reads directories.
pub fn folder(root: &Path) -> Result<Listing, FolderError> {
    let shown = printable(&root.display().to_string(), SHOWN);
    let unreadable = |error| FolderError::Unreadable { path: shown.clone(), error };
    let root = root.canonicalize().map_err(unreadable)?;
    let mut found = Found { root, ..Found::default() };
    let mut met = 0;
    let mut folders = vec![(String::new(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let items = match fs::read_dir(found.root.join(&folder)) {
            Ok(items) => items,
            Err(error) if folder.is_empty() => return Err(unreadable(error)),
            Err(error) => {
                found.refuse(folder, ProblemCode::Unreadable, format!("the folder cannot be read: {error}"));
                continue;
            }
        };
        for item in items {
            met += 1;
            if met > MOST {
                return Err(FolderError::TooLarge { path: shown, limit: MOST });
            }
            let Ok(item) = item else {
                found.refuse(folder.clone(), ProblemCode::Unreadable, "something in it cannot be read".to_owned());
                continue;
            };
            if let Some(inner) = found.take(&folder, depth, &item) {
                folders.push((inner, depth + 1));
            }
        }
    }
    found.skipped.sort();
    Ok(Listing::new(Origin::Folder, found.entries, found.skipped, Contents::Folder(found.root)))
}

#[derive(Default)]
struct Found {
    root: PathBuf,
    entries: Vec<Entry>,
    skipped: Vec<IntakeProblem>,
}

impl Found {
    fn refuse(&mut self, path: String, code: ProblemCode, why: String) {
        self.entries.push(Entry { path, kind: Kind::Refused(code, why), object: None });
    }

    /// Takes one item in; a folder that is to be read is given back.
    fn take(&mut self, folder: &str, depth: usize, item: &fs::DirEntry) -> Option<String> {
        let name = item.file_name();
        let place = path::join(folder, &path::shown(name.as_encoded_bytes()));
        let kind = item.file_type(); // of the item itself, not of what it may lead to
        let is_folder = kind.as_ref().is_ok_and(fs::FileType::is_dir);
        if SKIPPED.iter().any(|skipped| name.to_str() == Some(skipped)) && (is_folder || name == ".git") {
            let problem = IntakeProblem::new(ProblemCode::FolderSkipped, Some(&place), "this folder is left out");
            self.skipped.push(problem);
            return None;
        }
        let kind = match (path::component(name.as_encoded_bytes()), kind) {
            (Err((code, why)), _) => Kind::Refused(code, why),
            _ if place.len() > path::LONGEST || depth >= path::DEEPEST => {
                Kind::Refused(ProblemCode::PathTooLong, "the path is too long or too deep".to_owned())
            }
            (_, Ok(kind)) if kind.is_dir() => return Some(place),
            (_, Ok(kind)) if kind.is_file() => Kind::File,
            (_, Ok(kind)) if kind.is_symlink() => {
                let target = fs::read_link(item.path()).unwrap_or_default();
                let target = printable(&target.display().to_string(), 100);
                Kind::Refused(ProblemCode::LinkPresent, format!("a link to `{target}` is not followed"))
            }
            (_, Ok(_)) => Kind::Refused(ProblemCode::SpecialFile, "this is no regular file".to_owned()),
            (_, Err(error)) => Kind::Refused(ProblemCode::Unreadable, format!("it cannot be looked at: {error}")),
        };
        self.entries.push(Entry { path: place, kind, object: None });
        None
    }
}

/// The bytes of one file that was listed, if there are at most so many.
pub(crate) fn read(root: &Path, path: &str, most: u64) -> Result<Vec<u8>, Unread> {
    let failed = |error: std::io::Error| Unread::Failed(format!("it cannot be read: {error}"));
    let path = root.join(path);
    let before = fs::symlink_metadata(&path).map_err(failed)?;
    if !before.is_file() {
        return Err(Unread::Failed("it is no regular file any more".to_owned()));
    }
    if before.len() > most {
        return Err(Unread::TooLarge(Some(before.len())));
    }
    let mut bytes = Vec::new();
    fs::File::open(&path).map_err(failed)?.take(most + 1).read_to_end(&mut bytes).map_err(failed)?;
    match bytes.len() as u64 <= most {
        true => Ok(bytes),
        false => Err(Unread::TooLarge(None)),
    }
}
