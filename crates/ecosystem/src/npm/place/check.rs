//! Whether a package may go into one folder (npm's `can-place-dep.js`).
//!
//! In: a package in its trial tree, a folder, and the edge that asks. Out: what the folder says to the package alone and to
//! the package with its peers. The tree is not changed.

use std::collections::HashSet;

use super::super::build::{Builder, Stop};
use super::super::tree::{EdgeId, Name, NodeId};
use super::{Above, Place, deep_enough};

/// What one check costs, in steps.
const CHECK_STEPS: usize = 500;

/// The answer for one target folder.
#[derive(Debug, Clone)]
pub(super) struct Check {
    /// For the package with its peers.
    pub with_peers: Place,
    /// For the package alone.
    pub alone: Place,
    pub target: NodeId,
    pub above: Above,
    /// Peers that do not fit, with the edge that asks for each.
    pub misfits: Vec<(NodeId, EdgeId)>,
}

/// One check under way.
pub(super) struct Checking {
    pub dep: NodeId,
    pub target: NodeId,
    pub edge: EdgeId,
    /// Brought in by another package's check.
    is_peer: bool,
    /// What this package's peers need to know.
    pub own: Above,
    prefer_dedupe: bool,
    peers: Option<Place>,
    alone: Option<Place>,
    misfits: Vec<(NodeId, EdgeId)>,
}

impl Builder<'_> {
    pub(super) fn can_place(
        &mut self,
        dep: NodeId,
        target: NodeId,
        edge: EdgeId,
        above: Option<Above>,
        path: &mut Vec<NodeId>,
        prefer_dedupe: bool,
    ) -> Result<Check, Stop> {
        // Peers that all want each other are checked along every path between them.
        self.tree.step(CHECK_STEPS)?;
        deep_enough(path.len())?;
        let name = self.tree.edge(edge).name;
        let start = above.map_or(self.tree.edge(edge).from, |above| above.deepest);
        let own = Above { deepest: self.deepest_target(start, name), entry: above.map_or(edge, |above| above.entry) };
        let mut checking = Checking {
            dep,
            target,
            edge,
            is_peer: above.is_some(),
            own,
            prefer_dedupe: prefer_dedupe || self.tree.edge(edge).kind.is_peer(),
            peers: None,
            alone: None,
            misfits: Vec::new(),
        };
        let with_peers = self.check(&mut checking, path)?;
        let alone = checking.alone.unwrap_or(with_peers);
        Ok(Check { with_peers, alone, target, above: own, misfits: checking.misfits })
    }

    fn check(&mut self, c: &mut Checking, path: &mut Vec<NodeId>) -> Result<Place, Stop> {
        let name = self.tree.edge(c.edge).name;
        let current = self.tree.child(c.target, name);
        if self.tree.is_failure(c.dep) {
            return Ok(if current.is_some() { Place::Replace } else { Place::Ok });
        }
        let target_edge = self.tree.edge_to_name(c.target, name);
        if let Some(target_edge) = target_edge {
            if self.tree.edge(target_edge).kind.is_peer() && !self.tree.is_top(c.target) {
                return Ok(Place::Conflict);
            }
            if current.is_none() && target_edge != c.edge && !self.tree.satisfied_by(target_edge, c.dep) {
                return Ok(Place::Conflict);
            }
        }
        match current {
            Some(current) => self.check_occupied(c, current, path),
            None => self.check_free(c, name, path),
        }
    }

    fn check_free(&mut self, c: &mut Checking, name: Name, path: &mut Vec<NodeId>) -> Result<Place, Stop> {
        // Who below the target relies on finding another one further up?
        let shadowed =
            (c.target != self.tree.edge(c.own.entry).from).then(|| self.tree.resolve(c.target, name)).flatten();
        if let Some(shadowed) = shadowed {
            self.tree.step(self.tree.node(shadowed).edges_in.len())?;
            let relied_on = self.tree.node(shadowed).edges_in.iter().any(|&edge| {
                self.tree.is_descendant_of(self.tree.edge(edge).from, c.target)
                    && self.tree.is_valid(edge)
                    && !self.tree.satisfied_by(edge, c.dep)
            });
            if relied_on {
                return Ok(Place::Conflict);
            }
        }
        self.check_peers(c, Place::Ok, path)
    }

    fn check_occupied(&mut self, c: &mut Checking, current: NodeId, path: &mut Vec<NodeId>) -> Result<Place, Stop> {
        let does = self.tree.satisfied_by(c.edge, current);
        if self.tree.matches(c.dep, current) && (does || !self.tree.satisfied_by(c.edge, c.dep)) {
            return Ok(Place::Keep);
        }
        let version = |node| self.tree.package(node).map(|(_, published)| &published.parsed);
        let newer = matches!((version(c.dep), version(current)), (Some(new), Some(old)) if new >= old);
        let none = HashSet::new();
        if newer && self.tree.can_replace(c.dep, current, &none)? {
            let place = self.check_peers(c, Place::Replace, path)?;
            if place != Place::Conflict {
                return Ok(place);
            }
        }
        if does {
            return Ok(Place::Keep);
        }
        if c.prefer_dedupe && !newer && self.tree.can_replace(c.dep, current, &none)? {
            let place = self.check_peers(c, Place::Replace, path)?;
            if place != Place::Conflict {
                return Ok(place);
            }
        }
        // The newcomer can go deeper.
        if c.target != c.own.deepest {
            return Ok(Place::Conflict);
        }
        let edge = self.tree.edge(c.edge);
        let is_peer = edge.kind.is_peer();
        if !is_peer && c.target == edge.from {
            return self.check_peers(c, Place::Replace, path);
        }
        if !c.is_peer && !is_peer {
            return Ok(Place::Conflict);
        }
        match self.peers_can_yield(c, current)? {
            true => self.check_peers(c, Place::Replace, path),
            false => Ok(Place::Conflict),
        }
    }

    /// Whether the peers can come along; `state` when they can.
    fn check_peers(&mut self, c: &mut Checking, state: Place, path: &mut Vec<NodeId>) -> Result<Place, Stop> {
        c.alone = Some(state);
        if let Some(known) = c.peers {
            return Ok(known);
        }
        path.push(c.dep);
        let mut conflict = false;
        for peer_edge in self.tree.node(c.dep).edges_out.clone() {
            let edge = self.tree.edge(peer_edge);
            let Some(peer) = edge.to.filter(|peer| edge.kind.is_peer() && !path.contains(peer)) else { continue };
            let target = self.deepest_target(c.target, self.tree.node(peer).name);
            let check = self.can_place(peer, target, peer_edge, Some(c.own), path, true)?;
            c.misfits.extend(check.misfits);
            if check.with_peers == Place::Conflict {
                c.misfits.push((peer, peer_edge));
                conflict = true;
            }
        }
        path.pop();
        let answer = if conflict { Place::Conflict } else { state };
        c.peers = Some(answer);
        Ok(answer)
    }
}
