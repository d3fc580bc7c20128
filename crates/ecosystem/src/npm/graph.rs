//! From a finished tree, or from a lockfile, to the graph of what the target gets.
//!
//! In: nodes with their versions and edges. Out: [`Graph`]. What npm leaves out (another platform, an optional dependency
//! that cannot be had, what only those need) is listed with the reason; what cannot be certified is unresolved.

use std::collections::{BTreeSet, HashMap, HashSet};

use sigma_core::{
    Declared, Ecosystem, Graph, Location, LockedEdge, LockedPackage, PackageId, PackageName, Parent, Platform,
    Unresolved, UnresolvedReason, printable,
};

use super::build::{Builder, Known, Packages};
use super::platform::unsuitable;
use super::release::release;
use super::tree::{Content, EdgeId, NodeId, Tree};
use crate::resolve::{Edge, Exact, assemble};

/// Longest spec that is kept for display.
const SHOWN_SPEC: usize = 300;

/// One package before it is known whether the target gets it.
struct Candidate {
    exact: Exact,
    /// Why npm leaves it out.
    left_out: Option<String>,
}

/// The graph of a tree.
pub(super) fn of_tree(builder: &Builder<'_>, declared: &[Declared], packages: &Packages, platform: Platform) -> Graph {
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
            name: printable(tree.text(edge.name), 214),
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

/// Packages that name a platform but no libc, of which only the abbreviated packument is known: only the full one says
/// whether they need musl.
pub(super) fn libc_unknown(builder: &Builder<'_>, packages: &Packages, platform: Platform) -> BTreeSet<String> {
    if platform.os != sigma_core::Os::Linux {
        return BTreeSet::new();
    }
    let live = live_nodes(&builder.tree, builder.root);
    let packages_of = live.iter().filter_map(|&node| builder.tree.package(node));
    packages_of
        .filter(|(package, published)| {
            let abbreviated = matches!(packages.get(*package), Some(Known::Packument(known)) if !known.full);
            let limited = !published.os.is_empty() && !published.cpu.is_empty() && published.libc.is_empty();
            abbreviated && limited && unsuitable(published, platform).is_none()
        })
        .map(|(package, _)| package.to_owned())
        .collect()
}

/// The graph of a lockfile.
pub(super) fn of_lock(
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
        let Some(published) = packument.version(package.id.version()) else {
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

#[derive(Default)]
struct Parts {
    candidates: Vec<Candidate>,
    /// What comes inside each candidate's tarball.
    bundled: Vec<Vec<String>>,
    edges: Vec<Edge>,
    unresolved: Vec<Unresolved>,
    excluded: Vec<String>,
}

impl Parts {
    /// Cuts off what is left out, and assembles the rest.
    fn settle(mut self) -> Graph {
        let reach = |skip: &dyn Fn(usize) -> bool| {
            let mut reached: HashSet<usize> = HashSet::new();
            let mut children: HashMap<Option<usize>, Vec<usize>> = HashMap::new();
            self.edges.iter().for_each(|edge| children.entry(edge.from).or_default().push(edge.to));
            let mut todo = vec![None];
            while let Some(from) = todo.pop() {
                for &to in children.get(&from).into_iter().flatten() {
                    if !skip(to) && reached.insert(to) {
                        todo.push(Some(to));
                    }
                }
            }
            reached
        };
        let all = reach(&|_| false);
        let kept = reach(&|at| self.candidates[at].left_out.is_some());
        let shown = |id: &PackageId| format!("{}@{}", id.name(), id.version());
        let kept_ids: HashSet<String> = kept.iter().map(|&at| shown(&self.candidates[at].exact.id)).collect();
        let mut excluded: BTreeSet<String> = self.excluded.drain(..).collect();
        for &at in all.difference(&kept) {
            let id = shown(&self.candidates[at].exact.id);
            if !kept_ids.contains(&id) {
                let why = self.candidates[at].left_out.as_deref().unwrap_or("only needed by what is left out");
                excluded.insert(format!("{id} ({why})"));
            }
        }
        for &at in &kept {
            let id = shown(&self.candidates[at].exact.id);
            excluded.extend(self.bundled[at].iter().map(|need| format!("{need} (bundled inside {id})")));
        }
        let edges: Vec<Edge> = self
            .edges
            .into_iter()
            .filter(|edge| kept.contains(&edge.to) && edge.from.is_none_or(|from| kept.contains(&from)))
            .collect();
        let exact = self.candidates.into_iter().map(|candidate| candidate.exact).collect();
        assemble(exact, &edges, self.unresolved, excluded.into_iter().collect())
    }
}

/// Every node below the root, in a fixed order.
fn live_nodes(tree: &Tree, root: NodeId) -> Vec<NodeId> {
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

/// Optional packages that the target does not get, with the reason, and the optional packages that cannot do without one.
fn left_out(
    tree: &Tree,
    live: &[NodeId],
    required: &HashSet<NodeId>,
    packages: &Packages,
    platform: Platform,
) -> HashMap<NodeId, String> {
    let mut reasons = HashMap::new();
    for &node in live {
        let Content::Package { package, published } = &tree.node(node).content else { continue };
        if required.contains(&node) {
            continue;
        }
        if let Some(why) = unsuitable(&with_libc(package, published, packages), platform) {
            reasons.insert(node, why);
        }
    }
    for node in reasons.keys().copied().collect::<BTreeSet<_>>() {
        let name = tree.text(tree.node(node).name).to_owned();
        spread(tree, node, &name, &mut reasons);
    }
    reasons
}

/// Whoever needs a package that is left out is left out too.
fn spread(tree: &Tree, node: NodeId, name: &str, reasons: &mut HashMap<NodeId, String>) {
    let mut todo = vec![node];
    while let Some(node) = todo.pop() {
        for &id in &tree.node(node).edges_in {
            let edge = tree.edge(id);
            if !edge.kind.is_optional() && !tree.is_top(edge.from) && !reasons.contains_key(&edge.from) {
                reasons.insert(edge.from, format!("needs {name}, which is left out"));
                todo.push(edge.from);
            }
        }
    }
}

/// The version as the full packument describes it, where that has been fetched since.
fn with_libc(
    package: &str,
    published: &std::sync::Arc<super::packument::Published>,
    packages: &Packages,
) -> std::sync::Arc<super::packument::Published> {
    match packages.get(package) {
        Some(Known::Packument(known)) => known.version(&published.version).unwrap_or(published).clone(),
        _ => published.clone(),
    }
}

fn bundled(published: &super::packument::Published) -> Vec<String> {
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
        spec: printable(tree.spec_text(edge.raw_spec), SHOWN_SPEC),
        at: edge.declared.and_then(|at| declared.get(at)).map(|declared| declared.at.clone()),
    }
}

fn declared_at(declared: &[Declared], id: &PackageId) -> Option<Location> {
    declared.iter().find(|declared| declared.name == *id.name()).map(|declared| declared.at.clone())
}

fn sorted(parents: impl Iterator<Item = Parent>) -> Vec<Parent> {
    parents.collect::<BTreeSet<_>>().into_iter().collect()
}
