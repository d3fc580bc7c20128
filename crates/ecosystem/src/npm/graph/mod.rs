//! From a finished tree, or from a lockfile, to the graph of what the target gets.
//!
//! In: packages, each with the reason why npm leaves it out, if it does, and edges. Out: [`Graph`]. What npm leaves out
//! (another platform, an optional dependency that cannot be had, what only those need) is listed with the reason; what
//! cannot be certified is unresolved.

mod left_out;
mod of_lock;
mod of_tree;

use std::collections::{BTreeSet, HashMap, HashSet};

use sigma_core::{Graph, PackageId, Parent, Unresolved};

pub(super) use self::left_out::libc_unknown;
pub(super) use self::of_lock::of_lock;
pub(super) use self::of_tree::of_tree;
use crate::resolve::{Edge, Exact, assemble};

/// Longest spec that is kept for display.
const SHOWN_SPEC: usize = 300;

/// One package before it is known whether the target gets it.
struct Candidate {
    exact: Exact,
    /// Why npm leaves it out.
    left_out: Option<String>,
}

/// What a graph is made of.
#[derive(Default)]
struct Parts {
    candidates: Vec<Candidate>,
    /// What comes inside each candidate's tarball.
    bundled: Vec<Vec<String>>,
    edges: Vec<Edge>,
    unresolved: Vec<Unresolved>,
    excluded: Vec<String>,
}

impl Parts {
    /// Cuts off what is left out, and assembles the rest.
    fn settle(mut self) -> Graph {
        let reach = |skip: &dyn Fn(usize) -> bool| {
            let mut reached: HashSet<usize> = HashSet::new();
            let mut children: HashMap<Option<usize>, Vec<usize>> = HashMap::new();
            self.edges.iter().for_each(|edge| children.entry(edge.from).or_default().push(edge.to));
            let mut todo = vec![None];
            while let Some(from) = todo.pop() {
                for &to in children.get(&from).into_iter().flatten() {
                    if !skip(to) && reached.insert(to) {
                        todo.push(Some(to));
                    }
                }
            }
            reached
        };
        let all = reach(&|_| false);
        let kept = reach(&|at| self.candidates[at].left_out.is_some());
        let shown = |id: &PackageId| format!("{}@{}", id.name(), id.version());
        let kept_ids: HashSet<String> = kept.iter().map(|&at| shown(&self.candidates[at].exact.id)).collect();
        let mut excluded: BTreeSet<String> = self.excluded.drain(..).collect();
        for &at in all.difference(&kept) {
            let id = shown(&self.candidates[at].exact.id);
            if !kept_ids.contains(&id) {
                let why = self.candidates[at].left_out.as_deref().unwrap_or("only needed by what is left out");
                excluded.insert(format!("{id} ({why})"));
            }
        }
        for &at in &kept {
            let id = shown(&self.candidates[at].exact.id);
            excluded.extend(self.bundled[at].iter().map(|need| format!("{need} (bundled inside {id})")));
        }
        let edges: Vec<Edge> = self
            .edges
            .into_iter()
            .filter(|edge| kept.contains(&edge.to) && edge.from.is_none_or(|from| kept.contains(&from)))
            .collect();
        let exact = self.candidates.into_iter().map(|candidate| candidate.exact).collect();
        assemble(exact, &edges, self.unresolved, excluded.into_iter().collect())
    }
}

fn sorted(parents: impl Iterator<Item = Parent>) -> Vec<Parent> {
    parents.collect::<BTreeSet<_>>().into_iter().collect()
}
