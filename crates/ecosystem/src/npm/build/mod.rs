//! The tree that npm would install: what is missing is loaded with its peers, placed, and looked at in turn (npm's
//! `build-ideal-tree.js`).
//!
//! In: the project's declarations and the packuments. Out: a finished [`Tree`], what could not be loaded, and peer
//! conflicts. It never waits: a packument that is not there yet ends the run with [`Stop::Missing`], and the run is
//! repeated when it is.

mod conflict;
mod load;

use std::collections::{BTreeSet, HashMap, HashSet};

use sigma_core::printable;

use self::conflict::Conflict;
use self::load::Failure;
use super::need::{EdgeKind, Need};
use super::order::CollationKey;
use super::overrides::Overrides;
use super::packument::Packages;
use super::pick::Engines;
use super::place::Place;
use super::tree::{Content, EdgeId, NodeId, TooLarge, Tree};
use crate::HttpError;

/// Why a run ended without a tree.
#[derive(Debug)]
pub(super) enum Stop {
    /// This packument is needed; the spec helps to fetch ahead.
    Missing {
        name: String,
        spec: String,
    },
    /// The registry could not be asked for a package that is needed.
    Http(HttpError),
    TooLarge(TooLarge),
}

impl From<TooLarge> for Stop {
    fn from(error: TooLarge) -> Self {
        Self::TooLarge(error)
    }
}

/// One run.
pub(super) struct Builder<'a> {
    pub tree: Tree,
    pub root: NodeId,
    /// What could not be loaded; nodes refer to these by index.
    pub failures: Vec<Failure>,
    /// Where npm would stop.
    pub conflicts: Vec<Conflict>,
    packages: &'a Packages,
    engines: &'a Engines,
    needs: &'a [Need],
    /// Nodes to complete, the shallowest first, then in npm's order of paths.
    queue: BTreeSet<(usize, CollationKey, NodeId)>,
    queued: HashSet<NodeId>,
    seen: HashSet<NodeId>,
    /// The node that first brought in a peer set, for each of its members.
    brought_by: HashMap<NodeId, NodeId>,
    /// The last trial tree for each node.
    trials: HashMap<NodeId, NodeId>,
}

impl<'a> Builder<'a> {
    /// Builds the tree. `needs` are the project's own, in npm's order: peers, runtime, optional, development.
    pub(super) fn run(
        needs: &'a [Need],
        overrides: Option<Overrides>,
        packages: &'a Packages,
        engines: &'a Engines,
    ) -> Result<Self, Stop> {
        let project_specs = needs.iter().map(|need| (need.name.clone(), need.spec.clone())).collect();
        let rule = overrides.as_ref().map(Overrides::root);
        let mut tree = Tree::new(overrides, project_specs);
        let name = tree.texts.name("");
        let root = tree.add(name, Content::Project, None, rule, needs, None)?;
        let mut builder = Self {
            tree,
            root,
            failures: Vec::new(),
            conflicts: Vec::new(),
            packages,
            engines,
            needs,
            queue: BTreeSet::new(),
            queued: HashSet::new(),
            seen: HashSet::new(),
            brought_by: HashMap::new(),
            trials: HashMap::new(),
        };
        builder.check_root_overrides();
        builder.enqueue(root);
        while let Some((_, _, node)) = builder.queue.pop_first() {
            builder.queued.remove(&node);
            if builder.tree.node(node).root == root && builder.seen.insert(node) {
                builder.complete(node)?;
            }
        }
        Ok(builder)
    }

    /// npm refuses an override that contradicts the project's own declaration.
    fn check_root_overrides(&mut self) {
        for edge in self.tree.node(self.root).edges_out.clone() {
            let raw = self.tree.texts.spec_text(self.tree.edge(edge).raw_spec).to_owned();
            let detail = match self.tree.spec_of(edge) {
                None => "its override refers to a dependency that is not declared".to_owned(),
                Some(spec) if spec != raw => {
                    format!("the override to {} conflicts with the direct dependency", printable(spec, 120))
                }
                Some(_) => continue,
            };
            self.conflicts.push(Conflict { edge, detail });
        }
    }

    fn enqueue(&mut self, node: NodeId) {
        if self.queued.insert(node) {
            let key = CollationKey::new(&self.tree.location(node));
            self.queue.insert((self.tree.depth(node), key, node));
        }
    }

    /// Loads and places what a node lacks.
    fn complete(&mut self, node: NodeId) -> Result<(), Stop> {
        let mut tasks = Vec::new();
        let brought_by = self.brought_by.get(&node).copied().unwrap_or(node);
        for edge in self.problems(node) {
            if self.tree.edge(edge).peer_conflicted {
                continue;
            }
            let kind = self.tree.edge(edge).kind;
            let source = if kind.is_peer() { brought_by } else { node };
            let trial = match self.trials.get(&source) {
                Some(&trial) => trial,
                None => self.trial(source)?,
            };
            // The trial tree may already hold an answer that suits all peers.
            let tried = self.tree.edge_to_name(trial, self.tree.edge(edge).name);
            let tried = tried.filter(|&tried| self.tree.is_valid(tried)).and_then(|tried| self.tree.edge(tried).to);
            let mut dep = tried.filter(|&dep| self.tree.satisfied_by(edge, dep));
            if dep.is_none() && kind == EdgeKind::OptionalPeer {
                dep = self.find_elsewhere(self.tree.node(node).parent.unwrap_or(node), edge)?;
            }
            let dep = match dep {
                Some(dep) => dep,
                None => {
                    let parent = kind.is_peer().then_some(trial);
                    let mut required = HashSet::from([node]);
                    self.load(edge, parent, None, &mut required, 0)?
                }
            };
            tasks.push((edge, dep));
        }
        tasks.sort_by_cached_key(|(edge, _)| CollationKey::new(self.tree.texts.name_text(self.tree.edge(*edge).name)));
        for (edge, dep) in tasks {
            for placed in self.place(edge, dep)? {
                let rechecked = placed.alone == Place::Replace || placed.alone == Place::Ok;
                for id in self.tree.node(placed.node).edges_in.iter().copied().collect::<Vec<_>>() {
                    let other = self.tree.edge(id);
                    let from = other.from;
                    if rechecked && id != placed.edge && !other.peer_conflicted && !self.tree.is_valid(id) {
                        self.seen.remove(&from);
                        self.enqueue(from);
                    }
                }
                self.enqueue(placed.node);
                for hole in placed.holes {
                    self.seen.remove(&hole);
                    self.enqueue(hole);
                }
            }
        }
        Ok(())
    }

    /// The edges of a node that lead nowhere, or to the wrong place.
    fn problems(&self, node: NodeId) -> Vec<EdgeId> {
        let edges = self.tree.node(node).edges_out.iter().copied();
        edges
            .filter(|&edge| match self.tree.edge(edge).to {
                None => self.tree.edge(edge).kind != EdgeKind::OptionalPeer,
                Some(to) => !self.tree.is_failure(to) && !self.tree.is_valid(edge),
            })
            .collect()
    }

    /// A node below `start` that an optional peer can use, nearest first.
    fn find_elsewhere(&mut self, start: NodeId, edge: EdgeId) -> Result<Option<NodeId>, TooLarge> {
        let mut level = vec![start];
        while !level.is_empty() {
            self.tree.step(level.len())?;
            let next: Vec<NodeId> = level
                .iter()
                .flat_map(|&node| {
                    // npm walks in the order of arrival.
                    let mut children: Vec<NodeId> = self.tree.node(node).children.values().copied().collect();
                    children.sort_unstable();
                    children
                })
                .collect();
            if let Some(&found) = next.iter().find(|&&node| self.tree.satisfied_by(edge, node)) {
                return Ok(Some(found));
            }
            level = next;
        }
        Ok(None)
    }
}
