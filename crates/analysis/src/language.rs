//! Which language a file is written in, by its name or its first line.

use std::borrow::Cow;

/// A language with a front end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Language {
    /// `.py`, `.pyw`, `.pyi`.
    Python,
    /// `.js`, `.mjs`, `.cjs`, `.jsx`.
    JavaScript,
    /// `.ts`, `.mts`, `.cts`, `.tsx` and declarations.
    TypeScript,
    /// `.sh`, `.bash`, `.ps1`, `.bat` and their like: command lines of any shell.
    Shell,
}

impl Language {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Python => "Python",
            Self::JavaScript => "JavaScript",
            Self::TypeScript => "TypeScript",
            Self::Shell => "a shell",
        }
    }
}

/// The extension of a file in lower case, as nearly every one is spelled.
pub(crate) fn extension_of(name: &str) -> Option<Cow<'_, str>> {
    let (_, extension) = name.rsplit_once('.')?;
    let lower = !extension.bytes().any(|byte| byte.is_ascii_uppercase());
    Some(if lower { extension.into() } else { extension.to_ascii_lowercase().into() })
}

/// The language of a file; nothing for a file that is not source.
pub(crate) fn language_of(path: &str, head: &[u8]) -> Option<Language> {
    let name = path.rsplit('/').next().unwrap_or(path);
    match extension_of(name).as_deref() {
        Some("py" | "pyw" | "pyi") => Some(Language::Python),
        Some("js" | "mjs" | "cjs" | "jsx") => Some(Language::JavaScript),
        Some("ts" | "mts" | "cts" | "tsx") => Some(Language::TypeScript),
        Some("sh" | "bash" | "zsh" | "ksh" | "command" | "ps1" | "psm1" | "bat" | "cmd") => Some(Language::Shell),
        None => of_shebang(head),
        Some(_) => None,
    }
}

/// True for a file that only declares types and never runs.
pub(crate) fn is_declaration(path: &str) -> bool {
    let ends = |end: &str| {
        path.len()
            .checked_sub(end.len())
            .and_then(|at| path.get(at..))
            .is_some_and(|last| last.eq_ignore_ascii_case(end))
    };
    [".pyi", ".d.ts", ".d.mts", ".d.cts"].into_iter().any(ends)
}

fn of_shebang(head: &[u8]) -> Option<Language> {
    let line = head.strip_prefix(b"#!")?;
    let line = &line[..line.iter().position(|byte| *byte == b'\n').unwrap_or(line.len()).min(200)];
    let line = String::from_utf8_lossy(line);
    if line.contains("python") {
        Some(Language::Python)
    } else if ["node", "deno", "bun"].iter().any(|runtime| line.contains(runtime)) {
        Some(Language::JavaScript)
    } else if line.trim_end().ends_with("sh") || line.contains("sh -") || line.contains("pwsh") {
        Some(Language::Shell)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_known_by_name_or_first_line() {
        assert_eq!(language_of("a/b.PY", b""), Some(Language::Python));
        assert_eq!(language_of("x.mts", b""), Some(Language::TypeScript));
        assert_eq!(language_of("bin/run", b"#!/usr/bin/env node\n"), Some(Language::JavaScript));
        assert_eq!(language_of("bin/run", b"#!/bin/sh\n# python\n"), Some(Language::Shell));
        assert_eq!(language_of("setup.ps1", b""), Some(Language::Shell));
        assert_eq!(language_of("bin/run", b"#!/usr/bin/perl\n"), None);
        assert_eq!(language_of("data.json", b"#!/usr/bin/env node\n"), None);
        assert!(is_declaration("types/index.d.ts") && !is_declaration("index.ts"));
    }
}
