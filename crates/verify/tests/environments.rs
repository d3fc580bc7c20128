//! Environments that are made to deceive or to exhaust whoever looks at them, and layouts of other installers.

mod support;

use std::collections::HashMap;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use sigma_certificate::{FILE_LISTS_TYPE, FileList, FileLists};
use sigma_core::{FileSet, SecurityLevel};
use sigma_ledger::Policy;
use sigma_verify::{BundleFolder, Candidate, Lists, Outcome, Prover, Section, Wanted, environments};
use support::{Registry, at, digest, payload, set};

/// A registry, and the packages that it certified.
struct Scene {
    folder: tempfile::TempDir,
    prover: Prover,
    bundles: HashMap<String, Candidate>,
    sets: HashMap<String, FileSet>,
}

impl Scene {
    fn new(packages: &[(&str, &str, FileSet)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut registry = Registry::new(folder.path(), 0);
        let payloads: Vec<_> = packages.iter().map(|(ecosystem, name, set)| payload(ecosystem, name, set)).collect();
        let bundles = registry.certify(&payloads);
        let name = |(ecosystem, name, _): &(&str, &str, FileSet)| format!("{ecosystem}:{name}@1.0.0");
        let all = packages.iter().map(name).zip(bundles.into_iter().map(Candidate::from)).collect();
        let sets = packages.iter().map(|one| (name(one), one.2.clone())).collect();
        let prover = Prover::new(registry.root.clone(), Policy::at(at(100)), SecurityLevel::Blocked, false);
        Self { folder, prover, bundles: all, sets }
    }

    fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Every environment of a folder, compared.
    fn verify(&self, folder: &str) -> Vec<Section> {
        environments(&self.folder.path().join(folder))
            .iter()
            .map(|environment| {
                let mut lists = Lists::new();
                let of = |wanted: &&Wanted| {
                    let name = wanted.package.as_ref().unwrap().to_string();
                    let bundle: Vec<Candidate> = self.bundles.get(&name).cloned().into_iter().collect();
                    let proven = self.prover.prove_all(&bundle);
                    (name, proven)
                };
                let proven: Vec<_> = environment.packages().iter().map(of).collect();
                for (name, proven) in &proven {
                    let Some(id) = proven.first().and_then(|one| one.report.certificate_id.clone()) else { continue };
                    let bare = name.split_once(':').unwrap().1.rsplit_once('@').unwrap().0;
                    let list = FileList { sha256: digest(bare), files: self.sets[name].files.clone() };
                    let media_type = FILE_LISTS_TYPE.to_owned();
                    lists.insert(
                        id.clone(),
                        vec![FileLists { media_type, certificate_id: id, distributions: vec![list] }],
                    );
                }
                let proven: Vec<_> = proven.into_iter().map(|(_, proven)| proven).collect();
                environment.compare(&self.prover, &proven, &lists)
            })
            .collect()
    }

    fn one(&self, folder: &str) -> Section {
        let mut sections = self.verify(folder);
        assert_eq!(sections.len(), 1, "{sections:#?}");
        sections.remove(0)
    }
}

const METADATA: &str = "Metadata-Version: 2.1\nName: demo\nVersion: 1.0.0\n";
const WHEEL: &str = "Wheel-Version: 1.0\nTag: py3-none-any\n";

fn wheel(more: &[(&str, &[u8])]) -> FileSet {
    let mut files: Vec<(&str, &[u8])> =
        vec![("demo-1.0.0.dist-info/METADATA", METADATA.as_bytes()), ("demo-1.0.0.dist-info/WHEEL", WHEEL.as_bytes())];
    files.extend(more);
    files.push(("demo-1.0.0.dist-info/RECORD", b""));
    set(&files)
}

fn installed(scene: &Scene, site: &str) {
    scene.write(&format!("{site}/demo-1.0.0.dist-info/METADATA"), METADATA);
    scene.write(&format!("{site}/demo-1.0.0.dist-info/WHEEL"), WHEEL);
    scene.write(&format!("{site}/demo-1.0.0.dist-info/RECORD"), "demo/__init__.py,,\n");
    scene.write(&format!("{site}/demo/__init__.py"), "x = 1\n");
}

#[test]
fn what_is_no_regular_file_is_never_opened() {
    let scene = Scene::new(&[("pypi", "demo", wheel(&[("demo/__init__.py", b"x = 1\n"), ("demo/data.bin", b"")]))]);
    installed(&scene, "target");
    // A pipe in the place of a file would keep a reader for ever.
    let pipe = scene.folder.path().join("target/demo/data.bin");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let other = scene.folder.path().join("target").join(std::ffi::OsStr::from_bytes(b"b\xffd.py"));
    fs::write(other, "x").unwrap();
    let section = scene.one("target");
    let files = section.packages[0].files.as_ref().unwrap();
    assert_eq!(
        (section.outcome, &files.changed),
        (Outcome::Failed, &vec!["demo/data.bin (no regular file)".to_owned()])
    );
    assert_eq!(section.added, ["b\u{fffd}d.py (its name is no text) (no regular file)"]);
    // A folder of the tree that is a link to the very same files.
    fs::remove_file(&pipe).unwrap();
    scene.write("target/demo/data.bin", "");
    assert_eq!(scene.one("target").packages[0].outcome, Outcome::Proven, "{:#?}", scene.one("target"));
    fs::rename(scene.folder.path().join("target/demo"), scene.folder.path().join("moved")).unwrap();
    std::os::unix::fs::symlink("../moved", scene.folder.path().join("target/demo")).unwrap();
    let section = scene.one("target");
    let files = section.packages[0].files.as_ref().unwrap();
    assert_eq!((section.outcome, files.missing.len()), (Outcome::Failed, 2), "{section:#?}");
    assert_eq!(section.added, ["b\u{fffd}d.py (its name is no text) (no regular file)", "demo (a link)"]);
}

#[test]
fn lists_that_lead_elsewhere_prove_nothing_elsewhere() {
    // A hostile wheel with names that no installer places: they are missing, wherever such a file may lie.
    let names: [&str; 4] = ["../outside.py", "/etc/hostname", "demo-1.0.0.data/scripts/../../outside", "demo//x.py"];
    let mut files: Vec<(&str, &[u8])> = vec![("demo/__init__.py", b"x = 1\n")];
    files.extend(names.iter().map(|name| (*name, &b"x"[..])));
    let scene = Scene::new(&[("pypi", "demo", wheel(&files))]);
    installed(&scene, "env/lib/python3.12/site-packages");
    scene.write("env/pyvenv.cfg", "");
    scene.write("env/lib/python3.12/outside.py", "x");
    scene.write("env/outside", "x");
    let section = scene.one("env");
    let files = section.packages[0].files.as_ref().unwrap();
    let wrong: Vec<&str> = files.missing.iter().chain(&files.changed).map(String::as_str).collect();
    assert_eq!(section.outcome, Outcome::Failed);
    for name in names {
        assert!(wrong.iter().any(|one| one.starts_with(name)), "{name}: {wrong:?}");
    }
}

#[test]
fn many_files_and_long_records_are_bounded() {
    let scene = Scene::new(&[("pypi", "demo", wheel(&[("demo/__init__.py", b"x = 1\n")]))]);
    installed(&scene, "target");
    let deep = format!("target/{}x.py", "d/".repeat(240));
    scene.write(&deep, "x");
    for number in 0..300 {
        scene.write(&format!("target/stray/{number}.py"), "x");
    }
    let section = scene.one("target");
    assert_eq!((section.added.len(), section.added_total), (200, 300));
    assert!(
        section.problems.iter().any(|problem| problem.contains("deeper than 200 folders")),
        "{:?}",
        section.problems
    );
    // A folder that was not looked at is nothing proven, even where all else is.
    fs::remove_dir_all(scene.folder.path().join("target/stray")).unwrap();
    let section = scene.one("target");
    assert_eq!((section.packages[0].outcome, section.added_total), (Outcome::Proven, 0));
    assert_eq!(section.outcome, Outcome::Undecided);
    fs::remove_dir_all(scene.folder.path().join("target/d")).unwrap();
    assert_eq!(scene.one("target").outcome, Outcome::Proven);
    // A RECORD with more lines than are read is one that cannot be read.
    scene.write("target/other-1.0.0.dist-info/METADATA", METADATA.replace("demo", "other"));
    scene.write("target/other-1.0.0.dist-info/RECORD", "a,,\n".repeat(500_001));
    let section = scene.one("target");
    let other = section.packages.iter().find(|one| one.package.as_deref() == Some("pypi:other@1.0.0")).unwrap();
    assert!(other.reason.contains("it has no RECORD that can be read"), "{}", other.reason);
    // METADATA that is none, and one that names what is no package.
    scene.write("target/none-1.dist-info/METADATA", "x");
    scene.write("target/evil-1.dist-info/METADATA", "Name: ../evil\u{202e}\nVersion: 1\n");
    let problems = scene.one("target").problems;
    assert_eq!(problems.iter().filter(|problem| problem.contains("dist-info: ")).count(), 2, "{problems:?}");
}

#[test]
fn bundled_packages_and_the_tree_of_pnpm() {
    let manifest = |name: &str| format!("{{\"name\":\"{name}\",\"version\":\"1.0.0\"}}");
    let (outer, inner) = (manifest("outer"), manifest("inner"));
    let tarball = set(&[
        ("package/package.json", outer.as_bytes()),
        ("package/node_modules/inner/package.json", inner.as_bytes()),
        ("package/node_modules/inner/index.js", b"1"),
        ("package/test/node_modules/fixture/package.json", inner.as_bytes()),
        ("package/data.zip", b"PK"),
        ("package/data.zip!/inside.js", b"2"),
    ]);
    let scene = Scene::new(&[("npm", "outer", tarball)]);
    let lay = |root: &str| {
        scene.write(&format!("{root}/outer/package.json"), &outer);
        scene.write(&format!("{root}/outer/node_modules/inner/package.json"), &inner);
        scene.write(&format!("{root}/outer/node_modules/inner/index.js"), "1");
        scene.write(&format!("{root}/outer/test/node_modules/fixture/package.json"), &inner);
        scene.write(&format!("{root}/outer/data.zip"), "PK");
    };
    lay("a/node_modules");
    let section = scene.one("a");
    assert_eq!(
        (section.outcome, section.packages.len()),
        (Outcome::Proven, 1),
        "what is bundled is the bundler's: {section:#?}"
    );
    // One that was changed is a package of its own that nobody certified, and the bundler's list says so too.
    scene.write("a/node_modules/outer/node_modules/inner/index.js", "evil");
    scene.write("a/node_modules/outer/node_modules/inner/more.js", "evil");
    let section = scene.one("a");
    assert_eq!(section.packages.len(), 2);
    let outer_result = section.packages.iter().find(|one| one.package.as_deref() == Some("npm:outer@1.0.0")).unwrap();
    assert_eq!(outer_result.files.as_ref().unwrap().changed, ["node_modules/inner/index.js"]);
    let inner_result = section.packages.iter().find(|one| one.package.as_deref() == Some("npm:inner@1.0.0")).unwrap();
    assert_eq!((inner_result.outcome, section.outcome), (Outcome::Undecided, Outcome::Failed));
    // pnpm: packages lie in its own store, links lead to them.
    lay("b/node_modules/.pnpm/outer@1.0.0/node_modules");
    std::os::unix::fs::symlink(
        ".pnpm/outer@1.0.0/node_modules/outer",
        scene.folder.path().join("b/node_modules/outer"),
    )
    .unwrap();
    scene.write("b/node_modules/.modules.yaml", "");
    let section = scene.one("b");
    assert_eq!((section.outcome, section.packages.len(), section.added_total), (Outcome::Proven, 1, 0), "{section:#?}");
    // A hidden lockfile that is none.
    scene.write("b/node_modules/.package-lock.json", "[".repeat(100_000));
    assert!(scene.one("b").problems[0].starts_with(".package-lock.json cannot be read"));
    // Two files of one name: whichever stays is one of them.
    assert!(scene.verify("nothing").is_empty());
}

#[test]
fn a_folder_of_bundles_is_of_strangers_too() {
    let scene = Scene::new(&[("pypi", "demo", FileSet::default())]);
    let place = scene.folder.path().join("bundles");
    let bundle = scene.bundles["pypi:demo@1.0.0"].bytes().to_vec();
    scene.write("bundles/a/b/demo.json", &bundle);
    scene.write("bundles/garbage.json", "{");
    scene.write("bundles/list.json", "[1]");
    scene.write("bundles/deep.json", "[".repeat(1_000_000));
    scene.write("bundles/notes.txt", &bundle);
    scene.write("outside.json", &bundle);
    std::os::unix::fs::symlink("../outside.json", place.join("link.json")).unwrap();
    std::os::unix::fs::symlink("..", place.join("loop")).unwrap();
    let folder = BundleFolder::open(&place).unwrap();
    assert_eq!(folder.len(), 1);
    let wanted = Wanted::file("demo-1.0.0-py3-none-any.whl", digest("demo"));
    let judge = |folder: &BundleFolder| scene.prover.judge(&wanted, &folder.candidates(&wanted)).outcome;
    assert_eq!(judge(&folder), Outcome::Proven);
    // A thousand copies are not a thousand verifications, and forgeries among them change nothing.
    let forged = String::from_utf8(bundle).unwrap().replace("\"CLEAR\"", "\"BLOCKED\"");
    for number in 0..200 {
        scene.write(&format!("bundles/z{number}.json"), &forged);
    }
    let folder = BundleFolder::open(&place).unwrap();
    assert_eq!((folder.len(), folder.candidates(&wanted).len()), (201, 64));
    assert_eq!(judge(&folder), Outcome::Proven);
    assert!(BundleFolder::open(Path::new("/nonexistent")).is_err());
}
