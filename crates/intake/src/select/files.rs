//! The files of the folder under review: all of them, whole, or the reasons why not.

use sigma_core::SourceFile;

use super::collision;
use crate::config::SubmissionLimits;
use crate::listing::{Kind, Listing, Unread};
use crate::path;
use crate::problem::{IntakeProblem, ProblemCode};

/// How a pointer of large file storage begins (git-lfs, docs/spec.md).
const POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";

/// Problems of one kind that are listed one by one; what is left over is counted. A tree of 10,000 links is one mistake.
const LISTED: usize = 100;

pub(super) fn read(
    listing: &Listing,
    folder: &str,
    limits: &SubmissionLimits,
    problems: &mut Vec<IntakeProblem>,
) -> Vec<SourceFile> {
    let inside = listing.entries.iter().filter_map(|entry| Some((path::within(folder, &entry.path)?, entry)));
    let (files, refused): (Vec<_>, Vec<_>) = inside.partition(|(_, entry)| entry.kind == Kind::File);
    let refused = refused.iter().filter_map(|(_, entry)| match &entry.kind {
        Kind::Refused(code, why) => Some(IntakeProblem::new(*code, Some(&entry.path), why)),
        Kind::File => None,
    });
    bounded(refused.chain(collision::find(listing, folder)), folder, problems);

    if files.is_empty() {
        problems.push(IntakeProblem::new(ProblemCode::FolderEmpty, Some(folder), "the folder has no files"));
    }
    if files.len() > limits.files {
        let what = format!(
            "the folder has {} files, {} are accepted; their sizes were not looked at",
            files.len(),
            limits.files
        );
        problems.push(IntakeProblem::new(ProblemCode::TooManyFiles, Some(folder), what));
        return Vec::new();
    }
    let mut sources = Vec::new();
    let mut total = 0u64;
    for (relative, entry) in files {
        let mut wrong = |code, what: &str| problems.push(IntakeProblem::new(code, Some(&entry.path), what));
        match listing.read(entry, limits.file) {
            Ok(bytes) => {
                total += bytes.len() as u64;
                if bytes.starts_with(POINTER) {
                    wrong(ProblemCode::LfsPointer, "this only points to a file in large file storage");
                }
                sources.push(SourceFile { path: relative.to_owned(), bytes });
            }
            Err(Unread::TooLarge(size)) => {
                total += size.unwrap_or(limits.file + 1);
                let has = size.map_or_else(|| "more than are accepted".to_owned(), |size| size.to_string());
                wrong(ProblemCode::FileTooLarge, &format!("bytes: {has}, at most {} are accepted", limits.file));
            }
            Err(Unread::Failed(why)) => wrong(ProblemCode::Unreadable, &why),
        }
    }
    if total > limits.total {
        let what = format!("the folder has at least {total} bytes, {} are accepted", limits.total);
        problems.push(IntakeProblem::new(ProblemCode::TooLarge, Some(folder), what));
    }
    sources
}

/// Takes so many problems of each kind, and counts the rest.
fn bounded(found: impl Iterator<Item = IntakeProblem>, folder: &str, problems: &mut Vec<IntakeProblem>) {
    let mut counts = std::collections::BTreeMap::<ProblemCode, usize>::new();
    for problem in found {
        let count = counts.entry(problem.code).or_default();
        *count += 1;
        if *count <= LISTED {
            problems.push(problem);
        }
    }
    for (code, count) in counts.into_iter().filter(|(_, count)| *count > LISTED) {
        let what = format!("and {} more of this kind", count - LISTED);
        problems.push(IntakeProblem::new(code, Some(folder), what));
    }
}
