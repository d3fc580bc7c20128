//! Why a submission is not accepted, or what its reader should know: a stable code, a path, and what to do.

use std::fmt;

use serde::{Serialize, Serializer};
use sigma_core::printable;

macro_rules! codes {
    ($($name:ident $code:literal $remedy:literal)*) => {
        /// What is wrong. Codes are stable: clients may rely on them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ProblemCode {
            $(#[doc = $remedy] $name,)*
        }

        impl ProblemCode {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The word of the public API.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// What the submitter can do about it.
            pub fn remedy(self) -> &'static str {
                match self { $(Self::$name => $remedy,)* }
            }
        }
    };
}

codes! {
    EntryMissing "entry.missing" "Name the file that starts the program, relative to the root of the repository."
    EntryUnexpected "entry.unexpected" "Leave the entry point out, or choose a category with CODE."
    EntryPath "entry.path" "Write the path relative to the root, with forward slashes, without a leading slash, `.` or `..`."
    EntryNotFound "entry.not_found" "Name a file that exists in this commit; upper and lower case matter."
    EntryNotFile "entry.not_file" "Name a regular file, not a folder, a link or a submodule."
    EntryNotCode "entry.not_code" "Name the program itself, never SKILL.md or a data file."
    EntryLanguage "entry.language" "Python (.py) and Node.js (.js, .mjs, .cjs, .ts, .mts, .cts, .jsx, .tsx, or a first line that names one of them) are supported."
    FolderUnexpected "folder.unexpected" "Leave the folder out: where there is an entry point, the folder follows from it."
    FolderNotFound "folder.not_found" "Name a folder that holds a SKILL.md."
    FolderAmbiguous "folder.ambiguous" "Say which folder is to be reviewed."
    FolderEmpty "folder.empty" "Submit a commit that has files."
    SkillMissing "skill.missing" "Put a SKILL.md into the folder under review, or choose a category without SKILL."
    CodePresent "category.code_present" "Choose a category with CODE: a category without it is for folders in which nothing runs."
    ManifestMissing "category.manifest_missing" "Add a pyproject.toml, requirements file, package.json or lockfile to the folder under review, or choose a category without PACKAGES."
    ManifestUnreviewed "category.manifest_unreviewed" "Choose a category with PACKAGES to have dependencies reviewed: this one discloses that they are not."
    SkillUnreviewed "category.skill_unreviewed" "Choose a category with SKILL to have SKILL.md certified: this one discloses that it is not."
    EndpointsMissing "category.endpoints_missing" "Declare endpoints under `externalCalls` in SKILL.md, or choose a category without API."
    TooManyFiles "limit.files" "Move what is not part of the program out of the folder under review."
    TooLarge "limit.total" "Move what is not part of the program out of the folder under review."
    FileTooLarge "limit.file" "Split the file, or move it out of the folder under review."
    LinkPresent "file.link" "Replace the link by the file that it leads to."
    SubmodulePresent "file.submodule" "Put the files themselves into the repository."
    LfsPointer "file.lfs_pointer" "Put the file itself into the repository; large file storage is not read."
    SpecialFile "file.special" "Remove it: only regular files are reviewed."
    PathNotUtf8 "path.not_utf8" "Rename it: paths must be UTF-8."
    PathTrick "path.trick" "Rename it: the path means something else on some systems."
    PathTooLong "path.too_long" "Shorten the path."
    PathCollision "path.collision" "Rename one of them: on some systems they are the same file."
    Unreadable "file.unreadable" "Make the file readable."
    FolderSkipped "folder.skipped" "Nothing: such folders are no source. They are not part of what is reviewed."
}

impl fmt::Display for ProblemCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ProblemCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Longest path or message that is shown, in characters.
pub(crate) const SHOWN: usize = 300;

/// One thing that is wrong, or that is disclosed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct IntakeProblem {
    /// What kind of thing.
    pub code: ProblemCode,
    /// Where, relative to the root of the repository or folder; printable.
    pub path: Option<String>,
    /// What it is, in a sentence; printable.
    pub message: String,
    /// What to do about it.
    pub remedy: &'static str,
}

impl IntakeProblem {
    pub(crate) fn new(code: ProblemCode, path: Option<&str>, message: impl AsRef<str>) -> Self {
        Self {
            code,
            path: path.map(|path| printable(path, SHOWN)),
            message: printable(message.as_ref(), SHOWN),
            remedy: code.remedy(),
        }
    }
}

impl fmt::Display for IntakeProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "{path}: {} [{}] {}", self.message, self.code, self.remedy),
            None => write!(f, "{} [{}] {}", self.message, self.code, self.remedy),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_words_and_differ() {
        let all: BTreeSet<_> = ProblemCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(all.len(), ProblemCode::ALL.len());
        assert!(all.iter().all(|code| code.chars().all(|c| c.is_ascii_lowercase() || "._8".contains(c))), "{all:?}");
    }
}
