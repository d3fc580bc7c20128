//! `sha256-sorted-files-v1`: one hash over a set of files.

use sha2::Digest as _;
use sigma_core::{FileSet, Sha256};

/// The algorithm's public name.
pub const FILES_HASH_ALGORITHM: &str = "sha256-sorted-files-v1";

/// All files sorted by path, each file's path and its own SHA-256 (lower-case hexadecimal) concatenated in order
/// without separators, and the resulting UTF-8 string hashed. "Sorted" is by the bytes of the UTF-8 path, so that it
/// does not depend on a locale: `LC_ALL=C sort`. Files with equal paths (hostile archives) are ordered by digest.
///
/// The format has no separators, so a hostile path could imitate two entries; a certificate therefore always carries
/// the SHA-256 of the distribution's own bytes too.
pub fn files_hash(files: &FileSet) -> Sha256 {
    let mut order: Vec<_> = files.files.iter().collect();
    order.sort_by(|a, b| (a.path.as_bytes(), a.sha256).cmp(&(b.path.as_bytes(), b.sha256)));
    let mut hasher = sha2::Sha256::new();
    for file in order {
        hasher.update(file.path.as_bytes());
        hasher.update(file.sha256.to_string().as_bytes());
    }
    Sha256::from_bytes(hasher.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use sigma_core::FileEntry;

    #[test]
    fn it_can_be_reproduced_with_a_shell() {
        let file = |path: &str, content: &[u8]| FileEntry {
            path: path.to_owned(),
            size: content.len() as u64,
            sha256: Sha256::of(content),
        };
        let files = FileSet { files: vec![file("src/b.py", b"b\n"), file("README.md", b""), file("a.py", b"a\n")] };
        // printf '%s' "README.md$(sha README)a.py$(sha a)src/b.py$(sha b)" | sha256sum
        let text = format!("README.md{}a.py{}src/b.py{}", Sha256::of(b""), Sha256::of(b"a\n"), Sha256::of(b"b\n"));
        assert_eq!(files_hash(&files), Sha256::of(text.as_bytes()));
        assert_eq!(files_hash(&files).to_string(), "c73d1ee0b1b7204f430a5a6c045ec70785dc8c84781ee1fb91d07c80ece2de4c");
    }
}
