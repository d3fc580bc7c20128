//! One npm dependency: a name and a spec as in `package.json` come in, an eligible declaration or the reason against it
//! goes out. Specs are told apart as npm's own `npm-package-arg` does.

use sigma_core::{Ecosystem, PackageName, Refusal};

use super::draft::Rejection;
use super::npm_range;

/// A dependency that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NpmDependency {
    /// The package that is fetched.
    pub name: PackageName,
    /// The range.
    pub spec: String,
    /// The local name, when an `npm:` alias gives another one.
    pub alias: Option<String>,
}

/// Reads a dependency and applies the rules of [`npm_range`].
pub(super) fn eligible(local: &str, spec: &str) -> Result<NpmDependency, Rejection> {
    let dependency = registry(local, spec)?;
    npm_range::check(&dependency.spec)?;
    Ok(dependency)
}

/// Reads a dependency that a lockfile pins: any range or tag will do, as long as it speaks of the registry.
pub(super) fn registry(local: &str, spec: &str) -> Result<NpmDependency, Rejection> {
    let name =
        |text: &str| PackageName::new(Ecosystem::Npm, text).map_err(|error| Rejection::unparsable(error.to_string()));
    let spec = spec.trim();
    let local_name = name(local)?;
    if let Some(alias) = strip_scheme(spec, "npm:") {
        let at = alias.rfind('@').filter(|&at| at > 0);
        let (target, range) = at.map_or((alias, ""), |at| (&alias[..at], &alias[at + 1..]));
        if let Some(reason) = foreign(range) {
            return Err(Rejection::new(Ecosystem::Npm, reason));
        }
        let target = name(target)?;
        let alias = (target != local_name).then(|| local.to_owned());
        return Ok(NpmDependency { name: target, spec: range.trim().to_owned(), alias });
    }
    match foreign(spec) {
        Some(reason) => Err(Rejection::new(Ecosystem::Npm, reason)),
        None => Ok(NpmDependency { name: local_name, spec: spec.to_owned(), alias: None }),
    }
}

fn strip_scheme<'a>(text: &'a str, scheme: &str) -> Option<&'a str> {
    let head = text.get(..scheme.len())?;
    head.eq_ignore_ascii_case(scheme).then(|| &text[scheme.len()..])
}

/// Why a spec does not speak of the registry; `None` when it does.
pub(super) fn foreign(spec: &str) -> Option<Refusal> {
    let scheme = spec.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase()).filter(|scheme| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
    });
    if let Some(scheme) = scheme {
        return Some(match scheme.as_str() {
            "file" | "link" | "portal" | "workspace" | "patch" | "exec" => Refusal::Path,
            "github" | "gitlab" | "bitbucket" | "gist" | "git" | "ssh" => Refusal::VersionControl,
            git if git.starts_with("git+") => Refusal::VersionControl,
            "http" | "https" if is_hosted_repository(spec) => Refusal::VersionControl,
            "http" | "https" => Refusal::Url,
            "jsr" => Refusal::OtherIndex,
            drive if drive.len() == 1 => Refusal::Path,
            _ => Refusal::Unparsable,
        });
    }
    let is_path = spec.starts_with(['.', '/', '\\']) || spec.starts_with("~/") || spec.starts_with("~\\");
    if is_path {
        return Some(Refusal::Path);
    }
    // `user@host:repository`, the spelling of scp.
    if spec.split_once(':').is_some_and(|(host, _)| host.contains('@') && !host.contains('/')) {
        return Some(Refusal::VersionControl);
    }
    if spec.contains('/') {
        // `owner/repository#ref`; with more slashes it is a folder.
        let path = spec.split('#').next().unwrap_or_default();
        let is_repository = path.matches('/').count() == 1 && !path.starts_with('@') && !path.contains(' ');
        return Some(if is_repository { Refusal::VersionControl } else { Refusal::Path });
    }
    let lower = spec.to_ascii_lowercase();
    [".tgz", ".tar.gz", ".tar"].iter().any(|ending| lower.ends_with(ending)).then_some(Refusal::Path)
}

/// `https://github.com/owner/name` is a repository for npm, not an archive.
fn is_hosted_repository(spec: &str) -> bool {
    let Ok(url) = url::Url::parse(spec) else { return false };
    let host = url.host_str().unwrap_or_default().trim_start_matches("www.");
    let parts = url.path_segments().map_or(0, |parts| parts.filter(|part| !part.is_empty()).count());
    ["github.com", "gitlab.com", "bitbucket.org", "gist.github.com"].contains(&host)
        && (parts <= 2 || url.path().ends_with(".git"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specs_are_told_apart_as_npm_does() {
        let outcome = |spec: &str| match eligible("local", spec) {
            Ok(NpmDependency { name, spec, alias: Some(alias) }) => format!("{alias} = {name}@{spec}"),
            Ok(NpmDependency { name, spec, alias: None }) => format!("{name}@{spec}"),
            Err(rejection) => format!("{:?}", rejection.reason),
        };
        let check = |spec: &str, expect: &str| assert_eq!(outcome(spec), expect, "{spec}");
        check("^1.2.3", "local@^1.2.3");
        check("npm:other@^1.0.0", "local = other@^1.0.0");
        check("npm:@scope/other@~2.1", "local = @scope/other@~2.1");
        check("npm:local@1.0.0", "local@1.0.0");
        check("npm:other", "Wildcard");
        check("npm:other@latest", "FloatingTag");
        check("npm:@scope/other", "Wildcard");
        check("npm:other@git+https://h/x", "VersionControl");
        check("npm:../x@1.0.0", "Unparsable");
        for vcs in [
            "git+https://h/x.git",
            "git://h/x",
            "git+ssh://git@h/x.git#semver:^1",
            "github:o/r",
            "gitlab:o/r",
            "bitbucket:o/r",
            "gist:abc",
            "o/r",
            "o/r#main",
            "git@github.com:o/r.git",
            "https://github.com/o/r",
            "https://github.com/o/r.git",
            "ssh://h/x",
        ] {
            check(vcs, "VersionControl");
        }
        check("https://h/x.tgz", "Url");
        check("https://github.com/o/r/archive/main.tar.gz", "Url");
        for path in [
            "file:../x",
            "link:x",
            "portal:x",
            "workspace:*",
            "workspace:^",
            "./x",
            "../x",
            "/x",
            "~/x",
            "x.tgz",
            "a/b/c",
            "C:\\x",
        ] {
            check(path, "Path");
        }
        check("jsr:@std/x", "OtherIndex");
        check("catalog:", "Unparsable");
        check("latest", "FloatingTag");
        check("*", "Wildcard");
    }
}
