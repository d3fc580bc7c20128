//! The whole of PyPI against an index on loopback.

mod fake;

use std::fmt::Write as _;

use sigma_core::{
    AdvisoryState, Declared, DependencyKind, Ecosystem, ExpectedDigest, Graph, Location, LockedEdge, LockedPackage,
    Manifest, ManifestSource, PackageName, Parent, Sha256, Target, Timestamp,
};

use super::Pypi;
use crate::{HttpError, ResolveError};
use fake::{Fake, Format};

/// One PEP 508 line as a declaration on a line of its own.
fn declared(text: &str, line: u32) -> Declared {
    let (text, marker) = text.split_once(" ; ").map_or((text, None), |(text, marker)| (text, Some(marker)));
    let end = text.find(['<', '>', '=', '~', '!']).unwrap_or(text.len());
    let (name, spec) = text.split_at(end);
    let (name, extras) = name.split_once('[').map_or((name, ""), |(name, rest)| (name, rest.trim_end_matches(']')));
    Declared {
        name: PackageName::new(Ecosystem::Pypi, name).unwrap(),
        spec: spec.to_owned(),
        kind: DependencyKind::Runtime,
        extras: extras.split(',').filter(|extra| !extra.is_empty()).map(str::to_owned).collect(),
        marker: marker.map(str::to_owned),
        alias: None,
        pinned: Vec::new(),
        at: Location { file: "requirements.txt".to_owned(), line },
    }
}

fn ranges(lines: &[&str]) -> Manifest {
    let source = ManifestSource::Ranges { constraints: Vec::new(), overrides: None, pre_releases: false };
    manifest(lines, source)
}

fn manifest(lines: &[&str], source: ManifestSource) -> Manifest {
    Manifest {
        ecosystem: Ecosystem::Pypi,
        path: "requirements.txt".to_owned(),
        files: vec!["requirements.txt".to_owned()],
        declared: lines.iter().zip(1..).map(|(text, line)| declared(text, line)).collect(),
        refused: Vec::new(),
        problems: Vec::new(),
        source,
    }
}

fn target(python: &str, platform: &str) -> Target {
    Target { python: python.parse().unwrap(), platform: platform.parse().unwrap() }
}

/// A graph as lines: packages, `?` unresolved, `-` excluded.
fn shown(graph: &Graph) -> String {
    let parents = |parents: &[Parent]| {
        let one = |parent: &Parent| {
            let name = parent.package.as_ref().map_or("project".to_owned(), |id| id.name().to_string());
            let at = parent.at.as_ref().map_or(String::new(), |at| format!(" at {}", at.line));
            format!("{name} `{}`{at}", parent.spec)
        };
        parents.iter().map(one).collect::<Vec<_>>().join(", ")
    };
    let mut out = String::new();
    for package in &graph.packages {
        let files: Vec<_> = package.release.distributions.iter().map(|one| one.filename.as_str()).collect();
        let _ = write!(
            out,
            "{} {} {} < {}",
            package.id.name(),
            package.id.version(),
            package.depth,
            parents(&package.parents)
        );
        let _ = write!(out, " | {}", files.join(" "));
        if !package.release.unread.is_empty() {
            let _ = write!(out, " (unread {})", package.release.unread.join(" "));
        }
        if let Some(reason) = &package.release.yanked {
            let _ = write!(out, " yanked: {reason}");
        }
        out.push('\n');
    }
    for one in &graph.unresolved {
        let _ = writeln!(
            out,
            "? {} `{}` {:?} < {} | {}",
            one.name,
            one.spec,
            one.reason,
            parents(&one.parents),
            one.detail
        );
    }
    for line in &graph.excluded {
        let _ = writeln!(out, "- {line}");
    }
    out
}

async fn resolved(pypi: &Pypi, lines: &[&str]) -> String {
    on(pypi, lines, &Target::default()).await
}

async fn on(pypi: &Pypi, lines: &[&str], target: &Target) -> String {
    match pypi.resolve(&ranges(lines), target).await {
        Ok(graph) => shown(&graph),
        Err(error) => format!("error: {error}"),
    }
}

#[tokio::test]
async fn ranges_extras_markers_and_cycles() {
    let index = Fake::new(Format::Json)
        .wheel("app-1.0-py3-none-any.whl", "Requires-Dist: lib<2\nRequires-Dist: tls>=1 ; extra == 'secure'\nRequires-Dist: winonly ; sys_platform == 'win32'\nProvides-Extra: secure\nProvides-Extra: all\nRequires-Dist: app[secure] ; extra == 'all'")
        .wheel("app-0.9-py3-none-any.whl", "")
        .wheel("lib-1.5-py3-none-any.whl", "Requires-Dist: app")
        .wheel("lib-2.0-py3-none-any.whl", "")
        .wheel("tls-1.1-py3-none-any.whl", "Requires-Dist: lib>=1")
        .wheel("winonly-1.0-py3-none-any.whl", "")
        .start()
        .await;
    insta::assert_snapshot!(resolved(&index.pypi, &["app>=0.5"]).await, @r##"
    app 1.0 DIRECT < project `>=0.5` at 1, lib `` | app-1.0-py3-none-any.whl
    lib 1.5 TRANSITIVE_L1 < app `<2` | lib-1.5-py3-none-any.whl
    "##);
    insta::assert_snapshot!(resolved(&index.pypi, &["app[all]>=0.5", "winonly>=1 ; sys_platform == 'win32'"]).await, @r##"
    app 1.0 DIRECT < project `>=0.5` at 1, lib `` | app-1.0-py3-none-any.whl
    lib 1.5 TRANSITIVE_L1 < app `<2`, tls `>=1` | lib-1.5-py3-none-any.whl
    tls 1.1 TRANSITIVE_L1 < app `>=1` | tls-1.1-py3-none-any.whl
    - winonly >=1 (only if sys_platform == 'win32', not for Python 3.12 on linux-x64)
    "##);
    insta::assert_snapshot!(on(&index.pypi, &["app>=0.5"], &target("3.11", "windows-x64")).await, @r##"
    app 1.0 DIRECT < project `>=0.5` at 1, lib `` | app-1.0-py3-none-any.whl
    lib 1.5 TRANSITIVE_L1 < app `<2` | lib-1.5-py3-none-any.whl
    winonly 1.0 TRANSITIVE_L1 < app `` | winonly-1.0-py3-none-any.whl
    "##);
}

#[tokio::test]
async fn versions_are_chosen_as_uv_chooses() {
    let index = Fake::new(Format::Json)
        .wheel("pre-1.0-py3-none-any.whl", "")
        .wheel("pre-2.0b1-py3-none-any.whl", "")
        .wheel("onlypre-1.0rc1-py3-none-any.whl", "")
        .wheel("yank-1.0-py3-none-any.whl", "")
        .yanked("yank-1.1-py3-none-any.whl", "broken")
        .wheel("py-1.0-py3-none-any.whl", "")
        .needs_python("py-2.0-py3-none-any.whl", ">=3.13")
        .start()
        .await;
    insta::assert_snapshot!(resolved(&index.pypi, &["pre>=1", "onlypre>=0.1", "yank>=1", "py>=1"]).await, @r##"
    onlypre 1.0rc1 DIRECT < project `>=0.1` at 2 | onlypre-1.0rc1-py3-none-any.whl
    pre 1.0 DIRECT < project `>=1` at 1 | pre-1.0-py3-none-any.whl
    py 1.0 DIRECT < project `>=1` at 4 | py-1.0-py3-none-any.whl
    yank 1.0 DIRECT < project `>=1` at 3 | yank-1.0-py3-none-any.whl
    "##);
    insta::assert_snapshot!(resolved(&index.pypi, &["pre>=2.0b1", "yank==1.1"]).await, @r##"
    pre 2.0b1 DIRECT < project `>=2.0b1` at 1 | pre-2.0b1-py3-none-any.whl
    yank 1.1 DIRECT < project `==1.1` at 2 | yank-1.1-py3-none-any.whl yanked: broken
    "##);
    insta::assert_snapshot!(on(&index.pypi, &["py>=1"], &target("3.13", "linux-x64")).await, @r##"py 2.0 DIRECT < project `>=1` at 1 | py-2.0-py3-none-any.whl"##);
    let allow = ManifestSource::Ranges { constraints: vec!["py<2".to_owned()], overrides: None, pre_releases: true };
    let graph = index.pypi.resolve(&manifest(&["pre>=1"], allow), &Target::default()).await.unwrap();
    insta::assert_snapshot!(shown(&graph), @r##"pre 2.0b1 DIRECT < project `>=1` at 1 | pre-2.0b1-py3-none-any.whl"##);
}

#[tokio::test]
async fn constraints_bind_and_garbled_ones_end_the_resolution() {
    let index = Fake::new(Format::Json)
        .wheel("a-1.0-py3-none-any.whl", "Requires-Dist: b")
        .wheel("b-1.0-py3-none-any.whl", "")
        .wheel("b-2.0-py3-none-any.whl", "")
        .start()
        .await;
    let with = |text: String| ManifestSource::Ranges { constraints: vec![text], overrides: None, pre_releases: false };
    let graph = index.pypi.resolve(&manifest(&["a>=1"], with("b<2".into())), &Target::default()).await.unwrap();
    insta::assert_snapshot!(shown(&graph), @r##"
    a 1.0 DIRECT < project `>=1` at 1 | a-1.0-py3-none-any.whl
    b 1.0 TRANSITIVE_L1 < a `` | b-1.0-py3-none-any.whl
    "##);
    for wrong in ["b @ https://example.test/b.whl".to_owned(), format!("b ; {}", "(".repeat(100_000))] {
        let error = index.pypi.resolve(&manifest(&["a>=1"], with(wrong)), &Target::default()).await.unwrap_err();
        assert!(error.to_string().contains("is not a name with versions"), "{error}");
    }
}

#[tokio::test]
async fn what_cannot_be_had_is_named_and_the_rest_is_resolved() {
    let index = Fake::new(Format::Json)
        .wheel("good-1.0-py3-none-any.whl", "")
        .wheel("parent-1.0-py3-none-any.whl", "Requires-Dist: missing>=3\nRequires-Dist: good")
        .wheel("narrow-1.0-py3-none-any.whl", "Requires-Dist: good>=7")
        .wheel("left-1.0-py3-none-any.whl", "Requires-Dist: shared<2")
        .wheel("right-1.0-py3-none-any.whl", "Requires-Dist: shared>=2")
        .wheel("shared-1.0-py3-none-any.whl", "")
        .wheel("shared-2.0-py3-none-any.whl", "")
        .wheel("winonly-1.0-cp312-cp312-win_amd64.whl", "")
        .needs_python("future-1.0-py3-none-any.whl", ">=3.14")
        .yanked("allyanked-1.0-py3-none-any.whl", "bad")
        .wheel("direct-1.0-py3-none-any.whl", "Requires-Dist: elsewhere @ https://user:pw@example.test/e.whl")
        .start()
        .await;
    insta::assert_snapshot!(resolved(&index.pypi, &["good>=1", "nosuch>=2"]).await, @r##"
    good 1.0 DIRECT < project `>=1` at 1 | good-1.0-py3-none-any.whl
    ? nosuch `>=2` UnknownPackage < project `>=2` at 2 | the index has no package named nosuch
    "##);
    insta::assert_snapshot!(resolved(&index.pypi, &["good==9.9"]).await, @r##"? good `==9.9` NoMatchingVersion < project `==9.9` at 1 | the index lists no version ==9.9; the newest is 1.0"##);
    insta::assert_snapshot!(resolved(&index.pypi, &["parent>=1"]).await, @r##"
    parent 1.0 DIRECT < project `>=1` at 1 | parent-1.0-py3-none-any.whl
    good 1.0 TRANSITIVE_L1 < parent `` | good-1.0-py3-none-any.whl
    ? missing `>=3` UnknownPackage < parent `>=3` | the index has no package named missing
    "##);
    insta::assert_snapshot!(resolved(&index.pypi, &["narrow>=1"]).await, @r##"
    narrow 1.0 DIRECT < project `>=1` at 1 | narrow-1.0-py3-none-any.whl
    ? good `>=7` NoMatchingVersion < narrow `>=7` | the index lists no version >=7; the newest is 1.0
    "##);
    insta::assert_snapshot!(resolved(&index.pypi, &["left>=1", "good>=1", "right>=1"]).await, @r##"
    good 1.0 DIRECT < project `>=1` at 2 | good-1.0-py3-none-any.whl
    ? left, right `>=1` Conflict < project `>=1` at 1, project `>=1` at 3 | Because all versions of right depend on shared>=2 and all versions of left depend on shared<2, we can conclude that all versions of left and all versions of right are incompatible.
    And because you require left==1.0 and right==1.0, we can conclude that your requirements are unsatisfiable.
    "##);
    insta::assert_snapshot!(resolved(&index.pypi, &["winonly>=1", "future>=1", "allyanked>=0"]).await, @r##"
    ? allyanked `>=0` NoMatchingVersion < project `>=0` at 3 | every version that fits is yanked; pin one with == to take it all the same
    ? future `>=1` NoMatchingVersion < project `>=1` at 2 | 1.0 requires Python >=3.14
    Because the current Python version (3.12) does not satisfy Python>=3.14 and future==1.0 depends on Python>=3.14, we can conclude that future==1.0 cannot be used.
    And because you require future==1.0, we can conclude that your requirements are unsatisfiable.
    ? winonly `>=1` NoDistribution < project `>=1` at 1 | 1.0: none of its files fits the target: winonly-1.0-cp312-cp312-win_amd64.whl
    "##);
    insta::assert_snapshot!(resolved(&index.pypi, &["direct>=1"]).await, @r##"
    direct 1.0 DIRECT < project `>=1` at 1 | direct-1.0-py3-none-any.whl
    ? elsewhere `https://example.test/e.whl` NoDistribution < direct `https://example.test/e.whl` | it is required by the address https://example.test/e.whl; only packages of the index are read
    "##);
}

#[tokio::test]
async fn platform_wheels_are_chosen_for_the_target() {
    let index = Fake::new(Format::Html)
        .wheel("native-1.0-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", "")
        .wheel("native-1.0-cp312-cp312-manylinux_2_28_x86_64.whl", "")
        .wheel("native-1.0-cp312-cp312-manylinux_2_35_x86_64.whl", "")
        .wheel("native-1.0-cp312-cp312-manylinux_2_28_aarch64.whl", "")
        .wheel("native-1.0-cp312-cp312-macosx_11_0_arm64.whl", "")
        .wheel("native-1.0-cp312-cp312-macosx_10_9_x86_64.whl", "")
        .wheel("native-1.0-cp312-cp312-win_amd64.whl", "")
        .wheel("native-1.0-cp312-cp312-win_arm64.whl", "")
        .sdist("native-1.0.tar.gz", &[])
        .start()
        .await;
    let mut chosen = String::new();
    for platform in ["linux-x64", "linux-arm64", "macos-x64", "macos-arm64", "windows-x64", "windows-arm64"] {
        let target = target("3.12", platform);
        let graph = index.pypi.resolve(&ranges(&["native>=1"]), &target).await.unwrap();
        let release = &graph.packages[0].release;
        assert_eq!(release.distributions.len() + release.unread.len(), 9);
        let files: Vec<_> = release.distributions.iter().map(|one| one.filename.as_str()).collect();
        let _ = writeln!(chosen, "{platform}: {}", files.join(" "));
    }
    insta::assert_snapshot!(chosen, @r##"
    linux-x64: native-1.0-cp312-cp312-manylinux_2_28_x86_64.whl native-1.0.tar.gz
    linux-arm64: native-1.0-cp312-cp312-manylinux_2_28_aarch64.whl native-1.0.tar.gz
    macos-x64: native-1.0-cp312-cp312-macosx_10_9_x86_64.whl native-1.0.tar.gz
    macos-arm64: native-1.0-cp312-cp312-macosx_11_0_arm64.whl native-1.0.tar.gz
    windows-x64: native-1.0-cp312-cp312-win_amd64.whl native-1.0.tar.gz
    windows-arm64: native-1.0-cp312-cp312-win_arm64.whl native-1.0.tar.gz
    "##);
}

#[tokio::test]
async fn published_facts_are_kept() {
    for format in [Format::Json, Format::Html] {
        let index = Fake::new(format).wheel("a-1.0-py3-none-any.whl", "").start().await;
        let graph = index.pypi.resolve(&ranges(&["a==1.0"]), &Target::default()).await.unwrap();
        let wheel = &graph.packages[0].release.distributions[0];
        assert_eq!(wheel.published, vec![ExpectedDigest::from(Sha256::of(b"a-1.0-py3-none-any.whl"))]);
        assert!(wheel.url.ends_with("/files/a-1.0-py3-none-any.whl"), "{}", wheel.url);
        let told = (wheel.size, wheel.uploaded_at.map(|at| at.to_string()));
        match format {
            Format::Json => assert_eq!(told, (Some(5), Some("2024-05-06T07:08:09.500Z".to_owned()))),
            Format::Html => assert_eq!(told, (None, None)),
        }
    }
}

#[tokio::test]
async fn sdists_are_read_and_never_built() {
    let setup = ("x/setup.py", "raise SystemExit('this must never run')");
    let index = Fake::new(Format::Json)
        .wheel("dep-1.0-py3-none-any.whl", "")
        .sdist(
            "exact-1.0.tar.gz",
            &[
                setup,
                ("exact-1.0/PKG-INFO", "Metadata-Version: 2.2\nName: exact\nVersion: 1.0\nRequires-Dist: dep>=1\n"),
            ],
        )
        .sdist(
            "project-1.0.tar.gz",
            &[
                ("project-1.0/PKG-INFO", "Metadata-Version: 2.1\nName: project\nVersion: 1.0\n"),
                (
                    "project-1.0/pyproject.toml",
                    "[project]\nname = 'project'\nversion = '1.0'\ndependencies = ['dep']\n",
                ),
            ],
        )
        .sdist(
            "egg-1.0.tar.gz",
            &[
                setup,
                ("egg-1.0/PKG-INFO", "Metadata-Version: 2.1\nName: egg\nVersion: 1.0\n"),
                ("egg-1.0/egg.egg-info/requires.txt", "dep<2\n[x]\nother\n"),
            ],
        )
        .sdist(
            "silent-1.0.tar.gz",
            &[setup, ("silent-1.0/PKG-INFO", "Metadata-Version: 1.0\nName: silent\nVersion: 1.0\n")],
        )
        .sdist("liar-1.0.tar.gz", &[("liar-1.0/PKG-INFO", "Metadata-Version: 2.2\nName: dep\nVersion: 1.0\n")])
        .sdist(
            "deep-1.0.tar.gz",
            &[
                ("deep-1.0/PKG-INFO", "Metadata-Version: 2.1\nName: deep\nVersion: 1.0\n"),
                (
                    "deep-1.0/pyproject.toml",
                    &format!(
                        "[project]\nname = 'deep'\nversion = '1.0'\ndependencies = [\"x ; {}\"]\n",
                        "\\u0028".repeat(50_000)
                    ),
                ),
            ],
        )
        .sdist(
            "nested-1.0.tar.gz",
            &[
                ("nested-1.0/PKG-INFO", "Metadata-Version: 2.1\nName: nested\nVersion: 1.0\n"),
                (
                    "nested-1.0/pyproject.toml",
                    &format!(
                        "{}=1{}\n[project]\nname = 'nested'\nversion = '1.0'\ndependencies = []\n",
                        vec![["a"; 79].join("."); 80].join("={"),
                        "}".repeat(79)
                    ),
                ),
            ],
        )
        .sdist("swapped-1.0.tar.gz", &[])
        .answer("/files/swapped-1.0.tar.gz", 200, "application/gzip", b"other bytes")
        .start()
        .await;
    insta::assert_snapshot!(resolved(&index.pypi, &["exact>=1", "project>=1", "egg>=1"]).await, @r##"
    egg 1.0 DIRECT < project `>=1` at 3 | egg-1.0.tar.gz
    exact 1.0 DIRECT < project `>=1` at 1 | exact-1.0.tar.gz
    project 1.0 DIRECT < project `>=1` at 2 | project-1.0.tar.gz
    dep 1.0 TRANSITIVE_L1 < egg `<2`, exact `>=1`, project `` | dep-1.0-py3-none-any.whl
    - further dependencies of egg 1.0 (it is only a source distribution, never run here; those known are from its egg-info/requires.txt and may be incomplete)
    "##);
    let graph = resolved(&index.pypi, &["silent>=1", "liar>=1", "swapped>=1", "dep>=1", "deep>=1", "nested>=1"]).await;
    insta::assert_snapshot!(graph.replace(&Sha256::of(b"other bytes").to_string(), "OTHER"), @r##"
    dep 1.0 DIRECT < project `>=1` at 4 | dep-1.0-py3-none-any.whl
    ? deep `>=1` NoDistribution < project `>=1` at 5 | deep-1.0.tar.gz does not state its dependencies statically, and packages are never run; ask for a version with a wheel
    ? liar `>=1` NoDistribution < project `>=1` at 2 | liar-1.0.tar.gz cannot be read: it says that it is dep 1.0
    ? nested `>=1` NoDistribution < project `>=1` at 6 | nested-1.0.tar.gz does not state its dependencies statically, and packages are never run; ask for a version with a wheel
    ? silent `>=1` NoDistribution < project `>=1` at 1 | silent-1.0.tar.gz does not state its dependencies statically, and packages are never run; ask for a version with a wheel
    ? swapped `>=1` NoDistribution < project `>=1` at 3 | swapped-1.0.tar.gz has sha256 sha256:OTHER, but the index publishes sha256:7cecd05e1cf7cc0e7c6b13c04a339745ce69a4dad1449a3e501e57c521e4d072
    "##);
    index.requests();
    // Read once, remembered by digest.
    resolved(&index.again(|_| {}), &["exact>=1"]).await;
    assert_eq!(index.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn metadata_is_found_inside_the_wheel() {
    let index = Fake::new(Format::Html)
        .whole_wheel("inner-1.0-py3-none-any.whl", "Requires-Dist: dep")
        .wheel("dep-1.0-py3-none-any.whl", "")
        .start()
        .await;
    insta::assert_snapshot!(resolved(&index.pypi, &["inner>=1"]).await, @r##"
    inner 1.0 DIRECT < project `>=1` at 1 | inner-1.0-py3-none-any.whl
    dep 1.0 TRANSITIVE_L1 < inner `` | dep-1.0-py3-none-any.whl
    "##);
}

#[tokio::test]
async fn metadata_is_read_out_of_wheels_where_the_index_has_none() {
    // Bytes that do not compress, so that the wheel is larger than what is fetched of it.
    let mut state = 1u32;
    let mut noise = |length: usize| -> Vec<u8> {
        let next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        std::iter::repeat_with(next).take(length).collect()
    };
    let large = noise(1_000_000);
    let names: Vec<String> = (0..3000).map(|at| format!("many/{at:040}.py")).collect();
    let many: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    let build = || {
        Fake::new(Format::Html)
            .announcing_nothing()
            .stuffed_wheel("large-1.0-py3-none-any.whl", "Requires-Dist: many", &[("large/data", &large)])
            .stuffed_wheel("many-1.0-py3-none-any.whl", "Requires-Dist: small", &many)
            .whole_wheel("small-1.0-py3-none-any.whl", "")
    };
    let index = build().start().await;
    let cold = resolved(&index.pypi, &["large>=1"]).await;
    insta::assert_snapshot!(cold, @r##"
    large 1.0 DIRECT < project `>=1` at 1 | large-1.0-py3-none-any.whl
    many 1.0 TRANSITIVE_L1 < large `` | many-1.0-py3-none-any.whl
    small 1.0 TRANSITIVE_L2 < many `` | small-1.0-py3-none-any.whl
    "##);
    insta::assert_snapshot!(index.requests().join("\n"), @r##"
    GET /simple/large/
    GET /files/large-1.0-py3-none-any.whl.metadata
    GET /files/large-1.0-py3-none-any.whl bytes=0-32767
    GET /files/large-1.0-py3-none-any.whl bytes=950272-1000768
    GET /simple/many/
    GET /files/many-1.0-py3-none-any.whl.metadata
    GET /files/many-1.0-py3-none-any.whl bytes=0-32767
    GET /files/many-1.0-py3-none-any.whl bytes=458752-522358
    GET /files/many-1.0-py3-none-any.whl bytes=229376-262143
    GET /files/many-1.0-py3-none-any.whl bytes=262144-327679
    GET /files/many-1.0-py3-none-any.whl bytes=327680-458751
    GET /simple/small/
    GET /files/small-1.0-py3-none-any.whl.metadata
    GET /files/small-1.0-py3-none-any.whl bytes=0-32767
    "##);
    assert_eq!(resolved(&index.again(|_| {}), &["large>=1"]).await, cold);
    assert_eq!(resolved(&index.again(|config| config.offline = true), &["large>=1"]).await, cold);
    assert_eq!(index.requests(), Vec::<String>::new());
    let index = build().without_ranges().start().await;
    assert_eq!(resolved(&index.pypi, &["large>=1"]).await, cold);
}

#[tokio::test]
async fn a_version_whose_metadata_is_invalid_is_passed_over_as_uv_does() {
    let index = Fake::new(Format::Html)
        .announcing_nothing()
        .wheel("a-1.0-py3-none-any.whl", "")
        .whole_wheel("a-2.0-py3-none-any.whl", "Requires-Dist: ???")
        .start()
        .await;
    insta::assert_snapshot!(resolved(&index.pypi, &["a>=1"]).await, @"a 1.0 DIRECT < project `>=1` at 1 | a-1.0-py3-none-any.whl");
}

#[tokio::test]
async fn hostile_metadata_inside_a_wheel_is_disclosed() {
    let parentheses = "(".repeat(2_000_000);
    let hidden = data_encoding::BASE64.encode(format!("x ; {parentheses}").as_bytes());
    let pairs: Vec<_> = (0..40).map(|at| format!("(extra=='a{at}' and extra=='b{at}')")).collect();
    let index = Fake::new(Format::Html)
        .announcing_nothing()
        .whole_wheel("bomb-1.0-py3-none-any.whl", &format!("Description: {}", "x".repeat(9 << 20)))
        .whole_wheel("deep-1.0-py3-none-any.whl", &format!("Requires-Dist: x; {parentheses}"))
        .whole_wheel("encoded-1.0-py3-none-any.whl", &format!("Requires-Dist: =?utf-8?B?{hidden}?="))
        .whole_wheel("exponential-1.0-py3-none-any.whl", &format!("Requires-Dist: x; {}", pairs.join(" or ")))
        .whole_wheel("extras-1.0-py3-none-any.whl", &format!("Requires-Dist: x[a{}]", ",a".repeat(1_000_000)))
        .whole_wheel("fine-1.0-py3-none-any.whl", "")
        .whole_wheel("folded-1.0-py3-none-any.whl", &format!("Requires-Dist: x;{}", "\n ((((".repeat(500_000)))
        .whole_wheel("name-1.0-py3-none-any.whl", &format!("Requires-Dist: {parentheses}"))
        .whole_wheel("python-1.0-py3-none-any.whl", &format!("Requires-Python: {parentheses}>=3"))
        .whole_wheel(
            "quoted-1.0-py3-none-any.whl",
            &format!("Requires-Dist: x; {}", "(')'==os_name and ".repeat(100_000)),
        )
        .whole_wheel("url-1.0-py3-none-any.whl", &format!("Requires-Dist: x @ https://host.test/' ; {parentheses}"))
        .whole_wheel("variable-1.0-py3-none-any.whl", "Requires-Dist: x @ https://host.test/${PATH}")
        .answer("/files/garbage-1.0-py3-none-any.whl", 200, "application/zip", b"PK no archive")
        .answer("/files/gone-1.0-py3-none-any.whl", 404, "text/plain", b"")
        .whole_wheel("mute-1.0-py3-none-any.whl", "")
        .answer("/files/mute-1.0-py3-none-any.whl", 200, "application/zip", b"")
        .answer(
            "/simple/garbage/",
            200,
            "text/html",
            b"<a href='/files/garbage-1.0-py3-none-any.whl'>garbage-1.0-py3-none-any.whl</a>",
        )
        .answer(
            "/simple/gone/",
            200,
            "text/html",
            b"<a href='/files/gone-1.0-py3-none-any.whl'>gone-1.0-py3-none-any.whl</a>",
        )
        .start()
        .await;
    let names = [
        "bomb",
        "deep",
        "encoded",
        "exponential",
        "extras",
        "fine",
        "folded",
        "garbage",
        "gone",
        "mute",
        "name",
        "python",
        "quoted",
        "url",
        "variable",
    ];
    let lines: Vec<String> = names.iter().map(|name| format!("{name}>=1")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let base = index.config.pypi_index.as_str().trim_end_matches("/simple/");
    insta::assert_snapshot!(resolved(&index.pypi, &lines).await.replace(base, "BASE"), @r##"
    fine 1.0 DIRECT < project `>=1` at 6 | fine-1.0-py3-none-any.whl
    ? bomb `>=1` NoDistribution < project `>=1` at 1 | BASE/files/bomb-1.0-py3-none-any.whl answered something else than a wheel: its METADATA has more than 8388608 bytes
    ? deep `>=1` NoDistribution < project `>=1` at 2 | BASE/files/deep-1.0-py3-none-any.whl.metadata answered something else than core metadata: a requirement has 2000003 bytes, expected at most 16384
    ? encoded `>=1` NoDistribution < project `>=1` at 3 | BASE/files/encoded-1.0-py3-none-any.whl.metadata answered something else than core metadata: its Requires-Dist holds an encoded word (RFC 2047), expected plain text
    ? exponential `>=1` NoDistribution < project `>=1` at 4 | BASE/files/exponential-1.0-py3-none-any.whl.metadata answered something else than core metadata: a requirement has 80 comparisons, 80 of them of extras or lists, expected at most 48 and 16 where `and` and `or` are mixed
    ? extras `>=1` NoDistribution < project `>=1` at 5 | BASE/files/extras-1.0-py3-none-any.whl.metadata answered something else than core metadata: a requirement has 2000004 bytes, expected at most 16384
    ? folded `>=1` NoDistribution < project `>=1` at 7 | BASE/files/folded-1.0-py3-none-any.whl.metadata answered something else than core metadata: a requirement has 2500002 bytes, expected at most 16384
    ? garbage `>=1` NoDistribution < project `>=1` at 8 | BASE/files/garbage-1.0-py3-none-any.whl answered something else than a wheel: invalid Zip archive: Could not find EOCD
    ? gone `>=1` NoDistribution < project `>=1` at 9 | BASE/files/gone-1.0-py3-none-any.whl answered 404
    ? mute `>=1` NoDistribution < project `>=1` at 10 | BASE/files/mute-1.0-py3-none-any.whl answered something else than a wheel: invalid Zip archive: Could not find EOCD
    ? name `>=1` NoDistribution < project `>=1` at 11 | BASE/files/name-1.0-py3-none-any.whl.metadata answered something else than core metadata: a requirement has 2000000 bytes, expected at most 16384
    ? python `>=1` NoDistribution < project `>=1` at 12 | BASE/files/python-1.0-py3-none-any.whl.metadata answered something else than core metadata: its Requires-Python has 2000003 bytes, expected at most 2048
    ? quoted `>=1` NoDistribution < project `>=1` at 13 | BASE/files/quoted-1.0-py3-none-any.whl.metadata answered something else than core metadata: a requirement has 1800003 bytes, expected at most 16384
    ? url `>=1` NoDistribution < project `>=1` at 14 | BASE/files/url-1.0-py3-none-any.whl.metadata answered something else than core metadata: a requirement has 2000026 bytes, expected at most 16384
    ? variable `>=1` NoDistribution < project `>=1` at 15 | BASE/files/variable-1.0-py3-none-any.whl.metadata answered something else than core metadata: a requirement names an environment variable
    "##);
}

#[tokio::test]
async fn an_index_that_does_not_answer_is_an_error_and_never_an_empty_graph() {
    let index = Fake::new(Format::Json)
        .wheel("a-1.0-py3-none-any.whl", "Requires-Dist: b")
        .answer("/simple/b/", 500, "text/plain", b"oops")
        .answer("/simple/page/", 200, "text/plain", b"hello")
        .answer("/simple/half/", 200, "application/vnd.pypi.simple.v1+json", b"{\"files\": [")
        .answer("/simple/forbidden/", 403, "text/plain", b"no")
        .answer("/simple/moved/", 302, "text/plain", b"http://elsewhere.test/simple/moved/")
        .answer("/simple/looped/", 302, "text/html", b"/simple/looped/")
        .start_with(|config| config.max_metadata_bytes = 10_000)
        .await;
    let base = index.config.pypi_index.as_str().trim_end_matches("/simple/").to_owned();
    let mut out = String::new();
    for name in ["a>=1", "page>=1", "half>=1", "forbidden>=1", "moved>=1", "looped>=1"] {
        let _ = writeln!(out, "{}", resolved(&index.pypi, &[name]).await.replace(&base, "BASE"));
    }
    insta::assert_snapshot!(out, @r##"
    error: BASE/simple/b/ answered 500
    error: BASE/simple/page/ answered something else than an index page: its type is `text/plain`
    error: BASE/simple/half/ answered something else than an index page: EOF while parsing a list at line 1 column 11
    error: BASE/simple/forbidden/ answered 403
    error: http://elsewhere.test/simple/moved/ is not an allowed address: `elsewhere.test` is neither the index's host nor listed under `file_hosts`
    error: BASE/simple/looped/ answered something else than an index page: it has no content type
    "##);
}

#[tokio::test]
async fn large_and_deep_answers_are_refused() {
    let deep = format!("Requires-Dist: b ; {}python_version > '3'{}", "(".repeat(200_000), ")".repeat(200_000));
    let index = Fake::new(Format::Json)
        .wheel("deep-1.0-py3-none-any.whl", &deep)
        .wheel("fine-1.0-py3-none-any.whl", "")
        .answer("/simple/large/", 200, "text/html", &b"<a href='x'>x</a>".repeat(1000))
        .start_with(|config| config.max_metadata_bytes = 10_000)
        .await;
    insta::assert_snapshot!(resolved(&index.pypi, &["deep>=1", "fine>=1"]).await.replace(index.config.pypi_index.as_str().trim_end_matches("/simple/"), "BASE"), @r##"
    fine 1.0 DIRECT < project `>=1` at 2 | fine-1.0-py3-none-any.whl
    ? deep `>=1` NoDistribution < project `>=1` at 1 | BASE/files/deep-1.0-py3-none-any.whl.metadata answered something else than core metadata: a requirement has 400024 bytes, expected at most 16384
    "##);
    let error = resolved(&index.pypi, &["large>=1"]).await;
    assert!(error.starts_with("error:") && error.contains("more than 10000 bytes"), "{error}");
}

#[tokio::test]
async fn files_on_other_hosts_are_not_asked_for() {
    let page = br#"<a href="http://elsewhere.test/a-1.0-py3-none-any.whl" data-core-metadata="true">a-1.0-py3-none-any.whl</a>"#;
    let local = br#"<a href="file:///etc/b-1.0-py3-none-any.whl">b-1.0-py3-none-any.whl</a>"#;
    let index = Fake::new(Format::Html)
        .answer("/simple/a/", 200, "text/html", page)
        .answer("/simple/b/", 200, "text/html", local)
        .start()
        .await;
    insta::assert_snapshot!(resolved(&index.pypi, &["a>=1", "b>=1"]).await, @r##"
    ? a `>=1` NoDistribution < project `>=1` at 1 | http://elsewhere.test/a-1.0-py3-none-any.whl.metadata is not an allowed address: `elsewhere.test` is neither the index's host nor listed under `file_hosts`
    ? b `>=1` NoDistribution < project `>=1` at 2 | file:///etc/b-1.0-py3-none-any.whl is not an allowed address: only http and https are asked
    "##);
}

#[tokio::test]
async fn a_warm_run_asks_nothing_and_offline_answers_from_the_cache() {
    let index = Fake::new(Format::Json)
        .wheel("a-1.0-py3-none-any.whl", "Requires-Dist: b")
        .wheel("b-1.0-py3-none-any.whl", "")
        .start()
        .await;
    let cold = resolved(&index.pypi, &["a>=1"]).await;
    assert!(index.requests().contains(&"GET /simple/a/".to_owned()));
    assert_eq!(resolved(&index.again(|_| {}), &["a>=1"]).await, cold);
    let offline = index.again(|config| config.offline = true);
    assert_eq!(resolved(&offline, &["a>=1"]).await, cold);
    assert_eq!(index.requests(), Vec::<String>::new());
    let error = offline.resolve(&ranges(&["c>=1"]), &Target::default()).await.unwrap_err();
    assert!(matches!(&error, ResolveError::Http(HttpError::Offline { .. })), "{error:?}");
    assert_eq!(index.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn credentials_reach_the_index_and_nothing_else() {
    let index = Fake::new(Format::Json)
        .wheel("a-1.0-py3-none-any.whl", "")
        .start_with(|config| {
            config.pypi_index.set_username("me").unwrap();
            config.pypi_index.set_password(Some("p%40ss")).unwrap();
        })
        .await;
    let graph = index.pypi.resolve(&ranges(&["a>=1"]), &Target::default()).await.unwrap();
    // base64 of `me:p@ss`
    assert_eq!(
        index.requests(),
        ["GET /simple/a/ Basic bWU6cEBzcw==", "GET /files/a-1.0-py3-none-any.whl.metadata Basic bWU6cEBzcw=="]
    );
    assert!(graph.packages[0].release.distributions[0].url.starts_with("http://127.0.0.1:"));
    let error = resolved(&index.again(|config| config.pypi_json.set_path("/")), &["nosuch>=1"]).await;
    assert!(!error.contains("p%40ss") && !error.contains("p@ss"), "{error}");
}

#[tokio::test]
async fn lockfiles_are_looked_up_for_the_target() {
    let index = Fake::new(Format::Json)
        .wheel("a-1.0-py3-none-any.whl", "Requires-Dist: not-asked-for")
        .wheel("b-1.0-py3-none-any.whl", "")
        .wheel("b-2.0-py3-none-any.whl", "")
        .yanked("y-1.0-py3-none-any.whl", "old")
        .wheel("w-1.0-py3-none-any.whl", "")
        .wheel("under-1.0-py3-none-any.whl", "")
        .start()
        .await;
    let package = |id: &str, marker: Option<&str>| LockedPackage {
        id: format!("pypi:{id}").parse().unwrap(),
        pinned: Vec::new(),
        dev: false,
        optional: false,
        marker: marker.map(str::to_owned),
        os: Vec::new(),
        cpu: Vec::new(),
        libc: Vec::new(),
        at: Location { file: "uv.lock".to_owned(), line: 9 },
    };
    let edge = |from: Option<usize>, to: usize, spec: &str, marker: Option<&str>| LockedEdge {
        from,
        to,
        spec: spec.to_owned(),
        marker: marker.map(str::to_owned),
    };
    let packages = vec![
        package("a@1.0", None),
        package("b@1.0", None),
        package("w@1.0", Some("sys_platform == 'win32'")),
        package("y@1.0", None),
        package("gone@1.0", None),
        package("b@9.0", None),
        package("under@1.0", None),
    ];
    let edges = vec![
        edge(None, 0, ">=1", None),
        edge(Some(0), 1, "<2", None),
        edge(Some(0), 2, "==1.0", None),
        edge(Some(1), 3, "==1.0", Some("python_version >= '3.8'")),
        edge(None, 4, "==1.0", None),
        edge(Some(0), 5, "==9.0", Some("python_version < '3'")),
        edge(Some(4), 6, "==1.0", None),
    ];
    let lock = manifest(&["a>=1"], ManifestSource::Locked { packages, edges });
    let graph = index.pypi.resolve(&lock, &Target::default()).await.unwrap();
    insta::assert_snapshot!(shown(&graph), @r##"
    a 1.0 DIRECT < project `>=1` at 1 | a-1.0-py3-none-any.whl
    under 1.0 DIRECT < project `==1.0` at 9 | under-1.0-py3-none-any.whl
    b 1.0 TRANSITIVE_L1 < a `<2` | b-1.0-py3-none-any.whl
    y 1.0 TRANSITIVE_L2 < b `==1.0` | y-1.0-py3-none-any.whl yanked: old
    ? gone `==1.0` UnknownPackage < project `==1.0` at 9 | the index has no package named gone
    - b ==9.0 (only if python_version < '3', not for Python 3.12 on linux-x64)
    - w ==1.0 (only if sys_platform == 'win32', not for Python 3.12 on linux-x64)
    "##);
    let graph = index.pypi.resolve(&lock, &target("3.12", "windows-x64")).await.unwrap();
    assert!(graph.packages.iter().any(|package| package.id.name().as_str() == "w"));
}

#[tokio::test]
async fn hostile_markers_of_a_lockfile_keep_their_package() {
    let index = Fake::new(Format::Json).wheel("a-1.0-py3-none-any.whl", "").start().await;
    for marker in ["(".repeat(2_000_000), "(')'==os_name and ".repeat(100_000)] {
        let at = Location { file: "pylock.toml".to_owned(), line: 9 };
        let package = LockedPackage {
            id: "pypi:a@1.0".parse().unwrap(),
            pinned: Vec::new(),
            dev: false,
            optional: false,
            marker: Some(marker.clone()),
            os: Vec::new(),
            cpu: Vec::new(),
            libc: Vec::new(),
            at,
        };
        let edge = LockedEdge { from: None, to: 0, spec: "==1.0".to_owned(), marker: Some(marker) };
        let lock = manifest(&["a>=1"], ManifestSource::Locked { packages: vec![package], edges: vec![edge] });
        let graph = index.pypi.resolve(&lock, &Target::default()).await.unwrap();
        assert_eq!(shown(&graph), "a 1.0 DIRECT < project `==1.0` at 1 | a-1.0-py3-none-any.whl\n");
    }
}

#[tokio::test]
async fn advisories_are_listed_none_or_unavailable() {
    let index = Fake::new(Format::Json)
        .answer(
            "/pypi/a/1.0/json",
            200,
            "application/json",
            br#"{"vulnerabilities": [{"id": "PYSEC-1", "fixed_in": ["1.1"]}]}"#,
        )
        .answer("/pypi/b/1.0/json", 200, "application/json", br#"{"info": {}, "vulnerabilities": []}"#)
        .answer("/pypi/c/1.0/json", 200, "text/html", b"<html>")
        .answer("/pypi/d/1.0/json", 405, "text/plain", b"")
        .start()
        .await;
    let base = index.config.pypi_json.to_string();
    let mut out = String::new();
    for name in ["a", "b", "c", "d", "e"] {
        let id = format!("pypi:{name}@1.0").parse().unwrap();
        let snapshot = index.pypi.advisories(&id, Timestamp::from_millis(0)).await;
        assert_eq!(snapshot.queried_at, Timestamp::from_millis(0));
        let _ = match snapshot.state {
            AdvisoryState::Listed { advisories } => writeln!(out, "{name}: {} listed", advisories.len()),
            AdvisoryState::Unavailable { reason } => writeln!(out, "{name}: {}", reason.replace(&base, "")),
        };
    }
    insta::assert_snapshot!(out, @r##"
    a: 1 listed
    b: 0 listed
    c: the answer is not release JSON: expected value at line 1 column 1
    d: d/1.0/json answered 405
    e: e/1.0/json answered 404
    "##);
}

#[tokio::test]
async fn the_same_input_gives_the_same_graph() {
    let lines = ["app>=0.5", "left>=1", "nosuch>=1"];
    let mut graphs = Vec::new();
    for format in [Format::Json, Format::Html] {
        let index = Fake::new(format)
            .wheel("app-1.0-py3-none-any.whl", "Requires-Dist: left\nRequires-Dist: right\nRequires-Dist: shared")
            .wheel("left-1.0-py3-none-any.whl", "Requires-Dist: shared>=1")
            .wheel("right-1.0-py3-none-any.whl", "Requires-Dist: shared<2")
            .wheel("shared-1.0-py3-none-any.whl", "")
            .wheel("shared-2.0-py3-none-any.whl", "")
            .start()
            .await;
        for _ in 0..3 {
            graphs.push(resolved(&index.pypi, &lines).await);
        }
        drop(index.cache);
    }
    assert!(graphs[0].contains("shared 1.0 TRANSITIVE_L1 < app ``, left `>=1`, right `<2`"), "{}", graphs[0]);
    assert!(graphs.windows(2).all(|pair| pair[0] == pair[1]));
}
