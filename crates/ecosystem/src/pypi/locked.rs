//! A lockfile's exact versions to a graph: markers are evaluated for the target, releases are looked up in the index.
//!
//! In: locked packages and edges. Out: a [`Graph`]. No version is ever chosen here: what the lockfile says and the index
//! does not have is unresolved.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt as _, TryStreamExt as _};
use sigma_core::{Declared, Ecosystem, Graph, Location, LockedEdge, LockedPackage, Parent, Unresolved};

use super::environment::Environment;
use super::index::Index;
use super::lookup::{ReleaseError, release};
use super::{failure, requirement};
use crate::ResolveError;
use crate::resolve::{Edge, Exact, assemble};

/// Looks up everything that the lockfile installs on the target.
pub(super) async fn resolve(
    index: &Index,
    environment: &Environment,
    parallel: usize,
    declared: &[Declared],
    packages: &[LockedPackage],
    edges: &[LockedEdge],
) -> Result<Graph, ResolveError> {
    let mut excluded = BTreeSet::new();
    // A marker that cannot be read keeps its package: rather one package too many looked at than one too few.
    let holds = |text: &Option<String>| {
        let tree = text.as_deref().and_then(|text| requirement::read_marker(text).ok());
        tree.is_none_or(|tree| tree.evaluate(&environment.markers, &[]))
    };
    let kept: Vec<bool> = packages.iter().map(|package| holds(&package.marker)).collect();
    let valid = |edge: &&LockedEdge| edge.to < packages.len() && edge.from.is_none_or(|from| from < packages.len());
    let (live, dead): (Vec<_>, Vec<_>) = edges
        .iter()
        .filter(valid)
        .partition(|edge| kept[edge.to] && edge.from.is_none_or(|from| kept[from]) && holds(&edge.marker));
    let reached = reached(packages.len(), &live);
    for (at, package) in packages.iter().enumerate().filter(|(at, _)| !reached[*at]) {
        let markers = dead.iter().filter(|edge| edge.to == at).filter_map(|edge| edge.marker.as_deref());
        let marker = package.marker.as_deref().into_iter().chain(markers).next();
        let why = marker.map_or("nothing installed".to_owned(), |marker| format!("only if {marker}, not"));
        let (id, target) = (&package.id, environment.target);
        let why = if marker.is_some() { format!("{why} for {target}") } else { format!("{why} needs it for {target}") };
        excluded.insert(failure::line(&format!("{} =={} ({why})", id.name(), id.version())));
    }
    let looked_up: Vec<(usize, Result<_, ReleaseError>)> =
        futures::stream::iter((0..packages.len()).filter(|at| reached[*at]))
            .map(|at| async move {
                match release(index, environment, &packages[at].id).await {
                    Err(ReleaseError::Http(error)) => Err(ResolveError::Http(error)),
                    answer => Ok((at, answer)),
                }
            })
            .buffered(parallel.max(1))
            .try_collect()
            .await?;
    let parent = |edge: &LockedEdge| Parent {
        package: edge.from.map(|from| packages[from].id.clone()),
        spec: edge.spec.clone(),
        at: edge.from.is_none().then(|| place(declared, &packages[edge.to])),
    };
    let mut exact = Vec::new();
    let mut unresolved = Vec::new();
    let mut moved: BTreeMap<usize, usize> = BTreeMap::new();
    for (at, answer) in looked_up {
        let package = &packages[at];
        match answer {
            Ok(release) => {
                moved.insert(at, exact.len());
                exact.push(Exact { id: package.id.clone(), pinned: package.pinned.clone(), release });
            }
            Err(error) => {
                let mut parents: Vec<_> = live.iter().filter(|edge| edge.to == at).map(|edge| parent(edge)).collect();
                parents.sort();
                unresolved.push(Unresolved {
                    ecosystem: Ecosystem::Pypi,
                    name: package.id.name().to_string(),
                    spec: format!("=={}", package.id.version()),
                    reason: error.reason(),
                    detail: failure::detail(&error.to_string()),
                    parents,
                });
            }
        }
    }
    let mut graph_edges = Vec::new();
    for edge in &live {
        let (Some(&to), from) = (moved.get(&edge.to), edge.from.map(|from| moved.get(&from).copied())) else {
            continue;
        };
        // A parent that has no release cannot be in the graph. What it needs is kept all the same, as the project's:
        // it would be installed, so it must not go unseen.
        let from = from.flatten();
        let Parent { spec, .. } = parent(edge);
        let at = from.is_none().then(|| place(declared, &packages[edge.to]));
        graph_edges.push(Edge { from, to, spec, at });
    }
    unresolved.sort_by(|a, b| (&a.name, &a.spec).cmp(&(&b.name, &b.spec)));
    Ok(assemble(exact, &graph_edges, unresolved, excluded.into_iter().collect()))
}

/// Which packages the project reaches over the edges.
pub(crate) fn reached(count: usize, edges: &[&LockedEdge]) -> Vec<bool> {
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); count];
    let mut reached = vec![false; count];
    let mut queue = Vec::new();
    for edge in edges {
        match edge.from {
            Some(from) => children[from].push(edge.to),
            None => queue.push(edge.to),
        }
    }
    while let Some(at) = queue.pop() {
        if !std::mem::replace(&mut reached[at], true) {
            queue.extend(&children[at]);
        }
    }
    reached
}

/// Where the project declares the package; where only the lockfile names it, that line.
fn place(declared: &[Declared], package: &LockedPackage) -> Location {
    let declared = declared.iter().find(|declared| declared.name == *package.id.name());
    declared.map_or(&package.at, |declared| &declared.at).clone()
}
