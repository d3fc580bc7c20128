//! What an edge asks for, loaded into a trial tree together with its peers.
//!
//! In: an edge. Out: a node with a version of the package, or with the reason why there is none. A trial tree is an empty
//! `node_modules` in which the peers of one package find out whether they agree.

use std::collections::HashSet;

use sigma_core::{Ecosystem, PackageName, UnresolvedReason, printable};

use super::super::need::{self, EdgeKind, Need};
use super::super::order::CollationKey;
use super::super::packument::Known;
use super::super::pick::pick;
use super::super::place::deep_enough;
use super::super::spec::Spec;
use super::super::tree::{Content, EdgeId, Name, NodeId, SpecId, Tree};
use super::{Builder, Stop};

/// A dependency that could not be loaded.
#[derive(Debug, Clone)]
pub(in crate::npm) struct Failure {
    pub reason: UnresolvedReason,
    pub name: String,
    pub spec: String,
    pub detail: String,
}

impl Builder<'_> {
    /// A trial tree: an empty `node_modules` with the dependencies of `source`.
    pub(super) fn trial(&mut self, source: NodeId) -> Result<NodeId, Stop> {
        let content = self.tree.node(source).content.clone();
        let needs = self.needs_of(&content);
        let (name, overrides) = (self.tree.node(source).name, self.tree.overrides_of(source));
        let trial = self.tree.add(name, content, Some(source), overrides, &needs, None)?;
        self.trials.insert(source, trial);
        Ok(trial)
    }

    pub(in crate::npm) fn needs_of(&self, content: &Content) -> Vec<Need> {
        match content {
            Content::Project => self.needs.to_vec(),
            Content::Package { published, .. } => need::of_package(published),
            Content::Failure(_) | Content::Link(_) => Vec::new(),
        }
    }

    /// Loads the package for an edge into a trial tree, and its peers beside it. `second` is a further edge that the
    /// package should please if it can.
    pub(super) fn load(
        &mut self,
        edge: EdgeId,
        parent: Option<NodeId>,
        second: Option<EdgeId>,
        required: &mut HashSet<NodeId>,
        depth: usize,
    ) -> Result<NodeId, Stop> {
        deep_enough(depth)?;
        let parent = match parent {
            Some(parent) => parent,
            None => self.trial(self.tree.edge(edge).from)?,
        };
        let name = self.tree.edge(edge).name;
        let spec = self.tree.spec_id_of(edge);
        let first = self.load_spec(name, spec, parent)?;
        let alternative = match second.filter(|&second| !self.tree.is_valid(second)) {
            Some(second) => {
                let spec = self.tree.spec_id_of(second);
                Some(self.load_spec(name, spec, parent)?)
            }
            None => None,
        };
        let node = alternative.filter(|_| self.tree.is_valid(edge)).unwrap_or(first);
        self.tree.attach(node, parent)?;
        let requires = |tree: &Tree, required: &HashSet<NodeId>, edge: EdgeId| {
            let edge = tree.edge(edge);
            required.contains(&edge.from) && edge.kind != EdgeKind::OptionalPeer
        };
        if requires(&self.tree, required, edge) || second.is_some_and(|second| requires(&self.tree, required, second)) {
            required.insert(node);
        }
        if let Some(source) = self.tree.node(parent).source {
            self.brought_by.insert(node, source);
        }
        self.load_peers(node, required, depth)?;
        Ok(node)
    }

    fn load_peers(&mut self, node: NodeId, required: &mut HashSet<NodeId>, depth: usize) -> Result<(), Stop> {
        let met = |tree: &Tree, edge| tree.edge(edge).to.is_some() && tree.is_valid(edge);
        let edges = self.tree.node(node).edges_out.iter().copied();
        let mut edges: Vec<EdgeId> =
            edges.filter(|&edge| self.tree.edge(edge).kind.is_peer() && !met(&self.tree, edge)).collect();
        edges.sort_by_cached_key(|&edge| CollationKey::new(self.tree.texts.name_text(self.tree.edge(edge).name)));
        for edge in edges {
            // Loading a peer may have put another version in this node's place.
            let Some(parent) = self.tree.node(node).parent else { break };
            if met(&self.tree, edge) {
                continue;
            }
            let parent_edge = self.tree.edge_to_name(parent, self.tree.edge(edge).name);
            let mine = self.tree.node(parent).source.is_some_and(|source| self.tree.is_root(source));
            let Some(current) = self.tree.edge(edge).to else {
                let Some(parent_edge) = parent_edge else {
                    self.load(edge, Some(parent), None, required, depth + 1)?;
                    continue;
                };
                let dep = self.load(parent_edge, Some(parent), Some(edge), required, depth + 1)?;
                if self.tree.is_valid(edge) {
                    continue;
                }
                if mine && required.contains(&dep) && self.tree.node(node).parent.is_some() {
                    self.record_conflict(edge, dep, &[]);
                }
                self.tree.edge_mut(edge).peer_conflicted = true;
                continue;
            };
            // Something is there. Would what this edge wants please the others too?
            let dep = self.load(edge, None, None, required, depth + 1)?;
            if self.tree.can_replace(dep, current, &HashSet::new())? {
                self.load(edge, Some(parent), None, required, depth + 1)?;
                continue;
            }
            if mine && required.contains(&self.tree.edge(edge).from) {
                self.record_conflict(edge, dep, &[]);
            }
        }
        Ok(())
    }

    fn load_spec(&mut self, name: Name, spec: Option<SpecId>, parent: NodeId) -> Result<NodeId, Stop> {
        let content = self.content_of(name, spec)?;
        let needs = self.needs_of(&content);
        Ok(self.tree.add(name, content, None, None, &needs, Some(parent))?)
    }

    /// Which version of which package, or why there is none.
    fn content_of(&mut self, name: Name, spec: Option<SpecId>) -> Result<Content, Stop> {
        let text = self.tree.texts.name_text(name);
        let spec_text = spec.map_or("", |spec| self.tree.texts.spec_text(spec));
        let parsed = spec.map_or(&Spec::Invalid, |spec| self.tree.texts.parsed(spec));
        let (reason, detail) = match self.choose(text, spec_text, parsed)? {
            Ok(content) => return Ok(content),
            Err(failed) => failed,
        };
        let (name, spec) = (printable(text, 214), printable(spec_text, 300));
        if let Some(known) = self.failures.iter().position(|known| known.name == name && known.spec == spec) {
            return Ok(Content::Failure(known));
        }
        self.failures.push(Failure { reason, name, spec, detail });
        Ok(Content::Failure(self.failures.len() - 1))
    }

    /// The inner error says why there is no such version.
    fn choose(
        &self,
        name: &str,
        spec_text: &str,
        spec: &Spec,
    ) -> Result<Result<Content, (UnresolvedReason, String)>, Stop> {
        use UnresolvedReason::{NoMatchingVersion, NotPublic, UnknownPackage};
        let (alias_of, want) = match spec {
            Spec::Registry { alias_of, want } => (alias_of, want),
            Spec::NotPublic => {
                let detail =
                    "it comes from git, a URL or a path instead of the public registry, and cannot be certified";
                return Ok(Err((NotPublic, detail.to_owned())));
            }
            Spec::Invalid => return Ok(Err((NoMatchingVersion, "the spec cannot be read".to_owned()))),
        };
        let package = alias_of.as_deref().unwrap_or(name);
        if [package, name].iter().any(|name| PackageName::new(Ecosystem::Npm, name).is_err()) {
            return Ok(Err((UnknownPackage, "the name is not a valid npm package name".to_owned())));
        }
        let packument = match self.packages.get(package) {
            None => return Err(Stop::Missing { name: package.to_owned(), spec: spec_text.to_owned() }),
            Some(Known::Failed(error)) => return Err(Stop::Http(error.clone())),
            Some(Known::Unknown) => return Ok(Err((UnknownPackage, format!("npm knows no package {package}")))),
            Some(Known::Packument(packument)) => packument,
        };
        Ok(match pick(packument, want, self.engines) {
            Some(listed) => Ok(Content::Package { package: package.into(), published: listed.read().clone() }),
            None => {
                let (published, spec) = (packument.versions.len(), printable(spec_text, 120));
                let detail = format!("none of the {published} published versions of {package} fits {spec}");
                Err((NoMatchingVersion, detail))
            }
        })
    }
}
