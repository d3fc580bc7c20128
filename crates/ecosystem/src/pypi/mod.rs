//! PyPI: the Python half of the room. Resolving, looking up releases, advisories.
//!
//! In: a manifest, a target, and what the index answers. Out: a [`Graph`], [`Release`]s, [`AdvisorySnapshot`]s. The
//! resolver is uv's own, used as a library and held in this folder, so that the answer is the one of
//! `uv pip compile --python-version <x.y> --python-platform <platform>`. It must never build or run a package.
//!
//! `ranges` runs the resolver (`provider`, `context`), `locked` and `lookup` take exact versions, `walk` draws the edges,
//! `release` orders files, `sdist` reads what a build would tell, `guard` stands between uv's client and the network: what
//! uv parses passes `metadata`, also what `remote_wheel` finds inside a wheel.

mod advisories;
mod attestations;
mod context;
mod environment;
mod failure;
mod guard;
mod index;
mod locked;
mod lookup;
mod metadata;
mod provider;
mod ranges;
mod release;
mod remote_wheel;
mod requirement;
mod requires_txt;
mod sdist;
#[cfg(test)]
mod tests;
mod walk;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use sigma_core::{AdvisorySnapshot, Distribution, Graph, Manifest, ManifestSource, PackageId, Target, Timestamp};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::{Attestations, EcosystemConfig, Http, ResolveError};
use environment::Environment;
use index::Index;
pub(crate) use locked::reached;
use ranges::Ranges;
use sdist::Sdists;

/// Longest resolution. Real ones take seconds; hostile metadata can make any resolver search for ever.
const MAX_DURATION: Duration = Duration::from_secs(180);

/// Stack of the thread that uv's futures run on, in bytes; reserved, not used. Metadata is read there by parsers that
/// recurse; what they see is bounded, and this is many times what the bounds need.
const STACK: usize = 256 << 20;

/// PyPI, or an index like it. Cheap to clone.
#[derive(Clone)]
pub struct Pypi {
    config: Arc<EcosystemConfig>,
    http: Http,
    index: Index,
    sdists: Arc<Sdists>,
}

impl Pypi {
    /// Opens the cache below `cache_dir`. Touches the disk, not the network.
    pub fn new(config: Arc<EcosystemConfig>, http: Http) -> Result<Self, ResolveError> {
        // uv's preview features are process-wide and must be set once; a second time is no matter.
        let _ = uv_preview::set(uv_preview::Preview::default());
        let index = Index::new(&config, &http)?;
        let sdists = Arc::new(Sdists::new(http.clone(), config.cache_dir.join("sdists")));
        Ok(Self { config, http, index, sdists })
    }

    /// Resolves a manifest for a target. The same manifest and the same index give the same graph.
    pub async fn resolve(&self, manifest: &Manifest, target: &Target) -> Result<Graph, ResolveError> {
        let environment = Environment::new(target)?;
        let (this, manifest) = (self.clone(), manifest.clone());
        let answer = apart(move || async move {
            match &manifest.source {
                ManifestSource::Ranges { constraints, pre_releases, .. } => {
                    let ranges = Ranges {
                        index: &this.index,
                        sdists: &this.sdists,
                        environment: &environment,
                        constraints,
                        pre_releases: *pre_releases,
                    };
                    ranges.resolve(&manifest.declared).await
                }
                ManifestSource::Locked { packages, edges } => {
                    let parallel = this.config.parallel_requests;
                    locked::resolve(&this.index, &environment, parallel, &manifest.declared, packages, edges).await
                }
            }
        })
        .await
        .map_err(ResolveError::Resolver)?;
        answer.map_err(|error| self.index.noting_pause(error))
    }

    /// What PyPI knows against one exact version, as of `now`. Never fails: not knowing is an answer of its own.
    pub async fn advisories(&self, id: &PackageId, now: Timestamp) -> AdvisorySnapshot {
        advisories::snapshot(&self.http, &self.config, id, now).await
    }

    /// What the index serves about where each file of a release comes from, in the same order.
    pub async fn attestations(&self, id: &PackageId, files: &[Distribution]) -> Vec<Attestations> {
        attestations::of_files(&self.http, &self.config, id, files).await
    }
}

/// Runs a future on a thread of its own: uv's futures cannot move between threads, and they parse what strangers wrote,
/// for which they get a large stack and a time limit.
async fn apart<T, F, Fut>(work: F) -> Result<T, String>
where
    T: Send + 'static,
    F: FnOnce() -> Fut + Send + 'static,
    Fut: Future<Output = T>,
{
    let runtime = Handle::current();
    let (mut tell, told) = oneshot::channel();
    let run = move || {
        let answer = runtime.block_on(async {
            tokio::select! {
                answer = tokio::time::timeout(MAX_DURATION, work()) => Some(answer),
                // Nobody waits any more.
                () = tell.closed() => None,
            }
        });
        if let Some(answer) = answer {
            let _ = tell.send(answer);
        }
    };
    std::thread::Builder::new()
        .name("pypi".to_owned())
        .stack_size(STACK)
        .spawn(run)
        .map_err(|error| format!("no thread could be started: {error}"))?;
    match told.await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) => Err(format!("there was no answer within {} seconds", MAX_DURATION.as_secs())),
        Err(_) => Err("it ended without an answer".to_owned()),
    }
}

/// Whether a marker holds on a target. One that cannot be read does.
pub(crate) fn markers(target: &sigma_core::Target) -> Result<impl Fn(Option<&str>) -> bool, ResolveError> {
    let environment = Environment::new(target)?;
    Ok(move |text: Option<&str>| {
        let tree = text.and_then(|text| requirement::read_marker(text).ok());
        tree.is_none_or(|tree| tree.evaluate(&environment.markers, &[]))
    })
}
