//! The tree that npm would install: what is missing is loaded with its peers, placed, and looked at in turn (npm's
//! `build-ideal-tree.js`).
//!
//! In: the project's declarations and the packuments. Out: a finished [`Tree`], what could not be loaded, and peer
//! conflicts. It never waits: a packument that is not there yet ends the run with [`Stop::Missing`], and the run is
//! repeated when it is.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use sigma_core::{Ecosystem, PackageName, UnresolvedReason, printable};

use super::order::CollationKey;
use super::overrides::Overrides;
use super::packument::{Packument, Published};
use super::pick::{Engines, pick};
use super::place::{Place, deep_enough};
use super::spec::Spec;
use super::tree::{Content, EdgeId, EdgeKind, Name, Need, NodeId, SpecId, TooLarge, Tree};
use crate::HttpError;

/// What is known of a package.
#[derive(Debug, Clone)]
pub(super) enum Known {
    /// The registry's answer.
    Packument(Arc<Packument>),
    /// The registry has no such package.
    Unknown,
    /// The registry could not be asked.
    Failed(HttpError),
}

/// What is known of all packages so far.
pub(super) type Packages = HashMap<String, Known>;

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

/// A dependency that could not be loaded.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub reason: UnresolvedReason,
    pub name: String,
    pub spec: String,
    pub detail: String,
}

/// A peer conflict at which npm stops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Conflict {
    /// The edge that cannot be met.
    pub edge: EdgeId,
    pub detail: String,
}

/// One run.
pub(super) struct Builder<'a> {
    pub tree: Tree,
    pub root: NodeId,
    pub failures: Vec<Failure>,
    pub conflicts: Vec<Conflict>,
    packages: &'a Packages,
    engines: &'a Engines,
    needs: &'a [Need],
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
        let name = tree.name("");
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
            let raw = self.tree.spec_text(self.tree.edge(edge).raw_spec).to_owned();
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
        tasks.sort_by_cached_key(|(edge, _)| CollationKey::new(self.tree.text(self.tree.edge(*edge).name)));
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

    /// A trial tree: an empty `node_modules` with the dependencies of `source`.
    fn trial(&mut self, source: NodeId) -> Result<NodeId, Stop> {
        let content = self.tree.node(source).content.clone();
        let needs = self.needs_of(&content);
        let (name, overrides) = (self.tree.node(source).name, self.tree.overrides_of(source));
        let trial = self.tree.add(name, content, Some(source), overrides, &needs, None)?;
        self.trials.insert(source, trial);
        Ok(trial)
    }

    pub(super) fn needs_of(&self, content: &Content) -> Vec<Need> {
        match content {
            Content::Project => self.needs.to_vec(),
            Content::Package { published, .. } => needs(published),
            Content::Failure(_) | Content::Link(_) => Vec::new(),
        }
    }

    /// Loads the package for an edge into a trial tree, and its peers beside it. `second` is a further edge that the
    /// package should please if it can.
    fn load(
        &mut self,
        edge: EdgeId,
        parent: Option<NodeId>,
        second: Option<EdgeId>,
        required: &mut HashSet<NodeId>,
        depth: usize,
    ) -> Result<NodeId, Stop> {
        deep_enough(depth)?;
        let parent = match parent {
            Some(parent) => parent,
            None => self.trial(self.tree.edge(edge).from)?,
        };
        let name = self.tree.edge(edge).name;
        let spec = self.tree.spec_id_of(edge);
        let first = self.load_spec(name, spec, parent)?;
        let alternative = match second.filter(|&second| !self.tree.is_valid(second)) {
            Some(second) => {
                let spec = self.tree.spec_id_of(second);
                Some(self.load_spec(name, spec, parent)?)
            }
            None => None,
        };
        let node = alternative.filter(|_| self.tree.is_valid(edge)).unwrap_or(first);
        self.tree.attach(node, parent)?;
        let requires = |tree: &Tree, required: &HashSet<NodeId>, edge: EdgeId| {
            let edge = tree.edge(edge);
            required.contains(&edge.from) && edge.kind != EdgeKind::OptionalPeer
        };
        if requires(&self.tree, required, edge) || second.is_some_and(|second| requires(&self.tree, required, second)) {
            required.insert(node);
        }
        if let Some(source) = self.tree.node(parent).source {
            self.brought_by.insert(node, source);
        }
        self.load_peers(node, required, depth)?;
        Ok(node)
    }

    fn load_peers(&mut self, node: NodeId, required: &mut HashSet<NodeId>, depth: usize) -> Result<(), Stop> {
        let met = |tree: &Tree, edge| tree.edge(edge).to.is_some() && tree.is_valid(edge);
        let edges = self.tree.node(node).edges_out.iter().copied();
        let mut edges: Vec<EdgeId> =
            edges.filter(|&edge| self.tree.edge(edge).kind.is_peer() && !met(&self.tree, edge)).collect();
        edges.sort_by_cached_key(|&edge| CollationKey::new(self.tree.text(self.tree.edge(edge).name)));
        for edge in edges {
            // Loading a peer may have put another version in this node's place.
            let Some(parent) = self.tree.node(node).parent else { break };
            if met(&self.tree, edge) {
                continue;
            }
            let parent_edge = self.tree.edge_to_name(parent, self.tree.edge(edge).name);
            let mine = self.tree.node(parent).source.is_some_and(|source| self.tree.is_root(source));
            let Some(current) = self.tree.edge(edge).to else {
                let Some(parent_edge) = parent_edge else {
                    self.load(edge, Some(parent), None, required, depth + 1)?;
                    continue;
                };
                let dep = self.load(parent_edge, Some(parent), Some(edge), required, depth + 1)?;
                if self.tree.is_valid(edge) {
                    continue;
                }
                if mine && required.contains(&dep) && self.tree.node(node).parent.is_some() {
                    self.record_conflict(edge, dep, &[]);
                }
                self.tree.edge_mut(edge).peer_conflicted = true;
                continue;
            };
            // Something is there. Would what this edge wants please the others too?
            let dep = self.load(edge, None, None, required, depth + 1)?;
            if self.tree.can_replace(dep, current, &HashSet::new())? {
                self.load(edge, Some(parent), None, required, depth + 1)?;
                continue;
            }
            if mine && required.contains(&self.tree.edge(edge).from) {
                self.record_conflict(edge, dep, &[]);
            }
        }
        Ok(())
    }

    fn load_spec(&mut self, name: Name, spec: Option<SpecId>, parent: NodeId) -> Result<NodeId, Stop> {
        let content = self.content_of(name, spec)?;
        let needs = self.needs_of(&content);
        Ok(self.tree.add(name, content, None, None, &needs, Some(parent))?)
    }

    /// Which version of which package, or why there is none.
    fn content_of(&mut self, name: Name, spec: Option<SpecId>) -> Result<Content, Stop> {
        let text = self.tree.text(name).to_owned();
        let spec_text = spec.map_or("", |spec| self.tree.spec_text(spec)).to_owned();
        let parsed = spec.map_or(&Spec::Invalid, |spec| self.tree.parsed(spec));
        let (reason, detail) = match parsed {
            Spec::NotPublic => (
                UnresolvedReason::NotPublic,
                "it comes from git, a URL or a path instead of the public registry, and cannot be certified".to_owned(),
            ),
            Spec::Invalid => (UnresolvedReason::NoMatchingVersion, "the spec cannot be read".to_owned()),
            Spec::Registry { alias_of, want } => {
                let package = alias_of.as_deref().unwrap_or(&text);
                if PackageName::new(Ecosystem::Npm, package).is_err()
                    || PackageName::new(Ecosystem::Npm, &text).is_err()
                {
                    (UnresolvedReason::UnknownPackage, "the name is not a valid npm package name".to_owned())
                } else {
                    match self.packages.get(package) {
                        None => return Err(Stop::Missing { name: package.to_owned(), spec: spec_text }),
                        Some(Known::Failed(error)) => return Err(Stop::Http(error.clone())),
                        Some(Known::Unknown) => {
                            (UnresolvedReason::UnknownPackage, format!("npm knows no package {package}"))
                        }
                        Some(Known::Packument(packument)) => match pick(packument, want, self.engines) {
                            Some(published) => {
                                let published = published.clone();
                                return Ok(Content::Package { package: package.into(), published });
                            }
                            None => (
                                UnresolvedReason::NoMatchingVersion,
                                format!(
                                    "none of the {} published versions of {package} fits {}",
                                    packument.versions.len(),
                                    printable(&spec_text, 120)
                                ),
                            ),
                        },
                    }
                }
            }
        };
        let (name, spec) = (printable(&text, 214), printable(&spec_text, 300));
        if let Some(known) = self.failures.iter().position(|known| known.name == name && known.spec == spec) {
            return Ok(Content::Failure(known));
        }
        self.failures.push(Failure { reason, name, spec, detail });
        Ok(Content::Failure(self.failures.len() - 1))
    }

    /// Notes a peer conflict that npm would stop at (ERESOLVE).
    pub(super) fn record_conflict(&mut self, edge: EdgeId, dep: NodeId, misfits: &[(NodeId, EdgeId)]) {
        let shown = |node: NodeId| match self.tree.package(node) {
            Some((package, published)) => format!("{package}@{}", printable(&published.version, 60)),
            None => printable(self.tree.text(self.tree.node(node).name), 120),
        };
        let asks = |edge: EdgeId| {
            let from = self.tree.edge(edge).from;
            let from = if self.tree.package(from).is_some() { shown(from) } else { "the project".to_owned() };
            let name = printable(self.tree.text(self.tree.edge(edge).name), 120);
            format!("{from} asks for {name}@{}", printable(self.tree.spec_of(edge).unwrap_or(""), 120))
        };
        let mut lines = vec![asks(edge)];
        let there =
            self.tree.edge(edge).to.or_else(|| self.tree.resolve(self.tree.edge(edge).from, self.tree.edge(edge).name));
        match there {
            Some(there) if there != dep => lines.push(format!("but {} is there", shown(there))),
            _ => lines.push(format!("but {} does not fit", shown(dep))),
        }
        for &(_, misfit) in misfits.iter().take(5) {
            lines.push(format!("peer: {}", asks(misfit)));
            let there = self.tree.resolve(self.root, self.tree.edge(misfit).name);
            lines.extend(there.map(|there| format!("but {} is there", shown(there))));
        }
        // The same conflict shows in several trial trees; the last account of it is the fullest.
        let conflict = Conflict { edge, detail: lines.join("\n") };
        let known = self.conflicts.iter_mut().find(|known| known.detail.lines().next() == Some(lines[0].as_str()));
        match known {
            Some(known) => *known = conflict,
            None => self.conflicts.push(conflict),
        }
    }
}

/// A package's dependencies in the order in which npm reads them. What is bundled comes inside the tarball.
pub(super) fn needs(published: &Published) -> Vec<Need> {
    let bundled: HashSet<&str> = published.bundled.iter().map(String::as_str).collect();
    let may_miss: HashSet<&str> = published.optional_peers.iter().map(String::as_str).collect();
    let peers = |optional: bool| {
        let kind = if optional { EdgeKind::OptionalPeer } else { EdgeKind::Peer };
        let may_miss = &may_miss;
        let peers = published.peers.iter().filter(move |(name, _)| may_miss.contains(name.as_str()) == optional);
        peers.map(move |entry| (entry, kind))
    };
    peers(false)
        .chain(peers(true))
        .chain(published.dependencies.iter().map(|entry| (entry, EdgeKind::Needed)))
        .chain(published.optional.iter().map(|entry| (entry, EdgeKind::Optional)))
        .filter(|((name, _), _)| !bundled.contains(name.as_str()))
        .map(|((name, spec), kind)| Need { name: name.clone(), spec: spec.clone(), kind, declared: None })
        .collect()
}
