//! Real worker processes: killed at random moments, asked to end, several on one store. And the commands for tokens and
//! jobs, as an operator meets them.

mod program;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use sigma_analysis::{Analyser, Limits};
use sigma_core::{PackageId, Target, Timestamp};
use sigma_ecosystem::manifest::ReadOptions;
use sigma_ecosystem::{EcosystemConfig, Ecosystems};
use sigma_pipeline::{Hall, HallConfig, Project, ProjectFiles};
use sigma_store::{Database, Draft, JobState, Store, SubmissionState};
use sigma_testkit::{FakeEcosystem, Misbehaviour, Wheel, fresh_postgres};
use tempfile::TempDir;
use url::Url;

use program::sigma;

#[path = "workers/faults.rs"]
mod faults;
#[path = "workers/many.rs"]
mod many;
#[path = "workers/operators.rs"]
mod operators;
#[path = "workers/reviews.rs"]
mod reviews;

struct Scene {
    eco: FakeEcosystem,
    folder: TempDir,
    database: Option<String>,
}

impl Scene {
    /// With workers whose leases run out after a second, so that others take over soon.
    fn new() -> Self {
        let scene =
            Self { eco: FakeEcosystem::start(), folder: tempfile::tempdir().unwrap(), database: fresh_postgres() };
        let config = "[worker]\nlease_seconds = 1\npoll_millis = 20\nfirst_pause_millis = 20\njobs = 4\n";
        std::fs::write(scene.folder.path().join("config.toml"), config).unwrap();
        scene
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = sigma(self.folder.path(), &self.eco, arguments);
        command
            .env("SIGMA_CONFIG", self.folder.path().join("config.toml"))
            .envs(self.database.as_ref().map(|url| ("SIGMA_DATABASE_URL", url)));
        command
    }

    fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let Output { status, stdout, stderr } = self.command(arguments).output().unwrap();
        (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
    }

    fn worker(&self) -> Child {
        self.command(&["worker"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// The same store, seen from the test's own process.
    async fn hall(&self) -> Hall {
        let database = self.database.as_ref().map_or(Database::Embedded, |url| url.parse().unwrap());
        let store = Store::open(&self.root(), &database).await.unwrap();
        let ecosystems = Ecosystems::new(EcosystemConfig::official(self.root().join("cache"))).unwrap();
        let clock = Arc::new(now);
        Hall::new(ecosystems, store, Analyser::new(Limits::default()), clock, HallConfig::default()).unwrap()
    }

    async fn submit(&self, hall: &Hall, owner: &str, requirements: &str) -> String {
        let mut read = ReadOptions::default();
        read.pypi_indexes.push(Url::parse(&self.eco.pypi.index_url()).unwrap());
        let files = ProjectFiles::from([("requirements.txt".to_owned(), requirements.to_owned())]);
        let project = Project::read(&files, Target::default(), &read).unwrap();
        let draft = Draft {
            id: format!("drf_{owner}"),
            owner: owner.to_owned(),
            project: serde_json::to_vec(&project).unwrap(),
            created_at: now(),
        };
        hall.store().add_draft(&draft).await.unwrap();
        hall.submit(&draft, "k", 1_000_000).await.unwrap().id
    }
}

fn now() -> Timestamp {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_millis(i64::try_from(now.as_millis()).unwrap())
}

fn pure(name: &str, version: &str) -> Wheel {
    Wheel::new(name, version).file(&format!("{name}/__init__.py"), "VALUE = 1\n")
}

/// Numbers that look random and are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// `kill -9` of worker processes at 100 moments, or as many as `SIGMA_TEST_KILLS` says.
#[tokio::test(flavor = "multi_thread")]
async fn killed_workers_lose_nothing_and_double_nothing() {
    let kills: usize = std::env::var("SIGMA_TEST_KILLS").map_or(100, |text| text.parse().unwrap());
    let scene = Scene::new();
    let hall = scene.hall().await;
    let mut random = Random(42);
    let (mut workers, mut killed, mut round) = (vec![scene.worker(), scene.worker()], 0, 0);
    let mut submissions: Vec<String> = Vec::new();
    let mut packages: Vec<String> = Vec::new();
    while killed < kills {
        // Two owners need the same new packages at the same time, which arrive slowly.
        let names: Vec<String> = (0..4).map(|index| format!("p{round}x{index}")).collect();
        for name in &names {
            let built = scene.eco.pypi.add(pure(name, "1.0").build());
            let path = Url::parse(&built.url).unwrap().path().to_owned();
            scene.eco.pypi.server.misbehave(&path, Misbehaviour::Slow(4_000));
        }
        let requirements: String = names.iter().map(|name| format!("{name}==1.0\n")).collect();
        packages.extend(names);
        for owner in ["ann", "bob"] {
            submissions.push(scene.submit(&hall, &format!("{owner}{round}"), &requirements).await);
        }
        round += 1;
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_millis(150 + random.below(900))).await;
            let which = usize::try_from(random.below(2)).unwrap();
            workers[which].kill().unwrap();
            workers[which].wait().unwrap();
            workers[which] = scene.worker();
            killed += 1;
        }
    }
    let patience = Instant::now() + Duration::from_secs(240);
    loop {
        let mut open = 0;
        for id in &submissions {
            open += usize::from(!hall.store().submission(id).await.unwrap().unwrap().state.is_final());
        }
        if open == 0 {
            break;
        }
        assert!(Instant::now() < patience, "{open} submission(s) did not end");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for worker in &mut workers {
        worker.kill().unwrap();
        worker.wait().unwrap();
    }

    let mut audited: BTreeMap<String, usize> = BTreeMap::new();
    for id in &submissions {
        let submission = hall.store().submission(id).await.unwrap().unwrap();
        assert_eq!(submission.state, SubmissionState::Cleared, "{}", String::from_utf8_lossy(&submission.result));
        let events = hall.store().events(id, 0, 1_000).await.unwrap();
        let of = |kind: &str| events.iter().filter(|event| event.kind == kind).count();
        assert_eq!((of("queued"), of("planned"), of("ended")), (1, 1, 1));
        assert!(events.iter().map(|event| event.seq).eq(1..=submission.events));
        let result: Value = serde_json::from_slice(&submission.result).unwrap();
        for entry in result["packageAnalysis"]["packages"].as_array().unwrap() {
            if entry["status"] == "AUDITED_THIS_SUBMISSION" {
                *audited.entry(entry["packageName"].as_str().unwrap().to_owned()).or_default() += 1;
            }
        }
    }
    for package in &packages {
        let id: PackageId = format!("pypi:{package}@1.0").parse().unwrap();
        assert_eq!(hall.store().certificates_of(&id).await.unwrap().len(), 1, "{package} is certified once");
        assert_eq!(audited.get(package), Some(&1), "{package} is paid for once");
    }
    let totals = hall.store().totals().await.unwrap();
    let (submitted, saved) = (submissions.len() as u64, 2 * packages.len() as u64);
    assert_eq!((totals.submissions, totals.saved_usd), (submitted, saved), "what one had made, the other saved, once");
    assert!(hall.store().jobs(JobState::Dead, None, 9).await.unwrap().is_empty());
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn workers_share_the_work_and_end_when_they_are_asked_to() {
    let scene = Scene::new();
    let hall = scene.hall().await;
    let names: Vec<String> = (0..40).map(|index| format!("p{index}")).collect();
    for name in &names {
        scene.eco.pypi.add(pure(name, "1.0").build());
    }
    let requirements: String = names.iter().map(|name| format!("{name}==1.0\n")).collect();
    let id = scene.submit(&hall, "ann", &requirements).await;
    let mut workers: Vec<Child> = (0..4)
        .map(|_| {
            scene.command(&["worker", "--until-idle"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        })
        .collect();
    for worker in &mut workers {
        assert_eq!(worker.wait().unwrap().code(), Some(0));
    }
    assert_eq!(hall.store().submission(&id).await.unwrap().unwrap().state, SubmissionState::Cleared);
    assert_eq!(scene.eco.pypi.downloads(), 40, "no package is audited twice");

    let mut worker = scene.worker();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let asked = Command::new("kill").arg(worker.id().to_string()).status().unwrap();
    assert!(asked.success());
    let end = Instant::now() + Duration::from_secs(60);
    let code = loop {
        if let Some(status) = worker.try_wait().unwrap() {
            break status.code();
        }
        assert!(Instant::now() < end, "it does not end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    // It may have been asked before it could listen.
    assert!(matches!(code, Some(0) | None), "{code:?}");
}

#[test]
fn a_token_is_shown_once() {
    let scene = Scene::new();
    assert_eq!(scene.run(&["worker", "--until-idle"]).0, Some(0), "the store begins");
    let (code, out, err) = scene.run(&["token", "create", "--owner", "acme", "--scope", "read", "--scope", "submit"]);
    assert_eq!(code, Some(0), "{err}");
    let secret = out.trim();
    let prefix = &secret[..12];
    assert!(secret.starts_with("sgm_") && secret.len() == 56, "{secret}");
    assert!(err.contains(prefix) && !err.contains(secret), "{err}");

    let (_, table, _) = scene.run(&["token", "list"]);
    assert!(table.contains(prefix) && table.contains("read submit") && table.contains("active"), "{table}");
    assert!(!table.contains(secret));
    let (_, json, _) = scene.run(&["token", "list", "--format", "json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json[0]["owner"], &json[0]["status"]), (&Value::from("acme"), &Value::from("active")));

    assert_eq!(scene.run(&["token", "revoke", prefix]).0, Some(0));
    assert_eq!(scene.run(&["token", "revoke", prefix]).0, Some(3), "once");
    assert!(scene.run(&["token", "list"]).1.contains("revoked"));
    for wrong in [
        &["token", "create", "--owner", "acme"][..],
        &["token", "create", "--owner", "a b", "--scope", "read"],
        &["token", "create", "--owner", "acme", "--scope", "everything"],
        &["token", "create", "--owner", "acme", "--scope", "read", "--days", "0"],
    ] {
        assert_eq!(scene.run(wrong).0, Some(2), "{wrong:?}");
    }
}

/// An ecosystem is away: operators see for whom jobs wait, and until when.
#[tokio::test(flavor = "multi_thread")]
async fn jobs_say_for_whom_they_wait() {
    let scene = Scene::new();
    let hall = scene.hall().await;
    scene.eco.pypi.server.misbehave_everywhere(Misbehaviour::Status(503));
    let submission = scene.submit(&hall, "ann", "demo==1.0\n").await;
    let job = hall.store().submission(&submission).await.unwrap().unwrap().job;
    let mut worker = scene.worker();
    let patience = Instant::now() + Duration::from_secs(60);
    while hall.store().outages(Some(&job)).await.unwrap().first().is_none_or(|outage| outage.next_at.is_none()) {
        assert!(Instant::now() < patience, "it does not rest");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    worker.kill().unwrap();
    worker.wait().unwrap();
    let (_, out, _) = scene.run(&["jobs", "list", "--state", "pending"]);
    assert!(out.contains("       1  waiting: PyPI answers with the status 503; asked again at 20"), "{out}");
    let (_, out, _) = scene.run(&["jobs", "list", "--state", "pending", "--format", "json"]);
    let json: Value = serde_json::from_str(&out).unwrap();
    let rests = (&json["outages"][0]["reason"], &json["outages"][0]["jobs"], &json["jobs"][0]["outage"]);
    let reason = Value::from("PyPI answers with the status 503");
    assert_eq!(rests, (&reason, &1.into(), &reason), "{out}");
    assert_eq!(json["outages"][0]["nextAttemptAt"], json["jobs"][0]["dueAt"]);
    // It is back: nobody has to do anything.
    scene.eco.pypi.server.behave();
    scene.eco.pypi.add(pure("demo", "1.0").build());
    assert_eq!(scene.run(&["worker", "--until-idle"]).0, Some(0));
    let ended = hall.store().submission(&submission).await.unwrap().unwrap();
    assert_eq!(ended.state, SubmissionState::Cleared, "{}", String::from_utf8_lossy(&ended.result));
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_seen_and_run_again() {
    let scene = Scene::new();
    let hall = scene.hall().await;
    scene.eco.pypi.server.misbehave_everywhere(Misbehaviour::Status(404));
    scene.eco.pypi.add(pure("demo", "1.0").build());
    let (_, out, _) = scene.run(&["jobs", "list"]);
    assert_eq!(out, "nothing is waiting, running or dead\n");
    let job = sigma_store::NewJob {
        kind: "of-tomorrow",
        class: "pypi".to_owned(),
        key: "k".to_owned(),
        priority: 0,
        payload: b"{}".to_vec(),
        max_attempts: 1,
        due_at: now(),
    };
    hall.store().enqueue(&[job], now()).await.unwrap();
    assert_eq!(scene.run(&["worker", "--until-idle"]).0, Some(0));
    let (_, out, _) = scene.run(&["jobs", "list", "--format", "json"]);
    let json: Value = serde_json::from_str(&out).unwrap();
    let dead = &json["jobs"][0];
    assert_eq!(dead["lastError"], "this version knows no job of the kind of-tomorrow");
    let id = dead["id"].as_str().unwrap();
    assert!(scene.run(&["jobs", "list"]).1.contains(id));
    let retry = ["jobs", "retry", id, "--by", "ann", "--reason", "a newer worker runs now"];
    assert_eq!(scene.run(&retry).0, Some(0));
    assert_eq!(scene.run(&retry).0, Some(3), "it is not dead any more");
    assert!(scene.run(&["jobs", "list", "--state", "pending"]).1.contains(id));
}
