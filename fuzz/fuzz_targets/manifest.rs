//! Any bytes are read as each manifest and lockfile: a project or a typed error, the same each time. Every place lies in
//! a file that was read, what is shown is printable, and what a variable stands for is shown nowhere.
#![no_main]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use sigma_core::{Location, Manifest, ManifestSource, printable};
use sigma_manifest::{Project, ReadOptions, read};

const NAMES: [&str; 9] = [
    "requirements.txt",
    "pyproject.toml",
    "uv.lock",
    "pylock.toml",
    "package.json",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "constraints.in",
    ".npmrc",
];

/// What `${V}` stands for: nothing that may be part of a name or a version, and nothing that an input holds.
const SECRET: &str = "!7kQ%wz0X{p";

thread_local! {
    /// One folder for every run; in memory where the system has such a place.
    static FOLDER: RefCell<tempfile::TempDir> = RefCell::new(
        tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder"),
    );
}

fuzz_target!(|input: &[u8]| {
    let Some((choice, bytes)) = input.split_first() else { return };
    let name = NAMES[usize::from(*choice) % NAMES.len()];
    FOLDER.with_borrow(|folder| {
        let folder = folder.path();
        std::fs::write(folder.join(name), bytes).expect("a file");
        let beside = (name == ".npmrc").then(|| folder.join("package.json"));
        if let Some(beside) = &beside {
            std::fs::write(beside, r#"{"dependencies":{"@a/b":"1.0.0"}}"#).expect("a file");
        }
        let target = if beside.is_some() { folder.to_owned() } else { folder.join(name) };
        let variables = BTreeMap::from([("V".to_owned(), SECRET.to_owned())]);
        let options = ReadOptions { include_dev: *choice >= 128, variables, ..ReadOptions::default() };
        let outcome = || read(&target, &options).map_err(|error| error.to_string());
        let first = outcome();
        assert_eq!(first, outcome());
        let hides = !bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
        match &first {
            Ok(project) => check(project, folder, &options, hides),
            Err(message) => assert!(!(hides && message.contains(SECRET)), "{message}"),
        }
        std::fs::remove_file(folder.join(name)).expect("the file");
        if let Some(beside) = beside {
            std::fs::remove_file(beside).expect("the file");
        }
    });
});

fn check(project: &Project, folder: &Path, options: &ReadOptions, hides: bool) {
    for manifest in &project.manifests {
        let lines: BTreeMap<&str, usize> =
            manifest.files.iter().map(|file| (file.as_str(), lines(&folder.join(file)))).collect();
        let inside = |at: &Location| {
            let last = lines.get(at.file.as_str()).copied().unwrap_or_default();
            assert!(at.line >= 1 && at.line as usize <= last, "{at} of {last} lines");
        };
        let shown = |text: &str| {
            assert_eq!(printable(text, usize::MAX), text);
            assert!(!(hides && text.contains(SECRET)), "{text}");
        };
        for declared in &manifest.declared {
            inside(&declared.at);
        }
        for refused in &manifest.refused {
            inside(&refused.at);
            shown(&refused.declaration);
            shown(&refused.advice);
        }
        for problem in &manifest.problems {
            inside(&problem.at);
            shown(&problem.message);
        }
        assert!(locked(manifest, inside) + manifest.declared.len() <= options.max_entries);
    }
}

/// How many packages are locked; every edge leads from one to one.
fn locked(manifest: &Manifest, inside: impl Fn(&Location)) -> usize {
    let ManifestSource::Locked { packages, edges } = &manifest.source else { return 0 };
    for package in packages {
        inside(&package.at);
    }
    for edge in edges {
        assert!(edge.to < packages.len() && edge.from.is_none_or(|from| from < packages.len()), "{edge:?}");
    }
    packages.len()
}

/// How many lines a file may have, by whoever counts them most often.
fn lines(file: &Path) -> usize {
    let bytes = std::fs::read(file).expect("the file");
    1 + bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count()
}
