//! Backups of a store in a folder: SQLite and the distributions beside it, while it is in use.
//!
//! In: an open store, and a folder that is not there yet. Out: that folder, whole or not at all; and from such a folder a store
//! again. PostgreSQL has tools of its own for this (`pg_dump`), and a bucket keeps what is in it: neither is touched here.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};
use sigma_core::Sha256;

use crate::database::Kind;
use crate::{DATABASE, Store, StoreError};

/// What was backed up, or restored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BackedUp {
    /// Certificates in the database.
    pub certificates: u64,
    /// Distributions whose bytes are in the folder.
    pub blobs: u64,
    /// Distributions that the database lists and whose bytes are not there, or not what they should be. Audits that need
    /// them fetch them again.
    pub missing: u64,
}

/// Why there is no backup, or no store made of it.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The store refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It is kept in PostgreSQL.
    #[error("this store is kept in PostgreSQL: back it up with pg_dump, as docs/operations.md shows")]
    Postgres,
    /// The folder to write is there already.
    #[error("{0} is there already: name a folder that is not")]
    Exists(PathBuf),
    /// The path cannot be named to the database.
    #[error("{0} is not UTF-8: SQLite cannot write there")]
    NotText(PathBuf),
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The backup is not what it was when it was made.
    #[error("the backup is damaged: {0}")]
    Damaged(String),
}

impl From<rusqlite::Error> for BackupError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.to_owned();
    move |source| BackupError::Io { path, source }
}

impl Store {
    /// Writes a backup into a new folder: the database as it is at one moment, and the distributions that it lists. Whoever
    /// reads and writes the store meanwhile goes on.
    ///
    /// # Errors
    /// When the store is not SQLite's, or something cannot be written. Then the folder is not there.
    pub async fn backup(&self, to: &Path) -> Result<BackedUp, BackupError> {
        if self.database.kind() == Kind::Postgres {
            return Err(BackupError::Postgres);
        }
        let (root, to) = (self.root().to_owned(), to.to_owned());
        blocking(move || {
            whole(&to, |partial| {
                let copy = partial.join(DATABASE);
                let text = copy.to_str().ok_or_else(|| BackupError::NotText(copy.clone()))?;
                let source = Connection::open_with_flags(root.join(DATABASE), OpenFlags::SQLITE_OPEN_READ_WRITE)?;
                source.busy_timeout(std::time::Duration::from_secs(30))?;
                // One read transaction: writers go on beside it, and nothing that they write is in it.
                source.execute("VACUUM INTO ?1", [text])?;
                sync(&copy)?;
                copy_blobs(&copy, &root.join("blobs"), &partial.join("blobs"))
            })
        })
        .await
    }

    /// Makes a store of a backup, in a folder where none is. Everything is checked while it is copied: the database's pages
    /// and references, and the digest of every distribution. Afterwards it is opened like any other.
    ///
    /// # Errors
    /// When the backup is damaged, or something is there already. Then the folder is as it was.
    pub async fn restore(from: &Path, root: &Path) -> Result<BackedUp, BackupError> {
        let (from, root) = (from.to_owned(), root.to_owned());
        blocking(move || {
            whole(&root, |partial| {
                let copy = partial.join(DATABASE);
                std::fs::copy(from.join(DATABASE), &copy).map_err(at(&from.join(DATABASE)))?;
                check(&copy)?;
                sync(&copy)?;
                copy_blobs(&copy, &from.join("blobs"), &partial.join("blobs"))
            })
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BackupError> + Send + 'static,
) -> Result<T, BackupError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(BackupError::Damaged(error.to_string())))
}

/// Writes a folder under another name, and gives it its own once everything in it is on disk. An empty folder may be there.
fn whole<T>(to: &Path, write: impl FnOnce(&Path) -> Result<T, BackupError>) -> Result<T, BackupError> {
    let empty = std::fs::read_dir(to).map_or(!to.exists(), |mut entries| entries.next().is_none());
    let Some(name) = to.file_name().filter(|_| empty) else { return Err(BackupError::Exists(to.to_owned())) };
    let mut partial = name.to_owned();
    partial.push(".partial");
    let partial = to.with_file_name(partial);
    std::fs::create_dir(&partial).map_err(at(&partial))?;
    let written = write(&partial).and_then(|written| {
        sync(&partial)?;
        std::fs::rename(&partial, to).map_err(at(to))?;
        let above = to.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        sync(above)?;
        Ok(written)
    });
    if written.is_err() {
        // What could not be finished is of no use; that it cannot be removed changes nothing about the error.
        let _ = std::fs::remove_dir_all(&partial);
    }
    written
}

fn sync(path: &Path) -> Result<(), BackupError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(at(path))
}

/// Asks SQLite whether its pages, indexes and references are sound.
fn check(database: &Path) -> Result<(), BackupError> {
    let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let said: String = connection
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(|error| BackupError::Damaged(error.to_string()))?;
    if said != "ok" {
        return Err(BackupError::Damaged(sigma_core::printable(&said, 300)));
    }
    let dangling = connection.prepare("PRAGMA foreign_key_check")?.exists([])?;
    match dangling {
        true => Err(BackupError::Damaged("rows refer to others that are not there".to_owned())),
        false => Ok(()),
    }
}

/// Copies the distributions that a database lists, those whose bytes have their digest.
fn copy_blobs(database: &Path, from: &Path, to: &Path) -> Result<BackedUp, BackupError> {
    let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let certificates: i64 = connection.query_row("SELECT COUNT(*) FROM certificate", [], |row| row.get(0))?;
    let mut done = BackedUp { certificates: certificates.unsigned_abs(), ..BackedUp::default() };
    std::fs::create_dir(to).map_err(at(to))?;
    let mut statement = connection.prepare("SELECT sha256 FROM blob ORDER BY sha256")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let text: String = row.get(0)?;
        let sha256: Sha256 = text.parse().map_err(|error| BackupError::Damaged(format!("blob {text}: {error}")))?;
        let name = sha256.to_string();
        let folder = to.join(&name[..2]);
        match copy_blob(&from.join(&name[..2]).join(&name), &folder, &name)? {
            true => done.blobs += 1,
            false => done.missing += 1,
        }
    }
    sync(to)?;
    Ok(done)
}

/// Copies a file while hashing it. `false` when it is not there, or not what its name says.
fn copy_blob(from: &Path, folder: &Path, name: &str) -> Result<bool, BackupError> {
    use sha2::Digest as _;
    let mut file = match File::open(from) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(at(from)(error)),
    };
    std::fs::create_dir_all(folder).map_err(at(folder))?;
    let to = folder.join(name);
    let mut copy = File::create_new(&to).map_err(at(&to))?;
    let (mut hasher, mut buffer) = (sha2::Sha256::new(), vec![0; 256 << 10]);
    loop {
        let read = file.read(&mut buffer).map_err(at(from))?;
        if read == 0 {
            break;
        }
        hasher.update(&buffer[..read]);
        copy.write_all(&buffer[..read]).map_err(at(&to))?;
    }
    let digest: [u8; 32] = hasher.finalize().into();
    if Sha256::from_bytes(digest).to_string() != name {
        std::fs::remove_file(&to).map_err(at(&to))?;
        return Ok(false);
    }
    copy.sync_all().map_err(at(&to))?;
    sync(folder)?;
    Ok(true)
}
