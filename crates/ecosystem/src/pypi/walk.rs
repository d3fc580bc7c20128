//! From resolved packages and their metadata to edges: who asks for whom, with which words.
//!
//! In: the project's declarations, the resolved packages, the metadata that the resolver used. Out: edges, and the
//! dependencies that the target's markers rule out. Extras are followed to a fixed point; every (package, extra) is
//! looked at once, so that cycles end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sigma_core::{Location, Parent};
use uv_distribution::Metadata;
use uv_distribution_types::{Requirement, RequirementSource};
use uv_normalize::{ExtraName, PackageName};
use uv_pep508::MarkerEnvironment;

use super::failure;
use crate::resolve::Edge;

/// A requirement of the project, with its place.
pub(super) struct Root<'a> {
    pub requirement: &'a Requirement,
    pub spec: &'a str,
    pub at: &'a Location,
}

/// What the walk found.
#[derive(Default)]
pub(super) struct Walk {
    pub edges: Vec<Edge>,
    /// Who asks for packages that are not among the resolved ones.
    pub missing: BTreeMap<PackageName, Vec<(Option<usize>, Parent)>>,
    /// Dependencies that the target does not need, as `name spec (why)`.
    pub excluded: BTreeSet<String>,
}

/// Walks from the project to everything it reaches.
pub(super) fn walk(
    roots: &[Root<'_>],
    resolved: &BTreeMap<PackageName, usize>,
    metadata: &[Arc<Metadata>],
    markers: &MarkerEnvironment,
) -> Walk {
    let mut walk = Walk::default();
    let mut seen: BTreeSet<(Option<usize>, PackageName, String)> = BTreeSet::new();
    let mut extras: Vec<Option<BTreeSet<ExtraName>>> = vec![None; metadata.len()];
    let mut queue = Vec::new();
    let mut reach = |to: usize, asked: &[ExtraName], queue: &mut Vec<usize>| {
        let first = extras[to].is_none();
        let known = extras[to].get_or_insert_default();
        let before = known.len();
        known.extend(asked.iter().cloned());
        if first || known.len() > before {
            queue.push(to);
        }
        known.iter().cloned().collect::<Vec<_>>()
    };
    for root in roots {
        match resolved.get(&root.requirement.name) {
            Some(&to) => {
                let at = Some(root.at.clone());
                walk.edges.push(Edge { from: None, to, spec: root.spec.to_owned(), at });
                reach(to, &root.requirement.extras, &mut queue);
            }
            None => {
                let parent = Parent { package: None, spec: root.spec.to_owned(), at: Some(root.at.clone()) };
                walk.missing.entry(root.requirement.name.clone()).or_default().push((None, parent));
            }
        }
    }
    while let Some(from) = queue.pop() {
        let active = reach(from, &[], &mut queue);
        for requirement in &metadata[from].requires_dist {
            let spec = spec(requirement);
            if !requirement.evaluate_markers(Some(markers), &active) {
                if requirement.marker.evaluate_only_extras(&active) {
                    walk.excluded.insert(excluded(requirement, &metadata[from].name));
                }
                continue;
            }
            let new = seen.insert((Some(from), requirement.name.clone(), spec.clone()));
            match resolved.get(&requirement.name) {
                Some(&to) => {
                    reach(to, &requirement.extras, &mut queue);
                    // `all = ["x[a,b]"]` of x itself only switches extras on.
                    if new && to != from {
                        walk.edges.push(Edge { from: Some(from), to, spec, at: None });
                    }
                }
                None if new => {
                    let parent = Parent { package: None, spec, at: None };
                    walk.missing.entry(requirement.name.clone()).or_default().push((Some(from), parent));
                }
                None => {}
            }
        }
    }
    walk
}

/// The spec as declared, without name, extras and marker.
pub(super) fn spec(requirement: &Requirement) -> String {
    match &requirement.source {
        RequirementSource::Registry { specifier, .. } => failure::line(&specifier.to_string()),
        other => failure::without_credentials(other.to_string().trim()),
    }
}

fn excluded(requirement: &Requirement, parent: &PackageName) -> String {
    let marker = requirement.marker.try_to_string().unwrap_or_default();
    let spec = spec(requirement);
    let gap = if spec.is_empty() { "" } else { " " };
    failure::line(&format!("{}{gap}{spec} (required by {parent} only if {marker})", requirement.name))
}
