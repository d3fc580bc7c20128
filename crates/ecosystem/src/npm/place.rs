//! Where a package goes in `node_modules`: as shallow as possible without breaking anybody (npm's `can-place-dep.js` and
//! `place-dep.js`).
//!
//! In: a dependency, loaded together with its peers into a trial tree, and the edge that asks for it. Out: a changed tree,
//! and which nodes have to be looked at again. Peer conflicts that npm lives with are marked, those that it stops at are
//! recorded.

use std::collections::HashSet;

use super::build::{Builder, Stop};
use super::order::CollationKey;
use super::tree::{Content, EdgeId, Name, NodeId, TooLarge};

/// Most peers of peers of peers; real chains have about five.
pub(super) const MAX_PEER_DEPTH: usize = 60;

/// What one check costs, in steps.
const CHECK_STEPS: usize = 500;

/// What a place says to a newcomer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Free.
    Ok,
    /// Something is there, and can go.
    Replace,
    /// Something is there that does.
    Keep,
    Conflict,
}

/// The answer for one target folder.
#[derive(Debug, Clone)]
struct Check {
    /// For the package with its peers.
    with_peers: Place,
    /// For the package alone.
    alone: Place,
    target: NodeId,
    above: Above,
    /// Peers that do not fit, with the edge that asks for each.
    misfits: Vec<(NodeId, EdgeId)>,
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

    fn can_place(
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

    /// Whether every peer set that `current` belongs to can be replaced by the newcomer's, or moved deeper.
    fn peers_can_yield(&mut self, c: &Checking, current: NodeId) -> Result<bool, Stop> {
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

    /// The edges through which the peer sets around a node are entered, each with the peers it brings in.
    fn peer_entry_sets(&mut self, node: NodeId) -> Result<Vec<(EdgeId, Vec<NodeId>)>, TooLarge> {
        let is_peer = |tree: &super::tree::Tree, edge| tree.edge(edge).kind.is_peer() && tree.is_valid(edge);
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

    fn replace_old(&mut self, new: NodeId, old: NodeId, target: NodeId, holes: &mut Vec<NodeId>) -> Result<(), Stop> {
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
    fn prune_below(&mut self, target: NodeId, name: Name) -> Result<(), Stop> {
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

    fn prune_dedupable(&mut self, node: NodeId, descend: bool) -> Result<(), TooLarge> {
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
            children.sort_by_cached_key(|&child| CollationKey::new(self.tree.text(self.tree.node(child).name)));
            for child in children {
                self.prune_dedupable(child, true)?;
            }
        }
        Ok(())
    }
}

/// One check under way.
struct Checking {
    dep: NodeId,
    target: NodeId,
    edge: EdgeId,
    /// Brought in by another package's check.
    is_peer: bool,
    own: Above,
    prefer_dedupe: bool,
    peers: Option<Place>,
    alone: Option<Place>,
    misfits: Vec<(NodeId, EdgeId)>,
}

pub(super) fn deep_enough(depth: usize) -> Result<(), TooLarge> {
    match depth > MAX_PEER_DEPTH {
        true => Err(TooLarge { limit: MAX_PEER_DEPTH as u64, of: "peers that bring each other in" }),
        false => Ok(()),
    }
}
