//! Whether a node is what an edge asks for.
//!
//! In: an edge, and a node for it. Out: yes, or what is wrong. It changes nothing.

use super::super::spec::{Spec, Want, parse_range};
use super::{Content, EdgeId, NodeId, Tree};

/// What is wrong with an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::npm) enum Fault {
    Missing,
    /// A peer inside the folder of the package that wants it from outside.
    PeerLocal,
    Invalid,
}

impl Tree {
    /// What is wrong with an edge, if anything.
    pub(in crate::npm) fn fault(&self, id: EdgeId) -> Option<Fault> {
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

    pub(in crate::npm) fn is_valid(&self, id: EdgeId) -> bool {
        self.fault(id).is_none()
    }

    /// Whether a node is what an edge asks for.
    pub(in crate::npm) fn satisfied_by(&self, id: EdgeId, node: NodeId) -> bool {
        let edge = self.edge(id);
        if edge.name.exact != self.node(node).name.exact {
            return false;
        }
        let raw = self.texts.parsed(edge.raw_spec);
        let key_spec = self.overrides.as_ref().zip(edge.overrides).and_then(|(all, rule)| all.key_spec(rule));
        let Some(key_spec) = key_spec else { return self.accepts(raw, node) };
        let overridden = self.spec_of(id).is_some_and(|text| match self.texts.known(text) {
            Some(spec) => self.accepts(spec, node),
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

    /// Whether two nodes hold the same thing.
    pub(in crate::npm) fn matches(&self, a: NodeId, b: NodeId) -> bool {
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
}
