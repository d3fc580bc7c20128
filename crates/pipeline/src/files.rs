//! The files inside what was certified, for whoever compares installed files with a certificate.
//!
//! In: a certificate, the store's kept bytes. Out: a list for every distribution whose bytes are at hand and still give the
//! file-set hash that is signed. Lists are kept, because making one reads the whole distribution.

use std::fs::{self, File};
use std::io::{BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sigma_analysis::{Limits, list};
use sigma_certificate::{DistributionEntry, FILE_LISTS_TYPE, FileList, FileLists, PackageCertificate};
use sigma_core::ExpectedDigest;
use sigma_store::{Store, StoreError};
use tokio::sync::Semaphore;

/// Distributions that are read at once: each may take seconds of one processor.
const PARALLEL: usize = 2;

/// Makes and keeps lists. Cheap to clone.
#[derive(Clone)]
pub struct FileListing {
    store: Store,
    kept: PathBuf,
    permits: Arc<Semaphore>,
}

impl FileListing {
    /// Lists of a store's distributions, kept in a folder that may be emptied at any time.
    pub fn new(store: Store, kept: PathBuf) -> Self {
        Self { store, kept, permits: Arc::new(Semaphore::new(PARALLEL)) }
    }

    /// The lists of a certificate; fewer than it has distributions where bytes are gone, or where today's engine reads an
    /// archive otherwise than the one that certified it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn of(&self, certificate: &PackageCertificate) -> Result<FileLists, StoreError> {
        let mut distributions = Vec::new();
        for entry in &certificate.payload().distributions {
            distributions.extend(self.one(entry).await?);
        }
        let certificate_id = certificate.id().to_owned();
        Ok(FileLists { media_type: FILE_LISTS_TYPE.to_owned(), certificate_id, distributions })
    }

    async fn one(&self, entry: &DistributionEntry) -> Result<Option<FileList>, StoreError> {
        let name = entry.sha256.to_string();
        let kept = self.kept.join(&name[..2]).join(format!("{name}.json"));
        let (place, wanted) = (kept.clone(), entry.clone());
        let found = tokio::task::spawn_blocking(move || read(&place, &wanted)).await.ok().flatten();
        if found.is_some() {
            return Ok(found);
        }
        // Never closed. The permit goes with the work: who no longer waits for it does not make room for more.
        let permit = self.permits.clone().acquire_owned().await;
        let Some(blob) = self.store.blobs().find(&[ExpectedDigest::from(entry.sha256)]).await? else { return Ok(None) };
        let wanted = entry.clone();
        let made = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            make(&blob.path, &wanted, &kept)
        });
        let made = made.await;
        Ok(made.ok().flatten())
    }
}

fn read(place: &Path, entry: &DistributionEntry) -> Option<FileList> {
    let list: FileList = serde_json::from_slice(&fs::read(place).ok()?).ok()?;
    is(&list, entry).then_some(list)
}

/// Reads the distribution, whose bytes are hashed first: a disk is believed as little as a network.
fn make(blob: &Path, entry: &DistributionEntry, kept: &Path) -> Option<FileList> {
    let hashed = sigma_ecosystem::Hashed::read(blob).ok()?;
    if hashed.digests().sha256 != entry.sha256 {
        return None;
    }
    let mut bytes = BufReader::with_capacity(64 << 10, File::open(blob).ok()?);
    let files = list(&entry.filename, &mut bytes, &Limits::default()).files;
    let list = FileList { sha256: entry.sha256, files };
    if !is(&list, entry) {
        return None;
    }
    // A list that cannot be kept is made again.
    if let Err(error) = keep(kept, &list) {
        tracing::warn!(distribution.sha256 = %entry.sha256, %error, "the list of a distribution's files cannot be kept");
    }
    Some(list)
}

fn keep(place: &Path, list: &FileList) -> std::io::Result<()> {
    let folder = place.parent().unwrap_or(place);
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(&serde_json::to_vec(list)?)?;
    file.persist(place)?;
    Ok(())
}

/// Whether a list is of a distribution: the signed hash decides, as it does for whoever gets it.
fn is(list: &FileList, entry: &DistributionEntry) -> bool {
    let set = sigma_core::FileSet { files: list.files.clone() };
    list.sha256 == entry.sha256 && sigma_certificate::files_hash(&set) == entry.file_set_hash
}
