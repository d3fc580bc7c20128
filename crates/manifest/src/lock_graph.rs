//! A locked graph while it is being read: packages and edges come in; what the project needs, and in which role, goes
//! out. Roles are worked out from the edges and not taken from the lockfile's own flags, which anybody can edit.

use std::collections::HashSet;

use sigma_core::{Location, LockedEdge, LockedPackage, ManifestSource};

use super::ManifestError;
use super::draft::Draft;

/// Most edges in one lockfile. A million: it bounds memory; the largest known lockfiles have about 60,000.
const MOST_EDGES: usize = 1_000_000;

/// What an edge makes of the package that it leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// Always installed.
    Required,
    /// May be left out: optional, or under a marker.
    Optional,
    /// For development only.
    Dev,
}

/// An edge with its role.
pub(super) struct Edge {
    pub from: Option<usize>,
    pub to: usize,
    pub spec: String,
    pub marker: Option<String>,
    pub need: Need,
}

/// The graph so far.
#[derive(Default)]
pub(super) struct LockGraph {
    pub packages: Vec<LockedPackage>,
    edges: Vec<Edge>,
}

impl LockGraph {
    /// Adds an edge; an error beyond a million of them.
    pub fn connect(&mut self, edge: Edge, at: &Location) -> Result<(), ManifestError> {
        if self.edges.len() >= MOST_EDGES {
            return Err(ManifestError::TooManyEntries { at: at.clone(), limit: MOST_EDGES });
        }
        self.edges.push(edge);
        Ok(())
    }

    /// Works out the roles, leaves out what only development needs unless it is asked for, and ties packages that
    /// nothing leads to to the project, so that they are looked at all the same. A package whose `dev` is set on entry
    /// is one that the lockfile marks so; it is believed only for packages that nothing leads to.
    pub fn finish(mut self, include_dev: bool, draft: &mut Draft, at: Location) -> ManifestSource {
        let required = self.reachable(|edge| edge.need == Need::Required);
        let needed = self.reachable(|edge| edge.need != Need::Dev);
        let known = self.reachable(|_| true);
        let mut kept: Vec<Option<usize>> = Vec::with_capacity(self.packages.len());
        let mut packages = Vec::new();
        let mut left_out = 0usize;
        for (index, mut package) in self.packages.drain(..).enumerate() {
            let marked_dev = package.dev;
            package.dev = !needed[index] && (known[index] || marked_dev);
            package.optional = !required[index];
            if package.dev && !include_dev {
                left_out += 1;
                kept.push(None);
                continue;
            }
            if marked_dev && needed[index] {
                let message = format!("{} is marked for development but the project needs it", package.id);
                draft.problem(message, package.at.clone());
            }
            if !known[index] {
                package.optional = false;
                draft.problem(format!("nothing in the lockfile leads to {}; kept", package.id), package.at.clone());
                let spec = format!("=={}", package.id.version());
                self.edges.push(Edge { from: None, to: index, spec, marker: None, need: Need::Required });
            }
            kept.push(Some(packages.len()));
            packages.push(package);
        }
        if left_out > 0 {
            draft.problem(format!("{left_out} packages needed for development only were not read"), at);
        }
        let mut seen = HashSet::new();
        let mut edges = Vec::new();
        for edge in self.edges {
            let from = match edge.from {
                None => None,
                Some(from) => match kept[from] {
                    Some(from) => Some(from),
                    None => continue,
                },
            };
            let Some(to) = kept[edge.to] else { continue };
            if edge.need == Need::Dev && !include_dev {
                continue;
            }
            if seen.insert((from, to, edge.spec.clone(), edge.marker.clone())) {
                edges.push(LockedEdge { from, to, spec: edge.spec, marker: edge.marker });
            }
        }
        ManifestSource::Locked { packages, edges }
    }

    /// Which packages the project reaches over edges that `follow` accepts.
    fn reachable(&self, follow: impl Fn(&Edge) -> bool) -> Vec<bool> {
        let mut next: Vec<Vec<usize>> = vec![Vec::new(); self.packages.len()];
        let mut queue = Vec::new();
        for edge in self.edges.iter().filter(|edge| follow(edge)) {
            match edge.from {
                Some(from) => next[from].push(edge.to),
                None => queue.push(edge.to),
            }
        }
        let mut reached = vec![false; self.packages.len()];
        while let Some(index) = queue.pop() {
            if !std::mem::replace(&mut reached[index], true) {
                queue.extend(&next[index]);
            }
        }
        reached
    }
}
