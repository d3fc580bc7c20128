//! The files under review as one document: what the store keeps between intake and review.

use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use sigma_core::{Origin, Sha256, SourceFile, SourceTree};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    origin: Origin,
    folder: String,
    files: Vec<(String, String)>,
}

/// The document, and its digest.
pub(crate) fn write(tree: &SourceTree) -> Result<(Sha256, Vec<u8>), serde_json::Error> {
    let files = tree.files.iter().map(|file| (file.path.clone(), BASE64.encode(&file.bytes))).collect();
    let document = Document { origin: tree.origin.clone(), folder: tree.folder.clone(), files };
    let bytes = serde_json::to_vec(&document)?;
    Ok((Sha256::of(&bytes), bytes))
}

/// The tree again. `None` where the bytes are not what was written under this digest.
pub(crate) fn read(sha256: &str, bytes: &[u8]) -> Option<SourceTree> {
    if Sha256::of(bytes).to_string() != sha256 {
        return None;
    }
    let document: Document = serde_json::from_slice(bytes).ok()?;
    let files = document.files.into_iter().map(|(path, content)| {
        let bytes = BASE64.decode(content.as_bytes()).ok()?;
        Some(SourceFile { path, bytes })
    });
    Some(SourceTree { origin: document.origin, folder: document.folder, files: files.collect::<Option<_>>()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_fetched_is_what_is_reviewed() {
        let files = vec![SourceFile { path: "a.py".to_owned(), bytes: vec![0, 255, 10] }];
        let tree = SourceTree { origin: Origin::Folder, folder: "x".to_owned(), files };
        let (sha256, mut bytes) = write(&tree).unwrap();
        assert_eq!(read(&sha256.to_string(), &bytes), Some(tree));
        bytes[20] ^= 1;
        assert_eq!(read(&sha256.to_string(), &bytes), None);
    }
}
