//! One Python requirement: a text comes in, an eligible declaration or the reason against it goes out.
//!
//! **What is eligible**: a name with at least one PEP 440 specifier that says which versions are wanted (`==`, `===`,
//! `>=`, `>`, `~=`, `<`, `<=`), each without a wildcard. `==2.*` is refused as a wildcard; a name alone, or with
//! nothing but `!=`, names no version. An upper bound alone is accepted: it is a range that resolves.
//!
//! The requirement is parsed by uv's own crates, so that it means here what it means to the resolver. What those must
//! not see is taken care of before: their parser reads the environment for URLs and paths, recurses for each
//! parenthesis of a marker, and builds a decision diagram that grows exponentially with some markers.

use std::str::FromStr as _;

use sigma_core::{Ecosystem, PackageName, Refusal, printable};
use url::Url;
use uv_pep440::Operator;
use uv_pep508::{Requirement, VersionOrUrl};

use super::draft::Rejection;
use crate::marker::{self, MarkerError};

/// Longest requirement in bytes, its marker not counted. Real ones stay below 200.
const LONGEST: usize = 8 << 10;

/// A requirement that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PythonRequirement {
    /// Normalised name.
    pub name: PackageName,
    /// Normalised extras.
    pub extras: Vec<String>,
    /// The specifiers, joined with commas; empty only for a constraint that names none.
    pub spec: String,
    /// The marker as written.
    pub marker: Option<String>,
}

impl PythonRequirement {
    /// As a PEP 508 text.
    pub fn to_pep508(&self) -> String {
        let Self { name, extras, spec, marker } = self;
        let extras = if extras.is_empty() { String::new() } else { format!("[{}]", extras.join(",")) };
        match marker {
            Some(marker) => format!("{name}{extras}{spec} ; {marker}"),
            None => format!("{name}{extras}{spec}"),
        }
    }
}

/// Reads a requirement and applies the rule of this module.
pub(super) fn eligible(text: &str) -> Result<PythonRequirement, Rejection> {
    let (requirement, operators) = parse(text)?;
    check_version(&operators)?;
    Ok(requirement)
}

/// Reads a requirement as a constraint: any version or none will do, since it only narrows what others declare.
pub(super) fn constraint(text: &str) -> Result<PythonRequirement, Rejection> {
    parse(text).map(|(requirement, _)| requirement)
}

fn refused(reason: Refusal) -> Rejection {
    Rejection::new(Ecosystem::Pypi, reason)
}

fn check_version(operators: &[Operator]) -> Result<(), Rejection> {
    if operators.contains(&Operator::EqualStar) {
        return Err(refused(Refusal::Wildcard));
    }
    let says_nothing = |operator: &Operator| matches!(operator, Operator::NotEqual | Operator::NotEqualStar);
    match operators.iter().all(says_nothing) {
        true => Err(refused(Refusal::NoVersion)),
        false => Ok(()),
    }
}

fn parse(text: &str) -> Result<(PythonRequirement, Vec<Operator>), Rejection> {
    let text = text.trim();
    if let Some(reason) = direct_reference(text) {
        return Err(refused(reason));
    }
    // In a requirement without a URL a semicolon begins the marker and nothing else.
    let (head, marker) = match text.split_once(';') {
        Some((head, marker)) => (head.trim(), Some(marker.trim()).filter(|marker| !marker.is_empty())),
        None => (text, None),
    };
    if head.len() > LONGEST {
        return Err(Rejection::unparsable(format!("got {} bytes, expected at most {LONGEST}", head.len())));
    }
    if let Some(wrong) = head.chars().find(|c| !c.is_ascii_graphic() && *c != ' ' && *c != '\t') {
        return Err(Rejection::unparsable(format!("got `{wrong}`, expected `name==version` in ASCII (PEP 508)")));
    }
    let requirement = Requirement::<Url>::from_str(head).map_err(|error| {
        // Only the message: the library's own rendering slices the text at places that need not be characters.
        let message = error.message.to_string();
        Rejection::unparsable(format!("{}; expected `name==version` (PEP 508)", printable(&message, 200)))
    })?;
    let name = PackageName::new(Ecosystem::Pypi, requirement.name.as_ref())
        .map_err(|error| Rejection::unparsable(error.to_string()))?;
    let specifiers = match &requirement.version_or_url {
        Some(VersionOrUrl::VersionSpecifier(specifiers)) => specifiers.iter().collect(),
        Some(VersionOrUrl::Url(_)) => return Err(refused(Refusal::Url)),
        None => Vec::new(),
    };
    if let Some(marker) = marker {
        check_marker(marker)?;
    }
    let operators = specifiers.iter().map(|specifier| *specifier.operator()).collect();
    let spec = specifiers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let extras = requirement.extras.iter().map(ToString::to_string).collect();
    Ok((PythonRequirement { name, extras, spec, marker: marker.map(str::to_owned) }, operators))
}

/// A marker that uv can parse, and that is cheap to parse.
pub(super) fn check_marker(marker: &str) -> Result<(), Rejection> {
    let wrong = |message: String| Err(Rejection::unparsable(format!("the marker {message}")));
    // uv logs odd markers: nothing may reach a log that is not printable.
    if printable(marker, marker.len()) != marker {
        return wrong("holds control or invisible characters, expected plain text".to_owned());
    }
    match marker::parse(marker) {
        Ok(_) => Ok(()),
        Err(error @ MarkerError::Unreadable(_)) => wrong(error.to_string()),
        Err(error) => wrong(format!("{error}; split the declaration")),
    }
}

/// What kind of direct reference a requirement is, `None` for one that names a release.
pub(super) fn direct_reference(text: &str) -> Option<Refusal> {
    if let Some(reason) = reference_kind(text) {
        return Some(reason);
    }
    // `name [extras] @ reference`
    let name_end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).unwrap_or(text.len());
    let mut rest = text[name_end..].trim_start();
    if rest.starts_with('[') {
        rest = rest.split_once(']').map_or("", |(_, rest)| rest).trim_start();
    }
    match rest.strip_prefix('@') {
        Some(reference) if name_end > 0 => Some(reference_kind(reference.trim_start()).unwrap_or(Refusal::Path)),
        _ => None,
    }
}

/// `git+https://...`, `https://...`, `./dir`, `file.whl`: what pip's `is_url` and `_get_url_from_path` tell apart.
fn reference_kind(text: &str) -> Option<Refusal> {
    let first = text.split(|c: char| c.is_whitespace() || c == ';').next().unwrap_or_default();
    if let Some((scheme, _)) = first.split_once(':')
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
    {
        let scheme = scheme.to_ascii_lowercase();
        let system = scheme.split('+').next().unwrap_or_default();
        return match system {
            "git" | "hg" | "svn" | "bzr" | "ssh" => Some(Refusal::VersionControl),
            "file" => Some(Refusal::Path),
            "http" | "https" | "ftp" | "ftps" => Some(Refusal::Url),
            drive if drive.len() == 1 => Some(Refusal::Path),
            _ if first.contains("://") => Some(Refusal::Url),
            _ => None,
        };
    }
    if first.starts_with("git@") {
        return Some(Refusal::VersionControl);
    }
    // A path ends where extras or specifiers begin.
    let path = first.split(['[', '<', '>', '=', '!', '~', '@']).next().unwrap_or_default();
    let archives =
        [".whl", ".zip", ".tar.gz", ".tgz", ".tar", ".tar.bz2", ".tbz", ".tar.xz", ".txz", ".tlz", ".tar.lz"];
    let lower = path.to_ascii_lowercase();
    let is_path = path.starts_with('.')
        || first.starts_with("~/")
        || path.contains(['/', '\\'])
        || archives.iter().any(|ending| lower.ends_with(ending));
    is_path.then_some(Refusal::Path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(text: &str) -> String {
        match eligible(text) {
            Ok(requirement) => requirement.to_pep508(),
            Err(rejection) => format!("{:?}", rejection.reason),
        }
    }

    #[test]
    fn eligible_requirements() {
        let check = |text: &str, expect: &str| assert_eq!(outcome(text), expect, "{text}");
        check("requests==2.31.0", "requests==2.31.0");
        check("Flask_Login [Async,dotenv] >= 2.0, <3", "flask-login[async,dotenv]>=2.0,<3");
        check("torch===2.0", "torch===2.0");
        check("a (>=1,<2)", "a>=1,<2");
        check("a~=1.4.2", "a~=1.4.2");
        check("a<3", "a<3");
        check("a>=1,!=1.5.*", "a>=1,!=1.5.*");
        check("a==1.0+local", "a==1.0+local");
        check("a==1!2.0rc1", "a==1!2.0rc1");
        check("a==1 ; python_version < '3.8'", "a==1 ; python_version < '3.8'");
        check("a==1;sys_platform=='win32' and (os_name=='nt')", "a==1 ; sys_platform=='win32' and (os_name=='nt')");
        check("a==1;", "a==1");
    }

    #[test]
    fn every_reason_against_one() {
        let check = |text: &str, expect: &str| assert_eq!(outcome(text), expect, "{text}");
        check("requests", "NoVersion");
        check("requests[socks] ; python_version > '3'", "NoVersion");
        check("requests!=1.0", "NoVersion");
        check("requests!=1.*", "NoVersion");
        check("requests==2.*", "Wildcard");
        check("requests>=1,==2.*", "Wildcard");
        for vcs in ["git+https://h/x.git", "git+ssh://git@h/x", "hg+http://h", "svn+svn://h", "bzr+lp:x", "git@h:o/r"] {
            check(vcs, "VersionControl");
            check(&format!("name @ {vcs}"), "VersionControl");
        }
        check("https://h/x-1.0.whl", "Url");
        check("name[extra] @ https://h/x-1.0.tar.gz ; python_version > '3'", "Url");
        check("name@https://h/x", "Url");
        for path in ["./x", "../x", "/x", ".", "x/y", "x-1.0-py3-none-any.whl", "file:x", "file:///x", "C:\\x", "~/x"] {
            check(path, "Path");
            check(&format!("name @ {path}"), "Path");
        }
        check("x.whl[extra]", "Path");
        for wrong in [
            "",
            "==1",
            "a=1",
            "a==",
            "a>=1.*",
            "a==1 b",
            "a[",
            "a[b",
            "a b",
            "-x",
            "a==1 ; nonsense",
            "a==1 ; (os_name=='x'",
            "ünïcode==1",
            "a==1\u{202e}",
            "a==${V}",
            "foo:bar",
            "a==1 ; os_name == '\u{202e}'",
        ] {
            check(wrong, "Unparsable");
        }
    }

    #[test]
    fn markers_that_would_cost_too_much_are_refused() {
        assert_eq!(outcome(&format!("a==1 ; {}os_name=='x'{}", "(".repeat(5000), ")".repeat(5000))), "Unparsable");
        let pairs: Vec<_> = (0..40).map(|i| format!("(extra=='a{i}' and extra=='b{i}')")).collect();
        assert_eq!(outcome(&format!("a==1 ; {}", pairs.join(" or "))), "Unparsable");
        assert_eq!(outcome(&format!("a=={}", "1.".repeat(100_000))), "Unparsable");
        assert_eq!(outcome(&format!("a=={}1", "9".repeat(400))), "Unparsable");
    }
}
