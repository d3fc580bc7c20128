//! Which package a file claims to be, from its name, and which kind of distribution it is.

use std::io::{self, Read, Seek};
use std::path::Path;

use sigma_core::{DistributionKind, Ecosystem, PackageId, PackageName, printable};

/// A file name that does not say which package it holds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}: expected an archive named <name>-<version> and .whl, .tar.gz, .zip, .tar.bz2, .tar.xz or .tgz")]
pub struct IdentityError(String);

/// What a file claims to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The package, by the file's name.
    pub package: PackageId,
    /// What kind of distribution it is.
    pub kind: DistributionKind,
}

/// Endings of archives, and what they are when nothing else tells.
const ENDINGS: [(&str, DistributionKind); 8] = [
    (".whl", DistributionKind::Wheel),
    (".tar.gz", DistributionKind::Sdist),
    (".tar.bz2", DistributionKind::Sdist),
    (".tar.xz", DistributionKind::Sdist),
    (".tar", DistributionKind::Sdist),
    (".zip", DistributionKind::Sdist),
    (".egg", DistributionKind::Wheel),
    (".tgz", DistributionKind::NpmTarball),
];

/// Tells what the file at `path` claims to be. The bytes decide between a wheel and an sdist where the name is wrong.
///
/// # Errors
/// When the file cannot be read; the inner error when its name tells nothing.
pub fn identify<R: Read + Seek>(path: &Path, file: &mut R) -> io::Result<Result<Identity, IdentityError>> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let unknown = || IdentityError(printable(&name, 200));
    let lower = name.to_ascii_lowercase();
    let Some((ending, kind)) = ENDINGS.iter().find(|(ending, _)| lower.ends_with(ending)) else {
        return Ok(Err(unknown()));
    };
    let kind = match kind {
        DistributionKind::NpmTarball => DistributionKind::NpmTarball,
        other => by_content(file)?.unwrap_or(*other),
    };
    let ecosystem = match kind {
        DistributionKind::NpmTarball => Ecosystem::Npm,
        DistributionKind::Wheel | DistributionKind::Sdist => Ecosystem::Pypi,
    };
    let stem = &name[..name.len() - ending.len()];
    let package = split(stem, kind).and_then(|(name, version)| {
        let name = PackageName::new(ecosystem, &name.replacen("__", "/", usize::from(name.starts_with('@')))).ok()?;
        PackageId::new(name, version).ok()
    });
    Ok(package.map(|package| Identity { package, kind }).ok_or_else(unknown))
}

/// A wheel is a zip with a `.dist-info` folder; anything else is judged by its name.
fn by_content<R: Read + Seek>(file: &mut R) -> io::Result<Option<DistributionKind>> {
    file.rewind()?;
    let mut head = [0; 4];
    let zip = file.read(&mut head)? == 4 && head == *b"PK\x03\x04";
    if !zip {
        file.rewind()?;
        return Ok(None);
    }
    // The names in a zip's directory stand at its end, and a wheel keeps its metadata there (PEP 427).
    let length = file.seek(io::SeekFrom::End(0))?;
    file.seek(io::SeekFrom::Start(length.saturating_sub(1 << 20)))?;
    let mut tail = Vec::new();
    file.take(1 << 20).read_to_end(&mut tail)?;
    file.rewind()?;
    let wheel = memchr::memmem::rfind(&tail, b".dist-info/").is_some();
    Ok(Some(if wheel { DistributionKind::Wheel } else { DistributionKind::Sdist }))
}

/// Name and version. A wheel's parts have no hyphens (PEP 427); an npm version begins with three numbers, and may have
/// hyphens; an sdist's version follows the last hyphen (PEP 625), or for old ones the last one before a digit.
fn split(stem: &str, kind: DistributionKind) -> Option<(&str, &str)> {
    if kind == DistributionKind::Wheel {
        let mut parts = stem.splitn(3, '-');
        return Some((parts.next()?, parts.next()?));
    }
    let hyphens = || stem.match_indices('-').map(|(at, _)| at);
    let numbers = |at: &usize| {
        let rest = stem[at + 1..].split(['-', '+']).next().unwrap_or_default();
        let mut parts = rest.split('.');
        parts.clone().count() == 3 && parts.all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
    };
    let digit = |at: &usize| stem[at + 1..].trim_start_matches(['v', 'V']).starts_with(|c: char| c.is_ascii_digit());
    let at = match kind {
        DistributionKind::NpmTarball => hyphens().find(numbers),
        DistributionKind::Wheel | DistributionKind::Sdist => hyphens().rfind(digit),
    };
    let at = at.or_else(|| stem.rfind('-'))?;
    Some((&stem[..at], &stem[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, expect: &str) {
        let identity = identify(Path::new(name), &mut io::Cursor::new(b"")).unwrap();
        let got = identity.map_or_else(|_| "-".to_owned(), |found| format!("{} {:?}", found.package, found.kind));
        assert_eq!(got, expect, "{name}");
    }

    #[test]
    fn names_tell_packages() {
        check("Flask-3.0.3.tar.gz", "pypi:flask@3.0.3 Sdist");
        check("a_b-1.0-py3-none-any.whl", "pypi:a-b@1.0 Wheel");
        check("left-pad-1.3.0.tgz", "npm:left-pad@1.3.0 NpmTarball");
        check("@scope__name-1.0.0-beta.1.tgz", "npm:@scope/name@1.0.0-beta.1 NpmTarball");
        check("py-2048-1.0.zip", "pypi:py-2048@1.0 Sdist");
        check("readme.txt", "-");
        check("noversion.whl", "-");
    }
}
