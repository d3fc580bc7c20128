//! npm: exact versions as `npm install --package-lock-only` finds them, releases, and advisories.
//!
//! In: a [`Manifest`] of npm dependencies and a target. Out: the [`Graph`] of what npm installs there, with a reason for
//! everything that it would leave out or that cannot be had. It must never give an empty or smaller graph because the
//! registry failed: that is an error.
//!
//! The work goes in three steps: [`crawl`] fetches all packuments that may matter, [`build`] makes npm's `node_modules` tree
//! from them without waiting for anything, and [`graph`] reads the tree.

mod advisories;
mod attestations;
mod build;
mod crawl;
mod graph;
mod need;
mod order;
mod overrides;
mod packument;
mod pick;
mod place;
mod platform;
mod registry;
mod release;
mod spec;
#[cfg(test)]
mod tests;
mod tree;

pub(crate) use platform::suits;

use std::sync::Arc;

use deno_semver::Version;
use sigma_core::{AdvisorySnapshot, Declared, Graph, Manifest, ManifestSource, PackageId, Target, Timestamp};

use self::build::{Builder, Stop};
use self::need::Need;
use self::overrides::Overrides;
use self::packument::{Known, Packages};
use self::pick::Engines;
use self::registry::Registry;
use crate::{EcosystemConfig, Http, ResolveError};

/// The Node.js and npm that `engines` are compared with, as npm compares them with the ones it runs on: of the versions
/// that fit a range, those that declare to run come first.
const NODE: Version = version(20, 20, 2);
const NPM: Version = version(11, 19, 1);

/// Most runs for one manifest: each but the last found that a packument was missing.
const MAX_RUNS: usize = 200;

/// The npm half of the ecosystem room. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Npm {
    config: Arc<EcosystemConfig>,
    http: Http,
    registry: Registry,
}

impl Npm {
    /// Uses the registry and the cache of the configuration.
    pub fn new(config: Arc<EcosystemConfig>, http: Http) -> Self {
        let registry = Registry::new(config.clone(), http.clone());
        Self { config, http, registry }
    }

    /// Resolves ranges as npm does, and looks the versions of a lockfile up.
    ///
    /// What concerns single packages is in the graph. Errors: the registry did not answer, or not with packuments; the
    /// dependencies are larger than any real project's.
    pub async fn resolve(&self, manifest: &Manifest, target: &Target) -> Result<Graph, ResolveError> {
        match &manifest.source {
            ManifestSource::Ranges { overrides, .. } => {
                self.resolve_ranges(&manifest.declared, overrides.as_deref(), target).await
            }
            ManifestSource::Locked { packages, edges } => {
                let names = packages.iter().map(|package| package.id.name().as_str());
                let known = self.packuments(names, false).await?;
                Ok(graph::of_lock(packages, edges, &manifest.declared, &known, target.platform))
            }
        }
    }

    async fn resolve_ranges(
        &self,
        declared: &[Declared],
        overrides: Option<&str>,
        target: &Target,
    ) -> Result<Graph, ResolveError> {
        let engines = Arc::new(Engines { node: NODE, npm: NPM });
        let needs: Arc<[Need]> = need::of_project(declared).into();
        let read = |text: &str| Overrides::parse(text).map_err(|error| ResolveError::Resolver(error.to_string()));
        let mut ahead: Vec<(String, String)> =
            needs.iter().map(|need| (need.name.clone(), need.spec.clone())).collect();
        if let Some(rules) = overrides.map(read).transpose()?.flatten() {
            ahead.extend(rules.targets().map(|(name, spec)| (name.to_owned(), spec.to_owned())));
        }
        let mut packages = Packages::new();
        for _ in 0..MAX_RUNS {
            crawl::crawl(&self.registry, &engines, ahead, &mut packages).await?;
            let rules = overrides.map(read).transpose()?.flatten();
            let (needs, engines, declared) = (needs.clone(), engines.clone(), declared.to_vec());
            let platform = target.platform;
            // Large trees take seconds, which would hold up other work on this thread.
            let (known, outcome) = tokio::task::spawn_blocking(move || {
                let outcome = match Builder::run(&needs, rules, &packages, &engines) {
                    Ok(builder) => {
                        let unknown = graph::libc_unknown(&builder, &packages, platform);
                        Ok((graph::of_tree(&builder, &declared, &packages, platform), unknown))
                    }
                    Err(stop) => Err(stop),
                };
                (packages, outcome)
            })
            .await
            .map_err(|error| ResolveError::Resolver(format!("the npm resolver broke down: {error}")))?;
            packages = known;
            match outcome {
                Ok((graph, unknown)) if unknown.is_empty() => return Ok(graph),
                Ok((_, unknown)) => {
                    packages.extend(self.packuments(unknown.iter().map(String::as_str), true).await?);
                    ahead = Vec::new();
                }
                Err(Stop::Missing { name, spec }) => ahead = vec![(name, spec)],
                Err(Stop::Http(error)) => return Err(error.into()),
                Err(Stop::TooLarge(error)) => return Err(ResolveError::Resolver(error.to_string())),
            }
        }
        Err(ResolveError::Resolver(format!("no answer after {MAX_RUNS} runs")))
    }

    /// The advisories that cover each exact package, in the same order.
    pub async fn advisories(&self, ids: &[PackageId], now: Timestamp) -> Vec<AdvisorySnapshot> {
        advisories::ask(&self.http, &self.config.npm_registry, ids, now).await
    }

    /// Packuments by name; a registry that fails for one of them is an error.
    async fn packuments(&self, names: impl Iterator<Item = &str>, full: bool) -> Result<Packages, ResolveError> {
        use futures::StreamExt as _;
        let names: std::collections::BTreeSet<String> = names.map(str::to_owned).collect();
        if names.len() > crawl::MAX_PACKAGES {
            return Err(ResolveError::Resolver(format!("got more than {} packages", crawl::MAX_PACKAGES)));
        }
        let asked = futures::stream::iter(names)
            .map(|name| async move {
                let known = self.registry.packument(&name, full).await;
                (name, known)
            })
            .buffer_unordered(48);
        let known: Vec<(String, Known)> = asked.collect().await;
        let failed = known.iter().find_map(|(_, known)| match known {
            Known::Failed(error) => Some(error.clone()),
            _ => None,
        });
        match failed {
            Some(error) => Err(error.into()),
            None => Ok(known.into_iter().collect()),
        }
    }
}

const fn version(major: u64, minor: u64, patch: u64) -> Version {
    Version { major, minor, patch, pre: deno_semver::CowVec::new(), build: deno_semver::CowVec::new() }
}
