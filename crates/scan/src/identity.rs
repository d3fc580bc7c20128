//! Which package a file on this disk is perhaps, and which kind of distribution it is.
//!
//! In: its path and its first bytes. Out: a guess that always names something: what an archive says of itself comes first
//! ([`sigma_analysis::Named::Perhaps`]), since a file can be called anything.

use std::io::{self, Read, Seek};
use std::path::Path;

use sigma_core::{DistributionKind, Ecosystem, NameError, PackageId, PackageName, printable};

/// A file that is no distribution of any ecosystem.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}: expected a wheel, an sdist or an npm tarball: a .whl, .tar.gz, .zip, .tar.bz2, .tar.xz or .tgz")]
pub struct IdentityError(String);

/// What a file is perhaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The package, by the file's name. One without a version, or without a name of its ecosystem, is 0.0.0 or `archive`.
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

/// Bytes at the end of a zip in which the names of its members are looked for.
const DIRECTORY: u64 = 1 << 20;

/// Tells what the file at `path` is perhaps. Its bytes decide where they tell the kind, its name where they do not.
///
/// # Errors
/// When the file cannot be read; the inner error when neither its bytes nor its name are those of a distribution.
pub fn identify<R: Read + Seek>(path: &Path, file: &mut R) -> io::Result<Result<Identity, IdentityError>> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let lower = name.to_ascii_lowercase();
    let named = ENDINGS.iter().find(|(ending, _)| lower.ends_with(ending));
    let kind = match (named, by_content(file)?) {
        (Some((".tgz", kind)), _) | (Some((_, kind)), None) => *kind,
        (_, Some(kind)) => kind,
        (None, None) => return Ok(Err(IdentityError(printable(&name, 200)))),
    };
    let ecosystem = kind.ecosystem();
    let stem = &name[..name.len() - named.map_or(0, |(ending, _)| ending.len())];
    let split = split(stem, kind).and_then(|(name, version)| id(ecosystem, name, version).ok());
    let whole = split.map_or_else(|| id(ecosystem, stem, "0.0.0"), Ok);
    let package = whole.or_else(|_| id(ecosystem, "archive", "0.0.0"));
    Ok(package.map(|package| Identity { package, kind }).map_err(|_| IdentityError(printable(&name, 200))))
}

fn id(ecosystem: Ecosystem, name: &str, version: &str) -> Result<PackageId, NameError> {
    // A scope's slash cannot stand in a file's name.
    let name = PackageName::new(ecosystem, &name.replacen("__", "/", usize::from(name.starts_with('@'))))?;
    PackageId::new(name, version)
}

/// A wheel is a zip with a `.dist-info` folder (PEP 427); an npm package lies in `package/`, which no sdist does (PEP 625).
/// Nothing for other files.
fn by_content<R: Read + Seek>(file: &mut R) -> io::Result<Option<DistributionKind>> {
    file.rewind()?;
    let mut head = Vec::new();
    file.by_ref().take(64 << 10).read_to_end(&mut head)?;
    let kind = match head.as_slice() {
        [b'P', b'K', 3, 4, ..] => {
            // The names in a zip's directory stand at its end, and a wheel keeps its metadata there.
            let length = file.seek(io::SeekFrom::End(0))?;
            file.seek(io::SeekFrom::Start(length.saturating_sub(DIRECTORY)))?;
            let mut tail = Vec::new();
            file.by_ref().take(DIRECTORY).read_to_end(&mut tail)?;
            let has = |needle: &[u8]| memchr::memmem::rfind(&tail, needle).is_some();
            Some(match () {
                () if has(b".dist-info/") => DistributionKind::Wheel,
                () if has(b"package/package.json") => DistributionKind::NpmTarball,
                () => DistributionKind::Sdist,
            })
        }
        [0x1f, 0x8b, ..] => {
            // The first header of a tar begins with its member's path. What is damaged is the engine's to tell.
            let mut path = [0; 8];
            let npm =
                flate2::read::MultiGzDecoder::new(&head[..]).read_exact(&mut path).is_ok() && path == *b"package/";
            Some(if npm { DistributionKind::NpmTarball } else { DistributionKind::Sdist })
        }
        [b'B', b'Z', b'h', ..] | [0xfd, b'7', b'z', b'X', b'Z', ..] => Some(DistributionKind::Sdist),
        _ => None,
    };
    file.rewind()?;
    Ok(kind)
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
    use std::io::Write;

    use super::*;

    fn check_bytes(name: &str, bytes: &[u8], expect: &str) {
        let identity = identify(Path::new(name), &mut io::Cursor::new(bytes)).unwrap();
        let got = identity.map_or_else(|_| "-".to_owned(), |found| format!("{} {:?}", found.package, found.kind));
        assert_eq!(got, expect, "{name}");
    }

    #[test]
    fn names_tell_packages() {
        let check = |name, expect| check_bytes(name, b"", expect);
        check("Flask-3.0.3.tar.gz", "pypi:flask@3.0.3 Sdist");
        check("a_b-1.0-py3-none-any.whl", "pypi:a-b@1.0 Wheel");
        check("left-pad-1.3.0.tgz", "npm:left-pad@1.3.0 NpmTarball");
        check("@scope__name-1.0.0-beta.1.tgz", "npm:@scope/name@1.0.0-beta.1 NpmTarball");
        check("py-2048-1.0.zip", "pypi:py-2048@1.0 Sdist");
        check("readme.txt", "-");
        check("noversion.whl", "pypi:noversion@0.0.0 Wheel");
        check("what is this?.tgz", "npm:archive@0.0.0 NpmTarball");
    }

    #[test]
    fn bytes_tell_kinds() {
        let zipped = |text: &str| {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(text.as_bytes()).unwrap();
            encoder.finish().unwrap()
        };
        let check = |name, bytes: &[u8], expect| check_bytes(name, bytes, expect);
        check("a-1.0.0.tar.gz", &zipped("package/index.js"), "npm:a@1.0.0 NpmTarball");
        check("a-1.0.0.tar.gz", &zipped("a-1.0.0/setup.py"), "pypi:a@1.0.0 Sdist");
        check("a-1.0.0.tgz", &zipped("node/index.d.ts"), "npm:a@1.0.0 NpmTarball");
        check("0a1b", &zipped("package/index.js"), "npm:0a1b@0.0.0 NpmTarball");
        check("0a1b.bin", b"PK\x03\x04 a-1.dist-info/METADATA", "pypi:0a1b-bin@0.0.0 Wheel");
        check("a-1.0.0.zip", b"PK\x03\x04 package/package.json", "npm:a@1.0.0 NpmTarball");
        check("a-1.0.0.zip", b"PK\x03\x04 a-1.0.0/setup.py", "pypi:a@1.0.0 Sdist");
        check("a", b"BZh9", "pypi:a@0.0.0 Sdist");
    }
}
