//! For the tests of this room: a project in a temporary folder, and a manifest as lines.

use std::fmt::Write as _;

use sigma_core::{Manifest, ManifestSource};

use super::{ManifestError, Project, ReadOptions, read};

/// Writes the files into a fresh folder and reads the folder, or `target` in it.
pub(super) fn read_files(
    files: &[(&str, &str)],
    target: &str,
    options: &ReadOptions,
) -> Result<Project, ManifestError> {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    read(&folder.path().join(target), options)
}

/// Everything a manifest says, one line each; an error as one line, without the temporary folder's name.
pub(super) fn lines(files: &[(&str, &str)], options: &ReadOptions) -> String {
    match read_files(files, "", options) {
        Ok(project) => {
            let mut out: String = project.manifests.iter().map(render).collect();
            project.passed_over.iter().for_each(|line| writeln!(out, "passed over: {line}").unwrap());
            out
        }
        Err(error) => format!("error: {error}"),
    }
}

pub(super) fn render(manifest: &Manifest) -> String {
    let mut out = format!("{} {} [{}]\n", manifest.ecosystem, manifest.path, manifest.files.join(" "));
    for d in &manifest.declared {
        let extras = if d.extras.is_empty() { String::new() } else { format!("[{}]", d.extras.join(",")) };
        let alias = d.alias.as_ref().map(|alias| format!(" as {alias}")).unwrap_or_default();
        let marker = d.marker.as_ref().map(|marker| format!(" ; {marker}")).unwrap_or_default();
        let pins = if d.pinned.is_empty() { String::new() } else { format!(" pins:{}", d.pinned.len()) };
        let kind = format!("{:?}", d.kind).to_lowercase();
        writeln!(out, "{} {kind} {}{extras} {}{alias}{marker}{pins}", d.at, d.name, d.spec).unwrap();
    }
    for r in &manifest.refused {
        writeln!(out, "{} REFUSED {:?}: {}", r.at, r.reason, r.declaration).unwrap();
    }
    for p in &manifest.problems {
        writeln!(out, "{} problem: {}", p.at, p.message).unwrap();
    }
    match &manifest.source {
        ManifestSource::Ranges { constraints, overrides, pre_releases } => {
            constraints.iter().for_each(|constraint| writeln!(out, "constraint: {constraint}").unwrap());
            overrides.iter().for_each(|overrides| writeln!(out, "overrides: {overrides}").unwrap());
            if *pre_releases {
                out.push_str("pre-releases\n");
            }
        }
        ManifestSource::Locked { packages, edges } => {
            for p in packages {
                let flags = [(p.dev, " dev"), (p.optional, " optional")];
                let flags: String = flags.iter().filter(|(set, _)| *set).map(|(_, name)| *name).collect();
                let marker = p.marker.as_ref().map(|marker| format!(" ; {marker}")).unwrap_or_default();
                let fits: String = p.os.iter().chain(&p.cpu).chain(&p.libc).map(|fit| format!(" {fit}")).collect();
                writeln!(out, "{} locked {} pins:{}{flags}{fits}{marker}", p.at, p.id, p.pinned.len()).unwrap();
            }
            for e in edges {
                let from = e.from.map_or("project".to_owned(), |from| packages[from].id.to_string());
                let marker = e.marker.as_ref().map(|marker| format!(" ; {marker}")).unwrap_or_default();
                writeln!(out, "edge {from} -> {} {}{marker}", packages[e.to].id, e.spec).unwrap();
            }
        }
    }
    out
}
