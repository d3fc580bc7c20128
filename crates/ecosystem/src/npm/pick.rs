//! Which published version a spec means: the decisions of npm-pick-manifest.
//!
//! In: a packument and what is wanted. Out: one version, or none. `latest` wins where it is good enough; otherwise versions
//! that run on the target's Node.js come first, then those that are not deprecated, then the highest.

use deno_semver::Version;

use super::packument::{Listed, Packument};
use super::spec::{Want, parse_range};

/// The versions that `engines` are compared with. npm takes the ones it runs on; a registry needs the same answer on
/// every machine, so they are fixed per resolver.
#[derive(Debug, Clone)]
pub(super) struct Engines {
    pub node: Version,
    pub npm: Version,
}

/// Picks as npm does; `None` when no version fits.
pub(super) fn pick<'a>(packument: &'a Packument, want: &Want, engines: &Engines) -> Option<&'a Listed> {
    match want {
        Want::Version { version, .. } => return packument.version(version),
        Want::Tag(tag) => return packument.version(packument.tag(tag)?),
        Want::Any | Want::Range(_) => {}
    }
    // `*` accepts a pre-release only as `latest`; among the rest it means any stable version.
    let stable = parse_range("*");
    let fits = |version: &Version| match want {
        Want::Any => stable.as_ref().is_some_and(|range| range.matches(version)),
        _ => want.accepts(version),
    };
    if let Some(latest) = packument.tag("latest").and_then(|version| packument.version(version))
        && (matches!(want, Want::Any) || fits(&latest.parsed))
        && !latest.deprecated
        && runs_on(latest, engines)
    {
        return Some(latest);
    }
    let mut best: Option<(&Listed, _)> = None;
    for listed in packument.versions.iter().filter(|listed| fits(&listed.parsed)) {
        let (runs, kept) = (runs_on(listed, engines), !listed.deprecated);
        let rank = (runs && kept, runs, kept, &listed.parsed);
        if best.as_ref().is_none_or(|(_, best)| rank > *best) {
            best = Some((listed, rank));
        }
    }
    best.map(|(listed, _)| listed)
}

/// Whether `engines` allow the versions (npm-install-checks). A range that cannot be read allows nothing.
fn runs_on(listed: &Listed, engines: &Engines) -> bool {
    let allows = |range: &Option<Box<str>>, version: &Version| match range.as_deref() {
        None | Some("") => true,
        Some(range) => parse_range(range).is_some_and(|range| range.matches(version)),
    };
    allows(&listed.engine_node, &engines.node) && allows(&listed.engine_npm, &engines.npm)
}

#[cfg(test)]
mod tests {
    use deno_semver::Version;

    use super::super::packument::Packument;
    use super::super::spec::{Spec, Want};
    use super::{Engines, pick};

    fn check(spec: &str, latest: &str, versions: &str, expect: &str) {
        let versions: Vec<String> = versions
            .split(' ')
            .map(|version| {
                let plain = version.trim_end_matches(['!', '?']);
                let fields = match version.chars().last() {
                    Some('!') => r#"{"deprecated":"old"}"#,
                    Some('?') => r#"{"engines":{"node":">=99"}}"#,
                    _ => "{}",
                };
                format!("\"{plain}\":{fields}")
            })
            .collect();
        let json = format!(
            r#"{{"name":"a","dist-tags":{{"latest":"{latest}","next":"9.0.0-rc.1"}},"versions":{{{}}}}}"#,
            versions.join(",")
        );
        let packument = Packument::parse("a", json.as_bytes()).unwrap();
        let Spec::Registry { want, .. } = Spec::parse(spec) else { panic!("{spec}") };
        let engines = Engines {
            node: Version::parse_from_npm("20.0.0").unwrap(),
            npm: Version::parse_from_npm("11.0.0").unwrap(),
        };
        let got = pick(&packument, &want, &engines).map_or("none", |listed| &*listed.version);
        assert_eq!(got, expect, "{spec}");
        assert!(!matches!(want, Want::Tag(_)) || spec == "next");
    }

    // `!` is deprecated, `?` needs a newer Node.js.
    #[test]
    fn the_version_is_npms_choice() {
        check("^1.0.0", "1.1.0", "1.0.0 1.1.0 1.2.0 2.0.0", "1.1.0");
        check("^1.0.0", "2.0.0", "1.0.0 1.1.0 1.2.0 2.0.0", "1.2.0");
        check("^1.0.0", "2.0.0", "1.0.0 1.1.0 1.2.0! 2.0.0", "1.1.0");
        check("^1.0.0", "2.0.0", "1.0.0! 1.1.0!", "1.1.0");
        check("^1.0.0", "1.2.0", "1.0.0 1.1.0 1.2.0?", "1.1.0");
        check("^1.0.0", "1.2.0", "1.1.0! 1.2.0?", "1.1.0");
        check("*", "2.0.0-rc.1", "1.0.0 2.0.0-rc.1", "2.0.0-rc.1");
        check("*", "none", "1.0.0 2.0.0-rc.1", "1.0.0");
        check("", "1.0.0", "1.0.0 2.0.0", "1.0.0");
        check(">=1.0.0-0", "none", "1.0.0-beta.2 1.0.0-beta.11", "1.0.0-beta.11");
        check("^1.0.0", "1.0.0", "2.0.0-rc.1", "none");
        check("1.0.0", "2.0.0", "1.0.0! 2.0.0", "1.0.0");
        check("v1.0.0", "2.0.0", "1.0.0 2.0.0", "1.0.0");
        check("next", "1.0.0", "1.0.0 9.0.0-rc.1", "9.0.0-rc.1");
        check("3.x", "1.0.0", "1.0.0", "none");
    }
}
