//! What uv's resolver asks for while it resolves, and where the answers come from.
//!
//! In: names and distributions. Out: uv's own answers for index pages and wheels; for sdists the static metadata of
//! [`super::sdist`], because uv would run the package's build backend. It remembers the metadata that it gave, from
//! which [`super::walk`] draws the edges, and why an sdist gave none.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uv_client::{ErrorKind, RegistryClient};
use uv_distribution::{ArchiveMetadata, Metadata, Reporter};
use uv_distribution_types::{
    BuiltDist, Dist, IndexCapabilities, IndexMetadata, InstalledDist, RegistryBuiltDist, RequestedDist, SourceDist,
};
use uv_git::GitResolver;
use uv_normalize::PackageName;
use uv_pep440::Version;
use uv_resolver::{
    DefaultResolverProvider, MetadataResponse, PackageVersionsResult, ResolverProvider, VersionsResponse,
    WheelMetadataResult,
};

use super::context::{Context, NeverBuilt};
use super::failure;
use super::sdist::{Known, SdistError, Sdists};
use crate::HttpError;

/// What became known during a run.
#[derive(Default)]
pub(super) struct Seen {
    inner: Mutex<SeenInner>,
}

#[derive(Default)]
pub(super) struct SeenInner {
    /// Names that the index does not have.
    pub unknown: BTreeSet<PackageName>,
    /// Metadata of every version that the resolver looked at.
    pub metadata: BTreeMap<(PackageName, Version), Arc<Metadata>>,
    /// Sdists whose dependencies are a best guess, with where it comes from.
    pub guessed: BTreeMap<(PackageName, Version), &'static str>,
    /// Distributions that tell nothing.
    pub failed: BTreeMap<(PackageName, Version), SdistError>,
}

impl Seen {
    /// Everything seen so far.
    pub fn lock(&self) -> MutexGuard<'_, SeenInner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The provider of one run.
pub(super) struct Provider<'a> {
    pub uv: DefaultResolverProvider<'a, Context>,
    pub client: &'a RegistryClient,
    pub capabilities: &'a IndexCapabilities,
    pub sdists: &'a Sdists,
    pub seen: Arc<Seen>,
}

impl Provider<'_> {
    async fn wheel(&self, dist: &Dist, built: &RegistryBuiltDist) -> WheelMetadataResult {
        let failed = |error: uv_distribution::Error| {
            MetadataResponse::Error(Box::new(RequestedDist::Installable(dist.clone())), Arc::new(error))
        };
        // A page can point at our own disk, where uv would read without the guard.
        let url = built.best_wheel().file.url.to_url().ok();
        if url.as_ref().is_none_or(|url| !matches!(url.scheme(), "http" | "https")) {
            let url = url.map_or_else(|| "the address".to_owned(), |url| failure::without_credentials(url.as_str()));
            let error = HttpError::Forbidden { url, why: "only http and https are asked".to_owned() };
            let wheel = &built.best_wheel().filename;
            self.seen.lock().failed.insert((wheel.name.clone(), wheel.version.clone()), error.into());
            return Ok(failed(uv_distribution::Error::NoBuild));
        }
        // The guard finds the metadata, announced or not; uv must not look for it in the wheel.
        let mut announced = built.clone();
        if let Some(wheel) = announced.wheels.get_mut(announced.best_wheel_index) {
            wheel.file.dist_info_metadata = true;
        }
        let announced = BuiltDist::Registry(announced);
        let git = GitResolver::default();
        let error = match self.client.wheel_metadata(&announced, &git, self.capabilities, None).await {
            Ok(metadata) => return Ok(MetadataResponse::Found(ArchiveMetadata::from_metadata23(metadata))),
            Err(error) => error,
        };
        if matches!(error.kind(), ErrorKind::MetadataParseError(..) | ErrorKind::Metadata(..)) {
            // uv passes over a version whose metadata it cannot read; only it can say so.
            return self.uv.get_or_build_wheel_metadata(&Dist::Built(announced)).await;
        }
        let error = uv_distribution::Error::Client(error);
        // Where uv would now fetch and unpack the whole wheel, without limits, we say that it cannot be read.
        match failure::of_distribution(&error).is_none_or(|error| failure::is_about_the_file(&error)) {
            true => Ok(failed(error)),
            false => Err(error),
        }
    }

    async fn sdist(&self, dist: &Dist) -> MetadataResponse {
        let failed = |error: uv_distribution::Error| {
            MetadataResponse::Error(Box::new(RequestedDist::Installable(dist.clone())), Arc::new(error))
        };
        let Dist::Source(SourceDist::Registry(source)) = dist else {
            return failed(uv_distribution::Error::NoBuild);
        };
        let key = (source.name.clone(), source.version.clone());
        match self.sdists.metadata(source).await {
            Ok(Known { metadata, guess }) => {
                if let Some(origin) = guess {
                    self.seen.lock().guessed.insert(key, origin);
                }
                MetadataResponse::Found(ArchiveMetadata::from_metadata23(metadata))
            }
            Err(error) => {
                self.seen.lock().failed.insert(key, error);
                failed(uv_distribution::Error::NoBuildPackage(source.name.clone()))
            }
        }
    }
}

impl ResolverProvider for Provider<'_> {
    async fn get_package_versions<'io>(
        &'io self,
        package_name: &'io PackageName,
        index: Option<&'io IndexMetadata>,
    ) -> PackageVersionsResult {
        let answer = self.uv.get_package_versions(package_name, index).await;
        match &answer {
            Ok(VersionsResponse::NotFound) => {
                self.seen.lock().unknown.insert(package_name.clone());
            }
            // Not cached and offline is not "no such package".
            Ok(VersionsResponse::Offline | VersionsResponse::NoIndex) => {
                return Err(ErrorKind::Offline(package_name.to_string()).into());
            }
            _ => {}
        }
        answer
    }

    async fn get_or_build_wheel_metadata<'io>(&'io self, dist: &'io Dist) -> WheelMetadataResult {
        let answer = match dist {
            Dist::Built(BuiltDist::Registry(built)) => self.wheel(dist, built).await?,
            Dist::Built(_) => MetadataResponse::Error(
                Box::new(RequestedDist::Installable(dist.clone())),
                Arc::new(uv_distribution::Error::Build(NeverBuilt.into())),
            ),
            Dist::Source(_) => self.sdist(dist).await,
        };
        if let (MetadataResponse::Found(found), Some(version)) = (&answer, dist.version()) {
            let key = (found.metadata.name.clone(), version.clone());
            self.seen.lock().metadata.insert(key, Arc::new(found.metadata.clone()));
        }
        Ok(answer)
    }

    async fn get_installed_metadata<'io>(&'io self, dist: &'io InstalledDist) -> WheelMetadataResult {
        self.uv.get_installed_metadata(dist).await
    }

    fn with_reporter(self, _: Arc<dyn Reporter>) -> Self {
        self
    }
}
