//! What a package needs to run: everything below it in the graph, certified; or what stands in the way.

use std::collections::{BTreeSet, HashMap};

use sigma_core::{Depth, PackageId, Parent, ResolvedPackage, SecurityLevel};

use crate::{Audit, Row};

/// The graph of an audit, from parents to children.
pub(super) struct Needs<'a> {
    audit: &'a Audit,
    children: HashMap<&'a PackageId, Vec<&'a Row>>,
}

impl<'a> Needs<'a> {
    pub fn new(audit: &'a Audit) -> Self {
        let mut children: HashMap<&PackageId, Vec<&Row>> = HashMap::new();
        for row in &audit.rows {
            for parent in row.package.parents.iter().filter_map(|parent| parent.package.as_ref()) {
                children.entry(parent).or_default().push(row);
            }
        }
        Self { audit, children }
    }

    /// The package and everything that it needs, as the dependencies of a project of their own: what the package itself asks
    /// for lies beside it. `Err` is why it cannot be run, in a sentence without a full stop.
    pub fn of(&self, row: &Row) -> Result<Vec<ResolvedPackage>, String> {
        let root = &row.package.id;
        let mut seen: BTreeSet<&PackageId> = [root].into();
        let mut all = vec![ResolvedPackage { depth: Depth::Direct, ..row.package.clone() }];
        let mut next = vec![root];
        while let Some(parent) = next.pop() {
            self.resolved_below(parent)?;
            for child in self.children.get(parent).into_iter().flatten() {
                let id = &child.package.id;
                if id == root || !seen.insert(id) {
                    continue;
                }
                stands_in_the_way(child)?;
                let mut package = child.package.clone();
                if package.parents.iter().any(|above| above.package.as_ref() == Some(root)) {
                    package.parents.push(Parent { package: None, spec: String::new(), at: None });
                }
                package.depth = Depth::TransitiveL1;
                all.push(package);
                next.push(id);
            }
        }
        // The order in which a graph is walked is not part of what is laid out.
        all[1..].sort_by(|a, b| a.id.cmp(&b.id));
        Ok(all)
    }

    /// A dependency that could not be resolved is one that is not there.
    fn resolved_below(&self, parent: &PackageId) -> Result<(), String> {
        let asks = |parents: &[Parent]| parents.iter().any(|one| one.package.as_ref() == Some(parent));
        match self.audit.unresolved.iter().find(|unresolved| asks(&unresolved.parents)) {
            Some(missing) => Err(format!("its dependency {} could not be resolved", missing.name)),
            None => Ok(()),
        }
    }
}

fn stands_in_the_way(row: &Row) -> Result<(), String> {
    let id = &row.package.id;
    match row.level() {
        None => Err(format!("its dependency {id} is not certified")),
        Some(SecurityLevel::Blocked) => Err(format!("its dependency {id} is BLOCKED")),
        Some(_) => Ok(()),
    }
}

/// Compiled files of another Python or machine would fail to load, and that would look like a program that does nothing.
pub(super) fn built_for_others(packages: &[ResolvedPackage]) -> Option<&str> {
    let filenames =
        packages.iter().filter_map(|package| Some(package.release.distributions.first()?.filename.as_str()));
    filenames.filter(|name| name.ends_with(".whl")).find(|name| !name.ends_with("-any.whl"))
}
