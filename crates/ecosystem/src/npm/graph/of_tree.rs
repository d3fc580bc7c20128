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
    let mut reasons = left_out(tree, &live, &required, packages, platform);
    let mut parts = Parts::default();
    for (at, failure) in builder.failures.iter().enumerate() {
        let nodes = live.iter().filter(|&&node| matches!(tree.node(node).content, Content::Failure(of) if of == at));
        let nodes: Vec<NodeId> = nodes.copied().collect();
        if nodes.is_empty() {
            continue;
        }
        let optional = nodes.iter().all(|node| !required.contains(node));
        if optional && failure.reason != UnresolvedReason::NotPublic {
            parts.excluded.push(format!("{} {} ({})", failure.name, failure.spec, failure.detail));
            nodes.iter().for_each(|&node| spread(tree, node, &failure.name, &mut reasons));
            continue;
        }
        let edges = nodes.iter().flat_map(|&node| tree.node(node).edges_in.iter().copied());
        parts.unresolved.push(Unresolved {
            ecosystem: Ecosystem::Npm,
            name: failure.name.clone(),
            spec: failure.spec.clone(),
            reason: failure.reason,
            detail: failure.detail.clone(),
            parents: sorted(edges.map(|edge| parent_of(tree, edge, declared))),
        });
    }
    for conflict in &builder.conflicts {
        let edge = tree.edge(conflict.edge);
        parts.unresolved.push(Unresolved {
            ecosystem: Ecosystem::Npm,
            name: printable(tree.texts.name_text(edge.name), 214),
            spec: printable(tree.spec_of(conflict.edge).unwrap_or(""), SHOWN_SPEC),
            reason: UnresolvedReason::Conflict,
            detail: conflict.detail.clone(),
            parents: vec![parent_of(tree, conflict.edge, declared)],
        });
    }
    let mut index: HashMap<NodeId, usize> = HashMap::new();
    for &node in &live {
        let Content::Package { package, published } = &tree.node(node).content else { continue };
        let edges = tree.node(node).edges_in.iter().copied();
        let parents = || sorted(edges.clone().map(|edge| parent_of(tree, edge, declared)));
        let unresolved = |reason, detail| Unresolved {
            ecosystem: Ecosystem::Npm,
            name: package.to_string(),
            spec: printable(&published.version, SHOWN_SPEC),
            reason,
            detail,
            parents: parents(),
        };
        let id = id_of(tree, node);
        let released = release(published);
        let (Some(id), Ok(release)) = (id, &released) else {
            let detail = released.err().unwrap_or_else(|| "the version is not an exact one".to_owned());
            parts.unresolved.push(unresolved(UnresolvedReason::NoDistribution, detail));
            continue;
        };
        if required.contains(&node)
            && let Some(why) = unsuitable(&with_libc(package, published, packages), platform)
        {
            let detail = format!("it is not made for {platform}: {why}");
            parts.unresolved.push(unresolved(UnresolvedReason::NoDistribution, detail));
        }
        if published.shrinkwrap && !reasons.contains_key(&node) {
            let detail =
                "it pins its own dependencies in the npm-shrinkwrap.json inside its tarball, so the registry does \
                          not tell which versions npm installs below it"
                    .to_owned();
            parts.unresolved.push(unresolved(UnresolvedReason::NotPublic, detail));
        }
        let pinned = edges.clone().filter(|&edge| tree.edge(edge).from == builder.root);
        let pinned = pinned.filter_map(|edge| tree.edge(edge).declared.and_then(|at| declared.get(at)));
        let pinned = pinned.flat_map(|declared| declared.pinned.clone()).collect();
        index.insert(node, parts.candidates.len());
        parts.candidates.push(Candidate {
            exact: Exact { id, pinned, release: release.clone() },
            left_out: reasons.get(&node).cloned(),
        });
        parts.bundled.push(bundled(published));
    }
    for &node in live.iter().chain([&builder.root]) {
        let from = index.get(&node).copied();
        if from.is_none() && node != builder.root {
            continue;
        }
        for &id in &tree.node(node).edges_out {
            let edge = tree.edge(id);
            let to = edge.to.map(|to| match tree.node(to).content {
                Content::Link(target) => target,
                _ => to,
            });
            if let Some(&to) = to.and_then(|to| index.get(&to)) {
                let Parent { spec, at, .. } = parent_of(tree, id, declared);
                parts.edges.push(Edge { from, to, spec, at });
            }
        }
    }
    parts.settle()
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

fn bundled(published: &Published) -> Vec<String> {
    let needs = [&published.dependencies, &published.optional, &published.peers];
    let spec_of = |name: &str| needs.iter().find_map(|needs| needs.iter().find(|(of, _)| of == name));
    let shown = |name: &String| {
        let spec = spec_of(name).map_or("*", |(_, spec)| spec.as_str());
        format!("{} {}", printable(name, 214), printable(spec, 120))
    };
    published.bundled.iter().map(shown).collect()
}

fn id_of(tree: &Tree, node: NodeId) -> Option<PackageId> {
    let (package, published) = tree.package(node)?;
    PackageId::new(PackageName::new(Ecosystem::Npm, package).ok()?, &published.version).ok()
}

fn parent_of(tree: &Tree, id: EdgeId, declared: &[Declared]) -> Parent {
    let edge = tree.edge(id);
    Parent {
        package: id_of(tree, edge.from),
        spec: printable(tree.texts.spec_text(edge.raw_spec), SHOWN_SPEC),
        at: edge.declared.and_then(|at| declared.get(at)).map(|declared| declared.at.clone()),
    }
}
