//! Manifests and lockfiles: a project folder (or one file) comes in, a [`Project`] goes out.
//!
//! Every dependency that a file declares ends as a [`Declared`](sigma_core::Declared), as a
//! [`Refused`](sigma_core::Refused) with its reason, or as a package of a locked graph; none is dropped. All of it is
//! hostile input: this room never runs anything, never touches the network or the environment, never follows a path
//! out of the project, and stops with an error rather than read without a bound.
//!
//! A new format is one file here and one line in `FORMATS`.

mod advice;
mod draft;
mod error;
mod json;
mod lock_graph;
pub mod marker;
mod npm_declaration;
mod npm_range;
mod npmrc;
mod package_json;
mod package_lock;
mod pip_line;
mod pip_option;
mod public_index;
mod pylock;
mod pyproject;
mod python_declaration;
mod redact;
mod requirements;
mod source_file;
#[cfg(test)]
mod testing;
mod toml_file;
mod uv_index;
mod uv_lock;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sigma_core::{Ecosystem, Manifest, printable};
use url::Url;

pub use self::error::ManifestError;
use self::source_file::{Reading, SourceFile};

/// What counts as public, what is read, and the limits. The binary fills this in; nothing here looks at the
/// environment.
#[derive(Debug, Clone)]
pub struct ReadOptions {
    /// Read development dependencies too: npm `devDependencies`, PEP 735 groups, optional dependencies of the project.
    pub include_dev: bool,
    /// The project's root, which no include may leave. `None`: the folder itself, or the folder that holds the file.
    pub root: Option<PathBuf>,
    /// Index URLs that count as the public Python index.
    pub pypi_indexes: Vec<Url>,
    /// Hosts that the public Python index serves files from; a lockfile may name these and the indexes' own hosts.
    pub pypi_file_hosts: Vec<String>,
    /// URLs that count as the public npm registry.
    pub npm_registries: Vec<Url>,
    /// Values for `${VAR}` in requirements files and `.npmrc`.
    pub variables: BTreeMap<String, String>,
    /// Largest manifest in bytes. 8 MiB: ten thousand pinned requirements with hashes are about 2 MiB.
    pub max_file_bytes: u64,
    /// Largest lockfile in bytes. 64 MiB: the largest known npm lockfiles are about 10 MB.
    pub max_lock_bytes: u64,
    /// Files that one manifest may include, itself counted. 100.
    pub max_files: usize,
    /// How deep includes may nest. 10.
    pub max_include_depth: usize,
    /// Declarations, refusals, problems and locked packages of one manifest together. 250,000: it bounds memory.
    pub max_entries: usize,
}

impl Default for ReadOptions {
    fn default() -> Self {
        let url = |text: &str| Url::parse(text).expect("a constant URL is valid");
        Self {
            include_dev: false,
            root: None,
            pypi_indexes: vec![url("https://pypi.org/simple/")],
            pypi_file_hosts: vec!["files.pythonhosted.org".to_owned()],
            npm_registries: vec![url("https://registry.npmjs.org/")],
            variables: BTreeMap::new(),
            max_file_bytes: 8 << 20,
            max_lock_bytes: 64 << 20,
            max_files: 100,
            max_include_depth: 10,
            max_entries: 250_000,
        }
    }
}

/// What a project declares, one manifest for each ecosystem it uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// The canonical path of the project's root.
    pub root: PathBuf,
    /// The manifests read, Python before Node.
    pub manifests: Vec<Manifest>,
    /// Manifests that exist and were not used, with why, such as `requirements.txt: uv.lock is more exact`.
    pub passed_over: Vec<String>,
}

/// One manifest or lockfile format.
struct Format {
    ecosystem: Ecosystem,
    /// The file name looked for in a folder.
    name: &'static str,
    /// Whether an explicitly named file is of this format.
    claims: fn(&str) -> bool,
    /// Lockfiles may be larger.
    lockfile: bool,
    read: fn(&SourceFile, &mut Reading<'_>) -> Result<Manifest, ManifestError>,
}

/// Every format, the most exact first within its ecosystem.
static FORMATS: [Format; 7] = [
    Format {
        ecosystem: Ecosystem::Pypi,
        name: "uv.lock",
        claims: |name| name == "uv.lock",
        lockfile: true,
        read: uv_lock::read,
    },
    Format {
        ecosystem: Ecosystem::Pypi,
        name: "pylock.toml",
        claims: pylock::claims,
        lockfile: true,
        read: pylock::read,
    },
    Format {
        ecosystem: Ecosystem::Pypi,
        name: "requirements.txt",
        claims: |name| name.ends_with(".txt") || name.ends_with(".in"),
        lockfile: false,
        read: requirements::read,
    },
    Format {
        ecosystem: Ecosystem::Pypi,
        name: "pyproject.toml",
        claims: |name| name == "pyproject.toml",
        lockfile: false,
        read: pyproject::read,
    },
    Format {
        ecosystem: Ecosystem::Npm,
        name: "npm-shrinkwrap.json",
        claims: |name| name == "npm-shrinkwrap.json",
        lockfile: true,
        read: package_lock::read,
    },
    Format {
        ecosystem: Ecosystem::Npm,
        name: "package-lock.json",
        claims: |name| name.ends_with("package-lock.json"),
        lockfile: true,
        read: package_lock::read,
    },
    Format {
        ecosystem: Ecosystem::Npm,
        name: "package.json",
        claims: |name| name.ends_with("package.json"),
        lockfile: false,
        read: package_json::read,
    },
];

/// Files that declare dependencies in formats that are not read: their presence is disclosed.
const NOT_READ: [&str; 10] = [
    "Pipfile",
    "Pipfile.lock",
    "poetry.lock",
    "pdm.lock",
    "setup.py",
    "setup.cfg",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lock",
    "bun.lockb",
];

/// Reads a project: for a folder the most exact manifest of each ecosystem, for a file that file.
pub fn read(path: &Path, options: &ReadOptions) -> Result<Project, ManifestError> {
    let shown = printable(&path.to_string_lossy(), 400);
    let unreadable = |source| ManifestError::Unreadable { file: shown.clone(), source };
    let path = path.canonicalize().map_err(unreadable)?;
    let is_folder = std::fs::metadata(&path).map_err(unreadable)?.is_dir();
    let folder = if is_folder { path.as_path() } else { path.parent().unwrap_or(&path) };
    let root = match &options.root {
        Some(root) => root.canonicalize().map_err(unreadable)?,
        None => folder.to_owned(),
    };
    if !path.starts_with(&root) {
        return Err(ManifestError::OutsideRoot { file: shown });
    }
    let mut project = Project { root: root.clone(), manifests: Vec::new(), passed_over: Vec::new() };
    if !is_folder {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let format = FORMATS.iter().find(|format| (format.claims)(&name));
        let format = format.ok_or_else(|| ManifestError::UnknownFormat { file: shown, known: names() })?;
        project.manifests.push(read_one(format, &path, &root, options)?);
        return Ok(project);
    }
    for ecosystem in [Ecosystem::Pypi, Ecosystem::Npm] {
        let mut used: Option<&'static str> = None;
        for format in FORMATS.iter().filter(|format| format.ecosystem == ecosystem) {
            let file = folder.join(format.name);
            // A dangling link counts as present: it must end in an error, not in "there is no manifest".
            if file.symlink_metadata().is_err() {
                continue;
            }
            match used {
                Some(winner) => project.passed_over.push(format!("{}: {winner} is more exact", format.name)),
                None => {
                    used = Some(format.name);
                    project.manifests.push(read_one(format, &file, &root, options)?);
                }
            }
        }
    }
    let unread = NOT_READ.into_iter().filter(|name| folder.join(name).symlink_metadata().is_ok());
    project.passed_over.extend(unread.map(|name| format!("{name}: this format is not read")));
    if project.manifests.is_empty() {
        return Err(ManifestError::NothingFound {
            folder: shown,
            looked_for: names(),
            passed_over: project.passed_over,
        });
    }
    Ok(project)
}

fn read_one(format: &Format, file: &Path, root: &Path, options: &ReadOptions) -> Result<Manifest, ManifestError> {
    let mut reading = Reading::new(root, options);
    let limit = if format.lockfile { options.max_lock_bytes } else { options.max_file_bytes };
    let source = reading.open(file, limit, None)?;
    (format.read)(&source, &mut reading)
}

fn names() -> String {
    FORMATS.iter().map(|format| format.name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
