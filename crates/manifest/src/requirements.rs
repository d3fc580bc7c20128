//! `requirements.txt` in pip's grammar: a file and what it includes come in, declarations, refusals and constraints go
//! out. Includes are read once each, stay inside the project, and may not loop.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use sigma_core::{
    Declared, DependencyKind, Ecosystem, ExpectedDigest, HashAlgorithm, Location, Manifest, ManifestSource, Refusal,
    printable,
};

use super::ManifestError;
use super::draft::{Draft, Rejection};
use super::pip_line::{LogicalLine, expand, logical_lines};
use super::pip_option::{PipLine, PipOption, split};
use super::public_index::is_public;
use super::python_declaration as python;
use super::source_file::{Reading, SourceFile};

/// Reads a requirements file and its includes.
pub(super) fn read(source: &SourceFile, reading: &mut Reading<'_>) -> Result<Manifest, ManifestError> {
    let draft = Draft::new(Ecosystem::Pypi, reading.options.max_entries);
    let mut reader = Reader {
        reading,
        draft,
        constraints: Vec::new(),
        constraint_hashes: BTreeMap::new(),
        open: Vec::new(),
        seen: HashSet::new(),
        pre_releases: false,
        other_index: false,
        require_hashes: None,
    };
    reader.file(source, false)?;
    reader.finish()
}

struct Reader<'a, 'r> {
    reading: &'a mut Reading<'r>,
    draft: Draft,
    constraints: Vec<String>,
    /// Digests that constraints pin, by name, with the place of the first.
    constraint_hashes: BTreeMap<String, (Vec<ExpectedDigest>, Location)>,
    /// The files being read, outermost first.
    open: Vec<(PathBuf, String)>,
    /// What was read already, as requirements or as constraints.
    seen: HashSet<(PathBuf, bool)>,
    pre_releases: bool,
    other_index: bool,
    require_hashes: Option<Location>,
}

impl Reader<'_, '_> {
    fn file(&mut self, source: &SourceFile, constraint: bool) -> Result<(), ManifestError> {
        if !self.seen.insert((source.path.clone(), constraint)) {
            return Ok(());
        }
        self.open.push((source.path.clone(), source.shown.clone()));
        for line in logical_lines(&source.text) {
            if self.draft.is_full() {
                break;
            }
            self.line(source, &line, constraint)?;
        }
        self.open.pop();
        Ok(())
    }

    fn line(&mut self, source: &SourceFile, line: &LogicalLine, constraint: bool) -> Result<(), ManifestError> {
        let at = source.line(line.line);
        let expanded = if line.too_long { None } else { expand(&line.text, &self.reading.options.variables) };
        let Some(text) = expanded else {
            let rejection = Rejection::unparsable("the line is longer than 256 KiB; split it");
            self.draft.refuse(&line.text, rejection, at);
            return Ok(());
        };
        let parts = match split(&text) {
            Ok(parts) => parts,
            Err(message) => {
                self.refuse(line, &line.text, Rejection::unparsable(message), at);
                return Ok(());
            }
        };
        for stray in &parts.stray {
            let rejection = Rejection::unparsable("pip ignores what follows an option; write it on a line of its own");
            self.draft.refuse(&self.display(line, stray), rejection, at.clone());
        }
        if parts.requirement.is_empty() {
            self.options(source, line, &parts, &at)
        } else {
            self.requirement(line, &parts, at, constraint);
            Ok(())
        }
    }

    /// A part of a line, for display: as written as long as no variable was expanded in it.
    fn display(&self, line: &LogicalLine, part: &str) -> String {
        if line.text.contains("${") { line.text.clone() } else { part.to_owned() }
    }

    /// Refuses a part of a line that was read. What is wrong with it is said in its own words, which a variable's value
    /// may be among: where one may have been expanded, no more is said than that.
    fn refuse(&mut self, line: &LogicalLine, part: &str, rejection: Rejection, at: Location) {
        let rejection = match rejection.reason {
            Refusal::Unparsable if line.text.contains("${") => {
                Rejection::unparsable("with its variables it cannot be read; check their values, or write it without")
            }
            _ => rejection,
        };
        self.draft.refuse(&self.display(line, part), rejection, at);
    }

    fn requirement(&mut self, line: &LogicalLine, parts: &PipLine, at: Location, constraint: bool) {
        let mut pinned = Vec::new();
        for (option, value) in &parts.options {
            match option {
                PipOption::Hash => match hash(value) {
                    Ok(digest) => pinned.push(digest),
                    Err(rejection) => return self.refuse(line, &line.text, rejection, at),
                },
                PipOption::Build => {
                    self.draft.problem("build settings are not used: nothing is built here", at.clone());
                }
                PipOption::IndexUrl | PipOption::ExtraIndexUrl | PipOption::FindLinks | PipOption::NoIndex => {
                    self.index_option(line, *option, value, &at);
                }
                _ => {
                    let rejection =
                        Rejection::unparsable("pip expects this option on a line of its own; move it there");
                    return self.draft.refuse(&line.text, rejection, at);
                }
            }
        }
        let read =
            if constraint { python::constraint(&parts.requirement) } else { python::eligible(&parts.requirement) };
        let requirement = match read {
            Ok(requirement) => requirement,
            Err(rejection) => return self.refuse(line, &parts.requirement, rejection, at),
        };
        if !constraint {
            return self.draft.declare(Declared {
                name: requirement.name,
                spec: requirement.spec,
                kind: DependencyKind::Runtime,
                extras: requirement.extras,
                marker: requirement.marker,
                alias: None,
                pinned,
                at,
            });
        }
        if !self.draft.admit(&at) {
            return;
        }
        if !pinned.is_empty() {
            let name = requirement.name.as_str().to_owned();
            self.constraint_hashes.entry(name).or_insert_with(|| (Vec::new(), at)).0.extend(pinned);
        }
        if !requirement.spec.is_empty() {
            self.constraints.push(requirement.to_pep508());
        }
    }

    fn options(
        &mut self,
        source: &SourceFile,
        line: &LogicalLine,
        parts: &PipLine,
        at: &Location,
    ) -> Result<(), ManifestError> {
        let mut included = false;
        for (option, value) in &parts.options {
            match option {
                PipOption::IndexUrl | PipOption::ExtraIndexUrl | PipOption::FindLinks | PipOption::NoIndex => {
                    self.index_option(line, *option, value, at);
                }
                PipOption::Requirement | PipOption::Constraint if included => {
                    let rejection = Rejection::unparsable("pip reads one include on a line; write one line for each");
                    self.draft.refuse(&self.display(line, value), rejection, at.clone());
                }
                PipOption::Requirement | PipOption::Constraint => {
                    included = true;
                    self.include(source, line, value, at, *option == PipOption::Constraint)?;
                }
                PipOption::Editable => {
                    self.draft.refuse_as(&self.display(line, &format!("-e {value}")), Refusal::Editable, at.clone());
                }
                PipOption::Pre => self.pre_releases = true,
                PipOption::RequireHashes => self.require_hashes = Some(at.clone()),
                PipOption::TrustedHost => {
                    let message = "`--trusted-host` is not used: connections are always verified; remove it";
                    self.draft.problem(message, at.clone());
                }
                PipOption::BinaryChoice => {
                    let message = format!("`{}` is not used: wheels are preferred, sdists are read", line.text);
                    self.draft.problem(printable(&message, 200), at.clone());
                }
                PipOption::UseFeature => self.draft.problem("`--use-feature` is not used", at.clone()),
                PipOption::Hash | PipOption::Build => {
                    let rejection = Rejection::unparsable("this option belongs behind a requirement");
                    self.draft.refuse(&line.text, rejection, at.clone());
                }
            }
        }
        Ok(())
    }

    fn index_option(&mut self, line: &LogicalLine, option: PipOption, value: &str, at: &Location) {
        let publics = &self.reading.options.pypi_indexes;
        let same = matches!(option, PipOption::IndexUrl | PipOption::ExtraIndexUrl) && is_public(value, publics);
        if !same {
            self.other_index = true;
            let shown = self.display(line, &line.text);
            self.draft.refuse_as(&shown, Refusal::OtherIndex, at.clone());
        }
    }

    fn include(
        &mut self,
        source: &SourceFile,
        line: &LogicalLine,
        value: &str,
        at: &Location,
        constraint: bool,
    ) -> Result<(), ManifestError> {
        let scheme = value.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase()).unwrap_or_default();
        let remote = match scheme.as_str() {
            "http" | "https" | "ftp" => Some(Refusal::Url),
            "file" => Some(Refusal::Path),
            _ => None,
        };
        if let Some(reason) = remote {
            let advice = "copy the included file into the project and include it by its relative path".to_owned();
            self.draft.refuse(&line.text, Rejection { reason, advice }, at.clone());
            return Ok(());
        }
        let options = self.reading.options;
        let written = self.display(line, value);
        let shown = printable(&written, 200);
        if self.open.len() >= options.max_include_depth {
            let limit = options.max_include_depth;
            return Err(ManifestError::TooManyIncludes { at: at.clone(), limit, what: "levels of includes" });
        }
        let folder = source.path.parent().unwrap_or(Path::new("/"));
        let path = folder.join(value);
        if let Ok(canonical) = path.canonicalize() {
            if let Some(first) = self.open.iter().position(|(open, _)| *open == canonical) {
                let chain: Vec<_> = self.open[first..].iter().map(|(_, shown)| shown.as_str()).collect();
                let chain = format!("{} -> {}", chain.join(" -> "), self.open[first].1);
                return Err(ManifestError::IncludeLoop { at: at.clone(), include: shown, chain });
            }
            if self.seen.contains(&(canonical, constraint)) {
                return Ok(());
            }
        }
        if self.reading.files.len() >= options.max_files {
            let limit = options.max_files;
            return Err(ManifestError::TooManyIncludes { at: at.clone(), limit, what: "included files" });
        }
        let file = self.reading.open(&path, options.max_file_bytes, Some((at, &written)))?;
        self.file(&file, constraint)
    }

    fn finish(mut self) -> Result<Manifest, ManifestError> {
        let hashes = std::mem::take(&mut self.constraint_hashes);
        let mut used = HashSet::new();
        let mut unpinned = 0usize;
        let mut at_odds = Vec::new();
        for declared in self.draft.declared_mut() {
            if let Some((digests, _)) = hashes.get(declared.name.as_str()) {
                used.insert(declared.name.as_str().to_owned());
                // Where both pin, pip accepts what both name. Nothing in common must not read as "not pinned".
                if declared.pinned.is_empty() {
                    declared.pinned.clone_from(digests);
                } else if declared.pinned.iter().any(|digest| digests.contains(digest)) {
                    declared.pinned.retain(|digest| digests.contains(digest));
                } else {
                    at_odds.push((declared.name.to_string(), declared.at.clone()));
                }
            }
            unpinned += usize::from(declared.pinned.is_empty());
        }
        for (name, at) in at_odds {
            self.draft.problem(format!("the hashes of `{name}` and of its constraint have none in common"), at);
        }
        for (name, (_, at)) in hashes.into_iter().filter(|(name, _)| !used.contains(name)) {
            let message =
                format!("the hash of `{name}` is not checked: no requirement declares it; declare it with it");
            self.draft.problem(message, at);
        }
        if let Some(at) = self.require_hashes.take()
            && unpinned > 0
        {
            let message = format!("`--require-hashes` is set and {unpinned} requirements have no hash: pip would stop");
            self.draft.problem(message, at);
        }
        if self.other_index {
            self.draft.refuse_where(Refusal::OtherIndex, |_| true);
        }
        let source =
            ManifestSource::Ranges { constraints: self.constraints, overrides: None, pre_releases: self.pre_releases };
        self.draft.finish(std::mem::take(&mut self.reading.files), source)
    }
}

/// `--hash=sha256:<hex>`; pip accepts sha256, sha384 and sha512.
fn hash(value: &str) -> Result<ExpectedDigest, Rejection> {
    let digest = ExpectedDigest::parse_pip(value).map_err(|error| Rejection::unparsable(error.to_string()))?;
    match digest.algorithm() {
        HashAlgorithm::Sha1 => Err(Rejection::unparsable("got a sha1 hash, expected sha256, sha384 or sha512")),
        _ => Ok(digest),
    }
}
