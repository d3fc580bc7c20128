//! Where a package goes in `node_modules`: as shallow as possible without breaking anybody (npm's
//! `place-dep.js`).
//!
//! In: a dependency, loaded together with its peers into a trial tree, and the edge that asks for it. Out: a changed tree,
//! and which nodes have to be looked at again. Peer conflicts that npm lives with are marked, those that it stops at are
//! recorded.

mod check;
mod peer_set;
mod replace;

use self::check::Check;
use super::build::{Builder, Stop};
use super::tree::{Content, EdgeId, Name, NodeId, TooLarge};

/// Most peers of peers of peers; real chains have about five.
const MAX_PEER_DEPTH: usize = 60;

/// What a place says to a newcomer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Free.
    Ok,
    /// Something is there, and can go.
    Replace,
    /// Something is there that does.
    Keep,
    /// Something is there, or relied on below, that must not change.
    Conflict,
}

/// What a peer's check needs to know of the package that brings the peer in.
#[derive(Debug, Clone, Copy)]
struct Above {
    deepest: NodeId,
    entry: EdgeId,
}

/// What a peer's placement needs to know of the package that brings the peer in.
#[derive(Debug, Clone, Copy)]
struct Bringer {
    start: NodeId,
    above: Above,
    top: EdgeId,
}

/// One node that was put into the tree.
#[derive(Debug)]
pub(super) struct Placed {
    pub node: NodeId,
    pub edge: EdgeId,
    pub alone: Place,
    /// Nodes that lost a dependency on the way.
    pub holes: Vec<NodeId>,
}

impl Builder<'_> {
    /// Places `dep` for `edge`, then its peers.
    pub(super) fn place(&mut self, edge: EdgeId, dep: NodeId) -> Result<Vec<Placed>, Stop> {
        let mut placed = Vec::new();
        self.place_one(edge, dep, None, 0, &mut placed)?;
        Ok(placed)
    }

    fn place_one(
        &mut self,
        edge: EdgeId,
        dep: NodeId,
        bringer: Option<Bringer>,
        depth: usize,
        out: &mut Vec<Placed>,
    ) -> Result<(), Stop> {
        self.tree.step(1)?;
        deep_enough(depth)?;
        if self.tree.edge(edge).to.is_some() && self.tree.is_valid(edge) {
            return Ok(());
        }
        let name = self.tree.edge(edge).name;
        let top = bringer.map_or(edge, |bringer| bringer.top);
        let start = self.deepest_target(bringer.map_or(self.tree.edge(edge).from, |bringer| bringer.start), name);
        let Some(check) = self.find_place(edge, dep, bringer, start, top)? else { return Ok(()) };
        let target = check.target;
        let verdict = if check.with_peers == Place::Conflict { check.alone } else { check.with_peers };
        if verdict == Place::Keep {
            if self.tree.edge(edge).kind.is_peer() && !self.tree.is_valid(edge) {
                self.tree.edge_mut(edge).peer_conflicted = true;
            }
            return Ok(self.prune_dedupable(target, true)?);
        }
        // a1 -> b1 -> a2 -> b2 -> a1 would nest for ever: npm ends such a cycle with a link.
        let looped = self.tree.ancestry(target).find(|&node| !self.tree.is_top(node) && self.tree.matches(node, dep));
        if let Some(earlier) = looped {
            let node = self.tree.add(name, Content::Link(earlier), None, None, &[], Some(target))?;
            out.push(Placed { node, edge, alone: check.alone, holes: Vec::new() });
            return Ok(());
        }
        let trial = self.tree.node(dep).parent;
        let content = self.tree.node(dep).content.clone();
        let needs = self.needs_of(&content);
        let dep_name = self.tree.node(dep).name;
        let overrides = self.tree.overrides_of(dep);
        let node = self.tree.add(dep_name, content, None, overrides, &needs, None)?;
        let mut holes = Vec::new();
        match self.tree.child(target, name) {
            Some(old) => self.replace_old(node, old, target, &mut holes)?,
            None => self.tree.attach(node, target)?,
        }
        if self.tree.edge(edge).kind.is_peer() && !self.tree.satisfied_by(edge, node) {
            self.tree.edge_mut(edge).peer_conflicted = true;
        }
        if let Some(to) = self.tree.edge(edge).to
            && to != node
            && self.tree.is_valid(edge)
        {
            self.prune_dedupable(to, false)?;
        }
        self.prune_below(target, name)?;
        out.push(Placed { node, edge, alone: check.alone, holes });
        let Some(trial) = trial else { return Ok(()) };
        for peer_edge in self.tree.node(node).edges_out.clone() {
            let wanted = self.tree.edge(peer_edge);
            if !wanted.kind.is_peer() || wanted.peer_conflicted || self.tree.is_valid(peer_edge) {
                continue;
            }
            let Some(peer) = self.tree.child(trial, wanted.name) else { continue };
            if self.tree.satisfied_by(peer_edge, peer) {
                let bringer = Bringer { start, above: check.above, top };
                self.place_one(peer_edge, peer, Some(bringer), depth + 1, out)?;
            }
        }
        Ok(())
    }

    /// Walks up from `start` to the shallowest place before the first conflict.
    fn find_place(
        &mut self,
        edge: EdgeId,
        dep: NodeId,
        bringer: Option<Bringer>,
        start: NodeId,
        top: EdgeId,
    ) -> Result<Option<Check>, Stop> {
        let name = self.tree.edge(edge).name;
        let (mut best, mut best_alone, mut last) = (None, None, None);
        for target in self.tree.ancestry(start).collect::<Vec<_>>() {
            if !self.tree.is_top(target) && self.peer_edge_of(target, name) {
                continue;
            }
            let check =
                self.can_place(dep, target, edge, bringer.map(|bringer| bringer.above), &mut Vec::new(), false)?;
            last = Some(check.clone());
            if check.alone != Place::Conflict {
                best_alone = Some(check.clone());
            }
            if check.with_peers == Place::Conflict {
                break;
            }
            best = Some(check);
            // A package that failed to load goes anywhere.
            if self.tree.is_failure(dep) {
                break;
            }
        }
        if best.is_some() {
            return Ok(best);
        }
        if self.is_mine(top)? {
            let misfits = last.map(|check| check.misfits).unwrap_or_default();
            self.record_conflict(top, dep, &misfits);
        }
        if best_alone.is_none() {
            self.tree.edge_mut(edge).peer_conflicted = true;
        }
        Ok(best_alone)
    }

    /// Whether the project itself brought an edge in: then npm does not accept a peer conflict.
    fn is_mine(&mut self, edge: EdgeId) -> Result<bool, Stop> {
        let (from, is_peer) = (self.tree.edge(edge).from, self.tree.edge(edge).kind.is_peer());
        if self.tree.is_root(from) {
            return Ok(true);
        }
        if !is_peer {
            return Ok(false);
        }
        let mut has_peers = false;
        for &edge in &self.tree.node(from).edges_in {
            if self.tree.edge(edge).kind.is_peer() {
                has_peers = true;
            } else if self.tree.is_root(self.tree.edge(edge).from) {
                return Ok(true);
            }
        }
        let sets = if has_peers { self.peer_entry_sets(from)? } else { Vec::new() };
        Ok(sets.iter().any(|(edge, _)| self.tree.is_root(self.tree.edge(*edge).from)))
    }

    /// The deepest folder where `name` may go for `start`: above everybody who has it as a peer.
    fn deepest_target(&self, start: NodeId, name: Name) -> NodeId {
        let found = self.tree.ancestry(start).find(|&node| self.tree.is_top(node) || !self.peer_edge_of(node, name));
        found.unwrap_or(start)
    }

    fn peer_edge_of(&self, node: NodeId, name: Name) -> bool {
        self.tree.edge_to_name(node, name).is_some_and(|edge| self.tree.edge(edge).kind.is_peer())
    }
}

/// Bounds how far peers bring in peers, and so the depth of every recursion over them.
pub(super) fn deep_enough(depth: usize) -> Result<(), TooLarge> {
    match depth > MAX_PEER_DEPTH {
        true => Err(TooLarge { limit: MAX_PEER_DEPTH as u64, of: "peers that bring each other in" }),
        false => Ok(()),
    }
}
