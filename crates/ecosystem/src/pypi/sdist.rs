//! The dependencies of a source distribution, read from the files in it and never by building it.
//!
//! In: the bytes of an sdist whose published sha256 was checked. Out: [`Known`] metadata, with a note when it is a best
//! guess. uv runs the package's own build backend here; we read, in this order:
//! 1. `PKG-INFO` of metadata 2.2 or later whose dependencies are not dynamic (PEP 643): exact;
//! 2. `pyproject.toml` whose `[project]` dependencies are not dynamic (PEP 621): exact;
//! 3. `*.egg-info/requires.txt`, which setuptools wrote when the sdist was made: a guess, because `setup.py` may decide
//!    otherwise on another machine;
//! 4. `PKG-INFO` as it stands, when it lists dependencies: a guess too.

use std::io::Read;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sigma_core::{ExpectedDigest, HashAlgorithm, Sha256, toml_is_too_deep};
use uv_distribution_filename::SourceDistExtension;
use uv_distribution_types::RegistrySourceDist;
use uv_pypi_types::{PyProjectToml, ResolutionMetadata};

use super::release::distribution;
use super::{guard, metadata};
use crate::{Http, HttpError};

/// Bytes of an unpacked sdist that are looked through. Real metadata stands at the front or after a few hundred MB of
/// vendored sources at most.
const MAX_UNPACKED: u64 = 512 << 20;

/// Entries that are looked at.
const MAX_ENTRIES: usize = 200_000;

/// Largest metadata file inside an sdist.
const MAX_FILE: u64 = 4 << 20;

/// Why an sdist says nothing.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum SdistError {
    /// It could not be fetched.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// Its bytes cannot be trusted.
    #[error("the index publishes no sha256 of {0}, so that its bytes cannot be verified")]
    Unverifiable(String),
    /// Its bytes are not the published ones.
    #[error("{filename} has sha256 {got}, but the index publishes {expected}")]
    Mismatch {
        /// The file.
        filename: String,
        /// Computed.
        got: String,
        /// Published.
        expected: String,
    },
    /// It is not an archive that can be read.
    #[error("{filename} cannot be read: {why}")]
    Archive {
        /// The file.
        filename: String,
        /// The complaint.
        why: String,
    },
    /// Only running it would tell.
    #[error(
        "{0} does not state its dependencies statically, and packages are never run; ask for a version with a wheel"
    )]
    Dynamic(String),
}

/// Metadata, and where it comes from when that is not authoritative.
pub(super) struct Known {
    pub metadata: ResolutionMetadata,
    pub guess: Option<&'static str>,
}

/// The texts in an sdist that tell its dependencies. Kept between runs.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Texts {
    pkg_info: Option<String>,
    pyproject: Option<String>,
    requires: Option<String>,
    egg_info: bool,
}

/// Reads sdists, and remembers what it read under their sha256.
pub(super) struct Sdists {
    http: Http,
    cache: PathBuf,
}

impl Sdists {
    pub fn new(http: Http, cache: PathBuf) -> Self {
        Self { http, cache }
    }

    /// The metadata of one sdist.
    pub async fn metadata(&self, dist: &RegistrySourceDist) -> Result<Known, SdistError> {
        let filename = super::failure::line(&dist.file.filename);
        let unverifiable = || SdistError::Unverifiable(filename.clone());
        let published = distribution(&dist.file, sigma_core::DistributionKind::Sdist).ok_or_else(unverifiable)?;
        let expected = published
            .published
            .iter()
            .find(|digest| digest.algorithm() == HashAlgorithm::Sha256)
            .ok_or_else(unverifiable)?;
        let texts = match self.remembered(expected) {
            Some(texts) => texts,
            None => {
                let texts = self.fetched(&published.url, &filename, dist.ext, expected).await?;
                self.remember(expected, &texts);
                texts
            }
        };
        let known = texts.known(dist).ok_or_else(|| SdistError::Dynamic(filename.clone()))?;
        if known.metadata.name != dist.name || known.metadata.version != dist.version {
            let why = format!("it says that it is {} {}", known.metadata.name, known.metadata.version);
            return Err(SdistError::Archive { filename, why });
        }
        Ok(known)
    }

    async fn fetched(
        &self,
        url: &str,
        filename: &str,
        kind: SourceDistExtension,
        expected: &ExpectedDigest,
    ) -> Result<Texts, SdistError> {
        let archive = |why: String| SdistError::Archive { filename: filename.to_owned(), why };
        let url: url::Url = url.parse().map_err(|_| archive("its address is no URL".to_owned()))?;
        if let Some(why) = guard::refusal(self.http.config(), &url) {
            return Err(HttpError::Forbidden { url: crate::http::shown(&url), why }.into());
        }
        let bytes = self.http.get(&with_credentials(url, &self.http.config().pypi_index), "*/*").await?;
        let got = ExpectedDigest::from(Sha256::of(&bytes));
        if got != *expected {
            let (got, expected) = (got.to_string(), expected.to_string());
            return Err(SdistError::Mismatch { filename: filename.to_owned(), got, expected });
        }
        if kind != SourceDistExtension::TarGz {
            return Err(archive(format!("only .tar.gz is read for metadata, not {kind}")));
        }
        Texts::read(&bytes).map_err(|error| archive(super::failure::line(&error.to_string())))
    }

    fn path(&self, digest: &ExpectedDigest) -> PathBuf {
        let name = digest.to_string().replace(':', "-");
        self.cache.join(format!("{name}.json"))
    }

    fn remembered(&self, digest: &ExpectedDigest) -> Option<Texts> {
        serde_json::from_slice(&std::fs::read(self.path(digest)).ok()?).ok()
    }

    /// A cache that cannot be written only costs time.
    fn remember(&self, digest: &ExpectedDigest, texts: &Texts) {
        let write = || -> std::io::Result<()> {
            std::fs::create_dir_all(&self.cache)?;
            let file = tempfile::NamedTempFile::new_in(&self.cache)?;
            serde_json::to_writer(&file, texts)?;
            file.persist(self.path(digest))?;
            Ok(())
        };
        if let Err(error) = write() {
            tracing::debug!(%error, "the metadata of a source distribution could not be cached");
        }
    }
}

/// Files of the index's own origin are asked for with its credentials.
fn with_credentials(mut url: url::Url, index: &url::Url) -> url::Url {
    if url.origin() == index.origin() && !index.username().is_empty() {
        let _ = url.set_username(index.username());
        let _ = url.set_password(index.password());
    }
    url
}

impl Texts {
    /// Looks through a .tar.gz for the files that count. Nothing is written to disk.
    fn read(bytes: &[u8]) -> std::io::Result<Self> {
        let unpacked = flate2::read::MultiGzDecoder::new(bytes).take(MAX_UNPACKED);
        let mut archive = tar::Archive::new(unpacked);
        let mut texts = Self::default();
        for entry in archive.entries()?.take(MAX_ENTRIES) {
            let entry = entry?;
            let path = entry.path_bytes().into_owned();
            let parts: Vec<&[u8]> = path.split(|&byte| byte == b'/').filter(|part| *part != b".").collect();
            let egg_info = parts.len() >= 2 && parts[parts.len() - 2].ends_with(b".egg-info");
            texts.egg_info |= egg_info && parts.len() <= 4;
            let slot = match parts.as_slice() {
                [_, b"PKG-INFO"] => &mut texts.pkg_info,
                [_, b"pyproject.toml"] => &mut texts.pyproject,
                // `<root>/x.egg-info` or `<root>/src/x.egg-info`.
                [_, .., b"requires.txt"] if egg_info && parts.len() <= 4 => &mut texts.requires,
                _ => continue,
            };
            if slot.is_none() && entry.header().entry_type().is_file() {
                let mut text = Vec::new();
                entry.take(MAX_FILE + 1).read_to_end(&mut text)?;
                if text.len() as u64 > MAX_FILE {
                    return Err(std::io::Error::other(format!("a metadata file is larger than {MAX_FILE} bytes")));
                }
                *slot = Some(String::from_utf8_lossy(&text).into_owned());
            }
        }
        Ok(texts)
    }

    fn known(&self, dist: &RegistrySourceDist) -> Option<Known> {
        let pkg_info = self.pkg_info.as_deref().filter(|text| metadata::check(text.as_bytes()).is_ok());
        let exact = |metadata| Known { metadata, guess: None };
        if let Some(metadata) = pkg_info.and_then(|text| ResolutionMetadata::parse_pkg_info(text.as_bytes()).ok()) {
            return Some(exact(metadata));
        }
        let pyproject = self.pyproject.as_deref().filter(|text| !toml_is_too_deep(text));
        let project = pyproject.and_then(|text| {
            let toml = PyProjectToml::from_toml(text, "pyproject.toml").ok()?;
            let project = toml.project.as_ref()?;
            let optional = project.optional_dependencies.iter().flatten().flat_map(|(_, listed)| listed);
            let mut budget = metadata::Budget::default();
            project.requires_python.iter().try_for_each(|python| budget.python(python)).ok()?;
            let mut listed = project.dependencies.iter().flatten().chain(optional);
            listed.try_for_each(|requirement| budget.requirement(requirement)).ok()?;
            ResolutionMetadata::parse_pyproject_toml(toml, Some(&dist.version)).ok()
        });
        if let Some(metadata) = project {
            return Some(exact(metadata));
        }
        // What follows is as of the day the sdist was made.
        let mut metadata = ResolutionMetadata::parse_metadata(pkg_info?.as_bytes()).ok()?;
        if self.egg_info {
            // setuptools writes requires.txt only when there is something to require.
            let requires = self.requires.as_deref().unwrap_or_default();
            let mut lines = super::requires_txt::requirements(requires)?;
            metadata.requires_dist = lines.drain(..).collect();
            return Some(Known { metadata, guess: Some("egg-info/requires.txt") });
        }
        let listed = !metadata.requires_dist.is_empty();
        listed.then_some(Known { metadata, guess: Some("PKG-INFO") })
    }
}
