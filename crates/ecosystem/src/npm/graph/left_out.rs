//! What npm leaves out on a platform.
//!
//! In: the tree, and which of its nodes something cannot do without. Out: a reason for every node that the target does not
//! get. What is required is never among them.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use sigma_core::{Os, Platform};

use super::super::build::Builder;
use super::super::packument::{Known, Listed, Packages, Published};
use super::super::platform::unsuitable;
use super::super::tree::{Content, NodeId, Tree};
use super::of_tree::live_nodes;

/// Optional packages that the target does not get, with the reason, and the optional packages that cannot do without one.
pub(super) fn left_out(
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
        let name = tree.texts.name_text(tree.node(node).name).to_owned();
        spread(tree, node, &name, &mut reasons);
    }
    reasons
}

/// Whoever needs a package that is left out is left out too.
pub(super) fn spread(tree: &Tree, node: NodeId, name: &str, reasons: &mut HashMap<NodeId, String>) {
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

/// Packages that name a platform but no libc, of which only the abbreviated packument is known: only the full one says
/// whether they need musl.
pub(in crate::npm) fn libc_unknown(builder: &Builder<'_>, packages: &Packages, platform: Platform) -> BTreeSet<String> {
    if platform.os != Os::Linux {
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

/// The version as the full packument describes it, where that has been fetched since.
pub(super) fn with_libc(package: &str, published: &Arc<Published>, packages: &Packages) -> Arc<Published> {
    match packages.get(package) {
        Some(Known::Packument(known)) => known.version(&published.version).map_or(published, Listed::read).clone(),
        _ => published.clone(),
    }
}
