//! Packuments fetched ahead, many at once: what a spec means does not depend on the tree, so everything that may be needed
//! can be known before the tree is built.
//!
//! In: names and specs. Out: what the registry says about each name that they lead to. It must never fetch a name twice,
//! nor more than a graph may hold.

use std::collections::{HashMap, HashSet};

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use sigma_core::{Ecosystem, PackageName};

use super::need::{self, EdgeKind};
use super::packument::{Known, Packages};
use super::pick::{Engines, pick};
use super::registry::Registry;
use super::spec::Spec;
use crate::ResolveError;

/// Most packages of one graph. The largest real projects have about 3,000.
pub(super) const MAX_PACKAGES: usize = 20_000;
/// Most packuments asked for at once, those being parsed included.
const AT_ONCE: usize = 48;

/// Follows the specs and adds what it learns to `packages`.
pub(super) async fn crawl(
    registry: &Registry,
    engines: &Engines,
    start: impl IntoIterator<Item = (String, String)>,
    packages: &mut Packages,
) -> Result<(), ResolveError> {
    let mut todo: Vec<(String, String)> = start.into_iter().collect();
    let mut seen: HashSet<(String, String)> = HashSet::new();
    // Specs that wait for a packument under way.
    let mut waiting: HashMap<String, Vec<Spec>> = HashMap::new();
    let mut queue: std::collections::VecDeque<String> = std::collections::VecDeque::new();
    let mut under_way = FuturesUnordered::new();
    loop {
        while let Some((name, text)) = todo.pop() {
            if !seen.insert((name.clone(), text.clone())) {
                continue;
            }
            let spec = Spec::parse(&text);
            let Spec::Registry { alias_of, .. } = &spec else { continue };
            let package = alias_of.clone().unwrap_or(name);
            if PackageName::new(Ecosystem::Npm, &package).is_err() {
                continue;
            }
            match packages.get(&package) {
                Some(known) => follow(known, &spec, engines, &mut todo),
                None => {
                    let specs = waiting.entry(package.clone()).or_default();
                    if specs.is_empty() {
                        queue.push_back(package);
                    }
                    specs.push(spec);
                }
            }
        }
        while under_way.len() < AT_ONCE
            && let Some(package) = queue.pop_front()
        {
            under_way.push(async move {
                let known = registry.packument(&package, false).await;
                (package, known)
            });
        }
        let Some((package, known)) = under_way.next().await else { return Ok(()) };
        for spec in waiting.remove(&package).unwrap_or_default() {
            follow(&known, &spec, engines, &mut todo);
        }
        packages.insert(package, known);
        if packages.len() > MAX_PACKAGES {
            return Err(ResolveError::Resolver(format!("the dependencies lead to more than {MAX_PACKAGES} packages")));
        }
    }
}

fn follow(known: &Known, spec: &Spec, engines: &Engines, todo: &mut Vec<(String, String)>) {
    let (Known::Packument(packument), Spec::Registry { want, .. }) = (known, spec) else { return };
    let Some(listed) = pick(packument, want, engines) else { return };
    // Optional peers are not installed by themselves.
    let needs = need::of_package(listed.read()).into_iter().filter(|need| need.kind != EdgeKind::OptionalPeer);
    todo.extend(needs.map(|need| (need.name, need.spec)));
}
