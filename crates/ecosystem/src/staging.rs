//! A download on its way: a file in the staging folder, hashed as it grows, and kept for the next run when it breaks off.
//!
//! In: pieces of a body, in order. Out: digests, and a file that is durable under a name that nobody else uses. Everything
//! here blocks, so it runs off the asynchronous threads. It must never hand out a path for bytes that were not hashed.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Read, Seek as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use sha2::Digest as _;
use sigma_core::{Digests, Distribution, ExpectedDigest, HashAlgorithm, Sha1, Sha256, Sha512};
use tempfile::TempPath;

/// Size of the pieces in which the disk is read and written: large enough that the calls cost nothing.
const PIECE: usize = 1 << 20;

/// Everything that is computed over a file's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Computed {
    pub digests: Digests,
    /// Only where somebody asked for it.
    pub sha384: Option<[u8; 48]>,
}

impl Computed {
    fn get(&self, algorithm: HashAlgorithm) -> Option<&[u8]> {
        match algorithm {
            HashAlgorithm::Sha1 => Some(self.digests.sha1.as_bytes()),
            HashAlgorithm::Sha256 => Some(self.digests.sha256.as_bytes()),
            HashAlgorithm::Sha384 => self.sha384.as_ref().map(|bytes| bytes.as_slice()),
            HashAlgorithm::Sha512 => Some(self.digests.sha512.as_bytes()),
        }
    }

    /// Whether the bytes have this digest. One that was not computed does not hold.
    pub fn holds(&self, expected: &ExpectedDigest) -> bool {
        self.get(expected.algorithm()) == Some(expected.as_bytes())
    }

    /// `sha256:<hex>`.
    pub fn describe(&self, algorithm: HashAlgorithm) -> String {
        let hex = self.get(algorithm).map_or_else(|| "not computed".to_owned(), |bytes| HEXLOWER.encode(bytes));
        format!("{}:{hex}", algorithm.as_str())
    }
}

/// All hash functions at once.
#[derive(Debug, Clone)]
pub(crate) struct Hasher {
    sha1: sha1::Sha1,
    sha256: sha2::Sha256,
    sha384: Option<sha2::Sha384>,
    sha512: sha2::Sha512,
    size: u64,
}

impl Hasher {
    pub fn new(with_sha384: bool) -> Self {
        Self {
            sha1: sha1::Sha1::new(),
            sha256: sha2::Sha256::new(),
            sha384: with_sha384.then(sha2::Sha384::new),
            sha512: sha2::Sha512::new(),
            size: 0,
        }
    }

    /// Hashes to the end of a file.
    pub fn read(&mut self, file: &mut impl Read) -> io::Result<()> {
        let mut piece = vec![0; PIECE];
        loop {
            match file.read(&mut piece) {
                Ok(0) => return Ok(()),
                Ok(count) => self.update(&piece[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        self.sha1.update(bytes);
        self.sha256.update(bytes);
        self.sha512.update(bytes);
        if let Some(sha384) = &mut self.sha384 {
            sha384.update(bytes);
        }
        self.size += bytes.len() as u64;
    }

    pub fn finish(self) -> Computed {
        let digests = Digests {
            sha256: Sha256::from_bytes(self.sha256.finalize().into()),
            sha512: Sha512::from_bytes(self.sha512.finalize().into()),
            sha1: Sha1::from_bytes(self.sha1.finalize().into()),
            size: self.size,
        };
        Computed { digests, sha384: self.sha384.map(|sha384| sha384.finalize().into()) }
    }
}

/// A file in the staging folder, held by one fetch alone.
#[derive(Debug)]
pub(crate) struct Staged {
    file: BufWriter<File>,
    path: PathBuf,
    hasher: Hasher,
    /// Set where another fetch holds the file that this one would have resumed; its own file goes when it is dropped.
    private: Option<TempPath>,
    /// The bytes come from more than one answer: an earlier run's, or one that broke off.
    pub pieced: bool,
}

impl Staged {
    /// Opens the distribution's file in `folder`, which is created where it is missing, and hashes what an earlier run
    /// left there. A left-over of more than `limit` bytes is dropped. Another fetch, also in another process, that holds
    /// the file is not waited for: this one then starts a file of its own.
    pub fn open(folder: &Path, stem: &str, with_sha384: bool, limit: u64) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let path = folder.join(format!("{stem}.partial"));
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
        let mut staged = match file.try_lock() {
            Ok(()) if is_still_at(&file, &path) => Self::at(file, path, None, with_sha384),
            Ok(()) | Err(TryLockError::WouldBlock) => {
                let prefix = format!("{stem}.");
                let own = tempfile::Builder::new().prefix(&prefix).suffix(".partial").tempfile_in(folder)?;
                let (file, private) = own.into_parts();
                Self::at(file, private.to_path_buf(), Some(private), with_sha384)
            }
            Err(TryLockError::Error(error)) => return Err(error),
        };
        match staged.file.get_ref().metadata()?.len() {
            0 => {}
            length if length > limit => staged.restart()?,
            _ => {
                staged.hasher.read(staged.file.get_mut())?;
                staged.pieced = true;
            }
        }
        Ok(staged)
    }

    fn at(file: File, path: PathBuf, private: Option<TempPath>, with_sha384: bool) -> Self {
        let file = BufWriter::with_capacity(PIECE, file);
        Self { file, path, hasher: Hasher::new(with_sha384), private, pieced: false }
    }

    /// Where the bytes are.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many bytes are there.
    pub fn len(&self) -> u64 {
        self.hasher.size
    }

    /// The digests of what is there so far.
    pub fn computed(&self) -> Computed {
        self.hasher.clone().finish()
    }

    /// Appends a piece of the body.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.hasher.update(bytes);
        Ok(())
    }

    /// Hands buffered bytes to the system, so that another run finds them.
    pub fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }

    /// Forgets every byte.
    pub fn restart(&mut self) -> io::Result<()> {
        self.file.flush()?;
        self.file.get_mut().set_len(0)?;
        self.file.get_mut().rewind()?;
        self.hasher = Hasher::new(self.hasher.sha384.is_some());
        self.pieced = false;
        Ok(())
    }

    /// Makes the bytes durable under a name of their own, which no other fetch resumes, replaces or removes.
    pub fn keep(mut self, stem: &str) -> io::Result<PathBuf> {
        self.file.flush()?;
        self.file.get_ref().sync_all()?;
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let kept = tempfile::Builder::new().prefix(&format!("{stem}.")).tempfile_in(folder)?.into_temp_path();
        fs::rename(&self.path, &kept)?;
        let kept = kept.keep()?;
        // The name is durable only when the folder is.
        File::open(folder)?.sync_all()?;
        Ok(kept)
    }

    /// Removes the file.
    pub fn discard(self) -> io::Result<()> {
        match self.private {
            Some(private) => private.close(),
            None => fs::remove_file(&self.path),
        }
    }
}

/// Whether the path still names the file that was opened: a fetch that just ended has moved it away.
fn is_still_at(file: &File, path: &Path) -> bool {
    let same = |a: fs::Metadata, b: fs::Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
    file.metadata().ok().zip(fs::symlink_metadata(path).ok()).is_some_and(|(a, b)| same(a, b))
}

/// A file name for a distribution that cannot leave its folder: the beginning of its strongest published digest, so that
/// a left-over never belongs to other content, and what is harmless of its published name.
pub(crate) fn stem(distribution: &Distribution) -> String {
    let strongest = distribution.published.iter().max_by_key(|digest| digest.algorithm());
    let digest = strongest.map_or_else(String::new, |digest| HEXLOWER.encode(&digest.as_bytes()[..10]));
    let harmless = |c: char| if c.is_ascii_alphanumeric() || "._-+".contains(c) { c } else { '_' };
    let name: String = distribution.filename.chars().take(120).map(harmless).collect();
    format!("{digest}-{name}")
}

#[cfg(test)]
mod tests {
    use sigma_core::DistributionKind;

    use super::*;

    fn open(folder: &Path) -> Staged {
        Staged::open(folder, "x", false, 100).unwrap()
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn digests_are_those_of_the_standard() {
        let mut hasher = Hasher::new(true);
        hasher.read(&mut b"abc".as_slice()).unwrap();
        let computed = hasher.finish();
        // FIPS 180-4, the examples for "abc".
        assert_eq!(computed.digests.sha1.to_string(), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(
            computed.describe(HashAlgorithm::Sha256),
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(
            computed.describe(HashAlgorithm::Sha384),
            "sha384:cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"
        );
        assert_eq!(&computed.digests.sha512.to_string()[..16], "ddaf35a193617aba");
        assert_eq!(computed.digests.size, 3);
        let mut hasher = Hasher::new(false);
        hasher.update(b"abc");
        assert_eq!(hasher.finish().describe(HashAlgorithm::Sha384), "sha384:not computed");
    }

    #[test]
    fn a_left_over_is_hashed_and_appended_to() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = open(folder.path());
        first.append(b"ab").unwrap();
        assert!(!first.pieced);
        drop(first);
        let mut second = open(folder.path());
        assert!(second.pieced);
        second.append(b"c").unwrap();
        assert_eq!((second.len(), second.computed().digests.sha256), (3, Sha256::of(b"abc")));
        let kept = second.keep("x").unwrap();
        assert_eq!(fs::read(&kept).unwrap(), b"abc");
        assert_eq!(names(folder.path()), [kept.file_name().unwrap().to_str().unwrap()]);
    }

    #[test]
    fn a_restart_forgets_every_byte() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("x.partial"), "old").unwrap();
        let mut staged = open(folder.path());
        staged.restart().unwrap();
        staged.append(b"n").unwrap();
        assert_eq!(fs::read(staged.keep("x").unwrap()).unwrap(), b"n");
    }

    #[test]
    fn a_left_over_above_the_limit_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("x.partial"), [b'x'; 101]).unwrap();
        let staged = open(folder.path());
        assert_eq!((staged.len(), staged.pieced), (0, false));
        staged.discard().unwrap();
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn a_file_that_another_fetch_holds_is_left_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = open(folder.path());
        first.append(b"first").unwrap();
        first.flush().unwrap();
        let mut second = open(folder.path());
        assert_eq!(second.len(), 0);
        assert_ne!(first.path(), second.path());
        second.append(b"second").unwrap();
        drop(second);
        assert_eq!(names(folder.path()), ["x.partial"]);
        assert_eq!(fs::read(first.keep("x").unwrap()).unwrap(), b"first");
    }

    #[test]
    fn names_are_harmless_and_belong_to_the_content() {
        let check = |filename: &str, expect: &str| {
            let published = vec![Sha256::of(b"").into()];
            let kind = DistributionKind::Wheel;
            let filename = filename.to_owned();
            let distribution =
                Distribution { filename, kind, url: String::new(), published, size: None, uploaded_at: None };
            assert_eq!(stem(&distribution), format!("e3b0c44298fc1c149afb-{expect}"));
        };
        check("a-1.0+x_y.whl", "a-1.0+x_y.whl");
        check("../../\0/é", ".._..____");
        check(&"n".repeat(500), &"n".repeat(120));
    }
}
