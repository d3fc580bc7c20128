//! What a project or a package asks for, in the order in which npm reads it: the order decides what is hoisted.
//!
//! In: declarations, or what is published for a version. Out: [`Need`]s. What comes inside a tarball is never among them.

use std::collections::HashSet;

use sigma_core::{Declared, DependencyKind};

use super::packument::Published;

/// A dependency as it is declared, before it is an edge.
#[derive(Debug, Clone)]
pub(super) struct Need {
    pub name: String,
    pub spec: String,
    pub kind: EdgeKind,
    /// Which of the project's declarations it is.
    pub declared: Option<usize>,
}

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

/// The project's needs in the order in which npm reads them: peers, runtime, optional, development.
pub(super) fn of_project(declared: &[Declared]) -> Vec<Need> {
    let order = [DependencyKind::Peer, DependencyKind::Runtime, DependencyKind::Optional, DependencyKind::Dev];
    let mut needs = Vec::new();
    for kind in order {
        for (at, declared) in declared.iter().enumerate().filter(|(_, declared)| declared.kind == kind) {
            let name = declared.name.as_str();
            let (name, spec) = match &declared.alias {
                Some(alias) => (alias.clone(), format!("npm:{name}@{}", declared.spec)),
                None => (name.to_owned(), declared.spec.clone()),
            };
            let kind = match kind {
                DependencyKind::Peer => EdgeKind::Peer,
                DependencyKind::Optional => EdgeKind::Optional,
                DependencyKind::Runtime | DependencyKind::Dev => EdgeKind::Needed,
            };
            needs.push(Need { name, spec, kind, declared: Some(at) });
        }
    }
    needs
}

/// A package's dependencies in the order in which npm reads them. What is bundled comes inside the tarball.
pub(super) fn of_package(published: &Published) -> Vec<Need> {
    let bundled: HashSet<&str> = published.bundled.iter().map(String::as_str).collect();
    let may_miss: HashSet<&str> = published.optional_peers.iter().map(String::as_str).collect();
    let peers = |optional: bool| {
        let kind = if optional { EdgeKind::OptionalPeer } else { EdgeKind::Peer };
        let may_miss = &may_miss;
        let peers = published.peers.iter().filter(move |(name, _)| may_miss.contains(name.as_str()) == optional);
        peers.map(move |entry| (entry, kind))
    };
    peers(false)
        .chain(peers(true))
        .chain(published.dependencies.iter().map(|entry| (entry, EdgeKind::Needed)))
        .chain(published.optional.iter().map(|entry| (entry, EdgeKind::Optional)))
        .filter(|((name, _), _)| !bundled.contains(name.as_str()))
        .map(|((name, spec), kind)| Need { name: name.clone(), spec: spec.clone(), kind, declared: None })
        .collect()
}
