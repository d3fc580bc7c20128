//! Ranges to exact versions: uv's resolver, asked again without what cannot be had, until it has an answer.
//!
//! In: a manifest of ranges. Out: a [`Graph`]. What fails for one package becomes an [`Unresolved`] with the parents
//! that ask for it; what fails because of the index is an error, because then nothing is known.

mod obstacle;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sigma_core::{Declared, Ecosystem, Graph, PackageId, Parent, Release, Unresolved, UnresolvedReason};
use uv_configuration::{Concurrency, Constraints, ExcludeDependency, Excludes, Overrides};
use uv_distribution::{DistributionDatabase, Metadata};
use uv_distribution_types::{BuiltDist, Dist, Name as _, Requirement, Resolution, ResolvedDist, SourceDist};
use uv_normalize::PackageName;
use uv_pep440::Version;
use uv_pypi_types::{Conflicts, ResolverMarkerEnvironment};
use uv_resolver::{
    AllowedYanks, DefaultResolverProvider, DependencyMode, Exclusions, FlatIndex, InMemoryIndex, Manifest,
    OptionsBuilder, Preferences, Prerelease, PrereleaseMode, Resolver, ResolverEnvironment,
};
use uv_types::{BuildContext as _, EmptyInstalledPackages, HashStrategy};

use super::context::Context;
use super::environment::Environment;
use super::failure;
use super::index::Index;
use super::provider::{Provider, Seen};
use super::release::{Files, Unusable};
use super::requirement;
use super::sdist::Sdists;
use super::walk::{self, Root};
use crate::ResolveError;
use crate::resolve::{Edge, Exact, assemble};
use obstacle::Obstacle;

/// Runs of the resolver for one manifest. Each removes something that cannot be had, so that ordinary mistakes need two
/// or three; beyond the limit the rest is disclosed as unresolved.
const MAX_RUNS: usize = 32;

/// A declaration that the target needs.
struct Wanted<'a> {
    declared: &'a Declared,
    requirement: Requirement,
}

/// What is left out of the next run.
#[derive(Default)]
struct Given<'a> {
    /// Names that nothing may depend on any more, and why.
    names: BTreeMap<PackageName, (UnresolvedReason, String)>,
    /// Declarations that were dropped as a whole.
    unresolved: Vec<Unresolved>,
    wanted: Vec<Wanted<'a>>,
}

/// One resolution.
pub(super) struct Ranges<'a> {
    pub index: &'a Index,
    pub sdists: &'a Sdists,
    pub environment: &'a Environment,
    pub constraints: &'a [String],
    pub pre_releases: bool,
}

impl Ranges<'_> {
    /// Resolves the declarations.
    pub async fn resolve(&self, declared: &[Declared]) -> Result<Graph, ResolveError> {
        let mut excluded = BTreeSet::new();
        let mut given = Given::default();
        for declared in declared {
            match requirement::of_declared(declared) {
                Ok(requirement) if requirement.evaluate_markers(Some(&self.environment.markers), &[]) => {
                    given.wanted.push(Wanted { declared, requirement });
                }
                Ok(_) => {
                    excluded.insert(requirement::excluded(declared, &self.environment.target));
                }
                Err(why) => given.unresolved.push(unresolved(&[declared], UnresolvedReason::NoMatchingVersion, why)),
            }
        }
        let constraints = requirement::constraints(self.constraints)?;
        let seen = Arc::new(Seen::default());
        let mut runs = 0;
        loop {
            if given.wanted.is_empty() {
                return Ok(finished(Vec::new(), &[], given.unresolved, excluded));
            }
            match self.run(&given, &constraints, &seen).await {
                Ok(resolution) => return self.graph(&resolution, given, excluded, &seen),
                Err(error) => {
                    let obstacle = self.obstacle(error, &given, &seen).await?;
                    runs += 1;
                    given.step(obstacle, runs >= MAX_RUNS);
                }
            }
        }
    }

    /// One run of uv's resolver.
    async fn run(
        &self,
        given: &Given<'_>,
        constraints: &[Requirement],
        seen: &Arc<Seen>,
    ) -> Result<Resolution, Box<uv_resolver::ResolveError>> {
        let requirements: Vec<_> = given.wanted.iter().map(|wanted| wanted.requirement.clone()).collect();
        let manifest = Manifest::new(
            requirements,
            Constraints::from_requirements(constraints.iter().cloned()),
            Overrides::default(),
            Excludes::from_entries(given.names.keys().cloned().map(ExcludeDependency::Dependency)),
            Preferences::default(),
            None,
            BTreeSet::new(),
            Exclusions::default(),
            Vec::new(),
        );
        let mut options = OptionsBuilder::new();
        if self.pre_releases {
            options = options.prerelease(Prerelease { global: PrereleaseMode::Allow, ..Prerelease::default() });
        }
        let options = options.build();
        let markers = &self.environment.markers;
        let resolver_environment = ResolverEnvironment::specific(ResolverMarkerEnvironment::from(markers.clone()));
        let python = self.environment.python_requirement();
        let context = Context::new(self.index.cache.clone(), self.index.locations.clone());
        let (flat, memory, hashes) = (FlatIndex::default(), InMemoryIndex::default(), HashStrategy::default());
        let downloads = Concurrency::default().downloads_semaphore;
        let uv = DefaultResolverProvider::new(
            DistributionDatabase::new(&self.index.client, &context, downloads),
            &flat,
            Some(&self.environment.tags),
            &self.environment.requires_python,
            AllowedYanks::from_manifest(&manifest, &resolver_environment, DependencyMode::Transitive),
            &hashes,
            options.exclude_newer.clone(),
            context.locations(),
            context.build_options(),
            context.capabilities(),
        );
        let provider = Provider {
            uv,
            client: &self.index.client,
            capabilities: context.capabilities(),
            sdists: self.sdists,
            seen: seen.clone(),
        };
        let resolver = Resolver::new_custom_io(
            manifest,
            options,
            &hashes,
            resolver_environment,
            markers,
            Some(self.environment.tags.clone()),
            &python,
            Conflicts::empty(),
            &memory,
            context.git(),
            context.capabilities(),
            context.locations(),
            provider,
            EmptyInstalledPackages,
        );
        resolver.resolve().await.map(Resolution::from).map_err(Box::new)
    }

    /// From uv's answer to the graph.
    fn graph(
        &self,
        resolution: &Resolution,
        given: Given<'_>,
        mut excluded: BTreeSet<String>,
        seen: &Seen,
    ) -> Result<Graph, ResolveError> {
        let Given { names, mut unresolved, wanted } = given;
        let mut chosen: BTreeMap<PackageName, (Version, Files)> = BTreeMap::new();
        for dist in resolution.distributions() {
            let ResolvedDist::Installable { dist, .. } = dist else { continue };
            let (Some(version), Some(files)) = (dist.version(), files(dist)) else {
                return Err(ResolveError::Resolver(format!("{} is not from the index", dist.name())));
            };
            chosen.insert(dist.name().clone(), (version.clone(), files));
        }
        let mut resolved = BTreeMap::new();
        let mut metadata: Vec<Arc<Metadata>> = Vec::new();
        let mut packages: Vec<(PackageId, Result<Release, Unusable>)> = Vec::new();
        let seen = seen.lock();
        for (name, (version, files)) in &chosen {
            let lost = || ResolveError::Resolver(format!("the metadata of {name} {version} was not kept"));
            metadata.push(seen.metadata.get(&(name.clone(), version.clone())).cloned().ok_or_else(lost)?);
            packages.push((requirement::id(name, version)?, files.release(self.environment)));
            resolved.insert(name.clone(), packages.len() - 1);
            if let Some(origin) = seen.guessed.get(&(name.clone(), version.clone())) {
                excluded.insert(format!(
                    "further dependencies of {name} {version} (it is only a source distribution, never run here; those \
                     known are from its {origin} and may be incomplete)"
                ));
            }
        }
        let roots: Vec<Root<'_>> = wanted
            .iter()
            .map(|wanted| Root {
                requirement: &wanted.requirement,
                spec: &wanted.declared.spec,
                at: &wanted.declared.at,
            })
            .collect();
        let walk = walk::walk(&roots, &resolved, &metadata, &self.environment.markers);
        excluded.extend(walk.excluded);
        for (name, parents) in walk.missing {
            let (reason, detail) = names.get(&name).cloned().ok_or_else(|| {
                ResolveError::Resolver(format!("{name} is required, but uv's answer does not hold it"))
            })?;
            let parents: Vec<Parent> = parents
                .into_iter()
                .map(|(from, parent)| Parent { package: from.map(|from| packages[from].0.clone()), ..parent })
                .collect();
            unresolved.push(one_unresolved(&name, reason, detail, parents));
        }
        let mut exact = Vec::new();
        for (id, release) in packages {
            let release = release.map_err(|why| ResolveError::Resolver(format!("uv chose {id}, but {why}")))?;
            let same = wanted.iter().filter(|wanted| wanted.declared.name == *id.name());
            let pinned = same.flat_map(|wanted| wanted.declared.pinned.iter().cloned()).collect();
            exact.push(Exact { id, pinned, release });
        }
        Ok(finished(exact, &walk.edges, unresolved, excluded))
    }
}

impl<'a> Given<'a> {
    /// Leaves out what stands in the way; on the last run, everything.
    fn step(&mut self, obstacle: Obstacle, last: bool) {
        let conflict = match obstacle {
            Obstacle::Names(names) => {
                // A name that was left out before and still fails would never end.
                let new = names.iter().any(|(name, ..)| !self.names.contains_key(name));
                let detail = names.iter().map(|(_, _, detail)| detail.as_str()).collect::<Vec<_>>().join("\n");
                for (name, reason, detail) in names {
                    self.names.entry(name).or_insert((reason, detail));
                }
                (!new).then(|| (BTreeSet::new(), detail))
            }
            Obstacle::Conflict(names, detail) => Some((names, detail)),
        };
        if let Some((names, detail)) = conflict {
            let all = std::mem::take(&mut self.wanted);
            let (mut dropped, kept): (Vec<_>, Vec<_>) =
                all.into_iter().partition(|wanted| names.contains(&wanted.requirement.name));
            // A proof always reaches the project; should it not, everything is in doubt.
            if dropped.is_empty() {
                dropped = kept;
            } else {
                self.wanted = kept;
            }
            let declared: Vec<_> = dropped.iter().map(|wanted| wanted.declared).collect();
            self.unresolved.push(unresolved(&declared, UnresolvedReason::Conflict, detail));
        }
        // Declarations of names that cannot be had are dropped here, and reported with their places.
        let names = &self.names;
        let all = std::mem::take(&mut self.wanted);
        let (dropped, kept): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|wanted| names.contains_key(&wanted.requirement.name));
        for wanted in dropped {
            let (reason, detail) = &names[&wanted.requirement.name];
            self.unresolved.push(unresolved(&[wanted.declared], *reason, detail.clone()));
        }
        self.wanted = kept;
        if last && !self.wanted.is_empty() {
            let detail = format!("not resolved: after {MAX_RUNS} attempts there was still something to leave out");
            let declared: Vec<_> = self.wanted.drain(..).map(|wanted| wanted.declared).collect();
            self.unresolved.push(unresolved(&declared, UnresolvedReason::Conflict, detail));
        }
    }
}

/// The graph, in an order that depends on nothing but its content.
fn finished(exact: Vec<Exact>, edges: &[Edge], mut unresolved: Vec<Unresolved>, excluded: BTreeSet<String>) -> Graph {
    unresolved.sort_by(|a, b| (&a.name, &a.parents, a.reason).cmp(&(&b.name, &b.parents, b.reason)));
    assemble(exact, edges, unresolved, excluded.into_iter().collect())
}

/// The files of what uv chose, the others of the version too.
fn files(dist: &Dist) -> Option<Files> {
    let (wheels, sdist) = match dist {
        Dist::Built(BuiltDist::Registry(built)) => (&built.wheels, built.sdist.as_ref()),
        Dist::Source(SourceDist::Registry(source)) => (&source.wheels, Some(source)),
        _ => return None,
    };
    let wheels = wheels.iter().map(|wheel| (wheel.filename.clone(), (*wheel.file).clone())).collect();
    let sdists = sdist.map(|sdist| {
        let name = uv_distribution_filename::SourceDistFilename {
            name: sdist.name.clone(),
            version: sdist.version.clone(),
            extension: sdist.ext,
        };
        (name, (*sdist.file).clone())
    });
    Some(Files { wheels, sdists: sdists.into_iter().collect() })
}

/// One entry for declarations that fail together.
fn unresolved(declared: &[&Declared], reason: UnresolvedReason, detail: String) -> Unresolved {
    let parent = |one: &&Declared| Parent { package: None, spec: one.spec.clone(), at: Some(one.at.clone()) };
    let join = |texts: Vec<&str>| {
        let mut texts = texts;
        texts.dedup();
        failure::line(&texts.join(", "))
    };
    Unresolved {
        ecosystem: Ecosystem::Pypi,
        name: join(declared.iter().map(|one| one.name.as_str()).collect()),
        spec: join(declared.iter().map(|one| one.spec.as_str()).collect()),
        reason,
        detail,
        parents: declared.iter().map(parent).collect(),
    }
}

/// One entry for a name, with everyone who asks for it.
fn one_unresolved(
    name: &PackageName,
    reason: UnresolvedReason,
    detail: String,
    mut parents: Vec<Parent>,
) -> Unresolved {
    parents.sort();
    parents.dedup();
    let specs: BTreeSet<&str> = parents.iter().map(|parent| parent.spec.as_str()).collect();
    let spec = failure::line(&specs.into_iter().collect::<Vec<_>>().join(", "));
    Unresolved { ecosystem: Ecosystem::Pypi, name: name.to_string(), spec, reason, detail, parents }
}
