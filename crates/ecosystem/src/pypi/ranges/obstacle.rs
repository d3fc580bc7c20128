//! Why one run of uv's resolver failed, and what has to be left out of the next.
//!
//! In: uv's error, and what its provider saw. Out: an [`Obstacle`]; the index's own failures are errors, because then nothing
//! is known.

use std::collections::{BTreeMap, BTreeSet};

use sigma_core::UnresolvedReason;
use uv_distribution_types::{Name as _, RequestedDist, Requirement, RequirementSource};
use uv_normalize::PackageName;
use uv_pep440::Version;
use uv_resolver::NoSolutionError;

use super::super::failure;
use super::super::provider::Seen;
use super::super::release::{Files, Unusable};
use super::super::sdist::SdistError;
use super::super::walk;
use super::{Given, Ranges};
use crate::ResolveError;

/// Why one run failed, when it was not the index.
pub(super) enum Obstacle {
    /// These names cannot be had, whoever asks for them.
    Names(Vec<(PackageName, UnresolvedReason, String)>),
    /// These packages cannot be had together.
    Conflict(BTreeSet<PackageName>, String),
}

impl Ranges<'_> {
    /// Sorts a failure of uv's: the index's ends everything, the rest is about packages.
    pub(super) async fn obstacle(
        &self,
        error: Box<uv_resolver::ResolveError>,
        given: &Given<'_>,
        seen: &Seen,
    ) -> Result<Obstacle, ResolveError> {
        use uv_resolver::ResolveError as Uv;
        let mut error = *error;
        // uv wraps one of these per level of the graph.
        while let Uv::Dependencies(inner, ..) = error {
            error = *inner;
        }
        let one = |name: PackageName, reason, detail: String| Ok(Obstacle::Names(vec![(name, reason, detail)]));
        match error {
            Uv::Client(error) => Err(failure::of_client(&error).into()),
            Uv::Distribution(error) => Err(match failure::of_distribution(&error) {
                Some(error) => error.into(),
                None => ResolveError::Resolver(failure::causes(&error)),
            }),
            Uv::Dist(_, dist, _, cause) => self.unreadable(&dist, &cause, seen),
            Uv::DisallowedUrl { name, url } => {
                let url = url.parse().map_or_else(|_| failure::line(&url), |url| crate::http::shown(&url));
                let detail = format!("it is required by the address {url}; only packages of the index are read");
                one(name, UnresolvedReason::NoDistribution, detail)
            }
            Uv::NoSolution(error) => self.unsolvable(&error, given, seen).await,
            other => Err(ResolveError::Resolver(failure::causes(&other))),
        }
    }

    /// One distribution gave no metadata.
    fn unreadable(
        &self,
        dist: &RequestedDist,
        cause: &uv_distribution::Error,
        seen: &Seen,
    ) -> Result<Obstacle, ResolveError> {
        let name = dist.name().clone();
        let ours = match dist {
            RequestedDist::Installable(dist) => {
                dist.version().and_then(|version| seen.lock().failed.get(&(name.clone(), version.clone())).cloned())
            }
            RequestedDist::Installed(_) => None,
        };
        let http = match &ours {
            Some(SdistError::Http(error)) => Some(error.clone()),
            Some(_) => None,
            None => failure::of_distribution(cause),
        };
        let detail = match (http, ours) {
            (Some(error), _) if !failure::is_about_the_file(&error) => return Err(error.into()),
            (Some(error), _) => error.to_string(),
            (None, Some(error)) => error.to_string(),
            (None, None) => failure::causes(cause),
        };
        Ok(Obstacle::Names(vec![(name, UnresolvedReason::NoDistribution, detail)]))
    }

    /// uv proved that there is no solution: find out who is to blame.
    async fn unsolvable(
        &self,
        error: &NoSolutionError,
        given: &Given<'_>,
        seen: &Seen,
    ) -> Result<Obstacle, ResolveError> {
        let names: BTreeSet<PackageName> = error.packages().cloned().collect();
        let unknown: Vec<_> = seen.lock().unknown.intersection(&names).cloned().collect();
        if !unknown.is_empty() {
            let reason = UnresolvedReason::UnknownPackage;
            let blame = |name: PackageName| {
                let detail = format!("the index has no package named {name}");
                (name, reason, detail)
            };
            return Ok(Obstacle::Names(unknown.into_iter().map(blame).collect()));
        }
        let explanation = failure::detail(error.report());
        let mut wanted: Vec<(PackageName, Requirement)> =
            given.wanted.iter().map(|wanted| (wanted.requirement.name.clone(), wanted.requirement.clone())).collect();
        wanted.retain(|(name, _)| names.contains(name));
        let mut blamed = self.blame(&wanted, &explanation).await?;
        if blamed.is_empty() {
            blamed = self.blame(&self.inner_requirements(&names, given, seen), &explanation).await?;
        }
        Ok(match blamed.is_empty() {
            false => Obstacle::Names(blamed),
            true => Obstacle::Conflict(names, explanation),
        })
    }

    /// What packages of the proof require of other packages of the proof.
    fn inner_requirements(
        &self,
        names: &BTreeSet<PackageName>,
        given: &Given<'_>,
        seen: &Seen,
    ) -> Vec<(PackageName, Requirement)> {
        let extras: Vec<_> = given.wanted.iter().flat_map(|wanted| wanted.requirement.extras.to_vec()).collect();
        let seen = seen.lock();
        let mut found: Vec<(PackageName, Requirement)> = Vec::new();
        for ((parent, _), metadata) in &seen.metadata {
            if !names.contains(parent) {
                continue;
            }
            for requirement in &metadata.requires_dist {
                let new = || found.iter().all(|(_, known)| known != requirement);
                if names.contains(&requirement.name)
                    && requirement.evaluate_markers(Some(&self.environment.markers), &extras)
                    && found.len() < 1000
                    && new()
                {
                    found.push((requirement.name.clone(), requirement.clone()));
                }
            }
        }
        found
    }

    /// The requirements that no usable version meets, whatever the others say.
    async fn blame(
        &self,
        requirements: &[(PackageName, Requirement)],
        explanation: &str,
    ) -> Result<Vec<(PackageName, UnresolvedReason, String)>, ResolveError> {
        let mut blamed: BTreeMap<PackageName, (UnresolvedReason, String)> = BTreeMap::new();
        let mut listed: BTreeMap<&PackageName, Vec<(Version, Files)>> = BTreeMap::new();
        for (name, requirement) in requirements {
            let RequirementSource::Registry { specifier, .. } = &requirement.source else { continue };
            if !listed.contains_key(name) {
                let versions = self.index.versions(name).await.map_err(ResolveError::Http)?;
                listed.insert(name, versions.unwrap_or_default());
            }
            let versions = &listed[name];
            let matching: Vec<_> = versions.iter().filter(|(version, _)| specifier.contains(version)).collect();
            let spec = walk::spec(requirement);
            let verdict = match matching.last() {
                None => {
                    let newest = versions.last().map(|(version, _)| format!("; the newest is {version}"));
                    let newest = newest.unwrap_or_else(|| "; it lists none at all".to_owned());
                    Some((UnresolvedReason::NoMatchingVersion, format!("the index lists no version {spec}{newest}")))
                }
                Some((newest, _)) => self.unusable(&matching).map(|reason| match reason {
                    None => {
                        let detail = "every version that fits is yanked; pin one with == to take it all the same";
                        (UnresolvedReason::NoMatchingVersion, detail.to_owned())
                    }
                    Some(Unusable::OtherPython(python)) => {
                        let detail = format!("{newest} requires Python {python}\n{explanation}");
                        (UnresolvedReason::NoMatchingVersion, detail)
                    }
                    Some(why) => (UnresolvedReason::NoDistribution, format!("{newest}: {why}")),
                }),
            };
            if let Some(verdict) = verdict {
                blamed.entry(name.clone()).or_insert(verdict);
            }
        }
        Ok(blamed.into_iter().map(|(name, (reason, detail))| (name, reason, detail)).collect())
    }

    /// `None` when one of the versions can be installed; otherwise what is wrong with the newest that is not yanked,
    /// or nothing in particular when all are yanked.
    fn unusable(&self, matching: &[&(Version, Files)]) -> Option<Option<Unusable>> {
        let mut newest = None;
        for (_, files) in matching.iter().rev().filter(|(_, files)| !files.yanked()) {
            match files.release(self.environment) {
                Ok(_) => return None,
                Err(why) => newest = newest.or(Some(why)),
            }
        }
        Some(newest)
    }
}
