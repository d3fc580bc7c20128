//! Distribution bytes, addressed by their SHA-256: `blobs/ab/abcdef...`.

use std::path::{Path, PathBuf};

use sigma_core::{Digests, ExpectedDigest, HashAlgorithm, Sha256};
use sqlx::Row as _;

use crate::StoreError;
use crate::database::Connections;

/// The blob folder.
#[derive(Debug, Clone)]
pub struct Blobs {
    pub(crate) database: Connections,
    pub(crate) root: PathBuf,
}

/// A stored blob: where it is, and which digests it had when it was stored. Whoever reads it hashes it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// The file.
    pub path: PathBuf,
    /// The digest it is addressed by.
    pub sha256: Sha256,
}

impl Blobs {
    /// Moves a verified file into the folder. Durable when it returns; doing it again is harmless.
    pub async fn adopt(&self, file: &Path, digests: &Digests) -> Result<Blob, StoreError> {
        let (from, blob) = (file.to_owned(), self.blob(digests.sha256));
        let to = blob.path.clone();
        let moved = tokio::task::spawn_blocking(move || -> Result<(), StoreError> {
            let folder = to.parent().unwrap_or(&to).to_owned();
            std::fs::create_dir_all(&folder).map_err(StoreError::io(&folder))?;
            std::fs::rename(&from, &to).map_err(StoreError::io(&to))?;
            // The rename itself must survive a power failure before the row says that the bytes are there.
            std::fs::File::open(&folder).and_then(|folder| folder.sync_all()).map_err(StoreError::io(&folder))
        });
        moved.await.map_err(|error| StoreError::Damaged { what: "blob".to_owned(), why: error.to_string() })??;
        sqlx::query("INSERT INTO blob (sha256, sha512, sha1, size) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING")
            .bind(digests.sha256.to_string())
            .bind(digests.sha512.to_string())
            .bind(digests.sha1.to_string())
            .bind(i64::try_from(digests.size).unwrap_or(i64::MAX))
            .execute(&self.database.pool)
            .await?;
        Ok(blob)
    }

    /// The blob with one of these digests, if its bytes are there. SHA-1 alone never identifies bytes.
    pub async fn find(&self, digests: &[ExpectedDigest]) -> Result<Option<Blob>, StoreError> {
        for digest in digests {
            let statement = match digest.algorithm() {
                HashAlgorithm::Sha256 => "SELECT sha256 FROM blob WHERE sha256 = substr($1, 8)",
                HashAlgorithm::Sha512 => "SELECT sha256 FROM blob WHERE sha512 = substr($1, 8)",
                HashAlgorithm::Sha1 | HashAlgorithm::Sha384 => continue,
            };
            let row = sqlx::query(statement).bind(digest.to_string()).fetch_optional(&self.database.pool).await?;
            if let Some(row) = row {
                let text: String = row.try_get(0)?;
                let sha256 = text
                    .parse()
                    .map_err(|error| StoreError::Damaged { what: "blob".to_owned(), why: format!("{error}") })?;
                let blob = self.blob(sha256);
                if blob.path.is_file() {
                    return Ok(Some(blob));
                }
            }
        }
        Ok(None)
    }

    fn blob(&self, sha256: Sha256) -> Blob {
        let name = sha256.to_string();
        Blob { path: self.root.join(&name[..2]).join(&name), sha256 }
    }
}
