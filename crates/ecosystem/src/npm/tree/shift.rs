//! Nodes that come, go, and take one another's place.
//!
//! In: a node and where it goes. Out: a tree in which every edge concerned has been resolved anew.

use super::{EdgeId, MAX_NESTING, Name, NodeId, TooLarge, Tree};

impl Tree {
    /// Puts a node into a `node_modules`, over whatever was there, and re-resolves the edges concerned.
    pub(in crate::npm) fn attach(&mut self, id: NodeId, parent: NodeId) -> Result<(), TooLarge> {
        if self.node(id).parent == Some(parent) {
            return Ok(());
        }
        if self.depth(parent) >= MAX_NESTING {
            return Err(TooLarge { limit: MAX_NESTING as u64, of: "levels of node_modules" });
        }
        let name = self.node(id).name;
        if self.node(id).parent.is_some() {
            self.remove(id)?;
        }
        if let Some(there) = self.child(parent, name) {
            self.remove(there)?;
        }
        let root = self.node(parent).root;
        self.node_mut(id).parent = Some(parent);
        self.node_mut(parent).children.insert(name.folded, id);
        let subtree = self.move_to_root(id, root)?;
        self.reload_named(parent, name)?;
        self.reload_around(&subtree, root)
    }

    /// Takes a node with all below it out of its tree; it becomes a tree of its own.
    pub(in crate::npm) fn remove(&mut self, id: NodeId) -> Result<(), TooLarge> {
        let Some(parent) = self.node(id).parent else { return Ok(()) };
        let name = self.node(id).name;
        self.node_mut(parent).children.remove(&name.folded);
        self.node_mut(id).parent = None;
        let subtree = self.move_to_root(id, id)?;
        self.reload_around(&subtree, id)
    }

    /// Puts `new`, which has no parent yet, in the place of `old` and hands it the nodes below `old`.
    pub(in crate::npm) fn replace(&mut self, new: NodeId, old: NodeId) -> Result<(), TooLarge> {
        let Some(parent) = self.node(old).parent else { return Ok(()) };
        for kid in self.node(old).children.values().copied().collect::<Vec<_>>() {
            self.attach(kid, new)?;
        }
        self.attach(new, parent)
    }

    fn move_to_root(&mut self, id: NodeId, root: NodeId) -> Result<Vec<NodeId>, TooLarge> {
        let mut subtree = vec![id];
        let mut at = 0;
        while let Some(&node) = subtree.get(at) {
            at += 1;
            subtree.extend(self.node(node).children.values().copied());
            let (old, exact) = (self.node(node).root, self.node(node).name.exact);
            if old == root {
                continue;
            }
            self.node_mut(node).root = root;
            if let Some(nodes) = self.named.get_mut(&(old, exact)) {
                nodes.remove(&node);
            }
            self.named.entry((root, exact)).or_default().insert(node);
            for index in 0..self.node(node).edges_out.len() {
                let edge = self.node(node).edges_out[index];
                let folded = self.edge(edge).name.folded;
                if let Some(edges) = self.asking.get_mut(&(old, folded)) {
                    edges.remove(&edge);
                }
                self.asking.entry((root, folded)).or_default().insert(edge);
            }
        }
        self.step(subtree.len())?;
        Ok(subtree)
    }

    /// Re-resolves the edges below `parent` that ask for `name`.
    fn reload_named(&mut self, parent: NodeId, name: Name) -> Result<(), TooLarge> {
        let root = self.node(parent).root;
        let edges: Vec<EdgeId> =
            self.asking.get(&(root, name.folded)).map(|edges| edges.iter().copied().collect()).unwrap_or_default();
        for edge in edges {
            if parent == root || self.is_descendant_of(self.edge(edge).from, parent) {
                self.reload(edge)?;
            }
        }
        Ok(())
    }

    /// Re-resolves the edges that cross the border of a tree after `subtree` changed sides.
    fn reload_around(&mut self, subtree: &[NodeId], root: NodeId) -> Result<(), TooLarge> {
        for &node in subtree {
            for edge in self.node(node).edges_in.iter().copied().collect::<Vec<_>>() {
                if self.node(self.edge(edge).from).root != root {
                    self.reload(edge)?;
                }
            }
            for edge in self.node(node).edges_out.clone() {
                if self.edge(edge).to.is_none_or(|to| self.node(to).root != root) {
                    self.reload(edge)?;
                }
            }
        }
        Ok(())
    }
}
