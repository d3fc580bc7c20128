//! `pyproject.toml` (PEP 621, PEP 735) with uv's own settings: the dependencies of a Python project as ranges.

use std::collections::HashMap;

use sigma_core::{Declared, DependencyKind, Ecosystem, Manifest, ManifestSource, PackageName, Refusal, printable};
use toml_edit::Value;

use super::ManifestError;
use super::draft::{Draft, Rejection};
use super::python_declaration as python;
use super::source_file::{Reading, SourceFile};
use super::toml_file::{self, Row};
use super::uv_index::UvIndexes;

/// Reads a `pyproject.toml`, and the `uv.toml` beside it.
pub(super) fn read(source: &SourceFile, reading: &mut Reading<'_>) -> Result<Manifest, ManifestError> {
    let document = toml_file::parse(source)?;
    let root = Row { table: document.as_table(), offset: 0 };
    let options = reading.options;
    let mut draft = Draft::new(Ecosystem::Pypi, options.max_entries);
    let uv = root.child("tool").and_then(|tool| tool.child("uv"));
    let mut indexes = UvIndexes::default();
    if let Some(uv) = uv {
        indexes.read(uv, &options.pypi_indexes, source, &mut draft);
    }
    if let Some(file) = reading.open_beside(source, "uv.toml")? {
        let document = toml_file::parse(&file)?;
        indexes.read(Row { table: document.as_table(), offset: 0 }, &options.pypi_indexes, &file, &mut draft);
    }
    let project = root.child("project");
    let own_name = project.and_then(|project| project.text("name"));
    let mut reader = Reader {
        source,
        draft,
        own_name: own_name.and_then(|name| PackageName::new(Ecosystem::Pypi, name).ok()),
        sources: uv.and_then(|uv| uv.child("sources")).map(|row| sources(row, &indexes)).unwrap_or_default(),
    };
    if let Some(project) = project {
        reader.array(project, "dependencies", DependencyKind::Runtime);
        for (value, offset) in project.values("dynamic") {
            if matches!(value.as_str(), Some("dependencies" | "optional-dependencies")) {
                let message = format!(
                    "`{}` is dynamic: only a build knows it, so it was not read",
                    value.as_str().unwrap_or_default()
                );
                reader.draft.problem(message, source.at(offset));
            }
        }
    } else if root.child("tool").is_some_and(|tool| tool.child("poetry").is_some()) {
        let message = "[tool.poetry] without [project] is not PEP 621: its dependencies were not read; add [project]";
        reader.draft.problem(message, source.line(1));
    } else {
        reader.draft.problem("there is no [project] table: no dependencies were read", source.line(1));
    }
    let sections = [
        (project, "optional-dependencies", DependencyKind::Optional),
        (Some(root), "dependency-groups", DependencyKind::Dev),
    ];
    for (parent, key, kind) in sections {
        let Some((parent, section)) = parent.and_then(|parent| Some((parent, parent.child(key)?))) else { continue };
        if options.include_dev {
            section.table.iter().for_each(|(group, _)| reader.array(section, group, kind));
        } else {
            let at = source.at(parent.offset_of(key));
            let count = section.table.iter().count();
            reader.draft.problem(format!("{count} sets of `{key}` were not read; they are read on request"), at);
        }
    }
    let mut constraints = Vec::new();
    if let Some(uv) = uv {
        if options.include_dev {
            reader.array(uv, "dev-dependencies", DependencyKind::Dev);
        }
        for key in ["constraint-dependencies", "override-dependencies"] {
            reader.constraints(uv, key, &mut constraints);
        }
    }
    let mut draft = reader.draft;
    if indexes.other {
        draft.refuse_where(Refusal::OtherIndex, |_| true);
    }
    let pre_releases = matches!(uv.and_then(|uv| uv.text("prerelease")), Some("allow"));
    let source = ManifestSource::Ranges { constraints, overrides: None, pre_releases };
    draft.finish(std::mem::take(&mut reading.files), source)
}

struct Reader<'s> {
    source: &'s SourceFile,
    draft: Draft,
    own_name: Option<PackageName>,
    /// Names that [tool.uv.sources] sends elsewhere, and where to.
    sources: HashMap<String, Refusal>,
}

impl Reader<'_> {
    /// One array of PEP 508 texts; in a dependency group also `{include-group = "..."}`.
    fn array(&mut self, parent: Row<'_>, key: &str, kind: DependencyKind) {
        let Some(item) = parent.table.get(key) else { return };
        if !item.is_array() {
            let rejection = Rejection::unparsable(format!("got {}, expected an array", item.type_name()));
            return self.draft.refuse(key, rejection, self.source.at(parent.offset_of(key)));
        }
        for (value, offset) in toml_file::values(item) {
            let at = self.source.at(offset);
            let group = value.as_inline_table().and_then(|table| table.get("include-group")).and_then(Value::as_str);
            match (value.as_str(), group) {
                (Some(text), _) => self.requirement(text, kind, offset),
                (None, Some(group)) if parent.table.contains_key(group) => {}
                (None, Some(group)) => {
                    self.draft.problem(format!("there is no group `{}` to include", printable(group, 80)), at);
                }
                (None, None) => {
                    let message = format!("got {}, expected a text such as \"name>=1.2\"", value.type_name());
                    self.draft.refuse(key, Rejection::unparsable(message), at);
                }
            }
        }
    }

    fn requirement(&mut self, text: &str, kind: DependencyKind, offset: usize) {
        let at = self.source.at(offset);
        // The source decides before the version does: `name` alone with a git source is a git reference.
        let any = python::constraint(text);
        if let Ok(any) = &any
            && let Some(reason) = self.sources.get(any.name.as_str())
        {
            return self.draft.refuse_as(&format!("{text} (by tool.uv.sources)"), *reason, at);
        }
        // `project[extra]` among the project's own extras: those are read themselves.
        if let (Ok(any), Some(own)) = (&any, &self.own_name)
            && any.name == *own
            && kind != DependencyKind::Runtime
        {
            return;
        }
        match python::eligible(text) {
            Ok(requirement) => self.draft.declare(Declared {
                name: requirement.name,
                spec: requirement.spec,
                kind,
                extras: requirement.extras,
                marker: requirement.marker,
                alias: None,
                pinned: Vec::new(),
                at,
            }),
            Err(rejection) => self.draft.refuse(text, rejection, at),
        }
    }

    fn constraints(&mut self, uv: Row<'_>, key: &str, constraints: &mut Vec<String>) {
        for (value, offset) in uv.values(key) {
            let at = self.source.at(offset);
            let text = value.as_str().unwrap_or_default();
            match python::constraint(text) {
                Ok(requirement) if self.draft.admit(&at) => {
                    if key == "override-dependencies" {
                        let message = format!("the override `{}` is applied as a constraint", printable(text, 120));
                        self.draft.problem(message, at);
                    }
                    constraints.push(requirement.to_pep508());
                }
                Ok(_) => {}
                Err(rejection) => self.draft.refuse(text, rejection, at),
            }
        }
    }
}

/// Which names `[tool.uv.sources]` takes from elsewhere.
fn sources(row: Row<'_>, indexes: &UvIndexes) -> HashMap<String, Refusal> {
    let reason = |source: &Row<'_>| {
        let has = |key: &str| source.table.contains_key(key);
        match source.text("index") {
            _ if has("git") => Some(Refusal::VersionControl),
            _ if has("url") => Some(Refusal::Url),
            _ if source.is_true("editable") => Some(Refusal::Editable),
            _ if has("path") || has("workspace") => Some(Refusal::Path),
            Some(index) if indexes.named.get(index) == Some(&true) => None,
            Some(_) => Some(Refusal::OtherIndex),
            None => Some(Refusal::Unparsable),
        }
    };
    let entries = row.table.iter().filter_map(|(name, item)| {
        let name = PackageName::new(Ecosystem::Pypi, name).ok()?;
        let reason = toml_file::rows(item).iter().find_map(reason)?;
        Some((name.as_str().to_owned(), reason))
    });
    entries.collect()
}
