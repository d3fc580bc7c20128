//! From exact packages and edges to the graph: depths, parents, order.

use std::collections::VecDeque;

use sigma_core::{Depth, ExpectedDigest, Graph, Location, PackageId, Parent, Release, ResolvedPackage, Unresolved};

use crate::HttpError;

/// Why a manifest could not be resolved at all. What concerns single packages is in [`Graph::unresolved`] instead.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// The ecosystem did not answer.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The resolver stopped for a reason that is not the project's.
    #[error("the resolver stopped: {0}")]
    Resolver(String),
}

/// One exact package, before its place in the graph is known.
#[derive(Debug, Clone)]
pub(crate) struct Exact {
    pub id: PackageId,
    pub pinned: Vec<ExpectedDigest>,
    pub release: Release,
}

/// Who depends on whom, as indices into the exact packages.
#[derive(Debug, Clone)]
pub(crate) struct Edge {
    /// `None` is the project.
    pub from: Option<usize>,
    pub to: usize,
    /// The spec as the parent declares it.
    pub spec: String,
    /// Where the project declares it.
    pub at: Option<Location>,
}

/// Computes each package's shortest distance from the project (cycles are harmless), collects its parents, and sorts.
/// Packages that no edge reaches from the project are left out: nothing installs them. The same id may occur several
/// times in `exact` (npm installs copies); copies are merged.
pub(crate) fn assemble(exact: Vec<Exact>, edges: &[Edge], unresolved: Vec<Unresolved>, excluded: Vec<String>) -> Graph {
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); exact.len()];
    let mut levels: Vec<Option<usize>> = vec![None; exact.len()];
    let mut queue = VecDeque::new();
    for edge in edges {
        match edge.from {
            Some(from) => children[from].push(edge.to),
            None if levels[edge.to].is_none() => {
                levels[edge.to] = Some(0);
                queue.push_back((edge.to, 0));
            }
            None => {}
        }
    }
    while let Some((at, level)) = queue.pop_front() {
        for &child in &children[at] {
            if levels[child].is_none() {
                levels[child] = Some(level + 1);
                queue.push_back((child, level + 1));
            }
        }
    }
    let mut parents: Vec<Vec<Parent>> = vec![Vec::new(); exact.len()];
    for edge in edges {
        let reached = edge.from.is_none_or(|from| levels[from].is_some());
        if reached {
            parents[edge.to].push(Parent {
                package: edge.from.map(|from| exact[from].id.clone()),
                spec: edge.spec.clone(),
                at: edge.at.clone(),
            });
        }
    }
    let mut packages: Vec<ResolvedPackage> = exact
        .into_iter()
        .zip(levels)
        .zip(parents)
        .filter_map(|((exact, level), parents)| {
            let depth = Depth::from_level(level?);
            Some(ResolvedPackage { id: exact.id, depth, parents, pinned: exact.pinned, release: exact.release })
        })
        .collect();
    packages.sort_by(|a, b| (&a.id, a.depth).cmp(&(&b.id, b.depth)));
    packages.dedup_by(|copy, kept| {
        let same = copy.id == kept.id;
        if same {
            kept.parents.append(&mut copy.parents);
            kept.pinned.append(&mut copy.pinned);
        }
        same
    });
    for package in &mut packages {
        package.parents.sort();
        package.parents.dedup();
        package.pinned.sort();
        package.pinned.dedup();
    }
    packages.sort_by(|a, b| (a.depth, &a.id).cmp(&(b.depth, &b.id)));
    Graph { packages, unresolved, excluded }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(name: &str) -> Exact {
        let release = Release {
            distributions: Vec::new(),
            unread: Vec::new(),
            yanked: None,
            deprecated: None,
            people: sigma_core::People::default(),
        };
        Exact { id: format!("npm:{name}").parse().unwrap(), pinned: Vec::new(), release }
    }

    fn edge(from: Option<usize>, to: usize) -> Edge {
        Edge { from, to, spec: "^1".to_owned(), at: None }
    }

    #[test]
    fn depth_is_the_shortest_way_and_cycles_and_copies_are_harmless() {
        let packages = ["a@1.0.0", "b@1.0.0", "c@1.0.0", "d@1.0.0", "e@1.0.0", "f@1.0.0", "b@1.0.0", "lost@1.0.0"];
        let edges = [
            edge(None, 0),
            edge(Some(0), 1),
            edge(Some(1), 2),
            edge(Some(2), 3),
            edge(Some(3), 4),
            edge(Some(4), 5),
            edge(Some(2), 0),
            edge(None, 6),
            edge(Some(7), 3),
        ];
        let graph = assemble(packages.map(exact).to_vec(), &edges, Vec::new(), Vec::new());
        let lines: Vec<String> = graph
            .packages
            .iter()
            .map(|package| {
                let parents: Vec<String> = package
                    .parents
                    .iter()
                    .map(|parent| parent.package.as_ref().map_or("project".to_owned(), |id| id.name().to_string()))
                    .collect();
                format!("{} {} < {}", package.id, package.depth, parents.join(" "))
            })
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        npm:a@1.0.0 DIRECT < project c
        npm:b@1.0.0 DIRECT < project a
        npm:c@1.0.0 TRANSITIVE_L2 < b
        npm:d@1.0.0 TRANSITIVE_L3 < c
        npm:e@1.0.0 BEYOND_L3 < d
        npm:f@1.0.0 BEYOND_L3 < e
        ");
    }
}
