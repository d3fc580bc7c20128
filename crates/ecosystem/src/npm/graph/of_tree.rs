//! The graph of a finished tree.
//!
//! In: the tree, what could not be loaded, and the project's declarations. Out: [`Graph`].

use std::collections::{HashMap, HashSet};

use sigma_core::{
    Declared, Ecosystem, Graph, PackageId, PackageName, Parent, Platform, Unresolved, UnresolvedReason, printable,
};

use super::super::build::Builder;
use super::super::packument::{Packages, Published};
use super::super::platform::unsuitable;
use super::super::release::release;
use super::super::tree::{Content, EdgeId, NodeId, Tree};
use super::left_out::{left_out, spread, with_libc};
use super::{Candidate, Parts, SHOWN_SPEC, sorted};
use crate::resolve::{Edge, Exact};

/// Why a package with a shrinkwrap is not resolved.
const SHRINKWRAP: &str = "it pins its own dependencies in the npm-shrinkwrap.json inside its tarball, so the registry does \
                          not tell which versions npm installs below it";

/// The graph of a tree.
pub(in crate::npm) fn of_tree(
    builder: &Builder<'_>,
    declared: &[Declared],
    packages: &Packages,
    platform: Platform,
) -> Graph {
    let tree = &builder.tree;
    let live = live_nodes(tree, builder.root);
    let required = required_nodes(tree, builder.root);
    let reasons = left_out(tree, &live, &required, packages, platform);
    let mut reader = Reader { builder, tree, declared, live, required, reasons, parts: Parts::default() };
    reader.failures();
    reader.conflicts();
    let index = reader.packages(packages, platform);
    reader.edges(&index);
    reader.parts.settle()
}

/// A tree being read.
struct Reader<'a> {
    builder: &'a Builder<'a>,
    tree: &'a Tree,
    declared: &'a [Declared],
    live: Vec<NodeId>,
    required: HashSet<NodeId>,
    /// Why npm leaves a node out.
    reasons: HashMap<NodeId, String>,
    parts: Parts,
}

impl Reader<'_> {
    /// What could not be loaded: left out where it is optional, unresolved otherwise.
    fn failures(&mut self) {
        for (at, failure) in self.builder.failures.iter().enumerate() {
            let here = |node: &NodeId| matches!(self.tree.node(*node).content, Content::Failure(of) if of == at);
            let nodes: Vec<NodeId> = self.live.iter().copied().filter(here).collect();
            if nodes.is_empty() {
                continue;
            }
            let optional = nodes.iter().all(|node| !self.required.contains(node));
            if optional && failure.reason != UnresolvedReason::NotPublic {
                self.parts.excluded.push(format!("{} {} ({})", failure.name, failure.spec, failure.detail));
                nodes.iter().for_each(|&node| spread(self.tree, node, &failure.name, &mut self.reasons));
                continue;
            }
            let edges = nodes.iter().flat_map(|&node| self.tree.node(node).edges_in.iter().copied());
            self.parts.unresolved.push(Unresolved {
                ecosystem: Ecosystem::Npm,
                name: failure.name.clone(),
                spec: failure.spec.clone(),
                reason: failure.reason,
                detail: failure.detail.clone(),
                parents: sorted(edges.map(|edge| parent_of(self.tree, edge, self.declared))),
            });
        }
    }

    /// Peers at which npm would stop.
    fn conflicts(&mut self) {
        for conflict in &self.builder.conflicts {
            let edge = self.tree.edge(conflict.edge);
            self.parts.unresolved.push(Unresolved {
                ecosystem: Ecosystem::Npm,
                name: printable(self.tree.texts.name_text(edge.name), 214),
                spec: printable(self.tree.spec_of(conflict.edge).unwrap_or(""), SHOWN_SPEC),
                reason: UnresolvedReason::Conflict,
                detail: conflict.detail.clone(),
                parents: vec![parent_of(self.tree, conflict.edge, self.declared)],
            });
        }
    }

    /// The packages; returns which candidate each node is.
    fn packages(&mut self, packages: &Packages, platform: Platform) -> HashMap<NodeId, usize> {
        let (tree, declared) = (self.tree, self.declared);
        let mut index: HashMap<NodeId, usize> = HashMap::new();
        for &node in &self.live {
            let Content::Package { package, published } = &tree.node(node).content else { continue };
            let edges = tree.node(node).edges_in.iter().copied();
            let unresolved = |reason, detail| Unresolved {
                ecosystem: Ecosystem::Npm,
                name: package.to_string(),
                spec: printable(&published.version, SHOWN_SPEC),
                reason,
                detail,
                parents: sorted(edges.clone().map(|edge| parent_of(tree, edge, declared))),
            };
            let (id, release) = match (id_of(tree, node), release(published)) {
                (Some(id), Ok(release)) => (id, release),
                (_, released) => {
                    let detail = released.err().unwrap_or_else(|| "the version is not an exact one".to_owned());
                    self.parts.unresolved.push(unresolved(UnresolvedReason::NoDistribution, detail));
                    continue;
                }
            };
            if self.required.contains(&node)
                && let Some(why) = unsuitable(&with_libc(package, published, packages), platform)
            {
                let detail = format!("it is not made for {platform}: {why}");
                self.parts.unresolved.push(unresolved(UnresolvedReason::NoDistribution, detail));
            }
            if published.shrinkwrap && !self.reasons.contains_key(&node) {
                self.parts.unresolved.push(unresolved(UnresolvedReason::NotPublic, SHRINKWRAP.to_owned()));
            }
            let pinned = edges.clone().filter(|&edge| tree.edge(edge).from == self.builder.root);
            let pinned = pinned.filter_map(|edge| tree.edge(edge).declared.and_then(|at| declared.get(at)));
            let pinned = pinned.flat_map(|declared| declared.pinned.clone()).collect();
            index.insert(node, self.parts.candidates.len());
            self.parts
                .candidates
                .push(Candidate { exact: Exact { id, pinned, release }, left_out: self.reasons.get(&node).cloned() });
            self.parts.bundled.push(bundled(published));
        }
        index
    }

    /// Who depends on whom, through links.
    fn edges(&mut self, index: &HashMap<NodeId, usize>) {
        for &node in self.live.iter().chain([&self.builder.root]) {
            let from = index.get(&node).copied();
            if from.is_none() && node != self.builder.root {
                continue;
            }
            for &id in &self.tree.node(node).edges_out {
                let to = self.tree.edge(id).to.map(|to| match self.tree.node(to).content {
                    Content::Link(target) => target,
                    _ => to,
                });
                if let Some(&to) = to.and_then(|to| index.get(&to)) {
                    let Parent { spec, at, .. } = parent_of(self.tree, id, self.declared);
                    self.parts.edges.push(Edge { from, to, spec, at });
                }
            }
        }
    }
}

/// Every node below the root, in a fixed order.
pub(super) fn live_nodes(tree: &Tree, root: NodeId) -> Vec<NodeId> {
    let mut live: Vec<NodeId> = tree.node(root).children.values().copied().collect();
    let mut at = 0;
    while let Some(&node) = live.get(at) {
        at += 1;
        live.extend(tree.node(node).children.values().copied());
    }
    live.sort_unstable();
    live
}

/// The nodes that some chain of non-optional dependencies leads to.
fn required_nodes(tree: &Tree, root: NodeId) -> HashSet<NodeId> {
    let (mut required, mut todo) = (HashSet::new(), vec![root]);
    while let Some(node) = todo.pop() {
        if let Content::Link(target) = tree.node(node).content
            && required.insert(target)
        {
            todo.push(target);
        }
        for &id in &tree.node(node).edges_out {
            let edge = tree.edge(id);
            if let Some(to) = edge.to.filter(|_| !edge.kind.is_optional())
                && required.insert(to)
            {
                todo.push(to);
            }
        }
    }
    required
}

/// What comes inside the tarball, as `name spec`.
fn bundled(published: &Published) -> Vec<String> {
    let needs = [&published.dependencies, &published.optional, &published.peers];
    let spec_of = |name: &str| needs.iter().find_map(|needs| needs.iter().find(|(of, _)| of == name));
    let shown = |name: &String| {
        let spec = spec_of(name).map_or("*", |(_, spec)| spec.as_str());
        format!("{} {}", printable(name, 214), printable(spec, 120))
    };
    published.bundled.iter().map(shown).collect()
}

/// The package in a node, where it has a valid name and an exact version.
fn id_of(tree: &Tree, node: NodeId) -> Option<PackageId> {
    let (package, published) = tree.package(node)?;
    PackageId::new(PackageName::new(Ecosystem::Npm, package).ok()?, &published.version).ok()
}

/// Who asks, how, and where.
fn parent_of(tree: &Tree, id: EdgeId, declared: &[Declared]) -> Parent {
    let edge = tree.edge(id);
    Parent {
        package: id_of(tree, edge.from),
        spec: printable(tree.texts.spec_text(edge.raw_spec), SHOWN_SPEC),
        at: edge.declared.and_then(|at| declared.get(at)).map(|declared| declared.at.clone()),
    }
}
