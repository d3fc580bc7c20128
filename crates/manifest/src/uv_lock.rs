//! `uv.lock`, version 1: exact packages for every platform, with markers on edges and digests of every file.

use std::collections::{BTreeSet, HashMap, HashSet};

use sigma_core::{
    Declared, DependencyKind, Ecosystem, ExpectedDigest, LockedPackage, Manifest, PackageId, PackageName, Refusal,
    printable,
};
use toml_edit::Item;

use super::draft::{Draft, Rejection};
use super::lock_graph::{Edge, LockGraph, Need};
use super::public_index::{is_public, is_public_file};
use super::source_file::{Reading, SourceFile};
use super::toml_file::{self, Row};
use super::{ManifestError, ReadOptions};

/// Longest marker kept, in bytes; uv's own grow to some kilobytes.
const LONGEST_MARKER: usize = 16 << 10;

/// Reads a `uv.lock`.
pub(super) fn read(source: &SourceFile, reading: &mut Reading<'_>) -> Result<Manifest, ManifestError> {
    let document = toml_file::parse(source)?;
    let root = Row { table: document.as_table(), offset: 0 };
    if root.table.get("version").and_then(Item::as_integer) != Some(1) {
        return Err(source.syntax(1, "uv.lock", "got another lockfile version, expected 1; run `uv lock`"));
    }
    let options = reading.options;
    let mut draft = Draft::new(Ecosystem::Pypi, options.max_entries);
    let manifest = root.child("manifest");
    let members: BTreeSet<&str> = manifest
        .map(|row| row.values("members").iter().filter_map(|(value, _)| value.as_str()).collect())
        .unwrap_or_default();
    let mut lock = Lock { source, nodes: Vec::new(), by_name: HashMap::new(), graph: LockGraph::default() };
    for row in root.rows("package") {
        if draft.is_full() {
            break;
        }
        lock.package(row, &members, options, &mut draft);
    }
    lock.roots(options, &mut draft);
    lock.edges(&mut draft)?;
    let graph = lock.graph.finish(options.include_dev, &mut draft, source.line(1));
    draft.finish(std::mem::take(&mut reading.files), graph)
}

struct Node<'d> {
    row: Row<'d>,
    version: Option<&'d str>,
    /// The source table as text, which tells packages of one name and version apart.
    origin: String,
    /// Index of the locked package; `None` for the project itself and for what is refused.
    index: Option<usize>,
    /// The project itself, a member of its workspace, or another local folder.
    local: bool,
}

struct Lock<'s, 'd> {
    source: &'s SourceFile,
    nodes: Vec<Node<'d>>,
    by_name: HashMap<&'d str, Vec<usize>>,
    graph: LockGraph,
}

impl<'d> Lock<'_, 'd> {
    fn package(&mut self, row: Row<'d>, members: &BTreeSet<&str>, options: &ReadOptions, draft: &mut Draft) {
        let at = self.source.at(row.offset);
        let name = row.text("name").unwrap_or_default();
        let version = row.text("version");
        let shown = format!("{name}=={}", version.unwrap_or("?"));
        let origin = row.child("source");
        let local_path = origin.and_then(|origin| {
            ["virtual", "editable", "directory"].into_iter().find_map(|key| Some((key, origin.text(key)?)))
        });
        let is_own = local_path.is_some_and(|(_, path)| path == ".") || local_path.is_some() && members.contains(name);
        let mut index = None;
        match (local_path, origin) {
            _ if is_own => {}
            (Some((key, path)), _) => {
                let reason = if key == "editable" { Refusal::Editable } else { Refusal::Path };
                draft.refuse_as(&format!("{name} @ {path}"), reason, at);
            }
            (None, Some(origin)) => match locked(row, name, version, origin, options, draft, self.source) {
                Ok(package) if draft.admit(&at) => {
                    self.graph.packages.push(package);
                    index = Some(self.graph.packages.len() - 1);
                }
                Ok(_) => return,
                Err(rejection) => draft.refuse(&shown, rejection, at),
            },
            (None, None) => draft.refuse(&shown, Rejection::unparsable("the package has no source; run `uv lock`"), at),
        }
        let origin = origin.map(origin_text).unwrap_or_default();
        self.by_name.entry(name).or_default().push(self.nodes.len());
        self.nodes.push(Node { row, version, origin, index, local: local_path.is_some() });
    }

    /// What the project itself declares.
    fn roots(&self, options: &ReadOptions, draft: &mut Draft) {
        for node in self.nodes.iter().filter(|node| node.local) {
            let Some(metadata) = node.row.child("metadata") else { continue };
            for row in metadata.rows("requires-dist") {
                // What belongs to an extra carries it in its marker.
                let optional = row.text("marker").is_some_and(|marker| marker.contains("extra =="));
                if options.include_dev || !optional {
                    let kind = if optional { DependencyKind::Optional } else { DependencyKind::Runtime };
                    self.declare(row, kind, draft);
                }
            }
            let groups = metadata.child("requires-dev").filter(|_| options.include_dev);
            for (group, _) in groups.iter().flat_map(|groups| groups.table.iter()) {
                for row in groups.map(|groups| groups.rows(group)).unwrap_or_default() {
                    self.declare(row, DependencyKind::Dev, draft);
                }
            }
        }
    }

    /// The lockfile makes every declaration exact, so that only its source can be refused, not its version.
    fn declare(&self, row: Row<'_>, kind: DependencyKind, draft: &mut Draft) {
        let at = self.source.at(row.offset);
        let raw = row.text("name").unwrap_or_default();
        let name = match PackageName::new(Ecosystem::Pypi, raw) {
            Ok(name) => name,
            Err(error) => return draft.refuse(raw, Rejection::unparsable(error.to_string()), at),
        };
        let has = |key: &str| row.table.contains_key(key);
        let reason = match () {
            () if has("git") => Some(Refusal::VersionControl),
            () if has("url") => Some(Refusal::Url),
            () if has("editable") => Some(Refusal::Editable),
            () if has("path") || has("directory") || has("virtual") => Some(Refusal::Path),
            () => None,
        };
        if let Some(reason) = reason {
            return draft.refuse_as(raw, reason, at);
        }
        let extras = row.values("extras").into_iter().filter_map(|(value, _)| value.as_str());
        draft.declare(Declared {
            name,
            spec: printable(row.text("specifier").unwrap_or_default(), 300),
            kind,
            extras: extras.map(|extra| printable(extra, 100)).collect(),
            marker: marker(row),
            alias: None,
            pinned: Vec::new(),
            at,
        });
    }

    /// Follows the edges from the project twice: first as installed without development dependencies, then with all
    /// extras and groups of the project, so that what only those bring in is known as such.
    fn edges(&mut self, draft: &mut Draft) -> Result<(), ManifestError> {
        let mut done: HashSet<(usize, Option<&'d str>)> = HashSet::new();
        for dev in [false, true] {
            let mut queue: Vec<(usize, Option<&'d str>)> = Vec::new();
            let locals: Vec<usize> = (0..self.nodes.len()).filter(|&node| self.nodes[node].local).collect();
            for node in locals {
                if !dev {
                    queue.push((node, None));
                    continue;
                }
                let row = self.nodes[node].row;
                if let Some(extras) = row.child("optional-dependencies") {
                    queue.extend(extras.table.iter().map(|(extra, _)| (node, Some(extra))));
                }
                for (group, _) in row.child("dev-dependencies").iter().flat_map(|groups| groups.table.iter()) {
                    let rows = row.child("dev-dependencies").map(|groups| groups.rows(group)).unwrap_or_default();
                    self.follow(node, rows, true, &mut queue, draft)?;
                }
            }
            while let Some((node, extra)) = queue.pop() {
                if !done.insert((node, extra)) {
                    continue;
                }
                let row = self.nodes[node].row;
                let rows = match extra {
                    None => row.rows("dependencies"),
                    Some(extra) => {
                        row.child("optional-dependencies").map(|extras| extras.rows(extra)).unwrap_or_default()
                    }
                };
                self.follow(node, rows, dev, &mut queue, draft)?;
            }
        }
        Ok(())
    }

    fn follow(
        &mut self,
        node: usize,
        rows: Vec<Row<'d>>,
        dev: bool,
        queue: &mut Vec<(usize, Option<&'d str>)>,
        draft: &mut Draft,
    ) -> Result<(), ManifestError> {
        for row in rows {
            let at = self.source.at(row.offset);
            let Some(target) = self.find(row) else {
                let name = printable(row.text("name").unwrap_or_default(), 80);
                draft.problem(format!("the lockfile holds no single `{name}` for this dependency; run `uv lock`"), at);
                continue;
            };
            queue.push((target, None));
            let extras = row.values("extra").into_iter().filter_map(|(value, _)| value.as_str());
            queue.extend(extras.map(|extra| (target, Some(extra))));
            if let Some(to) = self.nodes[target].index {
                let marker = marker(row);
                let need = match &marker {
                    _ if dev => Need::Dev,
                    Some(_) => Need::Optional,
                    None => Need::Required,
                };
                let spec = format!("=={}", self.nodes[target].version.unwrap_or_default());
                self.graph.connect(Edge { from: self.nodes[node].index, to, spec, marker, need }, &at)?;
            }
        }
        Ok(())
    }

    /// The package that an edge names, by name alone where there is one of it, otherwise by version and source too.
    fn find(&self, row: Row<'_>) -> Option<usize> {
        let candidates = self.by_name.get(row.text("name")?)?;
        if let [only] = candidates.as_slice() {
            return Some(*only);
        }
        let version = row.text("version")?;
        let origin = row.child("source").map(origin_text);
        // A package forks into a handful of versions; more than that is not looked through.
        let mut fitting = candidates.iter().take(64).copied().filter(|&node| {
            let node = &self.nodes[node];
            node.version == Some(version) && origin.as_ref().is_none_or(|origin| node.origin == *origin)
        });
        let first = fitting.next()?;
        fitting.next().is_none().then_some(first)
    }
}

fn origin_text(row: Row<'_>) -> String {
    row.table.iter().map(|(key, item)| format!("{key}={} ", item.as_str().unwrap_or_default())).collect()
}

fn marker(row: Row<'_>) -> Option<String> {
    row.text("marker").map(|marker| printable(marker, LONGEST_MARKER))
}

fn locked(
    row: Row<'_>,
    name: &str,
    version: Option<&str>,
    origin: Row<'_>,
    options: &ReadOptions,
    draft: &mut Draft,
    source: &SourceFile,
) -> Result<LockedPackage, Rejection> {
    let refused = |reason| Err(Rejection::new(Ecosystem::Pypi, reason));
    match origin.text("registry") {
        Some(registry) if is_public(registry, &options.pypi_indexes) => {}
        Some(_) => return refused(Refusal::OtherIndex),
        None if origin.table.contains_key("git") => return refused(Refusal::VersionControl),
        None if origin.table.contains_key("url") => return refused(Refusal::Url),
        None if origin.table.contains_key("path") => return refused(Refusal::Path),
        None => return Err(Rejection::unparsable("the source is of no known kind; run `uv lock`")),
    }
    let unparsable = |error: sigma_core::NameError| Rejection::unparsable(error.to_string());
    let id = PackageName::new(Ecosystem::Pypi, name)
        .and_then(|name| PackageId::new(name, version.unwrap_or_default()))
        .map_err(unparsable)?;
    let mut pinned = Vec::new();
    for file in row.rows("wheels").into_iter().chain(row.rows("sdist")) {
        if let Some(url) = file.text("url")
            && !is_public_file(url, &options.pypi_indexes, &options.pypi_file_hosts)
        {
            return refused(Refusal::OtherIndex);
        }
        if let Some(hash) = file.text("hash") {
            let digest = ExpectedDigest::parse_pip(hash).map_err(|error| Rejection::unparsable(error.to_string()))?;
            pinned.push(digest);
        }
    }
    let at = source.at(row.offset);
    if pinned.is_empty() {
        draft.problem(format!("{id} has no hash: nothing pins its bytes"), at.clone());
    }
    let forks: Vec<_> = row.values("resolution-markers").iter().filter_map(|(value, _)| value.as_str()).collect();
    let marker = (!forks.is_empty()).then(|| printable(&format!("({})", forks.join(") or (")), LONGEST_MARKER));
    let (os, cpu, libc) = Default::default();
    Ok(LockedPackage { id, pinned, dev: false, optional: false, marker, os, cpu, libc, at })
}
