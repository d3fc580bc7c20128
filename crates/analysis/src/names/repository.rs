//! Whose source repository an address is.
//!
//! In: an address as metadata has it. Out: the well-known project that lives there. The table is data:
//! `repositories.txt`.

use std::collections::HashMap;
use std::sync::LazyLock;

use sigma_core::Ecosystem;

/// A well-known project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Project {
    /// Its package.
    pub package: &'static str,
    /// Where that package is published.
    pub ecosystem: Ecosystem,
    /// Its repository, `owner/name`.
    pub repository: &'static str,
}

impl Project {
    /// True when a package of this name can be part of the project: it shares a word with the project's package or
    /// repository, as the packages of one repository do.
    pub fn may_hold(&self, name: &str) -> bool {
        let words = |text: &str| {
            let words = text.to_ascii_lowercase();
            let words = words.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| word.len() > 1);
            words.map(str::to_owned).collect::<Vec<_>>()
        };
        let own = [words(self.package), words(self.repository)].concat();
        words(name).iter().any(|word| own.contains(word))
    }
}

/// The project whose repository `url` is.
pub(crate) fn project_of(url: &str) -> Option<Project> {
    let lower = url.get(..url.len().min(300)).unwrap_or_default().to_ascii_lowercase();
    // `git+https://github.com/o/n.git`, `git@github.com:o/n.git`, `github:o/n`, and npm's bare `o/n`.
    let path = match lower.split_once("github.com").or_else(|| lower.split_once("github:")) {
        Some((_, path)) => path.trim_start_matches([':', '/']),
        None if !lower.contains(':') && lower.matches('/').count() == 1 => lower.as_str(),
        None => return None,
    };
    let mut parts = path.split(['/', '#', '?']);
    let (owner, name) = (parts.next()?, parts.next()?);
    let name = name.strip_suffix(".git").unwrap_or(name);
    TABLE.get(format!("{owner}/{name}").as_str()).copied()
}

static TABLE: LazyLock<HashMap<&'static str, Project>> =
    LazyLock::new(|| lines().filter_map(Result::ok).map(|project| (project.repository, project)).collect());

/// The lines of the table, or the one that is not understood.
fn lines() -> impl Iterator<Item = Result<Project, &'static str>> {
    let text = include_str!("repositories.txt").lines();
    text.filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| {
        let mut words = line.split(' ');
        let (word, package, repository) = (words.next(), words.next().ok_or(line)?, words.next().ok_or(line)?);
        let ecosystem = match word {
            Some("pypi") => Ecosystem::Pypi,
            Some("npm") => Ecosystem::Npm,
            _ => return Err(line),
        };
        Ok(Project { package, ecosystem, repository })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_understood() {
        assert_eq!(lines().find_map(Result::err), None);
        assert!(lines().filter_map(Result::ok).all(|project| project.may_hold(project.package)));
        assert_eq!(TABLE.len(), lines().count(), "a repository stands twice");
    }

    #[test]
    fn addresses_are_understood_as_metadata_writes_them() {
        let of = |url| project_of(url).map(|project| project.package);
        assert_eq!(of("https://github.com/psf/requests"), Some("requests"));
        assert_eq!(of("git+https://GitHub.com/psf/requests.git#readme"), Some("requests"));
        assert_eq!(of("git@github.com:lodash/lodash.git"), Some("lodash"));
        assert_eq!(of("github:lodash/lodash"), Some("lodash"));
        assert_eq!(of("lodash/lodash"), Some("lodash"));
        assert_eq!(of("https://github.com/someone/requests"), None);
        assert_eq!(of("https://example.org/psf/requests"), None);
        assert_eq!(of("https://github.com/"), None);
    }

    #[test]
    fn a_repository_may_hold_many_packages() {
        let react = project_of("facebook/react").unwrap();
        assert!(react.may_hold("react-dom") && react.may_hold("eslint-plugin-react-hooks"));
        assert!(!react.may_hold("left-pad"));
    }
}
