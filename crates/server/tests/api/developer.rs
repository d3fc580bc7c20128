//! The developer API as its callers meet it, and as those who would like to be somebody else do.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};
use sigma_analysis::{Analyser, Limits};
use sigma_certificate::Action;
use sigma_core::{PackageId, Timestamp};
use sigma_ecosystem::manifest::ReadOptions;
use sigma_ecosystem::{EcosystemConfig, Ecosystems};
use sigma_pipeline::{Hall, HallConfig, ReviewRooms, Worker, WorkerConfig};
use sigma_server::{AuditsConfig, Developer, ServerConfig};
use sigma_store::{NewDecision, NewJob, Scope, Secret, Token};
use sigma_testkit::{FakeEcosystem, Misbehaviour, Wheel};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use url::Url;

use crate::support::{Got, TestApp, config};

const BASE: &str = "/api/v1/sigma/dev";

pub struct Scene {
    pub app: TestApp,
    pub eco: FakeEcosystem,
    hall: Hall,
}

impl Scene {
    pub async fn new() -> Self {
        Self::with(config(), 1_000).await
    }

    pub async fn with(config: ServerConfig, most_open: u32) -> Self {
        Self::reviewing(config, most_open, ReviewRooms::default()).await
    }

    /// A scene that also takes repositories in.
    pub async fn reviewing(config: ServerConfig, most_open: u32, review: ReviewRooms) -> Self {
        Self::open(config, most_open, AuditsConfig::default(), review).await
    }

    pub async fn capped(caps: AuditsConfig) -> Self {
        Self::open(config(), 1_000, caps, ReviewRooms::default()).await
    }

    async fn open(config: ServerConfig, most_open: u32, caps: AuditsConfig, mut review: ReviewRooms) -> Self {
        let eco = FakeEcosystem::start();
        let url = |text: String| Url::parse(&text).unwrap();
        let mut made = None;
        let app = TestApp::start(config, None, |app, store, folder, clock| {
            let ecosystems = Ecosystems::new(EcosystemConfig {
                pypi_index: url(eco.pypi.index_url()),
                pypi_json: url(eco.pypi.json_url()),
                npm_registry: url(eco.npm.registry_url()),
                first_pause: Duration::from_millis(5),
                ..EcosystemConfig::official(folder.join("cache"))
            });
            let analyser = Analyser::new(Limits::default());
            let hall = Hall::new(ecosystems.unwrap(), store.clone(), analyser, clock.clone(), HallConfig::default());
            let mut read = ReadOptions::default();
            read.pypi_indexes.push(url(eco.pypi.index_url()));
            review.read = read.clone();
            let hall = hall.unwrap().with_review(review);
            app.open_developer_plane(Developer { hall: hall.clone(), read, wake: None, most_open, caps });
            made = Some(hall);
        })
        .await;
        Self { app, eco, hall: made.unwrap() }
    }

    pub async fn token(&self, owner: &str, scopes: &[Scope]) -> String {
        let mut random = [0; 32];
        random[..owner.len()].copy_from_slice(owner.as_bytes());
        random[31] = scopes.len() as u8;
        let secret = Secret::of(*sigma_core::Sha256::of(&random).as_bytes());
        let now = self.app.clock.load(Ordering::SeqCst);
        let token = Token {
            prefix: secret.prefix().to_owned(),
            scopes: scopes.iter().copied().collect::<BTreeSet<_>>(),
            owner: owner.to_owned(),
            created_at: Timestamp::from_millis(now),
            expires_at: Timestamp::from_millis(now + 60_000),
            revoked_at: None,
            last_used_at: None,
        };
        assert!(self.app.store.add_token(&secret, &token).await.unwrap());
        secret.expose().to_owned()
    }

    pub async fn work(&self) {
        let config = WorkerConfig { poll_millis: 10, ..WorkerConfig::default() };
        Worker::new(self.hall.clone(), "test", config).run_until_idle(std::future::pending()).await;
    }

    pub async fn ask(&self, token: &str, method: &str, path: &str, body: Option<&Value>) -> Got {
        self.ask_with(token, method, path, body, &[]).await
    }

    pub async fn ask_with(
        &self,
        token: &str,
        method: &str,
        path: &str,
        body: Option<&Value>,
        more: &[(&str, &str)],
    ) -> Got {
        let bearer = format!("Bearer {token}");
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend(body.map(|_| ("content-type", "application/json")));
        headers.extend(more);
        let body = body.map(Value::to_string).unwrap_or_default();
        self.app.send(method, &format!("{BASE}{path}"), &headers, body.as_bytes()).await
    }

    pub async fn draft(&self, token: &str, requirements: &str) -> String {
        let got = self.ask(token, "POST", "/drafts", Some(&json!({"files": {"requirements.txt": requirements}}))).await;
        assert_eq!(got.status, 201, "{}", got.text());
        got.json()["draftId"].as_str().unwrap().to_owned()
    }

    pub fn publish(&self) {
        let pure = |name: &str| Wheel::new(name, "1.0").file(&format!("{name}/__init__.py"), "VALUE = 1\n");
        self.eco.pypi.add(pure("leaf").build());
        self.eco.pypi.add(pure("demo").requires("leaf").build());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn from_a_draft_to_its_end() {
    let scene = Scene::new().await;
    scene.publish();
    let ann = scene.token("ann", &[Scope::Read, Scope::Submit]).await;
    let draft = scene.draft(&ann, "demo==1.0\nghost==1.0\n./local\n").await;

    let preview = scene.ask(&ann, "POST", &format!("/drafts/{draft}/package-preview"), None).await;
    insta::assert_json_snapshot!(preview.json(), @r#"
    {
      "enabled": true,
      "items": [
        {
          "cached": false,
          "dependencyType": "DIRECT",
          "estimatedComplexityTier": null,
          "estimatedPriceUsd": 0,
          "packageName": "demo",
          "packageVersion": "1.0",
          "registrySource": "pypi",
          "status": "UNCERTIFIED",
          "warnings": [
            {
              "code": "not-audited",
              "distribution": null,
              "evidence": null,
              "location": "requirements.txt:1",
              "message": "not audited, because the submission stops",
              "severity": "INFO"
            }
          ]
        },
        {
          "cached": false,
          "dependencyType": "DIRECT",
          "estimatedComplexityTier": null,
          "estimatedPriceUsd": 0,
          "packageName": "ghost",
          "packageVersion": null,
          "registrySource": "pypi",
          "status": "UNCERTIFIED",
          "warnings": [
            {
              "code": "not-certifiable",
              "distribution": null,
              "evidence": null,
              "location": "requirements.txt:2",
              "message": "could not be resolved (requirements.txt:2): the index has no package named ghost",
              "severity": "HIGH"
            }
          ]
        },
        {
          "cached": false,
          "dependencyType": "DIRECT",
          "estimatedComplexityTier": null,
          "estimatedPriceUsd": 0,
          "packageName": "./local",
          "packageVersion": null,
          "registrySource": "pypi",
          "status": "REJECTED",
          "warnings": [
            {
              "code": "not-eligible",
              "distribution": null,
              "evidence": null,
              "location": null,
              "message": "local path at requirements.txt:3: publish it and name a release on PyPI, or submit the code itself for review",
              "severity": "HIGH"
            },
            {
              "code": "stops-submission",
              "distribution": null,
              "evidence": null,
              "location": null,
              "message": "./local is what stops the submission: nothing is audited, and nothing is owed",
              "severity": "CRITICAL"
            }
          ]
        }
      ],
      "packagesCertifiedFromCache": 0,
      "packagesRejected": 1,
      "packagesToAudit": 0,
      "packagesTotal": 3,
      "packagesUncertified": 2,
      "savingsUsd": 0,
      "transitiveDependenciesChecked": 1,
      "transitiveDependenciesUncertified": 1,
      "uncachedCostUsd": 0
    }
    "#);
    let draft = scene.draft(&ann, "demo==1.0\n").await;
    let quote = scene.ask(&ann, "GET", &format!("/drafts/{draft}/quote"), None).await.json();
    assert_eq!((&quote["totalUsd"], &quote["savingsUsd"]), (&json!(4), &json!(0)));
    assert_eq!(quote["lines"].as_array().unwrap().len(), 2);

    let submit = format!("/drafts/{draft}/submit");
    let got = scene.ask(&ann, "POST", &submit, None).await;
    assert_eq!((got.status, got.code().as_str()), (400, "invalid-header"));
    let key = [("idempotency-key", "5f1c")];
    let first = scene.ask_with(&ann, "POST", &submit, None, &key).await;
    let second = scene.ask_with(&ann, "POST", &submit, None, &key).await;
    assert_eq!((first.status, second.status), (202, 202));
    assert_eq!(first.json()["submissionId"], second.json()["submissionId"]);
    let other = scene.draft(&ann, "leaf==1.0\n").await;
    let got = scene.ask_with(&ann, "POST", &format!("/drafts/{other}/submit"), None, &key).await;
    assert_eq!((got.status, got.code().as_str()), (409, "conflict"));

    let at = first.header("location").strip_prefix(BASE).unwrap().to_owned();
    assert_eq!(scene.ask(&ann, "GET", &at, None).await.json()["state"], "queued");
    // A live view that is opened before anything happens sees everything, and ends with the submission.
    let live = format!("{at}/events");
    let (live, ()) = tokio::join!(scene.ask(&ann, "GET", &live, None), scene.work());
    assert_eq!(live.header("content-type"), "text/event-stream");
    let live = live.text();
    let kinds: Vec<&str> = live.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    assert_eq!(kinds, ["queued", "planned", "package", "package", "ended"], "{live}");
    let later = scene.ask_with(&ann, "GET", &format!("{at}/events"), None, &[("last-event-id", "4")]).await.text();
    assert_eq!(later.matches("event: ").count(), 1, "{later}");

    let done = scene.ask(&ann, "GET", &at, None).await.json();
    assert_eq!((&done["state"], &done["isFinal"]), (&json!("cleared"), &json!(true)));
    assert_eq!(done["result"]["packageAnalysis"]["summary"]["packagesAudited"], 1);
    let history = scene.ask(&ann, "GET", &format!("{at}/history?after=1"), None).await.json();
    assert_eq!(history["items"].as_array().unwrap().len(), 4);
    let list = scene.ask(&ann, "GET", "/submissions?limit=1", None).await.json();
    assert_eq!(list["items"][0]["submissionId"], done["submissionId"]);
    assert_eq!(list["nextCursor"], Value::Null);

    let preview = scene.ask(&ann, "POST", &format!("/drafts/{draft}/package-preview"), None).await.json();
    let expect = json!({"packagesCertifiedFromCache": 1, "packagesToAudit": 0, "savingsUsd": 4, "uncachedCostUsd": 0});
    for (name, value) in expect.as_object().unwrap() {
        assert_eq!(&preview[name], value, "{name}");
    }
    assert_eq!(scene.ask(&ann, "DELETE", &format!("/drafts/{draft}"), None).await.status, 204);
    assert_eq!(scene.ask(&ann, "GET", &format!("/drafts/{draft}"), None).await.status, 404);
    let totals = scene.app.store.totals().await.unwrap();
    assert_eq!((totals.submissions, totals.saved_usd), (1, 0));
}

/// What is certain to stop has no audit, and so costs nothing: preview and quote say so, and the submission then does as they said.
#[tokio::test(flavor = "multi_thread")]
async fn a_draft_that_will_stop_is_told_so_and_costs_nothing() {
    let scene = Scene::new().await;
    scene.publish();
    scene.eco.pypi.add(Wheel::new("other", "1.0").file("other/__init__.py", "VALUE = 1\n").build());
    let ann = scene.token("ann", &[Scope::Read, Scope::Submit]).await;
    let first = scene.draft(&ann, "demo==1.0\n").await;
    let submit = async |draft: &str, key: &str| {
        let key = [("idempotency-key", key)];
        let got = scene.ask_with(&ann, "POST", &format!("/drafts/{draft}/submit"), None, &key).await;
        scene.work().await;
        let at = got.header("location").strip_prefix(BASE).unwrap().to_owned();
        scene.ask(&ann, "GET", &at, None).await.json()
    };
    assert_eq!(submit(&first, "1").await["state"], "cleared");
    let preview =
        async |draft: &str| scene.ask(&ann, "POST", &format!("/drafts/{draft}/package-preview"), None).await.json();
    let quote = async |draft: &str| scene.ask(&ann, "GET", &format!("/drafts/{draft}/quote"), None).await.json();
    let figures = |preview: &Value| {
        ["packagesToAudit", "packagesUncertified", "uncachedCostUsd"].map(|name| preview[name].as_u64().unwrap())
    };
    let warnings = |preview: &Value, item: usize| -> Vec<(String, String)> {
        let all = preview["items"][item]["warnings"].as_array().unwrap().iter();
        all.map(|one| (one["code"].as_str().unwrap().to_owned(), one["message"].as_str().unwrap().to_owned())).collect()
    };

    let draft = scene.draft(&ann, "demo==1.0\nother==1.0\n").await;
    assert_eq!(figures(&preview(&draft).await), [1, 0, 2], "nothing stops it yet");
    assert_eq!(quote(&draft).await["stops"], json!([]));
    // An operator blocks what the direct dependency needs.
    let leaf: PackageId = "pypi:leaf@1.0".parse().unwrap();
    let certificate = scene.app.store.certificates_of(&leaf).await.unwrap().remove(0);
    let decision = NewDecision {
        certificate: certificate.id().to_owned(),
        action: Action::Block,
        reason: "it steals".to_owned(),
        operator: "ada".to_owned(),
        at: Timestamp::from_millis(9),
    };
    scene.app.store.decide(&decision).await.unwrap();
    let stopping = preview(&draft).await;
    assert_eq!(figures(&stopping), [0, 1, 0], "{stopping:#}");
    let [demo, other] = [0, 1].map(|item| warnings(&stopping, item));
    let brings =
        "pypi:leaf@1.0 stops the submission, and is needed by this package: nothing is audited, and nothing is owed";
    assert_eq!(demo, [("stops-submission".to_owned(), brings.to_owned())]);
    assert_eq!(other, [("not-audited".to_owned(), "not audited, because the submission stops".to_owned())]);
    let said = quote(&draft).await;
    assert_eq!((&said["totalUsd"], &said["notAudited"]), (&json!(0), &json!(1)), "{said:#}");
    let why = "pypi:leaf@1.0 (TRANSITIVE_L1) is BLOCKED by an operator: it steals";
    assert_eq!(said["stops"], json!([why]));
    let ended = submit(&draft, "2").await;
    assert_eq!((&ended["state"], &ended["result"]["reasons"]), (&json!("stopped"), &json!([why])), "{ended:#}");
    assert!(scene.app.store.certificates_of(&"pypi:other@1.0".parse().unwrap()).await.unwrap().is_empty());

    // The same where it is a direct dependency itself, and where a declaration is refused.
    let draft = scene.draft(&ann, "leaf==1.0\nother==1.0\n").await;
    let direct = preview(&draft).await;
    assert_eq!(figures(&direct), [0, 1, 0], "{direct:#}");
    // The row of the one that is BLOCKED says so, and is counted as what it is.
    assert_eq!((&direct["items"][0]["status"], &direct["items"][0]["cached"]), (&json!("REJECTED"), &json!(true)));
    let counted = ["packagesTotal", "packagesCertifiedFromCache", "packagesRejected"].map(|name| &direct[name]);
    assert_eq!(counted, [&json!(2), &json!(0), &json!(1)], "{direct:#}");
    let own = "pypi:leaf@1.0 is what stops the submission: nothing is audited, and nothing is owed";
    assert_eq!(warnings(&direct, 0).last(), Some(&("stops-submission".to_owned(), own.to_owned())));
    let draft = scene.draft(&ann, "other==1.0\n./local\n").await;
    let refused = preview(&draft).await;
    assert_eq!(figures(&refused), [0, 1, 0], "{refused:#}");
    let codes: Vec<String> = warnings(&refused, 1).into_iter().map(|(code, _)| code).collect();
    assert_eq!(codes, ["not-eligible", "stops-submission"]);
    assert_eq!(quote(&draft).await["totalUsd"], 0);
}

/// The server lays the files out to read them; where, is not told.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_told_by_the_names_that_were_sent() {
    let scene = Scene::new().await;
    let ann = scene.token("ann", &[Scope::Submit]).await;
    let check = async |files: Value, expect: &str| {
        let got = scene.ask(&ann, "POST", "/drafts", Some(&json!({ "files": files }))).await;
        assert_eq!((got.status, got.code().as_str()), (400, "invalid-manifest"), "{}", got.text());
        let detail = got.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.starts_with(expect) && !detail.contains("tmp"), "{detail}");
    };
    check(json!({"notes.md": "x"}), "your files: no manifest found").await;
    check(json!({"package.json": "{"}), "package.json").await;
    check(json!({"sub/notes.md": "x"}), "your files: no manifest found").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_somebody_elses_is_not_there() {
    let scene = Scene::new().await;
    scene.publish();
    let (ann, bob) = (
        scene.token("ann", &[Scope::Read, Scope::Submit]).await,
        scene.token("bob", &[Scope::Read, Scope::Submit, Scope::Admin]).await,
    );
    let draft = scene.draft(&ann, "demo==1.0\n").await;
    let key = [("idempotency-key", "k")];
    let submitted = scene.ask_with(&ann, "POST", &format!("/drafts/{draft}/submit"), None, &key).await.json();
    let submission = submitted["submissionId"].as_str().unwrap();
    let never = "a".repeat(32);
    for (method, path, id, none) in [
        ("GET", "/drafts/ID", draft.as_str(), format!("drf_{never}")),
        ("DELETE", "/drafts/ID", &draft, format!("drf_{never}")),
        ("POST", "/drafts/ID/package-preview", &draft, format!("drf_{never}")),
        ("GET", "/drafts/ID/quote", &draft, format!("drf_{never}")),
        ("POST", "/drafts/ID/submit", &draft, format!("drf_{never}")),
        ("GET", "/submissions/ID", submission, format!("sub_{never}")),
        ("GET", "/submissions/ID/history", submission, format!("sub_{never}")),
        ("GET", "/submissions/ID/events", submission, format!("sub_{never}")),
    ] {
        let mut answers = Vec::new();
        for id in [id, &none, "x' OR '1'='1", "%00", "..%2f.."] {
            let path = path.replace("ID", &id.replace(' ', "%20"));
            let got = scene.ask_with(&bob, method, &path, None, &key).await;
            let mut document = got.json();
            document.as_object_mut().unwrap().remove("instance");
            answers.push((got.status, document));
        }
        assert_eq!(answers[0].0, 404, "{method} {path}: {answers:?}");
        assert_eq!(answers[0], answers[1], "{method} {path}");
        assert!(answers.iter().all(|(status, _)| (400..=404).contains(status)), "{method} {path}: {answers:?}");
    }
    assert!(scene.ask(&bob, "GET", "/submissions", None).await.json()["items"].as_array().unwrap().is_empty());
    assert_eq!(scene.ask(&ann, "GET", &format!("/drafts/{draft}"), None).await.status, 200, "it is still there");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_needed_and_allow_what_they_say() {
    let scene = Scene::new().await;
    let reader = scene.token("ann", &[Scope::Read]).await;
    let admin = scene.token("root", &[Scope::Admin, Scope::Submit]).await;
    let files = json!({"files": {"requirements.txt": "demo==1.0\n"}});
    let code = async |headers: &[(&str, &str)]| {
        let got = scene.app.send("GET", &format!("{BASE}/submissions"), headers, b"").await;
        if got.status == 401 {
            assert_eq!(got.header("www-authenticate"), "Bearer realm=\"sigma\"");
        }
        assert!(!got.text().contains("sgm_a"), "no token is repeated: {}", got.text());
        (got.status, if got.status == 200 { String::new() } else { got.code() })
    };
    let unauthorized = (401, "unauthorized".to_owned());
    assert_eq!(code(&[]).await, unauthorized);
    let guess = format!("Bearer {}{}", &reader[..12], "a".repeat(44));
    let basic = format!("Basic {reader}");
    for wrong in ["", "Bearer", "Bearer ", "Bearer sgm_", "Bearer x", guess.as_str(), &basic, &reader] {
        assert_eq!(code(&[("authorization", wrong)]).await, unauthorized, "{wrong}");
    }
    let right = format!("bearer {reader}");
    assert_eq!(code(&[("authorization", &right)]).await.0, 200);

    let got = scene.ask(&reader, "POST", "/drafts", Some(&files)).await;
    assert_eq!((got.status, got.code().as_str()), (403, "missing-scope"));
    let got = scene.ask(&admin, "GET", "/submissions", None).await;
    assert_eq!((got.status, got.code().as_str()), (403, "missing-scope"), "one scope is not another");

    scene.app.store.revoke_token(&admin[..12], Timestamp::from_millis(1)).await.unwrap();
    assert_eq!(scene.ask(&admin, "POST", "/drafts", Some(&files)).await.code(), "unauthorized", "at once");
    scene.app.clock.fetch_add(60_000, Ordering::SeqCst);
    assert_eq!(code(&[("authorization", &right)]).await, unauthorized, "expired");

    let closed = TestApp::new().await;
    let got = closed.send("GET", &format!("{BASE}/submissions"), &[("authorization", &right)], b"").await;
    assert_eq!((got.status, got.code().as_str()), (404, "not-found"), "a server without a developer API");
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_is_slow() {
    let limits = ServerConfig { requests_per_second: 1, burst: 100, ..config() };
    let scene = Scene::with(limits, 1_000).await;
    let mut answers = Vec::new();
    for guess in 0..20_u8 {
        let secret = Secret::of([guess; 32]);
        answers.push(scene.ask(secret.expose(), "GET", "/submissions", None).await.status);
    }
    assert_eq!(answers.iter().filter(|status| **status == 401).count(), 4, "{answers:?}");
    assert_eq!(answers.last(), Some(&429));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_drafts_are_refused_with_a_reason() {
    let scene = Scene::new().await;
    let ann = scene.token("ann", &[Scope::Read, Scope::Submit]).await;
    let long = "#".repeat(9 << 20);
    for (body, status, code) in [
        (json!({}), 400, "invalid-manifest"),
        (json!({"files": {"../x.txt": "a==1"}}), 400, "invalid-manifest"),
        (json!({"files": {"readme.md": "a"}}), 400, "invalid-manifest"),
        (json!({"files": {"package.json": "{"}}), 400, "invalid-manifest"),
        (json!({"files": {"requirements.txt": long}}), 400, "invalid-manifest"),
        (json!({"files": {"requirements.txt": 5}}), 400, "invalid-body"),
        (json!({"files": {"requirements.txt": "a==1"}, "depth": 4}), 400, "invalid-body"),
        (json!({"files": {"requirements.txt": "a==1"}, "transitiveCap": 100_000}), 400, "invalid-body"),
        (json!({"files": {"requirements.txt": "a==1"}, "platform": "amiga"}), 400, "invalid-body"),
        (json!({"files": {"requirements.txt": "a==1"}, "unknown": 1}), 400, "invalid-body"),
        (
            json!({"repository": {"url": "http://169.254.169.254/a/b", "category": "CODE", "entry": "a.py"}}),
            422,
            "invalid-submission",
        ),
        (json!({"repository": {"url": "https://internal.example/a/b", "category": "CODE"}}), 422, "invalid-submission"),
        (json!({"repository": {"url": "https://u:p@github.com/a/b", "category": "CODE"}}), 422, "invalid-submission"),
        (json!({"repository": {"url": "https://github.com/a/b", "category": "BOOK"}}), 400, "invalid-body"),
        (
            json!({"repository": {"url": "https://github.com/a/b", "category": "CODE", "token": "x"}}),
            400,
            "invalid-body",
        ),
        (
            json!({"files": {"requirements.txt": "a==1"}, "repository": {"url": "https://github.com/a/b", "category": "CODE"}}),
            400,
            "invalid-body",
        ),
        (json!("x".repeat(13 << 20)), 413, "body-too-large"),
    ] {
        let got = scene.ask(&ann, "POST", "/drafts", Some(&body)).await;
        assert_eq!((got.status, got.code().as_str()), (status, code), "{}", got.text());
    }
    assert_eq!(scene.eco.pypi.server.total_requests() + scene.eco.npm.server.total_requests(), 0);
}

/// 1,000 requests at the same time, over HTTP, for a package that nobody has certified: one audit, and one submission for each
/// who asked.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_requests_for_the_same_package_make_one_audit() {
    let scene = Scene::new().await;
    scene.publish();
    let mut asking = Vec::new();
    for owner in 0..20 {
        let token = scene.token(&format!("owner{owner}"), &[Scope::Read, Scope::Submit]).await;
        let draft = scene.draft(&token, "leaf==1.0\n").await;
        asking.push((token, format!("/drafts/{draft}/submit")));
    }
    let submit = |index: usize| {
        let (scene, (token, path)) = (&scene, &asking[index % 20]);
        async move { scene.ask_with(token, "POST", path, None, &[("idempotency-key", "k")]).await }
    };
    let working = scene.work();
    let asked = futures::future::join_all((0..1_000).map(submit));
    let (answers, ()) = tokio::join!(asked, working);
    let mut ids = BTreeSet::new();
    for got in answers {
        assert_eq!(got.status, 202, "{}", got.text());
        ids.insert(got.json()["submissionId"].as_str().unwrap().to_owned());
    }
    assert_eq!(ids.len(), 20);
    scene.work().await;
    assert_eq!(scene.eco.pypi.downloads(), 1);
    let mut audited = 0;
    for id in ids {
        let now = scene.app.store.submission(&id).await.unwrap().unwrap();
        assert!(now.state.is_final());
        audited += usize::from(String::from_utf8(now.result).unwrap().contains("AUDITED_THIS_SUBMISSION"));
    }
    assert_eq!(audited, 1, "one had it made, the others found it");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_much_work_is_turned_away() {
    let scene = Scene::with(config(), 0).await;
    scene.publish();
    let ann = scene.token("ann", &[Scope::Read, Scope::Submit]).await;
    let draft = scene.draft(&ann, "demo==1.0\n").await;
    let now = Timestamp::from_millis(scene.app.clock.load(Ordering::SeqCst));
    let job = NewJob {
        kind: "audit_package",
        class: "elsewhere".to_owned(),
        key: "k".to_owned(),
        priority: 0,
        payload: b"{}".to_vec(),
        max_attempts: 1,
        due_at: now,
    };
    scene.app.store.enqueue(&[job], now).await.unwrap();
    let key = [("idempotency-key", "k")];
    let got = scene.ask_with(&ann, "POST", &format!("/drafts/{draft}/submit"), None, &key).await;
    assert_eq!((got.status, got.code().as_str(), got.header("retry-after")), (503, "unavailable", "60"));
    assert!(scene.ask(&ann, "GET", "/submissions", None).await.json()["items"].as_array().unwrap().is_empty());
}

/// An ecosystem is away: whoever looks is told for whom a submission waits and until when, and it goes on by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_submission_says_for_whom_it_waits() {
    let scene = Scene::new().await;
    scene.publish();
    let ann = scene.token("ann", &[Scope::Read, Scope::Submit]).await;
    let root = scene.token("root", &[Scope::Admin]).await;
    let draft = scene.draft(&ann, "demo==1.0\n").await;
    scene.eco.pypi.server.misbehave_everywhere(Misbehaviour::Status(503));
    let got = scene.ask(&ann, "POST", &format!("/drafts/{draft}/package-preview"), None).await;
    assert_eq!((got.status, got.code().as_str(), got.header("retry-after")), (503, "unavailable", "30"));
    let why = "PyPI answers with the status 503, and does not say which versions to take";
    assert_eq!(got.json()["detail"], why);

    let key = [("idempotency-key", "k")];
    let got = scene.ask_with(&ann, "POST", &format!("/drafts/{draft}/submit"), None, &key).await.json();
    assert_eq!(got["waitingFor"], json!([]));
    let at = format!("/submissions/{}", got["submissionId"].as_str().unwrap());
    let worker = Worker::new(scene.hall.clone(), "test", WorkerConfig { poll_millis: 10, ..WorkerConfig::default() });
    let rests = async {
        while scene.ask(&ann, "GET", &at, None).await.json()["waitingFor"][0]["nextAttemptAt"].is_null() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    worker.run(rests).await;
    let now = scene.ask(&ann, "GET", &at, None).await.json();
    let next = now["waitingFor"][0]["nextAttemptAt"].clone();
    let waiting = json!([{"reason": "PyPI answers with the status 503", "packages": null, "nextAttemptAt": next}]);
    assert_eq!((&now["state"], &now["waitingFor"]), (&json!("queued"), &waiting));
    let jobs = "/api/v1/sigma/admin/jobs?state=pending";
    let bearer = format!("Bearer {root}");
    let jobs = scene.app.send("GET", jobs, &[("authorization", &bearer)], b"").await.json();
    assert_eq!(jobs["outages"], json!([{"reason": waiting[0]["reason"], "jobs": 1, "nextAttemptAt": next}]));
    assert_eq!((&jobs["items"][0]["outage"], &jobs["items"][0]["attempts"]), (&waiting[0]["reason"], &json!(0)));
    assert_eq!(jobs["items"][0]["dueAt"], next);

    // Live: without an id, so that whoever connects again goes on where the history was.
    let mut stream = tokio::net::TcpStream::connect(scene.app.address).await.unwrap();
    let request = format!(
        "GET {BASE}{at}/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {ann}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut live = Vec::new();
    let told = format!("event: waiting\ndata: {}\n", json!({"waitingFor": waiting}));
    while !String::from_utf8_lossy(&live).contains(&told) {
        let read = stream.read_buf(&mut live).await.unwrap();
        assert!(read > 0, "{}", String::from_utf8_lossy(&live));
    }
    scene.eco.pypi.server.behave();
    scene.app.clock.fetch_add(2_500, Ordering::SeqCst);
    scene.work().await;
    stream.read_to_end(&mut live).await.unwrap();
    assert!(String::from_utf8_lossy(&live).contains(r#""state":"cleared""#), "{}", String::from_utf8_lossy(&live));
    let now = scene.ask(&ann, "GET", &at, None).await.json();
    assert_eq!((&now["state"], &now["waitingFor"]), (&json!("cleared"), &json!([])));
    let history = scene.ask(&ann, "GET", &format!("{at}/history"), None).await.text();
    assert!(!history.contains("waiting"), "{history}");
}

#[tokio::test(flavor = "multi_thread")]
async fn drafts_are_listed_for_their_owner() {
    let scene = Scene::new().await;
    let both = [Scope::Read, Scope::Submit];
    let (ann, bob) = (scene.token("ann", &both).await, scene.token("bob", &both).await);
    let mut made = Vec::new();
    for version in ["1.0", "1.1", "1.2"] {
        made.push(scene.draft(&ann, &format!("demo=={version}\n")).await);
        scene.app.clock.fetch_add(1_000, Ordering::SeqCst);
    }
    made.reverse();
    let page = async |token: &str, query: &str| scene.ask(token, "GET", &format!("/drafts{query}"), None).await;
    let ids = |page: &Value| -> Vec<String> {
        page["items"].as_array().unwrap().iter().map(|one| one["draftId"].as_str().unwrap().to_owned()).collect()
    };
    let first = page(&ann, "?limit=2").await;
    assert_eq!(first.header("cache-control"), "no-store", "nobody else keeps it");
    let first = first.json();
    assert_eq!(ids(&first), made[..2]);
    let next = page(&ann, &format!("?limit=2&cursor={}", first["nextCursor"].as_str().unwrap())).await.json();
    assert_eq!((ids(&next), &next["nextCursor"]), (made[2..].to_vec(), &Value::Null));
    assert!(ids(&page(&bob, "").await.json()).is_empty());
    for wrong in ["?limit=0", "?limit=101", "?cursor=x", "?x=1"] {
        let got = page(&ann, wrong).await;
        assert_eq!((got.status, got.code().as_str()), (400, "invalid-query"), "{wrong}");
    }
    let got = page(&ann, "?x=1").await.json();
    assert_eq!(got["detail"], "x: unknown field `x`, expected `limit` or `cursor`");
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_say_how_many_packages_one_submission_may_have_audited() {
    let scene = Scene::capped(AuditsConfig { transitive_cap: 5, most_transitive: 9 }).await;
    let ann = scene.token("ann", &[Scope::Read, Scope::Submit]).await;
    let draft = async |cap: Value| {
        let body = json!({"files": {"requirements.txt": "demo==1.0\n"}, "transitiveCap": cap});
        scene.ask(&ann, "POST", "/drafts", Some(&body)).await
    };
    assert_eq!(draft(Value::Null).await.json()["transitiveCap"], 5);
    assert_eq!(draft(json!(9)).await.json()["transitiveCap"], 9);
    let got = draft(json!(10)).await;
    assert_eq!((got.status, got.code().as_str()), (400, "invalid-body"));
    assert_eq!(got.json()["detail"], "got transitiveCap 10, expected at most 9");
}
