//! The whole of npm's half against a registry on loopback.

mod registry;

use sigma_core::{
    AdvisoryState, ExpectedDigest, Graph, HashAlgorithm, Location, LockedEdge, LockedPackage, ManifestSource,
    PackageId, Target, Timestamp,
};

use self::registry::{Fake, client, manifest};

fn shown(graph: &Graph) -> String {
    let packages = graph.packages.iter().map(|package| {
        let parents = package.parents.iter().map(|parent| {
            let from = parent.package.as_ref().map_or("project".to_owned(), |id| id.name().to_string());
            format!("{from} {}", parent.spec)
        });
        format!("{}@{} < {}", package.id.name(), package.id.version(), parents.collect::<Vec<_>>().join(", "))
    });
    let unresolved = graph.unresolved.iter().map(|unresolved| {
        let parents = unresolved.parents.iter().map(|parent| match (&parent.package, &parent.at) {
            (Some(id), _) => id.name().to_string(),
            (None, Some(at)) => at.to_string(),
            (None, None) => "project".to_owned(),
        });
        let parents: Vec<String> = parents.collect();
        format!(
            "UNRESOLVED {:?} {} {} < {}: {}",
            unresolved.reason,
            unresolved.name,
            unresolved.spec,
            parents.join(", "),
            unresolved.detail.replace('\n', "; ")
        )
    });
    let excluded = graph.excluded.iter().map(|excluded| format!("EXCLUDED {excluded}"));
    packages.chain(unresolved).chain(excluded).collect::<Vec<_>>().join("\n")
}

/// Resolves `declared` against `packages`.
async fn check(packages: &str, declared: &str, expect: &str) {
    check_overridden(packages, declared, None, expect).await;
}

async fn check_overridden(packages: &str, declared: &str, overrides: Option<&str>, expect: &str) {
    let fake = Fake::start(packages, &[]).await;
    let graph = fake.npm.resolve(&manifest(declared, overrides), &Target::default()).await.unwrap();
    let expect: Vec<&str> = expect.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    pretty(&shown(&graph), &expect.join("\n"));
}

fn pretty(got: &str, expect: &str) {
    assert!(got == expect, "got:\n{got}\nexpected:\n{expect}");
}

#[tokio::test]
async fn what_fits_at_the_top_is_shared() {
    check(
        "a@1.0.0 c:^1\nb@1.0.0 c:^1.0.0\nc@1.0.0\nc@1.2.0\nc@2.0.0",
        "a:^1 b:^1",
        "
        a@1.0.0 < project ^1
        b@1.0.0 < project ^1
        c@1.2.0 < a ^1, b ^1.0.0",
    )
    .await;
}

#[tokio::test]
async fn what_conflicts_is_nested() {
    check(
        "a@1.0.0 c:^1\nb@1.0.0 c:^2\nc@1.0.0\nc@2.0.0",
        "a:^1 b:^1",
        "
        a@1.0.0 < project ^1
        b@1.0.0 < project ^1
        c@1.0.0 < a ^1
        c@2.0.0 < b ^2",
    )
    .await;
}

#[tokio::test]
async fn a_version_that_is_there_is_used_although_a_newer_one_exists() {
    check(
        "a@1.0.0 c:1.0.0\nb@1.0.0 c:^1\nc@1.0.0\nc@1.5.0",
        "a:^1 b:^1",
        "
        a@1.0.0 < project ^1
        b@1.0.0 < project ^1
        c@1.0.0 < a 1.0.0, b ^1",
    )
    .await;
}

#[tokio::test]
async fn cycles_end() {
    check(
        "a@1.0.0 b:^1\na@2.0.0 b:^2\nb@1.0.0 a:^2\nb@2.0.0 a:^1",
        "a:^1",
        "
        a@1.0.0 < project ^1, b ^1
        b@1.0.0 < a ^1
        a@2.0.0 < b ^2
        b@2.0.0 < a ^2",
    )
    .await;
}

#[tokio::test]
async fn peers_are_installed_and_agree_with_the_project() {
    check(
        "ui@1.0.0 peer:core:^1||^2\ncore@1.0.0\ncore@2.0.0",
        "ui:^1",
        "
        core@2.0.0 < ui ^1||^2
        ui@1.0.0 < project ^1"
            .replace(
                "core@2.0.0 < ui ^1||^2\n        ui@1.0.0 < project ^1",
                "ui@1.0.0 < project ^1\n        core@2.0.0 < ui ^1||^2",
            )
            .as_str(),
    )
    .await;
    check(
        "ui@1.0.0 peer:core:^1||^2\ncore@1.0.0\ncore@2.0.0",
        "ui:^1 core:^1",
        "
        core@1.0.0 < project ^1, ui ^1||^2
        ui@1.0.0 < project ^1",
    )
    .await;
    check("ui@1.0.0 maypeer:core:^1\ncore@1.0.0", "ui:^1", "ui@1.0.0 < project ^1").await;
}

#[tokio::test]
async fn a_peer_conflict_of_the_project_is_unresolved_and_one_below_it_is_nested() {
    check(
        "ui@1.0.0 peer:core:^1\ncore@1.0.0\ncore@2.0.0\nother@1.0.0",
        "ui:^1 core:^2 other:*",
        "
        core@2.0.0 < project ^2, ui ^1
        other@1.0.0 < project *
        ui@1.0.0 < project ^1
        UNRESOLVED Conflict core ^1 < ui: ui@1.0.0 asks for core@^1; but core@2.0.0 is there",
    )
    .await;
    check(
        "app@1.0.0 ui:^1 core:^2\nui@1.0.0 peer:core:^1\ncore@1.0.0\ncore@2.0.0",
        "app:^1",
        "
        app@1.0.0 < project ^1
        core@2.0.0 < app ^2
        ui@1.0.0 < app ^1
        core@1.0.0 < ui ^1",
    )
    .await;
}

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
async fn aliases_install_another_package() {
    check(
        "a@1.0.0 old:npm:c@^1\nc@1.0.0\nc@2.0.0",
        "a:^1 new=c:^2",
        "
        a@1.0.0 < project ^1
        c@2.0.0 < project npm:c@^2
        c@1.0.0 < a npm:c@^1",
    )
    .await;
}

#[tokio::test]
async fn overrides_replace_what_packages_ask_for() {
    let packages = "a@1.0.0 b:^1 c:^1\nb@1.0.0 c:^1\nc@1.0.0\nc@2.0.0\nc@3.0.0";
    check_overridden(
        packages,
        "a:^1",
        Some(r#"{"c":"2.0.0"}"#),
        "
        a@1.0.0 < project ^1
        b@1.0.0 < a ^1
        c@2.0.0 < a ^1, b ^1",
    )
    .await;
    check_overridden(
        packages,
        "a:^1",
        Some(r#"{"b":{"c":"3"}}"#),
        "
        a@1.0.0 < project ^1
        b@1.0.0 < a ^1
        c@1.0.0 < a ^1
        c@3.0.0 < b ^1",
    )
    .await;
    check_overridden(
        packages,
        "a:^1 c:^2",
        Some(r#"{"c":"$c"}"#),
        "
        a@1.0.0 < project ^1
        c@2.0.0 < project ^2, a ^1, b ^1
        b@1.0.0 < a ^1",
    )
    .await;
    check_overridden(
        packages,
        "a:^1",
        Some(r#"{"c@1":"3.0.0"}"#),
        "
        a@1.0.0 < project ^1
        b@1.0.0 < a ^1
        c@3.0.0 < a ^1, b ^1",
    )
    .await;
    check_overridden(
        packages,
        "c:^1",
        Some(r#"{"c":"2.0.0"}"#),
        "
        c@2.0.0 < project ^1
        UNRESOLVED Conflict c 2.0.0 < package.json:1: the override to 2.0.0 conflicts with the direct dependency",
    )
    .await;
}

#[tokio::test]
async fn versions_are_chosen_as_npm_chooses() {
    check(
        "a@1.0.0 b:next\nb@1.0.0\nb@2.0.0-rc.1 tag:next",
        "a:^1",
        "
        a@1.0.0 < project ^1
        b@2.0.0-rc.1 < a next",
    )
    .await;
    check("a@1.0.0\na@1.1.0 deprecated", "a:^1", "a@1.0.0 < project ^1").await;
    check("a@1.2.0 tag:next\na@1.1.0", "a:^1", "a@1.1.0 < project ^1").await;
    check("a@2.0.0-rc.1 tag:next\na@1.1.0", "a:>=1", "a@1.1.0 < project >=1").await;
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
async fn a_registry_that_fails_is_an_error_and_never_a_smaller_graph() {
    let answers = [
        ("/broken", 500, "sorry"),
        ("/html", 200, "<html>"),
        ("/half", 200, r#"{"name":"half","versions":{"1.0.0""#),
        ("/thief", 200, r#"{"name":"victim","versions":{}}"#),
    ];
    let fake = Fake::start("ok@1.0.0", &answers).await;
    for (name, expect) in [
        ("broken", "answered 500"),
        ("html", "answered something else than a packument: expected value"),
        ("half", "answered something else than a packument: EOF"),
        ("thief", "got a packument of `victim`, expected one of `thief`"),
    ] {
        let error = fake.resolve(&format!("ok:^1 {name}:^1")).await.unwrap_err().to_string();
        assert!(error.contains(expect), "{error}");
    }
    let mut config = fake.config.clone();
    config.npm_registry = "http://127.0.0.1:9/".parse().unwrap();
    let error = client(&config).resolve(&manifest("ok:^1", None), &Target::default()).await.unwrap_err().to_string();
    assert!(error.contains("cannot be reached"), "{error}");
}

#[tokio::test]
async fn answers_are_cached_and_asked_again_with_their_tag() {
    let fake = Fake::start("@s/a@1.0.0", &[]).await;
    let first = fake.resolve("@s/a:^1").await.unwrap();
    assert_eq!(fake.requests(), ["/@s%2Fa"]);
    assert_eq!(fake.resolve("@s/a:^1").await.unwrap(), first);
    assert!(fake.requests().is_empty());
    let mut files: Vec<_> = std::fs::read_dir(fake.config.cache_dir.join("npm")).unwrap().collect();
    let folder = files.pop().unwrap().unwrap().path();
    let file = folder.join("@s%2Fa.json");
    let text = std::fs::read_to_string(&file).unwrap();
    let (_, packument) = text.split_once('\n').unwrap();
    std::fs::write(&file, format!("{{\"fetched_at\":1,\"etag\":\"\\\"tag\\\"\"}}\n{packument}")).unwrap();
    let mut offline = fake.config.clone();
    offline.offline = true;
    let graph = client(&offline).resolve(&manifest("@s/a:^1", None), &Target::default()).await.unwrap();
    assert_eq!(graph, first);
    assert_eq!(fake.resolve("@s/a:^1").await.unwrap(), first);
    assert_eq!(fake.requests(), ["/@s%2Fa if changed"]);
    std::fs::write(&file, "{\"fetched_at\":99999999999}\n{half").unwrap();
    assert_eq!(fake.resolve("@s/a:^1").await.unwrap(), first);
    assert_eq!(fake.requests(), ["/@s%2Fa"]);
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

#[tokio::test]
async fn a_release_is_its_tarball_with_all_digests() {
    let fake = Fake::start("@s/a@1.0.0 deprecated", &[]).await;
    let graph = fake.npm.resolve(&manifest("@s/a:1.0.0", None), &Target::default()).await.unwrap();
    let release = &graph.packages[0].release;
    let tarball = &release.distributions[0];
    assert_eq!(tarball.filename, "a-1.0.0.tgz");
    assert!(tarball.url.ends_with("/@s/a/-/a-1.0.0.tgz"), "{}", tarball.url);
    let algorithms: Vec<&str> = tarball.published.iter().map(|digest| digest.algorithm().as_str()).collect();
    assert_eq!(algorithms, ["sha512", "sha1"]);
    assert_eq!(release.deprecated.as_deref(), Some("use\\u{1b} another"));
}

#[tokio::test]
async fn advisories_are_listed_or_unavailable_but_never_guessed() {
    let bulk = "/-/npm/v1/security/advisories/bulk";
    let body = r#"{"a":[{"id":1,"url":"https://github.com/advisories/GHSA-aaaa-bbbb-cccc","title":"Bad\u001b","severity":"high",
        "vulnerable_versions":"<2.0.0","cves":["CVE-2020-1"]},{"id":2,"title":"Old","severity":"?","vulnerable_versions":"<1.0.0"}]}"#;
    let ids: Vec<PackageId> =
        ["npm:b@1.0.0", "npm:a@1.0.0", "npm:a@2.0.0"].iter().map(|id| id.parse().unwrap()).collect();
    let now = Timestamp::from_millis(5);
    let fake = Fake::start("", &[(bulk, 200, body)]).await;
    let snapshots = fake.npm.advisories(&ids, now).await;
    assert_eq!(snapshots.len(), 3);
    assert_eq!(snapshots[0].listed(), Some(&[][..]));
    let listed = snapshots[1].listed().unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].id, "GHSA-aaaa-bbbb-cccc");
    assert_eq!(listed[0].aliases, ["CVE-2020-1", "npm:1"]);
    assert_eq!(listed[0].title, "Bad\\u{1b}");
    assert_eq!(snapshots[2].listed(), Some(&[][..]));
    for (status, body) in [(404, ""), (405, ""), (500, ""), (200, "<html>"), (200, "[]"), (200, r#"{"a":{}}"#)] {
        let fake = Fake::start("", &[(bulk, status, body)]).await;
        let snapshots = fake.npm.advisories(&ids, now).await;
        assert_eq!(snapshots.len(), 3);
        for snapshot in snapshots {
            assert_eq!(snapshot.queried_at, now);
            assert!(
                matches!(snapshot.state, AdvisoryState::Unavailable { ref reason } if !reason.is_empty()),
                "{status} {body}"
            );
        }
    }
}

#[tokio::test]
async fn many_peers_that_want_each_other_do_not_hang() {
    let names: Vec<String> = (0..14).map(|at| format!("p{at}")).collect();
    let lines: Vec<String> = names
        .iter()
        .map(|name| {
            let peers = names.iter().filter(|other| *other != name).map(|other| format!("peer:{other}:1"));
            format!("{name}@1.0.0 {}", peers.collect::<Vec<_>>().join(" "))
        })
        .collect();
    let fake = Fake::start(&lines.join("\n"), &[]).await;
    let outcome = tokio::time::timeout(std::time::Duration::from_secs(60), fake.resolve("p0:1")).await.unwrap();
    match outcome {
        Ok(graph) => assert_eq!(graph.packages.len(), names.len()),
        Err(error) => assert!(error.to_string().contains("takes more than"), "{error}"),
    }
}
