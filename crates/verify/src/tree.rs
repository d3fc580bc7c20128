//! A folder of a stranger: what lies in it, without following a link, within limits.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::Digest as _;
use sigma_core::{FileEntry, Sha256, printable};
use walkdir::WalkDir;

/// Files and links of one tree. 1,000,000: ten times the largest environments in use.
const MAX_ENTRIES: usize = 1_000_000;
/// How deep folders may lie in each other; npm's older trees reach 60.
const MAX_DEPTH: usize = 200;
/// Scripts whose first line an installer rewrites are read whole. Bytes.
const MAX_SCRIPT: u64 = 4 << 20;

/// What something in a tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A regular file, with its size in bytes.
    File(u64),
    /// A symbolic link.
    Link,
    /// A device, a pipe, or something whose name is no text.
    Other,
}

/// A tree, by paths with forward slashes relative to its root.
#[derive(Debug)]
pub(crate) struct Tree {
    pub root: PathBuf,
    pub files: BTreeMap<String, Kind>,
    pub problems: Vec<String>,
    /// Some of it was not looked at: then it is not known what lies there.
    pub partial: bool,
}

/// How a file compares with what a list says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Compared {
    Same,
    Missing,
    /// Other bytes, or no regular file: which, in a word, or nothing.
    Changed(&'static str),
}

/// What an installer may have done to the first line of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shebang<'a> {
    Kept,
    /// `#!python` became an interpreter of this folder (wheels, Binary distribution format).
    Interpreter(&'a Path),
    /// A carriage return was taken from its end (npm's `fix-bin`).
    LineEnd,
}

impl Tree {
    /// Looks at everything below a folder.
    pub fn walk(root: &Path) -> Self {
        let mut tree = Self { root: root.to_owned(), files: BTreeMap::new(), problems: Vec::new(), partial: false };
        for entry in WalkDir::new(root).min_depth(1).max_depth(MAX_DEPTH) {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    let path = error.path().unwrap_or(root).to_string_lossy();
                    tree.problems.push(format!("{} cannot be read", printable(&path, 300)));
                    tree.partial = true;
                    continue;
                }
            };
            if tree.files.len() >= MAX_ENTRIES {
                tree.problems.push(format!("more than {MAX_ENTRIES} files: the rest was not looked at"));
                tree.partial = true;
                break;
            }
            let kind = entry.file_type();
            let relative = entry.path().strip_prefix(root).unwrap_or(entry.path());
            let Some(relative) = relative.to_str() else {
                let shown = printable(&relative.to_string_lossy(), 300);
                tree.files.insert(format!("{shown} (its name is no text)"), Kind::Other);
                continue;
            };
            if kind.is_dir() {
                if entry.depth() == MAX_DEPTH {
                    let shown = printable(relative, 300);
                    tree.problems.push(format!("{shown}: deeper than {MAX_DEPTH} folders, which was not looked at"));
                    tree.partial = true;
                }
                continue;
            }
            let kind = match () {
                () if kind.is_file() => entry.metadata().map_or(Kind::Other, |data| Kind::File(data.len())),
                () if kind.is_symlink() => Kind::Link,
                () => Kind::Other,
            };
            tree.files.insert(relative.to_owned(), kind);
        }
        tree
    }

    /// The bytes of a file of the tree, if there are not too many.
    pub fn bytes(&self, path: &str, most: u64) -> Option<Vec<u8>> {
        matches!(self.files.get(path), Some(Kind::File(size)) if *size <= most)
            .then(|| read(&self.root.join(path), most))?
    }

    /// Compares a file of the tree with what a list says of it. A hostile archive may list a path twice: installers differ in
    /// which one stays.
    pub fn compare(&self, path: &str, listed: &[&FileEntry], shebang: Shebang<'_>) -> Compared {
        match self.files.get(path) {
            None => Compared::Missing,
            Some(Kind::Link) => Compared::Changed(" (a link)"),
            Some(Kind::Other) => Compared::Changed(" (no regular file)"),
            Some(Kind::File(size)) => compare(&self.root.join(path), *size, listed, shebang),
        }
    }
}

/// The same for a file outside of any tree: `path` is relative to `root`, and no part of it is a link or leads up.
pub(crate) fn compare_inside(root: &Path, path: &str, listed: &[&FileEntry], shebang: Shebang<'_>) -> Compared {
    match inside(root, path) {
        None => Compared::Missing,
        Some(Err(why)) => Compared::Changed(why),
        Some(Ok((path, size))) => compare(&path, size, listed, shebang),
    }
}

/// The same by SHA-256 alone, for what an installer wrote down.
pub(crate) fn compare_digest(root: &Path, path: &str, sha256: Sha256) -> Compared {
    match inside(root, path) {
        None => Compared::Missing,
        Some(Err(why)) => Compared::Changed(why),
        Some(Ok((path, _))) => match hash(&path) {
            Ok(digest) if digest == sha256 => Compared::Same,
            Ok(_) => Compared::Changed(""),
            Err(_) => Compared::Changed(" (cannot be read)"),
        },
    }
}

/// The bytes of a file that lies inside a folder.
pub(crate) fn bytes_inside(root: &Path, path: &str, most: u64) -> Option<Vec<u8>> {
    let (path, _) = inside(root, path)?.ok()?;
    read(&path, most)
}

/// A regular file inside a folder: nothing where it is not there.
fn inside(root: &Path, path: &str) -> Option<Result<(PathBuf, u64), &'static str>> {
    let mut place = root.to_owned();
    let mut size = 0;
    let parts: Vec<&str> = path.split('/').collect();
    for (index, part) in parts.iter().enumerate() {
        if matches!(*part, "" | "." | "..") || part.contains(['\\', '\0']) {
            return Some(Err(" (its path leads elsewhere)"));
        }
        place.push(part);
        let data = fs::symlink_metadata(&place).ok()?;
        if data.file_type().is_symlink() {
            return Some(Err(" (a link)"));
        }
        if index + 1 == parts.len() && !data.is_file() {
            return Some(Err(" (no regular file)"));
        }
        size = data.len();
    }
    Some(Ok((place, size)))
}

fn compare(path: &Path, size: u64, listed: &[&FileEntry], shebang: Shebang<'_>) -> Compared {
    if listed.iter().any(|entry| entry.size == size) {
        let Ok(digest) = hash(path) else { return Compared::Changed(" (cannot be read)") };
        if listed.iter().any(|entry| entry.sha256 == digest) {
            return Compared::Same;
        }
    }
    if shebang != Shebang::Kept
        && let Some(bytes) = read(path, MAX_SCRIPT)
        && let Some(end) = bytes.iter().position(|byte| *byte == b'\n').filter(|_| bytes.starts_with(b"#!"))
    {
        let (line, rest) = bytes.split_at(end);
        let whole = [line, b"\r"].concat();
        let before: &[&[u8]] = match shebang {
            Shebang::Interpreter(bin) if is_interpreter(line, bin) => &[b"#!python", b"#!pythonw"],
            Shebang::LineEnd => &[&whole],
            Shebang::Interpreter(_) | Shebang::Kept => &[],
        };
        let of = |first: &&[u8]| Sha256::of(&[*first, rest].concat());
        if before.iter().map(of).any(|digest| listed.iter().any(|entry| entry.sha256 == digest)) {
            return Compared::Same;
        }
    }
    Compared::Changed("")
}

fn is_interpreter(line: &[u8], bin: &Path) -> bool {
    let path = std::str::from_utf8(line).ok().and_then(|line| line.strip_prefix("#!"));
    path.is_some_and(|path| crate::launcher::is_interpreter(path, bin))
}

fn read(path: &Path, most: u64) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(most + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= most).then_some(bytes)
}

/// SHA-256 of a file, whatever its size.
pub(crate) fn hash(path: &Path) -> io::Result<Sha256> {
    let mut file = File::open(path)?;
    let mut hasher = sha2::Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(Sha256::from_bytes(hasher.finalize().into())),
            count => hasher.update(&buffer[..count]),
        }
    }
}
