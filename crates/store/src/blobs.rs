//! Distribution bytes, addressed by their SHA-256: `blobs/ab/abcdef...` in the store's folder, and in a bucket where one is
//! configured. With a bucket the folder is what this machine has fetched so far, and may be emptied at any time.

use std::path::{Path, PathBuf};

use sigma_core::{Digests, ExpectedDigest, HashAlgorithm, Sha256};
use sqlx::Row as _;
use sqlx::any::AnyRow;

use crate::database::Connections;
use crate::{Bucket, StoreError};

/// The blobs of a store.
#[derive(Debug, Clone)]
pub struct Blobs {
    pub(crate) database: Connections,
    pub(crate) root: PathBuf,
    /// Where what is fetched from the bucket is written before it is whole.
    pub(crate) staging: PathBuf,
    pub(crate) bucket: Option<Bucket>,
}

/// A stored blob: where it is, and which digests it had when it was stored. Whoever reads it hashes it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// The file.
    pub path: PathBuf,
    /// The digest it is addressed by.
    pub sha256: Sha256,
}

/// What [`Blobs::upload`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Uploaded {
    /// Blobs that were put.
    pub put: u64,
    /// Blobs that were there already.
    pub present: u64,
    /// Blobs of which neither the folder nor the bucket has the bytes. An audit that needs them fetches them again.
    pub missing: u64,
}

impl Blobs {
    /// Moves a verified file into the folder, and puts it into the bucket. Durable when it returns; doing it again is
    /// harmless.
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
        if let Some(bucket) = &self.bucket {
            bucket.put(digests.sha256, &blob.path).await?;
        }
        sqlx::query("INSERT INTO blob (sha256, sha512, sha1, size) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING")
            .bind(digests.sha256.to_string())
            .bind(digests.sha512.to_string())
            .bind(digests.sha1.to_string())
            .bind(i64::try_from(digests.size).unwrap_or(i64::MAX))
            .execute(&self.database.pool)
            .await?;
        Ok(blob)
    }

    /// The blob with one of these digests, if its bytes are there. SHA-1 alone never identifies bytes. What only the bucket
    /// has is fetched; where that fails the bytes are as good as not there, and come from the ecosystem again.
    pub async fn find(&self, digests: &[ExpectedDigest]) -> Result<Option<Blob>, StoreError> {
        for digest in digests {
            let statement = match digest.algorithm() {
                HashAlgorithm::Sha256 => "SELECT sha256, size FROM blob WHERE sha256 = substr($1, 8)",
                HashAlgorithm::Sha512 => "SELECT sha256, size FROM blob WHERE sha512 = substr($1, 8)",
                HashAlgorithm::Sha1 | HashAlgorithm::Sha384 => continue,
            };
            let row = sqlx::query(statement).bind(digest.to_string()).fetch_optional(&self.database.pool).await?;
            let Some(row) = row else { continue };
            let (blob, size) = self.listed(&row)?;
            if blob.path.is_file() {
                return Ok(Some(blob));
            }
            match self.fetch(&blob, size).await {
                Ok(true) => return Ok(Some(blob)),
                Ok(false) => {}
                Err(error) => tracing::warn!(blob.sha256 = %blob.sha256, %error, "a blob could not be fetched"),
            }
        }
        Ok(None)
    }

    /// Puts every blob of the folder into the bucket that is not there yet. Answers how many were put, and how many of those
    /// that the database lists are in neither place.
    pub async fn upload(&self) -> Result<Uploaded, StoreError> {
        let Some(bucket) = &self.bucket else { return Err(StoreError::NoBucket) };
        let mut uploaded = Uploaded::default();
        let mut after = String::new();
        loop {
            let rows = sqlx::query("SELECT sha256, size FROM blob WHERE sha256 > $1 ORDER BY sha256 LIMIT 500")
                .bind(after.as_str())
                .fetch_all(&self.database.pool)
                .await?;
            if rows.is_empty() {
                return Ok(uploaded);
            }
            for row in &rows {
                let (blob, size) = self.listed(row)?;
                match (bucket.has(blob.sha256, size).await?, blob.path.is_file()) {
                    (true, _) => uploaded.present += 1,
                    (false, true) => {
                        bucket.put(blob.sha256, &blob.path).await?;
                        uploaded.put += 1;
                    }
                    (false, false) => uploaded.missing += 1,
                }
                after = blob.sha256.to_string();
            }
        }
    }

    /// Brings a blob from the bucket into the folder, if there is a bucket that has it.
    async fn fetch(&self, blob: &Blob, size: u64) -> Result<bool, StoreError> {
        let Some(bucket) = &self.bucket else { return Ok(false) };
        let staged = tempfile::Builder::new().suffix(".partial").tempfile_in(&self.staging);
        let staged = staged.map_err(StoreError::io(&self.staging))?.into_temp_path();
        if !bucket.get(blob.sha256, size, &staged).await? {
            return Ok(false);
        }
        let folder = blob.path.parent().unwrap_or(&blob.path);
        std::fs::create_dir_all(folder).map_err(StoreError::io(folder))?;
        staged.persist(&blob.path).map_err(|error| StoreError::io(&blob.path)(error.error))?;
        Ok(true)
    }

    /// A row of `sha256, size`.
    fn listed(&self, row: &AnyRow) -> Result<(Blob, u64), StoreError> {
        let damaged = |why: String| StoreError::Damaged { what: "blob".to_owned(), why };
        let sha256: String = row.try_get(0)?;
        let sha256 = sha256.parse().map_err(|error| damaged(format!("{error}")))?;
        let size = u64::try_from(row.try_get::<i64, _>(1)?).map_err(|error| damaged(error.to_string()))?;
        Ok((self.blob(sha256), size))
    }

    fn blob(&self, sha256: Sha256) -> Blob {
        let name = sha256.to_string();
        Blob { path: self.root.join(&name[..2]).join(&name), sha256 }
    }
}
