//! Clocks that jump, and ecosystems that are slow or lie half-way.

use std::sync::atomic::{AtomicI64, Ordering};

use super::*;

/// The clock is set forwards and back by days while packages are fetched: nothing is lost, doubled, or late for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_changes_nothing_about_the_outcome() {
    let scene = Scene::new();
    let names: Vec<String> = (0..8).map(|index| format!("p{index}")).collect();
    for name in &names {
        let built = scene.eco.pypi.add(pure(name, "1.0").build());
        let path = Url::parse(&built.url).unwrap().path().to_owned();
        scene.eco.pypi.server.misbehave(&path, Misbehaviour::Slow(3_000));
    }
    let offset = Arc::new(AtomicI64::new(0));
    let hall = scene.hall_at(offset.clone()).await;
    let requirements: String = names.iter().map(|name| format!("{name}==1.0\n")).collect();
    let draft = scene.draft(&hall, "ann", &requirements).await;
    let submission = submit(&hall, &draft, "k").await;
    let twin = submit(&hall, &scene.draft(&hall, "bob", &requirements).await, "k").await;
    let short = WorkerConfig { lease_seconds: 1, jobs: 3, ..config() };
    let workers: Vec<_> = (0..2)
        .map(|number| {
            let (hall, short) = (hall.clone(), short.clone());
            tokio::spawn(
                async move { Worker::new(hall, &format!("w{number}"), short).run(std::future::pending()).await },
            )
        })
        .collect();
    let day = 24 * 3_600_000;
    let jumps = [day, 3 * day, -2 * day, 30 * day, -40 * day, 0, day, -day];
    let patience = std::time::Instant::now() + Duration::from_secs(120);
    let ended = async |id: &str| hall.store().submission(id).await.unwrap().unwrap().state.is_final();
    for jump in jumps.iter().cycle() {
        if ended(&submission.id).await && ended(&twin.id).await {
            break;
        }
        assert!(std::time::Instant::now() < patience, "{}", story(&hall, &submission).await);
        tokio::time::sleep(Duration::from_millis(150)).await;
        offset.store(*jump, Ordering::SeqCst);
    }
    for worker in workers {
        worker.abort();
    }
    for one in [&submission, &twin] {
        let now = hall.store().submission(&one.id).await.unwrap().unwrap();
        assert_eq!(now.state, SubmissionState::Cleared, "{}", story(&hall, one).await);
    }
    for name in &names {
        let package = format!("pypi:{name}@1.0").parse().unwrap();
        assert_eq!(hall.store().certificates_of(&package).await.unwrap().len(), 1, "{name} is certified once");
    }
    let totals = hall.store().totals().await.unwrap();
    assert_eq!((totals.submissions, totals.saved_usd), (2, 2 * names.len() as u64), "paid for once, saved once");
    assert!(hall.store().jobs(JobState::Dead, None, 9).await.unwrap().is_empty());
}

/// Each package meets another fault. What passes by itself is certified; what lies blocks; what stays away is told.
#[tokio::test(flavor = "multi_thread")]
async fn an_ecosystem_that_lies_half_way_harms_only_what_it_lies_about() {
    let scene = Scene::new();
    let (slow, never) = (Misbehaviour::Slow(20_000), usize::MAX);
    let faults = [
        ("good", Misbehaviour::Status(200), 0),
        ("slow", slow, never),
        ("halved", Misbehaviour::HalfBody, 2),
        ("flaky", Misbehaviour::Status(503), 2),
        ("garbled", Misbehaviour::Garbage, 1),
        ("changed", Misbehaviour::WrongBytes, never),
        ("longer", Misbehaviour::Longer(7), never),
        ("shorter", Misbehaviour::Shorter(40), never),
        ("gone", Misbehaviour::Status(410), never),
        ("encoded", Misbehaviour::Encoded("gzip"), never),
    ];
    let mut requirements = String::new();
    for (name, fault, times) in &faults {
        let built = scene.eco.pypi.add(pure(name, "1.0").build());
        let path = Url::parse(&built.url).unwrap().path().to_owned();
        scene.eco.pypi.server.misbehave(&path, fault.clone()).times(*times);
        requirements.push_str(&format!("{name}==1.0\n"));
    }
    let hall = scene.hall().await;
    let draft = scene.draft(&hall, "ann", &requirements).await;
    let submission = submit(&hall, &draft, "k").await;
    work(&hall).await;
    let ended = hall.store().submission(&submission.id).await.unwrap().unwrap();
    assert_eq!(ended.state, SubmissionState::Stopped, "bytes that are not the published ones stop it");
    let result: Value = serde_json::from_slice(&ended.result).unwrap();
    let reasons = result["reasons"].to_string();
    let mut certified = Vec::new();
    for (name, ..) in &faults {
        let package = format!("pypi:{name}@1.0").parse().unwrap();
        let count = hall.store().certificates_of(&package).await.unwrap().len();
        assert!(count <= 1);
        if count == 1 {
            certified.push(*name);
            assert!(!reasons.contains(&format!(":{name}@")), "{reasons}");
        }
    }
    assert_eq!(certified, ["good", "slow", "halved", "flaky"], "{reasons}");
    for name in ["garbled", "changed", "longer", "shorter"] {
        assert!(reasons.contains(&format!("pypi:{name}@1.0 (DIRECT): integrity mismatch")), "{reasons}");
    }
    for name in ["garbled", "changed", "longer", "shorter", "gone", "encoded"] {
        let rows = result["packageAnalysis"]["packages"].as_array().unwrap();
        let row = rows.iter().find(|row| row["packageName"] == name).unwrap();
        assert_eq!(row["status"], "UNCERTIFIED", "{row}");
    }
    assert!(hall.store().jobs(JobState::Dead, None, 9).await.unwrap().is_empty(), "no matter for an operator");
}

/// The index itself answers half, then garbage, then slowly: the submission ends as it would have without that.
#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_fails_half_way_is_asked_again() {
    let scene = Scene::new();
    scene.eco.pypi.add(pure("leaf", "1.0").build());
    scene.eco.pypi.add(pure("demo", "1.0").requires("leaf").build());
    for fault in [Misbehaviour::HalfBody, Misbehaviour::Status(502), Misbehaviour::Busy(429, 0)] {
        scene.eco.pypi.server.misbehave_everywhere(fault).times(2);
    }
    let hall = scene.hall().await;
    let draft = scene.draft(&hall, "ann", "demo==1.0\n").await;
    let submission = submit(&hall, &draft, "k").await;
    work(&hall).await;
    let ended = hall.store().submission(&submission.id).await.unwrap().unwrap();
    assert_eq!(ended.state, SubmissionState::Cleared, "{}", story(&hall, &submission).await);
    let result: Value = serde_json::from_slice(&ended.result).unwrap();
    assert_eq!(result["packageAnalysis"]["packages"].as_array().unwrap().len(), 2);
}
