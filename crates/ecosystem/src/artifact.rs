//! Distribution bytes whose digest was verified against what the ecosystem published.
//!
//! In: a distribution as published, the project's pins, and a file that was hashed. Out: an [`Artifact`], or why not.
//! It must never let bytes through that nobody vouches for, and never trust SHA-1 alone.

use std::path::{Path, PathBuf};

use sigma_core::{Authority, Digests, Distribution, ExpectedDigest, HashAlgorithm};

use crate::HttpError;
use crate::staging::{Computed, Hasher};

/// A file on disk together with the digests computed over it. Only [`Hashed::read`] and the downloader make one.
#[derive(Debug)]
pub struct Hashed {
    path: PathBuf,
    computed: Computed,
}

impl Hashed {
    /// Hashes a file that is there already, such as the blob store's copy. Blocks until it was read to its end.
    pub fn read(path: &Path) -> std::io::Result<Self> {
        Self::with(path, Hasher::new(false))
    }

    pub(crate) fn new(path: PathBuf, computed: Computed) -> Self {
        Self { path, computed }
    }

    /// The digests of the file's bytes.
    pub fn digests(&self) -> &Digests {
        &self.computed.digests
    }

    fn with(path: &Path, mut hasher: Hasher) -> std::io::Result<Self> {
        hasher.read(&mut std::fs::File::open(path)?)?;
        Ok(Self { path: path.to_owned(), computed: hasher.finish() })
    }

    /// Nobody but an SRI list asks for SHA-384, so it is computed when somebody does.
    fn with_sha384(self) -> Result<Self, FetchError> {
        let failed = |path: &Path, source| FetchError::Io { path: path.to_owned(), source };
        let again = Self::with(&self.path, Hasher::new(true)).map_err(|source| failed(&self.path, source))?;
        if again.computed.digests != self.computed.digests {
            return Err(failed(&self.path, std::io::Error::other("the file changed while it was being verified")));
        }
        Ok(again)
    }
}

/// The bytes are not the ones that were published or pinned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{filename}: got {got}, expected {expected} ({authority})")]
pub struct Mismatch {
    /// The distribution's file name.
    pub filename: String,
    /// The digest computed over the bytes, as `sha256:<hex>`, or their number, as `10 bytes`.
    pub got: String,
    /// The digest or the size that was published or pinned.
    pub expected: String,
    /// Who said so.
    pub authority: Authority,
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
    #[error("cannot read or write {path}: {source}; check the disk, then try again")]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
}

impl Artifact {
    /// The only constructor: the published size and every published digest must hold, and one of the pinned digests
    /// if there are any. Blocks only where SHA-384 is asked for and `hashed` lacks it.
    ///
    /// SHA-1 is never enough: a distribution for which the ecosystem publishes nothing stronger is
    /// [`FetchError::Unverifiable`]. A project that pins only SHA-1 (npm lockfiles of old packages) is content with
    /// it, because the stronger published digest held too; beside a stronger pin, a SHA-1 pin does not count.
    pub fn verified(distribution: Distribution, pinned: &[ExpectedDigest], hashed: Hashed) -> Result<Self, FetchError> {
        is_verifiable(&distribution)?;
        let hashed = match hashed.computed.sha384.is_none() && wants_sha384(&distribution, pinned) {
            true => hashed.with_sha384()?,
            false => hashed,
        };
        check_published(&distribution, &hashed.computed)?;
        check_pinned(&distribution, pinned, &hashed.computed)?;
        Ok(Self { distribution, digests: hashed.computed.digests, path: hashed.path })
    }

    /// The distribution as published.
    pub fn distribution(&self) -> &Distribution {
        &self.distribution
    }

    /// The digests of its bytes.
    pub fn digests(&self) -> &Digests {
        &self.digests
    }

    /// The same bytes after they were moved to another place.
    pub fn moved_to(self, path: PathBuf) -> Self {
        Self { path, ..self }
    }

    /// Where the bytes are.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Whether anything is published that collisions are not known for.
pub(crate) fn is_verifiable(distribution: &Distribution) -> Result<(), FetchError> {
    match distribution.published.iter().any(|digest| digest.algorithm() > HashAlgorithm::Sha1) {
        true => Ok(()),
        false => Err(FetchError::Unverifiable { filename: shown(distribution) }),
    }
}

pub(crate) fn wants_sha384(distribution: &Distribution, pinned: &[ExpectedDigest]) -> bool {
    distribution.published.iter().chain(pinned).any(|digest| digest.algorithm() == HashAlgorithm::Sha384)
}

/// The published size and every published digest hold.
pub(crate) fn check_published(distribution: &Distribution, computed: &Computed) -> Result<(), Mismatch> {
    let mismatch =
        |got, expected| Mismatch { filename: shown(distribution), got, expected, authority: Authority::Ecosystem };
    if let Some(size) = distribution.size.filter(|&size| size != computed.digests.size) {
        // A download that is too long is cut off, so its real length is not known.
        let got = match computed.digests.size > size {
            true => format!("more than {size} bytes"),
            false => format!("{} bytes", computed.digests.size),
        };
        return Err(mismatch(got, format!("{size} bytes")));
    }
    match distribution.published.iter().find(|digest| !computed.holds(digest)) {
        Some(wrong) => Err(mismatch(computed.describe(wrong.algorithm()), wrong.to_string())),
        None => Ok(()),
    }
}

/// One of the pinned digests holds, where there are any.
fn check_pinned(distribution: &Distribution, pinned: &[ExpectedDigest], computed: &Computed) -> Result<(), Mismatch> {
    let strong = pinned.iter().any(|digest| digest.algorithm() > HashAlgorithm::Sha1);
    let counted = || pinned.iter().filter(|digest| !strong || digest.algorithm() > HashAlgorithm::Sha1);
    let Some(first) = counted().next() else { return Ok(()) };
    if counted().any(|digest| computed.holds(digest)) {
        return Ok(());
    }
    let expected = match counted().count() {
        1 => first.to_string(),
        count => format!("{first} (the first of {count} pins)"),
    };
    Err(Mismatch {
        filename: shown(distribution),
        got: computed.describe(first.algorithm()),
        expected,
        authority: Authority::Project,
    })
}

fn shown(distribution: &Distribution) -> String {
    sigma_core::printable(&distribution.filename, 200)
}

#[cfg(test)]
mod tests {
    use sigma_core::{DistributionKind, Sha1, Sha256};

    use super::*;

    /// Checks the bytes `abc` against what is published and pinned.
    fn check(published: &[&str], pinned: &[&str], expect: &str) {
        let read =
            |texts: &[&str]| texts.iter().map(|text| ExpectedDigest::parse_pip(text).unwrap()).collect::<Vec<_>>();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "abc").unwrap();
        let distribution = Distribution {
            filename: "a\u{202e}.whl".to_owned(),
            kind: DistributionKind::Wheel,
            url: String::new(),
            published: read(published),
            size: Some(3),
            uploaded_at: None,
        };
        let got = match Artifact::verified(distribution, &read(pinned), Hashed::read(file.path()).unwrap()) {
            Ok(artifact) => format!("{} bytes", artifact.digests().size),
            Err(error) => error.to_string(),
        };
        assert_eq!(got, expect, "{published:?} {pinned:?}");
    }

    #[test]
    fn every_published_and_one_pinned_digest_hold() {
        // FIPS 180-4, the examples for "abc".
        let sha1 = "sha1:a9993e364706816aba3e25717850c26c9cd0d89d";
        let sha256 = &format!("sha256:{}", Sha256::of(b"abc"));
        let sha384 =
            "sha384:cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7";
        let other = &format!("sha256:{}", Sha256::of(b"other"));
        let other1 = &format!("sha1:{}", Sha1::from_bytes([0; 20]));
        let published = "published by the ecosystem";
        let pinned = "pinned by the project";
        let name = "a\\u{202e}.whl";

        check(&[sha256, sha1], &[], "3 bytes");
        check(&[sha384], &[sha256], "3 bytes");
        check(&[sha256], &[other, sha384], "3 bytes");
        check(&[sha256], &[sha1], "3 bytes");
        check(&[other], &[], &format!("{name}: got {sha256}, expected {other} ({published})"));
        check(&[sha256, other1], &[], &format!("{name}: got {sha1}, expected {other1} ({published})"));
        check(&[sha256, other], &[sha256], &format!("{name}: got {sha256}, expected {other} ({published})"));
        check(&[sha256], &[other], &format!("{name}: got {sha256}, expected {other} ({pinned})"));
        check(&[sha256], &[other1], &format!("{name}: got {sha1}, expected {other1} ({pinned})"));
        // SHA-1 does not save what a stronger pin refuses.
        check(&[sha256], &[sha1, other], &format!("{name}: got {sha256}, expected {other} ({pinned})"));
        let two = format!("{name}: got {sha256}, expected {other} (the first of 2 pins) ({pinned})");
        check(&[sha256], &[other, other], &two);
        let unverifiable = format!(
            "{name}: the ecosystem publishes no sha256, sha384 or sha512 for it, so its bytes cannot be verified"
        );
        check(&[sha1], &[sha256], &unverifiable);
        check(&[], &[], &unverifiable);
    }
}
