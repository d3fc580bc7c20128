//! Ecosystems, package names and exact package ids.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where packages come from. The public API calls it `registrySource`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Ecosystem {
    /// The Python Package Index.
    Pypi,
    /// The public npm registry.
    Npm,
}

impl Ecosystem {
    /// The word used in the API, in ids and in purls.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pypi => "pypi",
            Self::Npm => "npm",
        }
    }

    /// The name people know it by.
    pub fn title(self) -> &'static str {
        match self {
            Self::Pypi => "PyPI",
            Self::Npm => "npm",
        }
    }
}

impl fmt::Display for Ecosystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Ecosystem {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match text {
            "pypi" => Ok(Self::Pypi),
            "npm" => Ok(Self::Npm),
            other => Err(NameError::Ecosystem(crate::printable(other, 40))),
        }
    }
}

/// Why a text is not a package name, version or id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Neither `pypi` nor `npm`.
    #[error("got ecosystem `{0}`, expected `pypi` or `npm`")]
    Ecosystem(String),
    /// Not a valid PyPI project name (PEP 508).
    #[error(
        "got `{0}`, expected a PyPI name: letters, digits, `.`, `-`, `_`, beginning and ending with a letter or digit"
    )]
    PypiName(String),
    /// Not a valid npm package name.
    #[error("got `{0}`, expected an npm name: at most 214 URL-safe characters, `name` or `@scope/name`")]
    NpmName(String),
    /// Not an exact version.
    #[error("got version `{0}`, expected an exact version such as 2.31.0")]
    Version(String),
    /// Not of the form `ecosystem:name@version`.
    #[error("got `{0}`, expected a package such as pypi:requests@2.31.0 or npm:@scope/name@1.0.0")]
    Id(String),
}

/// A package name within its ecosystem, in the form in which the ecosystem compares names:
/// PyPI names are normalised (PEP 503), npm names are kept as they are (they are case-sensitive).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PackageName {
    ecosystem: Ecosystem,
    name: String,
}

impl PackageName {
    /// Checks and normalises a name.
    pub fn new(ecosystem: Ecosystem, raw: &str) -> Result<Self, NameError> {
        let name = match ecosystem {
            Ecosystem::Pypi => normalise_pypi(raw).ok_or_else(|| NameError::PypiName(crate::printable(raw, 80)))?,
            Ecosystem::Npm if npm_name_is_valid(raw) => raw.to_owned(),
            Ecosystem::Npm => return Err(NameError::NpmName(crate::printable(raw, 80))),
        };
        Ok(Self { ecosystem, name })
    }

    /// The ecosystem the name belongs to.
    pub fn ecosystem(&self) -> Ecosystem {
        self.ecosystem
    }

    /// The normalised name.
    pub fn as_str(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for PackageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// PEP 503: runs of `-`, `_`, `.` become one `-`, letters become lower case.
fn normalise_pypi(raw: &str) -> Option<String> {
    let bytes = raw.as_bytes();
    let (first, last) = (bytes.first()?, bytes.last()?);
    if raw.len() > 214 || !first.is_ascii_alphanumeric() || !last.is_ascii_alphanumeric() {
        return None;
    }
    let mut name = String::with_capacity(raw.len());
    for &byte in bytes {
        match byte {
            b'-' | b'_' | b'.' if name.ends_with('-') => {}
            b'-' | b'_' | b'.' => name.push('-'),
            byte if byte.is_ascii_alphanumeric() => name.push(byte.to_ascii_lowercase() as char),
            _ => return None,
        }
    }
    Some(name)
}

/// npm's own rule for names that may already exist (validate-npm-package-name, "valid for old packages").
fn npm_name_is_valid(raw: &str) -> bool {
    // Legacy names hold `~`, `!`, `'`, `(`, `)` and `*`, which encodeURIComponent leaves alone.
    let part = |text: &str| {
        !text.is_empty()
            && !text.starts_with('.')
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~!'()*".contains(&b))
    };
    if raw.len() > 214 {
        return false;
    }
    match raw.strip_prefix('@') {
        Some(scoped) => scoped.split_once('/').is_some_and(|(scope, name)| part(scope) && part(name)),
        None => part(raw) && !raw.starts_with('_') && raw != "node_modules" && raw != "favicon.ico",
    }
}

/// One exact package version, for example `pypi:requests@2.31.0`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PackageId {
    name: PackageName,
    version: String,
}

impl PackageId {
    /// Checks the version's characters and length; whether it exists is for the ecosystem to say.
    pub fn new(name: PackageName, version: &str) -> Result<Self, NameError> {
        let valid = !version.is_empty()
            && version.len() <= 256
            && version.starts_with(|c: char| c.is_ascii_alphanumeric())
            && version.bytes().all(|b| b.is_ascii_alphanumeric() || b".+-_!".contains(&b));
        if !valid {
            return Err(NameError::Version(crate::printable(version, 80)));
        }
        Ok(Self { name, version: version.to_owned() })
    }

    /// The ecosystem the package lives in.
    pub fn ecosystem(&self) -> Ecosystem {
        self.name.ecosystem
    }

    /// The package's name.
    pub fn name(&self) -> &PackageName {
        &self.name
    }

    /// The exact version, as the ecosystem spells it.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The package URL (purl-spec, types `pypi` and `npm`).
    pub fn purl(&self) -> String {
        let name = self.name.as_str().replace('@', "%40");
        let version = self.version.replace('+', "%2B").replace('!', "%21");
        format!("pkg:{}/{name}@{version}", self.ecosystem())
    }
}

impl fmt::Display for PackageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}@{}", self.ecosystem(), self.name, self.version)
    }
}

impl FromStr for PackageId {
    type Err = NameError;

    /// Reads `pypi:requests@2.31.0`, `npm:@scope/name@1.0.0` (also with `==` for PyPI).
    fn from_str(text: &str) -> Result<Self, NameError> {
        let wrong = || NameError::Id(crate::printable(text, 120));
        let (ecosystem, rest) = text.split_once(':').ok_or_else(wrong)?;
        let ecosystem = Ecosystem::from_str(ecosystem)?;
        let at = rest.rfind('@').filter(|&at| at > 0);
        let (name, version) = match at {
            Some(at) => (&rest[..at], &rest[at + 1..]),
            None => rest.split_once("==").ok_or_else(wrong)?,
        };
        Self::new(PackageName::new(ecosystem, name)?, version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> Result<String, String> {
        PackageId::from_str(text).map(|id| format!("{id} {}", id.purl())).map_err(|error| error.to_string())
    }

    #[test]
    fn ids_are_normalised_and_checked() {
        assert_eq!(
            id("pypi:Zope._Interface@5.0").as_deref(),
            Ok("pypi:zope-interface@5.0 pkg:pypi/zope-interface@5.0")
        );
        assert_eq!(id("npm:@babel/core@7.1.0").as_deref(), Ok("npm:@babel/core@7.1.0 pkg:npm/%40babel/core@7.1.0"));
        assert_eq!(id("npm:JSONStream@1.3.5").as_deref(), Ok("npm:JSONStream@1.3.5 pkg:npm/JSONStream@1.3.5"));
        assert_eq!(id("pypi:torch==2.0.0+cpu").as_deref(), Ok("pypi:torch@2.0.0+cpu pkg:pypi/torch@2.0.0%2Bcpu"));
        for wrong in [
            "requests@1.0",
            "pypi:requests",
            "npm:@babel/core",
            "pypi:-x@1",
            "npm:../etc@1.0.0",
            "npm:@a/../b@1.0.0",
            "pypi:x@../1",
            "cargo:serde@1.0.0",
            "npm:x@",
        ] {
            assert!(id(wrong).is_err(), "{wrong} was accepted");
        }
    }
}
