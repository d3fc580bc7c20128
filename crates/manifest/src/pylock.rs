//! `pylock.toml` (PEP 751): exact packages with markers and digests; edges where the tool that wrote it recorded them.

use std::collections::HashMap;

use sigma_core::{
    Declared, DependencyKind, Ecosystem, ExpectedDigest, HashAlgorithm, LockedPackage, Manifest, PackageId,
    PackageName, Refusal, printable,
};

use super::draft::{Draft, Rejection};
use super::lock_graph::{Edge, LockGraph, Need};
use super::public_index::{is_public, is_public_file};
use super::source_file::{Reading, SourceFile};
use super::toml_file::{self, Row};
use super::{ManifestError, ReadOptions};

/// `pylock.toml` and `pylock.<name>.toml`, as PEP 751 names them.
pub(super) fn claims(name: &str) -> bool {
    name == "pylock.toml" || name.starts_with("pylock.") && name.ends_with(".toml")
}

/// Reads a `pylock.toml`.
pub(super) fn read(source: &SourceFile, reading: &mut Reading<'_>) -> Result<Manifest, ManifestError> {
    let document = toml_file::parse(source)?;
    let root = Row { table: document.as_table(), offset: 0 };
    let version = root.text("lock-version").unwrap_or_default();
    if version != "1.0" && !version.starts_with("1.") {
        return Err(source.syntax(1, "pylock.toml", "got another lock-version, expected 1.0; write the file again"));
    }
    let options = reading.options;
    let mut draft = Draft::new(Ecosystem::Pypi, options.max_entries);
    let mut graph = LockGraph::default();
    let mut rows = Vec::new();
    let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
    for row in root.rows("packages") {
        if draft.is_full() {
            break;
        }
        let name = row.text("name").unwrap_or_default();
        let at = source.at(row.offset);
        match locked(row, name, options, source) {
            Ok(package) if draft.admit(&at) => {
                if package.pinned.is_empty() {
                    draft.problem(format!("{} has no usable hash: nothing pins its bytes", package.id), at);
                }
                by_name.entry(name).or_default().push(rows.len());
                rows.push(row);
                graph.packages.push(package);
            }
            Ok(_) => {}
            Err(rejection) => {
                let version = row.text("version").map(|version| format!("=={version}")).unwrap_or_default();
                draft.refuse(&format!("{name}{version}"), rejection, at);
            }
        }
    }
    let has_edges = rows.iter().any(|row| row.table.contains_key("dependencies"));
    let mut is_child = vec![false; rows.len()];
    for (from, row) in rows.iter().enumerate() {
        for dependency in row.rows("dependencies") {
            let at = source.at(dependency.offset);
            let name = dependency.text("name").unwrap_or_default();
            let wanted = dependency.text("version");
            let fitting = by_name.get(name).map(Vec::as_slice).unwrap_or_default().iter().copied().take(64);
            for to in fitting.filter(|&to| wanted.is_none() || rows[to].text("version") == wanted) {
                is_child[to] |= to != from;
                let spec = format!("=={}", graph.packages[to].id.version());
                let need = if graph.packages[to].marker.is_some() { Need::Optional } else { Need::Required };
                graph.connect(Edge { from: Some(from), to, spec, marker: None, need }, &at)?;
            }
        }
    }
    // PEP 751 does not say what the project itself asks for: whatever nothing else asks for.
    for (to, _) in is_child.iter().enumerate().filter(|(_, is_child)| !**is_child) {
        let package = &graph.packages[to];
        let at = package.at.clone();
        let spec = format!("=={}", package.id.version());
        let (name, marker) = (package.id.name().clone(), package.marker.clone());
        let (alias, pinned, extras) = Default::default();
        let declared_at = at.clone();
        draft.declare(Declared {
            name,
            spec: spec.clone(),
            kind: DependencyKind::Runtime,
            extras,
            marker: marker.clone(),
            alias,
            pinned,
            at: declared_at,
        });
        let need = if marker.is_some() { Need::Optional } else { Need::Required };
        graph.connect(Edge { from: None, to, spec, marker, need }, &at)?;
    }
    if !has_edges && !rows.is_empty() {
        let message = "the lockfile records no edges: every package counts as a direct dependency";
        draft.problem(message, source.line(1));
    }
    let graph = graph.finish(options.include_dev, &mut draft, source.line(1));
    draft.finish(std::mem::take(&mut reading.files), graph)
}

fn locked(row: Row<'_>, name: &str, options: &ReadOptions, source: &SourceFile) -> Result<LockedPackage, Rejection> {
    let refused = |reason| Err(Rejection::new(Ecosystem::Pypi, reason));
    if row.table.contains_key("vcs") {
        return refused(Refusal::VersionControl);
    }
    if let Some(directory) = row.child("directory") {
        return refused(if directory.is_true("editable") { Refusal::Editable } else { Refusal::Path });
    }
    if let Some(archive) = row.child("archive") {
        return refused(if archive.table.contains_key("url") { Refusal::Url } else { Refusal::Path });
    }
    if row.text("index").is_some_and(|index| !is_public(index, &options.pypi_indexes)) {
        return refused(Refusal::OtherIndex);
    }
    let id = PackageName::new(Ecosystem::Pypi, name)
        .and_then(|name| PackageId::new(name, row.text("version").unwrap_or_default()))
        .map_err(|error| Rejection::unparsable(error.to_string()))?;
    let mut pinned = Vec::new();
    for file in row.rows("wheels").into_iter().chain(row.rows("sdist")) {
        match file.text("url") {
            Some(url) if !is_public_file(url, &options.pypi_indexes, &options.pypi_file_hosts) => {
                return refused(Refusal::OtherIndex);
            }
            None if file.table.contains_key("path") => return refused(Refusal::Path),
            _ => {}
        }
        let Some(hashes) = file.child("hashes") else { continue };
        for (algorithm, value) in hashes.table.iter() {
            // Algorithms beyond those known here say nothing that could be checked.
            if algorithm.parse::<HashAlgorithm>().is_ok() {
                let text = format!("{algorithm}:{}", value.as_str().unwrap_or_default());
                let digest = ExpectedDigest::parse_pip(&text).map_err(|e| Rejection::unparsable(e.to_string()))?;
                pinned.push(digest);
            }
        }
    }
    let marker = row.text("marker").map(|marker| printable(marker, 16 << 10));
    let (os, cpu, libc) = Default::default();
    Ok(LockedPackage { id, pinned, dev: false, optional: false, marker, os, cpu, libc, at: source.at(row.offset) })
}
