//! The commands that a distribution declares, and the program that starts one.
//!
//! In: the archive as it was verified. Out: names and targets as they are written there, bounded in number and length. What is
//! not of the form that installers accept keeps its name and gets a reason instead of a program. Nothing is run here.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

use sigma_analysis::{Limits, unpack};
use sigma_core::{DistributionKind, printable, toml_is_too_deep};

/// Commands of one package that are read. Packages with more exist to be a mirror of something.
const MAX_DECLARED: usize = 500;
/// Bytes of a manifest that is read.
const MAX_MANIFEST: usize = 1 << 20;

/// One declared command.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Command {
    /// What a user types.
    pub name: String,
    /// What it starts, as it is written; of a script that a wheel brings, its path in the wheel.
    pub target: String,
    /// Such a script, or why it is not read.
    pub script: Option<Result<Vec<u8>, String>>,
}

/// The commands of a distribution, by name.
pub(super) fn commands(kind: DistributionKind, filename: &str, path: &Path) -> io::Result<Vec<Command>> {
    let mut found: BTreeMap<String, Command> = BTreeMap::new();
    let mut bytes = BufReader::new(File::open(path)?);
    unpack(filename, &mut bytes, &Limits::default(), &mut |packed| {
        let Some(format) = format_of(kind, packed.path) else { return };
        let content = packed.bytes.filter(|content| content.len() <= MAX_MANIFEST);
        let text = || String::from_utf8_lossy(content.unwrap_or_default());
        let is_script = matches!(format, Format::Script(_));
        let told = match format {
            Format::Ini => ini(&text()),
            Format::Pyproject => pyproject(&text()),
            Format::PackageJson => package_json(&text()),
            Format::Script(name) => vec![(name, packed.path.to_owned())],
        };
        for (name, target) in told {
            let fits = !name.is_empty() && name.len() <= 200 && target.len() <= 400;
            if fits && found.len() < MAX_DECLARED {
                let script = is_script.then(|| {
                    let read = content.map(<[u8]>::to_vec);
                    read.ok_or_else(|| format!("the script is not read: it is longer than {MAX_MANIFEST} bytes"))
                });
                found.entry(name.clone()).or_insert(Command { name, target, script });
            }
        }
    });
    Ok(found.into_values().collect())
}

enum Format {
    Ini,
    Pyproject,
    PackageJson,
    /// A file that an installer puts among the commands, under this name.
    Script(String),
}

/// The manifests that installers read, where they lie: `entry_points.txt` (PyPA entry points specification), `[project.scripts]`
/// (PEP 621) for source distributions, `bin` of `package.json`; and the scripts of a wheel's `.data/scripts` (PyPA binary distribution
/// format).
fn format_of(kind: DistributionKind, path: &str) -> Option<Format> {
    let path = path.strip_prefix("./").unwrap_or(path);
    let (folder, name) = path.split_once('/')?;
    match kind {
        DistributionKind::Wheel if folder.ends_with(".data") => {
            let script = name.strip_prefix("scripts/").filter(|script| !script.contains('/'));
            script.map(|script| Format::Script(script.to_owned()))
        }
        DistributionKind::Wheel => {
            (folder.ends_with(".dist-info") && name == "entry_points.txt").then_some(Format::Ini)
        }
        DistributionKind::Sdist if name == "pyproject.toml" => Some(Format::Pyproject),
        DistributionKind::Sdist => {
            let egg = name.strip_prefix("src/").unwrap_or(name).split_once('/');
            egg.is_some_and(|(folder, name)| folder.ends_with(".egg-info") && name == "entry_points.txt")
                .then_some(Format::Ini)
        }
        DistributionKind::NpmTarball => (name == "package.json").then_some(Format::PackageJson),
    }
}

fn ini(text: &str) -> Vec<(String, String)> {
    let mut inside = false;
    let mut out = Vec::new();
    for line in text.lines().take(20_000).map(str::trim) {
        if line.starts_with('[') {
            // Where there are no windows, installers start both in the same way.
            inside = matches!(line, "[console_scripts]" | "[gui_scripts]");
        } else if let Some((name, target)) = line.split_once('=').filter(|_| inside && !line.starts_with(['#', ';'])) {
            out.push((name.trim().to_owned(), target.trim().to_owned()));
        }
    }
    out
}

fn pyproject(text: &str) -> Vec<(String, String)> {
    let document = Some(text).filter(|text| !toml_is_too_deep(text)).and_then(|text| text.parse::<toml::Table>().ok());
    let Some(document) = document else { return Vec::new() };
    let project = document.get("project");
    let scripts = ["scripts", "gui-scripts"].map(|table| project.and_then(|project| project.get(table)?.as_table()));
    let pair = |(name, target): (&String, &toml::Value)| Some((name.clone(), target.as_str()?.to_owned()));
    scripts.into_iter().flatten().flatten().filter_map(pair).collect()
}

fn package_json(text: &str) -> Vec<(String, String)> {
    let Ok(manifest) = serde_json::from_str::<serde_json::Value>(text.trim_start_matches('\u{feff}')) else {
        return Vec::new();
    };
    match manifest.get("bin") {
        // The name without its scope, as npm has it.
        Some(serde_json::Value::String(file)) => {
            let name = manifest.get("name").and_then(|name| name.as_str()).unwrap_or_default();
            vec![(name.rsplit('/').next().unwrap_or(name).to_owned(), file.clone())]
        }
        Some(serde_json::Value::Object(files)) => {
            files.iter().filter_map(|(name, file)| Some((name.clone(), file.as_str()?.to_owned()))).collect()
        }
        _ => Vec::new(),
    }
}

/// The program of a command of PyPI: a script as it is, or what installers write for an entry point; or why there is none.
pub(super) fn python_command(command: &Command) -> Result<Vec<u8>, String> {
    match &command.script {
        None => python_program(&command.target).map(String::into_bytes),
        Some(Err(why)) => Err(why.clone()),
        Some(Ok(script)) => {
            // Installers put their Python into a first line that asks for one, and leave every other file as it is.
            let first = script.split(|byte| *byte == b'\n').next().unwrap_or_default();
            match String::from_utf8_lossy(first).strip_prefix("#!") {
                Some(program) if program.contains("python") => Ok(script.clone()),
                Some(program) => {
                    Err(format!("it begins with `#!{}` and is no Python program", printable(program.trim(), 120)))
                }
                None => Err("it does not begin with `#!python` and so is no Python program".to_owned()),
            }
        }
    }
}

/// The program that installers write for a Python command, or why there is none.
fn python_program(target: &str) -> Result<String, String> {
    // Extras, as in `pkg:main [extra]`, say what else has to be installed.
    let object = target.split('[').next().unwrap_or_default().trim();
    let dotted = |text: &str| {
        text.split('.').all(|part| {
            !part.starts_with(|c: char| c.is_ascii_digit())
                && !part.is_empty()
                && part.chars().all(|c| c.is_alphanumeric() || c == '_')
        })
    };
    match object.split_once(':').map(|(module, object)| (module.trim(), object.trim())) {
        Some((module, object)) if dotted(module) && dotted(object) => {
            let first = object.split('.').next().unwrap_or(object);
            Ok(format!(
                "import sys\nfrom {module} import {first}\nif __name__ == '__main__':\n    sys.exit({object}())\n"
            ))
        }
        _ => Err(format!("got `{}`, expected `module:function`", printable(target, 120))),
    }
}

/// The file of the package that an npm command starts, relative to the package, or why there is none. Looks at the file.
pub(super) fn node_program(target: &str, package: &Path) -> Result<String, String> {
    let parts: Vec<&str> = target.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if parts.is_empty() || target.contains(['\\', '\0']) || parts.contains(&"..") {
        return Err(format!("got `{}`, expected a file of the package", printable(target, 120)));
    }
    let file = parts.join("/");
    let path = package.join(&file);
    // What is laid out holds no links inside a package.
    let there = path.symlink_metadata().is_ok_and(|found| found.is_file());
    let head =
        if there { head(&path) } else { return Err(format!("the package has no file {}", printable(&file, 120))) };
    let head = head.map_err(|error| format!("{} cannot be read: {error}", printable(&file, 120)))?;
    let first = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if first.starts_with(b"#!") && !first.windows(4).any(|word| word == b"node") {
        let line = printable(&String::from_utf8_lossy(first), 80);
        return Err(format!("it begins with `{line}` and is no program for Node.js"));
    }
    if head.contains(&0) {
        return Err("it is no text and so no program for Node.js".to_owned());
    }
    Ok(file)
}

fn head(path: &Path) -> io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut head = Vec::new();
    File::open(path)?.take(256).read_to_end(&mut head)?;
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_where_installers_read_them() {
        let check = |told: Vec<(String, String)>, expect: &[(&str, &str)]| {
            let told: Vec<(&str, &str)> = told.iter().map(|(name, target)| (name.as_str(), target.as_str())).collect();
            assert_eq!(told, expect);
        };
        let text = "# a\n[console_scripts]\nhttp = httpie.__main__:main\n; b = c:d\n\n[gui_scripts]\nshow = a:b\n";
        check(ini(text), &[("http", "httpie.__main__:main"), ("show", "a:b")]);
        check(ini("http = a:b\n"), &[]);
        check(pyproject("[project.scripts]\na = 'b:c'\nwrong = 1\n"), &[("a", "b:c")]);
        check(
            pyproject("[project.gui-scripts]\nshow = 'b:c'\n[project.scripts]\na = 'b:c'\n"),
            &[("a", "b:c"), ("show", "b:c")],
        );
        check(pyproject("not toml ["), &[]);
        check(pyproject(&format!("{}=1{}", vec![["a"; 79].join("."); 80].join("={"), "}".repeat(79))), &[]);
        check(package_json(r#"{"name": "@scope/tool", "bin": "./cli.js"}"#), &[("tool", "./cli.js")]);
        check(package_json(r#"{"name": "x", "bin": {"a": "b.js", "c": 1}}"#), &[("a", "b.js")]);
        check(package_json("{"), &[]);
        let place = |kind, path: &str| format_of(kind, path).is_some();
        use DistributionKind::{NpmTarball, Sdist, Wheel};
        assert!(place(Wheel, "a-1.dist-info/entry_points.txt") && !place(Wheel, "a/entry_points.txt"));
        assert!(place(Wheel, "a-1.data/scripts/tool") && !place(Wheel, "a-1.data/scripts/sub/tool"));
        assert!(!place(Wheel, "a-1.data/data/bin/tool") && !place(Sdist, "a-1.data/scripts/tool"));
        assert!(place(Sdist, "a-1/src/a.egg-info/entry_points.txt") && place(Sdist, "a-1/pyproject.toml"));
        assert!(!place(Sdist, "a-1/tests/a/pyproject.toml"));
        assert!(place(NpmTarball, "package/package.json") && !place(NpmTarball, "package/node_modules/x/package.json"));
    }

    #[test]
    fn python_commands_become_the_program_that_pip_writes() {
        let check = |target: &str, expect: Result<&str, &str>| {
            let program = python_program(target);
            assert_eq!(program.as_deref().map_err(String::as_str), expect, "{target}");
        };
        let program = "import sys\nfrom a.b import main\nif __name__ == '__main__':\n    sys.exit(main())\n";
        check("a.b:main", Ok(program));
        check(" a.b : main [extra]", Ok(program));
        let program = "import sys\nfrom a import App\nif __name__ == '__main__':\n    sys.exit(App.run())\n";
        check("a:App.run", Ok(program));
        check("a", Err("got `a`, expected `module:function`"));
        check("a:b;import os", Err("got `a:b;import os`, expected `module:function`"));
        check("a\nimport os:b", Err("got `a\\u{a}import os:b`, expected `module:function`"));
    }

    #[test]
    fn scripts_of_wheels_are_programs_where_they_are_python() {
        let check = |script: &str, expect: Result<&str, &str>| {
            let script = Some(Ok(script.as_bytes().to_vec()));
            let command = Command { name: "tool".to_owned(), target: "a-1.data/scripts/tool".to_owned(), script };
            let program = python_command(&command).map(|bytes| String::from_utf8(bytes).unwrap());
            assert_eq!(program.as_deref().map_err(String::as_str), expect);
        };
        check("#!python\nprint(1)\n", Ok("#!python\nprint(1)\n"));
        check("#!/usr/bin/env python3\r\nprint(1)", Ok("#!/usr/bin/env python3\r\nprint(1)"));
        check("#!/bin/sh\necho 1", Err("it begins with `#!/bin/sh` and is no Python program"));
        check("\u{7f}ELF", Err("it does not begin with `#!python` and so is no Python program"));
        check("", Err("it does not begin with `#!python` and so is no Python program"));
    }

    #[test]
    fn npm_commands_are_files_of_the_package_that_node_runs() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
        write("cli.js", b"#!/usr/bin/env node\nconsole.log(1)\n");
        write("run.sh", b"#!/bin/sh\necho 1\n");
        write("native", b"\x7fELF\0\0");
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("link")).unwrap();
        let check = |target: &str, expect: Result<&str, &str>| {
            let file = node_program(target, folder.path());
            assert_eq!(file.as_deref().map_err(String::as_str), expect, "{target}");
        };
        check("./cli.js", Ok("cli.js"));
        check("run.sh", Err("it begins with `#!/bin/sh` and is no program for Node.js"));
        check("native", Err("it is no text and so no program for Node.js"));
        check("none.js", Err("the package has no file none.js"));
        check("link", Err("the package has no file link"));
        check("../cli.js", Err("got `../cli.js`, expected a file of the package"));
        check("", Err("got ``, expected a file of the package"));
    }
}
