//! Which commit is taken in, and whether it is one of this repository's own.
//!
//! In: what a submitter asked for. Out: one commit. A host that keeps forks together hands out every commit of any of them
//! under the address of each: with a commit id alone, somebody's fork could be certified under another's name. So a commit
//! must be one that a branch or a tag of the repository itself leads to.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;

use gix_hash::ObjectId;

use super::address::Reference;
use super::fetch::{Extent, Session};
use super::{RepositoryError, pack};
use crate::config::RepositoryConfig;

/// Branches and tags that are looked at, the branches first.
const TIPS: usize = 2_000;

/// The commit that a name stands for now.
pub(super) fn lock(session: &mut Session, names: &[String], asked: &str) -> Result<ObjectId, RepositoryError> {
    let prefixes: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut found = session.references(&prefixes)?;
    // Prefixes are all that can be asked for: `main` brings `main-2` along.
    found.retain(|(name, _)| names.contains(name));
    match found.as_slice() {
        [(_, id)] => Ok(*id),
        [] if asked == "HEAD" => Err(RepositoryError::Empty),
        [] => Err(RepositoryError::UnknownReference { got: asked.to_owned() }),
        _ => Err(RepositoryError::AmbiguousReference { got: asked.to_owned() }),
    }
}

/// An error unless a branch or a tag leads to this commit.
///
/// Where its history is more than `config.history` allows, that cannot be said; such a repository's commits are named by a
/// branch or tag that stands at them.
pub(super) fn owned(
    session: &mut Session,
    commit: ObjectId,
    config: &RepositoryConfig,
    interrupt: &AtomicBool,
) -> Result<(), RepositoryError> {
    // No other prefix: requests to merge, `refs/pull/`, hold the commits of forks.
    let mut tips: Vec<ObjectId> = Vec::new();
    let mut seen = BTreeSet::new();
    for prefix in ["HEAD", "refs/heads/", "refs/tags/"] {
        let found = session.references(&[prefix])?;
        tips.extend(found.into_iter().map(|(_, id)| id).filter(|id| seen.insert(*id)));
    }
    if seen.contains(&commit) {
        return Ok(());
    }
    let all = tips.len() <= TIPS;
    tips.truncate(TIPS);
    // Most commits lie on the default branch, whose history is a fraction of all.
    let rest = tips.split_off(tips.len().min(1));
    for wanted in [tips, rest].iter().filter(|wanted| !wanted.is_empty()) {
        let extent = Extent { depth: None, filter: "tree:0".to_owned() };
        let received = session.pack(wanted, &extent).and_then(|pack| {
            let limits = RepositoryConfig { objects: config.history, ..config.clone() };
            pack::unpack(&pack, session.hash, &limits, interrupt)
        });
        match received {
            // A pack of what leads to the tips, each object checked against its id.
            Ok(objects) if objects.has(commit) => return Ok(()),
            Ok(_) => {}
            Err(RepositoryError::TooLarge { .. }) => return Err(RepositoryError::LongHistory(commit.to_string())),
            Err(other) => return Err(other),
        }
    }
    match all {
        true => Err(RepositoryError::ForeignCommit(commit.to_string())),
        false => Err(RepositoryError::LongHistory(commit.to_string())),
    }
}

/// What is asked for as one commit, whose id must fit the repository.
pub(super) fn commit(session: &mut Session, wanted: &Reference, asked: &str) -> Result<ObjectId, RepositoryError> {
    match wanted {
        Reference::Commit(id) if id.kind() == session.hash => Ok(*id),
        Reference::Commit(id) => Err(RepositoryError::NoSuchCommit(id.to_string())),
        Reference::Named(names) => lock(session, names, asked),
    }
}
