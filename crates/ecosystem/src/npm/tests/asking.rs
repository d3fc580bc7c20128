//! The registry's answers: good, bad, cached, and what a release and advisories are made of.

use sigma_core::{AdvisoryState, PackageId, Target, Timestamp};

use super::registry::{Fake, client, manifest};

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
