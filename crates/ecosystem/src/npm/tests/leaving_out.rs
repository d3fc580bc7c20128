//! What the target does not get, what cannot be had, and what a lockfile says of both.

use sigma_core::{ExpectedDigest, HashAlgorithm, Location, LockedEdge, LockedPackage, ManifestSource, Target};

use super::registry::{Fake, manifest};
use super::{check, pretty, shown};

#[tokio::test]
async fn optional_dependencies_may_fail() {
    check(
        "a@1.0.0 opt:gone:^1 opt:b:^9 opt:w:^1\nb@1.0.0\nw@1.0.0 gone2:^1",
        "a:^1 opt:missing:^1",
        "
        a@1.0.0 < project ^1
        EXCLUDED b ^9 (none of the 1 published versions of b fits ^9)
        EXCLUDED gone ^1 (npm knows no package gone)
        EXCLUDED gone2 ^1 (npm knows no package gone2)
        EXCLUDED missing ^1 (npm knows no package missing)
        EXCLUDED w@1.0.0 (needs gone2, which is left out)",
    )
    .await;
}

#[tokio::test]
async fn other_platforms_are_left_out_with_what_only_they_need() {
    check(
        "a@1.0.0 opt:mac:^1 opt:lin:^1\nmac@1.0.0 os:darwin below:^1\nbelow@1.0.0\nlin@1.0.0 os:linux",
        "a:^1",
        "
        a@1.0.0 < project ^1
        lin@1.0.0 < a ^1
        EXCLUDED below@1.0.0 (only needed by what is left out)
        EXCLUDED mac@1.0.0 (os darwin)",
    )
    .await;
    check(
        "mac@1.0.0 os:darwin",
        "mac:^1",
        "
        mac@1.0.0 < project ^1
        UNRESOLVED NoDistribution mac 1.0.0 < package.json:1: it is not made for linux-x64: os darwin",
    )
    .await;
}

#[tokio::test]
async fn bundled_dependencies_come_with_the_parent() {
    check(
        "a@1.0.0 bundle:b:^1 c:^1\nc@1.0.0",
        "a:^1",
        "
        a@1.0.0 < project ^1
        c@1.0.0 < a ^1
        EXCLUDED b ^1 (bundled inside a@1.0.0)",
    )
    .await;
}

#[tokio::test]
async fn what_cannot_be_had_is_unresolved_and_the_rest_is_not_lost() {
    check("a@1.0.0 b:github:x/y c:^1\nc@1.0.0 d:^7 opt:e:file:../e\nd@1.0.0", "nowhere:^1 a:^1", "
        a@1.0.0 < project ^1
        c@1.0.0 < a ^1
        UNRESOLVED UnknownPackage nowhere ^1 < package.json:1: npm knows no package nowhere
        UNRESOLVED NotPublic b github:x/y < a: it comes from git, a URL or a path instead of the public registry, and cannot be certified
        UNRESOLVED NoMatchingVersion d ^7 < c: none of the 1 published versions of d fits ^7
        UNRESOLVED NotPublic e file:../e < c: it comes from git, a URL or a path instead of the public registry, and cannot be certified").await;
}

#[tokio::test]
async fn a_lockfile_is_followed_and_keeps_its_digests() {
    let fake = Fake::start("a@1.0.0\na@1.1.0\nmac@1.0.0 os:darwin\nb@1.0.0", &[]).await;
    let pinned = ExpectedDigest::new(HashAlgorithm::Sha512, vec![1; 64]).unwrap();
    let locked = |id: &str, optional| LockedPackage {
        id: id.parse().unwrap(),
        pinned: vec![pinned.clone()],
        dev: false,
        optional,
        marker: None,
        os: Vec::new(),
        cpu: Vec::new(),
        libc: Vec::new(),
        at: Location { file: "package-lock.json".to_owned(), line: 1 },
    };
    let edge = |from, to| LockedEdge { from, to, spec: "^1".to_owned(), marker: None };
    let mut manifest = manifest("a:^1", None);
    manifest.source = ManifestSource::Locked {
        packages: vec![
            locked("npm:a@1.0.0", false),
            locked("npm:mac@1.0.0", true),
            locked("npm:b@9.9.9", false),
            locked("npm:gone@1.0.0", false),
        ],
        edges: vec![edge(None, 0), edge(Some(0), 1), edge(Some(0), 2), edge(Some(2), 3), edge(Some(77), 99)],
    };
    let graph = fake.npm.resolve(&manifest, &Target::default()).await.unwrap();
    pretty(
        &shown(&graph),
        "a@1.0.0 < project ^1\n\
         UNRESOLVED NoMatchingVersion b 9.9.9 < a: b has no published version 9.9.9\n\
         UNRESOLVED UnknownPackage gone 1.0.0 < b: npm knows no package gone\n\
         EXCLUDED mac@1.0.0 (os darwin)",
    );
    assert_eq!(graph.packages[0].pinned, [pinned]);
}
