//! What of a folder is reviewed, by category and entry point.

use std::path::Path;

use sigma_core::{CodeLanguage, SubmissionCategory};
use sigma_intake::{IntakeProblem, ProblemCode, Selected, SubmissionLimits, Wanted, folder, select};
use tempfile::TempDir;

const SKILL: &str = "---\nname: tool\ndescription: A tool\n---\n";
const API: &str = "---\nname: tool\ndescription: A tool\nexternalCalls: [https://example.org/]\n---\n";

fn tree(files: &[(&str, &str)]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    root
}

fn choose(root: &Path, wanted: Wanted<'_>) -> Result<Selected, Vec<IntakeProblem>> {
    select(&folder(root).unwrap(), &wanted, &SubmissionLimits::default())
}

fn wanted<'a>(category: &str, entry: &'a str) -> Wanted<'a> {
    let entry = (!entry.is_empty()).then_some(entry);
    Wanted { category: category.parse().unwrap(), entry, folder: None }
}

/// The folder under review and its files, or the codes of all problems.
#[track_caller]
fn check(files: &[(&str, &str)], category: &str, entry: &str, expect: Result<(&str, &[&str]), &[ProblemCode]>) {
    let root = tree(files);
    match (choose(root.path(), wanted(category, entry)), expect) {
        (Ok(selected), Ok((folder, files))) => {
            assert_eq!(selected.tree.folder, folder);
            let found: Vec<_> = selected.tree.files.iter().map(|file| file.path.as_str()).collect();
            assert_eq!(found, files);
        }
        (Err(problems), Err(expect)) => {
            let codes: Vec<_> = problems.iter().map(|problem| problem.code).collect();
            assert_eq!(codes, expect, "{problems:#?}");
        }
        (found, expect) => panic!("got {found:#?}, expected {expect:?}"),
    }
}

#[test]
fn the_folder_follows_from_the_entry_point() {
    let mono = &[
        ("README.md", "x"),
        ("package.json", "{}"),
        ("skills/tool/SKILL.md", SKILL),
        ("skills/tool/scripts/run.py", "x"),
        ("skills/tool/scripts/requirements.txt", ""),
        ("skills/other/SKILL.md", SKILL),
        ("packages/web/package.json", "{}"),
        ("packages/web/src/server.ts", "x"),
        ("loose/pkg/inner/__init__.py", ""),
        ("loose/pkg/__init__.py", ""),
        ("loose/pkg/inner/cli.py", "x"),
        ("loose/data.txt", "x"),
    ];
    // A skill is the folder of its SKILL.md, whatever manifests lie below.
    let whole: &[&str] = &["SKILL.md", "scripts/requirements.txt", "scripts/run.py"];
    check(mono, "SKILL+CODE", "skills/tool/scripts/run.py", Ok(("skills/tool", whole)));
    check(mono, "SKILL+CODE+PACKAGES", "skills/tool/scripts/run.py", Ok(("skills/tool", whole)));
    // Code alone is the nearest project.
    check(mono, "CODE", "skills/tool/scripts/run.py", Ok(("skills/tool/scripts", &["requirements.txt", "run.py"])));
    check(
        mono,
        "CODE+PACKAGES",
        "packages/web/src/server.ts",
        Ok(("packages/web", &["package.json", "src/server.ts"])),
    );
    // The root's package.json is the nearest manifest of what has none of its own.
    let root = tree(mono);
    let selected = choose(root.path(), wanted("CODE", "loose/pkg/inner/cli.py")).unwrap();
    assert_eq!((selected.tree.folder.as_str(), selected.tree.files.len()), ("", mono.len()));
    // Without any, a package is taken from its outermost folder on.
    let without = &mono[8..];
    let files: &[&str] = &["data.txt", "pkg/__init__.py", "pkg/inner/__init__.py", "pkg/inner/cli.py"];
    check(without, "CODE", "loose/pkg/inner/cli.py", Ok(("loose", files)));
    check(&[("a/b/run.py", "x"), ("a/c.py", "x")], "CODE", "a/b/run.py", Ok(("a/b", &["run.py"])));
    check(&[("run.py", "x"), ("b/c.py", "x")], "CODE", "run.py", Ok(("", &["b/c.py", "run.py"])));
}

#[test]
fn a_skill_without_code_is_found_or_named() {
    check(&[("SKILL.md", SKILL), ("x/SKILL.md", SKILL)], "SKILL", "", Ok(("", &["SKILL.md", "x/SKILL.md"])));
    check(&[("x/SKILL.md", SKILL), ("y/a", "x")], "SKILL", "", Ok(("x", &["SKILL.md"])));
    let several = &[("x/SKILL.md", SKILL), ("y/SKILL.md", SKILL), ("z/a", "x")];
    check(several, "SKILL", "", Err(&[ProblemCode::FolderAmbiguous]));
    check(&[("README.md", "x")], "SKILL", "", Err(&[ProblemCode::SkillMissing]));

    let root = tree(several);
    let named = |folder| choose(root.path(), Wanted { folder: Some(folder), ..wanted("SKILL", "") });
    assert_eq!(named("y").unwrap().tree.folder, "y");
    assert_eq!(named("./y/").unwrap().tree.folder, "y");
    assert_eq!(named("z").unwrap_err()[0].code, ProblemCode::SkillMissing);
    assert_eq!(named("../x").unwrap_err()[0].code, ProblemCode::FolderNotFound);
    let code = choose(root.path(), Wanted { folder: Some("x"), ..wanted("SKILL+CODE", "z/a") });
    assert!(code.unwrap_err().iter().any(|problem| problem.code == ProblemCode::FolderUnexpected));
}

#[test]
fn entry_points() {
    use ProblemCode as P;
    let files = &[("SKILL.md", SKILL), ("src/run.py", "x"), ("data.json", "{}"), ("run.sh", "echo")];
    for (entry, code) in [
        ("", P::EntryMissing),
        ("/src/run.py", P::EntryPath),
        ("./src/run.py", P::EntryPath),
        ("src//run.py", P::EntryPath),
        ("src/../src/run.py", P::EntryPath),
        ("../run.py", P::EntryPath),
        ("src\\run.py", P::EntryPath),
        (".git/config", P::EntryPath),
        ("src/run.py\n", P::EntryPath),
        ("src/absent.py", P::EntryNotFound),
        ("src/RUN.py", P::EntryNotFound),
        ("src", P::EntryNotFile),
        ("src/", P::EntryPath),
        ("SKILL.md", P::EntryNotCode),
        ("data.json", P::EntryNotCode),
        ("run.sh", P::EntryLanguage),
    ] {
        check(files, "SKILL+CODE", entry, Err(&[code]));
    }
    check(files, "SKILL", "src/run.py", Err(&[P::EntryUnexpected, P::CodePresent, P::CodePresent]));
}

#[test]
fn every_category_has_what_it_needs() {
    use ProblemCode as P;
    let code = ("tool/run.py", "x");
    let manifest = ("tool/requirements.txt", "requests==2.0\n");
    let (skill, api) = (("tool/SKILL.md", SKILL), ("tool/SKILL.md", API));
    let all = SubmissionCategory::ALL;
    for category in all {
        let entry = if category.has_code() { "tool/run.py" } else { "" };
        let mut files = vec![];
        files.extend(category.has_code().then_some(code));
        files.extend(category.has_packages().then_some(manifest));
        files.extend(category.has_skill().then_some(if category.has_api() { api } else { skill }));
        let root = tree(&files);
        let selected = choose(root.path(), wanted(category.as_str(), entry)).unwrap();
        assert_eq!(selected.disclosed, []);
        assert_eq!(selected.tree.folder, "tool");
        assert_eq!(selected.language, category.has_code().then_some(CodeLanguage::Python));
        assert_eq!(selected.skill.is_some(), category.has_skill());
        assert_eq!(selected.skill.map_or(0, |skill| skill.external_calls.len()), usize::from(category.has_api()));
    }
    check(&[code], "SKILL+CODE", code.0, Err(&[P::SkillMissing]));
    check(&[code, skill], "SKILL+API+CODE", code.0, Err(&[P::EndpointsMissing]));
    check(&[code, skill], "SKILL+CODE+PACKAGES", code.0, Err(&[P::ManifestMissing]));
    check(&[code], "SKILL+API+CODE+PACKAGES", code.0, Err(&[P::SkillMissing, P::ManifestMissing]));
    check(&[code, skill], "SKILL", "", Err(&[P::CodePresent]));
    check(&[("tool/hook", "#!/bin/sh\n"), skill], "SKILL", "", Err(&[P::CodePresent]));

    let root = tree(&[code, manifest, skill]);
    let disclosed = choose(root.path(), wanted("CODE", code.0)).unwrap().disclosed;
    let codes: Vec<_> = disclosed.iter().map(|problem| problem.code).collect();
    assert_eq!(codes, [P::ManifestUnreviewed, P::SkillUnreviewed]);
}

#[test]
fn limits_are_exact_and_every_problem_is_listed() {
    use ProblemCode as P;
    let names: Vec<String> = (0..50).map(|at| format!("f{at:02}.py")).collect();
    let mut files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "x")).collect();
    let root = tree(&files);
    assert_eq!(choose(root.path(), wanted("CODE", "f00.py")).unwrap().tree.files.len(), 50);
    files.push(("z", "x"));
    check(&files, "CODE", "f00.py", Err(&[P::TooManyFiles]));
    check(&files, "CODE+PACKAGES", "f00.py", Err(&[P::ManifestMissing, P::TooManyFiles]));

    let (fits, over) = ("x".repeat(200 << 10), "x".repeat((200 << 10) + 1));
    let small = "x".repeat((112 << 10) - 1);
    let exact = [("a.py", "x"), ("b", fits.as_str()), ("c", fits.as_str()), ("d", small.as_str())];
    assert_eq!(choose(tree(&exact).path(), wanted("CODE", "a.py")).unwrap().tree.files.len(), 4);
    check(&[exact.as_slice(), &[("e", "x")]].concat(), "CODE", "a.py", Err(&[P::TooLarge]));
    check(&[("a.py", "x"), ("b", over.as_str())], "CODE", "a.py", Err(&[P::FileTooLarge]));
    check(&[("a.py", over.as_str())], "CODE", "a.py", Err(&[P::FileTooLarge]));
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\n";
    let many = [("a.sh", "x"), ("b", over.as_str()), ("c", over.as_str()), ("d", over.as_str()), ("e", pointer)];
    check(
        &many,
        "CODE+PACKAGES",
        "a.sh",
        Err(&[
            P::EntryLanguage,
            P::ManifestMissing,
            P::TooLarge,
            P::FileTooLarge,
            P::FileTooLarge,
            P::FileTooLarge,
            P::LfsPointer,
        ]),
    );
}

#[cfg(unix)]
#[test]
fn folders_are_read_without_following_anything() {
    let outside = tree(&[("secret.py", "x")]);
    let root = tree(&[
        ("run.py", "x"),
        (".gitignore", "hidden.py\n"),
        ("hidden.py", "x"),
        (".git/config", "x"),
        ("node_modules/a/index.js", "x"),
        ("lib/__pycache__/run.pyc", "x"),
        ("venv/bin/python", "x"),
    ]);
    let selected = choose(root.path(), wanted("CODE", "run.py")).unwrap();
    let files: Vec<_> = selected.tree.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(files, [".gitignore", "hidden.py", "run.py"]);
    let skipped: Vec<_> = selected.disclosed.iter().map(|one| one.path.as_deref().unwrap()).collect();
    assert_eq!(skipped, [".git", "lib/__pycache__", "node_modules", "venv"]);

    std::os::unix::fs::symlink(outside.path(), root.path().join("folder")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("secret.py"), root.path().join("file.py")).unwrap();
    std::os::unix::fs::symlink("/nonexistent", root.path().join("dangling")).unwrap();
    let socket = std::os::unix::net::UnixListener::bind(root.path().join("socket")).unwrap();
    let problems = choose(root.path(), wanted("CODE", "run.py")).unwrap_err();
    let found: Vec<_> = problems.iter().map(|one| (one.path.as_deref().unwrap(), one.code)).collect();
    let link = ProblemCode::LinkPresent;
    assert_eq!(found, [("dangling", link), ("file.py", link), ("folder", link), ("socket", ProblemCode::SpecialFile)]);
    assert_eq!(choose(root.path(), wanted("CODE", "file.py")).unwrap_err()[0].code, ProblemCode::EntryNotFile);
    assert_eq!(
        choose(root.path(), wanted("CODE", "folder/secret.py")).unwrap_err()[0].code,
        ProblemCode::EntryNotFound
    );
    drop(socket);
    assert!(folder(&root.path().join("absent")).is_err());
    assert!(folder(&root.path().join("run.py")).is_err());
}
