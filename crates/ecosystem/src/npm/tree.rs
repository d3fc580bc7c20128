//! A `node_modules` tree under construction: nodes, edges, and which node an edge resolves to.
//!
//! In: packages and where they are put. Out: for every dependency the node it finds by walking up, kept current while
//! nodes come and go, and whether that node will do. This is the data half of npm's arborist (`node.js`, `edge.js`); it
//! decides nothing. Every operation is counted: a tree that an attacker made too large ends in [`TooLarge`].

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use super::overrides::{Overrides, RuleId};
use super::packument::Published;
use super::spec::{Spec, Want, parse_range};

/// Most nodes alive or dead in one run, the trial trees of peer sets included.
const MAX_NODES: usize = 500_000;
/// Most edges, counted likewise.
const MAX_EDGES: usize = 5_000_000;
/// Most `node_modules` inside each other.
const MAX_NESTING: usize = 200;
/// Most elementary steps of one run. A real tree of 1,200 packages takes two million.
const MAX_STEPS: u64 = 100_000_000;

/// The tree grew beyond all reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the dependency tree takes more than {limit} {of}; no real project does")]
pub(super) struct TooLarge {
    pub limit: u64,
    pub of: &'static str,
}

/// Index of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct NodeId(pub u32);

/// Index of an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct EdgeId(pub u32);

/// A name in a `node_modules` folder. Folders may be case-insensitive, so npm looks names up without case and then
/// insists on the exact one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Name {
    exact: u32,
    folded: u32,
}

/// An interned spec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct SpecId(u32);

/// In which role an edge needs its package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum EdgeKind {
    Needed,
    Optional,
    Peer,
    OptionalPeer,
}

impl EdgeKind {
    pub(super) fn is_peer(self) -> bool {
        matches!(self, Self::Peer | Self::OptionalPeer)
    }

    pub(super) fn is_optional(self) -> bool {
        matches!(self, Self::Optional | Self::OptionalPeer)
    }
}

/// A dependency as it is declared, before it is an edge.
#[derive(Debug, Clone)]
pub(super) struct Need {
    pub name: String,
    pub spec: String,
    pub kind: EdgeKind,
    /// Which of the project's declarations it is.
    pub declared: Option<usize>,
}

/// What stands in a node.
#[derive(Debug, Clone)]
pub(super) enum Content {
    /// The project, or nothing but a place.
    Project,
    /// One version of a package.
    Package {
        /// The package's name in the registry.
        package: Arc<str>,
        published: Arc<Published>,
    },
    /// A dependency that could not be loaded; index into the builder's failures.
    Failure(usize),
    /// A link to an earlier copy, which ends a cycle of ever deeper copies.
    Link(NodeId),
}

#[derive(Debug)]
pub(super) struct Node {
    pub name: Name,
    pub content: Content,
    pub parent: Option<NodeId>,
    pub root: NodeId,
    /// For the root of a trial tree: the node whose dependencies are tried.
    pub source: Option<NodeId>,
    pub children: BTreeMap<u32, NodeId>,
    pub edges_out: Vec<EdgeId>,
    pub edges_in: BTreeSet<EdgeId>,
    overrides: Option<RuleId>,
}

#[derive(Debug)]
pub(super) struct Edge {
    pub from: NodeId,
    pub name: Name,
    pub kind: EdgeKind,
    pub raw_spec: SpecId,
    pub to: Option<NodeId>,
    /// npm gave up on this peer and lives with what is there.
    pub peer_conflicted: bool,
    pub declared: Option<usize>,
    overrides: Option<RuleId>,
}

/// What is wrong with an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Missing,
    /// A peer inside the folder of the package that wants it from outside.
    PeerLocal,
    Invalid,
}

/// The tree, with all trial trees.
#[derive(Debug, Default)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    edges: Vec<Edge>,
    names: Vec<String>,
    folded: Vec<u32>,
    name_ids: HashMap<String, u32>,
    specs: Vec<(String, Spec)>,
    spec_ids: HashMap<String, SpecId>,
    /// Edges of a tree that ask for a name.
    asking: HashMap<(NodeId, u32), BTreeSet<EdgeId>>,
    /// Nodes of a tree by exact name.
    named: HashMap<(NodeId, u32), BTreeSet<NodeId>>,
    overrides: Option<Overrides>,
    /// What the project declares: for `$name` in overrides.
    project_specs: HashMap<String, String>,
    steps: u64,
}

impl Tree {
    pub(super) fn new(overrides: Option<Overrides>, project_specs: HashMap<String, String>) -> Self {
        Self { overrides, project_specs, ..Self::default() }
    }

    /// Counts work.
    pub(super) fn step(&mut self, steps: usize) -> Result<(), TooLarge> {
        self.steps += steps as u64;
        match self.steps > MAX_STEPS {
            true => Err(TooLarge { limit: MAX_STEPS, of: "steps" }),
            false => Ok(()),
        }
    }

    pub(super) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id.0 as usize]
    }

    pub(super) fn edge(&self, id: EdgeId) -> &Edge {
        &self.edges[id.0 as usize]
    }

    pub(super) fn edge_mut(&mut self, id: EdgeId) -> &mut Edge {
        &mut self.edges[id.0 as usize]
    }

    pub(super) fn name(&mut self, text: &str) -> Name {
        let mut intern = |text: &str| -> u32 {
            if let Some(&id) = self.name_ids.get(text) {
                return id;
            }
            let id = self.names.len() as u32;
            self.names.push(text.to_owned());
            self.folded.push(id);
            self.name_ids.insert(text.to_owned(), id);
            id
        };
        let exact = intern(text);
        // Only ASCII names pass the check of package names.
        let folded = intern(&text.to_ascii_lowercase());
        Name { exact, folded }
    }

    pub(super) fn text(&self, name: Name) -> &str {
        &self.names[name.exact as usize]
    }

    pub(super) fn spec(&mut self, text: &str) -> SpecId {
        if let Some(&id) = self.spec_ids.get(text) {
            return id;
        }
        let id = SpecId(self.specs.len() as u32);
        self.specs.push((text.to_owned(), Spec::parse(text)));
        self.spec_ids.insert(text.to_owned(), id);
        id
    }

    pub(super) fn spec_text(&self, id: SpecId) -> &str {
        &self.specs[id.0 as usize].0
    }

    pub(super) fn parsed(&self, id: SpecId) -> &Spec {
        &self.specs[id.0 as usize].1
    }

    /// A node without a parent, and its edges.
    pub(super) fn add(
        &mut self,
        name: Name,
        content: Content,
        source: Option<NodeId>,
        overrides: Option<RuleId>,
        needs: &[Need],
        parent: Option<NodeId>,
    ) -> Result<NodeId, TooLarge> {
        if self.nodes.len() >= MAX_NODES {
            return Err(TooLarge { limit: MAX_NODES as u64, of: "nodes" });
        }
        let id = NodeId(self.nodes.len() as u32);
        self.nodes.push(Node {
            name,
            content,
            parent: None,
            root: id,
            source,
            children: BTreeMap::new(),
            edges_out: Vec::new(),
            edges_in: BTreeSet::new(),
            overrides,
        });
        self.named.entry((id, name.exact)).or_default().insert(id);
        if let Some(parent) = parent {
            self.attach(id, parent)?;
        }
        // Of several needs with one name the last one counts, in the last one's place.
        let mut last: HashMap<u32, usize> = HashMap::new();
        let names: Vec<Name> = needs.iter().map(|need| self.name(&need.name)).collect();
        for (at, name) in names.iter().enumerate() {
            last.insert(name.folded, at);
        }
        for (at, need) in needs.iter().enumerate() {
            if last.get(&names[at].folded) == Some(&at) {
                self.add_edge(id, names[at], need)?;
            }
        }
        Ok(id)
    }

    fn add_edge(&mut self, from: NodeId, name: Name, need: &Need) -> Result<(), TooLarge> {
        if self.edges.len() >= MAX_EDGES {
            return Err(TooLarge { limit: MAX_EDGES as u64, of: "edges" });
        }
        let id = EdgeId(self.edges.len() as u32);
        let raw_spec = self.spec(&need.spec);
        self.edges.push(Edge {
            from,
            name,
            kind: need.kind,
            raw_spec,
            to: None,
            peer_conflicted: false,
            declared: need.declared,
            overrides: None,
        });
        let root = self.node(from).root;
        self.node_mut(from).edges_out.push(id);
        self.asking.entry((root, name.folded)).or_default().insert(id);
        self.reload(id)
    }

    /// What an edge asks for, after overrides. `None` when an override refers to something that is not declared.
    pub(super) fn spec_of(&self, id: EdgeId) -> Option<&str> {
        let edge = self.edge(id);
        let raw = self.spec_text(edge.raw_spec);
        let (Some(overrides), Some(rule)) = (&self.overrides, edge.overrides) else { return Some(raw) };
        let Some(value) = overrides.replacement(rule, self.text(edge.name)) else { return Some(raw) };
        let Some(reference) = value.strip_prefix('$') else { return Some(value) };
        if let Some(spec) = self.project_specs.get(reference) {
            return Some(spec);
        }
        let source = self.node(edge.from).source.unwrap_or(edge.from);
        let Content::Package { published, .. } = &self.node(source).content else { return None };
        [&published.optional, &published.dependencies, &published.peers]
            .into_iter()
            .find_map(|needs| needs.iter().find(|(name, _)| name == reference))
            .map(|(_, spec)| spec.as_str())
    }

    /// The interned form of [`Self::spec_of`].
    pub(super) fn spec_id_of(&mut self, id: EdgeId) -> Option<SpecId> {
        if self.edge(id).overrides.is_none() {
            return Some(self.edge(id).raw_spec);
        }
        let text = self.spec_of(id)?.to_owned();
        Some(self.spec(&text))
    }

    pub(super) fn is_top(&self, id: NodeId) -> bool {
        self.node(id).parent.is_none()
    }

    pub(super) fn is_root(&self, id: NodeId) -> bool {
        self.node(id).root == id
    }

    pub(super) fn overrides_of(&self, id: NodeId) -> Option<RuleId> {
        self.node(id).overrides
    }

    pub(super) fn child(&self, id: NodeId, name: Name) -> Option<NodeId> {
        self.node(id).children.get(&name.folded).copied()
    }

    pub(super) fn edge_to_name(&self, id: NodeId, name: Name) -> Option<EdgeId> {
        self.node(id).edges_out.iter().copied().find(|&edge| self.edge(edge).name.folded == name.folded)
    }

    /// The node and everything above it.
    pub(super) fn ancestry(&self, id: NodeId) -> impl Iterator<Item = NodeId> {
        std::iter::successors(Some(id), |&id| self.node(id).parent)
    }

    pub(super) fn is_descendant_of(&self, id: NodeId, ancestor: NodeId) -> bool {
        self.ancestry(id).any(|node| node == ancestor)
    }

    /// Looks a name up as Node.js does: in the own `node_modules`, then in those above.
    pub(super) fn resolve(&self, from: NodeId, name: Name) -> Option<NodeId> {
        self.ancestry(from).find_map(|node| self.child(node, name))
    }

    /// The nodes of the same tree with exactly that name.
    pub(super) fn nodes_named(&self, root: NodeId, name: Name) -> Vec<NodeId> {
        self.named.get(&(root, name.exact)).map(|nodes| nodes.iter().copied().collect()).unwrap_or_default()
    }

    pub(super) fn depth(&self, id: NodeId) -> usize {
        self.ancestry(id).count() - 1
    }

    /// `a/node_modules/b` below the root; empty for the root.
    pub(super) fn location(&self, id: NodeId) -> String {
        let mut names: Vec<&str> =
            self.ancestry(id).filter(|&node| !self.is_top(node)).map(|node| self.text(self.node(node).name)).collect();
        names.reverse();
        names.join("/node_modules/")
    }

    /// The package in a node, through links.
    pub(super) fn package(&self, id: NodeId) -> Option<(&str, &Arc<Published>)> {
        match &self.node(id).content {
            Content::Package { package, published } => Some((package, published)),
            Content::Link(to) => match &self.node(*to).content {
                Content::Package { package, published } => Some((package, published)),
                _ => None,
            },
            Content::Project | Content::Failure(_) => None,
        }
    }

    pub(super) fn is_failure(&self, id: NodeId) -> bool {
        matches!(self.node(id).content, Content::Failure(_))
    }

    /// Whether two nodes hold the same thing.
    pub(super) fn matches(&self, a: NodeId, b: NodeId) -> bool {
        if a == b {
            return true;
        }
        let (one, other) = (self.node(a), self.node(b));
        if one.name != other.name {
            return false;
        }
        match (&one.content, &other.content) {
            (Content::Link(a), Content::Link(b)) => a == b,
            (
                Content::Package { package, published },
                Content::Package { package: other_package, published: other_published },
            ) => package == other_package && published.version == other_published.version,
            _ => false,
        }
    }

    /// Puts a node into a `node_modules`, over whatever was there, and re-resolves the edges concerned.
    pub(super) fn attach(&mut self, id: NodeId, parent: NodeId) -> Result<(), TooLarge> {
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
    pub(super) fn remove(&mut self, id: NodeId) -> Result<(), TooLarge> {
        let Some(parent) = self.node(id).parent else { return Ok(()) };
        let name = self.node(id).name;
        self.node_mut(parent).children.remove(&name.folded);
        self.node_mut(id).parent = None;
        let subtree = self.move_to_root(id, id)?;
        self.reload_around(&subtree, id)
    }

    /// Puts `new`, which has no parent yet, in the place of `old` and hands it the nodes below `old`.
    pub(super) fn replace(&mut self, new: NodeId, old: NodeId) -> Result<(), TooLarge> {
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

    /// Resolves an edge anew, and settles which overrides hold where it leads.
    fn reload(&mut self, id: EdgeId) -> Result<(), TooLarge> {
        self.step(1)?;
        let mut pending = VecDeque::new();
        self.reload_edge(id, &mut pending);
        while let Some((node, rule)) = pending.pop_front() {
            self.step(1)?;
            if self.adopt_rule(node, rule) {
                self.spread_rules(node, &mut pending)?;
            }
        }
        Ok(())
    }

    fn reload_edge(&mut self, id: EdgeId, pending: &mut VecDeque<(NodeId, RuleId)>) {
        let (from, name, old) = {
            let edge = self.edge(id);
            (edge.from, edge.name, edge.to)
        };
        let rule = self.node(from).overrides;
        let rule =
            self.overrides.as_ref().zip(rule).map(|(overrides, rule)| {
                overrides.rule_for(rule, self.text(name), self.spec_text(self.edge(id).raw_spec))
            });
        let old_rule = std::mem::replace(&mut self.edge_mut(id).overrides, rule);
        let new = self.resolve(from, name);
        if new != old {
            if let Some(old) = old {
                self.node_mut(old).edges_in.remove(&id);
                self.forget_rule(old, old_rule, pending);
            }
            self.edge_mut(id).to = new;
            if let Some(new) = new {
                self.node_mut(new).edges_in.insert(id);
            }
        }
        if let (Some(to), Some(rule)) = (new, rule)
            && (new != old || old_rule != Some(rule))
        {
            pending.push_back((to, rule));
        }
    }

    /// An edge with a rule now leads here; true when that changes the node's own rule.
    fn adopt_rule(&mut self, node: NodeId, rule: RuleId) -> bool {
        let current = self.node(node).overrides;
        let next = match (current, &self.overrides) {
            (Some(current), Some(overrides)) => overrides.reconcile(current, rule).or(Some(current)),
            (_, _) => Some(rule),
        };
        self.node_mut(node).overrides = next;
        next != current
    }

    /// An edge with a rule no longer leads here.
    fn forget_rule(&mut self, node: NodeId, rule: Option<RuleId>, pending: &mut VecDeque<(NodeId, RuleId)>) {
        let (Some(rule), Some(overrides)) = (rule, &self.overrides) else { return };
        if self.node(node).overrides != Some(rule) {
            return;
        }
        let mut next: Option<RuleId> = None;
        for &edge in &self.node(node).edges_in {
            next = match (next, self.edge(edge).overrides) {
                (Some(next), Some(rule)) => overrides.reconcile(rule, next),
                (_, rule) => rule,
            };
        }
        if next == Some(rule) {
            return;
        }
        self.node_mut(node).overrides = next;
        if let Some(next) = next {
            for edge in self.node(node).edges_out.clone() {
                if let Some(to) = self.edge(edge).to {
                    pending.push_back((to, next));
                }
            }
        }
    }

    fn spread_rules(&mut self, node: NodeId, pending: &mut VecDeque<(NodeId, RuleId)>) -> Result<(), TooLarge> {
        for edge in self.node(node).edges_out.clone() {
            self.step(1)?;
            self.reload_edge(edge, pending);
        }
        Ok(())
    }

    /// What is wrong with an edge, if anything.
    pub(super) fn fault(&self, id: EdgeId) -> Option<Fault> {
        let edge = self.edge(id);
        let Some(to) = edge.to else {
            return (!edge.kind.is_optional()).then_some(Fault::Missing);
        };
        if edge.kind.is_peer() && self.node(to).parent == Some(edge.from) && !self.is_top(edge.from) {
            return Some(Fault::PeerLocal);
        }
        if !self.satisfied_by(id, to) {
            return Some(Fault::Invalid);
        }
        if let (Some(overrides), Some(own), Some(there)) = (&self.overrides, edge.overrides, self.node(to).overrides)
            && !self.node(to).edges_out.is_empty()
            && overrides.reconcile(own, there).is_none()
        {
            return Some(Fault::Invalid);
        }
        None
    }

    pub(super) fn is_valid(&self, id: EdgeId) -> bool {
        self.fault(id).is_none()
    }

    /// Whether a node is what an edge asks for.
    pub(super) fn satisfied_by(&self, id: EdgeId, node: NodeId) -> bool {
        let edge = self.edge(id);
        if edge.name.exact != self.node(node).name.exact {
            return false;
        }
        let raw = self.parsed(edge.raw_spec);
        let key_spec = self.overrides.as_ref().zip(edge.overrides).and_then(|(all, rule)| all.key_spec(rule));
        let Some(key_spec) = key_spec else { return self.accepts(raw, node) };
        let overridden = self.spec_of(id).is_some_and(|text| match self.spec_ids.get(text) {
            Some(&spec) => self.accepts(self.parsed(spec), node),
            None => self.accepts(&Spec::parse(text), node),
        });
        if overridden {
            return true;
        }
        // What the rule speaks about has to be what the rule says; beside it the package's own spec holds.
        let spoken_of = key_spec == "*"
            || parse_range(key_spec)
                .is_some_and(|range| self.package(node).is_some_and(|(_, published)| range.matches(&published.parsed)));
        self.accepts(raw, node) && !spoken_of
    }

    fn accepts(&self, spec: &Spec, node: NodeId) -> bool {
        match (spec, self.package(node)) {
            (Spec::Registry { want: Want::Any, .. }, _) => true,
            (Spec::Registry { want, .. }, Some((_, published))) => want.accepts(&published.parsed),
            _ => false,
        }
    }

    /// Whether a rule put this version here.
    fn is_overridden(&self, id: NodeId) -> bool {
        let node = self.node(id);
        let Some(overrides) = &self.overrides else { return false };
        let Some(rule) = node.overrides else { return false };
        let name = self.text(node.name);
        if overrides.value_of(rule).is_none_or(|(of, _)| of != name) {
            return false;
        }
        let version = self.package(id).map(|(_, published)| published.version.as_str());
        node.edges_in.iter().any(|&edge| {
            let edge = self.edge(edge);
            edge.overrides
                .and_then(|rule| overrides.value_of(rule))
                .is_some_and(|(of, value)| of == name && Some(value) == version)
                && edge.overrides != self.node(edge.from).overrides
        })
    }

    /// The given nodes with their dependencies, less those that something outside the set depends on. Only edges that
    /// pass the filter count.
    pub(super) fn gather(
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
    pub(super) fn can_replace(
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
    pub(super) fn can_dedupe(&mut self, id: NodeId) -> Result<bool, TooLarge> {
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
