//! A log in a folder of files, laid out as it is served (C2SP tlog-tiles).
//!
//! Each file is written under another name, made durable, and renamed; the checkpoint last. After a crash at any step the
//! checkpoint and everything it covers are whole.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use super::{Batch, Resource, Storage, StorageError};

const LOCK: &str = "lock";
/// Files that are open at once: processes may often have no more than 1,024.
const OPEN: usize = 128;
const NEW: &str = "new";

/// A folder with a log.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    /// Held while this process may write.
    lock: Option<File>,
}

impl Folder {
    /// Opens a folder to write, and makes it where there is none. Nobody else can until this value is gone: the operating
    /// system keeps the lock, and releases it when the process ends, however it ends.
    ///
    /// # Errors
    /// When another process writes it.
    pub fn open(root: &Path) -> Result<Self, StorageError> {
        fs::create_dir_all(root).map_err(|error| wrong(root, error))?;
        if let Some(parent) = root.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            sync(parent)?;
        }
        let path = root.join(LOCK);
        let lock = File::create(&path).map_err(|error| wrong(&path, error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { root: root.to_owned(), lock: Some(lock) }),
            Err(fs::TryLockError::WouldBlock) => Err(StorageError::Locked(path.display().to_string())),
            Err(fs::TryLockError::Error(error)) => Err(wrong(&path, error)),
        }
    }

    /// Opens a folder to read, whoever writes it.
    pub fn read_only(root: &Path) -> Self {
        Self { root: root.to_owned(), lock: None }
    }

    fn path(&self, resource: &Resource) -> PathBuf {
        self.root.join(resource.path())
    }

    /// Writes files under their final names; durable when it returns.
    fn write(&self, files: &[(PathBuf, &[u8])]) -> Result<(), StorageError> {
        if self.lock.is_none() {
            return Err(StorageError::Other("the folder was opened to read".to_owned()));
        }
        let mut folders = BTreeSet::new();
        for files in files.chunks(OPEN) {
            let mut written = Vec::with_capacity(files.len());
            // All are written before the first is waited for: the disk takes them together.
            for (path, bytes) in files {
                let parent = path.parent().unwrap_or(&self.root);
                if !parent.is_dir() {
                    self.make(parent, &mut folders)?;
                }
                folders.insert(parent.to_owned());
                let new = path.with_added_extension(NEW);
                let mut file = File::create(&new).map_err(|error| wrong(&new, error))?;
                file.write_all(bytes).map_err(|error| wrong(&new, error))?;
                written.push((new, file));
            }
            for (new, file) in &written {
                file.sync_data().map_err(|error| wrong(new, error))?;
            }
            for ((path, _), (new, _)) in files.iter().zip(&written) {
                fs::rename(new, path).map_err(|error| wrong(path, error))?;
            }
        }
        folders.iter().try_for_each(|folder| sync(folder))
    }

    /// Makes a folder, and notes every folder whose list of names changed.
    fn make(&self, folder: &Path, changed: &mut BTreeSet<PathBuf>) -> Result<(), StorageError> {
        fs::create_dir_all(folder).map_err(|error| wrong(folder, error))?;
        for ancestor in folder.ancestors().skip(1) {
            changed.insert(ancestor.to_owned());
            if ancestor == self.root {
                break;
            }
        }
        Ok(())
    }

    /// Removes narrower versions of full tiles. What is left of them by a crash costs space and nothing else.
    fn remove_partial(&self, completed: &[Resource]) {
        for resource in completed {
            let _ = fs::remove_dir_all(self.path(resource).with_added_extension("p"));
        }
    }
}

/// Unlocked, not only closed: a process that this one is just starting has a copy of the file until it runs its own program,
/// and would hold the lock for as long.
impl Drop for Folder {
    fn drop(&mut self) {
        if let Some(lock) = &self.lock {
            let _ = lock.unlock();
        }
    }
}

impl Storage for Folder {
    fn read(&self, resource: &Resource) -> Result<Option<Vec<u8>>, StorageError> {
        let path = self.path(resource);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(wrong(&path, error)),
        }
    }

    fn commit(&self, batch: &Batch) -> Result<(), StorageError> {
        let files: Vec<_> = batch.resources.iter().map(|(resource, bytes)| (self.path(resource), &bytes[..])).collect();
        self.write(&files)?;
        self.write(&[(self.path(&Resource::Checkpoint), batch.checkpoint.as_bytes())])?;
        self.remove_partial(&batch.completed);
        Ok(())
    }

    fn cosign(&self, note: &str) -> Result<(), StorageError> {
        self.write(&[(self.path(&Resource::Cosigned), note.as_bytes())])
    }
}

fn sync(folder: &Path) -> Result<(), StorageError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| wrong(folder, error))
}

fn wrong(path: &Path, error: std::io::Error) -> StorageError {
    StorageError::Io { path: path.display().to_string(), error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_started_process_inherits_holds_no_lock() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path()).unwrap();
        assert!(matches!(Folder::open(dir.path()), Err(StorageError::Locked(_))));
        let _inherited = folder.lock.as_ref().unwrap().try_clone().unwrap();
        drop(folder);
        Folder::open(dir.path()).unwrap();
    }
}
