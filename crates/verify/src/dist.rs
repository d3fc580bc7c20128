//! An installed distribution: what its `*.dist-info` says, and where the files of a wheel go.

use std::collections::HashSet;

use sigma_core::{Ecosystem, PackageId, PackageName};

use crate::record::{self, Line};
use crate::tree::Tree;
use crate::wanted::Wanted;

/// Bytes of METADATA, WHEEL and entry_points.txt that are read.
pub(crate) const MAX_METADATA: u64 = 4 << 20;
/// Bytes of a RECORD.
const MAX_RECORD: u64 = 64 << 20;
/// What installers leave in `*.dist-info` (PEP 376, 610, 710; uv): data about the installation, never code.
pub(crate) const NOTES: [&str; 8] = [
    "INSTALLER",
    "RECORD",
    "REQUESTED",
    "direct_url.json",
    "provenance_url.json",
    "uv_build.json",
    "uv_cache.json",
    "uv_provenance.json",
];

/// An installed distribution.
#[derive(Debug)]
pub(crate) struct Dist {
    pub wanted: Wanted,
    /// `demo-1.0.dist-info`.
    pub folder: String,
    /// Its RECORD, where there is one that can be read.
    pub lines: Option<Vec<Line>>,
    /// The tags of its WHEEL.
    pub tags: HashSet<String>,
    pub editable: bool,
}

/// Where a file of a wheel goes.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    Site(String),
    Script(String),
    /// Below the prefix, wherever RECORD says.
    Elsewhere(String),
}

/// Reads a `*.dist-info`.
pub(crate) fn dist(tree: &Tree, folder: &str) -> Result<Dist, String> {
    let text = |name: &str, most: u64| {
        let bytes = tree.bytes(&format!("{folder}/{name}"), most)?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    };
    let metadata = text("METADATA", MAX_METADATA).ok_or("it has no METADATA that can be read")?;
    let (name, version) = (header(&metadata, "Name"), header(&metadata, "Version"));
    let (name, version) = name.zip(version).ok_or("its METADATA names no package")?;
    let package = PackageName::new(Ecosystem::Pypi, name).and_then(|name| PackageId::new(name, version));
    let package = package.map_err(|error| error.to_string())?;
    let wheel = text("WHEEL", MAX_METADATA).unwrap_or_default();
    let tags = wheel.lines().filter_map(|line| line.strip_prefix("Tag:")).map(|tag| tag.trim().to_owned()).collect();
    let lines = text("RECORD", MAX_RECORD).and_then(|text| record::parse(&text));
    let origin = text("direct_url.json", MAX_METADATA).unwrap_or_default();
    let origin: serde_json::Value = serde_json::from_str(&origin).unwrap_or_default();
    let editable = origin.pointer("/dir_info/editable").and_then(serde_json::Value::as_bool) == Some(true);
    let wanted = Wanted::installed(package, folder, Vec::new());
    Ok(Dist { wanted, folder: folder.to_owned(), lines, tags, editable })
}

/// The first header of a name, before the description begins.
fn header<'t>(metadata: &'t str, name: &str) -> Option<&'t str> {
    let headers = metadata.lines().take_while(|line| !line.is_empty());
    let found = headers.filter_map(|line| line.split_once(':')).find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.trim())
}

/// Where a wheel's file goes (binary distribution format, "The .data directory").
pub(crate) fn place_of(path: &str) -> Option<Place> {
    let path = path.strip_prefix("./").unwrap_or(path);
    let Some((data, rest)) = path.split_once('/').filter(|(data, _)| data.ends_with(".data")) else {
        return Some(Place::Site(path.to_owned()));
    };
    let (scheme, rest) = rest.split_once('/').unwrap_or((data, rest));
    Some(match scheme {
        "purelib" | "platlib" => Place::Site(rest.to_owned()),
        "scripts" => Place::Script(rest.to_owned()),
        _ => Place::Elsewhere(rest.to_owned()),
    })
}

/// Whether a wheel of this name has one of these tags (PEP 425, compressed tag sets).
pub(crate) fn fits(filename: &str, tags: &HashSet<String>) -> bool {
    let stem = filename.strip_suffix(".whl").unwrap_or(filename);
    let parts: Vec<&str> = stem.rsplitn(4, '-').collect();
    let [platforms, abis, pythons, _] = parts[..] else { return false };
    pythons.split('.').any(|python| {
        abis.split('.')
            .any(|abi| platforms.split('.').any(|platform| tags.contains(&format!("{python}-{abi}-{platform}"))))
    })
}

/// Compiled byte code where Python keeps it.
pub(crate) fn is_byte_code(path: &str) -> bool {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    (folder == "__pycache__" || folder.ends_with("/__pycache__")) && (path.ends_with(".pyc") || path.ends_with(".pyo"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_a_wheel_go_where_its_format_says() {
        let check = |path: &str, expect: Place| assert_eq!(place_of(path), Some(expect), "{path}");
        check("demo/a.py", Place::Site("demo/a.py".to_owned()));
        check("./demo/a.py", Place::Site("demo/a.py".to_owned()));
        check("demo-1.0.data/purelib/demo/a.py", Place::Site("demo/a.py".to_owned()));
        check("demo-1.0.data/scripts/run", Place::Script("run".to_owned()));
        check("demo-1.0.data/data/share/x", Place::Elsewhere("share/x".to_owned()));
        check("demo-1.0.data/headers/x.h", Place::Elsewhere("x.h".to_owned()));
        check("demo.data", Place::Site("demo.data".to_owned()));
    }

    #[test]
    fn wheels_are_known_by_their_tags() {
        let check = |filename: &str, tag: &str, expect: bool| {
            assert_eq!(fits(filename, &HashSet::from([tag.to_owned()])), expect, "{filename} {tag}");
        };
        check("demo-1.0-py3-none-any.whl", "py3-none-any", true);
        check("demo-1.0-py2.py3-none-any.whl", "py3-none-any", true);
        check(
            "demo-1.0-1build-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
            "cp312-cp312-manylinux2014_x86_64",
            true,
        );
        check("demo-1.0-cp312-cp312-macosx_11_0_arm64.whl", "cp312-cp312-manylinux2014_x86_64", false);
        check("demo.whl", "py3-none-any", false);
    }

    #[test]
    fn byte_code_is_what_lies_in_its_folder() {
        let check = |path: &str, expect: bool| assert_eq!(is_byte_code(path), expect, "{path}");
        check("demo/__pycache__/a.cpython-312.pyc", true);
        check("__pycache__/a.cpython-312.pyc", true);
        check("demo/a.pyc", false);
        check("demo/__pycache__/a.py", false);
        check("demo/not__pycache__/a.pyc", false);
    }

    #[test]
    fn headers_end_where_the_description_begins() {
        let text = "Metadata-Version: 2.1\nname: Demo\nVersion: 1.0\n\nName: other\n";
        assert_eq!((header(text, "Name"), header(text, "Version")), (Some("Demo"), Some("1.0")));
        assert_eq!(header("\nName: other\n", "Name"), None);
    }
}
