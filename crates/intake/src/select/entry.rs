//! The entry point: where it is, and what it is written in.

use sigma_core::{CodeLanguage, SourceFile};

use super::{SKILL, Wanted};
use crate::listing::{Kind, Listing};
use crate::path;
use crate::problem::{IntakeProblem, ProblemCode};

/// Extensions that each language runs.
const LANGUAGES: &[(CodeLanguage, &[&str])] = &[
    (CodeLanguage::Python, &["py", "pyw"]),
    (CodeLanguage::Node, &["js", "mjs", "cjs", "ts", "mts", "cts", "jsx", "tsx"]),
];

/// Programs of a first line that stand for each language, after versions are taken off.
const INTERPRETERS: &[(CodeLanguage, &[&str])] =
    &[(CodeLanguage::Python, &["python", "pypy"]), (CodeLanguage::Node, &["node", "nodejs", "tsx", "ts-node"])];

/// Extensions of what other interpreters and systems run.
const PROGRAMS: &[&str] = &[
    "sh", "bash", "zsh", "fish", "ps1", "psm1", "bat", "cmd", "vbs", "rb", "pl", "php", "lua", "r", "jl", "go", "rs",
    "java", "jar", "class", "pyc", "pyz", "exe", "dll", "so", "dylib", "wasm", "msi", "deb", "rpm", "apk", "app",
    "scpt", "com", "whl",
];

/// The path of the entry point in the listing, where it is right.
pub(super) fn find<'a>(
    listing: &'a Listing,
    wanted: &Wanted<'_>,
    problems: &mut Vec<IntakeProblem>,
) -> Option<&'a str> {
    let mut wrong = |code, what: &str| problems.push(IntakeProblem::new(code, wanted.entry, what));
    let entry = match (wanted.entry, wanted.category.has_code()) {
        (Some(entry), true) => entry,
        (None, false) => return None,
        (Some(_), false) => {
            wrong(
                ProblemCode::EntryUnexpected,
                &format!("an entry point is named, and {} has no code", wanted.category),
            );
            return None;
        }
        (None, true) => {
            wrong(ProblemCode::EntryMissing, &format!("no entry point is named, and {} has code", wanted.category));
            return None;
        }
    };
    if entry.len() > path::LONGEST || entry.split('/').any(|part| path::component(part.as_bytes()).is_err()) {
        wrong(ProblemCode::EntryPath, "this is no path relative to the root");
        return None;
    }
    let same = |found: &&crate::listing::Entry| found.path == entry;
    match (listing.file(entry), listing.entries.iter().find(same)) {
        (Some(_), _) if path::name(entry).eq_ignore_ascii_case(SKILL) => {
            wrong(ProblemCode::EntryNotCode, "SKILL.md is not executable code");
        }
        (Some(found), _) => return Some(&found.path),
        (None, Some(found)) => {
            let why = match &found.kind {
                Kind::Refused(_, why) => why.as_str(),
                Kind::File => "it is no file",
            };
            wrong(ProblemCode::EntryNotFile, why);
        }
        (None, None) if listing.entries.iter().any(|found| path::within(entry, &found.path).is_some()) => {
            wrong(ProblemCode::EntryNotFile, "this is a folder");
        }
        (None, None) => match listing.entries.iter().find(|found| found.path.eq_ignore_ascii_case(entry)) {
            Some(near) => wrong(ProblemCode::EntryNotFound, &format!("there is no such file; `{}` is near", near.path)),
            None => wrong(ProblemCode::EntryNotFound, "there is no such file"),
        },
    }
    None
}

/// The language of the entry point, given relative to the folder; a problem where it is none that is run.
pub(super) fn language(
    entry: &str,
    folder: &str,
    files: &[SourceFile],
    problems: &mut Vec<IntakeProblem>,
) -> Option<CodeLanguage> {
    // Where it is missing, it was too large or there were too many: that is a problem already.
    let file = files.iter().find(|file| file.path == entry)?;
    let at = path::join(folder, entry);
    let mut wrong = |code, what: &str| {
        problems.push(IntakeProblem::new(code, Some(&at), what));
        None
    };
    if file.bytes.contains(&0) {
        return wrong(ProblemCode::EntryNotCode, "it is binary, not source code");
    }
    if file.bytes.iter().all(u8::is_ascii_whitespace) {
        return wrong(ProblemCode::EntryNotCode, "it is empty");
    }
    if [".d.ts", ".d.mts", ".d.cts"].iter().any(|end| entry.to_ascii_lowercase().ends_with(end)) {
        return wrong(ProblemCode::EntryNotCode, "it declares types and runs nothing");
    }
    let found = by_extension(entry, LANGUAGES).or_else(|| match extension(entry) {
        None => by_first_line(&file.bytes).or_else(|| by_package(entry, files)),
        Some(_) => None,
    });
    match found {
        Some(language) => Some(language),
        None if extension(entry).is_none() || PROGRAMS.contains(&extension(entry).unwrap_or_default().as_str()) => {
            wrong(ProblemCode::EntryLanguage, "its language is not one that is run")
        }
        None => wrong(ProblemCode::EntryNotCode, "it is not executable code of a supported language"),
    }
}

/// Whether a file is there to be run, by its name or its first bytes.
pub(super) fn runs(file: &SourceFile) -> bool {
    let named = by_extension(&file.path, LANGUAGES).is_some()
        || extension(&file.path).is_some_and(|extension| PROGRAMS.contains(&extension.as_str()));
    let magic: [&[u8]; 5] = [b"#!", b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe"];
    named || magic.iter().any(|magic| file.bytes.starts_with(magic))
}

fn extension(path: &str) -> Option<String> {
    path::name(path).rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).map(|(_, end)| end.to_ascii_lowercase())
}

fn by_extension(path: &str, table: &[(CodeLanguage, &[&str])]) -> Option<CodeLanguage> {
    let extension = extension(path)?;
    table.iter().find(|(_, ends)| ends.contains(&extension.as_str())).map(|(language, _)| *language)
}

/// `#!/usr/bin/python3.12 -u`, `#!/usr/bin/env -S node --flag`.
fn by_first_line(bytes: &[u8]) -> Option<CodeLanguage> {
    let line = bytes.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let line = std::str::from_utf8(line.get(..256).unwrap_or(line)).ok()?;
    let mut words = line.split_whitespace().map(path::name);
    let program = match words.next()? {
        "env" => words.find(|word| !word.starts_with('-') && !word.contains('='))?,
        program => program,
    };
    let program = program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    INTERPRETERS.iter().find(|(_, names)| names.contains(&program)).map(|(language, _)| *language)
}

/// A file without an extension that package.json names as its program.
fn by_package(entry: &str, files: &[SourceFile]) -> Option<CodeLanguage> {
    let file = files.iter().find(|file| file.path == "package.json")?;
    let package: serde_json::Value = serde_json::from_slice(&file.bytes).ok()?;
    let bin = &package["bin"];
    let programs = bin.as_object().into_iter().flat_map(|bin| bin.values()).chain([bin, &package["main"]]);
    let mut programs = programs.filter_map(|value| value.as_str());
    programs.any(|program| program.trim_start_matches("./") == entry).then_some(CodeLanguage::Node)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> SourceFile {
        SourceFile { path: path.to_owned(), bytes: text.as_bytes().to_vec() }
    }

    #[track_caller]
    fn check(path: &str, text: &str, expect: Result<CodeLanguage, ProblemCode>) {
        let package = file("package.json", r#"{"bin": {"tool": "./bin/tool"}}"#);
        let mut problems = Vec::new();
        let found = language(path, "", &[file(path, text), package], &mut problems);
        assert_eq!(found.ok_or_else(|| problems[0].code), expect, "{path}: {problems:?}");
    }

    #[test]
    fn languages() {
        use CodeLanguage::{Node, Python};
        check("main.py", "x", Ok(Python));
        check("Main.PY", "x", Ok(Python));
        check("server.mjs", "x", Ok(Node));
        check("server.ts", "x", Ok(Node));
        check("tool", "#!/usr/bin/env python3\n", Ok(Python));
        check("tool", "#! /usr/local/bin/python3.12 -u\n", Ok(Python));
        check("tool", "#!/usr/bin/env -S A=b node --x\n", Ok(Node));
        check("bin/tool", "console.log(1)", Ok(Node));
        check("tool", "#!/bin/sh\necho python", Err(ProblemCode::EntryLanguage));
        check("tool", "console.log(1)", Err(ProblemCode::EntryLanguage));
        check("tool.sh", "#!/usr/bin/env python3\n", Err(ProblemCode::EntryLanguage));
        check("types.d.ts", "x", Err(ProblemCode::EntryNotCode));
        check("README.md", "x", Err(ProblemCode::EntryNotCode));
        check("data.json", "{}", Err(ProblemCode::EntryNotCode));
        check("main.py", " \n", Err(ProblemCode::EntryNotCode));
        check("main.py", "a\0b", Err(ProblemCode::EntryNotCode));
        check(".py", "x", Err(ProblemCode::EntryLanguage));
    }
}
