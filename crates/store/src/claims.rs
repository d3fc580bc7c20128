//! Claims: one audit of the same package at a time, across tasks and processes.

use std::fs::{File, OpenOptions};

use sigma_core::{PackageId, Sha256};

use crate::{Store, StoreError};

/// Held while a package is audited. The operating system releases it when the holder ends, however it ends.
#[derive(Debug)]
pub struct Claim {
    _file: File,
}

impl Store {
    /// Waits until nobody else audits this package, and keeps others waiting. Whoever gets the claim looks the
    /// certificate up again first: the one before may have sealed it.
    pub async fn claim(&self, package: &PackageId) -> Result<Claim, StoreError> {
        self.claim_named(&Sha256::of(package.to_string().as_bytes()).to_string()).await
    }

    pub(crate) async fn claim_named(&self, name: &str) -> Result<Claim, StoreError> {
        let path = self.root().join("claims").join(name);
        let waiting = tokio::task::spawn_blocking(move || -> Result<Claim, StoreError> {
            let file = OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .open(&path)
                .map_err(StoreError::io(&path))?;
            file.lock().map_err(StoreError::io(&path))?;
            Ok(Claim { _file: file })
        });
        waiting.await.map_err(|error| StoreError::Damaged { what: "claim".to_owned(), why: error.to_string() })?
    }
}
