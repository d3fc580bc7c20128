//! When the code of each file runs, from the file's place in the package and what names it.

use std::cell::LazyCell;
use std::collections::BTreeSet;

use hashbrown::{HashMap, HashSet};
use sigma_core::{DistributionKind, Reach};

use super::entry::Named;
use super::manifest::{Manifests, plain_path};
use crate::language::{Language, language_of};

/// Files that hooks reach through imports: more than any honest installer has.
const MAX_REACHED: usize = 2_000;
/// Parts of a dotted name.
const MAX_PARTS: usize = 12;

/// What a program that stands in a hook of `package.json` is called.
pub(super) const HOOK: &str = "package.json#";

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
    let is_one = |folder: &str| FOLDERS.iter().any(|test| folder.eq_ignore_ascii_case(test));
    let in_folder = folders.split('/').any(is_one);
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
    /// Modules that it imports and that may be of the package, and the function that does.
    pub modules: &'a BTreeSet<(Box<str>, u32)>,
}

/// The reach of the module level of each file, and which files an npm script names.
pub(super) struct Reached {
    /// By index.
    pub reach: Vec<Reach>,
    /// Indexes of files that npm scripts run, directly or through imports.
    pub hooked: BTreeSet<usize>,
}

/// Works out the reach of every file; `stems` are those of these files.
pub(super) fn reach(
    kind: DistributionKind,
    files: &[Candidate<'_>],
    stems: &Stems<'_>,
    manifests: &Manifests,
) -> Reached {
    // A shell script runs when something starts it; importing the package does not.
    let is_script = |inner: &str| language_of(inner, b"") == Some(Language::Shell);
    let is_page = |inner: &str| {
        matches!(language_of(inner, b""), Some(Language::JavaScript | Language::TypeScript)) && !inner.starts_with(HOOK)
    };
    // A package of commands only: nothing of it can be imported, and all of it runs when somebody starts one.
    let commands = kind == DistributionKind::NpmTarball
        && !manifests.bin_files.is_empty()
        && !manifests.importable
        && stems.find("index").is_none();
    let alone = |inner: &str| match inner {
        inner if is_test(inner) => Reach::Test,
        inner if is_script(inner) => Reach::Call,
        // What a page runs: importing a module of Python does not.
        inner if kind != DistributionKind::NpmTarball && is_page(inner) => Reach::Call,
        _ if commands => Reach::EntryPoint,
        _ => Reach::Import,
    };
    let mut reach: Vec<Reach> = files.iter().map(|file| alone(file.inner)).collect();
    let entries = manifests
        .bin_files
        .iter()
        .cloned()
        .chain(manifests.entry_modules.iter().map(|module| module.replace('.', "/")));
    for entry in entries {
        for index in stems.find(&entry).into_iter().chain(stems.find(&format!("{SOURCES}{entry}"))) {
            reach[index] = Reach::EntryPoint;
        }
    }
    let mut queue: Vec<usize> = Vec::new();
    let hooked = scripts_name(manifests, stems);
    queue.extend(&hooked);
    if kind == DistributionKind::Sdist {
        queue.extend(stems.exact("setup.py"));
        queue.extend(manifests.backend_files.iter().filter_map(|file| stems.find(file)));
    }
    // `site.py` runs them whenever the interpreter starts.
    let starts = |inner: &str| inner.ends_with(".pth") || inner.starts_with(HOOK);
    queue.extend(files.iter().enumerate().filter(|(_, file)| starts(file.inner)).map(|(index, _)| index));
    let mut seen: BTreeSet<usize> = queue.iter().copied().collect();
    let names = LazyCell::new(|| Named::of(stems));
    while let Some(index) = queue.pop() {
        reach[index] = Reach::Install;
        for (module, _) in files[index].modules {
            let folder = folder_of(files[index].inner);
            // Of a script that a command line starts, often only the name is known.
            let script = is_script(module).then(|| names.find(module, folder)).flatten();
            let mut load = |next: Option<usize>| {
                if let Some(next) = next.filter(|next| seen.len() < MAX_REACHED && seen.insert(*next)) {
                    queue.push(next);
                }
            };
            paths_of(folder, module, |path| load(stems.find(path)));
            load(script);
        }
    }
    let below = if kind == DistributionKind::Sdist && has_src_layout(files) { "src/" } else { "" };
    reach_tests(files, stems, below, &mut reach);
    Reached { reach, hooked }
}

/// True for an sdist whose packages lie below `src`: what lies beside it are helpers of its tests and its documentation.
fn has_src_layout(files: &[Candidate<'_>]) -> bool {
    files.iter().any(|file| file.inner.starts_with("src/") && file.inner.ends_with("/__init__.py"))
}

/// What lies among tests and is loaded with a module of the package, which lies `below` a folder, runs when that does.
fn reach_tests(files: &[Candidate<'_>], stems: &Stems<'_>, below: &str, reach: &mut [Reach]) {
    let tests: Vec<(&str, usize)> = stems.paths().filter(|(_, index)| reach[*index] == Reach::Test).collect();
    if tests.is_empty() {
        return;
    }
    let folders = folders_of(tests.iter().map(|(path, _)| *path));
    let tests = Stems::of(tests.into_iter());
    let runs = [Reach::EntryPoint, Reach::Import, Reach::Install];
    let of_package = |index: &usize| files[*index].inner.starts_with(below) || reach[*index] == Reach::Install;
    let starts = (0..files.len()).filter(|index| runs.contains(&reach[*index]));
    let mut queue: Vec<usize> = starts.filter(of_package).collect();
    // When modules were loaded so far, by their names from the root.
    let mut loaded: HashMap<&str, Option<Reach>> = HashMap::new();
    while let Some(index) = queue.pop() {
        let own = reach[index];
        for (module, _) in files[index].modules.iter().filter(|(_, function)| *function == 0) {
            let mut load = |path: &str| {
                if let Some(next) = tests.find(path)
                    && reach[next] < own
                {
                    reach[next] = own;
                    queue.push(next);
                }
            };
            if module.starts_with(['.', '/']) {
                load(&resolve(folder_of(files[index].inner), module));
                continue;
            }
            // Files load the same modules, and most are no tests.
            let known = loaded.entry(module).or_default();
            if *known >= Some(own) {
                continue;
            }
            *known = Some(own);
            // As in `paths_of`, as long as there are folders of these names.
            let path = format!("{SOURCES}{}", module.replace('.', "/"));
            for path in [&path[SOURCES.len()..], &path] {
                let from = path.len() - module.len();
                let ends = path[from..].match_indices('/').map(|(end, _)| from + end).chain([path.len()]);
                for end in ends.take(MAX_PARTS) {
                    load(&path[..end]);
                    if !folders.contains(&path[..end]) {
                        break;
                    }
                }
            }
        }
    }
}

/// Every folder that one of these files lies in, at any depth.
pub(super) fn folders_of<'p>(paths: impl Iterator<Item = &'p str>) -> HashSet<&'p str> {
    let mut folders = HashSet::new();
    for path in paths {
        // Those around one that is known are known.
        let mut ends = memchr::memrchr_iter(b'/', path.as_bytes());
        while ends.next().is_some_and(|end| folders.insert(&path[..end])) {}
    }
    folders
}

/// The folder of a file.
pub(super) fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Below which folder sources often lie.
pub(super) const SOURCES: &str = "src/";

/// The paths that an import may mean: for a dotted name also those of the packages around it, which are loaded first.
pub(super) fn paths_of(folder: &str, module: &str, mut visit: impl FnMut(&str)) {
    if module.starts_with(['.', '/']) {
        return visit(&resolve(folder, module));
    }
    let path = format!("{SOURCES}{}", module.replace('.', "/"));
    let from = path.len() - module.len();
    let ends = path[from..].match_indices('/').map(|(end, _)| from + end).chain([path.len()]);
    for end in ends.take(MAX_PARTS) {
        visit(&path[from..end]);
        visit(&path[..end]);
    }
}

/// The files that npm scripts name: every word of a command that is a path of the package.
fn scripts_name(manifests: &Manifests, stems: &Stems<'_>) -> BTreeSet<usize> {
    let installing =
        manifests.scripts.iter().filter(|script| !matches!(script.name.as_str(), "prepare" | "prepublish"));
    let mut named = BTreeSet::new();
    for script in installing {
        let separates = |c: char| c.is_whitespace() || matches!(c, ';' | '&' | '|' | '"' | '\'' | '(' | ')' | '=');
        let mut words = script.command.split(separates).filter(|word| !word.is_empty());
        // `cd scripts && node setup.js`
        let mut folder = String::new();
        while let Some(word) = words.next() {
            if word == "cd" {
                folder = words.next().map(|word| plain_path(word).trim_end_matches('/').to_owned()).unwrap_or_default();
                continue;
            }
            named.extend(stems.find(&plain_path(word)));
            if !folder.is_empty() {
                named.extend(stems.find(&format!("{folder}/{}", plain_path(word))));
            }
        }
    }
    // `node .` runs what the package exports.
    if manifests.scripts.iter().any(|script| script.command.split_whitespace().any(|word| word == ".")) {
        named.extend(stems.exact("index.js"));
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

/// What may be left out at the end of a path, in the order in which files are looked for.
const ENDS: [&str; 16] = [
    "",
    ".js",
    ".cjs",
    ".mjs",
    ".ts",
    ".py",
    ".tsx",
    ".jsx",
    ".mts",
    ".cts",
    ".pyw",
    "/index.js",
    "/index.ts",
    "/index.mjs",
    "/__init__.py",
    "/__main__.py",
];
/// How TypeScript names a file by what it will be once it is compiled.
const COMPILED: [(&str, &str); 5] =
    [(".js", ".ts"), (".js", ".tsx"), (".jsx", ".tsx"), (".mjs", ".mts"), (".cjs", ".cts")];

/// The files of a package by what they may be called: by their whole paths, and without what may be left out at the
/// end. A name leads to the file that is looked for first.
pub(super) struct Stems<'p>(HashMap<&'p str, (usize, usize)>);

impl<'p> Stems<'p> {
    /// Those of these files, by path and index. Of two with the same path the later counts.
    pub fn of(files: impl Iterator<Item = (&'p str, usize)>) -> Self {
        let mut stems: HashMap<&str, (usize, usize)> = HashMap::with_capacity(files.size_hint().0 * 2);
        for (path, index) in files {
            for (order, end) in ENDS.iter().enumerate() {
                if let Some(stem) = path.strip_suffix(end) {
                    let first = stems.entry(stem).or_insert((order, index));
                    if order <= first.0 {
                        *first = (order, index);
                    }
                }
            }
        }
        Self(stems)
    }

    /// The files by their whole paths, in no order.
    pub fn paths(&self) -> impl Iterator<Item = (&'p str, usize)> {
        self.0.iter().filter(|(_, (order, _))| *order == 0).map(|(path, (_, index))| (*path, *index))
    }

    /// The file at this path.
    pub fn exact(&self, path: &str) -> Option<usize> {
        self.0.get(path).filter(|(order, _)| *order == 0).map(|(_, index)| *index)
    }

    /// The file that a path means, with its end or without.
    pub fn find(&self, path: &str) -> Option<usize> {
        if let Some((_, index)) = self.0.get(path) {
            return Some(*index);
        }
        COMPILED.iter().find_map(|(end, own)| {
            let stem = path.strip_suffix(end).filter(|stem| self.0.contains_key(stem))?;
            self.exact(&(stem.to_owned() + own))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::manifest::Script;

    fn reaches(kind: DistributionKind, files: &[(&str, &[&str])], manifests: &Manifests) -> Vec<Reach> {
        let imports: Vec<BTreeSet<(Box<str>, u32)>> =
            files.iter().map(|(_, imports)| imports.iter().map(|import| ((*import).into(), 0)).collect()).collect();
        let candidates: Vec<Candidate<'_>> =
            files.iter().zip(&imports).map(|((inner, _), modules)| Candidate { inner, modules }).collect();
        let stems = Stems::of(files.iter().map(|(inner, _)| *inner).zip(0..));
        reach(kind, &candidates, &stems, manifests).reach
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
    fn what_a_module_loads_runs_wherever_it_lies() {
        let files: &[(&str, &[&str])] = &[
            ("demo/__init__.py", &["demo.tests.a"]),
            ("demo/tests/a.py", &[".b"]),
            ("demo/tests/b.py", &[]),
            ("demo/tests/c.py", &["demo"]),
            ("demo.pth", &["hook"]),
            ("hook.py", &[]),
        ];
        let expect = [Reach::Import, Reach::Import, Reach::Import, Reach::Test, Reach::Install, Reach::Install];
        assert_eq!(reaches(DistributionKind::Wheel, files, &Manifests::default()), expect);
    }

    #[test]
    fn helpers_of_tests_beside_the_sources_run_nothing() {
        let beside: &[(&str, &[&str])] =
            &[("src/demo/__init__.py", &[]), ("dummyserver/case.py", &["test"]), ("test/__init__.py", &[])];
        let expect = [Reach::Import, Reach::Import, Reach::Test];
        assert_eq!(reaches(DistributionKind::Sdist, beside, &Manifests::default()), expect);
        // A package of its own, or one that the sources load, is another matter.
        let expect = [Reach::Import, Reach::Import, Reach::Import];
        assert_eq!(reaches(DistributionKind::Wheel, beside, &Manifests::default()), expect);
        let loaded: &[(&str, &[&str])] =
            &[("src/demo/__init__.py", &["test"]), ("dummyserver/case.py", &[]), ("test/__init__.py", &[])];
        assert_eq!(reaches(DistributionKind::Sdist, loaded, &Manifests::default()), expect);
    }

    #[test]
    fn a_setup_script_reaches_the_modules_beside_it() {
        let files: &[(&str, &[&str])] =
            &[("setup.py", &["helper"]), ("helper.py", &[".x"]), ("x.py", &[]), ("y.py", &[])];
        let expect = [Reach::Install, Reach::Install, Reach::Install, Reach::Import];
        assert_eq!(reaches(DistributionKind::Sdist, files, &Manifests::default()), expect);
    }
}
