//! Object storage that keeps distribution bytes for several machines: S3 and what speaks its protocol.
//!
//! In: a URL and options that the binary read. Out: files that were put there, and files that come back. Objects are named
//! by their SHA-256 as blobs in the folder are, so that putting one twice is harmless. What comes back is no better than the
//! storage it comes from: whoever reads it hashes it again.

use std::path::Path;
use std::sync::Arc;

use futures::TryStreamExt as _;
use object_store::buffered::BufWriter;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt as _, parse_url_opts};
use sigma_core::Sha256;
use tokio::io::AsyncWriteExt as _;
use url::Url;

use crate::StoreError;

/// A bucket, or a prefix inside of one.
#[derive(Debug, Clone)]
pub struct Bucket {
    objects: Arc<dyn ObjectStore>,
    prefix: Key,
    /// The URL, for messages.
    name: Arc<str>,
}

impl Bucket {
    /// Opens what a URL names: `s3://BUCKET/PREFIX`. `options` are the settings of the AWS tools under their names
    /// (`AWS_ACCESS_KEY_ID`, `AWS_REGION`, `AWS_ENDPOINT_URL`, ...); others are ignored. Nothing is asked yet.
    pub fn open(url: &Url, options: impl IntoIterator<Item = (String, String)>) -> Result<Self, StoreError> {
        let name: Arc<str> = url.as_str().into();
        let lower = options.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value));
        let (objects, prefix) =
            parse_url_opts(url, lower).map_err(|source| StoreError::Bucket { name: name.to_string(), source })?;
        Ok(Self { objects: objects.into(), prefix, name })
    }

    /// Puts a file there. Durable when it returns.
    pub(crate) async fn put(&self, sha256: Sha256, file: &Path) -> Result<(), StoreError> {
        let mut from = tokio::fs::File::open(file).await.map_err(StoreError::io(file))?;
        let mut to = BufWriter::new(self.objects.clone(), self.key(sha256));
        let copied = tokio::io::copy(&mut from, &mut to).await;
        if copied.is_err() {
            // Parts of an upload that never ends are paid for. That they could not be removed is no news after the error.
            let _ = to.abort().await;
        }
        let done = match copied {
            Ok(_) => to.shutdown().await,
            Err(error) => Err(error),
        };
        done.map_err(|error| self.failed(object_store::Error::Generic { store: "upload", source: error.into() }))
    }

    /// Whether it is there, with that many bytes.
    pub(crate) async fn has(&self, sha256: Sha256, size: u64) -> Result<bool, StoreError> {
        match self.objects.head(&self.key(sha256)).await {
            Ok(meta) => Ok(meta.size == size),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(source) => Err(self.failed(source)),
        }
    }

    /// Brings it into a new file, if it is there. More than `size` bytes are not it.
    pub(crate) async fn get(&self, sha256: Sha256, size: u64, into: &Path) -> Result<bool, StoreError> {
        let found = match self.objects.get(&self.key(sha256)).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(false),
            Err(source) => return Err(self.failed(source)),
        };
        if found.meta.size != size {
            return Ok(false);
        }
        let mut stream = found.into_stream();
        let mut file = tokio::fs::File::create(into).await.map_err(StoreError::io(into))?;
        let mut left = size;
        while let Some(bytes) = stream.try_next().await.map_err(|source| self.failed(source))? {
            let Some(rest) = left.checked_sub(bytes.len() as u64) else { return Ok(false) };
            left = rest;
            file.write_all(&bytes).await.map_err(StoreError::io(into))?;
        }
        file.flush().await.map_err(StoreError::io(into))?;
        Ok(left == 0)
    }

    fn key(&self, sha256: Sha256) -> Key {
        let name = sha256.to_string();
        self.prefix.clone().join(&name[..2]).join(name.as_str())
    }

    fn failed(&self, source: object_store::Error) -> StoreError {
        StoreError::Bucket { name: self.name.to_string(), source }
    }
}
