//! Whether two names of distributions are the same one, as PEP 427, PEP 440, PEP 503 and PEP 625 compare their parts.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use sigma_core::{Ecosystem, PackageName, order_versions};

/// Whether both name the same wheel or sdist. A name that is neither is the same only as itself.
pub(crate) fn same_file(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    match (wheel(a), wheel(b), sdist(a), sdist(b)) {
        (Some(a), Some(b), _, _) => same_release(a.release, b.release) && a.build == b.build && a.tags == b.tags,
        (_, _, Some((a, a_ending)), Some((b, b_ending))) => a_ending == b_ending && same_release(a, b),
        _ => false,
    }
}

struct Wheel<'a> {
    release: (&'a str, &'a str),
    build: Option<&'a str>,
    /// Python, ABI and platform, each a set.
    tags: [BTreeSet<&'a str>; 3],
}

fn wheel(name: &str) -> Option<Wheel<'_>> {
    let parts: Vec<&str> = name.strip_suffix(".whl")?.split('-').collect();
    let (release, build, tags) = match *parts.as_slice() {
        [name, version, python, abi, platform] => ((name, version), None, [python, abi, platform]),
        [name, version, build, python, abi, platform] => ((name, version), Some(build), [python, abi, platform]),
        _ => return None,
    };
    Some(Wheel { release, build, tags: tags.map(|tags| tags.split('.').collect()) })
}

fn sdist(name: &str) -> Option<((&str, &str), &str)> {
    let ending = [".tar.gz", ".zip"].into_iter().find(|ending| name.ends_with(ending))?;
    Some((name.strip_suffix(ending)?.rsplit_once('-')?, ending))
}

fn same_release((a, a_version): (&str, &str), (b, b_version): (&str, &str)) -> bool {
    let name = |text: &str| PackageName::new(Ecosystem::Pypi, text).ok();
    name(a).is_some()
        && name(a) == name(b)
        && order_versions(Ecosystem::Pypi, a_version, b_version) == Some(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::same_file;

    #[test]
    fn parts_are_compared_as_installers_compare_them() {
        let check = |a: &str, b: &str, expect: bool| assert_eq!(same_file(a, b), expect, "{a} {b}");
        check("demo-1.0.tar.gz", "demo-1.0.tar.gz", true);
        check("Demo.Pkg-1.0.tar.gz", "demo_pkg-1.0.0.tar.gz", true);
        check("demo-1.0.tar.gz", "demo-1.1.tar.gz", false);
        check("demo-1.0.tar.gz", "demo-1.0.zip", false);
        check("demo-1.0.tar.gz", "demo-1.0-py3-none-any.whl", false);
        check("demo-1.0-py2.py3-none-any.whl", "Demo-1.0-py3.py2-none-any.whl", true);
        check("demo-1.0-1-py3-none-any.whl", "demo-1.0-py3-none-any.whl", false);
        check("demo-1.0-cp310-cp310-linux_x86_64.whl", "demo-1.0-cp311-cp310-linux_x86_64.whl", false);
        check("nonsense", "other", false);
    }
}
