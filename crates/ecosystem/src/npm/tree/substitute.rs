//! Whether one node can stand in for another, and what only that other one needed.
//!
//! In: nodes. Out: an answer; the tree is only counted in, not changed.

use std::collections::HashSet;

use super::{EdgeId, Name, NodeId, TooLarge, Tree};

impl Tree {
    /// The given nodes with their dependencies, less those that something outside the set depends on. Only edges that
    /// pass the filter count.
    pub(in crate::npm) fn gather(
        &mut self,
        start: &[NodeId],
        counts: impl Fn(&Self, EdgeId) -> bool,
    ) -> Result<Vec<NodeId>, TooLarge> {
        let mut order: Vec<NodeId> = Vec::new();
        let mut set: HashSet<NodeId> = HashSet::new();
        for &node in start {
            if set.insert(node) {
                order.push(node);
            }
        }
        let mut at = 0;
        while let Some(&node) = order.get(at) {
            at += 1;
            self.step(1 + self.node(node).edges_out.len())?;
            for &edge in &self.node(node).edges_out {
                if let Some(to) = self.edge(edge).to
                    && counts(self, edge)
                    && set.insert(to)
                {
                    order.push(to);
                }
            }
        }
        loop {
            let mut changed = false;
            for &node in &order {
                if !set.contains(&node) {
                    continue;
                }
                self.step(1 + self.node(node).edges_in.len())?;
                let held = self
                    .node(node)
                    .edges_in
                    .iter()
                    .any(|&edge| !set.contains(&self.edge(edge).from) && counts(self, edge));
                if held {
                    set.remove(&node);
                    changed = true;
                }
            }
            if !changed || set.is_empty() {
                break;
            }
        }
        order.retain(|node| set.contains(node));
        Ok(order)
    }

    /// Whether everything that depends on `old` would do with `new`. Edges from the named peers beside it do not count:
    /// they are replaced together.
    pub(in crate::npm) fn can_replace(
        &mut self,
        new: NodeId,
        old: NodeId,
        ignored_peers: &HashSet<Name>,
    ) -> Result<bool, TooLarge> {
        if self.node(new).name.exact != self.node(old).name.exact {
            return Ok(false);
        }
        let package = |tree: &Self, id| tree.package(id).map(|(package, _)| package.to_owned());
        if package(self, new) != package(self, old) {
            return Ok(false);
        }
        if !self.node(old).edges_out.is_empty() && self.node(new).overrides != self.node(old).overrides {
            return Ok(false);
        }
        let own: HashSet<NodeId> = self
            .gather(&[old], |tree, edge| tree.edge(edge).to != Some(old) && tree.is_valid(edge))?
            .into_iter()
            .collect();
        let node = self.node(old);
        Ok(node.edges_in.iter().all(|&id| {
            let edge = self.edge(id);
            let together = node.parent.is_some()
                && self.node(edge.from).parent == node.parent
                && edge.kind.is_peer()
                && ignored_peers.contains(&self.node(edge.from).name);
            together || own.contains(&edge.from) || self.satisfied_by(id, new)
        }))
    }

    /// Whether a node can go because what its dependents would then find is as good.
    pub(in crate::npm) fn can_dedupe(&mut self, id: NodeId) -> Result<bool, TooLarge> {
        let Some(above) = self.node(id).parent.and_then(|parent| self.node(parent).parent) else { return Ok(false) };
        if self.node(id).edges_in.is_empty() {
            return Ok(true);
        }
        let Some(other) = self.resolve(above, self.node(id).name) else { return Ok(false) };
        if self.matches(other, id) {
            return Ok(true);
        }
        if !self.can_replace(other, id, &HashSet::new())? {
            return Ok(false);
        }
        let version = |id| self.package(id).map(|(_, published)| &published.parsed);
        Ok(match (version(other), version(id)) {
            (Some(other), Some(own)) => other == own || !self.is_overridden(id) && other > own,
            _ => false,
        })
    }
}
