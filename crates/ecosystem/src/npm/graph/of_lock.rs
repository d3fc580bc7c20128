//! The graph of a lockfile.
//!
//! In: locked packages and edges, and what the registry says about them. Out: [`Graph`]. A version that the registry does
//! not publish is unresolved, whatever the lockfile says.

use std::collections::HashMap;

use sigma_core::{
    Declared, Ecosystem, Graph, Location, LockedEdge, LockedPackage, PackageId, Parent, Platform, Unresolved,
    UnresolvedReason, printable,
};

use super::super::packument::{Known, Listed, Packages};
use super::super::platform::unsuitable;
use super::super::release::release;
use super::{Candidate, Parts, SHOWN_SPEC, sorted};
use crate::resolve::{Edge, Exact};

/// The graph of a lockfile.
pub(in crate::npm) fn of_lock(
    locked: &[LockedPackage],
    locked_edges: &[LockedEdge],
    declared: &[Declared],
    packages: &Packages,
    platform: Platform,
) -> Graph {
    let mut parts = Parts::default();
    let mut index: HashMap<usize, usize> = HashMap::new();
    let parents_of = |at: usize| {
        let edges = locked_edges.iter().filter(|edge| edge.to == at);
        sorted(edges.map(|edge| Parent {
            package: edge.from.and_then(|from| locked.get(from)).map(|from| from.id.clone()),
            spec: printable(&edge.spec, SHOWN_SPEC),
            at: edge.from.is_none().then(|| declared_at(declared, &locked[at].id)).flatten(),
        }))
    };
    for (at, package) in locked.iter().enumerate() {
        let unresolved = |reason, detail| Unresolved {
            ecosystem: Ecosystem::Npm,
            name: package.id.name().to_string(),
            spec: package.id.version().to_owned(),
            reason,
            detail,
            parents: parents_of(at),
        };
        let name = package.id.name().as_str();
        let Some(Known::Packument(packument)) = packages.get(name) else {
            let detail = format!("npm knows no package {name}");
            parts.unresolved.push(unresolved(UnresolvedReason::UnknownPackage, detail));
            continue;
        };
        let Some(published) = packument.version(package.id.version()).map(Listed::read) else {
            let detail = format!("{name} has no published version {}", package.id.version());
            parts.unresolved.push(unresolved(UnresolvedReason::NoMatchingVersion, detail));
            continue;
        };
        let release = match release(published) {
            Ok(release) => release,
            Err(detail) => {
                parts.unresolved.push(unresolved(UnresolvedReason::NoDistribution, detail));
                continue;
            }
        };
        let why = unsuitable(published, platform);
        if let (Some(why), false) = (&why, package.optional) {
            let detail = format!("it is not made for {platform}: {why}");
            parts.unresolved.push(unresolved(UnresolvedReason::NoDistribution, detail));
        }
        index.insert(at, parts.candidates.len());
        parts.candidates.push(Candidate {
            exact: Exact { id: package.id.clone(), pinned: package.pinned.clone(), release },
            left_out: why.filter(|_| package.optional),
        });
        parts.bundled.push(Vec::new());
    }
    for edge in locked_edges {
        let from = edge.from.map(|from| index.get(&from).copied());
        let (Some(&to), false) = (index.get(&edge.to), from == Some(None)) else { continue };
        let at = edge.from.is_none().then(|| declared_at(declared, &parts.candidates[to].exact.id)).flatten();
        parts.edges.push(Edge { from: from.flatten(), to, spec: printable(&edge.spec, SHOWN_SPEC), at });
    }
    parts.settle()
}

fn declared_at(declared: &[Declared], id: &PackageId) -> Option<Location> {
    declared.iter().find(|declared| declared.name == *id.name()).map(|declared| declared.at.clone())
}
