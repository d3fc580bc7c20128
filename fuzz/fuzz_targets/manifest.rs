//! Any bytes are read as each manifest and lockfile: a project or a typed error.
#![no_main]

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use sigma_ecosystem::manifest::{ReadOptions, read};

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
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("a file");
        let options = ReadOptions { include_dev: *choice >= 128, ..ReadOptions::default() };
        if name == ".npmrc" {
            std::fs::write(folder.path().join("package.json"), r#"{"dependencies":{"@a/b":"1.0.0"}}"#).expect("a file");
            let _ = read(folder.path(), &options);
            std::fs::remove_file(folder.path().join("package.json")).expect("the file");
        } else {
            let _ = read(&path, &options);
        }
        std::fs::remove_file(&path).expect("the file");
    });
});
