//! Everything in a repository or folder, by path, before anything of it is chosen.
//!
//! In: what the git and folder readers found. Out: paths and, on demand, the bytes of one file, bounded. What is no regular
//! file under an ordinary name stays in the listing with the reason, so that it is a problem where it lies in the folder
//! under review and nobody's business elsewhere.

use std::path::PathBuf;

use sigma_core::Origin;

use crate::git::Objects;
use crate::problem::{IntakeProblem, ProblemCode};

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// Something that is not reviewed: what, and the sentence for it.
    Refused(ProblemCode, String),
}

/// One path.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// With forward slashes. Not necessarily unique: trees can be forged.
    pub path: String,
    pub kind: Kind,
    /// The object, in a repository.
    pub object: Option<gix_hash::ObjectId>,
}

/// Where bytes come from.
pub(crate) enum Contents {
    Repository(Box<Objects>),
    Folder(PathBuf),
}

/// Why a file could not be read whole.
pub(crate) enum Unread {
    /// It is larger than was asked for. The size in bytes, where it is known.
    TooLarge(Option<u64>),
    /// Something else, in a sentence.
    Failed(String),
}

/// A repository at one commit, or a folder.
pub struct Listing {
    pub(crate) origin: Origin,
    /// Sorted by path, bytewise.
    pub(crate) entries: Vec<Entry>,
    /// What was left out on purpose.
    pub(crate) skipped: Vec<IntakeProblem>,
    pub(crate) contents: Contents,
}

impl std::fmt::Debug for Listing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listing").field("origin", &self.origin).field("entries", &self.entries).finish_non_exhaustive()
    }
}

impl Listing {
    pub(crate) fn new(
        origin: Origin,
        mut entries: Vec<Entry>,
        skipped: Vec<IntakeProblem>,
        contents: Contents,
    ) -> Self {
        entries.sort_by(|a, b| a.path.as_bytes().cmp(b.path.as_bytes()));
        Self { origin, entries, skipped, contents }
    }

    /// Where it came from; for a repository with the commit that the reference was locked to.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Every path and what stands there, sorted. Names are as strangers wrote them: print them with `printable`.
    pub fn paths(&self) -> impl Iterator<Item = (&str, &Kind)> {
        self.entries.iter().map(|entry| (entry.path.as_str(), &entry.kind))
    }

    /// The paths of regular files.
    pub(crate) fn files(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().filter(|entry| entry.kind == Kind::File).map(|entry| entry.path.as_str())
    }

    /// The regular file at a path.
    pub(crate) fn file(&self, path: &str) -> Option<&Entry> {
        let first = self.entries.partition_point(|entry| entry.path.as_bytes() < path.as_bytes());
        self.entries[first..].iter().take_while(|entry| entry.path == path).find(|entry| entry.kind == Kind::File)
    }

    /// The bytes of a regular file, if there are at most so many.
    pub(crate) fn read(&self, entry: &Entry, most: u64) -> Result<Vec<u8>, Unread> {
        match (&self.contents, entry.object) {
            (Contents::Repository(objects), Some(id)) => objects.blob(id, most),
            (Contents::Folder(root), None) => crate::folder::read(root, &entry.path, most),
            _ => Err(Unread::Failed("it was listed by somebody else".to_owned())),
        }
    }
}
