//! Commands of packages where they are asked for and cannot be run: that is told, and nothing goes on as if they had been. Runs
//! themselves are the command line's tests.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn runs_that_are_prevented_are_told_once_and_by_whoever_asked() {
    let scene = Scene::new();
    scene.eco.pypi.add(pure("leaf", "1.2").build());
    scene.eco.pypi.add(pure("demo", "2.0").requires("leaf>=1").entry_point("demo", "demo:main").build());
    let quiet = scene.hall().await;
    let asking = quiet.clone().with_review(ReviewRooms { run_entry_points: true, ..ReviewRooms::default() });
    let demo: PackageId = "pypi:demo@2.0".parse().unwrap();
    let executions = async || {
        let certificates = quiet.store().certificates_of(&demo).await.unwrap();
        let reason = |one: &sigma_certificate::PackageCertificate| one.payload().execution.as_ref()?.reason.clone();
        certificates.iter().map(reason).collect::<Vec<_>>()
    };
    let first = scene.draft(&quiet, "ann", "demo==2.0\n").await;
    submit(&quiet, &first, "a").await;
    work(&quiet).await;
    assert_eq!(executions().await, [None]);

    // Asked for, in a submission whose packages are all certified: the certificate without runs does not do.
    let why = Some("the sandbox is turned off".to_owned());
    for (owner, key) in [("bob", "b"), ("cem", "c")] {
        let draft = scene.draft(&asking, owner, "demo==2.0\n").await;
        let submission = submit(&asking, &draft, key).await;
        work(&asking).await;
        let ended = asking.store().submission(&submission.id).await.unwrap().unwrap();
        assert_eq!(ended.state, SubmissionState::Cleared, "{}", String::from_utf8_lossy(&ended.result));
        // The newest first; what is prevented still is not sealed a second time.
        assert_eq!(executions().await, [why.clone(), None]);
    }
    let newest = quiet.store().certificates_of(&demo).await.unwrap().remove(0);
    assert_eq!(
        newest.payload().disclosures[0],
        "The analysis is static: the package's commands were to be run and were not: the \
         sandbox is turned off."
    );
    // Who does not ask is answered by it too, and a package without commands keeps its only certificate.
    let draft = scene.draft(&quiet, "dan", "demo==2.0\nleaf\n").await;
    submit(&quiet, &draft, "d").await;
    work(&quiet).await;
    assert_eq!(executions().await.len(), 2);
    assert_eq!(quiet.store().certificates_of(&"pypi:leaf@1.2".parse().unwrap()).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_runs_is_not_answered_by_a_certificate_without_them() {
    let scene = Scene::new();
    scene.eco.pypi.add(pure("demo", "2.0").entry_point("demo", "demo:main").build());
    let quiet = scene.hall().await;
    let asking = quiet.clone().with_review(ReviewRooms { run_entry_points: true, ..ReviewRooms::default() });
    let draft = scene.draft(&quiet, "ann", "demo==2.0\n").await;
    submit(&quiet, &draft, "a").await;
    work(&quiet).await;
    // The bytes are gone from here, and the index gives others: what cannot be audited again is not taken as it was.
    std::fs::remove_dir_all(scene.folder.path().join("store/blobs")).unwrap();
    std::fs::create_dir_all(scene.folder.path().join("store/blobs")).unwrap();
    scene.eco.pypi.server.misbehave_everywhere(Misbehaviour::WrongBytes);
    let draft = scene.draft(&asking, "bob", "demo==2.0\n").await;
    let submission = submit(&asking, &draft, "b").await;
    work(&asking).await;
    let ended = asking.store().submission(&submission.id).await.unwrap().unwrap();
    assert!(
        matches!(ended.state, SubmissionState::Stopped | SubmissionState::Held | SubmissionState::Failed),
        "{:?} {}",
        ended.state,
        String::from_utf8_lossy(&ended.result)
    );
}
