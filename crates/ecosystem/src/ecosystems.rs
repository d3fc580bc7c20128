//! Both ecosystems behind one door.

use std::path::Path;
use std::sync::Arc;

use futures::StreamExt as _;
use sigma_core::{
    AdvisorySnapshot, Distribution, Ecosystem, ExpectedDigest, Graph, Manifest, PackageId, Target, Timestamp,
};

use crate::npm::Npm;
use crate::pypi::Pypi;
use crate::{Artifact, Attestations, EcosystemConfig, FetchError, Http, ResolveError};

/// PyPI and npm. Cheap to clone.
#[derive(Clone)]
pub struct Ecosystems {
    config: Arc<EcosystemConfig>,
    http: Http,
    pypi: Arc<Pypi>,
    npm: Arc<Npm>,
}

impl Ecosystems {
    /// Builds the clients. Nothing is asked yet.
    pub fn new(config: EcosystemConfig) -> Result<Self, ResolveError> {
        let config = Arc::new(config);
        let http = Http::new(config.clone())?;
        let pypi = Arc::new(Pypi::new(config.clone(), http.clone())?);
        let npm = Arc::new(Npm::new(config.clone(), http.clone()));
        Ok(Self { config, http, pypi, npm })
    }

    /// The configuration that the clients were built with.
    pub fn config(&self) -> &EcosystemConfig {
        &self.config
    }

    /// Exact versions for everything a manifest declares, as the ecosystem's own installer would choose them.
    pub async fn resolve(&self, manifest: &Manifest, target: &Target) -> Result<Graph, ResolveError> {
        match manifest.ecosystem {
            Ecosystem::Pypi => self.pypi.resolve(manifest, target).await,
            Ecosystem::Npm => self.npm.resolve(manifest, target).await,
        }
    }

    /// Fetches and verifies one distribution; see [`Http::fetch`].
    pub async fn fetch(
        &self,
        distribution: &Distribution,
        pinned: &[ExpectedDigest],
        staging: &Path,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Artifact, FetchError> {
        self.http.fetch(distribution, pinned, staging, progress).await
    }

    /// What the ecosystem serves about where each distribution of a release comes from, in the same order. Nothing is checked.
    pub async fn attestations(&self, id: &PackageId, distributions: &[Distribution]) -> Vec<Attestations> {
        match id.ecosystem() {
            Ecosystem::Pypi => self.pypi.attestations(id, distributions).await,
            Ecosystem::Npm => {
                // A version has one tarball, and one document about it.
                let served = self.npm.attestations(id).await;
                distributions.iter().map(|_| served.clone()).collect()
            }
        }
    }

    /// The advisories of each package, in the same order. npm is asked once for all, PyPI once for each.
    pub async fn advisories(&self, packages: &[PackageId], now: Timestamp) -> Vec<AdvisorySnapshot> {
        let (npm, pypi): (Vec<usize>, Vec<usize>) =
            (0..packages.len()).partition(|&index| packages[index].ecosystem() == Ecosystem::Npm);
        let npm_ids: Vec<PackageId> = npm.iter().map(|&index| packages[index].clone()).collect();
        // Collected first: a closure inside a stream would keep the future from being sent between threads.
        let from_pypi: Vec<_> = pypi.iter().map(|&index| self.pypi.advisories(&packages[index], now)).collect();
        let (from_npm, from_pypi) = futures::join!(
            self.npm.advisories(&npm_ids, now),
            futures::stream::iter(from_pypi).buffered(self.config.parallel_requests).collect::<Vec<_>>()
        );
        let mut answers: Vec<(usize, AdvisorySnapshot)> =
            npm.into_iter().zip(from_npm).chain(pypi.into_iter().zip(from_pypi)).collect();
        answers.sort_by_key(|(index, _)| *index);
        answers.into_iter().map(|(_, snapshot)| snapshot).collect()
    }
}
