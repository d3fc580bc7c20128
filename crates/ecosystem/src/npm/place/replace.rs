//! What goes when a newcomer takes its place: the old version, what only that one needed, and copies below that have
//! become superfluous.
//!
//! In: the newcomer and its folder. Out: a smaller tree, and the nodes that lost a dependency on the way.

use super::super::build::{Builder, Stop};
use super::super::order::CollationKey;
use super::super::tree::{Name, NodeId, TooLarge};

impl Builder<'_> {
    pub(super) fn replace_old(
        &mut self,
        new: NodeId,
        old: NodeId,
        target: NodeId,
        holes: &mut Vec<NodeId>,
    ) -> Result<(), Stop> {
        // What only the old one needed goes with it.
        let mut orphans = Vec::new();
        for edge in self.tree.node(old).edges_out.clone() {
            let name = self.tree.edge(edge).name;
            if let Some(to) = self.tree.edge(edge).to
                && self.tree.edge_to_name(new, name).is_none()
            {
                orphans.extend(self.tree.gather(&[to], |tree, edge| tree.edge(edge).to != Some(to))?);
            }
        }
        // Peer sets beside it that the new one breaks move deeper where they can.
        let mut displaced = Vec::new();
        for edge in self.tree.node(old).edges_in.iter().copied().collect::<Vec<_>>() {
            let from = self.tree.edge(edge).from;
            if !self.tree.edge(edge).kind.is_peer()
                || self.tree.edge(edge).peer_conflicted
                || self.tree.node(from).parent != Some(target)
                || self.tree.satisfied_by(edge, new)
            {
                continue;
            }
            for (entry, _) in self.peer_entry_sets(from)? {
                let Some(node) = self.tree.edge(entry).to else { continue };
                let deepest = self.deepest_target(node, self.tree.node(node).name);
                if deepest != target && !self.tree.is_root(self.tree.edge(entry).from) {
                    displaced.extend(self.tree.gather(&[node], |tree, edge| {
                        tree.edge(edge).to != Some(node) && !tree.edge(edge).peer_conflicted
                    })?);
                } else {
                    self.tree.edge_mut(edge).peer_conflicted = true;
                }
            }
        }
        self.tree.replace(new, old)?;
        self.prune_for_replacement(new, &orphans)?;
        for node in displaced {
            let dependents: Vec<NodeId> =
                self.tree.node(node).edges_in.iter().map(|&edge| self.tree.edge(edge).from).collect();
            holes.extend(dependents);
            self.tree.remove(node)?;
        }
        Ok(())
    }

    fn prune_for_replacement(&mut self, new: NodeId, orphans: &[NodeId]) -> Result<(), Stop> {
        let invalid = self.tree.node(new).edges_out.iter().filter(|&&edge| !self.tree.is_valid(edge));
        let mut junk: Vec<NodeId> = invalid.filter_map(|&edge| self.tree.edge(edge).to).collect();
        for &orphan in orphans {
            junk.extend(
                self.tree.gather(&[orphan], |tree, edge| tree.edge(edge).to != Some(orphan) && tree.is_valid(edge))?,
            );
        }
        let junk = self.tree.gather(&junk, |tree, edge| {
            tree.edge(edge).from != new && tree.edge(edge).to != Some(new) && tree.is_valid(edge)
        })?;
        for node in junk {
            self.tree.remove(node)?;
        }
        Ok(())
    }

    /// Removes copies below `target` that the newcomer makes superfluous.
    pub(super) fn prune_below(&mut self, target: NodeId, name: Name) -> Result<(), Stop> {
        let root = self.tree.node(target).root;
        for node in self.tree.nodes_named(root, name) {
            self.tree.step(1)?;
            if self.tree.node(node).root != root || self.tree.is_top(node) || !self.tree.is_descendant_of(node, target)
            {
                continue;
            }
            self.prune_dedupable(node, false)?;
            if self.tree.node(node).root == root {
                for kid in self.tree.node(node).children.values().copied().collect::<Vec<_>>() {
                    self.prune_dedupable(kid, false)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn prune_dedupable(&mut self, node: NodeId, descend: bool) -> Result<(), TooLarge> {
        self.tree.step(1)?;
        if self.tree.can_dedupe(node)? {
            let gone =
                self.tree.gather(&[node], |tree, edge| tree.edge(edge).to != Some(node) && tree.is_valid(edge))?;
            for node in gone {
                self.tree.remove(node)?;
            }
            return Ok(());
        }
        if descend {
            let mut children: Vec<NodeId> = self.tree.node(node).children.values().copied().collect();
            children
                .sort_by_cached_key(|&child| CollationKey::new(self.tree.texts.name_text(self.tree.node(child).name)));
            for child in children {
                self.prune_dedupable(child, true)?;
            }
        }
        Ok(())
    }
}
