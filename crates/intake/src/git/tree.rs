//! The tree of a commit, object by object.
//!
//! In: objects. Out: every path, with what stands there. It must never follow a link or descend into a name that means
//! something else elsewhere. A tree may hold itself many times over by id: entries are counted as they are met.

use gix_hash::ObjectId;
use gix_object::tree::EntryKind;
use gix_object::{CommitRefIter, Kind as Object, TreeRefIter};
use sigma_core::printable;

use super::{Job, Objects, RepositoryError};
use crate::listing::{Entry, Kind};
use crate::path;
use crate::problem::ProblemCode;

/// A folder that is still to be read.
struct Folder {
    id: ObjectId,
    path: String,
    depth: usize,
}

pub(super) fn walk(objects: &Objects, commit: ObjectId, job: &Job) -> Result<Vec<Entry>, RepositoryError> {
    let damaged = |what: String| RepositoryError::Damaged(printable(&what, 200));
    let root = match objects.find(commit)? {
        Some((Object::Commit, bytes)) => {
            CommitRefIter::from_bytes(&bytes, commit.kind()).tree_id().map_err(|error| damaged(error.to_string()))?
        }
        Some(_) => return Err(RepositoryError::NotACommit(commit.to_string())),
        None => return Err(RepositoryError::NoSuchCommit(commit.to_string())),
    };
    let mut entries = Vec::new();
    let mut met = 0;
    let mut folders = vec![Folder { id: root, path: String::new(), depth: 0 }];
    while let Some(folder) = folders.pop() {
        job.check()?;
        let Some((Object::Tree, bytes)) = objects.find(folder.id)? else {
            return Err(damaged(format!("the folder `{}` is missing", folder.path)));
        };
        for entry in TreeRefIter::from_bytes(&bytes, commit.kind()) {
            let entry = entry.map_err(|error| damaged(format!("the folder `{}`: {error}", folder.path)))?;
            // Everything that is met counts: folders without files can be as many as one likes.
            met += 1;
            if met > job.config.entries {
                return Err(RepositoryError::TooLarge { what: "files and folders", limit: job.config.entries as u64 });
            }
            let place = path::join(&folder.path, &path::shown(entry.filename));
            let kind = match (path::component(entry.filename), entry.mode.kind()) {
                (Err((code, why)), _) => Kind::Refused(code, why),
                _ if place.len() > path::LONGEST || folder.depth >= path::DEEPEST => too_long(),
                (Ok(_), EntryKind::Tree) => {
                    folders.push(Folder { id: entry.oid.to_owned(), path: place, depth: folder.depth + 1 });
                    continue;
                }
                (Ok(_), EntryKind::Blob | EntryKind::BlobExecutable) => Kind::File,
                (Ok(_), EntryKind::Link) => {
                    Kind::Refused(ProblemCode::LinkPresent, link(objects, entry.oid.to_owned()))
                }
                (Ok(_), EntryKind::Commit) => Kind::Refused(
                    ProblemCode::SubmodulePresent,
                    "a submodule stands for another repository, which is not reviewed".to_owned(),
                ),
            };
            entries.push(Entry { path: place, kind, object: Some(entry.oid.to_owned()) });
        }
    }
    match entries.is_empty() {
        true => Err(RepositoryError::Empty),
        false => Ok(entries),
    }
}

/// A path that is longer or deeper than any that is reviewed.
fn too_long() -> Kind {
    let limits = format!("the path is longer than {} bytes or deeper than {} folders", path::LONGEST, path::DEEPEST);
    Kind::Refused(ProblemCode::PathTooLong, limits)
}

/// What a link says, without following it.
fn link(objects: &Objects, id: ObjectId) -> String {
    match objects.blob(id, 4096) {
        Ok(target) => format!("a link to `{}` is not followed", printable(&String::from_utf8_lossy(&target), 100)),
        Err(_) => "a link is not followed".to_owned(),
    }
}
