//! The files of a distribution, for whoever lays them out to be run: read by the same code that analyses them, within the
//! same limits.

use sigma_core::{FileEntry, FileSet, Skipped};

use crate::archive::{Content, walk};
use crate::{Limits, Source};

/// One file of a distribution.
#[derive(Debug, Clone, Copy)]
pub struct Packed<'a> {
    /// Its path as the archive spells it, made printable. It may lead anywhere: whoever writes files checks it.
    pub path: &'a str,
    /// Its bytes; nothing where it is larger than [`Limits::file_bytes`].
    pub bytes: Option<&'a [u8]>,
    /// Whether an installer makes it executable.
    pub executable: bool,
}

/// Hands over every file that lies in a distribution, in the archive's order; archives among them stay closed. Answers what
/// could not be read.
pub fn unpack(
    filename: &str,
    source: &mut dyn Source,
    limits: &Limits,
    visit: &mut dyn FnMut(Packed<'_>),
) -> Vec<Skipped> {
    let limits = Limits { nesting: 0, ..*limits };
    let walked = walk(filename, source, &limits, &mut |member| {
        if member.nested > 0 {
            return;
        }
        let bytes = match member.content {
            Content::Whole(bytes) => Some(bytes),
            Content::Head(_) => None,
        };
        visit(Packed { path: member.path, bytes, executable: member.executable });
    });
    walked.skipped
}

/// The files of a distribution as [`crate::Analysis::files`] lists them, those inside archives in it too, without looking at
/// what they hold. The same bytes and limits give the same list.
pub fn list(filename: &str, source: &mut dyn Source, limits: &Limits) -> FileSet {
    let mut set = FileSet::default();
    walk(filename, source, limits, &mut |member| {
        set.files.push(FileEntry { path: member.path.to_owned(), size: member.size, sha256: member.sha256 });
    });
    set.files.sort();
    set
}
