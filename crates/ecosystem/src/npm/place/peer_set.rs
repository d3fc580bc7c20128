//! Packages that are held together by peer dependencies, and whether they make room for others.
//!
//! In: a node among peers, and a newcomer with peers of its own. Out: the edges through which such sets are entered, and
//! whether all of them can be replaced or moved deeper. The tree is not changed.

use std::collections::HashSet;

use super::super::build::{Builder, Stop};
use super::super::tree::{EdgeId, Name, NodeId, TooLarge, Tree};
use super::check::Checking;

impl Builder<'_> {
    /// Whether every peer set that `current` belongs to can be replaced by the newcomer's, or moved deeper.
    pub(super) fn peers_can_yield(&mut self, c: &Checking, current: NodeId) -> Result<bool, Stop> {
        let Some(trial) = self.tree.node(c.dep).parent else { return Ok(false) };
        let beside: HashSet<Name> =
            self.tree.node(trial).children.values().map(|&id| self.tree.node(id).name).collect();
        let mut all = true;
        for (entry, peers) in self.peer_entry_sets(current)? {
            if entry == c.edge || entry == c.own.entry {
                continue;
            }
            let Some(entry_node) = self.tree.edge(entry).to else { continue };
            match self.tree.child(trial, self.tree.node(entry_node).name) {
                Some(replacement) => {
                    if self.tree.can_replace(replacement, entry_node, &beside)? {
                        continue;
                    }
                }
                None => {
                    if self.peers_accept(entry_node, trial)? {
                        continue;
                    }
                }
            }
            let from = self.tree.edge(entry).from;
            for peer in peers {
                let deepest = self.deepest_target(from, self.tree.node(peer).name);
                if deepest == c.target || self.tree.is_descendant_of(c.target, deepest) {
                    all = false;
                    break;
                }
            }
        }
        Ok(all)
    }

    /// Whether a peer set would do with the trial tree's packages in the place of its own.
    fn peers_accept(&mut self, entry: NodeId, trial: NodeId) -> Result<bool, TooLarge> {
        let (mut walk, mut seen, mut at) = (vec![entry], HashSet::from([entry]), 0);
        while let Some(&node) = walk.get(at) {
            at += 1;
            self.tree.step(1 + self.tree.node(node).edges_out.len())?;
            for &edge in &self.tree.node(node).edges_out {
                if !self.tree.edge(edge).kind.is_peer() || !self.tree.is_valid(edge) {
                    continue;
                }
                match self.tree.child(trial, self.tree.edge(edge).name) {
                    Some(replacement) if !self.tree.satisfied_by(edge, replacement) => return Ok(false),
                    Some(_) => {}
                    None => {
                        if let Some(to) = self.tree.edge(edge).to
                            && seen.insert(to)
                        {
                            walk.push(to);
                        }
                    }
                }
            }
        }
        Ok(true)
    }

    /// The edges through which the peer sets around a node are entered, each with the peers it brings in.
    pub(super) fn peer_entry_sets(&mut self, node: NodeId) -> Result<Vec<(EdgeId, Vec<NodeId>)>, TooLarge> {
        let is_peer = |tree: &Tree, edge| tree.edge(edge).kind.is_peer() && tree.is_valid(edge);
        let (mut union, mut seen, mut at) = (vec![node], HashSet::from([node]), 0);
        while let Some(&member) = union.get(at) {
            at += 1;
            self.tree.step(1 + self.tree.node(member).edges_out.len() + self.tree.node(member).edges_in.len())?;
            let out = self.tree.node(member).edges_out.iter().filter(|&&edge| is_peer(&self.tree, edge));
            let out = out.filter_map(|&edge| self.tree.edge(edge).to);
            let into = self.tree.node(member).edges_in.iter().filter(|&&edge| is_peer(&self.tree, edge));
            let into = into.map(|&edge| self.tree.edge(edge).from);
            union.extend(out.chain(into).filter(|&other| seen.insert(other)).collect::<Vec<_>>());
        }
        let mut sets = Vec::new();
        for peer in union {
            for &edge in &self.tree.node(peer).edges_in.clone() {
                let from = self.tree.edge(edge).from;
                if !self.tree.is_valid(edge) || self.tree.edge(edge).kind.is_peer() && !self.tree.is_top(from) {
                    continue;
                }
                let (mut set, mut at) = (vec![peer], 0);
                let mut inside = HashSet::from([peer]);
                while let Some(&member) = set.get(at) {
                    at += 1;
                    self.tree.step(1 + self.tree.node(member).edges_out.len())?;
                    let out = self.tree.node(member).edges_out.iter().filter(|&&edge| is_peer(&self.tree, edge));
                    set.extend(
                        out.filter_map(|&edge| self.tree.edge(edge).to)
                            .filter(|&to| inside.insert(to))
                            .collect::<Vec<_>>(),
                    );
                }
                if inside.contains(&node) {
                    sets.push((edge, set));
                }
            }
        }
        Ok(sets)
    }
}
