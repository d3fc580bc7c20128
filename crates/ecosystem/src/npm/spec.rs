//! What a dependency asks for: npm's reading of the text on the right of a name (npm-package-arg).
//!
//! In: a spec as some `package.json` writes it. Out: a version, range or tag of the public registry, possibly of another
//! package (`npm:`), or the reason why it names nothing there. It must never panic, whatever the text.

use deno_semver::{Version, VersionReq};
use sigma_core::{Ecosystem, PackageName};

/// Longest spec that is read. Real ones have a few dozen characters.
const MAX_SPEC: usize = 2000;

/// A spec, read.
#[derive(Debug, Clone)]
pub(super) enum Spec {
    /// Answered by the public registry.
    Registry {
        /// The package that is installed, where it is another one than the dependency's name.
        alias_of: Option<String>,
        /// Which of its versions.
        want: Want,
    },
    /// Git, URL, path and the like: nothing that the public registry answers.
    NotPublic,
    /// Not a spec; npm stops at such a text.
    Invalid,
}

/// Which versions of a package will do.
#[derive(Debug, Clone)]
pub(super) enum Want {
    /// Exactly one, as `version` in the registry's own spelling.
    Version { version: String, as_range: VersionReq },
    /// Any version.
    Any,
    /// A range.
    Range(VersionReq),
    /// A dist-tag.
    Tag(String),
}

impl Spec {
    /// Reads a spec as `npm-package-arg` does.
    pub(super) fn parse(text: &str) -> Self {
        if text.len() > MAX_SPEC {
            return Self::Invalid;
        }
        if let Some(alias) = strip_prefix_ignoring_case(text, "npm:") {
            let (name, spec) = split_name(alias);
            if PackageName::new(Ecosystem::Npm, name).is_err() {
                return Self::Invalid;
            }
            return match Self::parse_direct(spec) {
                Self::Registry { want, .. } => Self::Registry { alias_of: Some(name.to_owned()), want },
                _ => Self::Invalid,
            };
        }
        Self::parse_direct(text)
    }

    fn parse_direct(text: &str) -> Self {
        if leads_elsewhere(text) {
            return Self::NotPublic;
        }
        match Want::parse(text.trim()) {
            Some(want) => Self::Registry { alias_of: None, want },
            None => Self::Invalid,
        }
    }
}

impl Want {
    fn parse(text: &str) -> Option<Self> {
        if text.is_empty() || text == "*" {
            return Some(Self::Any);
        }
        let range = VersionReq::parse_from_npm(text).ok().filter(|range| range.tag().is_none());
        match range {
            Some(as_range) => Some(match Version::parse_from_npm(text) {
                Ok(mut version) => {
                    version.build = Default::default();
                    Self::Version { version: version.to_string(), as_range }
                }
                Err(_) => Self::Range(as_range),
            }),
            // A tag may hold what encodeURIComponent leaves alone.
            None if text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&b)) => {
                Some(Self::Tag(text.to_owned()))
            }
            None => None,
        }
    }

    /// Whether a version is among those wanted. Any published version is good enough for a tag, as npm has it.
    pub(super) fn accepts(&self, version: &Version) -> bool {
        match self {
            Self::Version { as_range, .. } | Self::Range(as_range) => as_range.matches(version),
            Self::Any | Self::Tag(_) => true,
        }
    }

    /// The range, where there is one.
    pub(super) fn range(&self) -> Option<&VersionReq> {
        match self {
            Self::Version { as_range, .. } | Self::Range(as_range) => Some(as_range),
            Self::Any | Self::Tag(_) => None,
        }
    }
}

/// A range without tags, or `None`.
pub(super) fn parse_range(text: &str) -> Option<VersionReq> {
    if text.len() > MAX_SPEC {
        return None;
    }
    VersionReq::parse_from_npm(text).ok().filter(|range| range.tag().is_none())
}

/// Splits `name@spec`; the spec is empty where there is none.
pub(super) fn split_name(text: &str) -> (&str, &str) {
    match text.char_indices().skip(1).find(|&(_, c)| c == '@') {
        Some((at, _)) => (&text[..at], &text[at + 1..]),
        None => (text, ""),
    }
}

/// Paths, URLs, and hosted git shortcuts such as `owner/name`.
fn leads_elsewhere(text: &str) -> bool {
    let bytes = text.as_bytes();
    let path = text.starts_with('.') || text.starts_with("~/") || text.starts_with('/');
    let archive = [".tgz", ".tar.gz", ".tar"].iter().any(|end| ends_with_ignoring_case(text, end));
    let scheme = text.strip_prefix("git+").unwrap_or(text);
    let letters = scheme.bytes().take_while(u8::is_ascii_alphabetic).count();
    let url = letters > 0 && scheme.as_bytes().get(letters) == Some(&b':');
    path || archive || url || bytes.contains(&b'/')
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

fn ends_with_ignoring_case(text: &str, end: &str) -> bool {
    text.len() >= end.len() && text.as_bytes()[text.len() - end.len()..].eq_ignore_ascii_case(end.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::{Spec, Want};

    fn check(text: &str, expect: &str) {
        let got = match Spec::parse(text) {
            Spec::NotPublic => "not public".to_owned(),
            Spec::Invalid => "invalid".to_owned(),
            Spec::Registry { alias_of, want } => {
                let want = match want {
                    Want::Version { version, .. } => format!("version {version}"),
                    Want::Any => "any".to_owned(),
                    Want::Range(_) => "range".to_owned(),
                    Want::Tag(tag) => format!("tag {tag}"),
                };
                alias_of.map_or(want.clone(), |name| format!("{want} of {name}"))
            }
        };
        assert_eq!(got, expect, "{text}");
    }

    #[test]
    fn specs_are_read_as_npm_reads_them() {
        check("^1.2.0", "range");
        check("1.2.3", "version 1.2.3");
        check(" v1.2.3 ", "version 1.2.3");
        check("=1.2.3+build", "version 1.2.3");
        check("", "any");
        check("*", "any");
        check("1.x || >=2 <3", "range");
        check("next", "tag next");
        check("npm:other@^2", "range of other");
        check("npm:@scope/other", "any of @scope/other");
        check("NPM:other@latest", "tag latest of other");
    }

    #[test]
    fn what_the_registry_does_not_answer_is_not_public() {
        for text in [
            "git+https://example.org/a.git",
            "git@example.org:a/b.git",
            "github:a/b",
            "a/b",
            "https://example.org/a.tgz",
            "file:../a",
            "../a",
            "~/a",
            "/a",
            "a.tgz",
            "workspace:*",
            "link:x",
            "catalog:",
        ] {
            check(text, "not public");
        }
    }

    #[test]
    fn hostile_texts_are_invalid_and_never_panic() {
        for text in ["a b c", "é", "npm:", "npm:npm:a@1", "npm:a@git+ssh://x", "npm:../x", "\u{0}", "%"] {
            check(text, "invalid");
        }
        check(&"1".repeat(100_000), "invalid");
        let digits = "9".repeat(1000);
        check(&digits, &format!("tag {digits}"));
    }
}
