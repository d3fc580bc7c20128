//! Peer conflicts at which npm stops (ERESOLVE).
//!
//! In: the edge that cannot be met, and what is in its way. Out: one account of each conflict, printable.

use sigma_core::printable;

use super::super::tree::{EdgeId, NodeId};
use super::Builder;

/// A peer conflict at which npm stops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::npm) struct Conflict {
    /// The edge that cannot be met.
    pub edge: EdgeId,
    pub detail: String,
}

impl Builder<'_> {
    /// Notes a peer conflict that npm would stop at (ERESOLVE).
    pub(in crate::npm) fn record_conflict(&mut self, edge: EdgeId, dep: NodeId, misfits: &[(NodeId, EdgeId)]) {
        let shown = |node: NodeId| match self.tree.package(node) {
            Some((package, published)) => format!("{package}@{}", printable(&published.version, 60)),
            None => printable(self.tree.texts.name_text(self.tree.node(node).name), 120),
        };
        let asks = |edge: EdgeId| {
            let from = self.tree.edge(edge).from;
            let from = if self.tree.package(from).is_some() { shown(from) } else { "the project".to_owned() };
            let name = printable(self.tree.texts.name_text(self.tree.edge(edge).name), 120);
            format!("{from} asks for {name}@{}", printable(self.tree.spec_of(edge).unwrap_or(""), 120))
        };
        let mut lines = vec![asks(edge)];
        let there =
            self.tree.edge(edge).to.or_else(|| self.tree.resolve(self.tree.edge(edge).from, self.tree.edge(edge).name));
        match there {
            Some(there) if there != dep => lines.push(format!("but {} is there", shown(there))),
            _ => lines.push(format!("but {} does not fit", shown(dep))),
        }
        for &(_, misfit) in misfits.iter().take(5) {
            lines.push(format!("peer: {}", asks(misfit)));
            let there = self.tree.resolve(self.root, self.tree.edge(misfit).name);
            lines.extend(there.map(|there| format!("but {} is there", shown(there))));
        }
        // The same conflict shows in several trial trees; the last account of it is the fullest.
        let conflict = Conflict { edge, detail: lines.join("\n") };
        let known = self.conflicts.iter_mut().find(|known| known.detail.lines().next() == Some(lines[0].as_str()));
        match known {
            Some(known) => *known = conflict,
            None => self.conflicts.push(conflict),
        }
    }
}
