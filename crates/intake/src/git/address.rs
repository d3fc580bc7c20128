//! The address of a repository and the name of a branch, tag or commit, as a submitter writes them.
//!
//! In: two texts. Out: an address on an allowed host in one spelling, and a reference that git could have made. Neither is
//! ever handed to a shell, a configuration or a file name.

use gix_hash::ObjectId;
use sigma_core::printable;
use url::{Host, Url};

use super::RepositoryError;
use crate::config::RepositoryConfig;

/// A repository on an allowed host, in one spelling: lower-case host, no `.git`, nothing after the name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryAddress {
    /// `https://host/owner/name`.
    url: Url,
}

impl RepositoryAddress {
    /// Reads `https://HOST/OWNER/NAME`, with or without `.git`. The case of owner and name stays: not every host ignores it.
    pub fn parse(config: &RepositoryConfig, text: &str) -> Result<Self, RepositoryError> {
        let wrong = |expected: &'static str| RepositoryError::Address { got: printable(text, 200), expected };
        if text.len() > 500 || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(wrong("an address of at most 500 characters without spaces"));
        }
        let mut url = Url::parse(text).map_err(|_| wrong("https://HOST/OWNER/NAME"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(RepositoryError::Credentials);
        }
        let host = url.host_str().ok_or(wrong("a host"))?;
        let place = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        if !config.hosts.contains(&place) {
            return Err(RepositoryError::Host { got: printable(&place, 200), expected: config.hosts.join(", ") });
        }
        let plain = url.scheme() == "http" && config.allow_loopback && is_loopback(&url);
        if url.scheme() != "https" && !plain {
            return Err(wrong("https"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("no query and no fragment"));
        }
        let path = url.path().trim_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path);
        let (owner, name) = path.split_once('/').ok_or(wrong("an owner and a name"))?;
        let fine = |part: &str| {
            (1..=100).contains(&part.len())
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
                && !matches!(part, "." | "..")
                && !part.starts_with('-')
        };
        if !fine(owner) || !fine(name) {
            return Err(wrong("OWNER/NAME of letters, digits, `.`, `_` and `-`, and nothing after it"));
        }
        let path = format!("/{owner}/{name}");
        url.set_path(&path);
        Ok(Self { url })
    }

    /// The host.
    pub(crate) fn host(&self) -> Host<&str> {
        self.url.host().unwrap_or(Host::Domain(""))
    }

    /// The port.
    pub(crate) fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or(443)
    }

    /// Where git is spoken. Some hosts redirect from the name without `.git`, none from the name with it.
    pub(crate) fn remote(&self) -> String {
        format!("{}.git", self.url)
    }
}

impl std::fmt::Display for RepositoryAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.url.as_str())
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        _ => false,
    }
}

/// What a submitter wants: one commit, or whatever a name stands for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reference {
    Commit(ObjectId),
    /// Full names of which at most one may exist.
    Named(Vec<String>),
}

impl Reference {
    /// Reads 40 or 64 hexadecimal digits, a full name (`refs/heads/x`, `refs/tags/x`), `HEAD`, or a short name, which may be
    /// that of a branch or of a tag.
    pub(crate) fn parse(text: &str) -> Result<Self, RepositoryError> {
        let shown = printable(text, 100);
        if matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let id = ObjectId::from_hex(text.to_ascii_lowercase().as_bytes());
            return id.map(Self::Commit).map_err(|_| RepositoryError::Reference { got: shown });
        }
        let valid = text.len() <= 255
            && !text.starts_with('-')
            && printable(text, usize::MAX) == text
            && gix_validate::reference::name_partial(text.into()).is_ok();
        match text {
            _ if !valid => Err(RepositoryError::Reference { got: shown }),
            "HEAD" => Ok(Self::Named(vec![text.to_owned()])),
            _ if text.starts_with("refs/heads/") || text.starts_with("refs/tags/") => {
                Ok(Self::Named(vec![text.to_owned()]))
            }
            _ => Ok(Self::Named(vec![format!("refs/heads/{text}"), format!("refs/tags/{text}")])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Result<String, String> {
        let config = RepositoryConfig {
            hosts: vec!["github.com".to_owned(), "git.example.org:8443".to_owned(), "127.0.0.1:5000".to_owned()],
            allow_loopback: true,
            ..RepositoryConfig::default()
        };
        RepositoryAddress::parse(&config, text).map(|address| address.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn one_spelling() {
        for text in
            ["https://github.com/Owner/name", "https://GitHub.com/Owner/name.git", "https://github.com:443/Owner/name/"]
        {
            assert_eq!(address(text).unwrap(), "https://github.com/Owner/name", "{text}");
        }
        assert_eq!(address("https://github.com/o/.github").unwrap(), "https://github.com/o/.github");
        assert_eq!(address("https://git.example.org:8443/o/n").unwrap(), "https://git.example.org:8443/o/n");
        assert_eq!(address("http://127.0.0.1:5000/o/n").unwrap(), "http://127.0.0.1:5000/o/n");
    }

    #[test]
    fn everything_else_is_refused() {
        insta::assert_snapshot!(
            [
                "http://github.com/o/n",
                "ssh://git@github.com/o/n",
                "git@github.com:o/n",
                "file:///etc/passwd",
                "https://user:secret@github.com/o/n",
                "https://token@github.com/o/n",
                "https://github.com.evil.example/o/n",
                "https://github.com@evil.example/o/n",
                "https://github.com:8080/o/n",
                "https://github.com./o/n",
                "https://169.254.169.254/o/n",
                "https://2130706433/o/n",
                "http://127.0.0.1:5001/o/n",
                "https://git.example.org/o/n",
                "https://github.com/o",
                "https://github.com/o/n/tree/main",
                "https://github.com/o/%2e%2e",
                "https://github.com/../../n",
                "https://github.com/-o/n",
                "https://github.com/o/n?x=1",
                "https://github.com/o/n#main",
                "https://github.com/o/n\n",
                "",
            ]
            .map(|text| format!("{}: {}", text.escape_debug(), address(text).unwrap_err()))
            .join("\n")
        );
    }

    #[test]
    fn references() {
        let named = |names: &[&str]| Ok(Reference::Named(names.iter().map(|name| (*name).to_owned()).collect()));
        let parse = |text: &str| Reference::parse(text).map_err(|error| error.to_string());
        assert_eq!(parse("main"), named(&["refs/heads/main", "refs/tags/main"]));
        assert_eq!(parse("refs/tags/v1"), named(&["refs/tags/v1"]));
        assert_eq!(parse("HEAD"), named(&["HEAD"]));
        assert_eq!(parse("feature/ü"), named(&["refs/heads/feature/ü", "refs/tags/feature/ü"]));
        assert!(matches!(parse(&"A".repeat(40)), Ok(Reference::Commit(_))));
        assert!(matches!(parse(&"a".repeat(64)), Ok(Reference::Commit(_))));
        for text in
            ["", "-x", "--upload-pack=x", "a..b", "a b", "a\nb", "x~1", "x^", "a:b", "*", "@{1}", "/x", "x/", "x.lock"]
        {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
