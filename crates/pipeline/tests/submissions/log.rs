//! Where the store has a transparency log, a submission ends when what it tells of is announced.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_submission_ends_when_its_certificates_are_in_the_log() {
    let scene = Scene::new();
    scene.eco.pypi.add(Wheel::new("demo", "1.0").file("demo/__init__.py", "VALUE = 1\n").build());
    let hall = scene.hall().await;
    let folder = LedgerFolder::new(&scene.folder.path().join("ledger"), None);
    let now = Timestamp::from_millis(1_800_000_000_000);
    folder.create("sigma.example.org/log", None, now).unwrap();
    hall.store().bind_log("sigma.example.org/log", now).await.unwrap();
    let draft = scene.draft(&hall, "ann", "demo==1.0\n").await;
    let submission = submit(&hall, &draft, "k").await;
    let worker = hall.clone();
    let working = tokio::spawn(async move { work(&worker).await });
    let state = async || hall.store().submission(&submission.id).await.unwrap().unwrap().state;
    let waits = async || {
        for _ in 0..500 {
            if state().await == SubmissionState::Announcing {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("it is {}", state().await);
    };
    waits().await;
    // However long that takes.
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    waits().await;
    assert!(!story(&hall, &submission).await.contains("ended"));
    let synced = folder.open().unwrap().sync(hall.store(), false, now).await.unwrap();
    assert_eq!((synced.certificates, synced.size), (1, 2), "the certificate and a status list");
    working.await.unwrap();
    assert_eq!(state().await, SubmissionState::Cleared);
    assert!(story(&hall, &submission).await.contains("ended"));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_have_the_keys_one_writes_and_the_other_takes_its_place() {
    let scene = Scene::new();
    let hall = scene.hall().await;
    let folder = LedgerFolder::new(&scene.folder.path().join("ledger"), None);
    let clock = || Arc::new(|| Timestamp::from_millis(1_800_000_000_000)) as Clock;
    folder.create("sigma.example.org/log", None, clock()()).unwrap();
    let ends: Vec<_> = (0..2)
        .map(|_| {
            let (end, ended) = tokio::sync::oneshot::channel::<()>();
            let ended = async move { drop(ended.await) };
            (end, tokio::spawn(keep_log(folder.clone(), hall.store().clone(), clock(), ended)))
        })
        .collect();
    let audit = async |name: &str| {
        scene.eco.pypi.add(Wheel::new(name, "1.0").file("x/__init__.py", "VALUE = 1\n").build());
        let manifests = vec![manifest_of(&format!("pypi:{name}@1.0").parse().unwrap(), "test")];
        hall.audit_project(manifests, &AuditOptions::default(), &Silent).await.unwrap();
        for _ in 0..1000 {
            let bound = hall.store().log_origin().await.unwrap().is_some();
            if bound && hall.store().unannounced().await.unwrap() == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("nobody announces {name}");
    };
    audit("first").await;
    // Whichever of them it is that writes: the first to end may be it or not.
    for (index, (end, task)) in ends.into_iter().enumerate() {
        audit(&format!("while{index}")).await;
        drop(end);
        task.await.unwrap();
    }
    assert_eq!(folder.reader().unwrap().fsck().unwrap().problems, Vec::<String>::new());
}
