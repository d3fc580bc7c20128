//! Names of files, as strangers write them.
//!
//! In: the bytes of one name in a tree. Out: the name, or why it is none that means the same everywhere. It must never
//! repair a name: what is reviewed is what is there.

use gix_validate::path::component::Options;
use sigma_core::printable;

use crate::problem::ProblemCode;

/// Longest path, in bytes: archives and file systems stop at about as much.
pub(crate) const LONGEST: usize = 512;
/// Deepest folder.
pub(crate) const DEEPEST: usize = 32;

/// Names for which HFS+ and NTFS have other spellings are refused. Names that are only awkward on Windows are not.
const OPTIONS: Options = Options { protect_windows: false, protect_hfs: true, protect_ntfs: true };

/// One name in a folder, or what is wrong with it.
pub(crate) fn component(name: &[u8]) -> Result<&str, (ProblemCode, String)> {
    // Before anything looks at it: a name may have megabytes, and stand in a tree many times.
    if name.len() > LONGEST {
        return Err((ProblemCode::PathTooLong, format!("the name is longer than {LONGEST} bytes")));
    }
    let text = std::str::from_utf8(name)
        .map_err(|_| (ProblemCode::PathNotUtf8, format!("the name is not UTF-8: {}", name.escape_ascii())))?;
    let trick = |what: &str| (ProblemCode::PathTrick, what.to_owned());
    gix_validate::path::component(text.as_bytes().into(), None, OPTIONS).map_err(|error| trick(&error.to_string()))?;
    match text {
        _ if text.contains('\\') => Err(trick("the name has a backslash, which separates folders on Windows")),
        _ if printable(text, usize::MAX) != text => Err(trick("the name has control or invisible characters")),
        _ => Ok(text),
    }
}

/// `folder/name`, or the name itself at the root.
pub(crate) fn join(folder: &str, name: &str) -> String {
    match folder {
        "" => name.to_owned(),
        _ => format!("{folder}/{name}"),
    }
}

/// A name as it is listed where it is refused: text, and not longer than a path may be.
pub(crate) fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(&name[..name.len().min(LONGEST)]).into_owned()
}

/// The folder of a path; empty for the root.
pub(crate) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The last part of a path.
pub(crate) fn name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// The path relative to a folder, where it lies in it.
pub(crate) fn within<'a>(folder: &str, path: &'a str) -> Option<&'a str> {
    match folder {
        "" => Some(path),
        _ => path.strip_prefix(folder)?.strip_prefix('/'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tricks_are_named() {
        for name in ["a", "ü.py", ".github", "..a", "a..b", "con.py", ".gitignore", "a:b?"] {
            assert_eq!(component(name.as_bytes()), Ok(name));
        }
        for name in
            ["", ".", "..", ".git", ".GIT", ".git ", "git~1", ".g\u{200c}it", "a/b", "/", "a\\b", "a\nb", "a\u{202e}"]
        {
            assert_eq!(component(name.as_bytes()).unwrap_err().0, ProblemCode::PathTrick, "{name:?}");
        }
        assert_eq!(component(&[b'a'; 513]).unwrap_err().0, ProblemCode::PathTooLong);
        assert_eq!(component(b"\xff").unwrap_err().0, ProblemCode::PathNotUtf8);
    }

    #[test]
    fn parts_of_paths() {
        assert_eq!((parent("a/b/c"), name("a/b/c"), parent("c"), name("c")), ("a/b", "c", "", "c"));
        assert_eq!(
            (within("a", "a/b"), within("a", "ab"), within("", "a"), within("a", "a")),
            (Some("b"), None, Some("a"), None)
        );
    }
}
