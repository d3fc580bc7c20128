//! Package URLs (purl-spec, types `pypi` and `npm`).
//!
//! The `packageurl` crate lower-cases npm names, as the specification says for new ones; but `JSONStream` and `jsonstream` are two
//! packages, and one's certificate must not be taken for the other's. So these few lines are ours.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use sigma_core::{Ecosystem, PackageId, PackageName, printable};

/// Bytes of a package URL: a name has at most 214 characters and a version 256, some of them percent-encoded.
const MAX_PURL: usize = 1500;

/// The exact package of a package URL (`pkg:pypi/name@v`, `pkg:npm/%40scope/name@v`).
pub(crate) fn package_of(purl: &str) -> Result<PackageId, String> {
    let (name, version) = parts_of(purl)?;
    let version = version.ok_or("expected a package URL with a version")?;
    PackageId::new(name, &version).map_err(|error| error.to_string())
}

/// The name of a package URL, and its version where it has one. Qualifiers and a subpath name no other package.
pub(crate) fn parts_of(purl: &str) -> Result<(PackageName, Option<String>), String> {
    if purl.len() > MAX_PURL {
        return Err(format!("got {} bytes, expected a package URL of at most {MAX_PURL}", purl.len()));
    }
    let wrong = || format!("got `{}`, expected a package URL such as pkg:pypi/requests@2.31.0", printable(purl, 120));
    let (kind, path) = split(purl).ok_or_else(wrong)?;
    let ecosystem: Ecosystem = kind.to_ascii_lowercase().parse().map_err(|error| format!("{error}"))?;
    let path = path.split(['?', '#']).next().unwrap_or_default().trim_matches('/');
    // A scope's own `@` begins a segment; the one before the version does not.
    let at = path.rfind('@').filter(|&at| at > 0 && path.as_bytes()[at - 1] != b'/');
    let (name, version) = at.map_or((path, None), |at| (&path[..at], Some(&path[at + 1..])));
    let decode = |text| percent_decode_str(text).decode_utf8().map(Cow::into_owned).map_err(|_| wrong());
    // Segments are decoded one by one, so that an encoded slash never makes a new one.
    let segments: Vec<String> = name.split('/').map(decode).collect::<Result<_, _>>()?;
    if segments.len() > 2 || segments.iter().any(|segment| segment.contains('/')) {
        return Err(wrong());
    }
    let name = PackageName::new(ecosystem, &segments.join("/")).map_err(|error| error.to_string())?;
    Ok((name, version.map(decode).transpose()?))
}

/// Whether it is a package URL of another type than ours.
pub(crate) fn foreign(purl: &str) -> bool {
    split(purl).is_some_and(|(kind, _)| !kind.is_empty() && kind.to_ascii_lowercase().parse::<Ecosystem>().is_err())
}

fn split(purl: &str) -> Option<(&str, &str)> {
    purl.strip_prefix("pkg:")?.trim_start_matches('/').split_once('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_urls_lead_to_exact_packages() {
        let check = |purl: &str, expect: Option<&str>| {
            assert_eq!(package_of(purl).ok().map(|package| package.to_string()).as_deref(), expect, "{purl}");
        };
        check("pkg:pypi/requests@2.31.0", Some("pypi:requests@2.31.0"));
        check("pkg:pypi/Zope.Interface@5.0", Some("pypi:zope-interface@5.0"));
        check("pkg:npm/%40babel/core@7.24.0", Some("npm:@babel/core@7.24.0"));
        check("pkg:npm/@babel/core@7.24.0", Some("npm:@babel/core@7.24.0"));
        check("pkg:npm/JSONStream@1.3.5?arch=x#lib", Some("npm:JSONStream@1.3.5"));
        check("pkg:pypi/torch@2.0.0%2Bcpu", Some("pypi:torch@2.0.0+cpu"));
        check("pkg:pypi/requests", None);
        check("pkg:npm/@babel/core", None);
        check("pkg:cargo/serde@1.0.0", None);
        check("pkg:npm/%40babel%2Fcore@7.24.0", None);
        check("pkg:npm/..%2F..%2Fetc@1", None);
        check("pkg:npm/%FF@1", None);
        check("pkg:npm/a/b/c@1", None);
        check("requests@2.31.0", None);
        check("", None);
        assert!(foreign("pkg:cargo/serde@1.0.0") && !foreign("pkg:npm/x") && !foreign("x"));
    }

    #[test]
    fn what_core_writes_is_read_back() {
        for text in ["pypi:requests@2.31.0", "npm:@babel/core@7.24.0", "pypi:torch@1!2.0.0+cpu", "npm:JSONStream@1.3.5"]
        {
            let package: PackageId = text.parse().unwrap();
            assert_eq!(package_of(&package.purl()), Ok(package));
        }
    }
}
