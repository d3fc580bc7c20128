//! Ecosystems that are away for hours, and come back or do not.

use std::sync::atomic::{AtomicI64, Ordering};

use sigma_store::Outage;

use super::*;

const HOUR: i64 = 3_600_000;

/// Works until the submission waits for somebody, to be asked again later.
async fn work_until_it_rests(hall: &Hall, config: &WorkerConfig, submission: &Submission, offset: &AtomicI64) {
    let rests = async {
        loop {
            let outages = hall.store().outages(Some(&submission.job)).await.unwrap();
            if outages.iter().any(|outage| outage.next_at.is_some_and(|at| at.as_millis() > hall_now(offset))) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let worker = Worker::new(hall.clone(), "test", config.clone());
    tokio::time::timeout(Duration::from_secs(60), worker.run(rests)).await.expect("it rests");
}

/// As operators set it, but for the time between two looks.
fn patient() -> WorkerConfig {
    WorkerConfig { poll_millis: 10, ..WorkerConfig::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submission_outlasts_an_ecosystem_that_is_away_for_hours() {
    let scene = Scene { attempts: 1, ..Scene::new() };
    scene.eco.pypi.add(pure("demo", "1.0").build());
    scene.eco.npm.add(NpmTarball::new("other", "1.0.0").file("index.js", "module.exports = 1;\n").build());
    let offset = Arc::new(AtomicI64::new(0));
    let hall = scene.hall_at(offset.clone()).await;
    let draft = scene.draft(&hall, "ann", "demo==1.0\n").await;
    scene.eco.pypi.server.misbehave_everywhere(Misbehaviour::Status(503));
    let submission = submit(&hall, &draft, "k").await;
    let one = WorkerConfig { jobs: 1, ..patient() };
    // Many more runs than a failure of ours has.
    let mut runs = 0;
    while offset.load(Ordering::SeqCst) < 5 * HOUR {
        work_until_it_rests(&hall, &one, &submission, &offset).await;
        runs += 1;
        let outages = hall.store().outages(Some(&submission.job)).await.unwrap();
        let Outage { reason, jobs: resting, next_at } = outages.first().cloned().expect("it says for whom it waits");
        assert_eq!((reason.as_str(), resting), ("PyPI answers with the status 503", 1));
        let job = hall.store().job(&submission.job).await.unwrap().unwrap();
        assert_eq!((job.state, job.attempts, Some(job.due_at)), (JobState::Pending, 0, next_at), "it holds no worker");
        assert!(job.last_error.contains("/simple/demo/"), "operators are told more: {}", job.last_error);
        // On to the next run, by at most ten minutes.
        let now = hall_now(&offset);
        assert!(job.due_at.as_millis() - now <= 600_000, "{} ms", job.due_at.as_millis() - now);
        offset.fetch_add((job.due_at.as_millis() - now).max(0) + 1, Ordering::SeqCst);
    }
    assert!((30..100).contains(&runs), "{runs}");
    let now = hall.store().submission(&submission.id).await.unwrap().unwrap();
    assert_eq!(now.state, SubmissionState::Queued);
    // The only place of the worker is free for others meanwhile.
    let read = |project| project;
    let other = r#"{"dependencies": {"other": "1.0.0"}}"#;
    let other = scene.draft_of(&hall, "bob", "package.json", other, read).await;
    let other = submit(&hall, &other, "k").await;
    let worker = Worker::new(hall.clone(), "test", one.clone());
    let other_ends = async {
        while !hall.store().submission(&other.id).await.unwrap().unwrap().state.is_final() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), worker.run(other_ends)).await.expect("it ends");
    let ended = hall.store().submission(&other.id).await.unwrap().unwrap();
    assert_eq!(ended.state, SubmissionState::Cleared, "{}", story(&hall, &other).await);

    scene.eco.pypi.server.behave();
    offset.fetch_add(HOUR, Ordering::SeqCst);
    work(&hall).await;
    let ended = hall.store().submission(&submission.id).await.unwrap().unwrap();
    assert_eq!(ended.state, SubmissionState::Cleared, "{}", story(&hall, &submission).await);
    assert!(hall.store().jobs(JobState::Dead, None, 9).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn audits_rest_while_files_cannot_be_had_and_as_long_as_was_asked_for() {
    let scene = Scene { attempts: 1, ..Scene::new() };
    let built = scene.eco.pypi.add(pure("demo", "1.0").build());
    let path = Url::parse(&built.url).unwrap().path().to_owned();
    scene.eco.pypi.server.misbehave(&path, Misbehaviour::Busy(429, 1_800));
    let offset = Arc::new(AtomicI64::new(0));
    let hall = scene.hall_at(offset.clone()).await;
    let submission = submit(&hall, &scene.draft(&hall, "ann", "demo==1.0\n").await, "k").await;
    let began = hall_now(&offset);
    work_until_it_rests(&hall, &patient(), &submission, &offset).await;
    let outages = hall.store().outages(Some(&submission.job)).await.unwrap();
    assert_eq!((outages.len(), outages[0].jobs), (1, 1));
    assert_eq!(outages[0].reason, "PyPI asks for a pause (status 429)");
    let pause = outages[0].next_at.unwrap().as_millis() - began;
    assert!((1_800_000..1_810_000).contains(&pause), "{pause} ms");
    assert_eq!(scene.eco.pypi.server.requests(&path), 1);
    let worker = Worker::new(hall.clone(), "test", patient());
    worker.run(tokio::time::sleep(Duration::from_millis(300))).await;
    assert_eq!(scene.eco.pypi.server.requests(&path), 1, "it is left alone");
    // A day of pauses and more than is borne is asked for: an hour at most.
    scene.eco.pypi.server.behave();
    scene.eco.pypi.server.misbehave(&path, Misbehaviour::Busy(503, 1_000_000));
    offset.fetch_add(1_810_000, Ordering::SeqCst);
    let before = hall_now(&offset);
    work_until_it_rests(&hall, &patient(), &submission, &offset).await;
    let outages = hall.store().outages(Some(&submission.job)).await.unwrap();
    let pause = outages[0].next_at.unwrap().as_millis() - before;
    assert!((HOUR..HOUR + 10_000).contains(&pause), "{pause} ms");
    scene.eco.pypi.server.behave();
    offset.fetch_add(2 * HOUR, Ordering::SeqCst);
    work(&hall).await;
    let ended = hall.store().submission(&submission.id).await.unwrap().unwrap();
    assert_eq!(ended.state, SubmissionState::Cleared, "{}", story(&hall, &submission).await);
}

/// An index asks for a pause through uv's client, which does not tell of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_an_index_asks_for_is_heard() {
    let scene = Scene { attempts: 1, ..Scene::new() };
    scene.eco.pypi.add(pure("demo", "1.0").build());
    scene.eco.pypi.server.misbehave_everywhere(Misbehaviour::Busy(429, 1_200));
    let offset = Arc::new(AtomicI64::new(0));
    let hall = scene.hall_at(offset.clone()).await;
    let submission = submit(&hall, &scene.draft(&hall, "ann", "demo==1.0\n").await, "k").await;
    let began = hall_now(&offset);
    work_until_it_rests(&hall, &patient(), &submission, &offset).await;
    let outages = hall.store().outages(Some(&submission.job)).await.unwrap();
    let pause = outages[0].next_at.unwrap().as_millis() - began;
    assert!((1_200_000..1_210_000).contains(&pause), "{pause} ms");
}

#[tokio::test(flavor = "multi_thread")]
async fn patience_ends_and_says_whose_fault_it_was() {
    let scene = Scene { attempts: 1, ..Scene::new() };
    let built = scene.eco.pypi.add(pure("demo", "1.0").build());
    let path = Url::parse(&built.url).unwrap().path().to_owned();
    scene.eco.pypi.server.misbehave(&path, Misbehaviour::Status(502));
    let hall = scene.hall().await;
    let impatient = WorkerConfig { outage_hours: 0, ..config() };
    let run =
        async || Worker::new(hall.clone(), "test", impatient.clone()).run_until_idle(std::future::pending()).await;
    let held = submit(&hall, &scene.draft(&hall, "ann", "demo==1.0\n").await, "k").await;
    run().await;
    let ended = hall.store().submission(&held.id).await.unwrap().unwrap();
    let result: Value = serde_json::from_slice(&ended.result).unwrap();
    assert_eq!(ended.state, SubmissionState::Held, "{result}");
    assert!(result["reasons"][0].as_str().unwrap().contains("not fetched: "), "{result}");
    assert!(hall.store().jobs(JobState::Dead, None, 9).await.unwrap().is_empty(), "no matter for an operator");

    scene.eco.pypi.server.misbehave_everywhere(Misbehaviour::Status(502));
    let failed = submit(&hall, &scene.draft(&hall, "ann", "demo==1.0\nmore==1.0\n").await, "k2").await;
    run().await;
    let ended = hall.store().submission(&failed.id).await.unwrap().unwrap();
    let result: Value = serde_json::from_slice(&ended.result).unwrap();
    assert_eq!(ended.state, SubmissionState::Failed, "{result}");
    assert_eq!(result["reasons"][0], "PyPI answers with the status 502, for hours: submit it again later");
    assert!(hall.store().outages(None).await.unwrap().is_empty());
}

/// Whoever asks an ecosystem that does not even refuse waits for its silence: others get half of the worker's places all the same.
#[tokio::test(flavor = "multi_thread")]
async fn an_ecosystem_that_is_silent_takes_no_places_from_another() {
    let scene = Scene { attempts: 1, ..Scene::new() };
    let mut requirements = String::new();
    let mut paths = Vec::new();
    for number in 0..40 {
        let name = format!("p{number}");
        let built = scene.eco.pypi.add(pure(&name, "1.0").build());
        let path = Url::parse(&built.url).unwrap().path().to_owned();
        scene.eco.pypi.server.misbehave(&path, Misbehaviour::Silent);
        paths.push(path);
        requirements.push_str(&format!("{name}==1.0\n"));
    }
    let needs: Vec<String> = (0..3).map(|number| format!("\"n{number}\": \"1.0.0\"")).collect();
    for number in 0..3 {
        let source = format!("module.exports = {number};\n");
        scene.eco.npm.add(NpmTarball::new(&format!("n{number}"), "1.0.0").file("index.js", source).build());
    }
    let hall = scene.hall().await;
    let silent = submit(&hall, &scene.draft(&hall, "ann", &requirements).await, "k").await;
    let package = format!("{{\"dependencies\": {{{}}}}}", needs.join(", "));
    let other = scene.draft_of(&hall, "bob", "package.json", &package, |project| project).await;
    let other = submit(&hall, &other, "k").await;
    let worker = Worker::new(hall.clone(), "test", WorkerConfig { jobs: 2, ..patient() });
    let other_ends = async {
        while !hall.store().submission(&other.id).await.unwrap().unwrap().state.is_final() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(180), worker.run(other_ends)).await.expect("others have their turn");
    let ended = hall.store().submission(&other.id).await.unwrap().unwrap();
    assert_eq!(ended.state, SubmissionState::Cleared, "{}", story(&hall, &other).await);
    let asked = paths.iter().filter(|path| scene.eco.pypi.server.requests(path) > 0).count();
    assert!(asked < 40, "all of those that wait for silence came first");
    assert_eq!(hall.store().submission(&silent.id).await.unwrap().unwrap().state, SubmissionState::Auditing);
}

/// What does not exist, or may not be had, ends at once: another run would change nothing.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_certain_to_fail_again_is_not_tried_again() {
    for status in [404, 403, 451] {
        let scene = Scene { attempts: 1, ..Scene::new() };
        let built = scene.eco.pypi.add(pure("demo", "1.0").build());
        let path = Url::parse(&built.url).unwrap().path().to_owned();
        scene.eco.pypi.server.misbehave(&path, Misbehaviour::Status(status));
        let hall = scene.hall().await;
        let submission = submit(&hall, &scene.draft(&hall, "ann", "demo==1.0\n").await, "k").await;
        Worker::new(hall.clone(), "test", patient()).run_until_idle(std::future::pending()).await;
        let ended = hall.store().submission(&submission.id).await.unwrap().unwrap();
        assert_eq!(ended.state, SubmissionState::Held);
        assert_eq!(scene.eco.pypi.server.requests(&path), 1, "{status}");
    }
}

fn hall_now(offset: &AtomicI64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_millis()).unwrap() + offset.load(Ordering::SeqCst)
}
