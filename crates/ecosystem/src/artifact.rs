//! Distribution bytes whose digest was verified against what the ecosystem published.

use std::path::{Path, PathBuf};

use sigma_core::{Digests, Distribution, ExpectedDigest};

use crate::{Http, HttpError};

/// A file on disk together with the digests computed over it. Only [`Hashed::read`] and the downloader make one.
#[derive(Debug)]
pub struct Hashed {
    path: PathBuf,
    digests: Digests,
}

/// The bytes are not the ones that were published or pinned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{filename}: got {got}, expected {expected} ({source_of_truth})")]
pub struct Mismatch {
    /// The distribution's file name.
    pub filename: String,
    /// The digest computed over the bytes, as `sha256:<hex>`.
    pub got: String,
    /// The digest that was published or pinned.
    pub expected: String,
    /// Who said so: `published by the ecosystem` or `pinned by the project`.
    pub source_of_truth: &'static str,
}

/// Distribution bytes that were verified. Cannot exist unverified.
#[derive(Debug)]
pub struct Artifact {
    distribution: Distribution,
    digests: Digests,
    path: PathBuf,
}

/// Why there is no artifact.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The bytes are wrong: a critical finding, never retried into success.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// The ecosystem publishes no digest that could be checked.
    #[error("{filename}: the ecosystem publishes no sha256, sha384 or sha512 for it, so its bytes cannot be verified")]
    Unverifiable {
        /// The distribution's file name.
        filename: String,
    },
    /// The ecosystem did not give the bytes.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// Our own disk.
    #[error("cannot write {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
}

impl Artifact {
    /// The only constructor: every published digest must hold, and one of the pinned ones if there are any.
    pub fn verified(distribution: Distribution, pinned: &[ExpectedDigest], hashed: Hashed) -> Result<Self, FetchError> {
        let _ = (distribution, pinned, hashed);
        todo!()
    }

    /// The distribution as published.
    pub fn distribution(&self) -> &Distribution {
        &self.distribution
    }

    /// The digests of its bytes.
    pub fn digests(&self) -> &Digests {
        &self.digests
    }

    /// Where the bytes are.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Http {
    /// Streams a distribution through the hashers into `staging`, and verifies it.
    pub async fn fetch(
        &self,
        distribution: &Distribution,
        pinned: &[ExpectedDigest],
        staging: &Path,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Artifact, FetchError> {
        let _ = (distribution, pinned, staging, progress);
        todo!()
    }
}
