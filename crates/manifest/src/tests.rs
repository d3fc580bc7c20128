//! Whole projects, as lines: one line for each declaration, refusal, problem, locked package and edge.

use super::testing::{lines, read_files};
use super::*;

fn check(files: &[(&str, &str)], expect: &str) {
    check_with(&ReadOptions::default(), files, expect);
}

fn check_with(options: &ReadOptions, files: &[(&str, &str)], expect: &str) {
    let expect: String = expect.lines().map(|line| format!("{}\n", line.trim())).collect();
    let got: String = lines(files, options).lines().map(|line| format!("{}\n", line.trim_end())).collect();
    assert_eq!(got.trim(), expect.trim(), "\n{got}");
}

fn with_dev() -> ReadOptions {
    ReadOptions { include_dev: true, ..ReadOptions::default() }
}

const HASH: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

#[test]
fn requirements_in_pips_grammar() {
    let text = format!(
        "\u{feff}# comment\nrequests[socks] >= 2.31, <3 ; python_version > '3.8'  # why\nflask==3.0.0 \\\n  --hash={HASH} \\\n  \
         --hash {HASH}\n-r more/base.txt\n-c constraints.txt\n--pre\n--prefer-binary\n--trusted-host h\nurllib3==1.0 --config-settings k=v\n"
    );
    let constraints = format!("idna<4\nflask==3.0.0 --hash={HASH}\nzipp --hash={HASH}\n");
    let files = [
        ("requirements.txt", text.as_str()),
        ("more/base.txt", "six==1.16.0\n-r ../last.txt\n"),
        ("last.txt", "attrs==23.1.0\n"),
        ("constraints.txt", constraints.as_str()),
    ];
    check(
        &files,
        "pypi requirements.txt [requirements.txt more/base.txt last.txt constraints.txt]
         requirements.txt:2 runtime requests[socks] >=2.31,<3 ; python_version > '3.8'
         requirements.txt:3 runtime flask ==3.0.0 pins:2
         more/base.txt:1 runtime six ==1.16.0
         last.txt:1 runtime attrs ==23.1.0
         requirements.txt:11 runtime urllib3 ==1.0
         requirements.txt:9 problem: `--prefer-binary` is not used: wheels are preferred, sdists are read
         requirements.txt:10 problem: `--trusted-host` is not used: connections are always verified; remove it
         requirements.txt:11 problem: build settings are not used: nothing is built here
         constraints.txt:3 problem: the hash of `zipp` is not checked: no requirement declares it; declare it with it
         constraint: idna<4
         constraint: flask==3.0.0
         pre-releases",
    );
}

#[test]
fn every_refusal_of_requirements() {
    let text = "good==1\nname\nname==2.*\ngit+https://user:token@h/x.git@v1\nname @ https://h/x.whl?sig=1\n./local\n-e .\n\
                -e git+https://h/x#egg=x\na b\nname==1 --hash=sha256:00\nname==1 --hash=sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709\n\
                --bogus\n--pre stray==1\n-r https://h/r.txt\n-r file:///etc/passwd\nx==${NONE}\nname==1 -e .\n--hash=x\n";
    check(
        &[("requirements.txt", text)],
        "pypi requirements.txt [requirements.txt]
         requirements.txt:1 runtime good ==1
         requirements.txt:2 REFUSED NoVersion: name
         requirements.txt:3 REFUSED Wildcard: name==2.*
         requirements.txt:4 REFUSED VersionControl: git+https://h/x.git@v1
         requirements.txt:5 REFUSED Url: name @ https://h/x.whl?…
         requirements.txt:6 REFUSED Path: ./local
         requirements.txt:7 REFUSED Editable: -e .
         requirements.txt:8 REFUSED Editable: -e git+https://h/x#egg=x
         requirements.txt:9 REFUSED Unparsable: a b
         requirements.txt:10 REFUSED Unparsable: name==1 --hash=sha256:00
         requirements.txt:11 REFUSED Unparsable: name==1 --hash=sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709
         requirements.txt:12 REFUSED Unparsable: --bogus
         requirements.txt:13 REFUSED Unparsable: stray==1
         requirements.txt:14 REFUSED Url: -r https://h/r.txt
         requirements.txt:15 REFUSED Path: -r file:///etc/passwd
         requirements.txt:16 REFUSED Unparsable: x==${NONE}
         requirements.txt:17 REFUSED Unparsable: name==1 -e .
         requirements.txt:18 REFUSED Unparsable: --hash=x
         pre-releases",
    );
}

#[test]
fn another_index_refuses_everything() {
    for option in [
        "--index-url=https://corp/simple",
        "-i https://corp/simple",
        "--extra-index-url https://corp/simple",
        "-f ./wheels",
        "--no-index",
    ] {
        let text = format!("a==1\n{option}\nb>=2\n");
        check(
            &[("requirements.txt", &text)],
            &format!(
                "pypi requirements.txt [requirements.txt]
                 requirements.txt:1 REFUSED OtherIndex: a==1
                 requirements.txt:2 REFUSED OtherIndex: {option}
                 requirements.txt:3 REFUSED OtherIndex: b>=2"
            ),
        );
    }
    let public = "pypi requirements.txt [requirements.txt]\nrequirements.txt:2 runtime a ==1";
    check(&[("requirements.txt", "-i https://pypi.org/simple\na==1")], public);
    // The value of a variable, a password say, is never shown.
    let variables = [("URL".to_owned(), "https://u:secret@corp/simple".to_owned())].into();
    let options = ReadOptions { variables, ..ReadOptions::default() };
    check_with(
        &options,
        &[("requirements.txt", "-i ${URL}\n")],
        "pypi requirements.txt [requirements.txt]\nrequirements.txt:1 REFUSED OtherIndex: -i ${URL}",
    );
}

#[test]
fn values_of_variables_are_never_shown() {
    let variables = [("V".to_owned(), "secret!".to_owned()), ("ROOT".to_owned(), "/".to_owned())].into();
    let options = ReadOptions { variables, ..ReadOptions::default() };
    let check = |line: &str, expect: &str| {
        let got = match read_files(&[("requirements.txt", line)], "", &options) {
            Ok(project) => {
                let refused = project.manifests[0].refused.iter();
                refused.map(|refused| format!("{}: {}", refused.declaration, refused.advice)).collect()
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(got, expect, "{line}");
    };
    let advice = "with its variables it cannot be read; check their values, or write it without";
    for line in ["a==${V}", "a==1 ; ${V}", "${V}", "a==1 --hash=${V}", "--${V}", "-${V}", "--pre=${V}"] {
        check(line, &format!("{line}: {advice}"));
    }
    check(
        "-i https://${V}@h/",
        "-i https://h/: only packages from https://pypi.org are certified; remove the other index",
    );
    check(
        "-r ${V}.txt",
        "requirements.txt:1: the included file `-r ${V}.txt` cannot be read (No such file or directory (os error 2)); \
         correct the path or remove the line",
    );
    check(
        "-c ${ROOT}",
        "requirements.txt:1: the included file `-c ${ROOT}` lies outside the project; copy it into the project",
    );
}

#[test]
fn includes_stay_in_the_project_and_end() {
    let check = |files: &[(&str, &str)], expect: &str| check(files, expect);
    check(
        &[("requirements.txt", "a==1\n-r ../../../../../../../../etc/passwd\n")],
        "error: requirements.txt:2: the included file `../../../../../../../../etc/passwd` lies outside the project; copy it into the project",
    );
    check(
        &[("requirements.txt", "\n-r none.txt\n")],
        "error: requirements.txt:2: the included file `none.txt` cannot be read (No such file or directory (os error 2)); correct the path or remove the line",
    );
    check(
        &[("requirements.txt", "-r a.txt"), ("a.txt", "\n-c requirements.txt")],
        "error: a.txt:2: `requirements.txt` includes itself (requirements.txt -> a.txt -> requirements.txt); remove one of the includes",
    );
    let files: Vec<(String, String)> = (0..12)
        .map(|i| (if i == 0 { "requirements.txt".to_owned() } else { format!("{i}.txt") }, format!("-r {}.txt", i + 1)))
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    check(&files, "error: 9.txt:1: got more than 10 levels of includes, expected fewer; merge the files");
    // Twice the same file is read once.
    check(
        &[("requirements.txt", "-r a.txt\n-r a.txt"), ("a.txt", "a==1")],
        "pypi requirements.txt [requirements.txt a.txt]\na.txt:1 runtime a ==1",
    );
}

#[cfg(unix)]
#[test]
fn links_out_of_the_project_and_things_that_are_not_files() {
    let folder = tempfile::tempdir().unwrap();
    let outside = tempfile::NamedTempFile::new().unwrap();
    std::os::unix::fs::symlink(outside.path(), folder.path().join("link.txt")).unwrap();
    std::fs::write(folder.path().join("requirements.txt"), "-r link.txt").unwrap();
    let error = read(folder.path(), &ReadOptions::default()).unwrap_err().to_string();
    assert_eq!(
        error,
        "requirements.txt:1: the included file `link.txt` lies outside the project; copy it into the project"
    );
    std::fs::write(folder.path().join("requirements.txt"), "-r .").unwrap();
    let error = read(folder.path(), &ReadOptions::default()).unwrap_err().to_string();
    assert_eq!(
        error,
        "requirements.txt:1: the included file `.` cannot be read (not a regular file); correct the path or remove the line"
    );
    std::fs::remove_file(folder.path().join("requirements.txt")).unwrap();
    std::os::unix::fs::symlink("/nowhere", folder.path().join("requirements.txt")).unwrap();
    let error = read(folder.path(), &ReadOptions::default()).unwrap_err().to_string();
    assert!(error.contains("requirements.txt: cannot be read"), "{error}");
}

#[test]
fn bad_bytes_and_sizes_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("requirements.txt");
    let error = || read(folder.path(), &ReadOptions::default()).unwrap_err().to_string();
    std::fs::write(&file, b"a==1\nb\xff").unwrap();
    assert_eq!(error(), "requirements.txt:2: got the byte 0xff, expected UTF-8; save the file as UTF-8");
    std::fs::write(&file, b"\xff\xfea\0").unwrap();
    assert_eq!(error(), "requirements.txt:1: got a UTF-16 byte order mark, expected UTF-8; save the file as UTF-8");
    // A sparse file of 50 MB: refused by its size, without being read.
    std::fs::File::create(&file).unwrap().set_len(50 << 20).unwrap();
    assert_eq!(
        error(),
        "requirements.txt: got 52428800 bytes, expected at most 8388608; split the file or raise the limit"
    );
    let many = "a\n".repeat(300_000);
    check(
        &[("requirements.txt", &many)],
        "error: requirements.txt:250001: got more than 250000 entries in one manifest, expected fewer; split the project",
    );
}

#[test]
fn the_most_exact_manifest_wins() {
    let lock = "version = 1\n";
    let npm = r#"{"lockfileVersion": 3, "packages": {}}"#;
    check(
        &[
            ("uv.lock", lock),
            ("requirements.txt", "a==1"),
            ("pyproject.toml", ""),
            ("package.json", "{}"),
            ("package-lock.json", npm),
            ("npm-shrinkwrap.json", npm),
            ("yarn.lock", ""),
        ],
        "pypi uv.lock [uv.lock]
         npm npm-shrinkwrap.json [npm-shrinkwrap.json]
         passed over: requirements.txt: uv.lock is more exact
         passed over: pyproject.toml: uv.lock is more exact
         passed over: package-lock.json: npm-shrinkwrap.json is more exact
         passed over: package.json: npm-shrinkwrap.json is more exact
         passed over: yarn.lock: this format is not read",
    );
    let error = lines(&[("setup.py", "")], &ReadOptions::default());
    assert!(
        error.contains("no manifest found, looked for uv.lock, pylock.toml") && error.contains("found setup.py"),
        "{error}"
    );
}

#[test]
fn one_file_can_be_named() {
    let files = [("dev/requirements-dev.txt", "-r ../base.txt\n"), ("base.txt", "a==1"), ("notes.md", "")];
    let error = testing::read_files(&files, "dev/requirements-dev.txt", &ReadOptions::default()).unwrap_err();
    assert!(matches!(error, ManifestError::IncludeOutside { .. }), "{error}");
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("dev")).unwrap();
    std::fs::write(folder.path().join("dev/requirements-dev.txt"), "-r ../base.txt").unwrap();
    std::fs::write(folder.path().join("base.txt"), "a==1").unwrap();
    let options = ReadOptions { root: Some(folder.path().to_owned()), ..ReadOptions::default() };
    let project = read(&folder.path().join("dev/requirements-dev.txt"), &options).unwrap();
    assert_eq!(project.manifests[0].files, ["dev/requirements-dev.txt", "base.txt"]);
    let error = testing::read_files(&files, "notes.md", &ReadOptions::default()).unwrap_err();
    assert!(matches!(error, ManifestError::UnknownFormat { .. }), "{error}");
}

#[test]
fn pyproject_with_uv_settings() {
    let text = r#"
[project]
name = "demo"
dependencies = [
  "requests>=2,<3 ; python_version > '3.8'",
  "Flask[async]==3.0.0",
  "torch>=2", "mine>=1", "repo", "any", "mirror>=1",
]
[project.optional-dependencies]
fast = ["orjson>=3"]
all = ["demo[fast]"]
[dependency-groups]
test = ["pytest>=8", {include-group = "lint"}, {include-group = "gone"}, 3]
lint = ["ruff==0.5.0"]
[tool.uv]
constraint-dependencies = ["idna<4"]
override-dependencies = ["werkzeug==2.3.0"]
[[tool.uv.index]]
name = "pytorch"
url = "https://download.pytorch.org/whl/cpu"
explicit = true
[[tool.uv.index]]
name = "pypi"
url = "https://pypi.org/simple"
[tool.uv.sources]
torch = [{ index = "pytorch", marker = "sys_platform == 'linux'" }]
mine = { workspace = true }
repo = { git = "https://h/x" }
mirror = { index = "pypi" }
"#;
    check(
        &[("pyproject.toml", text)],
        "pypi pyproject.toml [pyproject.toml]
         pyproject.toml:5 runtime requests >=2,<3 ; python_version > '3.8'
         pyproject.toml:6 runtime flask[async] ==3.0.0
         pyproject.toml:7 runtime mirror >=1
         pyproject.toml:7 REFUSED OtherIndex: torch>=2 (by tool.uv.sources)
         pyproject.toml:7 REFUSED Path: mine>=1 (by tool.uv.sources)
         pyproject.toml:7 REFUSED VersionControl: repo (by tool.uv.sources)
         pyproject.toml:7 REFUSED NoVersion: any
         pyproject.toml:9 problem: 2 sets of `optional-dependencies` were not read; they are read on request
         pyproject.toml:12 problem: 2 sets of `dependency-groups` were not read; they are read on request
         pyproject.toml:17 problem: the override `werkzeug==2.3.0` is applied as a constraint
         constraint: idna<4
         constraint: werkzeug==2.3.0",
    );
    let dev = lines(&[("pyproject.toml", text)], &with_dev());
    for line in [
        "pyproject.toml:10 optional orjson >=3\n",
        "pyproject.toml:13 dev pytest >=8\n",
        "pyproject.toml:14 dev ruff ==0.5.0\n",
        "pyproject.toml:13 REFUSED Unparsable: test\n",
        "pyproject.toml:13 problem: there is no group `gone` to include\n",
    ] {
        assert!(dev.contains(line), "{line}{dev}");
    }
    assert!(!dev.contains(" demo"), "{dev}");
}

#[test]
fn pyproject_that_says_little_or_something_else() {
    let first = |text: &str| lines(&[("pyproject.toml", text)], &ReadOptions::default());
    assert!(first("[project]\nname='x'\ndynamic = ['dependencies']").contains(":3 problem: `dependencies` is dynamic"));
    assert!(
        first("[tool.poetry.dependencies]\nx='1'").contains("problem: [tool.poetry] without [project] is not PEP 621")
    );
    assert!(first("").contains("problem: there is no [project] table"));
    assert!(first("[project]\ndependencies = 'x'").contains(":2 REFUSED Unparsable: dependencies"));
    assert!(first("[project]\nx = [1,").starts_with("error: pyproject.toml:2: not valid TOML"));
    assert!(first(&format!("x = {}", "[".repeat(100_000))).starts_with("error: pyproject.toml:1: not valid TOML"));
    assert!(first(&format!("x = [{}]", "0,".repeat(3_000_000))).contains("separators"));
    let index = "[project]\ndependencies = ['a==1']\n[tool.uv]\nextra-index-url = ['https://corp/simple']";
    assert!(
        first(index).contains(":2 REFUSED OtherIndex: a==1") && first(index).contains(":4 REFUSED OtherIndex: extra")
    );
    let files = [("pyproject.toml", "[project]\ndependencies = ['a==1']"), ("uv.toml", "index-url = 'https://corp/'")];
    check(
        &files,
        "pypi pyproject.toml [pyproject.toml uv.toml]
         uv.toml:1 REFUSED OtherIndex: index-url = https://corp/
         pyproject.toml:2 REFUSED OtherIndex: a==1",
    );
}

mod node;
mod python_locks;
