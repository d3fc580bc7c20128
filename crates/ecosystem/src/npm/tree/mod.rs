//! A `node_modules` tree under construction: nodes, edges, and which node an edge resolves to.
//!
//! In: packages and where they are put. Out: for every dependency the node it finds by walking up, kept current while
//! nodes come and go, and whether that node will do. This is the data half of npm's arborist (`node.js`, `edge.js`); it
//! decides nothing. Every operation is counted: a tree that an attacker made too large ends in [`TooLarge`].

mod fit;
mod intern;
mod rules;
mod shift;
mod substitute;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use self::intern::Texts;
pub(super) use self::intern::{Name, SpecId};
use super::need::{EdgeKind, Need};
use super::overrides::{Overrides, RuleId};
use super::packument::Published;

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

/// A folder in `node_modules`, or the root of a tree.
#[derive(Debug)]
pub(super) struct Node {
    pub name: Name,
    pub content: Content,
    pub parent: Option<NodeId>,
    /// The top of its tree; a node that was removed is a tree of its own.
    pub root: NodeId,
    /// For the root of a trial tree: the node whose dependencies are tried.
    pub source: Option<NodeId>,
    /// What stands in its `node_modules`, by name without case.
    pub children: BTreeMap<u32, NodeId>,
    pub edges_out: Vec<EdgeId>,
    pub edges_in: BTreeSet<EdgeId>,
    /// The override rule that holds here and below.
    overrides: Option<RuleId>,
}

/// One dependency of a node.
#[derive(Debug)]
pub(super) struct Edge {
    pub from: NodeId,
    pub name: Name,
    pub kind: EdgeKind,
    /// The spec as declared, before overrides.
    pub raw_spec: SpecId,
    /// What stands where Node.js would look, whether it will do or not.
    pub to: Option<NodeId>,
    /// npm gave up on this peer and lives with what is there.
    pub peer_conflicted: bool,
    /// Which of the project's declarations it is.
    pub declared: Option<usize>,
    /// The override rule that holds for what it asks for.
    overrides: Option<RuleId>,
}

/// The tree, with all trial trees.
#[derive(Debug, Default)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    edges: Vec<Edge>,
    /// The names and specs that nodes and edges refer to.
    pub texts: Texts,
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

    /// Adds a node with its edges, below `parent` where there is one.
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
        let names: Vec<Name> = needs.iter().map(|need| self.texts.name(&need.name)).collect();
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
        let raw_spec = self.texts.spec(&need.spec);
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
        let mut names: Vec<&str> = self
            .ancestry(id)
            .filter(|&node| !self.is_top(node))
            .map(|node| self.texts.name_text(self.node(node).name))
            .collect();
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
}
