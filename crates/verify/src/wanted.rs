//! What is asked about: bytes, or a package of which bytes are installed.

use sigma_certificate::DistributionEntry;
use sigma_core::{Depth, Ecosystem, ExpectedDigest, HashAlgorithm, PackageId, PackageName, Sha256, printable};

/// Something to be proven.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The exact package, where it is known.
    pub package: Option<PackageId>,
    /// What people know it by: a file's name, a place in a lockfile, a folder. Printable.
    pub subject: String,
    /// Digests of which the bytes have one; a lockfile may pin several files of a release. Empty: any file of the package.
    pub digests: Vec<ExpectedDigest>,
    /// How far it is from the project, where that is known.
    pub depth: Option<Depth>,
    /// The name of the file, where there is one: a certificate of a file of this name and other bytes contradicts.
    pub filename: Option<String>,
}

impl Wanted {
    /// A file. Which package it is of is guessed from its name: only to find certificates, never to believe one.
    pub fn file(filename: &str, sha256: Sha256) -> Self {
        Self {
            package: guess(filename),
            subject: printable(filename, 200),
            digests: vec![sha256.into()],
            depth: None,
            filename: Some(filename.to_owned()),
        }
    }

    /// An installed package.
    pub fn installed(package: PackageId, folder: &str, digests: Vec<ExpectedDigest>) -> Self {
        Self { package: Some(package), subject: printable(folder, 300), digests, depth: None, filename: None }
    }

    /// The digests that identify bytes: never SHA-1 alone.
    pub(crate) fn strong(&self) -> impl Iterator<Item = &ExpectedDigest> {
        self.digests.iter().filter(|digest| is_strong(digest))
    }

    /// Which distributions of a certificate are wanted.
    pub(crate) fn covered<'a>(&self, distributions: &'a [DistributionEntry]) -> Vec<&'a DistributionEntry> {
        distributions.iter().filter(|one| self.strong().any(|digest| has(one, digest))).collect()
    }
}

/// Whether a digest identifies bytes that a certificate names: it carries SHA-256 and SHA-512 of every file.
pub(crate) fn is_strong(digest: &ExpectedDigest) -> bool {
    matches!(digest.algorithm(), HashAlgorithm::Sha256 | HashAlgorithm::Sha512)
}

/// Whether a distribution has a digest.
pub(crate) fn has(distribution: &DistributionEntry, digest: &ExpectedDigest) -> bool {
    match digest.algorithm() {
        HashAlgorithm::Sha256 => digest.as_bytes() == distribution.sha256.as_bytes(),
        HashAlgorithm::Sha512 => digest.as_bytes() == distribution.sha512.as_bytes(),
        HashAlgorithm::Sha1 | HashAlgorithm::Sha384 => false,
    }
}

/// `requests-2.31.0-py3-none-any.whl`, `requests-2.31.0.tar.gz` and `lodash-4.17.21.tgz` name their package.
fn guess(filename: &str) -> Option<PackageId> {
    let (ecosystem, name, version) = if let Some(stem) = filename.strip_suffix(".whl") {
        let mut parts = stem.split('-');
        (Ecosystem::Pypi, parts.next()?, parts.next()?)
    } else if let Some(stem) = filename.strip_suffix(".tar.gz").or_else(|| filename.strip_suffix(".zip")) {
        let (name, version) = stem.rsplit_once('-')?;
        (Ecosystem::Pypi, name, version)
    } else {
        let stem = filename.strip_suffix(".tgz")?;
        let at = stem.match_indices('-').find(|(at, _)| stem[at + 1..].starts_with(|c: char| c.is_ascii_digit()))?.0;
        (Ecosystem::Npm, &stem[..at], &stem[at + 1..])
    };
    PackageId::new(PackageName::new(ecosystem, name).ok()?, version).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_names_its_package() {
        let check = |filename: &str, expect: Option<&str>| {
            assert_eq!(guess(filename).map(|package| package.to_string()).as_deref(), expect, "{filename}");
        };
        check("requests-2.31.0-py3-none-any.whl", Some("pypi:requests@2.31.0"));
        check("Flask_Login-0.6.3-py3-none-any.whl", Some("pypi:flask-login@0.6.3"));
        check("zope.interface-6.0.tar.gz", Some("pypi:zope-interface@6.0"));
        check("lodash-4.17.21.tgz", Some("npm:lodash@4.17.21"));
        check("is-number-7.0.0-rc.1.tgz", Some("npm:is-number@7.0.0-rc.1"));
        check("notes.pdf", None);
        check("-.whl", None);
    }
}
