//! When the code of each file runs, from the file's place in the package and what names it.

use std::collections::{BTreeMap, BTreeSet};

use sigma_core::{DistributionKind, Reach};

use super::manifest::{Manifests, plain_path};

/// Files that hooks reach through imports: more than any honest installer has.
const MAX_REACHED: usize = 2_000;

/// The path inside the package: sdists and npm tarballs have one folder around everything.
pub(super) fn inner_path(kind: DistributionKind, path: &str) -> &str {
    match kind {
        DistributionKind::Wheel => path,
        DistributionKind::Sdist | DistributionKind::NpmTarball => path.split_once('/').map_or(path, |(_, inner)| inner),
    }
}

/// True for files that nothing in the package runs: tests, examples, documentation.
pub(super) fn is_test(inner: &str) -> bool {
    const FOLDERS: [&str; 15] = [
        "test",
        "tests",
        "__tests__",
        "__mocks__",
        "spec",
        "specs",
        "doc",
        "docs",
        "example",
        "examples",
        "benchmark",
        "benchmarks",
        "fixtures",
        "tutorials",
        "testdata",
    ];
    let (folders, name) = inner.rsplit_once('/').unwrap_or(("", inner));
    let in_folder = folders.split('/').any(|folder| FOLDERS.contains(&folder.to_ascii_lowercase().as_str()));
    let stem = name.split('.').next().unwrap_or(name);
    let named = stem.starts_with("test_")
        || stem.ends_with("_test")
        || stem == "conftest"
        || name.contains(".test.")
        || name.contains(".spec.");
    in_folder || named
}

/// A file as far as its reach matters.
pub(super) struct Candidate<'a> {
    /// Path inside the package.
    pub inner: &'a str,
    /// Modules of the package that it imports.
    pub imports: &'a BTreeSet<String>,
    /// All modules that it imports, for a `setup.py` beside its helpers.
    pub modules: &'a BTreeSet<String>,
}

/// The reach of the module level of each file, and which files an npm script names.
pub(super) struct Reached {
    /// By index.
    pub reach: Vec<Reach>,
    /// Indexes of files that npm scripts run, directly or through imports.
    pub hooked: BTreeSet<usize>,
}

/// Works out the reach of every file.
pub(super) fn reach(kind: DistributionKind, files: &[Candidate<'_>], manifests: &Manifests) -> Reached {
    let by_path: BTreeMap<&str, usize> = files.iter().enumerate().map(|(index, file)| (file.inner, index)).collect();
    let mut reach: Vec<Reach> =
        files.iter().map(|file| if is_test(file.inner) { Reach::Test } else { Reach::Import }).collect();
    let entries = manifests
        .bin_files
        .iter()
        .cloned()
        .chain(manifests.entry_modules.iter().map(|module| module.replace('.', "/")));
    for entry in entries {
        for index in find(&by_path, &entry).into_iter().chain(find(&by_path, &format!("src/{entry}"))) {
            reach[index] = Reach::EntryPoint;
        }
    }
    let mut queue: Vec<usize> = Vec::new();
    let hooked = scripts_name(manifests, &by_path);
    queue.extend(&hooked);
    if kind == DistributionKind::Sdist {
        queue.extend(by_path.get("setup.py"));
    }
    let mut seen: BTreeSet<usize> = queue.iter().copied().collect();
    while let Some(index) = queue.pop() {
        reach[index] = Reach::Install;
        let folder = files[index].inner.rsplit_once('/').map_or("", |(folder, _)| folder);
        let local = files[index].imports.iter().map(|import| resolve(folder, import));
        let beside = files[index].modules.iter().filter(|_| files[index].inner == "setup.py").cloned();
        for path in local.chain(beside) {
            if let Some(next) = find(&by_path, &path).filter(|next| seen.len() < MAX_REACHED && seen.insert(*next)) {
                queue.push(next);
            }
        }
    }
    Reached { reach, hooked }
}

/// The files that npm scripts name: every word of a command that is a path of the package.
fn scripts_name(manifests: &Manifests, by_path: &BTreeMap<&str, usize>) -> BTreeSet<usize> {
    let installing =
        manifests.scripts.iter().filter(|script| !matches!(script.name.as_str(), "prepare" | "prepublish"));
    let words = installing.flat_map(|script| {
        script.command.split(|c: char| c.is_whitespace() || matches!(c, ';' | '&' | '|' | '"' | '\'' | '(' | ')' | '='))
    });
    let mut named: BTreeSet<usize> =
        words.filter(|word| !word.is_empty()).filter_map(|word| find(by_path, &plain_path(word))).collect();
    // `node .` runs what the package exports.
    if manifests.scripts.iter().any(|script| script.command.split_whitespace().any(|word| word == ".")) {
        named.extend(by_path.get("index.js"));
    }
    named
}

/// A relative import, `./lib/x` or Python's `.x`, as a path inside the package.
pub(super) fn resolve(folder: &str, import: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    if import.starts_with("./") || import.starts_with("../") || import == "." || import == ".." {
        for part in import.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop();
                }
                part => parts.push(part),
            }
        }
        return parts.join("/");
    }
    let name = import.trim_start_matches('.');
    for _ in 1..import.len() - name.len() {
        parts.pop();
    }
    parts.extend(name.split('.').filter(|part| !part.is_empty()));
    parts.join("/")
}

/// The file that a path without its extension means.
pub(super) fn find(by_path: &BTreeMap<&str, usize>, path: &str) -> Option<usize> {
    const ENDS: [&str; 9] = ["", ".js", ".cjs", ".mjs", ".ts", ".py", "/index.js", "/__init__.py", "/__main__.py"];
    ENDS.iter().find_map(|end| by_path.get(format!("{path}{end}").as_str()).copied())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::manifest::Script;

    fn reaches(kind: DistributionKind, files: &[(&str, &[&str])], manifests: &Manifests) -> Vec<Reach> {
        let imports: Vec<BTreeSet<String>> =
            files.iter().map(|(_, imports)| imports.iter().map(|import| import.to_string()).collect()).collect();
        let candidates: Vec<Candidate<'_>> = files
            .iter()
            .zip(&imports)
            .map(|((inner, _), imports)| Candidate { inner, imports, modules: imports })
            .collect();
        reach(kind, &candidates, manifests).reach
    }

    #[test]
    fn hooks_reach_what_they_import() {
        let script = |name: &str, command: &str| Script {
            file: String::new(),
            line: 1,
            name: name.into(),
            command: command.into(),
        };
        let manifests = Manifests {
            scripts: vec![script("postinstall", "node ./scripts/run.js && true"), script("prepare", "node index.js")],
            bin_files: vec!["cli.js".into()],
            ..Manifests::default()
        };
        let files: &[(&str, &[&str])] = &[
            ("scripts/run.js", &["../lib/x"]),
            ("lib/x.js", &[]),
            ("index.js", &[]),
            ("cli.js", &[]),
            ("test/a.js", &[]),
        ];
        let expect = [Reach::Install, Reach::Install, Reach::Import, Reach::EntryPoint, Reach::Test];
        assert_eq!(reaches(DistributionKind::NpmTarball, files, &manifests), expect);
    }

    #[test]
    fn a_setup_script_reaches_the_modules_beside_it() {
        let files: &[(&str, &[&str])] =
            &[("setup.py", &["helper"]), ("helper.py", &[".x"]), ("x.py", &[]), ("y.py", &[])];
        let expect = [Reach::Install, Reach::Install, Reach::Install, Reach::Import];
        assert_eq!(reaches(DistributionKind::Sdist, files, &Manifests::default()), expect);
    }
}
