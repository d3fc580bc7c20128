//! Where edges lead, and which of the project's overrides hold there.
//!
//! In: an edge to resolve anew. Out: its node, and the rules that follow the edges from there on. A package's rule is
//! settled among all edges that lead to it.

use std::collections::VecDeque;

use super::super::overrides::RuleId;
use super::{Content, EdgeId, NodeId, SpecId, TooLarge, Tree};

impl Tree {
    /// What an edge asks for, after overrides. `None` when an override refers to something that is not declared.
    pub(in crate::npm) fn spec_of(&self, id: EdgeId) -> Option<&str> {
        let edge = self.edge(id);
        let raw = self.texts.spec_text(edge.raw_spec);
        let (Some(overrides), Some(rule)) = (&self.overrides, edge.overrides) else { return Some(raw) };
        let Some(value) = overrides.replacement(rule, self.texts.name_text(edge.name)) else { return Some(raw) };
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
    pub(in crate::npm) fn spec_id_of(&mut self, id: EdgeId) -> Option<SpecId> {
        if self.edge(id).overrides.is_none() {
            return Some(self.edge(id).raw_spec);
        }
        let text = self.spec_of(id)?.to_owned();
        Some(self.texts.spec(&text))
    }

    /// Resolves an edge anew, and settles which overrides hold where it leads.
    pub(super) fn reload(&mut self, id: EdgeId) -> Result<(), TooLarge> {
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
        let rule = self.overrides.as_ref().zip(rule).map(|(overrides, rule)| {
            overrides.rule_for(rule, self.texts.name_text(name), self.texts.spec_text(self.edge(id).raw_spec))
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

    /// Whether a rule put this version here.
    pub(super) fn is_overridden(&self, id: NodeId) -> bool {
        let node = self.node(id);
        let Some(overrides) = &self.overrides else { return false };
        let Some(rule) = node.overrides else { return false };
        let name = self.texts.name_text(node.name);
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
}
